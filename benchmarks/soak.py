"""Two hours of everything at once, and whether the server grows: ``python -m benchmarks.soak [--minutes 120]``.

After each round of half a minute everybody hangs up, and the process is looked at. A line for every look goes to
stderr; what came of it, by the judge that ``tests/app/test_soak.py`` holds against planted leaks, to stdout.
"""

import sys

import typer

from tests.crowd import Seen
from tests.soak import MEGABYTE, Sample, judge, report, soak


def tell(sample: Sample, seen: Seen) -> None:
    """Print a look."""
    print(
        f"{sample.seconds / 60:6.1f} min {sample.bytes / MEGABYTE:7.1f} MB {sample.descriptors:3} descriptors "
        f"{sample.threads:3} threads {sample.cache / MEGABYTE:6.2f} MB of uploads, {seen.answers.total():,} answers, "
        f"{len(seen.faults)} faults",
        file=sys.stderr,
        flush=True,
    )


def main(minutes: float = 120, round_seconds: float = 30, seed: int = 0) -> None:
    """Print what came of it; exit code 1 where something is wrong."""
    found = soak(60 * minutes, round_seconds, seed=seed, tell=tell)
    verdict = judge(found)
    print(report(found, verdict))
    raise typer.Exit(1 if verdict.kinds else 0)


if __name__ == "__main__":
    typer.run(main)
