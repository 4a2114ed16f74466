"""A server in use, watched: requests of all kinds at once, and what it holds whenever they pause.

``soak`` lets clients work in rounds, and looks at the process between them, when nobody asks anything: then every
connection, thread and byte that is still there is one that was kept. ``judge`` fits lines to what was seen.
"""

import asyncio
import io
import itertools
import json
import random
import statistics
import subprocess
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import gradio_client
from PIL import Image

from tests.conftest import ROOT, RunningApp, start_app
from tests.hand import DIGITS, render, write_number
from tests.hostile import Attack, Reply, apart, attacks, request, send

MEGABYTE = 1_000_000

EXAMPLES = ROOT / "app" / "page" / "examples"

DIGIT_MODEL, NUMBER_MODEL, CLOTHES_MODEL = "mnist-convnet", "mnist-sturdy", "fashion_mnist-convnet"

AT_ONCE = 6
"""Clients with one request after the other, besides those that hold sessions."""

SECONDS_TO_ANSWER = 60.0
"""Until a client gives up; the soak measures what is kept, not how long things take on a machine with other work."""

LEAST_SAMPLES = 8
"""Fewer cannot be judged, however slow the machine is."""

SECONDS_TO_REST = 15.0
"""How long connections are given to close when clients pause."""

SECONDS_STOPPED = 3.0
"""A pause of this very process that is no work of the server's, as when a machine sleeps."""


# ------------------------------------------------------------------------------------------------------------ answers


@dataclass(frozen=True)
class Fault:
    """What was wrong with an answer: ``failed``, ``wrong`` of the label, or ``unexplained`` of an error."""

    kind: str
    what: str


Check = Callable[[Reply], Fault | None]


@dataclass(frozen=True)
class Errand:
    """A request and what is expected of its answer."""

    kind: str
    data: bytes
    check: Check


@dataclass
class Seen:
    """What came back: how many of each kind, how many errors among them, and every fault."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    faults: list[Fault] = field(default_factory=list)
    disturbed: int = 0
    """Requests under way while this process itself was stopped, which prove nothing."""

    def add(self, kind: str, fault: Fault | None) -> None:
        self.answers[kind] += 1
        if fault:
            self.faults.append(Fault(fault.kind, f"{kind}: {fault.what}"))

    def count(self, kind: str) -> int:
        """How many faults of a kind."""
        return sum(fault.kind == kind for fault in self.faults)


def answered(reply: Reply) -> Fault | None:
    """Expect 200."""
    return None if reply.status == 200 else Fault("failed", f"{reply.status} {reply.body[:300]!r}")


def says(label: str) -> Check:
    """Expect a label."""

    def check(reply: Reply) -> Fault | None:
        if reply.status != 200:
            return answered(reply)
        said = json.loads(reply.body)
        found = said.get("answer", said)["label"]
        return None if found == label else Fault("wrong", f"{label!r} was read as {found!r}")

    return check


def says_of_many(labels: Sequence[str | None]) -> Check:
    """Expect a line for each picture, None of one that cannot be read, and the count of both."""

    def check(reply: Reply) -> Fault | None:
        if reply.status != 200:
            return answered(reply)
        *lines, last = map(json.loads, reply.body.splitlines())
        found = [line["answer"]["label"] if "answer" in line else None for line in lines]
        if any("error" in line and not names_the_picture(line) for line in lines):
            return Fault("unexplained", str(lines))
        counted = {"done": True, "count": len(labels), "failed": list(labels).count(None)}
        return None if (found, last) == (list(labels), counted) else Fault("wrong", f"{labels} were read as {found}")

    return check


def names_the_picture(line: dict) -> bool:
    """Whether the error of a picture among many has a code and a reason, and names the picture."""
    return bool(line["error"]["code"]) and line["name"] in line["error"]["message"]


def hostile_is_explained(reply: Reply) -> Fault | None:
    """Expect anything but an error of the server's own, and the reason of every error."""
    if reply.status >= 500:
        return Fault("failed", f"{reply.status} {reply.body[:300]!r}")
    if reply.status >= 400 and not reply.explained:
        return Fault("unexplained", f"{reply.status} {reply.body[:300]!r}")
    return None


# ----------------------------------------------------------------------------------------------------------- requests


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    """The bytes of a file."""
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def form(files: Sequence[tuple[str, str, bytes]], **fields: str) -> tuple[bytes, dict[str, str]]:
    """A form of (field, file name, content) and plain fields, and the header that goes with it."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode() + content
        for name, file, content in files
    ]
    parts += [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    return b"\r\n".join([*parts, b"--edge--\r\n"]), {"Content-Type": "multipart/form-data; boundary=edge"}


def packed(pictures: dict[str, bytes]) -> bytes:
    """A ZIP."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in pictures.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def good_errands() -> list[tuple[Errand, int]]:
    """What people send, and how often."""
    bare = {"Content-Type": "image/png"}
    large, small = {}, {}
    for digit in DIGITS:
        large[digit] = encoded(render(digit))
        small[digit] = encoded(render(digit).resize((90, 90), Image.Resampling.BOX))
    photo = encoded(render("5", canvas=1600, side=900, pen=80), "JPEG")
    huge = encoded(render("5", canvas=4000, side=2400, pen=200).convert("RGB"), "JPEG")
    number = encoded(write_number("2708"))
    clothes = {"Dress": "dress", "Trouser": "trouser", "Ankle boot": "boot"}

    def posted(kind: str, path: str, body: tuple[bytes, dict[str, str]], check: Check, weight: int) -> tuple:
        return Errand(kind, request("POST", path, *body), check), weight

    found = []
    for digit in DIGITS:
        query = f"/classify?model={DIGIT_MODEL}"
        found.append(posted("digit, its bytes", query, (large[digit], bare), says(digit), 20))
        found.append(posted("small digit, its bytes", query, (small[digit], bare), says(digit), 20))
        files = [("image", f"{digit}.png", large[digit])]
        found.append(
            posted("digit, a form", "/classify", form(files, model=DIGIT_MODEL, device="cpu"), says(digit), 20)
        )
        found.append(posted("explain", "/explain", form(files, model=DIGIT_MODEL), says(digit), 2))
    found.append(posted("photograph", query, (photo, {"Content-Type": "image/jpeg"}), says("5"), 15))
    found.append(posted("large photograph", query, (huge, {"Content-Type": "image/jpeg"}), says("5"), 1))
    found.append(posted("number", f"/classify?model={NUMBER_MODEL}", (number, bare), says("2708"), 25))
    for label, name in clothes.items():
        files = [("image", f"{name}.png", (EXAMPLES / f"{name}.png").read_bytes())]
        found.append(posted("clothes", "/classify", form(files, model=CLOTHES_MODEL), says(label), 15))
    found.append(posted("compare", "/compare", form([("image", "5.png", large["5"])], model=DIGIT_MODEL), says("5"), 8))
    zipped = packed({"3.png": small["3"], "notes.png": b"no picture", "8.png": large["8"]})
    files = [("images", "first.png", small["1"]), ("images", "scans.zip", zipped), ("images", "last.png", large["9"])]
    expected = says_of_many(["1", "3", None, "8", "9"])
    found.append(posted("many and a ZIP", "/classify/many", form(files, model=DIGIT_MODEL), expected, 15))
    for path, weight in {
        "/healthz": 30,
        "/readyz": 20,
        "/metrics": 20,
        "/models": 20,
        "/snippets": 5,
        "/config": 10,
        "/": 10,
        f"/models/{DIGIT_MODEL}/card": 5,
        f"/models/{DIGIT_MODEL}/drawing.svg": 5,
        "/page/js/main.js": 10,
    }.items():
        found.append((Errand(f"GET {path}", request("GET", path), answered), weight))
    return found


def errands(seed: int, hostile: float = 0.25) -> Iterator[Errand]:
    """Requests without end; a share of them hostile."""
    generator, bad = random.Random(seed), attacks(10**9, seed)
    good, weights = zip(*good_errands(), strict=True)
    while True:
        if generator.random() < hostile:
            attack = next(attack for attack in bad if not attack.slow)
            yield Errand(f"hostile: {attack.kind}", attack.data, _check_of(attack))
        else:
            [errand] = generator.choices(good, weights)
            yield errand


def _check_of(attack: Attack) -> Check:
    """A HEAD has no body to explain itself in, and what is no HTTP need not be answered."""
    if attack.data.startswith(b"HEAD"):
        return lambda reply: None if reply.status < 500 else Fault("failed", str(reply.status))
    if attack.kind == "broken":
        return hostile_is_explained
    return lambda reply: hostile_is_explained(reply) if reply.status else Fault("failed", f"silence to {attack}")


# ------------------------------------------------------------------------------------------------------------ clients


@dataclass
class Crowd:
    """The clients of one server: what they ask, and what they have seen."""

    port: int
    seed: int = 0
    seen: Seen = field(default_factory=Seen)
    stops: int = 0
    """How often this process was found to have been stopped."""

    def __post_init__(self) -> None:
        self._errands = errands(self.seed)
        self._numbers = itertools.count()
        self._picture = encoded(render("5"))

    async def work(self, seconds: float) -> None:
        """Let everybody work for so long, and finish what was begun."""
        end = time.monotonic() + seconds
        listening = asyncio.create_task(self._notice_stops())
        clients = [self._one_after_the_other(end) for _ in range(AT_ONCE)]
        sessions = [self._sessions(end), asyncio.to_thread(self._real_clients, end)]
        await asyncio.gather(*clients, *sessions, self._slow(end))
        listening.cancel()

    async def _one_after_the_other(self, end: float) -> None:
        while time.monotonic() < end:
            await self.run(next(self._errands))
            await asyncio.sleep(0.01)

    async def run(self, errand: Errand) -> None:
        """Send one request and look at its answer."""
        await self._held_to(errand.kind, self._fault_of(errand))

    async def _fault_of(self, errand: Errand) -> Fault | None:
        reply = await self._send(errand.data, "broken" if "broken" in errand.kind else "")
        self.seen.errors += reply.status >= 400
        return errand.check(reply)

    async def _send(self, data: bytes, kind: str = "") -> Reply:
        return await send(self.port, Attack(kind, data), SECONDS_TO_ANSWER)

    async def _held_to(self, kind: str, asking: "asyncio.Future[Fault | None] | object") -> None:
        """Count an answer, unless this process was stopped meanwhile and it is none."""
        stops = self.stops
        try:
            fault = await asking  # type: ignore[misc]
        except (TimeoutError, OSError, ValueError, KeyError, asyncio.IncompleteReadError) as error:
            fault = Fault("failed", repr(error))
        if fault:
            await asyncio.sleep(1)
            if self.stops != stops:
                self.seen.disturbed += 1
                return
        self.seen.add(kind, fault)

    async def _notice_stops(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.2)
            self.stops += time.monotonic() - before > SECONDS_STOPPED

    # ------------------------------------------------------------------------------------------------------ sessions

    async def _sessions(self, end: float) -> None:
        """Sessions as a page holds them; two of three leave before they should."""
        for leave in itertools.cycle(("at the end", "after the upload", "while listening", "at the end", "unheard")):
            if time.monotonic() > end:
                return
            await self._held_to(f"session that leaves {leave}", self.session(leave))
            await asyncio.sleep(0.02)

    async def session(self, leave: str = "at the end") -> Fault | None:
        """Open a session of Gradio, upload, join the queue, listen, and leave."""
        name = f"s{next(self._numbers)}x{self.seed}x{time.time_ns()}"
        async with _open(self.port, request("GET", f"/gradio_api/heartbeat/{name}")):
            uploaded = await self._ask("POST", "/gradio_api/upload", *form([("files", "5.png", self._picture)]))
            if isinstance(uploaded, Fault) or leave == "after the upload":
                return uploaded if isinstance(uploaded, Fault) else None
            data = [{"path": uploaded[0], "meta": {"_type": "gradio.FileData"}}, DIGIT_MODEL, "cpu"]
            body = json.dumps({"data": data, "fn_index": 0, "session_hash": name}).encode()
            joined = await self._ask("POST", "/gradio_api/queue/join", body, {"Content-Type": "application/json"})
            if isinstance(joined, Fault) or leave == "unheard":
                return joined if isinstance(joined, Fault) else None
            listen = request("GET", f"/gradio_api/queue/data?session_hash={name}")
            if leave == "while listening":
                async with _open(self.port, listen) as (reader, _):
                    await reader.readline()
                return None
            return _heard(await self._send(listen))

    async def _ask(self, method: str, path: str, body: bytes, head: dict[str, str]) -> "list | dict | Fault":
        reply = await self._send(request(method, path, body, head))
        return json.loads(reply.body) if reply.status == 200 else Fault("failed", f"{path}: {reply}")

    def _real_clients(self, end: float) -> None:
        """``gradio_client`` itself, which opens a session, asks, and is closed."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "five.png"
            path.write_bytes(self._picture)
            while time.monotonic() < end:
                stops = self.stops
                fault = _ask_by_gradio_client(f"http://127.0.0.1:{self.port}", path)
                time.sleep(0.5)
                if fault and self.stops != stops:
                    self.seen.disturbed += 1
                else:
                    self.seen.add("gradio_client", fault)

    async def _slow(self, end: float) -> None:
        """One body that stops in the middle, where there is time to wait for what becomes of it."""
        if end - time.monotonic() > 15:
            head = {"Content-Type": "image/png", "Content-Length": "1000"}
            attack = Attack("slow", request("POST", "/classify", headers=head), slow=True)
            await self.run(Errand("hostile: slow", attack.data, hostile_is_explained))


class _open:  # noqa: N801, reads like the function that it stands for
    """A connection on which a request has been sent, closed when the block ends."""

    def __init__(self, port: int, data: bytes) -> None:
        self.port, self.data = port, data

    async def __aenter__(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(self.data)
        return self.reader, self.writer

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


def _heard(reply: Reply) -> Fault | None:
    """What the stream of a session has told of its answer."""
    if reply.status != 200:
        return answered(reply)
    text = reply.body.decode(errors="replace")
    completed = [line for line in text.splitlines() if '"process_completed"' in line]
    if not completed or '"success":true' not in completed[0].replace(" ", ""):
        return Fault("failed", text[-500:])
    label = json.loads(completed[0].removeprefix("data: "))["output"]["data"][0]["label"]
    return None if label == "5" else Fault("wrong", f"'5' was read as {label!r}")


def _ask_by_gradio_client(url: str, path: Path) -> Fault | None:
    try:
        client = gradio_client.Client(url, verbose=False, httpx_kwargs={"timeout": SECONDS_TO_ANSWER})
        try:
            said = client.predict(gradio_client.handle_file(path), DIGIT_MODEL, "cpu", api_name="/classify")
        finally:
            client.close()
    except Exception as error:  # whatever it makes of what it was told
        return Fault("failed", repr(error))
    return None if said["label"] == "5" else Fault("wrong", f"'5' was read as {said['label']!r}")


# ------------------------------------------------------------------------------------------------------------ samples


@dataclass(frozen=True)
class Sample:
    """What a process holds at a moment; ``cache`` are bytes of uploads on the disk."""

    seconds: float
    bytes: int
    descriptors: int
    threads: int
    cache: int = 0


def look(app: RunningApp, started: float, cache: Path) -> Sample:
    """Look at a server (Linux)."""
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
    """Bytes of all files in a folder, some of which may be going."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _connections(app: RunningApp) -> int:
    """How many of its descriptors are sockets."""
    found = 0
    for path in (Path("/proc") / str(app.process.pid) / "fd").iterdir():
        with suppress(OSError):
            found += str(path.readlink()).startswith("socket:")
    return found


# --------------------------------------------------------------------------------------------------------------- soak


@dataclass
class Soak:
    """What was seen of a server: ``samples`` between rounds of work, after a first one that warms it up."""

    seen: Seen
    samples: list[Sample]
    cache_at_most: int = 0
    said: str = ""
    """What the server wrote to its log."""


@contextmanager
def served(*options: str, module: str = "app") -> Iterator[tuple[RunningApp, Path, list[str]]]:
    """Run a server with a folder of its own for uploads; yield it, that folder, and what it says."""
    with tempfile.TemporaryDirectory() as folder:
        app = start_app("--device", "cpu", *options, env={"TMPDIR": folder}, module=module)
        said: list[str] = []
        assert app.process.stderr
        reading = threading.Thread(target=lambda: said.extend(app.process.stderr or ()), daemon=True)
        reading.start()  # a pipe that nobody empties would stop the server in the end
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
    options: Sequence[str] = (),
    seed: int = 0,
    tell: Callable[[Sample, Seen], object] = lambda sample, seen: None,
) -> Soak:
    """Start a server, let everybody use it, and look at it after each round.

    Args:
        seconds: how long at least, without the start and what warms it up.
        round_seconds: of work between two looks.
        module: what is started.
        options: of the server.
        seed: of the choice of requests.
        tell: hears of every look.
    """
    with served(*options, module=module) as (app, cache, said):
        crowd = Crowd(int(app.url.rpartition(":")[2]), seed)
        apart(_warm_up(crowd))
        found = Soak(crowd.seen, [])
        connections, started = _connections(app), time.monotonic()
        while time.monotonic() < started + seconds or len(found.samples) < LEAST_SAMPLES:
            apart(crowd.work(round_seconds))
            _rest(app, connections)
            found.samples.append(look(app, started, cache))
            found.cache_at_most = max(found.cache_at_most, found.samples[-1].cache)
            tell(found.samples[-1], found.seen)
    found.said = "".join(said)
    return found


async def _warm_up(crowd: Crowd) -> None:
    """Ask for everything once, one after the other and at once, so that all is open that will be."""
    everything = [errand for errand, _ in good_errands()]
    for errand in everything:
        await crowd.run(errand)
    explain = [errand for errand in everything if errand.kind == "explain"]  # what fills FastAPI's pool of threads
    await asyncio.gather(*map(crowd.run, explain), *(crowd.session() for _ in explain))
    await crowd.work(2)


def _rest(app: RunningApp, connections: int) -> None:
    """Wait until everybody has hung up."""
    end = time.monotonic() + SECONDS_TO_REST
    while _connections(app) > connections and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(0.5)


# -------------------------------------------------------------------------------------------------------------- judge

MOST_AN_HOUR = 5 * MEGABYTE
"""Growth of resident memory, in bytes an hour."""

SETTLING = 8 * MEGABYTE
"""By how much the memory of a sound server may wander while it is watched: buffers, and sessions up to their bound."""

TOO_MANY = {"descriptors": 1, "threads": 2}
"""How many more are too many; FastAPI's pool of threads has one more or less from moment to moment."""

WARMING = 4
"""Of the samples one of so many, the first, is left out."""


@dataclass(frozen=True)
class Verdict:
    """What is held against a server.

    Attributes:
        bytes_an_hour: slope of its resident memory.
        descriptors: how many more there were in the end.
        threads: the same of threads.
        kinds: what is wrong: ``memory``, ``descriptors``, ``threads``, ``failed``, ``wrong``, ``unexplained``, ``log``.
        reasons: a sentence for each.
    """

    bytes_an_hour: float
    descriptors: float
    threads: float
    reasons: dict[str, str]

    @property
    def kinds(self) -> set[str]:
        return set(self.reasons)


def judge(found: Soak) -> Verdict:
    """Judge what was seen.

    Memory is held to its slope where it has grown by more than it wanders; descriptors and threads, which are whole
    numbers, to the median of the last third of the samples beside that of the first.
    """
    samples = found.samples[len(found.samples) // WARMING :]
    seconds = [sample.seconds for sample in samples]
    lasted = seconds[-1] - seconds[0]
    slope = theil_sen(seconds, [sample.bytes for sample in samples])
    reasons: dict[str, str] = {}
    if 3600 * slope > MOST_AN_HOUR and slope * lasted > SETTLING:
        reasons["memory"] = f"it grew by {slope * lasted / MEGABYTE:.1f} MB in {lasted / 60:.1f} minutes"
    risen = {}
    for what, too_many in TOO_MANY.items():
        counts = [getattr(sample, what) for sample in samples]
        third = max(1, len(counts) // 3)
        before, after = statistics.median(counts[:third]), statistics.median(counts[-third:])
        risen[what] = after - before
        if risen[what] >= too_many:
            reasons[what] = f"from {before:g} {what} to {after:g}"
    for kind in ("failed", "wrong", "unexplained"):
        if faults := [fault.what for fault in found.seen.faults if fault.kind == kind]:
            reasons[kind] = f"{len(faults)} answers, such as {faults[0]}"
    if "Traceback" in found.said:
        reasons["log"] = found.said[found.said.index("Traceback") :][:500]
    return Verdict(3600 * slope, risen["descriptors"], risen["threads"], reasons)


def theil_sen(x: Sequence[float], y: Sequence[float]) -> float:
    """The median of the slopes between all pairs of points, which outliers do not move (Theil 1950, Sen 1968)."""
    points = sorted(zip(x, y, strict=True))
    slopes = [(d - b) / (c - a) for (a, b), (c, d) in itertools.combinations(points, 2) if c > a]
    if not slopes:
        raise ValueError(f"{len(points)} samples have no slope; watch for longer.")
    return statistics.median(slopes)


def report(found: Soak, verdict: Verdict) -> str:
    """What was seen and held, for people."""
    first, last = found.samples[0], found.samples[-1]
    answers = ", ".join(f"{kind} {count}" for kind, count in found.seen.answers.most_common())
    faults = ", ".join(f"{kind} {found.seen.count(kind)}" for kind in ("failed", "wrong", "unexplained"))
    return "\n".join(
        [
            f"{found.seen.answers.total():,} answers in {last.seconds / 60:.1f} minutes: {answers}",
            f"{faults} (of {found.seen.errors:,} errors); not counted, as this process was stopped meanwhile: "
            f"{found.seen.disturbed}",
            f"memory {first.bytes / MEGABYTE:.1f} MB after the first round, {last.bytes / MEGABYTE:.1f} MB after the "
            f"last; slope after the first quarter {verdict.bytes_an_hour / MEGABYTE:+.2f} MB/h",
            f"descriptors {first.descriptors}, {last.descriptors}, {verdict.descriptors:+.1f}; "
            f"threads {first.threads}, {last.threads}, {verdict.threads:+.1f}; "
            f"uploads on the disk at most {found.cache_at_most / MEGABYTE:.2f} MB",
            *(f"WRONG: {kind}: {reason}" for kind, reason in verdict.reasons.items()),
        ]
    )
