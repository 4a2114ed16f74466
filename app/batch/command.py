"""One run of the batch command, from its options to its exit code."""

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import onnxruntime

from app.batch.inputs.arguments import Inputs, in_chunks
from app.batch.inputs.input import Input
from app.batch.output.fingerprint import RunFingerprint
from app.batch.output.formats import Format, format_of
from app.batch.output.table import Table, open_table
from app.batch.run import local
from app.batch.run.reader import Answered, Job
from app.batch.run.stopping import StoppedAtOnce, Stopping
from app.catalog import AUTO, find_model, scan
from app.console import SOME_FAILED, print_err
from inkwear.auto import Auto
from inkwear.classifier import Classifier
from inkwear.numbers.line_reader import digest_beside
from inkwear.onnx.session import Device

if TYPE_CHECKING:
    from app.batch.after.post_run import PostRun

CHUNK = 64
"""Inputs answered together. A resumed run must form the same chunks: a batch's size shows in the last bits."""

STAGES = {"read": "reading files", "decode": "decoding", "frame": "framing", "network": "network", "write": "rows"}
"""Words for the stages whose time is measured."""

Engine = Callable[[Iterable[Sequence[Input]], Job, Classifier | Auto], Iterator[Answered]]


def run(options: argparse.Namespace) -> int:
    """Do what the options of ``app.predict`` ask for, and return the exit code."""
    form = format_of(options.output, options.format)
    engine = _engine(options)
    classifier = _classifier(options)
    models = tuple(each.path for each in classifier.classifiers)
    job = Job(models, options.device, options.top_k, form)
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
        print_err(post_run.report(options.output, form, inputs, f"{classifier.name} on {device}"))
    return stop.exit_code or (SOME_FAILED if table.counts["error"] else 0)


def _classifier(options: argparse.Namespace) -> Classifier | Auto:
    """Open the model that the options name, or the best ones of all sets."""
    is_ray = options.engine == "ray"
    device: Device = "cpu" if is_ray and options.device == "auto" else options.device
    catalog = scan(options.exports, device) if options.model == AUTO else None
    if catalog is None or AUTO in catalog.entries:
        return find_model(options.exports, options.model).classifier(device)
    if is_ray:
        best = " or ".join(entry.name for entry in catalog.snapshot.auto)
        raise ValueError(f"--engine ray reads with one model, not with auto: name one as --model, such as {best}.")
    return catalog.reader(AUTO, device)


def _post_run(options: argparse.Namespace, classifier: Classifier | Auto) -> "PostRun | None":
    if not options.labels and not options.sheet:
        return None
    from app.batch.after.post_run import PostRun  # Jinja2 takes 0.04 s

    names = classifier.class_names
    return PostRun.of(options.output, options.labels, options.sheet, names, options.overwrite or options.resume)


def _fingerprint(options: argparse.Namespace, form: Format, classifier: Classifier | Auto) -> RunFingerprint:
    return RunFingerprint.of(
        classifier.name,
        classifier.digest,
        options.paths,
        top_k=options.top_k,
        format=form,
        device=classifier.runtime.device,
        chunk=CHUNK,
        lines=digest_beside(classifier.classifiers[0].path),
        onnxruntime=onnxruntime.__version__,
    )


def _engine(options: argparse.Namespace) -> Engine:
    if options.engine == "ray":
        cluster = import_module("app.batch.ray.engine")
        cluster.require(options.device, options.ray_address)
        return lambda chunks, job, _: cluster.answer_all(chunks, job, address=options.ray_address)
    if options.ray_address is not None:
        raise ValueError("--ray-address is for --engine ray; add that, or leave the address out.")
    return partial(local.answer_all, workers=options.workers)


def _with_progress(answers: Iterator[Answered], table: Table) -> Iterator[Answered]:
    """Draw a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield from answers
        return
    from tqdm import tqdm

    with tqdm(unit=" images", unit_scale=True) as bar:
        for answered in answers:
            yield answered
            bar.update(table.done - table.taken_up - bar.n)


def _print_summary(table: Table, seconds: Counter[str], elapsed: float, classifier: Classifier | Auto) -> None:
    """Print what became of the inputs, how fast, where the time went, and which model read them."""
    runtime, counts = classifier.runtime, table.counts
    reason = runtime.fallback_reason
    why = f" ({reason})" if reason and reason.code != "not_asked" else ""
    before = f" {table.taken_up:,} of them had been answered before." if table.taken_up else ""
    print_err(
        f"{table.done:,} inputs: {counts['ok']:,} read, {counts['unsure']:,} unsure, {counts['blank']:,} blank, "
        f"{counts['error']:,} failed.{before} {(table.done - table.taken_up) / max(elapsed, 1e-9):,.0f} images/s "
        f"with {classifier.name} on {runtime.device.upper()}{why}."
    )
    spent = seconds.total()
    if spent:
        parts = [f"{100 * seconds[stage] / spent:.0f} % {words}" for stage, words in STAGES.items()]
        print_err(f"Readers' time: {', '.join(parts)}. {_digests(classifier)}.")


def _digests(classifier: Classifier | Auto) -> str:
    """Name the file that answered, or the files."""
    if len(classifier.classifiers) == 1:
        return f"Model: SHA-256 {classifier.digest[:12]}"
    return "Models: " + ", ".join(f"{each.name} SHA-256 {each.digest[:12]}" for each in classifier.classifiers)


def _print_end(options: argparse.Namespace, stop: Stopping, table: Table) -> None:
    if stop.asked:
        why = "Interrupted" if stop.signal else f"Stopped at --max-failures {options.max_failures}"
        print_err(f"{why}. {table.saved}")
    elif table.was_complete:
        print_err(table.saved)
    elif options.output != "-":
        print_err(f"Written to {options.output}")
