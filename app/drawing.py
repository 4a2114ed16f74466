"""A network drawn from its layers: a block for each, its maps beside its name, branches side by side.

An SVG of its own size, without scripts. It is drawn in the colour of the text around it; ``--network-learns`` may
give layers that learn another.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from inkwear.report import Layer

WIDTH, HEIGHT = 244, 44
ACROSS, DOWN = 16, 18
"""Room between blocks."""

PASSED = ACROSS + 8
"""Room beside a column for a way that leads past its blocks."""

JOINED = 26
"""Height of a block in which ways meet."""

MAPS = 5
"""As many sheets stand for the maps of a layer, at most."""

STANDALONE = (
    "<style>svg{color:#1f2933;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#e8eaed;background:#16181d}}</style>"
)


@dataclass
class Block:
    """A layer with those that only change its numbers, such as ReLU, and where it stands.

    Attributes:
        layers: the first gives the block its shape.
        reads: the blocks it reads.
        row, column: its place; columns count from the middle.
    """

    layers: list[Layer]
    reads: "list[Block]"
    row: int = 0
    column: float = 0

    @property
    def joins(self) -> bool:
        return len(self.reads) > 1

    @property
    def title(self) -> str:
        told = [layer for layer in self.layers if not _flattens(layer)] or self.layers
        return " · ".join(f"{layer.kind} {layer.detail}".strip().replace(", stride ", "/") for layer in told)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.layers[0].shape

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)


def draw(layers: Sequence[Layer], name: str, *, standalone: bool = False) -> str:
    """Draw a network as SVG; ``standalone`` brings colours of its own for a page by itself, light or dark."""
    blocks = arrange(layers)
    columns = [block.column for block in blocks]
    left, right = min(columns, default=0), max(columns, default=0)
    width = (right - left) * (WIDTH + ACROSS) + WIDTH + 2 * PASSED
    height = (max((block.row for block in blocks), default=0) + 1) * (HEIGHT + DOWN)
    middle = PASSED + WIDTH / 2 - left * (WIDTH + ACROSS)
    parts = [_way(read, block, middle, blocks) for block in blocks for read in block.reads]
    parts += [_block(block, middle) for block in blocks]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(name)}" font-family="system-ui, sans-serif" '
        f'font-size="12" fill="currentColor">{STANDALONE if standalone else ""}{"".join(parts)}</svg>'
    )


# --------------------------------------------------------------------------------------------------------- places


def arrange(layers: Sequence[Layer]) -> list[Block]:
    """Put layers into blocks, in the order of computing, each below all that it reads."""
    blocks: list[Block] = []
    holders: dict[str, Block] = {}
    readers = [read for layer in layers for read in layer.inputs]
    for layer in layers:
        reads = [holders[read] for read in layer.inputs if read in holders]
        if len(reads) == 1 and readers.count(layer.inputs[0]) == 1 and _only_changes_numbers(layer, reads[0]):
            reads[0].layers.append(layer)
            holders[layer.name] = reads[0]
            continue
        blocks.append(Block([layer], reads))
        holders[layer.name] = blocks[-1]
    _place(blocks)
    return blocks


def _only_changes_numbers(layer: Layer, block: Block) -> bool:
    changes_no_shape = layer.shape == block.layers[-1].shape and not layer.detail
    return _flattens(layer) or (changes_no_shape and layer.kind != "Linear")


def _flattens(layer: Layer) -> bool:
    return layer.kind.lower() == "flatten"


def _place(blocks: list[Block]) -> None:
    """Give every block its row, and each of several ways from one block a column; where ways meet, their middle."""
    for block in blocks:
        block.row = max((read.row + 1 for read in block.reads), default=0)
        if len(block.reads) == 1:
            [parent] = block.reads
            ways = [other for other in blocks if other.reads == [parent]]
            place = next(index for index, other in enumerate(ways) if other is block)
            block.column = parent.column + place - (len(ways) - 1) / 2
        elif block.reads:
            block.column = sum(read.column for read in block.reads) / len(block.reads)


# ---------------------------------------------------------------------------------------------------------- lines


def _block(block: Block, middle: float) -> str:
    x, y = middle + block.column * (WIDTH + ACROSS) - WIDTH / 2, block.row * (HEIGHT + DOWN)
    said = f"<title>{escape(_told(block))}</title>"
    if block.joins:
        top = y + (HEIGHT - JOINED) / 2
        box = _rectangle(x + WIDTH / 4, top, WIDTH / 2, JOINED, JOINED / 2, 0.04)
        text = f'<text x="{x + WIDTH / 2:g}" y="{top + 17:g}" text-anchor="middle">{escape(block.title)}</text>'
        return f"<g>{said}{box}{text}</g>"
    learns = ' fill="var(--network-learns, currentColor)"' if block.parameters else ""
    box = _rectangle(x, y, WIDTH, HEIGHT, 8, 0.12 if block.parameters else 0.04)
    return (
        f"<g{learns}>{said}{box}{_maps(block.shape, x + 28, y + HEIGHT / 2)}</g>"
        f'<text x="{x + 56:g}" y="{y + 19:g}" font-weight="600">{escape(_short(block.title))}</text>'
        f'<text x="{x + 56:g}" y="{y + 35:g}" font-size="11" fill-opacity=".75">{_figures(block)}</text>'
    )


def _rectangle(x: float, y: float, width: float, height: float, radius: float, filled: float) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" fill-opacity="{filled}" '
        'stroke="currentColor" stroke-opacity=".35"/>'
    )


def _maps(shape: tuple[int, ...], x: float, y: float) -> str:
    """The maps of a layer as sheets behind each other, of numbers in a row as a bar; sizes grow with the logarithm."""
    sheets = 1
    width, height = 5.0, 4 + 2.6 * math.log2(max(shape[0], 1) if shape else 1)
    if len(shape) == 3:
        sheets = min(MAPS, 1 + round(math.log2(max(shape[0], 1)) / 2))
        width, height = (4 + 2.6 * math.log2(max(side, 1) + 1) for side in (shape[2], shape[1]))
    first = -(sheets - 1) * 1.5
    return "".join(
        f'<rect x="{x - width / 2 + first + 3 * sheet:.1f}" y="{y - height / 2 + first + 3 * sheet:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}" rx="1" fill-opacity=".35" stroke="currentColor" stroke-width=".7"/>'
        for sheet in range(sheets)
    )


def _way(read: Block, block: Block, middle: float, blocks: Sequence[Block]) -> str:
    """A line from a block to one that reads it; past the side of those that stand between."""
    x1, x2 = (middle + each.column * (WIDTH + ACROSS) for each in (read, block))
    y1 = read.row * (HEIGHT + DOWN) + (HEIGHT + JOINED) / 2 if read.joins else read.row * (HEIGHT + DOWN) + HEIGHT
    y2 = block.row * (HEIGHT + DOWN) + ((HEIGHT - JOINED) / 2 if block.joins else 0)
    between = any(other.column == read.column and read.row < other.row < block.row for other in blocks)
    if between and x1 == x2:
        side = x1 + WIDTH / 2
        y1, y2 = y1 - HEIGHT / 2, y2 + JOINED / 2
        path = (
            f"M{side - (WIDTH / 4 if read.joins else 0):g} {y1:g}H{side:g}C{side + PASSED:g} {y1:g} {side + PASSED:g} "
        )
        path += f"{y2:g} {side:g} {y2:g}H{side - WIDTH / 4:g}"
    else:
        half = DOWN / 2
        last = y2 - DOWN  # straight down its own column first, and only then to where the ways meet
        path = f"M{x1:g} {y1:g}" + (f"V{last:g}" if last > y1 else "")
        start = max(y1, last)
        path += f"C{x1:g} {start + half:g} {x2:g} {y2 - half:g} {x2:g} {y2:g}"
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity=".45" stroke-width="1.3"/>'


# ---------------------------------------------------------------------------------------------------------- words


def _figures(block: Block) -> str:
    shape = "×".join(map(str, block.shape))
    return shape + (f" · {_count(block.parameters)} parameters" if block.parameters else "")


def _count(number: int) -> str:
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number / 1e3:.0f} k"


def _short(title: str, most: int = 24) -> str:
    return title if len(title) <= most else title[: most - 1].rstrip(" ·") + "…"


def _told(block: Block) -> str:
    macs = sum(layer.macs for layer in block.layers)
    figures = [f"{block.parameters:,} parameters"] * bool(block.parameters) + [f"{macs:,} multiply-adds"] * bool(macs)
    return ", ".join([block.title, "×".join(map(str, block.shape)), *figures])
