"""The errors that training raises for a user's mistake or a damaged file, beside those of ``inkwear``."""


class DataError(RuntimeError):
    """A data file is missing or damaged; the message names it, says what is wrong and how to get it."""


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message names the file and says why."""


class RunError(ValueError):
    """A run cannot begin or go on as asked; the message says what to change."""


class ExportError(ValueError):
    """An export failed a check; the message names the check and says by how much. Nothing was written."""


class ReplaceError(ValueError):
    """An export that is worth keeping lies where another is to be written."""
