"""``python -m app.predict``: files and folders of pictures -> a table with one row each, in order, whatever happens.

The command uses argparse, not Typer as the others do: Typer takes as long to start (with Pydantic, 0.2 s) as all the
rest of a call for one picture.
"""

import argparse
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from app.console import EXPORTS, SOME_FAILED, exit_codes_for_errors, ignore_pillow_warnings, print_err
from inkwear.onnx.session import Device

if TYPE_CHECKING:
    from app.batch.after.post_run import PostRun
    from app.batch.inputs.input import Input
    from app.batch.output.fingerprint import RunFingerprint
    from app.batch.output.formats import Format
    from app.batch.output.table import Table
    from app.batch.run.reader import Answered, Job
    from app.batch.run.stopping import Stopping
    from inkwear.classifier import Classifier

CHUNK = 64
"""Inputs answered together. A resumed run must form the same chunks: a batch's size shows in the last bits."""

ENGINES = ("local", "ray")
"""Values of ``--engine``."""

HELP = """Classify pictures, one row each.

Exit code 1 says that some could not be read; their rows say why. The status unsure says that the model had better not
answer: the label is the likeliest, no more.

A picture of several digits is read as a number: its label is the digits in a row, its confidence that of the least
certain one, and the column digits lists [label, confidence, left, top, right, bottom] for each, in pixels of the
upright picture; class_id and top_k are empty.
"""

STAGES = {"read": "reading files", "decode": "decoding", "frame": "framing", "network": "network", "write": "rows"}
"""Words for the stages whose time is measured."""


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
            code = _predict(options)
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
    option("--model", required=True, help="an export's name, such as mnist-lenet, or the path of an .onnx file")
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


def _predict(options: argparse.Namespace) -> int:
    """Do what the options ask for; return the exit code."""
    # OpenCV and ONNX Runtime take most of a short call's time: --help and a wrong option do without them.
    from app.batch.inputs.arguments import Inputs, in_chunks
    from app.batch.output.formats import format_of
    from app.batch.output.table import open_table
    from app.batch.run.reader import Job
    from app.batch.run.stopping import StoppedAtOnce, Stopping
    from app.catalog import find_model

    form = format_of(options.output, options.format)
    engine = _engine(options)
    entry = find_model(options.exports, options.model)
    classifier = entry.classifier("cpu" if options.engine == "ray" and options.device == "auto" else options.device)
    job = Job(entry.path, options.device, options.top_k, form)
    post_run = _post_run(options, classifier)
    inputs = Inputs(options.paths)
    gc.freeze()
    gc.enable()
    seconds: Counter[str] = Counter()
    fingerprint = _fingerprint(options, form, classifier)
    with open_table(options.output, form, options.overwrite, options.resume, fingerprint) as table, Stopping() as stop:
        started = time.perf_counter()
        chunks = stop.until_asked(table.remaining(in_chunks(inputs, CHUNK)))
        try:
            for answered in _with_progress(engine(chunks, job, classifier), table):
                table.add(answered)
                seconds += answered.seconds
                if options.max_failures and table.counts["error"] >= options.max_failures:
                    stop.asked = True
        except (KeyboardInterrupt, StoppedAtOnce):
            print_err(table.saved)
            raise
        elapsed = time.perf_counter() - started
        if not stop.asked:
            table.complete()
    if not table.was_complete:
        _print_summary(table, seconds, elapsed, classifier)
        if left_out := inputs.left_out.in_words():
            print_err(left_out)
    _print_end(options, stop, table)
    if post_run and not stop.asked:
        device = classifier.runtime.device.upper()
        print_err(post_run.report(options.output, form, inputs, f"{entry.name} on {device}"))
    return stop.exit_code or (SOME_FAILED if table.counts["error"] else 0)


def _post_run(options: argparse.Namespace, classifier: "Classifier") -> "PostRun | None":
    if not options.labels and not options.sheet:
        return None
    from app.batch.after.post_run import PostRun

    names = classifier.metadata.class_names
    return PostRun.of(options.output, options.labels, options.sheet, names, options.overwrite or options.resume)


def _fingerprint(options: argparse.Namespace, form: "Format", classifier: "Classifier") -> "RunFingerprint":
    import onnxruntime

    from app.batch.output.fingerprint import RunFingerprint
    from inkwear.numbers.line_reader import digest_beside

    return RunFingerprint.of(
        classifier.path.stem,
        classifier.digest,
        options.paths,
        top_k=options.top_k,
        format=form,
        device=classifier.runtime.device,
        chunk=CHUNK,
        lines=digest_beside(classifier.path),
        onnxruntime=onnxruntime.__version__,
    )


Engine = Callable[["Iterable[Sequence[Input]]", "Job", "Classifier"], "Iterator[Answered]"]


def _engine(options: argparse.Namespace) -> Engine:
    if options.engine == "ray":
        cluster = import_module("app.batch.ray.engine")
        cluster.require(options.device, options.ray_address)
        return lambda chunks, job, _: cluster.answer_all(chunks, job, address=options.ray_address)
    if options.ray_address is not None:
        raise ValueError("--ray-address is for --engine ray; add that, or leave the address out.")
    from app.batch.run import local

    return partial(local.answer_all, workers=options.workers)


def _with_progress(answers: "Iterator[Answered]", table: "Table") -> "Iterator[Answered]":
    """Draw a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield from answers
        return
    from tqdm import tqdm

    with tqdm(unit=" images", unit_scale=True) as bar:
        for answered in answers:
            yield answered
            bar.update(table.done - table.taken_up - bar.n)


def _print_summary(table: "Table", seconds: Counter[str], elapsed: float, classifier: "Classifier") -> None:
    """Print what became of the inputs, how fast, where the time went, and which model read them."""
    runtime, counts = classifier.runtime, table.counts
    reason = runtime.fallback_reason
    why = f" ({reason})" if reason and reason.code != "not_asked" else ""
    before = f" {table.taken_up:,} of them had been answered before." if table.taken_up else ""
    print_err(
        f"{table.done:,} inputs: {counts['ok']:,} read, {counts['unsure']:,} unsure, {counts['blank']:,} blank, "
        f"{counts['error']:,} failed.{before} {(table.done - table.taken_up) / max(elapsed, 1e-9):,.0f} images/s "
        f"with {classifier.path.stem} on {runtime.device.upper()}{why}."
    )
    spent = seconds.total()
    if spent:
        parts = [f"{100 * seconds[stage] / spent:.0f} % {words}" for stage, words in STAGES.items()]
        print_err(f"Readers' time: {', '.join(parts)}. Model: SHA-256 {classifier.digest[:12]}.")


def _print_end(options: argparse.Namespace, stop: "Stopping", table: "Table") -> None:
    if stop.asked:
        why = "Interrupted" if stop.signal else f"Stopped at --max-failures {options.max_failures}"
        print_err(f"{why}. {table.saved}")
    elif table.was_complete:
        print_err(table.saved)
    elif options.output != "-":
        print_err(f"Written to {options.output}")


if __name__ == "__main__":
    main()
