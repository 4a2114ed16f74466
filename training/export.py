"""``python -m training.export``: a checkpoint becomes an ONNX file that explains itself, once it is checked."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, sentences_and_exit_codes

if TYPE_CHECKING:
    from torch import nn

    from exports.metadata import ModelMetadata
    from exports.preprocessing import Pixels
    from training.checkpoint import Checkpoint
    from training.datasets import Dataset, Split

OPSET = 20
TOLERANCE = 1e-4
"""Largest difference between a logit of torch and of ONNX Runtime, both in float32."""

BATCHES = (1, 2, 7, 257)

cli = typer.Typer(add_completion=False)


class ExportError(ValueError):
    """An export failed a check; the message names the check and says by how much. Nothing was written."""


@cli.command()
def export(
    checkpoints: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT…", help="best.pt of one or more runs.")],
    output_dir: Annotated[Path, typer.Option(help="Where <dataset>-<model>.onnx is written.")] = Path("exports"),
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Export checkpoints to ONNX; a file is put in place only after it agrees with torch on the whole test set."""
    with sentences_and_exit_codes():
        for checkpoint in checkpoints:
            path = export_checkpoint(checkpoint, output_dir, data_dir)
            typer.echo(f"{path}  {path.stat().st_size / 1000:,.0f} kB, agrees with torch on every test image")
    typer.echo("Next: python -m app, or python -m app.predict PICTURE --model NAME")


def export_checkpoint(path: Path, output_dir: Path, data_dir: Path) -> Path:
    """Export one checkpoint to ``<output_dir>/<dataset>-<model>.onnx`` and return that path.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
        DataError: the test set is missing or damaged.
        ExportError: a check failed; an earlier export of this name stays as it was.
    """
    from training.checkpoint import load_checkpoint
    from training.datasets import find_dataset, load_pixels, load_split
    from training.files import atomic_path

    checkpoint = load_checkpoint(path)
    dataset = find_dataset(checkpoint.config["dataset"])
    model = rebuild(checkpoint)
    metadata = describe(checkpoint, dataset, model)
    pixels, _ = load_pixels(dataset, "test", data_dir)
    output = output_dir / f"{dataset.name}-{checkpoint.config['model']}.onnx"
    with atomic_path(output) as temporary:
        write_onnx(model, metadata, temporary)
        check_export(temporary, model, metadata, pixels, load_split(dataset, "test", data_dir))
    return output


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


def describe(checkpoint: "Checkpoint", dataset: "Dataset", model: "nn.Module") -> "ModelMetadata":
    """Gather what the file will say of itself."""
    import torch

    from exports.metadata import ModelMetadata, Reference
    from exports.preprocessing import normalize, unsqueeze

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
    )


def reference_image() -> "Pixels":
    """Draw a ring, (28, 28) uint8: a picture of ours, so that no image of a data set travels in an export."""
    import numpy as np

    y, x = np.mgrid[:28, :28] - 13.5
    distance_from_ring = np.abs(np.hypot(x, y * 0.8) - 7)
    return np.rint(255 * np.clip(1.6 - distance_from_ring, 0, 1)).astype(np.uint8)


def _recipe(checkpoint: "Checkpoint") -> dict[str, Any]:
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in checkpoint.config.items())
    return {
        **checkpoint.config,
        "best_epoch": int(checkpoint.metrics["epoch"]),
        "command": f"python -m training.train {options}",
        "versions": checkpoint.versions,
    }


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


def _forget_traces(graph: Any) -> None:
    """Remove what the exporter notes at every node: stack traces, which carry the paths of this machine."""
    graph.metadata_props.clear()
    values = [*graph.inputs, *graph.initializers.values()]
    for node in graph.all_nodes():
        node.metadata_props.clear()
        values += node.outputs
    for value in values:
        value.metadata_props.clear()


# ----------------------------------------------------------------------------------------------------------- check


def check_export(path: Path, model: "nn.Module", metadata: "ModelMetadata", pixels: "Pixels", test: "Split") -> None:
    """Hold a written file against the network it came from, through the code that will serve it.

    Args:
        path: the file.
        model: the network, on the CPU; put into evaluation mode.
        metadata: what the file should say.
        pixels: (N, 28, 28) uint8, the test set as stored: what the file is fed, through its own metadata.
        test: the same images as training normalises them: what torch is fed.

    Raises:
        ExportError: names the first check that failed.
    """
    from app.classifier import Classifier, ModelFileError

    _check_onnx(path)
    try:
        classifier = Classifier(path, "cpu")
    except ModelFileError as error:
        raise ExportError(f"Check 'opens in ONNX Runtime and keeps the contract' failed: {error}") from error
    if classifier.metadata != metadata:
        raise ExportError("Check 'metadata' failed: what was read back differs from what was written.")
    _check_parity(classifier, model.eval(), pixels, test)


def _check_onnx(path: Path) -> None:
    import onnx
    from onnx.external_data_helper import uses_external_data

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:  # ValidationError, and protobuf's DecodeError for what is no model at all
        raise ExportError(f"Check 'ONNX checker' failed: {error}") from error
    weights = onnx.load(path, load_external_data=False).graph.initializer
    outside = [tensor.name for tensor in weights if uses_external_data(tensor)]
    if outside:
        raise ExportError(f"Check 'one file' failed: {len(outside)} weights lie outside it, such as {outside[0]}.")


def _check_parity(classifier: Any, model: "nn.Module", pixels: "Pixels", test: "Split") -> None:
    import numpy as np
    import torch

    def torch_logits(images: torch.Tensor) -> "np.ndarray":
        with torch.no_grad():
            return torch.cat([model(part) for part in images.split(1000)]).numpy()

    for batch in BATCHES:
        try:
            served = classifier.logits(pixels[:batch])
        except Exception as error:  # whatever ONNX Runtime raises for a batch that the graph cannot take
            raise ExportError(f"Check 'batch of {batch}' failed: {str(error).splitlines()[0]}") from error
        largest = float(np.abs(served - torch_logits(test.images[:batch])).max())
        if not largest <= TOLERANCE:
            raise ExportError(
                f"Check 'batch of {batch}' failed: a logit differs from torch by {largest:.2g}, "
                f"allowed are {TOLERANCE:g}."
            )
    served = np.concatenate([classifier.logits(part) for part in np.array_split(pixels, 10)])
    different = int((served.argmax(1) != torch_logits(test.images).argmax(1)).sum())
    if different:
        raise ExportError(f"Check 'same class' failed: {different:,} of {len(pixels):,} test images differ from torch.")


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
