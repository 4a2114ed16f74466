"""The soak, for half a minute, and its judge before servers with a leak planted.

``INKWEAR_SOAK_SECONDS`` makes it longer; two hours are ``python -m benchmarks.soak``.
"""

import itertools
import json
import os
import random
from dataclasses import replace

import pytest

from tests import leaky
from tests.crowd import Fault, Seen, calls, good_calls, hostile_is_explained, says, says_of_many
from tests.hostile import Reply
from tests.soak import MEGABYTE, Sample, Soak, judge, report, soak

SECONDS = float(os.environ.get("INKWEAR_SOAK_SECONDS", "30"))

WARM_SECONDS, MAX_WARMING = 1200, 80 * MEGABYTE
"""Seconds after which a sound server stops growing, and its growth before that: 55 MB were seen in 44 minutes."""


@pytest.mark.slow
def test_everything_at_once_leaves_nothing_behind() -> None:
    """Nothing failed, nothing wrong; descriptors and threads are gone, memory has grown no more than it warms up."""
    found = soak(SECONDS, min(30.0, SECONDS / 15))
    verdict = judge(found)
    assert verdict.kinds - ({"memory"} if SECONDS < WARM_SECONDS else set()) == set(), report(found, verdict)
    assert found.samples[-1].bytes - found.samples[0].bytes < MAX_WARMING, report(found, verdict)
    kinds = {kind.partition(" that leaves")[0].partition(":")[0] for kind in found.seen.answers}
    assert {"digit, its bytes", "number", "clothes", "many and a ZIP", "explain", "compare"} <= kinds
    assert {"session", "gradio_client", "hostile", "GET /metrics", "GET /readyz"} <= kinds
    assert found.seen.errors > 20


@pytest.mark.slow
@pytest.mark.parametrize("planted", leaky.LEAKS)
def test_a_planted_leak_is_found_and_no_other(planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKWEAR_PLANTED", planted)
    found = soak(12, 1.0, module="tests.leaky")
    verdict = judge(found)
    assert planted in verdict.kinds, report(found, verdict)
    assert verdict.kinds <= {planted, "log", "memory"}, report(found, verdict)  # memory: it is warming up as well


# ---------------------------------------------------------------------------------------------------------- the judge


def watched(growth: float = 0, descriptors: float = 0, threads: float = 0, minutes: float = 120) -> Soak:
    """Samples of a server whose memory, descriptors and threads grow by these rates an hour, and wander."""
    draw, samples = random.Random(7), []
    for turn in range(60):
        hours = turn / 60 * minutes / 60
        samples.append(
            Sample(
                seconds=3600 * hours,
                bytes=round(500 * MEGABYTE + growth * hours + draw.gauss(0, 1.5 * MEGABYTE)),
                descriptors=round(11 + descriptors * hours),
                threads=round(14 + threads * hours + draw.choice((-1, 0, 0, 1))),
            )
        )
    return Soak(Seen(), samples)


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (watched(), set()),
        (watched(growth=4 * MEGABYTE), set()),
        (watched(growth=8 * MEGABYTE), {"memory"}),
        (watched(growth=-50 * MEGABYTE), set()),
        (watched(growth=60 * MEGABYTE, minutes=1), set()),  # a megabyte is no growth, however fast it came
        (watched(growth=2_000 * MEGABYTE, minutes=1), {"memory"}),
        (watched(descriptors=1), {"descriptors"}),
        (watched(descriptors=-3), set()),
        (watched(threads=4), {"threads"}),
        (watched(growth=8 * MEGABYTE, descriptors=9, threads=9), {"memory", "descriptors", "threads"}),
    ],
)
def test_the_judge_tells_growth_from_wandering(found: Soak, kinds: set[str]) -> None:
    assert judge(found).kinds == kinds


def test_a_slope_is_stated_by_the_hour_and_one_sample_in_four_may_be_far_off() -> None:
    verdict = judge(watched(growth=8 * MEGABYTE, descriptors=2))
    assert verdict.bytes_an_hour == pytest.approx(8 * MEGABYTE, rel=0.2)
    assert verdict.risen["descriptors"] == pytest.approx(2, abs=0.5)  # the first half-hour is left out
    found = watched()
    for turn in range(0, len(found.samples), 4):
        found.samples[turn] = replace(found.samples[turn], bytes=turn * 100 * MEGABYTE)
    assert judge(found).kinds == set()


def test_every_fault_is_held_against_the_server() -> None:
    found = watched()
    for kind in ("failed", "wrong", "unexplained"):
        found.seen.add("digit", Fault(kind, "what it was"))
    found.said = "Inkwear is at …\nTraceback (most recent call last):\n  …"
    verdict = judge(found)
    assert verdict.kinds == {"failed", "wrong", "unexplained", "log"}
    assert "WRONG: failed: 1 answers, such as digit: what it was" in report(found, verdict)


# --------------------------------------------------------------------------------------------------------- the checks


def reply(status: int, *lines: object) -> Reply:
    return Reply(status, b"\n".join(json.dumps(line).encode() for line in lines))


def explained(message: str, code: str = "BadRequest") -> object:
    return {"error": {"code": code, "message": message, "request_id": "abc"}}


ONE = {"answer": {"label": "1"}}
NOTES = {"name": "notes.png", "error": {"code": "ImageError", "message": "notes.png: not a picture"}}
DONE = {"done": True, "count": 2, "failed": 1}


@pytest.mark.parametrize(
    ("check", "said", "kind"),
    [
        (says("5"), reply(200, {"label": "5"}), None),
        (says("5"), reply(200, {"answer": {"label": "5"}}), None),
        (says("5"), reply(200, {"label": "6"}), "wrong"),
        (says("5"), reply(503, explained("wait")), "failed"),
        (says_of_many(["1", None]), reply(200, ONE, NOTES, DONE), None),
        (says_of_many(["1", None]), reply(200, NOTES, ONE, DONE), "wrong"),
        (says_of_many(["1", None]), reply(200, ONE, DONE), "wrong"),
        (says_of_many(["1", None]), reply(200, ONE, NOTES | {"name": "other.png"}, DONE), "unexplained"),
        (hostile_is_explained, reply(404, explained("There is nothing at this address.")), None),
        (hostile_is_explained, reply(400, explained("The body is not JSON.")), None),
        (hostile_is_explained, reply(422, explained("five.png: the file is empty; accepted are JPEG.")), None),
        (hostile_is_explained, reply(400, explained("Missing boundary in multipart.")), "unexplained"),
        (hostile_is_explained, reply(400, explained("Bad Request")), "unexplained"),
        (hostile_is_explained, reply(400, explained("The body is not JSON.", code="")), "unexplained"),
        (hostile_is_explained, reply(400, {"detail": "The body is not JSON."}), "unexplained"),
        (hostile_is_explained, Reply(400, b"Bad Request"), "unexplained"),
        (hostile_is_explained, reply(500, explained("The body is not JSON.")), "failed"),
    ],
)
def test_an_answer_is_held_against_what_was_sent_and_an_error_explains_it(check, said: Reply, kind: str | None) -> None:
    fault = check(said)
    assert (fault.kind if fault else None) == kind


@pytest.mark.slow
def test_the_same_seed_asks_the_same() -> None:
    first, again, other = (list(itertools.islice(calls(seed), 300)) for seed in (1, 1, 2))
    assert [call.data for call in first] == [call.data for call in again]
    assert [call.data for call in first] != [call.data for call in other]
    assert 40 < sum(call.kind.startswith("hostile") for call in first) < 120
    assert {call.kind for call, _ in good_calls()} & {call.kind for call in first}
