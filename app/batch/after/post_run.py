"""What is made of a finished table: its score, and a page of the least certain answers.

Both read the table itself, so they are the same whether or not the run was interrupted in between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from app.batch.after.contact_sheet import check_sheet, least_confident, save_sheet
from app.batch.after.labels import Labels, labels_from
from app.batch.after.score import in_words, score
from app.batch.inputs.input import Input
from app.batch.output.formats import Format
from app.batch.output.parse import rows


@dataclass(frozen=True)
class PostRun:
    """The options ``--labels`` and ``--sheet``, checked before the run begins."""

    labels: Labels | None = None
    sheet: str | None = None

    @classmethod
    def of(
        cls, output: str, labels: str | None, sheet: str | None, class_names: Sequence[str], overwrite: bool
    ) -> Self:
        """Read the labels and check that the page can be written.

        Args:
            output: the table's file, or ``-``.
            labels: ``--labels``.
            sheet: ``--sheet``.
            class_names: the model's.
            overwrite: whether a page that exists may be replaced.

        Raises:
            ValueError: the labels cannot be used, the page cannot be written, or there will be no file to read.
        """
        if (labels or sheet) and output == "-":
            raise ValueError("--labels and --sheet look at the finished table: name a file as --output.")
        if sheet:
            check_sheet(sheet, overwrite)
        return cls(labels_from(labels, class_names) if labels else None, sheet)

    def report(self, output: str, form: Format, inputs: Iterable[Input], about: str) -> str:
        """Score the table and write the page, as asked; return the results in words.

        Args:
            output: the finished table.
            form: its format.
            inputs: the inputs of the run, in their order, for the pictures of the page.
            about: the model and its device, for the page.

        Raises:
            ValueError: a label may be meant for more than one row, or the page cannot be written.
        """
        sentences, scored = [], None
        if self.labels:
            scored = score(rows(output, form), self.labels)
            sentences.append(in_words(scored))
        if self.sheet:
            total = scored.rows if scored else sum(1 for _ in rows(output, form))
            chosen = least_confident(rows(output, form), self.labels)
            save_sheet(self.sheet, chosen, inputs, f"{output} · {about}", total, scored)
            sentences.append(f"The {len(chosen):,} least certain answers are in {self.sheet}")
        return "\n".join(sentences)
