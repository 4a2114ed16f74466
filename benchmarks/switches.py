"""200 switches of a model over HTTP, while 50 bad exports are dropped in: ``python -m benchmarks.switches``.

Each export that lands is waited for until an answer comes from it. Every answer is held against what the file with its
digest says when it is asked alone; a bad export comes under a name of its own, and every fifth under the model's.
"""

import asyncio
import itertools
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import typer

from app.catalog import scan
from benchmarks.serving import pictures
from inkwear.classifier import softmax
from tests.app.test_catalog_live import CLOTHES, DIGITS, bad_exports, put
from tests.conftest import EXPORTS
from tests.hostile import Attack, Reply, apart, request, send
from tests.soak import served

AT_ONCE = 6

SECONDS_TO_BE_TAKEN = 90.0
"""How long a switch may take to be seen; bad exports are examined before it, in a child process each."""


@dataclass
class Switching:
    """A folder whose model is replaced, clients who ask for it, and what they were told."""

    folder: Path
    port: int
    known: dict[str, tuple[str, np.ndarray]]
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    refused: int = 0
    slowest: float = 0.0
    over: bool = False
    latest: str = ""
    """Digest of the model's last answer."""

    async def ask(self) -> None:
        """Ask for the model and its neighbours until it is over."""
        picture = pictures()["28×28"]
        for name in itertools.cycle(("model", DIGITS.stem, "model", CLOTHES.stem)):
            if self.over:
                return
            path = f"/classify?model={name}&device=cpu"
            data = request("POST", path, picture, {"Content-Type": "image/png"})
            started = time.perf_counter()
            reply = await send(self.port, Attack("", data), 60)
            self.slowest = max(self.slowest, time.perf_counter() - started)
            if fault := self.fault_of(name, reply):
                self.faults.append(fault)
            await asyncio.sleep(0.01)

    def fault_of(self, name: str, reply: Reply) -> str:
        """What is wrong with an answer; empty where nothing is."""
        if reply.status != 200:
            return f"{name}: {reply.status} {reply.body[:300]!r}"
        said = json.loads(reply.body)
        digest = said["digest"]
        self.seen[name, digest] += 1
        if name == "model":
            self.latest = digest
        if said["model"] != name or digest not in self.known:
            return f"{name}: answered by {said['model']}, {digest}"
        path, expected = self.known[digest]
        found = np.array([*said["probabilities"].values()])
        if name not in ("model", path) or not np.allclose(found, expected, atol=1e-6):
            return f"{name}: not what {path} says: {said['label']}"
        return ""

    async def switch(self, count: int, bad: int, junk: Iterator[bytes]) -> None:
        """Replace the model again and again, each time waiting until it answers; drop bad exports in meanwhile."""
        sources = {digest: EXPORTS / f"{path}.onnx" for digest, (path, _) in self.known.items()}
        order = [*sources]
        try:
            for turn in range(count):
                if turn * bad // count < (turn + 1) * bad // count:
                    name = "model" if self.refused % 5 == 4 else f"bad{turn}"
                    (self.folder / "new").write_bytes(next(junk))
                    (self.folder / "new").replace(self.folder / f"{name}.onnx")
                    self.refused += 1
                    await asyncio.sleep(0.3 if name == "model" else 0)
                await asyncio.to_thread(put, sources[order[(turn + 1) % 2]], self.folder / "model.onnx")
                async with asyncio.timeout(SECONDS_TO_BE_TAKEN):
                    while self.latest != order[(turn + 1) % 2]:
                        await asyncio.sleep(0.02)
        finally:
            self.over = True

    async def run(self, count: int, bad: int, junk: Iterator[bytes]) -> dict:
        """Everybody at once; what /models lists in the end."""
        await asyncio.gather(self.switch(count, bad, junk), *(self.ask() for _ in range(AT_ONCE)))
        expected = self.refused - self.refused // 5
        shelf: dict = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_BE_TAKEN):
                while len(shelf.get("refused", ())) != expected:
                    await asyncio.sleep(0.5)
                    shelf = json.loads((await send(self.port, Attack("", request("GET", "/models")), 60)).body)
        return shelf


def known_answers() -> dict[str, tuple[str, np.ndarray]]:
    """By digest: the export's name, and what it says of the picture."""
    from inkwear.images.decode import open_image

    shipped, found = scan(EXPORTS), {}
    for path in (DIGITS, CLOTHES):
        classifier = shipped.classifier(path.stem, "cpu")
        [prepared] = [classifier.prepare(open_image(pictures()["28×28"], "five.png"))]
        logits = classifier.logits(prepared.framed.pixels[None])
        found[classifier.digest] = (path.stem, softmax(logits, classifier.metadata.temperature)[0])
    return found


def switches(count: int, bad: int) -> tuple[Switching, dict]:
    """Start a server on a folder of its own, and let it be changed under load."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "exports"
        folder.mkdir()
        for source, name in ((DIGITS, DIGITS.name), (CLOTHES, CLOTHES.name), (DIGITS, "model.onnx")):
            put(source, folder / name)
        with served("--exports", str(folder)) as (app, _, said):
            switching = Switching(folder, int(app.url.rpartition(":")[2]), known_answers())
            shelf = apart(switching.run(count, bad, bad_exports(folder)))
        switching.faults += [line for line in said if "Traceback" in line]
    return switching, shelf


def main(count: int = 200, bad: int = 50) -> None:
    """Print what came of it; exit code 1 where an answer was wrong or failed."""
    started = time.monotonic()
    switching, shelf = switches(count, bad)
    answers = switching.seen.total()
    print(
        f"{count} switches, {switching.refused} bad exports, {time.monotonic() - started:.0f} s: {answers:,} answers, "
        f"{len(switching.faults)} wrong or failed, the slowest in {switching.slowest:.2f} s; "
        f"listed {sorted(model['name'] for model in shelf['models'])}, refused {len(shelf['refused'])}"
    )
    for fault in switching.faults[:5]:
        print("   ", fault)
    raise typer.Exit(bool(switching.faults))


if __name__ == "__main__":
    typer.run(main)
