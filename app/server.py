"""The process that serves: its address, how it starts and how it ends."""

import asyncio
import logging
import os
import signal
import socket
from types import FrameType

import gradio as gr
import uvicorn
from fastapi import FastAPI

SECONDS_TO_FINISH = 4
"""How long running requests are waited for after SIGTERM or Ctrl-C."""

log = logging.getLogger("inkwear")


def listen(host: str, port: int) -> socket.socket:
    """Open the address to serve on; port 0 takes any free one.

    Raises:
        ValueError: it cannot be had.
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


class Server(uvicorn.Server):
    """Uvicorn that also ends Gradio's open event streams, so that it can stop while pages are open."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=SECONDS_TO_FINISH))
        mounted = [getattr(route, "app", None) for route in app.routes]
        self._stop_events = [gradio.stop_event for gradio in mounted if isinstance(gradio, gr.routes.App)]
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        for host, port, *_ in (opened.getsockname() for opened in sockets or ()):
            log.warning("Inkwear is at http://%s:%d (Ctrl-C stops it)", f"[{host}]" if ":" in host else host, port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish what is running, then leave with exit code 0; uvicorn's own handler would raise the signal again."""
        self.force_exit = self.should_exit and sig == signal.SIGINT  # a second Ctrl-C does not wait
        self.should_exit = True
        for event in self._stop_events:
            if self._loop:
                self._loop.call_soon_threadsafe(event.set)
