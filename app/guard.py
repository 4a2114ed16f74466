"""The guard in front of everything: what is not expected never reaches FastAPI or Gradio.

A pure ASGI application around the real one. It knows every route that the page, our endpoints, ``gradio_client`` and,
where asked for, MCP use, with the size and the kind of body each takes; everything else is answered here. Each error,
its own or one from behind it, leaves as ``{"error": {"code", "message", "request_id"}}``, or as a small page where
somebody has typed an address.
"""

import asyncio
import base64
import hashlib
import hmac
import html
import ipaddress
import json
import logging
import re
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import Metrics

MEGABYTE = 1_000_000

MOST_JSON = 64_000
"""Bytes of a call of Gradio's API: names and a path."""

MOST_MCP = 30 * MEGABYTE
"""Bytes of a call over MCP, which may hold a picture of 20 MB in base64."""

MOST_ERROR = 256_000
"""Bytes of an error from behind the guard that are looked at."""

SECONDS_IDLE = 10.0
"""How long a body may pause."""

SECONDS_AT_LEAST, SLOWEST = 60.0, 20_000
"""How long a body may take: a minute, and a second for each 20 kB."""

SECONDS_TO_DRAIN = 2.0
"""How long the rest of a refused body is thrown away, so that the client comes to read the answer."""

MOST_WORK, MOST_STREAMS, MOST_HELD = 256, 512, 400 * MEGABYTE
"""Of one process: requests in work or waiting, open event streams, bytes of bodies in memory."""

SHARE = 2
"""One address may take a half of the places and no more, so that others find some."""

RETRY = ((b"retry-after", b"1"),)

NOTHING = "There is nothing at this address; /openapi.json lists what there is."

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger("inkwear")
requests_log = logging.getLogger("inkwear.requests")


class Refusal(Exception):  # noqa: N818, a refusal is no error of ours
    """Why a request is not answered: a status, a code for programs, a sentence for people."""

    def __init__(self, status: int, code: str, message: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, tuple(headers)


# ------------------------------------------------------------------------------------------------------------- routes


@dataclass(frozen=True)
class Route:
    """What one route takes.

    Attributes:
        name: what metrics and logs call it.
        methods: HTTP's.
        most_bytes: of the body; 0 where there is none.
        takes: the media types, as the beginning of the header; empty where any will do.
        work: whether it takes one of the places for work.
        stream: whether it stays open.
        held: whether the body is held in memory.
        gradio: whether Gradio answers.
        query: what Gradio may see of the query; without it, nothing.
        clean: turns the JSON of a body into what is passed on; raises ``Refusal``.
    """

    name: str
    methods: frozenset[str]
    most_bytes: int = 0
    takes: tuple[str, ...] = ()
    work: bool = False
    stream: bool = False
    held: bool = False
    gradio: bool = False
    query: re.Pattern[bytes] | None = None
    clean: Callable[[Any], Any] | None = None


FORM = ("multipart/form-data",)
PICTURE = (*FORM, "image/", "application/octet-stream", "application/x-www-form-urlencoded")
"""The last is what curl says of ``--data-binary`` where nobody tells it better."""

GET, READ, POST = frozenset({"GET"}), frozenset({"GET", "HEAD"}), frozenset({"POST"})
MOST_PICTURE, MOST_MANY = 200 * MEGABYTE, 4_000 * MEGABYTE

SEGMENT = r"[A-Za-z0-9_@+~-][A-Za-z0-9_@+~.-]*"
FILE = rf"{SEGMENT}(?:/{SEGMENT})*"
"""Of a static file: no segment begins with a dot, none is empty, nothing is encoded."""

NAME = r"[^/\\%\x00-\x1f\x7f]{1,200}"
"""Of a model or a correction, which is looked up in a list and opens no path."""

TOKEN = r"[A-Za-z0-9_-]{1,64}"


def _file(payload: Any) -> dict[str, Any]:
    """What Gradio may see of a file: where the upload lies, and no address."""
    if not isinstance(payload, dict) or not isinstance(payload.get("path"), str) or len(payload["path"]) > 1_000:
        raise Refusal(422, "RequestError", "image: an uploaded file is expected; nothing is fetched from elsewhere.")
    if "://" in payload["path"] or payload["path"].startswith("data:") or "\0" in payload["path"]:
        raise Refusal(422, "RequestError", "image: an uploaded file is expected; nothing is fetched from elsewhere.")
    return {"path": payload["path"], "meta": {"_type": "gradio.FileData"}}


def _data(payload: Any) -> list[Any]:
    """The arguments of ``classify``: an uploaded file, a model's name, a device."""
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, list) or not 1 <= len(data) <= 3:
        raise Refusal(422, "RequestError", "data: a list is expected: the uploaded file, a model's name, a device.")
    for what, value in zip(("model", "device"), data[1:], strict=False):
        if value is not None and (not isinstance(value, str) or len(value) > 200):
            raise Refusal(422, "RequestError", f"{what}: a name is expected.")
    return [_file(data[0]), *(value or "" for value in [*data[1:], "", ""][:2])]


def _token(payload: dict[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not re.fullmatch(TOKEN, value):
        raise Refusal(422, "RequestError", f"{key}: up to 64 letters, digits, - and _ are expected.")
    return value


def _the_one_function(payload: dict[str, Any]) -> int:
    if payload.get("fn_index") not in (0, None) or isinstance(payload.get("fn_index"), bool | float):
        raise Refusal(404, "NotFound", "fn_index: there is no such function; /gradio_api/info lists what there is.")
    return 0


def clean_call(payload: Any) -> dict[str, Any]:
    """A call by name."""
    return {"data": _data(payload)}


def clean_join(payload: Any) -> dict[str, Any]:
    """A call that joins the queue."""
    data = _data(payload)
    return {"data": data, "fn_index": _the_one_function(payload), "session_hash": _token(payload, "session_hash")}


def clean_cancel(payload: Any) -> dict[str, Any]:
    """A call given up."""
    if not isinstance(payload, dict):
        raise Refusal(422, "RequestError", "session_hash, fn_index and event_id are expected.")
    index = _the_one_function(payload)
    return {key: _token(payload, key) for key in ("session_hash", "event_id")} | {"fn_index": index}


def clean_reset(payload: Any) -> dict[str, Any]:
    """What older clients send after a call."""
    if not isinstance(payload, dict):
        raise Refusal(422, "RequestError", "event_id is expected.")
    return {"event_id": _token(payload, "event_id")}


JSON = ("application/json",)
PAGE = Route("page", READ, gradio=True)
STATIC = Route("static", READ, gradio=True)
OTHER = Route("other", frozenset())
_CALL = Route("gradio call", POST, MOST_JSON, JSON, work=True, gradio=True, clean=clean_call)
_LISTEN = Route("gradio listen", GET, stream=True, gradio=True)
_CORRECT = Route("corrections", GET | {"POST", "DELETE"}, MOST_PICTURE, FORM, work=True)

EXACT: dict[str, Route] = {
    "/": PAGE,
    "/config": replace(STATIC, name="gradio config"),
    "/theme.css": STATIC,
    "/favicon.ico": STATIC,
    "/manifest.json": STATIC,
    "/robots.txt": STATIC,
    "/healthz": Route("health", READ),
    "/readyz": Route("health", READ),
    "/metrics": Route("metrics", GET),
    "/openapi.json": Route("openapi", READ),
    "/models": Route("models", GET),
    "/snippets": Route("snippets", GET),
    "/classify": Route("classify", POST, MOST_PICTURE, PICTURE, work=True, held=True),
    "/classify/many": Route(
        "classify many", POST, MOST_MANY, (*PICTURE, "application/zip", "application/x-zip-compressed"), work=True
    ),
    "/explain": Route("explain", POST, MOST_PICTURE, FORM, work=True),
    "/compare": Route("compare", POST, MOST_PICTURE, FORM, work=True),
    "/corrections": _CORRECT,
    "/corrections.zip": replace(_CORRECT, methods=GET),
    "/gradio_api/info": replace(STATIC, name="gradio config", methods=GET),
    "/gradio_api/upload": Route(
        "gradio upload",
        POST,
        MOST_PICTURE,
        FORM,
        work=True,
        gradio=True,
        query=re.compile(rf"(?:upload_id={TOKEN})?".encode()),
    ),
    "/gradio_api/run/classify": _CALL,
    "/gradio_api/call/classify": _CALL,
    "/gradio_api/queue/join": replace(_CALL, clean=clean_join),
    "/gradio_api/queue/data": replace(_LISTEN, query=re.compile(rf"session_hash={TOKEN}".encode())),
    "/gradio_api/cancel": Route("gradio call", POST, MOST_JSON, JSON, gradio=True, clean=clean_cancel),
    "/gradio_api/reset": Route("gradio call", POST, MOST_JSON, JSON, gradio=True, clean=clean_reset),
}

PATTERNS: tuple[tuple[re.Pattern[str], Route], ...] = (
    (re.compile(rf"/(?:assets|static)/{FILE}"), STATIC),
    (re.compile(rf"/page/{FILE}"), replace(STATIC, gradio=False)),
    (re.compile(rf"/models/{NAME}/(?:card|drawing\.svg)"), Route("card", GET)),
    (re.compile(rf"/corrections/{NAME}"), replace(_CORRECT, methods=frozenset({"DELETE"}), most_bytes=0)),
    (re.compile(rf"/corrections/{NAME}/picture"), replace(_CORRECT, methods=GET, most_bytes=0)),
    (re.compile(rf"/gradio_api/call/classify/{TOKEN}"), _LISTEN),
    (re.compile(rf"/gradio_api/heartbeat/{TOKEN}"), _LISTEN),
)

MCP = re.compile(r"/gradio_api/mcp/?(?:sse/?|http/?|schema/?|messages/?)?")
MCP_ROUTE = Route("mcp", GET | {"POST", "DELETE"}, MOST_MCP, JSON, stream=True, held=True, gradio=True)

OPEN_TO_ALL = frozenset({"/healthz", "/readyz"})
"""What needs no password: whoever watches the process has none, and learns nothing else from it."""


# ------------------------------------------------------------------------------------------------------------- people


class Keys:
    """Who may come in: names and salted hashes of their passwords (scrypt, RFC 7914).

    Args:
        given: ``user:password``, or a file with a line ``user:scrypt$salt$hash`` for each.

    Raises:
        ValueError: neither.
    """

    MOST_CHECKS = 4
    """Passwords hashed at once, each of which takes 16 MB and some 40 ms."""

    def __init__(self, given: str) -> None:
        path = Path(given)
        if path.is_file():
            self.users = dict(self._entry(line, path) for line in path.read_text("utf-8").splitlines() if line.strip())
        else:
            user, colon, password = given.partition(":")
            if not (user and colon and password):
                raise ValueError(
                    "--auth takes user:password, or a file of lines that `python -m app.guard NAME` prints."
                )
            self.users = dict([self._entry(hashed(user, password), path)])
        if not self.users:
            raise ValueError(f"--auth {given}: the file names nobody. Add a line: python -m app.guard NAME")
        self._secret = secrets.token_bytes(16)
        self._known: dict[bytes, bool] = {}
        self._checking = 0

    @staticmethod
    def _entry(line: str, path: Path) -> tuple[str, tuple[bytes, bytes]]:
        user, _, rest = line.strip().partition(":")
        parts = rest.split("$")
        try:
            scheme, salt, digest = parts
            if scheme != "scrypt" or not user:
                raise ValueError
            return user, (bytes.fromhex(salt), bytes.fromhex(digest))
        except ValueError:
            raise ValueError(
                f"--auth {path}: a line is not user:scrypt$salt$hash; make it: python -m app.guard NAME"
            ) from None

    async def check(self, header: bytes) -> None:
        """Let in who has a right name and password (RFC 7617).

        Raises:
            Refusal: 401, or 429 while too many others are trying.
        """
        mark = hmac.digest(self._secret, header, "sha256")
        if mark in self._known:
            return
        if not header:
            raise _who_are_you()
        if self._checking >= self.MOST_CHECKS:
            raise Refusal(429, "TooManyRequests", "Too many passwords are being checked; try again in a second.", RETRY)
        self._checking += 1
        try:
            right = await asyncio.to_thread(self._is_right, header)
        finally:
            self._checking -= 1
        if not right:
            raise _who_are_you()
        if len(self._known) > 1_000:
            self._known.clear()
        self._known[mark] = True

    def _is_right(self, header: bytes) -> bool:
        kind, _, encoded = header.partition(b" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False
        salt, digest = self.users.get(user, (b"nobody", b""))  # who is not known costs the same time
        right = hmac.compare_digest(_scrypt(password, salt), digest)
        return kind.lower() == b"basic" and right


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1)


def hashed(user: str, password: str) -> str:
    """The line of an ``--auth`` file for a person.

    Raises:
        ValueError: a name that cannot be one.
    """
    if not user or ":" in user or user != user.strip():
        raise ValueError(f"{user!r} cannot be a name: no colon, no space around it.")
    salt = secrets.token_bytes(16)
    return f"{user}:scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def _who_are_you() -> Refusal:
    challenge = ((b"www-authenticate", b'Basic realm="Inkwear", charset="UTF-8"'),)
    return Refusal(401, "Unauthorized", "A name and a password are needed here.", challenge)


# -------------------------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True)
class Hosts:
    """Under which names the server may be addressed; a stranger's name that leads here is a trick (DNS rebinding).

    Attributes:
        names: in lower case, without port.
        addresses: whether any IP address will do, as where the server listens on all of the machine's.
        anything: whether every name will do.
    """

    names: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    addresses: bool = False
    anything: bool = False

    @classmethod
    def of(cls, host: str, also: Iterable[str] = ()) -> "Hosts":
        """For a server that listens on ``host`` and is reached under other names too."""
        names = {host, *also, f"[{host}]"}
        everywhere = host in ("0.0.0.0", "::", "")
        if everywhere:
            names |= {socket.gethostname(), f"{socket.gethostname()}.local"}
        return cls(cls.names | {name.lower().rstrip(".") for name in names}, everywhere, "*" in names)

    def accept(self, header: str) -> bool:
        """Whether a ``Host`` header names this server."""
        name = re.sub(r":\d{0,5}$", "", header.lower()).rstrip(".")
        if self.anything or name in self.names:
            return True
        return self.addresses and _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Rules:
    """What a guard was told.

    Attributes:
        hosts: names of the server.
        keys: who may come in; None where everybody may.
        mcp: whether MCP's routes exist.
        log_requests: whether each request is a line of the log.
        uploads_fit: whether there is room for another upload.
    """

    hosts: Hosts = field(default_factory=lambda: Hosts(anything=True))
    keys: Keys | None = None
    mcp: bool = False
    log_requests: bool = False
    uploads_fit: Callable[[], bool] = lambda: True


CSP = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'{inline}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Gradio's ``gr.HTML`` makes functions of text, hence ``unsafe-eval``; scripts within the page are named by digest."""

INLINE = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)

HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-security-policy", CSP.format(inline="").encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
OURS = {name for name, _ in HEADERS}


# -------------------------------------------------------------------------------------------------------------- visit


@dataclass(slots=True, eq=False)
class Visit:
    """One request while it is here."""

    scope: Scope
    headers: dict[bytes, bytes]
    id: str
    started: float
    route: Route = OTHER
    status: int = 0
    refusal: Refusal | None = None
    received: int = 0
    ended: bool = False
    gone: bool = False
    began: bool = False
    held: list[bytes] | None = None
    start: Message | None = None

    @property
    def typed(self) -> bool:
        """Whether a person has opened this address in a browser."""
        return self.scope["method"] == "GET" and b"text/html" in self.headers.get(b"accept", b"")


_visit: ContextVar[Visit | None] = ContextVar("visit", default=None)


def refuse(status: int, error: Exception) -> None:
    """Tell the guard why a function that Gradio calls has failed, which Gradio answers with a bare 500."""
    visit = _visit.get()
    if visit and visit.scope["path"].startswith("/gradio_api/run/"):  # elsewhere Gradio tells it in its own events
        visit.refusal = Refusal(status, type(error).__name__, str(error))


def request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    visit = _visit.get()
    return visit.id if visit else ""


CODES = {400: "BadRequest", 404: "NotFound", 405: "MethodNotAllowed", 413: "TooLargeError", 503: "Busy"}


class Guard:
    """The ASGI application in front of another.

    Args:
        app: what is behind.
        rules: what to let in.
        metrics: where it is counted.
    """

    def __init__(self, app: ASGIApp, rules: Rules, metrics: Metrics) -> None:
        self.app, self.rules, self.metrics = app, rules, metrics
        self.patterns = (*PATTERNS, (MCP, MCP_ROUTE)) if rules.mcp else PATTERNS
        self._places: Counter[tuple[bool, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        visit = Visit(
            scope, headers, given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8), time.perf_counter()
        )
        token = _visit.set(visit)
        try:
            await self._attend(visit, receive, send)
        finally:
            _visit.reset(token)
            seconds = time.perf_counter() - visit.started
            status = 499 if visit.gone and not visit.began else visit.status
            self.metrics.add(visit.route.name, status, seconds)
            if self.rules.log_requests:
                self._log(visit, status, seconds)

    def _log(self, visit: Visit, status: int, seconds: float) -> None:
        """A line without address, query, names of files or anything else that a person has sent."""
        known = {
            "request_id": visit.id,
            "method": visit.scope["method"] if visit.route is not OTHER else "-",
            "route": visit.route.name,
            "status": status,
            "milliseconds": round(1000 * seconds, 1),
            "bytes": visit.received,
        }
        if visit.refusal:
            known["code"] = visit.refusal.code
        requests_log.info("%(method)s %(route)s %(status)d %(milliseconds).1f ms %(request_id)s", known)

    async def _attend(self, visit: Visit, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        try:
            self._check_sender(visit)
            if self.rules.keys and visit.scope["path"] not in OPEN_TO_ALL:
                await self.rules.keys.check(visit.headers.get(b"authorization", b""))
            visit.route = self._route(visit)
            self._check_body(visit)
        except Refusal as refusal:
            await self._answer(visit, refusal, receive, send)
            return
        route = visit.route
        if not (route.work or route.stream):
            await self._through(visit, receive, send)
            return
        try:
            place = self._take_place(visit)
        except Refusal as refusal:
            await self._answer(visit, refusal, receive, send)
            return
        try:
            await self._through(visit, receive, send)
        finally:
            self._give_place(visit, place)

    # ------------------------------------------------------------------------------------------------- what is let in

    def _check_sender(self, visit: Visit) -> None:
        """Refuse other names of the server, and pages of other sites."""
        headers = visit.headers
        host = headers.get(b"host", b"").decode("latin-1")
        for name in (host, headers.get(b"x-forwarded-host", b"").decode("latin-1")):
            if (name or not host) and not self.rules.hosts.accept(name):
                raise Refusal(
                    400,
                    "UnknownHost",
                    f"This server is not known as {name[:100]!r}. Start it with --allowed-host and this name if it is.",
                )
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower().partition("://")[2] != host.lower():
            raise Refusal(403, "OtherSite", f"Pages of {origin.decode('latin-1')[:100]!r} may not ask this server.")
        if headers.get(b"sec-fetch-site") == b"cross-site" and headers.get(b"sec-fetch-mode") != b"navigate":
            raise Refusal(403, "OtherSite", "Pages of other sites may not ask this server.")

    def _route(self, visit: Visit) -> Route:
        path, method = visit.scope["path"], visit.scope["method"]
        route = EXACT.get(path) or next((route for pattern, route in self.patterns if pattern.fullmatch(path)), None)
        raw = visit.scope.get("raw_path", b"")
        if route is None or (route.name in ("static", "page") and b"%" in raw):
            raise Refusal(404, "NotFound", NOTHING)
        if method not in route.methods:
            allowed = ", ".join(sorted(route.methods))
            allow = ((b"allow", allowed.encode()),)
            raise Refusal(405, "MethodNotAllowed", f"This address answers to {allowed}.", allow)
        return route

    def _check_body(self, visit: Visit) -> None:
        """Refuse by the headers what would be refused by the body."""
        route, headers = visit.route, visit.headers
        length = headers.get(b"content-length")
        most = route.most_bytes if visit.scope["method"] == "POST" else 0
        if length is not None and int(length) > most:
            raise _too_large(most)
        visit.ended = length in (None, b"0") and b"transfer-encoding" not in headers
        if not visit.ended and not most:
            raise _too_large(0)
        if most and route.takes:
            kind = headers.get(b"content-type", b"").decode("latin-1").strip().lower()
            may_lack = "image/" in route.takes or (visit.ended and route.takes == FORM)
            if not kind.startswith(route.takes) and (kind or not may_lack):
                kinds = ", ".join(f"{each}*" if each.endswith("/") else each for each in route.takes)
                raise Refusal(
                    415, "UnsupportedMediaType", f"Content-Type: {kind[:100]!r} is not taken here, but {kinds}."
                )
        if route.query and not route.query.fullmatch(visit.scope["query_string"]):
            raise Refusal(400, "BadRequest", f"The address has to end in ?{route.query.pattern.decode()}.")
        if route.name == "gradio upload" and not self.rules.uploads_fit():
            raise Refusal(503, "Busy", "There is no room for another upload now; try again in a minute.", RETRY)

    def _take_place(self, visit: Visit) -> tuple[bool, str]:
        """Count a request in.

        Raises:
            Refusal: the places, or those for one address, are taken.
        """
        stream, metrics = visit.route.stream, self.metrics
        client = visit.scope.get("client")
        place = stream, client[0] if client else ""
        most, taken = (MOST_STREAMS, metrics.streams) if stream else (MOST_WORK, metrics.working)
        if taken >= most:
            raise Refusal(503, "Busy", f"{taken} requests are waiting already; try again in a second.", RETRY)
        if self._places[place] >= most // SHARE:
            raise Refusal(429, "TooManyRequests", f"{most // SHARE} requests of yours are waiting already.", RETRY)
        self._places[place] += 1
        metrics.streams, metrics.working = metrics.streams + stream, metrics.working + (not stream)
        return place

    def _give_place(self, visit: Visit, place: tuple[bool, str]) -> None:
        stream, metrics = visit.route.stream, self.metrics
        metrics.streams, metrics.working = metrics.streams - stream, metrics.working - (not stream)
        if visit.route.held:
            metrics.held -= visit.received
        self._places[place] -= 1
        if not self._places[place]:
            del self._places[place]

    # ------------------------------------------------------------------------------------------------ what goes through

    async def _through(self, visit: Visit, receive: Receive, send: Send) -> None:
        """Let the application answer, with its body watched and its errors in our form."""
        scope = self._as_it_may_be_seen(visit)
        try:
            taken = await self._cleaned(visit, receive) if visit.route.clean else self._watched(visit, receive)
            await self.app(scope, taken, self._sender(visit, send))
        except Refusal as refusal:  # raised by the body as it was read
            visit.refusal = refusal
        except asyncio.CancelledError:  # the server stops, and has waited for as long as it does
            visit.refusal = Refusal(503, "Busy", "The server is being stopped.", RETRY)
        except Exception:
            if not visit.refusal and not visit.gone:
                log.exception("Request %s (%s) failed.", visit.id, visit.route.name)
                visit.refusal = Refusal(500, "InternalError", "An error of ours; the server's log has more.")
        if not visit.began and not visit.gone:
            await self._answer(visit, self._what_failed(visit), receive, send)

    def _as_it_may_be_seen(self, visit: Visit) -> Scope:
        """Gradio believes headers and parameters that are no stranger's business: it sees those it needs."""
        if not visit.route.gradio:
            return visit.scope
        believed = (b"x-gradio-server", b"x-forwarded-host")
        scope = dict(visit.scope, headers=[each for each in visit.scope["headers"] if each[0] not in believed])
        if not visit.route.query and visit.route is not MCP_ROUTE:
            scope["query_string"] = b""
        return scope

    def _watched(self, visit: Visit, receive: Receive) -> Receive:
        """The body, with its size and its speed held against what is accepted."""
        if visit.ended:
            return self._ended(visit, receive)
        most, held, metrics = visit.route.most_bytes, visit.route.held, self.metrics

        async def watched() -> Message:
            if visit.ended:
                message = await receive()
            else:
                message = await _timely(visit, receive)
            if message["type"] == "http.disconnect":
                visit.gone = True
                return message
            size = len(message.get("body", b""))
            visit.received += size
            visit.ended = not message.get("more_body", False)
            if held:
                metrics.held += size
            if visit.received > most:
                raise self._give_up(visit, _too_large(most))
            if held and metrics.held > MOST_HELD and metrics.held > visit.received:
                raise self._give_up(visit, Refusal(503, "Busy", "Too much is being sent at once; try again.", RETRY))
            return message

        return watched

    def _ended(self, visit: Visit, receive: Receive) -> Receive:
        async def watched() -> Message:
            message = await receive()
            visit.gone = visit.gone or message["type"] == "http.disconnect"
            return message

        return watched

    def _give_up(self, visit: Visit, refusal: Refusal) -> Refusal:
        """Whoever reads the body may turn this into an error of its own; it is remembered."""
        visit.refusal = refusal
        return refusal

    async def _cleaned(self, visit: Visit, receive: Receive) -> Receive:
        """Read a small JSON body here, and pass on what of it is expected."""
        watched, body = self._watched(visit, receive), bytearray()
        while True:
            message = await watched()
            if message["type"] == "http.disconnect":
                return receive
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        assert visit.route.clean
        try:
            parsed = json.loads(bytes(body))
        except (ValueError, RecursionError):
            raise Refusal(400, "BadRequest", "The body is not JSON.") from None
        cleaned = visit.route.clean(parsed)
        try:
            text = json.dumps(cleaned, ensure_ascii=False).encode()
        except ValueError:
            raise Refusal(400, "BadRequest", "The body holds letters that are none (lone surrogates).") from None
        first: list[Message] = [{"type": "http.request", "body": text, "more_body": False}]

        async def given() -> Message:
            return first.pop() if first else await watched()

        return given

    def _sender(self, visit: Visit, send: Send) -> Send:
        """What leaves: with our headers; errors, and the page for its digests, are held until they are whole."""
        ours = [*HEADERS, (b"x-request-id", visit.id.encode())]

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
                if visit.refusal or visit.status >= 400 or visit.route is PAGE:
                    visit.start, visit.held = message, []
                    return
                visit.began = True
                message["headers"] = [*(each for each in message.get("headers", ()) if each[0] not in OURS), *ours]
                await send(message)
            elif visit.held is None:
                await send(message)
            else:
                if sum(map(len, visit.held)) < MOST_ERROR or visit.route is PAGE:
                    visit.held.append(message.get("body", b""))
                if not message.get("more_body", False) and visit.status < 400 and not visit.refusal:
                    await self._send_page(visit, ours, send)

        return sent

    async def _send_page(self, visit: Visit, ours: list[tuple[bytes, bytes]], send: Send) -> None:
        """Send the page with the digests of its own scripts, so that no other script in it runs."""
        assert visit.start
        assert visit.held is not None
        body, headers = b"".join(visit.held), dict(visit.start["headers"])
        policy = CSP.format(inline=_digests(body, headers.get(b"content-encoding", b"")))
        theirs = (each for each in visit.start["headers"] if each[0] not in OURS)
        ours = [(name, policy.encode() if name == b"content-security-policy" else value) for name, value in ours]
        visit.start["headers"] = [*theirs, *ours]
        visit.began = True
        await send(visit.start)
        await send({"type": "http.response.body", "body": body})

    # ------------------------------------------------------------------------------------------------ what is answered

    def _what_failed(self, visit: Visit) -> Refusal:
        """The error to answer with: the guard's own, or what the application has said, in the one form."""
        if visit.refusal:
            return visit.refusal
        if visit.start is None:
            return Refusal(500, "InternalError", "An error of ours; nothing was answered.")
        code, body = (
            CODES.get(visit.status, "InternalError" if visit.status >= 500 else "RequestError"),
            visit.held or (),
        )
        try:
            said = json.loads(b"".join(body))
            error = said.get("error") or said.get("detail")
            if isinstance(error, dict):
                code, message = error["code"], error["message"]
            else:
                message = _in_a_sentence(str(error or ""), visit.route.name)
        except (ValueError, AttributeError, KeyError):
            message = ""
        if not message:
            message = NOTHING if visit.status == 404 else f"{visit.route.name}: the request cannot be understood."
        kept = ((name, value) for name, value in visit.start["headers"] if name in (b"allow", b"retry-after"))
        return Refusal(visit.status, code, message, kept)

    async def _answer(self, visit: Visit, refusal: Refusal, receive: Receive, send: Send) -> None:
        """Send an error; what has not been read of the body is thrown away for a while, then the connection ends."""
        visit.status, visit.refusal, visit.began = refusal.status, refusal, True
        body, kind = _as_page(refusal, visit.id) if visit.typed else _as_json(refusal, visit.id)
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            *HEADERS,
            (b"x-request-id", visit.id.encode()),
            *refusal.headers,
        ]
        unread = not visit.ended and not _has_no_body(visit)
        if unread:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": unread})
        if unread:
            await _drain(receive)
            await send({"type": "http.response.body", "body": b""})


def _in_a_sentence(said: str, route: str) -> str:
    """What Starlette and Gradio say in passing, with the input that it is about; empty where it says nothing."""
    if said in ("", "Not Found"):
        return ""
    return f"The form cannot be read ({said.rstrip('.')})." if "multipart" in said else f"{route}: {said}"


def _has_no_body(visit: Visit) -> bool:
    return visit.headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in visit.headers


def _too_large(most: int) -> Refusal:
    accepted = f"{most / MEGABYTE:g} MB are" if most else "no body is"
    return Refusal(413, "TooLargeError", f"The request has more than is accepted; {accepted} accepted here.")


async def _timely(visit: Visit, receive: Receive) -> Message:
    """The next piece of a body.

    Raises:
        Refusal: it does not come, or the whole takes too long.
    """
    left = visit.started + SECONDS_AT_LEAST + visit.received / SLOWEST - time.perf_counter()
    try:
        async with asyncio.timeout(max(0, min(SECONDS_IDLE, left))):
            return await receive()
    except TimeoutError:
        visit.refusal = Refusal(408, "RequestTimeout", "The rest of the request has not come in time; send it again.")
        raise visit.refusal from None


async def _drain(receive: Receive) -> None:
    try:
        async with asyncio.timeout(SECONDS_TO_DRAIN):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _digests(body: bytes, encoding: bytes) -> str:
    """What a policy says of the scripts within a page."""
    if encoding == b"br":
        import brotli  # Gradio brings it, and packs its page with it

        body = brotli.decompress(body)
    found = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in INLINE.findall(body))
    return "".join(f" 'sha256-{digest}'" for digest in found)


def _as_json(refusal: Refusal, request_id: str) -> tuple[bytes, bytes]:
    said = {"code": refusal.code, "message": refusal.message, "request_id": request_id}
    return json.dumps({"error": said}, ensure_ascii=False).encode(errors="replace"), b"application/json"


def _as_page(refusal: Refusal, request_id: str) -> tuple[bytes, bytes]:
    page = (
        f'<!doctype html><meta charset="utf-8"><title>Inkwear: {refusal.status}</title>'
        f'<body style="font: 1.1rem/1.5 system-ui; max-width: 40rem; margin: 15vh auto; padding: 0 1rem">'
        f"<h1>{html.escape(refusal.message)}</h1><p>{refusal.status} {refusal.code}, request {request_id}. "
        f'<a href="/">To the page</a></p>'
    )
    return page.encode(errors="replace"), b"text/html; charset=utf-8"


def main() -> None:
    """Print the line of an ``--auth`` file for the person named: ``python -m app.guard NAME >> people``."""
    import getpass
    import sys

    if len(sys.argv) != 2:
        raise SystemExit("Usage: python -m app.guard NAME >> people")
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    print(hashed(sys.argv[1], password))


if __name__ == "__main__":
    main()
