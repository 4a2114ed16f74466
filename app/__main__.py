"""``python -m app``: the page and its endpoints."""

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from app.console import EXPORTS, Device, ExportsDir, hush_pillow, sentences_and_exit_codes

cli = typer.Typer(add_completion=False)


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 7860,
    exports: ExportsDir = EXPORTS,
    corrections: Annotated[
        Path | None, typer.Option(help="Keep pictures that were put right in this folder; without it nothing is kept.")
    ] = None,
    device: Annotated[Device, typer.Option(help="What the page starts with; auto takes CUDA where it works.")] = "auto",
    mcp: Annotated[bool, typer.Option("--mcp", help="Let assistants call it too, at /gradio_api/mcp.")] = False,
) -> None:
    """Open the page: draw, upload, paste or photograph a picture and have it read."""
    logging.basicConfig(format="%(message)s")
    hush_pillow()
    with sentences_and_exit_codes():
        from app.api import build_app
        from app.catalog import scan
        from app.corrections import Corrections
        from app.runtime import require_device
        from app.server import Server, listen

        require_device(device)
        address = listen(host, port)
        catalog = scan(exports, device)
        for name, reason in catalog.refused.items():
            logging.warning("Not usable: %s: %s", name, reason)
        if not catalog.entries:
            logging.warning("%s/ holds no usable model yet; the page says how to make one.", exports)
        with Corrections(corrections) if corrections else nullcontext() as kept:
            Server(build_app(catalog, device, kept, mcp)).run(sockets=[address])


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
