"""What notices whether a server asks anybody for anything."""

import socket
import threading
from pathlib import Path

PRELOADED = """
import os, socket
def note(what, address):
    if not str(address).startswith(("127.", "::1", "localhost", "0.0.0.0", "/", "None")):
        with open(os.environ["WITNESS_LOG"], "a") as log:
            log.write(f"{what} {address}\\n")
        raise OSError(f"no network in this test: {address}")
def watch(name, of):
    real = getattr(*of)
    def watched(*arguments, **options):
        address = next((a for a in arguments if isinstance(a, (tuple, str, bytes))), None)
        note(name, address[0] if isinstance(address, tuple) else address)
        return real(*arguments, **options)
    setattr(*of, watched)
class Socket(socket.socket):
    def connect(self, address):
        note("connect", address[0] if isinstance(address, tuple) else address)
        return super().connect(address)
    def connect_ex(self, address):
        note("connect", address[0] if isinstance(address, tuple) else address)
        return super().connect_ex(address)
    def sendto(self, data, *rest):
        note("sendto", rest[-1][0] if isinstance(rest[-1], tuple) else rest[-1])
        return super().sendto(data, *rest)
socket.socket = Socket
for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    watch(function, (socket, function))
"""


def environment(folder: Path) -> dict[str, str]:
    """Variables with which a Python fails at every look-up and connection beyond this machine, and writes it down."""
    (folder / "sitecustomize.py").write_text(PRELOADED)
    return {"PYTHONPATH": str(folder), "WITNESS_LOG": str(folder / "log")}


def written(folder: Path) -> list[str]:
    """What was asked for."""
    log = folder / "log"
    return log.read_text().splitlines() if log.exists() else []


class Canary:
    """A server that nobody may ask for anything, and that counts who does."""

    def __init__(self) -> None:
        self.asked = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                asking, _ = self._socket.accept()
            except OSError:
                return
            self.asked += 1  # before whoever asks hears anything
            asking.close()
