"""A reader of lines that sees what a script says, for tests of what is made of it."""

from collections.abc import Mapping, Sequence

import numpy as np

from inkwear.numbers.line_image import Strip
from inkwear.numbers.line_reader import ROWS, STEP
from inkwear.numbers.transcript import Transcript, transcribe
from inkwear.preprocess.spec import Floats, Pixels

Step = str | Mapping[str, float]
"""A character that is sure at this step, or characters with their probabilities; ``_`` is the blank."""


class ScriptedReader:
    """Reads a script from any strip, stretched over its width."""

    alphabet = "0123456789"
    signs = ".,-/:'+=% ?"

    def __init__(self, script: Sequence[Step]) -> None:
        self.script = script

    def read(self, strip: Pixels) -> Floats:
        names = self.alphabet + self.signs + "_"
        length = max(strip.shape[1] // STEP, len(self.script))
        steps = [self.script[at * len(self.script) // length] for at in range(length)]
        probabilities = np.full((length, len(names)), 1e-6)
        for row, step in zip(probabilities, steps, strict=True):
            for name, p in ({step: 1.0} if isinstance(step, str) else step).items():
                row[names.index(name)] = p
        return np.log(probabilities).astype(np.float32)


def transcript_of(script: Sequence[Step], left: int = 0, scale: float = 1) -> Transcript:
    """Read a strip with one step for each of the script."""
    return transcribe(Strip(np.zeros((ROWS, STEP * len(script)), np.uint8), left, scale), ScriptedReader(script))
