"""``python -m training.run_report``: one offline page about one run, with all its pictures inside."""

from pathlib import Path
from typing import Annotated

import typer

from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors

cli = typer.Typer(add_completion=False)


@cli.command()
def report(
    checkpoints: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT…", help="best.pt of one or more runs.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write report.html beside each checkpoint."""
    from training.run_page import write_page  # torch: 3 s that --help need not wait for

    with exit_codes_for_errors():
        for checkpoint in checkpoints:
            typer.echo(str(write_page(checkpoint, data_dir)))


if __name__ == "__main__":
    cli()
