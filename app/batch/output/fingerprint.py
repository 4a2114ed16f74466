"""All that decides what the rows of a run say, so that only a run that would say the same goes on with them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class RunFingerprint:
    """What a run was asked for.

    Attributes:
        model: name of the export.
        digest: SHA-256 of its file.
        arguments: what names the inputs, as given.
        options: whatever else changes rows, by the name that people know: ``--top-k``.
        missing: arguments that name nothing; a path that appears or disappears is another input.
    """

    model: str = ""
    digest: str = ""
    arguments: Sequence[str] = ()
    options: Mapping[str, str | int] = field(default_factory=dict)
    missing: Sequence[str] = ()

    @classmethod
    def of(cls, model: str, digest: str, arguments: Sequence[str], **options: str | int) -> Self:
        """Look up which arguments exist, and name the options as the command does.

        Args:
            model: name of the export.
            digest: SHA-256 of its file.
            arguments: what names the inputs, as given.
            options: ``top_k=3`` becomes the option ``--top-k``.
        """
        named = {"--" + name.replace("_", "-"): value for name, value in options.items()}
        missing = [argument for argument in arguments if not os.path.lexists(argument)]
        return cls(model, digest, list(arguments), named, missing)

    def changes(self, now: "RunFingerprint") -> list[str]:
        """Describe what differs now, a phrase a difference; empty where nothing does."""
        names = sorted({*self.options, *now.options})
        pairs = [(name, self.options.get(name, "not given"), now.options.get(name, "not given")) for name in names]
        pairs.insert(0, ("--model", self.model, now.model))
        changes = [f"{name} was {then} and is {new}" for name, then, new in pairs if then != new]
        if self.model == now.model and self.digest != now.digest:
            changes.append(f"the file of {now.model} was SHA-256 {self.digest[:12]}… and is {now.digest[:12]}…")
        if list(self.arguments) != list(now.arguments):
            changes.append(f"the inputs were named {_some(self.arguments)} and are {_some(now.arguments)}")
        elif list(self.missing) != list(now.missing):
            changed = sorted({*self.missing} ^ {*now.missing})
            changes.append(f"{_some(changed)} appeared or disappeared")
        return changes


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])
    return shown + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
