"""``python -m app``: serves the page and its endpoints."""

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from app.catalog import scan
from app.console import EXPORTS, exit_codes_for_errors, ignore_pillow_warnings
from app.corrections import Corrections
from app.logs import LogFormat, set_up
from app.middleware.auth import BasicAuth
from app.middleware.hosts import Hosts
from app.middleware.stack import SecuritySettings
from inkwear.onnx.session import Device, require_device

cli = typer.Typer(add_completion=False)


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 7860,
    exports: Annotated[Path, typer.Option(help="The folder of .onnx files.")] = EXPORTS,
    corrections: Annotated[
        Path | None, typer.Option(help="Keep corrected pictures in this folder; without it nothing is kept.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where pictures are read; auto takes CUDA if it works.")] = "auto",
    mcp: Annotated[bool, typer.Option("--mcp", help="Let assistants call it too, at /gradio_api/mcp.")] = False,
    auth: Annotated[
        str,
        typer.Option(
            help="Who may come in: user:password, or a file of lines from `python -m app.middleware.auth NAME`."
        ),
    ] = "",
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="A name under which the server is reached besides --host; * for any.")
    ] = None,
    log_format: Annotated[LogFormat, typer.Option(help="text and json add a line for each request.")] = "quiet",
) -> None:
    """Open the page: draw, upload, paste or photograph a picture and have it read."""
    set_up(log_format)
    ignore_pillow_warnings()
    with exit_codes_for_errors():
        from app import application, server  # Gradio loads for 3 s, which --help need not wait for

        server.return_freed_memory()
        require_device(device)
        security = SecuritySettings(
            Hosts.of(host, allowed_host or ()), BasicAuth(auth) if auth else None, log_requests=log_format != "quiet"
        )
        address = server.listen(host, port)
        catalog = scan(exports, device)
        for name, reason in catalog.refused.items():
            logging.warning("Not usable: %s: %s", name, reason)
        if not catalog.entries:
            logging.warning("%s/ holds no usable model yet; the page says how to make one.", exports)
        with Corrections(corrections) if corrections else nullcontext() as kept:
            server.Server(application.build_app(catalog, device, kept, mcp, security)).run(sockets=[address])


if __name__ == "__main__":
    cli()
