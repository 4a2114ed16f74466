"""``python -m training.export``: a checkpoint becomes an ONNX file that describes itself, once it is checked."""

from pathlib import Path
from typing import Annotated

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors

cli = typer.Typer(add_completion=False)


@cli.command()
def export(
    checkpoints: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT…", help="best.pt of one or more runs.")],
    output_dir: Annotated[Path, typer.Option(help="Where <dataset>-<model>.onnx is written.")] = Path("exports"),
    data_dir: DataDir = DEFAULT_DATA_DIR,
    compact: Annotated[
        bool, typer.Option("--compact", help="Thin layers of 8-bit weights, for large networks.")
    ] = False,
    real: Annotated[
        int, typer.Option(min=0, help="Also measure on this many simulated pictures of validation images.")
    ] = 0,
    replace_other: Annotated[
        bool, typer.Option("--replace", help="Also replace an export of another run, or a better one.")
    ] = False,
) -> None:
    """Export checkpoints to ONNX; a file is put in place only after it agrees with torch on the whole test set."""
    from training.publish.export import export_checkpoint  # torch: 3 s that --help need not wait for

    with exit_codes_for_errors():
        for checkpoint in checkpoints:
            path = export_checkpoint(
                checkpoint, output_dir, data_dir, compact=compact, real=real, replace_other=replace_other
            )
            agrees = "made smaller, nearly as accurate as" if compact else "agrees on every test image with"
            typer.echo(f"{path}  {path.stat().st_size / 1000:,.0f} kB, {agrees} torch")
    typer.echo("Next: python -m app, or python -m app.predict PICTURE --model NAME; make cards describes it for others")


if __name__ == "__main__":
    cli()
