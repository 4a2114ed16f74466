"""A server in use, watched: what it holds whenever its clients pause.

``soak`` lets a crowd work in rounds and samples the process between them, when nobody asks anything: every connection,
thread and byte that is still there is kept. ``judge`` decides by these samples whether the server leaks.
"""

import asyncio
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import theilslopes

from tests.conftest import RunningApp, start_app
from tests.crowd import Crowd, Seen, good_calls
from tests.hostile import apart

MEGABYTE = 1_000_000

MIN_SAMPLES = 8
"""Samples that a judgment needs, however slow the machine is."""

REST_SECONDS = 15.0
"""Seconds that connections get to close when the clients pause."""


# ------------------------------------------------------------------------------------------------------------ samples


@dataclass(frozen=True)
class Sample:
    """What a process holds at a moment; ``cache`` is the size of its uploads on the disk."""

    seconds: float
    bytes: int
    descriptors: int
    threads: int
    cache: int = 0


def look(app: RunningApp, started: float, cache: Path) -> Sample:
    """Sample a server (Linux)."""
    place = Path("/proc") / str(app.process.pid)
    status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
    return Sample(
        seconds=time.monotonic() - started,
        bytes=1024 * int(status["VmRSS"].split()[0]),
        descriptors=len([*(place / "fd").iterdir()]),
        threads=int(status["Threads"]),
        cache=bytes_below(cache),
    )


def bytes_below(folder: Path) -> int:
    """Return the size of all files in a folder, some of which may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _connections(app: RunningApp) -> int:
    """Return the number of the server's descriptors that are sockets."""
    found = 0
    for path in (Path("/proc") / str(app.process.pid) / "fd").iterdir():
        with suppress(OSError):
            found += str(path.readlink()).startswith("socket:")
    return found


# --------------------------------------------------------------------------------------------------------------- soak


@dataclass
class Soak:
    """What was seen of a server: ``samples`` between rounds of work, after a first round that warms it up."""

    seen: Seen
    samples: list[Sample]
    said: str = ""
    """The server's log."""


@contextmanager
def served(*options: str, module: str = "app") -> Iterator[tuple[RunningApp, Path, list[str]]]:
    """Run a server with an upload folder of its own; yield it, that folder, and the lines of its log."""
    with tempfile.TemporaryDirectory() as folder:
        app = start_app("--device", "cpu", *options, env={"TMPDIR": folder}, module=module)
        said: list[str] = []
        assert app.process.stderr
        reading = threading.Thread(target=lambda: said.extend(app.process.stderr or ()), daemon=True)
        reading.start()  # a full pipe would stop the server in the end
        try:
            yield app, Path(folder), said
        finally:
            app.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                app.process.wait(60)
            app.process.kill()
            reading.join(5)


def soak(
    seconds: float,
    round_seconds: float,
    module: str = "app",
    seed: int = 0,
    tell: Callable[[Sample, Seen], object] = lambda sample, seen: None,
) -> Soak:
    """Start a module, let a crowd use it for some seconds at least once it is warm, and sample it after each round."""
    with served(module=module) as (app, cache, said):
        crowd = Crowd(int(app.url.rpartition(":")[2]), seed)
        apart(_warm_up(crowd))
        found = Soak(crowd.seen, [])
        connections, started = _connections(app), time.monotonic()
        while time.monotonic() < started + seconds or len(found.samples) < MIN_SAMPLES:
            apart(crowd.work(round_seconds))
            _rest(app, connections)
            found.samples.append(look(app, started, cache))
            tell(found.samples[-1], found.seen)
    found.said = "".join(said)
    return found


async def _warm_up(crowd: Crowd) -> None:
    """Make every call once, one after the other and at once, so that everything is open that will be."""
    everything = [call for call, _ in good_calls()]
    for call in everything:
        await crowd.run(call)
    explain = [call for call in everything if call.kind == "explain"]  # fills FastAPI's pool of threads
    await asyncio.gather(*map(crowd.run, explain), *(crowd.session() for _ in explain))
    await crowd.work(2)


def _rest(app: RunningApp, connections: int) -> None:
    """Wait until every client has hung up."""
    end = time.monotonic() + REST_SECONDS
    while _connections(app) > connections and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(0.5)


# -------------------------------------------------------------------------------------------------------------- judge

MAX_BYTES_AN_HOUR = 5 * MEGABYTE
"""Growth of resident memory that is accepted."""

WANDERING = 8 * MEGABYTE
"""Bytes by which a sound server's memory wanders while it is watched: buffers, and sessions up to their limit."""

TOO_MANY = {"descriptors": 1, "threads": 2}
"""Descriptors and threads that are a leak; FastAPI's pool has one thread more or less from moment to moment."""

WARMING_SHARE = 4
"""The share of the samples, the first quarter, that is left out while the server warms up."""

FAULTS = ("failed", "wrong", "unexplained")


@dataclass(frozen=True)
class Verdict:
    """The judgment of a server."""

    bytes_an_hour: float
    """Slope of its resident memory."""
    risen: dict[str, float]
    """Rise of its descriptors and threads, by name."""
    reasons: dict[str, str]
    """A sentence for each thing that is wrong, by its name or the kind of a fault, or ``log``."""

    @property
    def kinds(self) -> set[str]:
        return set(self.reasons)


def judge(found: Soak) -> Verdict:
    """Judge what was seen.

    Memory is judged by its slope where it has grown by more than it wanders; descriptors and threads, which are whole
    numbers, by the medians of the first and the last third of the samples.
    """
    samples = found.samples[len(found.samples) // WARMING_SHARE :]
    seconds = [sample.seconds for sample in samples]
    lasted = seconds[-1] - seconds[0]
    slope = float(theilslopes([sample.bytes for sample in samples], seconds).slope)  # outliers do not move it
    reasons: dict[str, str] = {}
    if 3600 * slope > MAX_BYTES_AN_HOUR and slope * lasted > WANDERING:
        reasons["memory"] = f"it grew by {slope * lasted / MEGABYTE:.1f} MB in {lasted / 60:.1f} minutes"
    risen = {}
    for what, too_many in TOO_MANY.items():
        counts = [getattr(sample, what) for sample in samples]
        third = max(1, len(counts) // 3)
        before, after = statistics.median(counts[:third]), statistics.median(counts[-third:])
        risen[what] = after - before
        if risen[what] >= too_many:
            reasons[what] = f"from {before:g} {what} to {after:g}"
    for kind in FAULTS:
        if faults := [fault.what for fault in found.seen.faults if fault.kind == kind]:
            reasons[kind] = f"{len(faults)} answers, such as {faults[0]}"
    if "Traceback" in found.said:
        reasons["log"] = found.said[found.said.index("Traceback") :][:500]
    return Verdict(3600 * slope, risen, reasons)


def report(found: Soak, verdict: Verdict) -> str:
    """Return what was seen and judged, for people."""
    first, last, seen = found.samples[0], found.samples[-1], found.seen
    answers = ", ".join(f"{kind} {count}" for kind, count in seen.answers.most_common())
    faults = ", ".join(f"{kind} {seen.count(kind)}" for kind in FAULTS)
    cache = max(sample.cache for sample in found.samples)
    return "\n".join(
        [
            f"{seen.answers.total():,} answers in {last.seconds / 60:.1f} minutes: {answers}",
            f"{faults} (of {seen.errors:,} errors); not counted, as this process was suspended: {seen.disturbed}",
            f"memory {first.bytes / MEGABYTE:.1f} MB after the first round, {last.bytes / MEGABYTE:.1f} MB after the "
            f"last; slope after the first quarter {verdict.bytes_an_hour / MEGABYTE:+.2f} MB/h",
            *(
                f"{what} {getattr(first, what)}, {getattr(last, what)}, {rise:+.1f}"
                for what, rise in verdict.risen.items()
            ),
            f"uploads on the disk at most {cache / MEGABYTE:.2f} MB",
            *(f"WRONG: {kind}: {reason}" for kind, reason in verdict.reasons.items()),
        ]
    )
