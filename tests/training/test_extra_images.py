import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from inkwear.classifier import Classifier
from tests.hand import render
from training import outliers, photos, simulate, split_samples
from training.config import Config
from training.datasets import DATASETS
from training.errors import DataError
from training.evaluate import __main__ as evaluate
from training.evaluate import robustness
from training.extra_images import NO_CLASS, ExtraImages, load_extra_images, save_extra_images
from training.learner import _losses
from training.photos import find_photos
from training.recipes import find_recipe
from training.run import fit
from training.train import cli as train

MNIST = DATASETS["mnist"]
SIX = ExtraImages("mnist", np.full((6, 28, 28), 9, np.uint8), np.arange(6, dtype=np.uint8))


@pytest.fixture
def six(tmp_path: Path) -> Path:
    save_extra_images(SIX, tmp_path / "new" / "six.npz")
    return tmp_path / "new" / "six.npz"


def test_a_corpus_is_read_back(six: Path) -> None:
    corpus = load_extra_images(six, MNIST)
    assert corpus.dataset == "mnist"
    assert np.array_equal(corpus.pixels, SIX.pixels)
    assert np.array_equal(corpus.labels, SIX.labels)


def test_a_corpus_that_cannot_be_used_is_named(six: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds images for mnist, not for fashion_mnist"):
        load_extra_images(six, DATASETS["fashion_mnist"])
    with pytest.raises(DataError, match=r"is missing. Make it with"):
        load_extra_images(tmp_path / "no.npz", MNIST)
    (tmp_path / "cut.npz").write_bytes(six.read_bytes()[:200])
    with pytest.raises(DataError, match="damaged"):
        load_extra_images(tmp_path / "cut.npz", MNIST)
    save_extra_images(ExtraImages("mnist", SIX.pixels, np.full(6, 77, np.uint8)), tmp_path / "strange.npz")
    with pytest.raises(DataError, match=r"labels \[77\]"):
        load_extra_images(tmp_path / "strange.npz", MNIST)


def test_a_run_trains_on_a_corpus_too_and_says_so(six: Path, data_dir: Path, tmp_path: Path) -> None:
    config = Config.of("mnist", "mlp_small", extra_images=[six], epochs=1)
    best = fit(config, data_dir, tmp_path / "run", torch.device("cpu"))
    assert best.config["extra_images"].startswith("six.npz ")
    assert "extra_images" not in Config.of("mnist", "mlp_small").to_dict()


def test_a_missing_corpus_is_a_sentence(data_dir: Path, tmp_path: Path) -> None:
    options = ["--dataset=mnist", "--model=mlp_small", f"--data-dir={data_dir}", f"--checkpoints={tmp_path}"]
    result = CliRunner().invoke(train, [*options, f"--extra-images={tmp_path / 'no.npz'}"])
    assert result.exit_code == 2
    assert "no.npz is missing" in result.output


def test_simulated_pictures_become_framed_images(data_dir: Path, tmp_path: Path) -> None:
    arguments = ["--dataset=mnist", "--count=12", f"--data-dir={data_dir}"]
    for name in ("one.npz", "two.npz"):
        result = CliRunner().invoke(simulate.cli, [*arguments, f"--output={tmp_path / name}"])
        assert result.exit_code == 0, result.output
    first, second = (load_extra_images(tmp_path / name, MNIST) for name in ("one.npz", "two.npz"))
    assert np.array_equal(first.pixels, second.pixels)
    assert len(first.labels) >= 8
    assert first.pixels.max(axis=(1, 2)).min() >= 250


def test_photographs_become_images_with_a_fifth_held_out(tmp_path: Path) -> None:
    shirt = np.full((90, 80, 3), 250, np.uint8)
    shirt[20:70, 25:55] = (200, 30, 30)
    for kind in ("dress", "shoes"):
        (tmp_path / kind).mkdir()
        for index in range(5):
            Image.fromarray(shirt).save(tmp_path / kind / f"{index}.png")
    assert [path.name for path, _ in find_photos(tmp_path, held_out=True)] == ["0.png", "0.png"]
    export = Path("exports/fashion_mnist-mlp_small.onnx")
    output = tmp_path / "photos.npz"
    result = CliRunner().invoke(photos.cli, [str(tmp_path), f"--output={output}", f"--model={export}", "--variants=2"])
    assert result.exit_code == 0, result.output
    corpus = load_extra_images(output, DATASETS["fashion_mnist"])
    names = [Classifier(export, "cpu").metadata.class_names[label] for label in corpus.labels]
    assert len(names) == 2 * 4 * 2
    assert names[:8] == ["Dress"] * 8
    assert set(names[8:]) <= {"Sandal", "Sneaker", "Ankle boot"}


def test_a_folder_without_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no photographs in folders named t-shirt"):
        find_photos(tmp_path, held_out=False)


@pytest.mark.parametrize("kind", ["scribble", "letter", "noise"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_outliers_are_framed_and_repeatable(kind: str, part, tmp_path: Path) -> None:
    first, second = (outliers.make_outliers(kind, MNIST, part, 8, 3, tmp_path) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape[1:] == (28, 28)
    assert len({image.tobytes() for image in first}) == len(first) >= 6


@pytest.mark.parametrize("kind", outliers.MISCUT)
def test_digits_taken_together_and_cut_through_are_outliers_too(kind: str, data_dir: Path) -> None:
    first, second = (outliers.make_outliers(kind, MNIST, "train", 20, 3, data_dir) for _ in range(2))
    assert np.array_equal(first, second)
    assert len({image.tobytes() for image in first}) == len(first) == 20


def test_a_fragment_is_one_side_of_a_digit_and_no_straight_line() -> None:
    ring = 255 - np.asarray(render("0", canvas=28, side=20, pen=2))
    pixels, labels = np.repeat(ring[None], 10, axis=0), np.zeros(10, np.uint8)
    for fragment in outliers._fragments(pixels, labels, 20, np.random.default_rng(1)):
        assert outliers.breadth(fragment) > outliers.MAX_BREADTH_OF_ONE
    kept = [np.count_nonzero(outliers._cut(ring, True, np.random.default_rng(seed))[:, :14]) for seed in range(20)]
    lost = [np.count_nonzero(outliers._cut(ring, True, np.random.default_rng(seed))[:, 22:]) for seed in range(20)]
    assert min(kept) > 0
    assert sum(lost) == 0
    stick = np.zeros((1, 28, 28), np.uint8)
    stick[0, 4:24, 13:15] = 255
    assert outliers.breadth(stick[0]) < outliers.MAX_BREADTH_OF_ONE


def test_cuttings_are_digits_that_stand_there_and_others_that_do_not(data_dir: Path, tmp_path: Path) -> None:
    for name in ("one.npz", "two.npz"):
        options = [f"--data-dir={data_dir}", f"--output={tmp_path / name}", "--count=12"]
        result = CliRunner().invoke(split_samples.cli, options)
        assert result.exit_code == 0, result.output
    first, second = (load_extra_images(tmp_path / name, MNIST) for name in ("one.npz", "two.npz"))
    assert np.array_equal(first.pixels, second.pixels)
    good = first.labels != NO_CLASS
    assert 5 < good.sum() < len(good) - 5
    assert len(set(first.labels[good].tolist())) >= 5


def test_digits_of_a_row_touch_and_stand_where_they_stand_alone() -> None:
    five = 255 - np.asarray(render("5", canvas=28, side=20, pen=2))
    alone = split_samples.row_of_digits(np.stack([five] * 3), np.random.default_rng(0))
    assert len(alone) == 3
    columns = [np.flatnonzero(one.any(axis=0)) for one in alone]
    assert all(left[-1] + 8 >= right[0] for left, right in pairwise(columns))
    assert columns[0][0] < columns[1][0] < columns[2][0]


def test_clothes_are_not_cut_apart(data_dir: Path, tmp_path: Path) -> None:
    options = ["--dataset=fashion_mnist", f"--data-dir={data_dir}", f"--output={tmp_path / 'no.npz'}"]
    result = CliRunner().invoke(split_samples.cli, options)
    assert result.exit_code == 2
    assert "fashion_mnist has no strokes" in result.output


def test_an_image_of_no_class_pulls_towards_no_class() -> None:
    recipe = find_recipe("default", "sturdy")
    sure, even = torch.tensor([[9.0, 0, 0]]), torch.zeros(1, 3)
    none = torch.tensor([NO_CLASS])
    assert _losses(even, none, recipe) < _losses(sure, none, recipe)
    assert _losses(sure, torch.tensor([0]), recipe) < _losses(even, torch.tensor([0]), recipe)
    both = _losses(torch.cat([sure, even]), torch.tensor([0, NO_CLASS]), recipe)
    alone = torch.cat([_losses(sure, torch.tensor([0]), recipe), _losses(even, none, recipe)])
    torch.testing.assert_close(both, alone)


def test_evaluate_reads_simulated_pictures_by_condition(export: Path, data_dir: Path) -> None:
    options = ["--real", "--count=10", "--condition=drawings/large", "--condition=numbers/apart", "--json"]
    result = CliRunner().invoke(evaluate.cli, [str(export), *options, f"--data-dir={data_dir}"])
    assert result.exit_code == 0, result.output
    drawn, numbers = (json.loads(line) for line in result.output.splitlines())
    assert (drawn["condition"], drawn["images"]) == ("drawings/large", 10)
    assert drawn["correct"] >= 7
    assert numbers["condition"] == "numbers/apart"


def test_real_pictures_to_choose_by_are_made_of_validation_images(
    export: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = robustness.load_pixels
    monkeypatch.setattr(robustness, "load_pixels", lambda d, part, f: (read.append(part), original(d, part, f))[1])
    options = ["--real", "--count=4", "--condition=drawings/large", "--part=validation", f"--data-dir={data_dir}"]
    result = CliRunner().invoke(evaluate.cli, [str(export), *options])
    assert result.exit_code == 0, result.output
    assert read == ["validation"]


def test_an_unknown_condition_is_answered_with_those_there_are(export: Path, data_dir: Path) -> None:
    result = CliRunner().invoke(
        evaluate.cli, [str(export), "--real", "--condition=underwater", f"--data-dir={data_dir}"]
    )
    assert result.exit_code == 2
    assert "There is no condition underwater. Known: drawings" in result.output
