"""The device that is shown is the device that is used, in installations and on machines of which something is broken.

What is broken is pretended at ONNX Runtime's own boundary: which packages and providers there are, which libraries
load, and sessions on CUDA that open, fall back or fail. Everything that shows a device is asked each time.
"""

import ctypes
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

import onnxruntime as ort
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from app.application import build_app
from app.catalog import scan
from app.doctor import check_cuda
from app.predict import main
from inkwear.onnx import session as runtime
from inkwear.onnx.session import CPU, CUDA
from tests.app.conftest import uploaded
from tests.conftest import EXPORTS, ROOT, some_exports
from tests.hand import png, render, write_number
from tests.inkwear.onnx.test_session import Driver

DIGITS, CLOTHES = "mnist-lenet", "fashion_mnist-lenet"

RealSession = ort.InferenceSession

GPU = Driver(1)

FAILURE = "CUDA failure 700: an illegal memory access was encountered"


class FallsBack(RealSession):
    """Asked for CUDA, ONNX Runtime takes the CPU and says no word."""

    def __init__(self, source: Any, options: Any, providers: list[str], **more: Any) -> None:
        super().__init__(source, None, providers=[CPU], **more)  # options for CUDA are refused by a session on the CPU


class CannotOpen(FallsBack):
    """CUDA has no memory left, or another version of a library."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        raise RuntimeError(f"{FAILURE} ; GPU=0 ; hostname=here")


class Works(FallsBack):
    """A GPU of our own making: the CPU computes, and the session says what one on CUDA says."""

    ran = 0

    def get_providers(self) -> list[str]:
        return [CUDA, CPU]

    def run(self, *arguments: Any, **options: Any) -> Any:
        Works.ran += 1
        return super().run(*arguments, **options)


class Fails(Works):
    """It opens, and fails with the first picture once somebody has pulled the GPU out."""

    pulled = True

    def run(self, *arguments: Any, **options: Any) -> Any:
        if Fails.pulled:
            raise RuntimeError(FAILURE)
        return super().run(*arguments, **options)


@dataclass
class Machine:
    """What is pretended; ``cuda`` makes a session on CUDA, and may look at what is to be opened."""

    patch: pytest.MonkeyPatch
    cuda: Callable[[Any], type] = lambda source: CannotOpen
    opened: list[tuple[str, str]] = field(default_factory=list)

    def has(
        self, *, packages=("onnxruntime-gpu",), providers=(CUDA, CPU), driver: Driver = GPU, missing: str = ""
    ) -> None:
        """Pretend packages, providers, a driver, and a library that is missing."""

        def load(name: str, *arguments: Any, **options: Any) -> object:
            if "providers_cuda" in name and missing:
                raise OSError(f"{missing}: cannot open shared object file: No such file or directory")
            return driver if "libcuda.so" in name else object()

        self.patch.setattr(runtime, "_is_installed", lambda name: name in packages)
        self.patch.setattr(ort, "get_available_providers", lambda: list(providers))
        self.patch.setattr(ort, "preload_dlls", lambda: None)
        self.patch.setattr(ctypes, "CDLL", load)

    def session(self, source: Any, options: Any = None, providers: Any = None, **more: Any) -> Any:
        kind = self.cuda(source) if providers[0] == CUDA else RealSession
        opened = kind(source, options, providers, **more)
        self.opened.append((kind.__name__, opened.get_providers()[0]))
        return opened


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    pretended = Machine(monkeypatch)
    pretended.has()
    monkeypatch.setattr(ort, "InferenceSession", pretended.session)
    monkeypatch.setattr(Fails, "pulled", True)
    return pretended


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = some_exports(tmp_path / "exports", [DIGITS, CLOTHES])
    shutil.copy(EXPORTS / "lines.onnx", folder)
    return folder


@pytest.fixture
def client(machine: Machine, exports: Path) -> TestClient:
    return TestClient(build_app(scan(exports, "auto")), raise_server_exceptions=False)


# ------------------------------------------------------------------------------------------------------- what is shown


FIVE = png(render("5"))


def devices_shown(client: TestClient, asked: str, model: str = DIGITS) -> set[tuple[str, str]]:
    """(device, code of the obstacle) of every answer to a request that names this device, or (error, status)."""
    form, file = {"model": model, "device": asked}, {"image": ("5.png", FIVE)}
    responses = [
        *(client.post(path, files=file, data=form) for path in ("/classify", "/explain", "/compare")),
        client.post("/classify", params=form, content=FIVE, headers={"Content-Type": "image/png"}),
        client.post("/classify/many", files={"images": ("5.png", FIVE)}, data=form),
        client.post("/gradio_api/run/classify", json={"data": [uploaded(client, FIVE), model, asked]}),
    ]
    shown = set()
    for response in responses:
        said = json.loads(response.text.splitlines()[0])
        if response.status_code != 200:
            shown.add((said["error"]["code"], str(response.status_code)))
        elif "answers" not in said:  # a comparison shows no device
            device = said.get("answer", said.get("data", [said])[0])["device"]
            assert device["provider"] == {"cpu": CPU, "cuda": CUDA}[device["used"]]
            assert device["asked"] == asked
            assert bool(device["reason"]) == (device["used"] == "cpu")
            shown.add((device["used"], device["code"] or ""))
    return shown


def metrics(client: TestClient) -> dict[tuple[str, str], tuple[str, str, str]]:
    """(device, provider, obstacle) that /metrics shows of each (model, device asked)."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    labels = [sample.labels for family in families for sample in family.samples if sample.name == "inkwear_model_info"]
    return {(each["model"], each["asked"]): (each["device"], each["provider"], each["obstacle"]) for each in labels}


def said_by_the_batch(exports: Path, folder: Path, device: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``app.predict`` sums up over two pictures, or why it does not begin."""
    folder.mkdir(exist_ok=True)
    for digit in "57":
        (folder / f"{digit}.png").write_bytes(png(render(digit)))
    capsys.readouterr()
    options = ["--exports", str(exports), "--model", DIGITS, "--device", device, "--output", str(folder / "table.csv")]
    code = 0
    try:
        main([str(folder), *options, "--overwrite"])
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr().err
    assert (code, "images/s" in said) in ((0, True), (3, False))
    return said


# ----------------------------------------------------------------------------------------------------- what is broken


BROKEN: dict[str, tuple[dict[str, Any], type, str, str]] = {
    "a missing library": ({"missing": "libcufft.so.13"}, CannotOpen, "missing_library", "libcufft.so.13"),
    "CUDA falls back without a word": ({}, FallsBack, "failed", f"asked for CUDA and took {CPU}"),
    "no GPU": ({"driver": Driver(0)}, CannotOpen, "no_gpu", "finds no GPU"),
    "both packages": ({"packages": ("onnxruntime", "onnxruntime-gpu")}, Works, "two_packages", "overwrite each other"),
    "the package for the CPU": (
        {"packages": ("onnxruntime",), "providers": (CPU,)}, CannotOpen, "cpu_package", "built for the CPU only",
    ),
    "CUDA cannot be opened": ({}, CannotOpen, "failed", FAILURE),
    "CUDA fails with the first picture": ({}, Fails, "failed", FAILURE),
}  # fmt: skip
"""What the machine has, its session on CUDA, and the code and reason that must be shown."""


@pytest.mark.parametrize("broken", BROKEN)
def test_auto_is_answered_by_the_cpu_and_cuda_refused_for_one_reason_everywhere(
    machine: Machine, exports: Path, client: TestClient, tmp_path: Path, capsys, broken: str
) -> None:
    has, session, code, reason = BROKEN[broken]
    machine.has(**has)
    machine.cuda = lambda source: session
    assert devices_shown(client, "cuda") == {("DeviceError", "409")}
    refused = client.post("/classify", files={"image": ("5.png", FIVE)}, data={"device": "cuda"}).json()["error"]
    assert reason in refused["message"]
    assert devices_shown(client, "auto") == {("cpu", code)}
    assert devices_shown(client, "cpu") == {("cpu", "not_asked")}
    found = metrics(client)
    assert found[DIGITS, "auto"] == ("cpu", CPU, code)
    assert {device for device, *_ in found.values()} == {"cpu"}
    assert client.get("/readyz").json()["device"] == "cpu"
    [finding] = check_cuda("cuda", exports)
    assert (finding.state, reason in finding.message) == ("wrong", True)
    assert reason in said_by_the_batch(exports, tmp_path / "in", "cuda", capsys)
    summary = said_by_the_batch(exports, tmp_path / "in", "auto", capsys)
    assert " on CPU (" in summary
    assert reason in summary
    assert all(used == CPU for kind, used in machine.opened if kind == "InferenceSession")


@pytest.mark.slow
@pytest.mark.parametrize(("path", "field"), [("/classify", "image"), ("/classify/many", "images")])
def test_cuda_is_lost_while_the_server_runs(machine, client: TestClient, path: str, field: str) -> None:
    """Whoever is met by the failure hears of it; who comes next is answered by the CPU, and told so."""
    machine.cuda = lambda source: Fails
    Fails.pulled = False
    assert devices_shown(client, "auto") == devices_shown(client, "cuda") == {("cuda", "")}
    assert metrics(client)[DIGITS, "auto"] == ("cuda", CUDA, "")
    Fails.pulled = True
    met = client.post(path, files={field: ("5.png", FIVE)}, data={"model": DIGITS, "device": "auto"})
    error = json.loads(met.text.splitlines()[0])["error"]
    assert (met.status_code, error["code"]) == (409 if field == "image" else 200, "DeviceError")
    assert error["message"].startswith("5.png: " if field == "images" else "CUDA has failed")
    assert FAILURE in error["message"]
    assert devices_shown(client, "auto") == {("cpu", "failed")}
    assert devices_shown(client, "cuda") == {("DeviceError", "409")}
    assert metrics(client)[DIGITS, "auto"] == ("cpu", CPU, "failed")


@pytest.mark.slow
def test_cuda_that_works_is_shown_until_a_file_is_replaced(
    machine, client: TestClient, exports: Path, tmp_path: Path, capsys
) -> None:
    """The other way round: nothing here says CPU because it expects no better."""
    machine.cuda = lambda source: Works
    before = Works.ran
    assert devices_shown(client, "auto") == devices_shown(client, "cuda") == {("cuda", "")}
    assert Works.ran > before
    assert devices_shown(client, "cpu") == {("cpu", "not_asked")}
    assert metrics(client)[DIGITS, "cuda"] == ("cuda", CUDA, "")
    [finding] = check_cuda("auto", exports)
    assert (finding.state, CUDA in finding.message) == ("fine", True)
    assert " on CUDA." in said_by_the_batch(exports, tmp_path / "in", "auto", capsys)
    machine.cuda = lambda source: CannotOpen
    shutil.copy(EXPORTS / f"{DIGITS}.onnx", exports / f"{DIGITS}.new")  # listed, and another file all the same
    (exports / f"{DIGITS}.new").replace(exports / f"{DIGITS}.onnx")
    client.app.state.inkwear.catalog.refresh()
    assert devices_shown(client, "auto") == {("cpu", "failed")}
    assert devices_shown(client, "cuda") == {("DeviceError", "409")}
    assert metrics(client)[DIGITS, "auto"] == ("cpu", CPU, "failed")


def test_one_model_runs_on_cuda_and_another_cannot(machine, client: TestClient) -> None:
    """As where the second finds no memory left: each answer tells its own."""
    clothes = (EXPORTS / f"{CLOTHES}.onnx").read_bytes()
    machine.cuda = lambda source: CannotOpen if source == clothes else Works
    assert devices_shown(client, "auto", DIGITS) == {("cuda", "")}
    assert devices_shown(client, "auto", CLOTHES) == {("cpu", "failed")}
    found = metrics(client)
    assert (found[DIGITS, "auto"][0], found[CLOTHES, "auto"][0]) == ("cuda", "cpu")


def test_a_reader_of_lines_does_not_run_elsewhere_than_its_model(machine, client: TestClient) -> None:
    """A number is read by two networks: where the second cannot have CUDA, the answer must not say it had."""
    lines = (EXPORTS / "lines.onnx").read_bytes()
    machine.cuda = lambda source: CannotOpen if source == lines else Works
    number = {"image": ("2708.png", png(write_number("2708", apart=70)))}
    response = client.post("/classify", files=number, data={"model": DIGITS, "device": "auto"})
    kinds = [kind for kind, _ in machine.opened]
    if response.status_code == 200:
        assert response.json()["device"]["used"] == "cuda"
        assert "InferenceSession" not in kinds, "the reader of lines ran on the CPU, and the answer said CUDA"
    else:
        assert (response.status_code, response.json()["error"]["code"]) == (409, "DeviceError")


def test_the_page_has_words_for_every_obstacle() -> None:
    words = json.loads((ROOT / "app/page/words.json").read_text())
    codes = set(get_args(get_type_hints(runtime.FallbackReason)["code"]))
    assert codes - {"not_asked"} <= set(words["zh"]["obstacles"])
