"""Clients of all kinds at once, people, programs and attackers, and what is wrong with the answers they get."""

import asyncio
import io
import itertools
import json
import random
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import gradio_client
from PIL import Image

from tests.conftest import ROOT
from tests.hand import DIGITS, encoded, render, write_number
from tests.hostile import Attack, Reply, attacks, request, send

EXAMPLES = ROOT / "app" / "page" / "examples"

DIGIT_MODEL, NUMBER_MODEL, CLOTHES_MODEL = "mnist-convnet", "mnist-sturdy", "fashion_mnist-convnet"

CLIENTS = 6
"""Clients that send one request after the other, besides those that hold sessions."""

MAX_ANSWER_SECONDS = 60.0
"""Seconds until a client gives up; a soak measures what is kept, not how long things take on a busy machine."""

SUSPENDED_SECONDS = 3.0
"""Seconds without a turn that show that this process itself was suspended, as when a machine sleeps."""


# ------------------------------------------------------------------------------------------------------------- checks


@dataclass(frozen=True)
class Fault:
    """What was wrong with an answer: ``failed``, ``wrong`` for its label, or ``unexplained`` for an error."""

    kind: str
    what: str


Check = Callable[[Reply], Fault | None]


@dataclass(frozen=True)
class Call:
    """A request, and the check that its answer must pass."""

    kind: str
    data: bytes
    check: Check


@dataclass
class Seen:
    """The answers by kind, the errors among them, and every fault."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    faults: list[Fault] = field(default_factory=list)
    disturbed: int = 0
    """Faults while this process itself was suspended, which prove nothing."""

    def add(self, kind: str, fault: Fault | None) -> None:
        self.answers[kind] += 1
        if fault:
            self.faults.append(Fault(fault.kind, f"{kind}: {fault.what}"))

    def count(self, kind: str) -> int:
        """Return the number of faults of a kind."""
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
        return labelled(label, said.get("answer", said))

    return check


def labelled(label: str, answer: dict) -> Fault | None:
    return None if answer["label"] == label else Fault("wrong", f"{label!r} was read as {answer['label']!r}")


def says_of_many(labels: Sequence[str | None]) -> Check:
    """Expect a line for each picture, None where it cannot be read, and the count of both."""

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


# -------------------------------------------------------------------------------------------------------------- calls


def form(files: Sequence[tuple[str, str, bytes]], **fields: str) -> tuple[bytes, dict[str, str]]:
    """Return a form of files (field, file name, content) and plain fields, with the header that goes with it."""
    parts = [(f'name="{name}"; filename="{file}"', content) for name, file, content in files]
    parts += [(f'name="{name}"', value.encode()) for name, value in fields.items()]
    body = [f"--edge\r\nContent-Disposition: form-data; {what}\r\n\r\n".encode() + value for what, value in parts]
    return b"\r\n".join([*body, b"--edge--\r\n"]), {"Content-Type": "multipart/form-data; boundary=edge"}


def packed(pictures: dict[str, bytes]) -> bytes:
    """Return a ZIP."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in pictures.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


PAGES = {
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
}
"""Addresses to GET, and their weights."""


def good_calls() -> list[tuple[Call, int]]:
    """List what people send, with its weight."""
    found: list[tuple[Call, int]] = []

    def post(kind: str, path: str, body: tuple[bytes, dict[str, str]], check: Check, weight: int) -> None:
        found.append((Call(kind, request("POST", path, *body), check), weight))

    png, jpeg = {"Content-Type": "image/png"}, {"Content-Type": "image/jpeg"}
    digits = {digit: encoded(render(digit)) for digit in DIGITS}
    small = {digit: encoded(render(digit).resize((90, 90), Image.Resampling.BOX)) for digit in DIGITS}
    query = f"/classify?model={DIGIT_MODEL}"
    for digit, picture in digits.items():
        files = [("image", f"{digit}.png", picture)]
        post("digit, its bytes", query, (picture, png), says(digit), 20)
        post("small digit, its bytes", query, (small[digit], png), says(digit), 20)
        post("digit, a form", "/classify", form(files, model=DIGIT_MODEL, device="cpu"), says(digit), 20)
        post("explain", "/explain", form(files, model=DIGIT_MODEL), says(digit), 2)
    photo = encoded(render("5", canvas=1600, side=900, pen=80), "JPEG")
    huge = encoded(render("5", canvas=4000, side=2400, pen=200).convert("RGB"), "JPEG")
    post("photograph", query, (photo, jpeg), says("5"), 15)
    post("large photograph", query, (huge, jpeg), says("5"), 1)
    post("number", f"/classify?model={NUMBER_MODEL}", (encoded(write_number("2708")), png), says("2708"), 25)
    for label, name in {"T-shirt/top": "tshirt", "Trouser": "trouser", "Pullover": "pullover"}.items():
        files = [("image", f"{name}.png", (EXAMPLES / f"{name}.png").read_bytes())]
        post("clothes", "/classify", form(files, model=CLOTHES_MODEL), says(label), 15)
    post("compare", "/compare", form([("image", "5.png", digits["5"])], model=DIGIT_MODEL), says("5"), 8)
    zipped = packed({"3.png": small["3"], "notes.png": b"no picture", "8.png": digits["8"]})
    files = [("images", "first.png", small["1"]), ("images", "scans.zip", zipped), ("images", "last.png", digits["9"])]
    expected = says_of_many(["1", "3", None, "8", "9"])
    post("many and a ZIP", "/classify/many", form(files, model=DIGIT_MODEL), expected, 15)
    return found + [(Call(f"GET {path}", request("GET", path), answered), weight) for path, weight in PAGES.items()]


def calls(seed: int, hostile: float = 0.25) -> Iterator[Call]:
    """Yield calls without end; a share of them hostile."""
    generator, bad = random.Random(seed), attacks(10**9, seed)
    good, weights = zip(*good_calls(), strict=True)
    while True:
        if generator.random() < hostile:
            attack = next(attack for attack in bad if not attack.slow)
            yield Call(f"hostile: {attack.kind}", attack.data, _check_of(attack))
        else:
            [call] = generator.choices(good, weights)
            yield call


def _check_of(attack: Attack) -> Check:
    """Return the check of an attack: a HEAD has no body to explain itself in, and broken HTTP needs no answer."""
    if attack.data.startswith(b"HEAD"):
        return lambda reply: None if reply.status < 500 else Fault("failed", str(reply.status))
    if attack.kind == "broken":
        return hostile_is_explained
    return lambda reply: hostile_is_explained(reply) if reply.status else Fault("failed", f"silence to {attack}")


# ------------------------------------------------------------------------------------------------------------ clients


@dataclass
class Crowd:
    """The clients of one server, and what they have seen."""

    port: int
    seed: int = 0
    seen: Seen = field(default_factory=Seen)
    suspensions: int = 0
    """How often this process was found to have been suspended."""

    def __post_init__(self) -> None:
        self._calls = calls(self.seed)
        self._numbers = itertools.count()
        self._picture = encoded(render("5"))

    async def work(self, seconds: float) -> None:
        """Let everybody work for some seconds, and finish what was begun."""
        end = time.monotonic() + seconds
        noticing = asyncio.create_task(self._notice_suspensions())
        clients = [self._one_after_the_other(end) for _ in range(CLIENTS)]
        await asyncio.gather(*clients, self._sessions(end), self._real_clients(end), self._slow(end))
        noticing.cancel()

    async def _one_after_the_other(self, end: float) -> None:
        while time.monotonic() < end:
            await self.run(next(self._calls))
            await asyncio.sleep(0.01)

    async def run(self, call: Call) -> None:
        """Send one request and check its answer."""
        await self._count(call.kind, self._fault_of(call))

    async def _fault_of(self, call: Call) -> Fault | None:
        reply = await self._send(call.data, "broken" if "broken" in call.kind else "")
        self.seen.errors += reply.status >= 400
        return call.check(reply)

    async def _send(self, data: bytes, kind: str = "") -> Reply:
        return await send(self.port, Attack(kind, data), MAX_ANSWER_SECONDS)

    async def _count(self, kind: str, asking: Awaitable[Fault | None]) -> None:
        """Count an answer, unless it failed while this process was suspended."""
        suspensions = self.suspensions
        try:
            fault = await asking
        except (TimeoutError, OSError, ValueError, KeyError, asyncio.IncompleteReadError) as error:
            fault = Fault("failed", repr(error))
        if fault:
            await asyncio.sleep(1)
            if self.suspensions != suspensions:
                self.seen.disturbed += 1
                return
        self.seen.add(kind, fault)

    async def _notice_suspensions(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.2)
            self.suspensions += time.monotonic() - before > SUSPENDED_SECONDS

    async def _slow(self, end: float) -> None:
        """Send one body that stops in the middle, where there is time to wait for the server's answer."""
        if end - time.monotonic() > 15:
            head = {"Content-Type": "image/png", "Content-Length": "1000"}
            await self.run(Call("hostile: slow", request("POST", "/classify", headers=head), hostile_is_explained))

    # ------------------------------------------------------------------------------------------------------ sessions

    async def _sessions(self, end: float) -> None:
        """Hold sessions as a page does; three of five leave before they should."""
        for leave in itertools.cycle(("at the end", "after the upload", "while listening", "at the end", "unheard")):
            if time.monotonic() > end:
                return
            await self._count(f"session that leaves {leave}", self.session(leave))
            await asyncio.sleep(0.02)

    async def session(self, leave: str = "at the end") -> Fault | None:
        """Open a session of Gradio, upload, join the queue, listen, and leave."""
        name = f"s{next(self._numbers)}x{self.seed}x{time.time_ns()}"
        async with _opened(self.port, request("GET", f"/gradio_api/heartbeat/{name}")):
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
                async with _opened(self.port, listen) as reader:
                    await reader.readline()
                return None
            return _heard(await self._send(listen))

    async def _ask(self, method: str, path: str, body: bytes, head: dict[str, str]) -> "list | dict | Fault":
        reply = await self._send(request(method, path, body, head))
        return json.loads(reply.body) if reply.status == 200 else Fault("failed", f"{path}: {reply}")

    async def _real_clients(self, end: float) -> None:
        """Open a session with ``gradio_client`` itself, ask, and close it, again and again."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "five.png"
            path.write_bytes(self._picture)
            while time.monotonic() < end:
                await self._count("gradio_client", asyncio.to_thread(_ask_by_gradio_client, self.port, path))
                await asyncio.sleep(0.5)


@asynccontextmanager
async def _opened(port: int, data: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """Open a connection and send a request on it; close it when the block ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        yield reader
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _heard(reply: Reply) -> Fault | None:
    """Check what the event stream of a session has told of its answer."""
    if reply.status != 200:
        return answered(reply)
    text = reply.body.decode(errors="replace")
    completed = [line for line in text.splitlines() if '"process_completed"' in line]
    if not completed or '"success":true' not in completed[0].replace(" ", ""):
        return Fault("failed", text[-500:])
    return labelled("5", json.loads(completed[0].removeprefix("data: "))["output"]["data"][0])


def _ask_by_gradio_client(port: int, path: Path) -> Fault | None:
    try:
        client = gradio_client.Client(
            f"http://127.0.0.1:{port}", verbose=False, httpx_kwargs={"timeout": MAX_ANSWER_SECONDS}
        )
        try:
            said = client.predict(gradio_client.handle_file(path), DIGIT_MODEL, "cpu", api_name="/classify")
        finally:
            client.close()
    except Exception as error:  # whatever the client makes of an answer
        return Fault("failed", repr(error))
    return labelled("5", said)
