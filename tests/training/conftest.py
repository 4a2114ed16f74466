from pathlib import Path

import pytest

from tests.training.runs import CONFIG, CPU
from training.run import fit


@pytest.fixture(scope="session")
def finished(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run with ``CONFIG``."""
    folder = tmp_path_factory.mktemp("finished")
    fit(CONFIG, data_dir, folder, CPU)
    return folder
