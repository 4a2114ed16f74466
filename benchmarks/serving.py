"""What serving costs, beside the least it could: ``python -m benchmarks.serving``.

All that is compared takes turns in one run, on one machine: our endpoint and a no-op of Gradio's for one client; our
endpoint and a bare one, FastAPI and ONNX Runtime and nothing else, for 32; our start and ``import gradio`` alone.
"""

import asyncio
import io
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import typer
from PIL import Image

from inkwear.preprocess.steps import frame
from tests.conftest import EXPORTS, ROOT
from tests.hand import render
from training.datasets import DATASETS

MODEL = "mnist-convnet"
CLIENTS = 32

SECONDS_TO_SETTLE = 5
"""Until the app has opened what lies in its folder."""

BARE = """
import io, sys
import numpy as np, onnxruntime as ort, uvicorn
from fastapi import FastAPI, Request
from PIL import Image
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(sys.argv[2], options, providers=["CPUExecutionProvider"])
app = FastAPI()
@app.post("/classify")
async def classify(request: Request):
    pixels = np.asarray(Image.open(io.BytesIO(await request.body())).convert("L"), np.float32)
    images = ((pixels / 255 - 0.13) / 0.31).astype(np.float32).reshape(1, 1, 28, 28)
    logits = session.run(["logits"], {"images": images})[0][0].astype(np.float64)
    exponents = np.exp(logits - logits.max())
    probabilities = exponents / exponents.sum()
    return {"label": int(probabilities.argmax()), "probabilities": probabilities.tolist()}
@app.get("/healthz")
async def healthz():
    return {}
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""

NO_OP = """
import sys
import gradio as gr, uvicorn
from fastapi import FastAPI
def one() -> int:
    return 1
with gr.Blocks() as blocks:
    gr.api(one, api_name="queued")
    gr.api(one, api_name="unqueued", queue=False)
app = FastAPI()
@app.get("/healthz")
async def healthz():
    return {}
uvicorn.run(gr.mount_gradio_app(app, blocks, path="/"), port=int(sys.argv[1]), log_level="warning")
"""


# ------------------------------------------------------------------------------------------------------------ servers


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(*command: str, port: int) -> Iterator[str]:
    """Run a server until the block ends; its address."""
    environment = os.environ | {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while not answers(f"{url}/healthz"):
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def answers(url: str) -> bool:
    """Whether somebody answers there."""
    try:
        return bool(urllib.request.urlopen(url, timeout=5).status == 200)
    except OSError:
        return False


# ------------------------------------------------------------------------------------------------------------ clients


def request_of(path: str, body: bytes, kind: str) -> bytes:
    """A request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def form_of(body: bytes) -> tuple[bytes, str]:
    """A form with a picture and a model's name."""
    parts = (
        b'--edge\r\nContent-Disposition: form-data; name="image"; filename="five.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + body + b"\r\n"
        b'--edge\r\nContent-Disposition: form-data; name="model"\r\n\r\n' + MODEL.encode() + b"\r\n--edge--\r\n"
    )
    return parts, "multipart/form-data; boundary=edge"


class Connection:
    """One connection that stays open; the least a client can do, so that the server is what is measured."""

    def __init__(self, url: str) -> None:
        self.address = url.removeprefix("http://").split(":")

    async def __aenter__(self) -> "Connection":
        self.reader, self.writer = await asyncio.open_connection(self.address[0], int(self.address[1]))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def ask(self, request: bytes) -> bytes:
        """Send a request; the body of the answer, which has to be 200."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], head
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        if lengths:
            return await self.reader.readexactly(int(lengths[0]))
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()
        return body


async def one_client(url: str, request: bytes, count: int) -> list[float]:
    """Milliseconds of requests one after the other, after some that warm up."""
    times = []
    async with Connection(url) as connection:
        for _ in range(count + 20):
            started = time.perf_counter()
            await connection.ask(request)
            times.append(1000 * (time.perf_counter() - started))
    return times[20:]


async def one_client_queued(url: str, count: int) -> list[float]:
    """The same through Gradio's queue: a request to join it, and one that hears the result."""
    times = []
    join = request_of("/gradio_api/call/queued", b'{"data": []}', "application/json")
    async with Connection(url) as connection:
        for _ in range(count + 5):
            started = time.perf_counter()
            event = json.loads(await connection.ask(join))["event_id"]
            heard = f"GET /gradio_api/call/queued/{event} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            assert b"complete" in await connection.ask(heard.encode())
            times.append(1000 * (time.perf_counter() - started))
    return times[5:]


async def many_clients(url: str, request: bytes, seconds: float) -> tuple[float, float]:
    """Requests a second of 32 clients, and the 95th percentile of their milliseconds."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        async with Connection(url) as connection:
            while time.perf_counter() < end:
                started = time.perf_counter()
                await connection.ask(request)
                times.append(1000 * (time.perf_counter() - started))

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return len(times) / seconds, statistics.quantiles(times, n=20)[-1]


# -------------------------------------------------------------------------------------------------------------- start


def seconds_to_first_page() -> float:
    """From the start of the process until its page has been answered."""
    port = free_port()
    command = [sys.executable, "-m", "app", "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while not answers(f"http://127.0.0.1:{port}/"):
        time.sleep(0.01)
    seconds = time.perf_counter() - started
    process.terminate()
    process.wait(20)
    return seconds


def seconds_to_import_gradio() -> float:
    """From the start of a process that imports Gradio to its end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import gradio"], check=True)
    return time.perf_counter() - started


# --------------------------------------------------------------------------------------------------------------- main


def png(picture: Image.Image) -> bytes:
    """Encode a picture."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def pictures() -> dict[str, bytes]:
    """A five as the page sends it, and one that is framed already."""
    large = render("5", canvas=400)
    framed = frame(np.asarray(large), DATASETS["mnist"].input).pixels
    return {"28×28": png(Image.fromarray(framed)), "400×400": png(large)}


def measure_latency(count: int) -> None:
    """One client: ours beside Gradio's, taking turns."""
    ours, gradio = free_port(), free_port()
    no_op = request_of("/gradio_api/run/unqueued", b'{"data": []}', "application/json")
    app = ("-m", "app", "--port", str(ours))
    with server(*app, port=ours) as url, server("-c", NO_OP, str(gradio), port=gradio) as other:
        time.sleep(SECONDS_TO_SETTLE)
        times: dict[str, list[float]] = defaultdict(list)
        for _ in range(3):
            for size, body in pictures().items():
                bare = request_of(f"/classify?model={MODEL}", body, "image/png")
                times[f"/classify, {size}, the bytes"] += asyncio.run(one_client(url, bare, count))
                form = request_of("/classify", *form_of(body))
                times[f"/classify, {size}, a form"] += asyncio.run(one_client(url, form, count))
            times["no-op of Gradio, unqueued"] += asyncio.run(one_client(other, no_op, count))
            times["no-op of Gradio, queued"] += asyncio.run(one_client_queued(other, count // 4))
    print("one client, milliseconds                     median     p95")
    for name, each in times.items():
        print(f"  {name:42} {statistics.median(each):6.2f}  {statistics.quantiles(each, n=20)[-1]:6.2f}")


def measure_throughput(seconds: float) -> None:
    """32 clients: ours beside a bare endpoint, taking turns."""
    ours, bare = free_port(), free_port()
    picture = pictures()["28×28"]
    requests = {
        "bare FastAPI + ONNX Runtime": request_of("/classify", picture, "image/png"),
        "/classify, the bytes": request_of(f"/classify?model={MODEL}", picture, "image/png"),
        "/classify, a form": request_of("/classify", *form_of(picture)),
    }
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    model = str(EXPORTS / f"{MODEL}.onnx")
    app = ("-m", "app", "--port", str(ours))
    with server(*app, port=ours) as url, server("-c", BARE, str(bare), model, port=bare) as other:
        time.sleep(SECONDS_TO_SETTLE)
        for _ in range(5):
            for name, request in requests.items():
                found[name].append(asyncio.run(many_clients(url if "/" in name else other, request, seconds)))
    least = statistics.median(rate for rate, _ in found["bare FastAPI + ONNX Runtime"])
    print(f"{CLIENTS} clients, 28×28                       requests/s   p95 ms   ÷ bare")
    for name, each in found.items():
        rate, slow = (statistics.median(column) for column in zip(*each, strict=True))
        print(f"  {name:36} {rate:10.0f} {slow:8.1f} {rate / least:8.2f}")


def measure_start(rounds: int) -> None:
    """Ours beside the import, taking turns."""
    pairs = [(seconds_to_import_gradio(), seconds_to_first_page()) for _ in range(rounds + 1)][1:]
    imports, pages = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(page / alone for alone, page in pairs)
    print(f"start to first page {pages:.2f} s, `import gradio` alone {imports:.2f} s, median of the ratios {ratio:.2f}")


def main(
    count: int = 200, seconds: float = 2.0, rounds: int = 5, only: Literal["all", "one", "many", "start"] = "all"
) -> None:
    """Print the three comparisons."""
    if only in ("all", "one"):
        measure_latency(count)
    if only in ("all", "many"):
        measure_throughput(seconds)
    if only in ("all", "start"):
        measure_start(rounds)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")


if __name__ == "__main__":
    typer.run(main)
