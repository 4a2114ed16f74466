"""What is made of a finished table: how right it is, and a page of the least certain answers.

All of it is read from the table, so that it is the same whether or not the run was cut off in between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from app.batch.inputs.item import Item
from app.batch.output.formats import Format
from app.batch.output.parse import rows

if TYPE_CHECKING:
    from app.batch.after.labels import Labels


@dataclass(frozen=True)
class Afterwards:
    """What was asked for: ``--labels`` and ``--sheet``, held against what can be done before the run begins."""

    labels: "Labels | None" = None
    sheet: str | None = None

    @classmethod
    def of(
        cls, output: str, labels: str | None, sheet: str | None, class_names: Sequence[str], overwrite: bool
    ) -> Self:
        """Read the labels and look whether the page can be written.

        Raises:
            ValueError: the labels cannot be used, the page cannot be written, or there will be no file to look at.
        """
        if (labels or sheet) and output == "-":
            raise ValueError("--labels and --sheet look at the finished table: name a file as --output.")
        if sheet:
            from app.batch.after.contact_sheet import check_sheet

            check_sheet(sheet, overwrite)
        if not labels:
            return cls(None, sheet)
        from app.batch.after.labels import labels_from

        return cls(labels_from(labels, class_names), sheet)

    def look_back(self, output: str, form: Format, inputs: Iterable[Item], about: str) -> str:
        """Do what was asked for, and say what came of it.

        Args:
            output: the finished table.
            form: its format.
            inputs: those of the run, in their order; gone through for the pictures of the page.
            about: the model and its device, for the page.

        Raises:
            ValueError: a label may be meant for more than one row, or the page cannot be written.
        """
        said, found = [], None
        if self.labels:
            from app.batch.after.score import in_words, score

            found = score(rows(output, form), self.labels)
            said.append(in_words(found))
        if self.sheet:
            from app.batch.after.contact_sheet import least_confident, save_sheet

            total = found.rows if found else sum(1 for _ in rows(output, form))
            chosen = least_confident(rows(output, form), self.labels)
            save_sheet(self.sheet, chosen, inputs, f"{output} · {about}", total, found)
            said.append(f"The {len(chosen):,} least certain answers are in {self.sheet}")
        return "\n".join(said)
