import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import inkwear
from tests.conftest import EXPORTS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

READ = """
import json, sys
sys.path.insert(0, sys.argv[1])
import inkwear
from inkwear import Classifier, open_image
from inkwear.images.subprocess import is_large, open_picture
listed, foreign, picture, large = sys.argv[2:]
label = Classifier(listed, "cpu").predict([open_image(picture)])[0].label
data = open(large, "rb").read()
assert is_large(data)
same = Classifier(foreign, "cpu").predict([open_picture(data, large)])[0].label
print(json.dumps([inkwear.__file__, label, same]))
"""
"""Read a picture, then a large one with a foreign model: both of the library's child processes are started."""


ASKED = {"inkwear": PROJECT["dependencies"]} | PROJECT["optional-dependencies"]


def by_name(lines: Iterable[str]) -> dict[str, Requirement]:
    requirements = [Requirement(line) for line in lines if line.strip() and not line.startswith(("#", "-r"))]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def pins(*files: str) -> dict[str, Requirement]:
    return by_name(line for file in files for line in (ROOT / file).read_text().splitlines())


@pytest.mark.parametrize("part", ASKED)
def test_the_pins_meet_what_the_package_asks_for(part: str) -> None:
    pinned = pins("requirements.txt", "app/requirements.txt", "app/requirements-ray.txt")
    for name, asked in by_name(ASKED[part]).items():
        [version] = [each.version for each in pinned[name].specifier if each.operator in ("==", ">=")]
        assert asked.specifier.contains(version), asked
        assert (pinned[name].marker, pinned[name].extras) == (asked.marker, asked.extras)


def test_the_extras_bring_what_the_app_needs() -> None:
    brought = by_name(line for part in ("inkwear", "app", "batch") for line in ASKED[part])
    assert set(brought) == set(pins("app/requirements.txt", "app/requirements-ray.txt"))


def test_public_names_are_imported_when_they_are_used() -> None:
    script = "import inkwear, sys; print(sorted({'cv2', 'numpy', 'onnxruntime'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert all(getattr(inkwear, name).__name__ == name for name in inkwear.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = inkwear.Nonsense  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip has installed the package alone, built from a copy of the checkout."""
    clone, folder = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("installed")
    for name in ("app", "inkwear", "models"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__", "checkpoints"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", folder, clone], check=True)
    return folder


@pytest.mark.slow
def test_the_library_alone_is_installed(installed: Path) -> None:
    packages = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert packages == {"inkwear"}
    assert {path.relative_to(ROOT) for path in (ROOT / "inkwear").rglob("*.py")} == {
        path.relative_to(installed) for path in (installed / "inkwear").rglob("*.py")
    }
    finder = Path("inkwear", "preprocess", "finder.onnx")
    assert (installed / finder).read_bytes() == (ROOT / finder).read_bytes()
    assert (installed / "inkwear" / "py.typed").exists()


@pytest.mark.slow
def test_the_installed_library_reads_pictures_far_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    trouser = ROOT / "app" / "page" / "examples" / "trouser.png"
    with Image.open(trouser) as picture:
        grain = np.random.default_rng(0).integers(0, 4, (3000, 3000, 1), np.uint8)
        large = np.asarray(picture.convert("RGB").resize((3000, 3000))) // 4 * 4 + grain
    Image.fromarray(large).save(tmp_path / "large.png")
    shutil.copy(EXPORTS / "fashion_mnist-inkwear_s.onnx", tmp_path / "foreign.onnx")
    arguments = [installed, EXPORTS / "fashion_mnist-inkwear_s.onnx", tmp_path / "foreign.onnx", trouser, "large.png"]
    done = subprocess.run(
        [sys.executable, "-I", "-c", READ, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [str(installed / "inkwear" / "__init__.py"), "Trouser", "Trouser"]
