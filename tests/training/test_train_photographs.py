from pathlib import Path

import numpy as np
import pytest

from tests.training.clothes import write_fashion, write_photographs
from tests.training.runs import invoke
from training import photograph_run
from training.extra_images import NO_CLASS
from training.photograph_recipe import PhotographRecipe
from training.train_photographs import cli


@pytest.mark.slow
def test_photographs_become_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gray = np.random.default_rng(0).integers(0, 256, (40, 30)).astype(np.uint8)
    monkeypatch.setattr(photograph_run, "pasted", lambda count, seed, behind, folder: [(gray, 8)] * count)
    monkeypatch.setattr(photograph_run, "nothing_to_wear", lambda count, seed, folder: [(gray, NO_CLASS)] * count)
    made = PhotographRecipe.__init__
    few = {"photographs": 8, "pasted": 4, "nothing": 4, "bank": 20, "batch_size": 8}
    monkeypatch.setattr(PhotographRecipe, "__init__", lambda self, **options: made(self, **few, **options))
    write_photographs(tmp_path / "clothing", ("Pants", "Dress", "Hat"), senders=8)
    write_fashion(tmp_path)
    output = tmp_path / "out.onnx"
    options = [
        "--epochs=1",
        "--size=32",
        f"--checkpoints={tmp_path / 'run'}",
        f"--data-dir={tmp_path}",
        f"--output={output}",
    ]
    printed = invoke(cli, str(tmp_path / "clothing"), *options)
    assert "% of the photographs of held-out senders" in printed
    assert output.exists()


def test_a_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    printed = invoke(cli, str(tmp_path), code=2)
    assert "images.csv is missing" in printed
