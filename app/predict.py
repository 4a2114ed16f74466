"""``python -m app.predict``: files and folders of pictures -> a table with one row each, in order, whatever happens.

The command uses argparse, not Typer as the others do: Typer takes as long to start (with Pydantic, 0.2 s) as all the
rest of a call for one picture.
"""

import argparse
import gc
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from app.console import EXPORTS, exit_codes_for_errors, ignore_pillow_warnings
from inkwear.onnx.session import Device

ENGINES = ("local", "ray")
"""Values of ``--engine``."""

HELP = """Classify pictures, one row each.

Exit code 1 says that some could not be read; their rows say why. The status unsure says that the model had better not
answer: the label is the likeliest, no more.

A picture of several digits is read as a number: its label is the digits in a row, its text all that was read, with
separators, signs and line breaks, its confidence that of the least certain digit, and the column digits lists [label,
confidence, left, top, right, bottom] for each, in pixels of the upright picture; class_id and top_k are empty.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with these arguments, by default those of the process.

    Raises:
        SystemExit: with the project's exit codes (``app.console``), except where all is fine.
    """
    options = _parser().parse_args(arguments)
    gc.disable()  # looking for garbage among what is loaded takes a twentieth of the time of a call for one picture
    # OpenBLAS would start a thread for each core, and there is a process for each core already.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    ignore_pillow_warnings()
    try:
        with exit_codes_for_errors():
            from app.batch.command import run  # OpenCV and ONNX Runtime: --help and a wrong option do without them

            code = run(options)
    finally:
        gc.enable()
    if code:
        raise SystemExit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m app.predict",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    option = parser.add_argument
    option(
        "paths",
        nargs="+",
        metavar="PATH",
        help="pictures, folders, patterns, ZIP, TAR, IDX and Parquet files; @names.txt or - is a list of them",
    )
    option(
        "--model",
        required=True,
        help="an export's name, such as mnist-lenet, or the path of an .onnx file; auto asks the best models of all "
        "sets, and the surest answers",
    )
    option("--output", default="predictions.csv", help="a .csv, .jsonl or .parquet file; - is stdout [%(default)s]")
    option("--format", choices=["csv", "jsonl", "parquet"], help="instead of what the file's ending says")
    option(
        "--top-k",
        type=_number_from(1),
        default=3,
        help="how many classes to list with their probabilities [%(default)s]",
    )
    option("--exports", type=Path, default=EXPORTS, help="the folder of .onnx files [%(default)s]")
    option("--device", choices=get_args(Device), default="auto", help="auto takes CUDA where it works [%(default)s]")
    option("--overwrite", action="store_true", help="replace an output file that is there")
    option("--resume", action="store_true", help="go on with a run that was cut off")
    option("--labels", metavar="FILE|folders", help="a .csv of path,label, or the word folders: say how right it is")
    option("--sheet", "--save-mistakes", metavar="FILE", help="an .html page of the least certain answers")
    option(
        "--workers", type=_number_from(0), default=0, help="processes that read; 0 is one for each core [%(default)s]"
    )
    option("--max-failures", type=_number_from(1), metavar="N", help="stop early when N inputs have failed")
    option("--engine", choices=ENGINES, default="local", help="ray works on many machines, and has to be installed")
    option("--ray-address", help="HOST:PORT of a Ray cluster, or auto; by default one of this machine alone")
    return parser


def _number_from(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return parse


if __name__ == "__main__":
    main()
