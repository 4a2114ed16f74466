"""Sets up what the server logs: sentences for people, or lines of JSON for programs."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["quiet", "text", "json"]


class JsonLines(logging.Formatter):
    """Formats a record as a line of JSON: time, level, logger, and its message or the mapping it carries instead."""

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


def set_up(log_format: LogFormat) -> None:
    """Send the log to stderr: only warnings for ``quiet``, a line for each request too for ``text`` and ``json``."""
    handler = logging.StreamHandler(sys.stderr)
    plain = "%(message)s" if log_format == "quiet" else "%(asctime)s %(message)s"
    handler.setFormatter(JsonLines() if log_format == "json" else logging.Formatter(plain))
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a damaged form is answered, which is enough
    if log_format != "quiet":
        logging.getLogger("inkwear.requests").setLevel(logging.INFO)
