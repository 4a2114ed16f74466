"""``python -m training.publish.triton``: a model repository for NVIDIA's Triton Inference Server.

Its form is described in Triton's user guide, "Model Repository" and "Model Configuration"; a configuration is the text
of a ``ModelConfig`` (model_config.proto).
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from training.console import exit_codes_for_errors
from training.publish.exports import Export, Tensor, read_exports

MARK = "# Written by python -m training.publish.triton.\n"
"""First line of every configuration that this command writes; it replaces no other."""

TYPES = {
    **{"float32": "TYPE_FP32", "float16": "TYPE_FP16", "float64": "TYPE_FP64", "bfloat16": "TYPE_BF16"},
    **{"int8": "TYPE_INT8", "int16": "TYPE_INT16", "int32": "TYPE_INT32", "int64": "TYPE_INT64"},
    **{"uint8": "TYPE_UINT8", "uint16": "TYPE_UINT16", "uint32": "TYPE_UINT32", "uint64": "TYPE_UINT64"},
    **{"bool": "TYPE_BOOL", "object": "TYPE_STRING"},
}
"""numpy's names of types -> ``inference.DataType``."""

cli = typer.Typer(add_completion=False)


class RepositoryError(ValueError):
    """The repository cannot be written as asked; the message says why and what to do."""


@cli.command()
def triton(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The model repository.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Such as mnist-lenet; all if none.")
    ] = None,
    exports: Annotated[Path, typer.Option(help="The folder of .onnx files.")] = Path("exports"),
    max_batch_size: Annotated[int, typer.Option(min=1, help="Images that Triton may run together.")] = 64,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write into a folder that holds other things; they stay.")
    ] = False,
) -> None:
    """Write DIR/<name>/1/model.onnx, config.pbtxt and labels.txt for Triton.

    A client frames and normalizes its pictures itself; exports/README.md has a program.
    """
    logging.basicConfig(format="%(message)s")
    with exit_codes_for_errors():
        found = read_exports(exports, names or ())
        write_repository(folder, found, max_batch_size, overwrite=overwrite)
    for export in found:
        typer.echo(str(folder / export.name))
    typer.echo(f"Next: tritonserver --model-repository={folder}", err=True)


def write_repository(
    folder: Path, exports: Sequence[Export], max_batch_size: int = 64, *, overwrite: bool = False
) -> None:
    """Write a folder for each export; those that this command wrote before are replaced, all others stay.

    Everything is written beside ``folder`` first. Each model then appears by a rename, so that a server which polls
    the repository never finds half of one.

    Args:
        folder: the model repository.
        exports: the files to serve.
        max_batch_size: images that Triton may run together.
        overwrite: whether ``folder`` may hold other things, of which models of the same names are replaced.

    Raises:
        RepositoryError: ``folder`` holds other things and ``overwrite`` is False, or something cannot be written.
    """
    folder = folder.resolve()
    others = list(_others(folder))
    if others and not overwrite:
        raise RepositoryError(
            f"{folder} holds {others[0].name}, which python -m training.publish.triton did not write. Name an empty or "
            "a new folder, or say --overwrite: models of the same names are then replaced, all else stays."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_beside(folder), prefix=f".{folder.name}-") as temporary:
            new = Path(temporary) / "new"
            for export in exports:
                _write_model(new / export.name, export, max_batch_size)
            folder.mkdir(exist_ok=True)
            for export in exports:
                _put_in_place(new / export.name, folder / export.name, Path(temporary) / "old")
    except OSError as error:
        raise RepositoryError(f"{folder} cannot be written ({error.strerror}).") from error


def _beside(folder: Path) -> Path:
    """Return a folder on the same disk: the one that holds ``folder``, or ``folder`` itself where a disk is mounted."""
    mounted = folder.exists() and folder.stat().st_dev != folder.parent.stat().st_dev
    return folder if mounted else folder.parent


def _others(folder: Path) -> Iterator[Path]:
    """Yield what lies in a folder and was not written by this command."""
    if folder.exists() and not folder.is_dir():
        raise RepositoryError(f"{folder} is a file; name a folder.")
    for path in sorted(folder.iterdir()) if folder.exists() else []:
        try:
            ours = (path / "config.pbtxt").read_text(encoding="utf-8").startswith(MARK)
        except (OSError, UnicodeDecodeError):
            ours = False
        if not ours:
            yield path


def _write_model(folder: Path, export: Export, max_batch_size: int) -> None:
    (folder / "1").mkdir(parents=True)
    shutil.copyfile(export.path, folder / "1" / "model.onnx")
    (folder / "config.pbtxt").write_text(config(export, max_batch_size), encoding="utf-8")
    if export.metadata:
        text = "".join(f"{' '.join(name.split())}\n" for name in export.metadata.class_names)
        (folder / "labels.txt").write_text(text, encoding="utf-8")


def _put_in_place(new: Path, place: Path, old: Path) -> None:
    """Rename a folder to ``place``; what was there goes to ``old``, and back if the rename fails."""
    if not place.exists():
        new.rename(place)
        return
    old.mkdir(exist_ok=True)
    before = place.rename(old / place.name)
    try:
        new.rename(place)
    except BaseException:
        before.rename(place)
        raise


# ------------------------------------------------------------------------------------------------- the configuration


def config(export: Export, max_batch_size: int = 64) -> str:
    """Return ``config.pbtxt``: inputs and outputs of the graph, and ``metadata_props`` as parameters, unchanged.

    Raises:
        RepositoryError: Triton has no type for one of its tensors.
    """
    batched = export.takes_batches
    labels = "labels.txt" if export.metadata else None
    lines = [
        f"name: {_quoted(export.name)}",
        'backend: "onnxruntime"',
        f"max_batch_size: {max_batch_size if batched else 0}",
        *(_tensor("input", tensor, export, batched) for tensor in export.inputs),
        *(_tensor("output", tensor, export, batched, labels) for tensor in export.outputs),
        *(["dynamic_batching { }"] if batched else []),
        *(
            f"parameters {{ key: {_quoted(name)} value {{ string_value: {_quoted(text)} }} }}"
            for name, text in sorted({**export.props, "file_sha256": f'"{export.sha256}"'}.items())
        ),
    ]
    return MARK + "\n".join(lines) + "\n"


def _tensor(kind: str, tensor: Tensor, export: Export, batched: bool, labels: str | None = None) -> str:
    """Return the entry of an input or an output, without the first size where Triton adds it itself."""
    if tensor.dtype not in TYPES:
        raise RepositoryError(f"{export.path}: {tensor} is of a type that Triton does not have.")
    sizes = [size if isinstance(size, int) else -1 for size in tensor.shape[int(batched) :]]
    if not sizes:
        raise RepositoryError(f"{export.path}: {tensor} has no size but the batch's, which Triton cannot serve.")
    label = f" label_filename: {_quoted(labels)}" if labels else ""
    return f"{kind} {{ name: {_quoted(tensor.name)} data_type: {TYPES[tensor.dtype]} dims: {sizes}{label} }}"


def _quoted(text: str) -> str:
    """Return a string in protobuf's text format."""
    escaped = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
    plain = "".join(escaped.get(letter, letter) for letter in text)
    return '"' + "".join(letter if letter >= " " else f"\\{ord(letter):03o}" for letter in plain) + '"'


if __name__ == "__main__":
    cli()
