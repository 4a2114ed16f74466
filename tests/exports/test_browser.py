"""The page and the module of exports/snippets in Chromium, with onnxruntime-web as npm has it."""

import functools
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inkwear.classifier import Classifier
from inkwear.onnx.metadata import ModelMetadata
from inkwear.onnx.props import read_props
from tests.conftest import EXPORTS, change_metadata
from tests.exports.test_snippets import CLASSIFIERS, SNIPPETS, Said, images_of
from tests.packages import npm_package

pytestmark = pytest.mark.network

TOLERANCE = 1e-3
"""Largest difference of a logit from ONNX Runtime in Python."""


class Handler(SimpleHTTPRequestHandler):
    """The files of a folder, of the types that browsers ask for."""

    extensions_map = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript"} | {
        ".wasm": "application/wasm",
        ".png": "image/png",
        "": "application/octet-stream",
    }

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README tells to put together: the page, the module and node_modules; the exports beside them."""
    folder = tmp_path_factory.mktemp("site")
    package = npm_package(
        "onnxruntime-web",
        "1.30.0",
        "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
    )
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "onnxruntime-web").symlink_to(package)
    (folder / "exports").symlink_to(EXPORTS)
    for name in ("browser.html", "inkwear.js"):
        shutil.copy(SNIPPETS / name, folder)
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def page(browser: Any, address: str, site: Path) -> Iterator[Any]:
    """The page of the README with a picture and a model of ours; it may ask nothing of any other address."""
    shutil.copy(EXPORTS / "mnist-mlp_small.onnx", site / "model.onnx")
    Image.fromarray(_reference(EXPORTS / "mnist-mlp_small.onnx")).save(site / "picture.png")
    page = browser.new_context().new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/browser.html")
    yield page
    assert [url for url in asked if not url.startswith((address, "blob:", "data:"))] == []
    page.close()


def _reference(path: Path) -> np.ndarray:
    return ModelMetadata.from_props(read_props(path)).reference.image()


def says(page: Any) -> Said:
    page.wait_for_function("() => /sure$/.test(document.querySelector('output').value)")
    return Said.read(page.locator("output").evaluate("output => output.value"))


def test_the_page_of_the_readme_reads_a_picture(page: Any, site: Path, real_data: Path) -> None:
    path = EXPORTS / "fashion_mnist-lenet.onnx"
    [pixels] = images_of(Classifier(path, "cpu").metadata, real_data, 1)
    assert says(page) == Said.by(Classifier(site / "model.onnx", "cpu"), _reference(site / "model.onnx"))
    shutil.copy(path, site / "model.onnx")
    Image.fromarray(pixels).save(site / "picture.png")
    page.reload()
    assert says(page) == Said.by(Classifier(path, "cpu"), pixels)


@pytest.mark.parametrize("path", CLASSIFIERS, ids=lambda path: path.stem)
def test_every_file_reads_the_same_in_a_browser(path: Path, page: Any, real_data: Path) -> None:
    classifier = Classifier(path, "cpu")
    pixels = images_of(classifier.metadata, real_data)
    found = page.evaluate(
        """async ([url, pixels]) => {
            const { open } = await import("./inkwear.js");
            const classifier = await open(url);
            return { about: classifier.about, logits: await classifier.logits(Uint8Array.from(pixels)) };
        }""",
        [f"exports/{path.name}", pixels.ravel().tolist()],
    )
    assert found["about"] == {name: json.loads(text) for name, text in read_props(path).items()}
    difference = float(np.abs(np.array(found["logits"]) - classifier.logits(pixels)).max())
    assert difference < TOLERANCE


def test_a_picture_reaches_the_network_byte_by_byte(page: Any, site: Path) -> None:
    pixels = np.arange(784).reshape(28, 28).astype(np.uint8)
    Image.fromarray(pixels).save(site / "ramp.png")
    found = page.evaluate(
        """async () => {
            const { pixelsOf } = await import("./inkwear.js");
            const image = Object.assign(new Image(), { src: "ramp.png" });
            await image.decode();
            return [...pixelsOf(image)];
        }"""
    )
    assert found == pixels.ravel().tolist()


def test_a_file_that_is_fed_wrongly_is_noticed(page: Any, site: Path) -> None:
    shutil.copy(EXPORTS / "mnist-mlp_small.onnx", site / "wrong.onnx")
    spec = json.loads(read_props(site / "wrong.onnx")["input"])
    change_metadata(site / "wrong.onnx", input=spec | {"std": 0.5})
    ask = """async (url) => {
        const { open } = await import("./inkwear.js");
        return open(url).then(() => "opened", (error) => error.message);
    }"""
    assert page.evaluate(ask, "wrong.onnx") == "wrong.onnx reads its own reference picture otherwise than it states"
    assert page.evaluate(ask, "nowhere.onnx") == "nowhere.onnx: 404 File not found"
