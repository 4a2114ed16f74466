"""The process that serves: its address, its connections, its end."""

import asyncio
import contextlib
import ctypes
import json
import logging
import os
import signal
import socket
from types import FrameType

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.gradio.mount import mounted_apps

SHUTDOWN_SECONDS = 4
"""Seconds that running requests may take after SIGTERM or Ctrl-C."""

MAX_HEAD_SECONDS = 10.0
"""Seconds that a connection may take to send the head of a request."""

MAX_HEAD_BYTES = 16_384
"""Bytes of a request's first line and headers."""

MAX_CONNECTIONS = 1_000
"""Connections open at once."""

M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES = -3, 2 << 20
"""A setting's number in <malloc.h>, and its value: from this size on, a block goes back to the system when freed."""

log = logging.getLogger("inkwear")


def return_freed_memory() -> None:
    """Let large blocks go back to the system as soon as they are free (mallopt(3), where there is one).

    Glibc would raise its threshold to as much as 32 MB, and keep the memory of a single large picture.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)


def listen(host: str, port: int) -> socket.socket:
    """Open the address to serve on; port 0 takes any free one.

    Raises:
        ValueError: it cannot be opened.
    """
    try:
        address = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
        raise ValueError(f"--host {host} --port {port} cannot be opened ({reason}). Choose another.") from error
    # Connections inherit this. asyncio sets it only where a socket names its protocol, which create_server does not;
    # without it every answer waits some 45 ms for the client's delayed acknowledgement (RFC 896 meets RFC 1122).
    address.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return address


class Http(H11Protocol):
    """Uvicorn's HTTP with a time limit for a request's head, and with its own errors in the one form."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(503, "Busy", f"{MAX_CONNECTIONS} connections are open already; try again.")
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()
        elif self._timer is None and not self.transport.is_closing():
            self._start_timer()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(MAX_HEAD_SECONDS, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        self._timer = None
        if not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
            self._refuse(408, "RequestTimeout", "The head of the request has not come in time; send it again.")

    def send_400_response(self, msg: str) -> None:
        self._refuse(
            400,
            "BadRequest",
            f"This is not HTTP as it is understood here, or has more than {MAX_HEAD_BYTES} bytes of headers.",
        )

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer with an error where no request has come yet, and hang up; in mid-answer, only hang up."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": {"code": code, "message": message, "request_id": os.urandom(8).hex()}}).encode()
            head = f"HTTP/1.1 {status} {code}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()


class Server(uvicorn.Server):
    """Uvicorn that also ends the event streams of open pages, so that it can stop."""

    def __init__(self, app: FastAPI) -> None:
        config = uvicorn.Config(
            app,
            http=Http,
            ws="none",
            log_level="error",  # bytes that are no HTTP are answered, which is enough
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        )
        super().__init__(config)
        self._stop_events = [mounted.stop_event for mounted in mounted_apps(app)]
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        for host, port, *_ in (opened.getsockname() for opened in sockets or ()):
            log.warning("Inkwear is at http://%s:%d (Ctrl-C stops it)", f"[{host}]" if ":" in host else host, port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish running requests, then leave with exit code 0; uvicorn's own handler would raise the signal again."""
        self.force_exit = self.should_exit and sig == signal.SIGINT  # a second Ctrl-C does not wait
        self.should_exit = True
        for event in self._stop_events:
            if self._loop:
                self._loop.call_soon_threadsafe(event.set)
