from pathlib import Path

import pytest

from tests.training.runs import CONFIG, CPU
from training.run import fit
from training.simulator import characters as simulated
from training.simulator.characters import Characters


@pytest.fixture(scope="session")
def finished(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run with ``CONFIG``."""
    folder = tmp_path_factory.mktemp("finished")
    fit(CONFIG, data_dir, folder, CPU)
    return folder


@pytest.fixture(scope="session")
def characters(data_dir: Path) -> Characters:
    """Few characters of each kind, as making all takes 8 s."""
    with pytest.MonkeyPatch.context() as patch:
        limit_characters(patch)
        return simulated.load_characters.__wrapped__("mnist", 60, 0, data_dir)


@pytest.fixture
def few_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process of the test make few characters; others make all."""
    limit_characters(monkeypatch)


def limit_characters(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(simulated, "DRAWINGS", 4)
    patch.setattr(simulated, "OTHER_DRAWINGS", 20)
    patch.setattr(simulated, "FACES", simulated.FACES[:2])
    patch.setattr(simulated, "OPENCV_FACES", simulated.OPENCV_FACES[:1])
