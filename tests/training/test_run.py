import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import training.run
from inkwear.onnx.metadata import ModelMetadata
from inkwear.onnx.props import read_props
from tests.conftest import ROOT
from training.checkpoint import ASIDE, RUN_FILES, CheckpointError, load_checkpoint
from training.datasets import DataError, Dataset, Part, Split
from training.import_onnx import describe_export
from training.loop import Scores
from training.publish.export import export_checkpoint
from training.run import Config, RunError, fit
from training.train import cli

CPU = torch.device("cpu")
OPTIONS = {"epochs": 3, "lr": 0.02, "batch_size": 32}
CONFIG = Config.of("mnist", "lenet", seed=5, **OPTIONS)
STEPS = 35
"""Of an epoch: 1,100 images in batches of 32."""


@pytest.fixture(scope="module")
def finished(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    fit(CONFIG, data_dir, folder, CPU)
    return folder


def weights(path: Path) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in load_checkpoint(path).weights.values()])


def test_a_run_learns_and_leaves_its_files(checkpoint: Path) -> None:
    folder = checkpoint.parent
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    metrics = load_checkpoint(checkpoint).metrics
    assert metrics["test_accuracy"] > 0.9
    highest = max(line["validation_accuracy"] for line in lines)
    assert metrics["validation_accuracy"] >= highest - 0.05


def test_the_same_command_gives_identical_weights(finished: Path, data_dir: Path, tmp_path: Path) -> None:
    fit(CONFIG, data_dir, tmp_path, CPU)
    assert weights(tmp_path / "last.pt").equal(weights(finished / "last.pt"))


@pytest.mark.parametrize("steps", [1, STEPS, STEPS + 10, 3 * STEPS - 1])
def test_a_run_stopped_after_any_step_goes_on_to_identical_weights(
    finished: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    interrupt_after(steps, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fit(CONFIG, data_dir, tmp_path, CPU)
    monkeypatch.undo()
    stopped = load_checkpoint(tmp_path / "last.pt")
    assert len(stopped.history) * STEPS + stopped.steps == steps
    fit(CONFIG, data_dir, tmp_path, CPU, resume=True)
    for name in ("last.pt", "best.pt"):
        assert weights(tmp_path / name).equal(weights(finished / name))
    assert metrics(tmp_path) == metrics(finished)


def interrupt_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C in the middle of a step."""
    batches, real = 0, training.run.augment

    def augment(*arguments: object, **options: object) -> torch.Tensor:
        nonlocal batches
        batches += 1
        if batches == steps:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **options)

    monkeypatch.setattr(training.run, "augment", augment)


def metrics(folder: Path) -> list[dict[str, float]]:
    """The history without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("seconds", "images_per_second")} for line in lines]


def test_kill_9_and_resume_end_in_identical_weights(finished: Path, data_dir: Path, tmp_path: Path) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]
    command = [sys.executable, "-m", "training.train", "--dataset=mnist", "--model=lenet", "--seed=5", "--device=cpu"]
    command += [*options, f"--data-dir={data_dir}", f"--checkpoints={tmp_path}", "--no-report"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    last = tmp_path / CONFIG.name / "last.pt"
    deadline = time.monotonic() + 60
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run([*command, "--resume"], cwd=ROOT, check=True, capture_output=True)
    assert weights(last).equal(weights(finished / "last.pt"))


def test_a_long_epoch_is_saved_on_the_way(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[int, int]] = []
    real = training.run.save_checkpoint
    monkeypatch.setattr(training.run, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    monkeypatch.setattr(
        training.run,
        "save_checkpoint",
        lambda checkpoint, path: (saved.append((len(checkpoint.history), checkpoint.steps)), real(checkpoint, path)),
    )
    fit(Config.of("mnist", "mlp_small", epochs=1, batch_size=500), data_dir, tmp_path, CPU)
    assert saved[:3] == [(0, 1), (0, 2), (0, 3)]


def test_two_processes_learn_what_one_learns(data_dir: Path, tmp_path: Path) -> None:
    """The tutorial's perceptron has nothing random but the order of images: two halves of a batch add up to it."""
    options = ["--dataset=mnist", "--model=mlp", "--recipe=tutorial", "--epochs=2", "--device=cpu", "--no-report"]
    command = ["-m", "training.train", *options, f"--data-dir={data_dir}"]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    for name, started in (("one", command), ("two", launcher + command)):
        arguments = [sys.executable, *started, f"--checkpoints={tmp_path / name}"]
        done = subprocess.run(arguments, cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    one, two = (tmp_path / name / "mnist-mlp-tutorial" for name in ("one", "two"))
    torch.testing.assert_close(weights(one / "last.pt"), weights(two / "last.pt"), atol=1e-5, rtol=1e-4)
    assert done.stdout.count("test accuracy") == 1, "one process speaks"
    assert load_checkpoint(two / "best.pt").versions["device"] == "2 × CPU, threads: 1"
    assert [line["validation_accuracy"] for line in metrics(one)] == [
        pytest.approx(line["validation_accuracy"], abs=0.011) for line in metrics(two)
    ]


def test_a_run_that_no_longer_improves_ends_early(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The validation set has 100 images: at 60 % the standard error is 4.9 points."""
    accuracies = iter([0.4, 0.6, 0.56, 0.56, 0.5, 0.5, 0.9, 0.9])
    monkeypatch.setattr(training.run, "evaluate", lambda *_, **__: Scores(1.0, next(accuracies)))
    config = Config.of("mnist", "mlp_small", epochs=8)
    best = fit(replace(config, learning=replace(config.learning, patience=0.25)), data_dir, tmp_path, CPU)
    assert [line["validation_accuracy"] for line in metrics(tmp_path)] == [0.4, 0.6, 0.56, 0.56, 0.5, 0.5]
    assert best.metrics["epoch"] == 4, "the latest that is as good as the best"


def test_a_run_may_end_within_an_epoch(data_dir: Path, tmp_path: Path) -> None:
    fit(Config.of("mnist", "mlp_small", epochs=1.4, batch_size=110), data_dir, tmp_path, CPU)
    first, second = metrics(tmp_path)
    assert (first["epoch"], second["epoch"]) == (1, 2)
    assert second["lr"] < first["lr"], "the cycle is at its end"
    seen = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [round(line["images_per_second"] * line["seconds"]) for line in seen] == [1100, 440]


def test_images_grow_on_the_way_and_only_the_large_ones_are_judged(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    class Enlarging(torch.nn.Module):
        """Sees its images at ``image_size``, and is best at half of it."""

        def __init__(self) -> None:
            super().__init__()
            self.image_size = 8
            self.linear = torch.nn.Linear(1, 10)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if self.training:
                sizes.append(self.image_size)
            return self.linear(images.mean(dim=(2, 3)))

    monkeypatch.setattr(training.run, "create_model", lambda name, classes: Enlarging())
    config = Config.of("mnist", "mlp", epochs=4, batch_size=600)
    config = replace(config, learning=replace(config.learning, small_images=0.5))
    best = fit(config, data_dir, tmp_path, CPU)
    assert sizes == [4] * 4 + [8] * 4, "two batches an epoch"
    assert best.metrics["epoch"] in (3, 4)


def test_ctrl_c_says_how_to_go_on(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_after(3, monkeypatch)
    code, output = run_command("--model=mlp", f"--data-dir={data_dir}", f"--checkpoints={tmp_path}")
    assert code == 130
    assert "last.pt holds every step; the same command with --resume goes on from there" in " ".join(output.split())


def test_the_test_set_is_read_once_a_run(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = training.run.load_split
    monkeypatch.setattr(training.run, "load_split", lambda d, part, f: (read.append(part), real(d, part, f))[1])
    fit(CONFIG, data_dir, tmp_path, CPU)
    assert read == ["train", "validation", "test"]


def test_an_earlier_run_is_not_overwritten_unasked(finished: Path, data_dir: Path) -> None:
    before = (finished / "last.pt").read_bytes()
    with pytest.raises(RunError, match=r"already there: add --resume .* or --overwrite"):
        fit(CONFIG, data_dir, finished, CPU)
    assert (finished / "last.pt").read_bytes() == before


@pytest.fixture
def earlier(finished: Path, tmp_path: Path) -> Path:
    """A finished run in a folder of its own."""
    return Path(shutil.copytree(finished, tmp_path / "earlier"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start_from": Path("no.pt")}, "no.pt: there is no such checkpoint"),
        ({"teacher": Path("no.onnx")}, "no.onnx: there is no such export"),
        ({"also": (Path("no.npz"),)}, "no.npz"),
        ({"extra_data": (Path("nowhere"),)}, "nowhere"),
    ],
)
def test_what_is_asked_for_is_looked_at_before_an_earlier_run_is_replaced(
    earlier: Path, data_dir: Path, change: dict, reason: str
) -> None:
    before = contents(earlier)
    with pytest.raises((ValueError, RuntimeError), match=reason):
        fit(replace(CONFIG, **change), data_dir, earlier, CPU, overwrite=True)
    assert contents(earlier) == before


@pytest.mark.parametrize("lost", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_the_data_are_looked_for_before_an_earlier_run_is_replaced(
    earlier: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    from torchvision.datasets import MNIST

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(MNIST, "__init__", refuse)
    shutil.copytree(data_dir, tmp_path / "data")
    (tmp_path / "data/MNIST/raw" / lost).unlink()
    before = contents(earlier)
    with pytest.raises(DataError, match="lacks files of MNIST"):
        fit(CONFIG, tmp_path / "data", earlier, CPU, overwrite=True)
    assert contents(earlier) == before


def test_a_run_that_fails_before_its_first_checkpoint_gives_the_earlier_one_back(
    earlier: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(earlier)

    def fail(*_: object, **__: object) -> torch.Tensor:
        assert not (earlier / "last.pt").exists()
        raise RuntimeError("out of memory")

    monkeypatch.setattr(training.run, "augment", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(CONFIG, data_dir, earlier, CPU, overwrite=True)
    assert contents(earlier) == before


@pytest.mark.parametrize("moves", range(5))
def test_a_run_killed_while_it_took_the_place_of_another_leaves_that(
    earlier: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """After any number of files: ``os._exit`` would be such an end, and no ``finally`` is reached after it."""
    before = contents(earlier)
    (earlier / ASIDE).mkdir()
    for name in RUN_FILES[:moves]:
        if (earlier / name).exists():
            (earlier / name).rename(earlier / ASIDE / name)
    with pytest.raises(RunError, match="already there"):
        fit(CONFIG, data_dir, earlier, CPU)
    assert contents(earlier) == before
    assert not (earlier / ASIDE).exists()


def test_a_run_that_was_asked_to_replaces_an_earlier_one(earlier: Path, finished: Path, data_dir: Path) -> None:
    config = replace(CONFIG, seed=6)
    fit(config, data_dir, earlier, CPU, overwrite=True)
    assert load_checkpoint(earlier / "best.pt").config["seed"] == 6
    assert set(contents(earlier)) == set(contents(finished))


def test_of_two_runs_in_a_folder_the_one_that_has_begun_stays(earlier: Path, data_dir: Path, tmp_path: Path) -> None:
    """A run that is killed after its first checkpoint, and goes on."""
    shutil.copytree(earlier, earlier / ASIDE)
    before = contents(earlier)
    fit(CONFIG, data_dir, earlier, CPU, resume=True)
    assert not (earlier / ASIDE).exists()
    assert contents(earlier).keys() == {name for name in before if not name.startswith(ASIDE)}


def test_a_run_with_other_options_is_not_resumed(finished: Path, data_dir: Path) -> None:
    with pytest.raises(RunError, match=r"lr was 0.02, now 0.1"):
        fit(Config.of("mnist", "lenet", seed=5, **OPTIONS | {"lr": 0.1}), data_dir, finished, CPU, resume=True)


def test_a_run_stopped_before_its_first_checkpoint_begins_again(
    finished: Path, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(CONFIG, data_dir, tmp_path, CPU, resume=True)
    assert "is not there, so the run begins at its beginning" in capsys.readouterr().err
    assert weights(tmp_path / "last.pt").equal(weights(finished / "last.pt"))


def test_a_damaged_checkpoint_is_not_resumed(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=r"last.pt: not a checkpoint of Inkwear, or damaged"):
        fit(CONFIG, data_dir, tmp_path, CPU, resume=True)


def test_a_run_starts_from_the_weights_of_another(finished: Path, data_dir: Path, tmp_path: Path) -> None:
    start = finished / "best.pt"
    config = Config.of("mnist", "lenet", seed=5, start_from=start, **OPTIONS | {"epochs": 1, "lr": 1e-9})
    assert config.name == "mnist-lenet-tuned-seed5"
    best = fit(config, data_dir, tmp_path, CPU)
    assert best.config["start_from"] == f"{finished.name} after 3 epochs"
    assert weights(tmp_path / "best.pt").allclose(weights(start), atol=1e-5)


def test_a_run_does_not_start_from_another_network(finished: Path, data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"best.pt: its weights are those of another network .* Start from a"):
        fit(Config.of("mnist", "mlp", start_from=finished / "best.pt", **OPTIONS), data_dir, tmp_path, CPU)


def test_a_run_starts_from_an_export(export: Path, data_dir: Path, tmp_path: Path) -> None:
    """With next to no rate the weights stay, and after an epoch's statistics the network reads as well as before."""
    config = Config.of("mnist", "convnet", start_from=export, epochs=1, lr=1e-9, batch_size=32)
    best = fit(config, data_dir, tmp_path, CPU)
    metadata = ModelMetadata.from_props(read_props(export))
    assert best.config["start_from"] == describe_export(export)
    assert best.metrics["validation_accuracy"] == pytest.approx(metadata.metrics["validation_accuracy"], abs=0.02)


def test_an_export_teaches(export: Path, data_dir: Path, tmp_path: Path) -> None:
    config = Config.of("mnist", "mlp_small", teacher=export, epochs=2, lr=0.01, batch_size=32)
    assert (config.learning.teaching, config.learning.teaching_temperature) == (0.9, 2.0)
    best = fit(config, data_dir, tmp_path, CPU)
    assert best.config["teacher"] == describe_export(export)
    assert best.metrics["validation_accuracy"] > 0.7


def test_an_export_of_another_data_set_is_no_teacher(export: Path, data_dir: Path, tmp_path: Path) -> None:
    (data_dir / "FashionMNIST").symlink_to(data_dir / "MNIST")
    try:
        with pytest.raises(RunError, match="learnt mnist; a teacher of fashion_mnist is needed"):
            fit(Config.of("fashion_mnist", "mlp", teacher=export, epochs=1), data_dir, tmp_path, CPU)
    finally:
        (data_dir / "FashionMNIST").unlink()


def test_fewer_held_out_is_part_of_the_name_of_the_options_and_of_the_export(data_dir: Path, tmp_path: Path) -> None:
    config = Config.of("mnist", "mlp_small", held_out=100, epochs=0.1, batch_size=32)
    assert config.name == "mnist-mlp_small-held100"
    best = fit(config, data_dir, tmp_path, CPU)
    assert best.config["held_out"] == 100
    assert "held_out" not in CONFIG.to_dict()
    exported = ModelMetadata.from_props(read_props(export_checkpoint(tmp_path / "best.pt", tmp_path, data_dir)))
    assert str(exported.recipe["command"]).endswith("--held-out 100")


def test_without_instructions_for_bfloat16_a_run_is_in_float32_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config.of("mnist", "inkwear_s")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": True, "amx_bf16": False})
    assert config.on(CPU) == config
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    assert not config.on(CPU).learning.bfloat16
    assert "no instructions for bfloat16" in capsys.readouterr().err


def test_a_pupil_learns_what_its_teacher_answers_and_not_the_labels(
    checkpoint: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The labels are all 3 here, and count for nothing."""
    real = training.run.load_split

    def load_split(dataset: Dataset, part: Part, folder: Path) -> Split:
        split = real(dataset, part, folder)
        return replace(split, labels=torch.full_like(split.labels, 3)) if part == "train" else split

    monkeypatch.setattr(training.run, "load_split", load_split)
    config = Config.of("mnist", "lenet_relu", teacher=checkpoint, epochs=4, lr=0.01, batch_size=32)
    config = replace(config, learning=replace(config.learning, teaching=1.0, teaching_temperature=2.0))
    assert config.name == "mnist-lenet_relu-taught"
    best = fit(config, data_dir, tmp_path, CPU)
    assert best.config["teacher"] == f"{checkpoint.parent.name} after 3 epochs"
    assert best.metrics["validation_accuracy"] > 0.8


def test_a_teacher_of_another_data_set_is_refused(finished: Path, data_dir: Path, tmp_path: Path) -> None:
    config = Config.of("fashion_mnist", "mlp", teacher=finished / "best.pt", epochs=1)
    with pytest.raises(RunError, match="learnt mnist; a teacher of fashion_mnist is needed"):
        fit(config, data_dir, tmp_path, CPU)


# --------------------------------------------------------------------------------------------------------- command


def test_a_mistake_in_a_command_that_overwrites_costs_no_earlier_run(data_dir: Path, tmp_path: Path) -> None:
    command = ("--model=mlp_small", f"--data-dir={data_dir}", f"--checkpoints={tmp_path}", "--no-report")
    assert run_command(*command, "--epochs=0.1")[0] == 0
    before = contents(tmp_path)
    code, output = run_command(*command, "--overwrite", f"--also={tmp_path / 'no.npz'}")
    assert (code, contents(tmp_path)) == (2, before), output
    assert run_command(*command, "--epochs=0.1", "--overwrite")[0] == 0
    assert contents(tmp_path).keys() == before.keys()
    assert contents(tmp_path) != before, "the times differ"


def run_command(*options: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["--dataset=mnist", "--epochs=1", "--device=cpu", *options])
    return result.exit_code, result.output


def test_the_command_trains_and_says_what_comes_next(data_dir: Path, tmp_path: Path) -> None:
    code, output = run_command("--model=convnet", f"--data-dir={data_dir}", f"--checkpoints={tmp_path}")
    assert code == 0
    assert "mnist-convnet: test accuracy" in output
    assert f"Next: python -m training.export {tmp_path}/mnist-convnet/best.pt" in output
    assert "exports/mnist-convnet.onnx is there already and was made by another run" in output
    assert re.search(r"[\d,]+ images/s on CPU, threads: \d", output)
    assert (tmp_path / "mnist-convnet" / "report.html").exists()


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--model=lenett",), 2, "Did you mean 'lenet'? Known: alexnet, convnet"),
        (("--model=lenet", "--dataset=cifar"), 2, "There is no data set 'cifar'. Known: mnist, fashion_mnist"),
        (
            ("--model=sprint", "--recipe=tutorial"),
            2,
            "'sprint' is in no tutorial: there are recipes for lenet, alexnet",
        ),
        (("--model=lenet", "--epochs=0"), 2, "Invalid value for '--epochs'"),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_its_exit_code(
    data_dir: Path, tmp_path: Path, options: tuple[str, ...], code: int, reason: str
) -> None:
    result = run_command(f"--data-dir={data_dir}", f"--checkpoints={tmp_path}", *options)
    assert result[0] == code
    assert reason in " ".join(result[1].split())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_without_cuda_is_exit_code_3(data_dir: Path, tmp_path: Path) -> None:
    code, output = run_command("--model=lenet", "--device=cuda", f"--data-dir={data_dir}", f"--checkpoints={tmp_path}")
    assert code == 3
    assert "torch finds no CUDA device" in output


@pytest.mark.parametrize("command", ["train", "evaluate", "export", "report", "summary", "compare"])
def test_help_needs_no_torch(command: str) -> None:
    script = f"import training.{command}, sys; print('torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert printed.stdout.strip() == "False"
