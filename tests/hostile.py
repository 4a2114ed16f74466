"""Hostile requests made from a seed, as raw bytes, and a client that sends them."""

import asyncio
import json
import random
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

CANARY = "root:"
"""How /etc/passwd begins: no answer may hold it."""

TRAVERSALS = (
    *("../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/%2e%2e/etc/passwd"),
    *("..%252f..%252f..%252fetc%252fpasswd", "%252e%252e/%252e%252e/etc/passwd", "..\\..\\..\\etc\\passwd"),
    *("..%5c..%5c..%5cetc%5cpasswd", "/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd", "....//....//etc/passwd"),
    *("/etc/passwd%00.png", "..;/..;/etc/passwd", "%c0%ae%c0%ae/etc/passwd", "file:///etc/passwd"),
    "/proc/self/environ",
    *("/proc/self/fd/0", "~root/.bashrc", ".git/config", "js/../../ui.py", "js/..%2f..%2fui.py", "./../server.py"),
)

PLACES = (
    *("/gradio_api/file=", "/gradio_api/file/", "/file=", "/page/", "/page/js/", "/static/", "/assets/", "/svelte/"),
    *("/models/", "/corrections/", "/gradio_api/proxy=", "/gradio_api/custom_component/", "/gradio_api/stream/", "/"),
)

UNKNOWN = (
    *("/docs", "/redoc", "/login", "/logout", "/monitoring", "/monitoring/summary", "/gradio_api/deep_link"),
    *("/gradio_api/vibe-edit", "/gradio_api/vibe-code", "/gradio_api/runs", "/gradio_api/run-history/records"),
    *("/gradio_api/component_server", "/gradio_api/process_recording", "/gradio_api/upload_progress?upload_id=1"),
    *("/gradio_api/startup-events", "/gradio_api/app_id", "/gradio_api/token", "/gradio_api/dev/reload", "/.env"),
    *("/gradio_api/run/predict", "/gradio_api/call/nobody", "/gradio_api/api/classify", "/wp-login.php"),
    *("/server-status", "/gradio_api/mcp/sse", "/gradio_api/mcp", "/pwa_icon", "/?deep_link=../../x"),
    *("/?page=nobody", "/config?deep_link=x"),
)

MADE = ("/classify", "/classify/many", "/explain", "/compare", "/corrections", "/gradio_api/upload")
CALLS = ("/gradio_api/run/classify", "/gradio_api/call/classify", "/gradio_api/queue/join")


@dataclass(frozen=True)
class Attack:
    """Bytes for the wire; a slow one is sent a piece at a time, and some end before they should."""

    kind: str
    data: bytes
    slow: bool = False


def request(
    method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None, host: str = "127.0.0.1"
) -> bytes:
    """A request as it goes over the wire."""
    head = {"Host": host, "Connection": "close"} | ({"Content-Length": str(len(body))} if body else {})
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in (head | (headers or {})).items())]
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + body


def _strange(random: random.Random, canary: str, depth: int = 0) -> object:
    """A JSON value that no caller expects."""
    plain = [
        *(None, True, -1, 1e308, 10**30, "", "a" * 5_000, "\0", "\ud800", "../../etc/passwd", "/etc/passwd", canary),
        *("data:image/png;base64,AAAA", "data:text/html,<script>", "file:///etc/passwd", f"{canary}/x.png", [], {}),
    ]
    if depth < 3 and random.random() < 0.4:
        inner = [_strange(random, canary, depth + 1) for _ in range(random.randrange(4))]
        names = ("path", "url", "data", "meta", "orig_name", "is_stream", "_type")
        return inner if random.random() < 0.4 else dict(zip(random.sample(names, 7), inner, strict=False))
    return random.choice(plain)


def _file(random: random.Random, canary: str) -> object:
    path = random.choice(["/etc/passwd", "../../etc/passwd", canary, f"{canary}/five.png", "data:image/png;base64,AA"])
    return {"path": path, "url": random.choice([None, canary]), "meta": {"_type": "gradio.FileData"}}


def call(random: random.Random, canary: str) -> Attack:
    """A call of Gradio's API with arguments of wrong types, paths, addresses, or far too many."""
    first = _file(random, canary) if random.random() < 0.5 else _strange(random, canary)
    data = [first, *(_strange(random, canary) for _ in range(random.randrange(4)))]
    payload: object = {
        "data": random.choice([data, data, data, _strange(random, canary)]),
        "fn_index": random.choice([0, 0, 1, -1, "0", None, 10**9]),
        "session_hash": random.choice(["abc", "../x", 5, None, "a" * 1_000]),
        "event_data": _strange(random, canary),
        "request": _strange(random, canary),
    }
    text = json.dumps(random.choice([payload, payload, payload, _strange(random, canary)]))
    text = random.choice([text, text, text, text[: len(text) // 2], "[" * 30_000, "1" * 5_000, "", "{", "\xff" + text])
    kind = random.choice(["application/json"] * 5 + ["text/plain", "", "application/xml"])
    data = text.encode("utf-8", "replace")
    return Attack("call", request("POST", random.choice(CALLS), data, {"Content-Type": kind}))


def huge(random: random.Random, canary: str) -> Attack:
    """A body far larger than what is accepted, by its own word or in chunks without end."""
    target = random.choice(CALLS)
    if random.random() < 0.5:
        size = random.choice([10**8, 10**12, 10**30])
        head = {"Content-Type": "application/json", "Content-Length": str(size)}
        return Attack("huge", request("POST", target, headers=head) + b"[" * 1_000)
    head = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    chunk = b"10000\r\n" + b"[" * 65_536 + b"\r\n"
    return Attack("huge", request("POST", target, headers=head) + chunk * 4)


def picture(random: random.Random, canary: str) -> Attack:
    """Rubbish where a picture is expected."""
    content = random.choice([b"", b"hello", b"\x89PNG\r\n\x1a\n" + random.randbytes(200), b"GIF89a", b"\xff\xd8\xff"])
    content = random.choice([content, b"PK\x03\x04" + random.randbytes(100), b"<svg onload=alert(1)>", b"II*\0" * 50])
    name = random.choice(["five.png", "../../etc/passwd", "a\r\nX-Evil: 1", "\0", "é" * 300, "<script>", "x" * 20_000])
    field = random.choice(["image", "images", "files", "model", ""])
    model = random.choice(["mnist-convnet", "../../x", "\0", "x" * 2_000, "mnist-lenet.onnx"])
    form = f'--edge\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode() + content
    form += f'\r\n--edge\r\nContent-Disposition: form-data; name="model"\r\n\r\n{model}\r\n--edge--\r\n'.encode()
    form = random.choice([form, form, form[: len(form) // 2], form.replace(b"edge", b"egde"), b"--edge--", b""])
    kinds = ["multipart/form-data; boundary=edge"] * 5
    kinds += ["multipart/form-data", "image/png", "text/html", "garbage;;;="]
    query = random.choice(["", "", "?model=%00", "?device=tpu", "?draft=1", "?name=%ff%fe", "?" + "a" * 3_000])
    return Attack("picture", request("POST", random.choice(MADE) + query, form, {"Content-Type": random.choice(kinds)}))


def path(random: random.Random, canary: str) -> Attack:
    """A path out of the folders that are served, or an address to be fetched."""
    target = random.choice(PLACES) + random.choice([*TRAVERSALS, canary, f"{canary}/five.png"])
    target += random.choice(["", "", "/card", "/picture"])
    return Attack("path", request(random.choice(["GET", "GET", "HEAD", "POST"]), target.replace(" ", "%20")))


def unknown(random: random.Random, canary: str) -> Attack:
    """A route that the frame has and nobody needs here, or a method that no route has."""
    method = random.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
    return Attack("unknown", request(method, random.choice([*UNKNOWN, "/", "/classify", "/models", "/corrections/x"])))


def stranger(random: random.Random, canary: str) -> Attack:
    """A page of another site, or another name of the server."""
    target = random.choice(["/models", "/classify", "/corrections", "/config", "/gradio_api/info"])
    headers = random.choice(
        [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
            {"Host": "evil.example"},
            {"Host": "127.0.0.1.evil.example"},
            {"X-Forwarded-Host": "evil.example"},
        ]
    )
    return Attack("stranger", request(random.choice(["GET", "POST"]), target, headers=headers))


def broken(random: random.Random, canary: str) -> Attack:
    """Bytes that are no HTTP, or that end in the middle."""
    good = request("POST", "/classify", b"hello", {"Content-Type": "image/png"})
    return Attack(
        "broken",
        random.choice(
            [
                random.randbytes(random.randrange(1, 500)),
                good[: random.randrange(1, len(good))],
                good.replace(b"Content-Length: 5", b"Content-Length: -5"),
                good.replace(b"Content-Length: 5", b"Content-Length: 5\r\nContent-Length: 7"),
                good.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
                good.replace(b"Host: 127.0.0.1\r\n", b""),
                b"GET / HTTP/9.9\r\n\r\n",
                b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
                b"GET /models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            ]
        ),
    )


def slow(random: random.Random, canary: str) -> Attack:
    """A body that stops in the middle."""
    target, kind = random.choice([("/classify", "image/png"), (CALLS[0], "application/json")])
    return Attack("slow", request("POST", target, headers={"Content-Type": kind, "Content-Length": "1000"}), slow=True)


KINDS = {call: 30, picture: 25, path: 20, unknown: 10, stranger: 5, broken: 7, huge: 2, slow: 1}


def attacks(count: int, seed: int, canary: str = "http://127.0.0.1:9") -> Iterator[Attack]:
    """Yield hostile requests of all kinds, the same for the same seed.

    Args:
        count: how many.
        seed: of the choice.
        canary: an address that nobody may ask for anything.
    """
    generator = random.Random(seed)
    for _ in range(count):
        [make] = generator.choices([*KINDS], [*KINDS.values()])
        yield make(generator, canary)


def path_attacks(canary: str) -> Iterator[Attack]:
    """Every place with every way out of it."""
    for place in PLACES:
        for way in (*TRAVERSALS, canary):
            yield Attack("path", request("GET", place + way))


NAMED = re.compile(
    r"\b(?:(?:image|images|data|model|device|draft|glimpse|fn_index|session_hash|event_id|Content-Type|gradio \w+):"
    r"|picture|file|model|The (?:body|form|request|address|(?:head|rest) of the request)|[Tt]his address"
    r"|Pages of|no such function|is not HTTP"
    r"|This server is not known as|Corrections are not kept|requests of yours|requests are waiting)",
)
"""How the sentence of an error names what was wrong: a field, a header, the address, the body, a picture."""


@dataclass(frozen=True)
class Reply:
    """What came back: 0 where the server hung up without a word."""

    status: int
    body: bytes

    @property
    def explained(self) -> bool:
        """Whether an error says its code, its reason in a sentence that names the input, and the request's id."""
        try:
            error = json.loads(self.body)["error"]
            said = error["message"]
            return bool(error["code"] and error["request_id"] and len(said.split()) > 2 and NAMED.search(said))
        except (ValueError, KeyError, TypeError):
            return False


async def send(port: int, attack: Attack, seconds: float = 30) -> Reply:
    """Send an attack as it is, and read all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(seconds):
            try:
                writer.write(attack.data)
                if attack.kind == "broken":
                    writer.write_eof()
                await writer.drain()
            except ConnectionError:
                pass
            try:
                answer = await reader.read()
            except ConnectionError:
                answer = b""
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if b"transfer-encoding: chunked" in head.lower():
        body = b"".join(body.split(b"\r\n")[1::2])
    return Reply(int(words[1]) if len(words) > 1 else 0, body)


async def send_all(port: int, attacks: list[Attack], at_once: int = 8) -> list[Reply]:
    """Send all, some at once; their replies in order."""
    gate = asyncio.Semaphore(at_once)

    async def one(attack: Attack) -> Reply:
        async with gate:
            return await send(port, attack)

    return await asyncio.gather(*map(one, attacks))


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run in a thread with a loop of its own: Playwright, where a test has used it, keeps the main thread's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
