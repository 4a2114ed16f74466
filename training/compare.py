"""``python -m training.compare``: all networks on both data sets side by side, as a table."""

from pathlib import Path
from typing import Annotated

import typer

from inkwear.files import write_text
from training.console import exit_codes_for_errors

cli = typer.Typer(add_completion=False)


@cli.command()
def compare(
    checkpoints: Annotated[Path, typer.Option(help="The folder of the runs.")] = Path("models/checkpoints"),
    exports: Annotated[Path, typer.Option(help="The folder of the exports.")] = Path("exports"),
    output: Annotated[Path | None, typer.Option(help="A file for the table instead of stdout.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="A PNG of accuracy against latency and size, of all exports.")
    ] = None,
) -> None:
    """Compare networks: size and work, test accuracy by both recipes, seconds an epoch, and speed in ONNX Runtime."""
    from training.leaderboard import draw, measure, to_markdown  # torch: 3 s that --help need not wait for

    with exit_codes_for_errors():
        rows = measure(checkpoints, exports)
        if picture is not None:
            draw(rows, picture)
            typer.echo(str(picture), err=True)
        table = to_markdown(rows)
        if output is None:
            typer.echo(table, nl=False)
        else:
            write_text(output, table)
            typer.echo(str(output))


if __name__ == "__main__":
    cli()
