"""What the server says while it runs: sentences for people, or a line of JSON for each for programs."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["quiet", "text", "json"]


class JsonLines(logging.Formatter):
    """A line of JSON for each record: time, level, message, and what the record carries beside them."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if isinstance(record.args, dict):
            line |= record.args
        else:
            line["message"] = record.getMessage()
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(how: LogFormat) -> None:
    """Let what is logged go to stderr.

    Args:
        how: ``quiet``, what people should know; ``text`` and ``json``, a line for each request too.
    """
    handler = logging.StreamHandler(sys.stderr)
    plain = "%(message)s" if how == "quiet" else "%(asctime)s %(message)s"
    handler.setFormatter(JsonLines() if how == "json" else logging.Formatter(plain))
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a damaged form is answered, and no news here
    if how != "quiet":
        logging.getLogger("inkwear.requests").setLevel(logging.INFO)
