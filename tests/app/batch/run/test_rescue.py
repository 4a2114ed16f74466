from collections import Counter
from collections.abc import Sequence

from app.batch.inputs.input import Chunk, Failure, Input, fingerprint_of
from app.batch.run.reader import Answered
from app.batch.run.rescue import rescued

CHUNK = [Input(name) for name in "abcd"]


class Processes:
    """Answers with the inputs' names; processes die on certain sets of inputs."""

    def __init__(self, *deadly: str) -> None:
        self.deadly = deadly
        self.calls = 0

    def answer_each(self, chunks: Sequence[Chunk]) -> list[Answered | None]:
        self.calls += len(chunks)
        return [self._answer(chunk) for chunk in chunks]

    def _answer(self, chunk: Chunk) -> Answered | None:
        alive = {item.path for item in chunk if not isinstance(item.source, Failure)}
        if any(set(names) <= alive for names in self.deadly):
            return None
        rows = [b"%s,error\n" % i.path.encode() if i.path not in alive else i.path.encode() + b"\n" for i in chunk]
        return Answered(b"".join(rows), Counter(ok=len(alive), error=len(chunk) - len(alive)))


def test_what_kills_alone_becomes_an_error_row_and_is_not_tried_again() -> None:
    answered = rescued(CHUNK, Processes("b", "d").answer_each, "csv")
    assert answered.text == b"a\nb,error\nc\nd,error\n"
    assert answered.counts == {"ok": 2, "error": 2}
    assert answered.fingerprint == fingerprint_of(CHUNK)
    processes = Processes("a")
    assert rescued(CHUNK[:1], processes.answer_each, "csv").counts["error"] == 1
    assert processes.calls == 1


def test_what_kills_together_is_answered_alone() -> None:
    answered = rescued(CHUNK, Processes("ac", "d").answer_each, "csv")
    *sound, killer = answered.text.splitlines()
    assert sound == [b"a", b"b", b"c"]
    assert killer.startswith(b"d,error,")
    assert b"it ended the process that read it" in killer
    assert answered.counts == {"ok": 3, "error": 1}
