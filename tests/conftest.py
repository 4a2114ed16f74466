"""What the tests share: a small data set written by a hand of ours, one trained run and its export, a real browser."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from inkwear.onnx.checksums import SUMS
from tests.hand import DIGITS, in_many_hands

ROOT = Path(__file__).parent.parent
EXPORTS = ROOT / "exports"

NOTHING_MAY_BE_SKIPPED = bool(os.environ.get("INKWEAR_TEST_EVERYTHING"))
"""Set by .ci/run: what a machine lacks is a failure there, and a skipped test with its reason elsewhere."""


def lacking(what: str) -> None:
    """Skip a test for something the machine lacks, or fail it where nothing may be skipped."""
    if NOTHING_MAY_BE_SKIPPED:
        pytest.fail(f"INKWEAR_TEST_EVERYTHING is set, and {what}")
    pytest.skip(what)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as ``browser`` whatever asks for that fixture, as ``slow`` whatever needs a trained network or a cluster."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "browser" in fixtures:
            item.add_marker(pytest.mark.browser)
        if fixtures & {"checkpoint", "export", "finished", "ray_cluster"}:
            item.add_marker(pytest.mark.slow)


# ------------------------------------------------------------------------------------------------------- data sets


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write unsigned bytes in the IDX format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = (0x0800 + array.ndim).to_bytes(4, "big") + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in torchvision's layout with a small ``mnist`` of our own: 1,200 images to train on, 200 to test."""
    from inkwear.preprocess.steps import frame
    from training.datasets import DATASETS

    folder = tmp_path_factory.mktemp("data")
    generator = np.random.default_rng(7)
    for prefix, count in (("train", 1200), ("t10k", 200)):
        labels = np.arange(count) % 10
        pictures = [np.asarray(in_many_hands(str(label), generator)) for label in labels]
        images = np.stack([frame(picture, DATASETS["mnist"].input).pixels for picture in pictures])
        write_idx(folder / f"MNIST/raw/{prefix}-images-idx3-ubyte", images)
        write_idx(folder / f"MNIST/raw/{prefix}-labels-idx1-ubyte", labels)
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real data sets, downloaded by torchvision where there is none."""
    from training.datasets import DATASETS, load_pixels
    from training.errors import DataError

    folder = Path(os.environ.get("INKWEAR_DATA", ROOT / "data"))
    try:
        for dataset in DATASETS.values():
            load_pixels(dataset, "test", folder)
    except DataError as error:
        lacking(f"the real data sets are not here: {error}")
    return folder


# ------------------------------------------------------------------------------------------------ one run, one export


@pytest.fixture(scope="session")
def checkpoint(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The best checkpoint of a short run of ``convnet`` on our small data set."""
    import torch

    from training.config import Config
    from training.run import fit

    folder = tmp_path_factory.mktemp("run")
    fit(Config.of("mnist", "convnet", seed=1, epochs=3, batch_size=32), data_dir, folder, torch.device("cpu"))
    return folder / "best.pt"


@pytest.fixture(scope="session")
def export(checkpoint: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its export, ``mnist-convnet.onnx``, alone in its folder."""
    from training.publish.export import export_checkpoint

    return export_checkpoint(checkpoint, tmp_path_factory.mktemp("exports"), data_dir)


def some_exports(folder: Path, names: Iterable[str]) -> Path:
    """Put some of the shipped exports in a folder, with their reports and the list of their digests."""
    (folder / "reports").mkdir(parents=True, exist_ok=True)
    shutil.copy(EXPORTS / SUMS, folder)
    for name in names:
        shutil.copy(EXPORTS / f"{name}.onnx", folder)
        shutil.copy(EXPORTS / "reports" / f"{name}.json", folder / "reports")
    return folder


def change_metadata(path: Path, **values: object) -> None:
    """Give a model file other metadata, and leave its network as it is."""
    import onnx

    model = onnx.load(path)
    props = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, props | {name: json.dumps(value) for name, value in values.items()})
    onnx.save(model, path)


# --------------------------------------------------------------------------------------------------- server, browser


@dataclass(frozen=True)
class RunningApp:
    """A server in a process of its own."""

    url: str
    process: subprocess.Popen[str]


def start_app(*options: str, env: dict[str, str] | None = None, module: str = "app") -> RunningApp:
    """Start ``python -m app``, or another module with its options, on a free port and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", str(port), *options],
        cwd=ROOT,
        env=os.environ | (env or {}),
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the app stopped with {process.returncode}: {process.stderr and process.stderr.read()}")
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=1)
        except OSError:
            time.sleep(0.1)
        else:
            return RunningApp(url, process)
    process.kill()
    raise RuntimeError("the app did not answer within 90 s")


@contextmanager
def running_app(*options: str, env: dict[str, str] | None = None) -> Iterator[RunningApp]:
    """Start the app as ``start_app`` does, and end it with the block."""
    app = start_app(*options, env=env)
    try:
        yield app
    finally:
        app.process.terminate()
        app.process.wait(10)


@pytest.fixture(scope="session")
def app_url() -> Iterator[str]:
    """The address of a server with the shipped exports."""
    with running_app() as app:
        yield app.url


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Headless Chromium, as Debian packages it."""
    from tests.browser import chromium

    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: object, app_url: str) -> Iterator[object]:
    """The studio, in a context of its own."""
    from tests.browser import open_page

    opened = open_page(browser, app_url)
    yield opened
    opened.context.close()


assert set(DIGITS) == set("0123456789")
