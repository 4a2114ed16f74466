"""The files of a run, and replacing them by those of a new run without losing both."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

RUN_FILES = ("last.pt", "best.pt", "metrics.jsonl", "curves.png", "report.html", "tensorboard")
"""Names that a run leaves in its folder; ``last.pt`` comes first, as a folder that has it holds a whole run."""

ASIDE = ".earlier"
"""Folder, within that of the run, where an earlier run is kept until the new one has begun."""


@contextmanager
def replacing_run(folder: Path) -> Iterator[None]:
    """Put the run of a folder aside for a new one, and remove it at the end if the new one has saved ``last.pt``.

    If it has not, whatever went wrong, the earlier run is put back. After a power cut ``settle_run`` does either.
    """
    (folder / ASIDE).mkdir(parents=True, exist_ok=True)
    _move_run(RUN_FILES, folder, folder / ASIDE)
    try:
        yield
    finally:
        settle_run(folder)


def settle_run(folder: Path) -> None:
    """Leave one run in a folder where one was being replaced: the new one if it has begun, or the earlier one."""
    aside = folder / ASIDE
    if not aside.exists():
        return
    if not (folder / RUN_FILES[0]).exists():
        _move_run(reversed(RUN_FILES), aside, folder)  # last.pt last: until then this can be done again
    shutil.rmtree(aside)


def _move_run(names: Iterable[str], source: Path, target: Path) -> None:
    for name in names:
        if (source / name).exists():
            if (target / name).is_dir():
                shutil.rmtree(target / name)
            (source / name).replace(target / name)
