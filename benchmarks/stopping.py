"""Stopping, 20 times, with pages open and a request running: ``python -m benchmarks.stopping``.

Each time five pages hold their event stream, a picture is half sent when the signal comes, and its other half follows.
The signal comes at once or up to 3 s after the start, while networks that nobody has asked for are being opened.
"""

import http.client
import signal
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import typer

from tests.conftest import start_app
from tests.hand import png, render

PAGES = 5


def stop_once(number: int, folder: str) -> tuple[bool, int, float]:
    """Whether the request was answered, the exit code, and the seconds from the signal to the end."""
    app = start_app("--device", "cpu", env={"TMPDIR": folder})
    body = png(render("5"))
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=app.url, timeout=30))
        for page in range(PAGES):
            stack.enter_context(client.stream("GET", f"/gradio_api/heartbeat/page{page}"))
        connection = http.client.HTTPConnection("127.0.0.1", int(app.url.rpartition(":")[2]), timeout=30)
        connection.putrequest("POST", "/classify")
        connection.putheader("Content-Type", "image/png")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:200])
        time.sleep(0.2 + number % 4)
        app.process.send_signal(signal.SIGINT if number % 2 else signal.SIGTERM)
        started = time.perf_counter()
        time.sleep(0.3)
        connection.send(body[200:])
        answered = connection.getresponse().status == 200
        code = app.process.wait(20)
    return answered, code, time.perf_counter() - started


def main(times: int = 20) -> None:
    """Print how often all was well, and how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        results = [stop_once(number, folder) for number in range(times)]
        left = [*Path(folder).glob("inkwear-*")]
    well = sum(answered and code == 0 and seconds < 5 for answered, code, seconds in results)
    took = [seconds for *_, seconds in results]
    print(f"answered, exit code 0 and out within 5 s: {well} of {times}; folders with pictures left: {len(left)}")
    print(f"seconds to leave: median {statistics.median(took):.2f}, longest {max(took):.2f}")


if __name__ == "__main__":
    typer.run(main)
