import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from inkwear.preprocess.finder import KIND
from tests.training.runs import invoke
from training import ink_finder
from training.train_ink_finder import cli

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("few_characters")
def test_training_leaves_a_finder_of_any_size_of_picture(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ink_finder, "VALIDATION_PICTURES", 4)
    output, checkpoint = tmp_path / "finder.onnx", tmp_path / "finder.pt"
    options = ["--digits=100", "--batch-size=8", f"--data-dir={data_dir}", f"--output={output}"]
    invoke(cli, "--count=16", f"--checkpoint={checkpoint}", *options)
    assert checkpoint.exists()
    session = onnxruntime.InferenceSession(output)
    for shape in ((1, 1, 16, 384), (3, 1, 160, 96)):
        assert session.run(["logits"], {"pictures": np.zeros(shape, np.float32)})[0].shape == shape
    facts = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    assert facts["kind"] == KIND
    assert (facts["dataset"], facts["recipe"]["count"], facts["recipe"]["digits"]) == ("mnist", 16, 100)
    assert not (tmp_path / "SHA256SUMS").exists(), "the library's own file needs no list beside it"


def test_clothes_have_no_ink(data_dir: Path) -> None:
    output = invoke(cli, "--dataset=fashion_mnist", f"--data-dir={data_dir}", code=2)
    assert "fashion_mnist is not written with a pen" in output
