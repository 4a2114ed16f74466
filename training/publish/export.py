"""``python -m training.export``: a checkpoint becomes an ONNX file that explains itself, once it is checked."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors

if TYPE_CHECKING:
    from torch import nn

    from inkwear.onnx.metadata import ModelMetadata
    from inkwear.preprocess.steps import Pixels
    from training.calibrate import Calibration
    from training.checkpoint import Checkpoint
    from training.datasets import Dataset

OPSET = 20

IMAGES_TO_THIN = 3_000
"""Of the training set, by whose answers linear layers are made thin."""

DEFAULT_OUTPUT_DIR = Path("exports")

NOT_OPTIONS = ("best_epoch", "command", "versions", "weights")
"""Keys of an export's recipe that are no options of the run that made it."""

cli = typer.Typer(add_completion=False)


class ReplaceError(ValueError):
    """An export that is worth keeping lies where another is to be written."""


@cli.command()
def export(
    checkpoints: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT…", help="best.pt of one or more runs.")],
    output_dir: Annotated[Path, typer.Option(help="Where <dataset>-<model>.onnx is written.")] = DEFAULT_OUTPUT_DIR,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    compact: Annotated[
        bool, typer.Option("--compact", help="Thin layers of 8-bit weights, for large networks.")
    ] = False,
    real: Annotated[
        int, typer.Option(min=0, help="Also measure on so many simulated pictures of validation images.")
    ] = 0,
    replace_other: Annotated[
        bool, typer.Option("--replace", help="Also replace an export of another run, or a better one.")
    ] = False,
) -> None:
    """Export checkpoints to ONNX; a file is put in place only after it agrees with torch on the whole test set."""
    with exit_codes_for_errors():
        for checkpoint in checkpoints:
            path = export_checkpoint(
                checkpoint, output_dir, data_dir, compact=compact, real=real, replace_other=replace_other
            )
            agrees = "made smaller, nearly as accurate as" if compact else "agrees on every test image with"
            typer.echo(f"{path}  {path.stat().st_size / 1000:,.0f} kB, {agrees} torch")
    typer.echo("Next: python -m app, or python -m app.predict PICTURE --model NAME; make cards describes it for others")


def export_checkpoint(
    path: Path,
    output_dir: Path,
    data_dir: Path,
    *,
    compact: bool = False,
    real: int = 0,
    replace_other: bool = False,
) -> Path:
    """Export one checkpoint to ``<output_dir>/<dataset>-<model>.onnx`` and return that path.

    With ``compact`` linear layers become thin and weights get 8 bits (``training.publish.quantize``); the file then carries the
    accuracy and the reference logits that it has itself. With ``real`` it also carries ``real_accuracy``, on so many
    simulated pictures of validation images: by that the page chooses which network to offer first. The file is sealed
    and listed (``inkwear.onnx.checksums``); beside it goes its report (``training.publish.export_report``).
    With ``replace_other`` it may take the place of a better export, or of one of another run.

    Raises:
        ReplaceError: there is such an export, and it was not said that it may be replaced.
        CheckpointError: the checkpoint is missing or damaged.
        DataError: the test set is missing or damaged.
        ExportError: a check failed; an earlier export of this name stays as it was.
    """
    from inkwear.onnx.checksums import listed_path
    from training.calibrate import calibrate
    from training.checkpoint import load_checkpoint
    from training.datasets import VALIDATION_SIZE, find_dataset, load_pixels, load_split
    from training.publish.export_report import write_report
    from training.publish.parity import check_compact, check_export
    from training.publish.quantize import thin_out

    checkpoint = load_checkpoint(path)
    dataset = find_dataset(checkpoint.config["dataset"], checkpoint.config.get("held_out", VALIDATION_SIZE))
    model = rebuild(checkpoint)
    output = output_path(checkpoint, output_dir)
    if not replace_other:
        check_replaceable(output, checkpoint)
    metadata = describe(checkpoint, dataset, model, calibrate(model, load_split(dataset, "validation", data_dir)))
    if compact:
        thin_out(model, load_split(dataset, "train", data_dir).images[:IMAGES_TO_THIN])
    pixels, labels = load_pixels(dataset, "test", data_dir)
    with listed_path(output) as temporary:
        write_onnx(model, metadata, temporary)
        if compact:
            metadata = make_compact(temporary, metadata, pixels, labels)
            check_compact(temporary, metadata, pixels)
        else:
            check_export(temporary, model, metadata, pixels, load_split(dataset, "test", data_dir))
        if real:
            _measure_on_real(temporary, metadata, real, data_dir)
    write_report(output, checkpoint, data_dir)
    return output


def output_path(checkpoint: "Checkpoint", output_dir: Path) -> Path:
    """Return where the export of a checkpoint is written."""
    return output_dir / f"{checkpoint.config['dataset']}-{checkpoint.config['model']}.onnx"


def check_replaceable(output: Path, checkpoint: "Checkpoint") -> None:
    """Let a checkpoint replace no export but a damaged one, or one of a run with the same options that is no better.

    Accuracies are those on validation images, by which everything else is chosen too.

    Raises:
        ReplaceError: the export is to be kept; the message names both accuracies.
    """
    from inkwear.errors import MetadataError, ProtobufError
    from inkwear.onnx.metadata import ModelMetadata
    from inkwear.onnx.props import read_props

    remedy = "Add --replace to replace it, or --output-dir FOLDER to keep both."
    try:
        metadata = ModelMetadata.from_props(read_props(output))
    except (FileNotFoundError, ProtobufError):  # nothing there, or a damaged file: what is said to be exported again
        return
    except MetadataError as error:
        raise ReplaceError(f"{output} is there already, and which run made it is unknown: {error}. {remedy}") from error
    old, new = metadata.metrics.get("validation_accuracy", 0.0), checkpoint.metrics["validation_accuracy"]
    options = {name: value for name, value in metadata.recipe.items() if name not in NOT_OPTIONS}
    same_run = options == json.loads(json.dumps(checkpoint.config))
    if not same_run or old > new:
        which = "is better" if same_run else "was made by another run"
        raise ReplaceError(
            f"{output} is there already and {which}: its validation accuracy is {old:.2%}, that of this checkpoint "
            f"{new:.2%}. {remedy}"
        )


def _measure_on_real(path: Path, metadata: "ModelMetadata", count: int, data_dir: Path) -> None:
    from inkwear.classifier import Classifier
    from training.evaluate.robustness import real_accuracy

    accuracy = real_accuracy(Classifier(path, "cpu", path.read_bytes()), count, data_dir)
    _rewrite(path, replace(metadata, metrics={**metadata.metrics, "real_accuracy": accuracy}))


def _rewrite(path: Path, metadata: "ModelMetadata") -> None:
    """Give a written file other metadata."""
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata.to_props())
    onnx.save(model, path)


def rebuild(checkpoint: "Checkpoint") -> "nn.Module":
    """Return the network of a checkpoint with its weights, in evaluation mode."""
    from models import create_model
    from training.checkpoint import CheckpointError
    from training.datasets import find_dataset

    classes = len(find_dataset(checkpoint.config["dataset"]).class_names)
    model = create_model(checkpoint.config["model"], classes)
    try:
        model.load_state_dict(checkpoint.weights)
    except RuntimeError as error:
        name = checkpoint.config["model"]
        raise CheckpointError(
            f"The weights do not fit today's {name!r} ({str(error).splitlines()[-1].strip()})."
        ) from error
    return model.eval()


# ----------------------------------------------------------------------------------------------------------- write


def describe(
    checkpoint: "Checkpoint", dataset: "Dataset", model: "nn.Module", calibration: "Calibration"
) -> "ModelMetadata":
    """Gather what the file will say of itself."""
    import torch

    from inkwear.onnx.metadata import ModelMetadata, Reference
    from inkwear.preprocess.steps import normalize, unsqueeze

    image = reference_image()
    with torch.no_grad():
        logits = model(torch.from_numpy(unsqueeze(normalize(image, dataset.input))))[0].numpy()
    measured = {key: value for key, value in checkpoint.metrics.items() if key.endswith("accuracy")}
    return ModelMetadata(
        architecture=checkpoint.config["model"],
        dataset=dataset.name,
        title=dataset.title,
        class_names=dataset.class_names,
        input=dataset.input,
        metrics=measured | {"parameters": float(sum(weights.numel() for weights in model.parameters()))},
        recipe=_recipe(checkpoint),
        reference=Reference.of(image, logits),
        temperature=calibration.temperature,
        reject_threshold=calibration.threshold,
    )


def reference_image() -> "Pixels":
    """Draw a ring, (28, 28) uint8: a picture of ours, so that no image of a data set travels in an export."""
    import numpy as np

    y, x = np.mgrid[:28, :28] - 13.5
    distance_from_ring = np.abs(np.hypot(x, y * 0.8) - 7)
    return np.rint(255 * np.clip(1.6 - distance_from_ring, 0, 1)).astype(np.uint8)


def _recipe(checkpoint: "Checkpoint") -> dict[str, Any]:
    return {
        **checkpoint.config,
        "best_epoch": int(checkpoint.metrics["epoch"]),
        "command": _command(checkpoint.config),
        "versions": checkpoint.versions,
    }


def _command(config: dict[str, Any]) -> str:
    """Return the command that trains the same again; files of images and other runs lie where they do by default."""
    named = ("dataset", "model", "recipe", "epochs", "lr", "batch_size", "seed")
    options = [(name, f"{config[name]:g}" if isinstance(config[name], float) else config[name]) for name in named]
    usual = {"held_out": None, "mixing": 0.0, "strength": 1.0}
    options += [(name, f"{config[name]:g}") for name in usual if config.get(name, usual[name]) != usual[name]]
    options += [("also", f"data/{file.split()[0]}") for file in config.get("also", "").split(", ") if file]
    for name in ("start_from", "teacher"):
        if run := config.get(name):
            first = run.split()[0]
            exported = first.endswith(".onnx")
            options.append((name, f"exports/{first}" if exported else f"models/checkpoints/{first}/best.pt"))
    if "extra_data" in config:  # which corrections, its digest says; where they lie, nobody need know
        options += [("extra_data", "corrections"), ("extra_share", f"{config['extra_share']:g}")]
    return " ".join(["python -m training.train", *(f"--{name.replace('_', '-')} {value}" for name, value in options)])


def write_onnx(model: "nn.Module", metadata: "ModelMetadata", path: Path) -> None:
    """Write the network, in the mode it is in, with its metadata: ``images`` (batch, 1, 28, 28) -> ``logits``."""
    import torch

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    program = torch.onnx.export(
        model,
        (torch.zeros(2, 1, 28, 28),),  # two: the exporter takes a batch of one for a constant
        dynamo=True,
        opset_version=OPSET,
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
        verbose=False,
    )
    assert program is not None  # with dynamo=True a program is returned, or an error raised
    _forget_traces(program.model.graph)
    program.model.metadata_props.update(metadata.to_props())
    program.model.producer_name = "Inkwear"
    program.model.doc_string = (
        f"{metadata.architecture} for {metadata.title}. "
        "Feed images (batch, 1, 28, 28) float32: (pixel / 255 - mean) / std of a bright object on black, framed as "
        "the numbers in metadata_props['input'] tell. "
        "Read logits (batch, classes); the names are in metadata_props['class_names']."
    )
    program.save(path, external_data=False)


def make_compact(path: Path, metadata: "ModelMetadata", pixels: "Pixels", labels: "Pixels") -> "ModelMetadata":
    """Give a written file weights of fewer bits, and the accuracy and reference logits that it then has.

    Args:
        path: the file, in float32; replaced.
        metadata: what it says.
        pixels: (N, 28, 28) uint8, the test set as stored.
        labels: (N,) of the test set.

    Returns:
        What it says now.
    """
    import onnx

    from inkwear.classifier import Classifier
    from inkwear.onnx.metadata import Reference
    from training.publish.parity import run_in_parts
    from training.publish.quantize import DESCRIPTION, compact_weights

    onnx.save(compact_weights(onnx.load(path)), path)
    classifier = Classifier(path, "cpu", path.read_bytes())
    image = reference_image()
    right = float((run_in_parts(classifier, pixels).argmax(axis=1) == labels).mean())
    metadata = replace(
        metadata,
        metrics={
            **metadata.metrics,
            "float32_test_accuracy": metadata.metrics["test_accuracy"],
            "test_accuracy": right,
        },
        recipe={**metadata.recipe, "weights": DESCRIPTION},
        reference=Reference.of(image, classifier.logits(image[None])[0]),
    )
    _rewrite(path, metadata)
    return metadata


def _forget_traces(graph: Any) -> None:
    """Remove what the exporter notes at every node: stack traces, which carry the paths of this machine."""
    graph.metadata_props.clear()
    values = [*graph.inputs, *graph.initializers.values()]
    for node in graph.all_nodes():
        node.metadata_props.clear()
        values += node.outputs
    for value in values:
        value.metadata_props.clear()


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
