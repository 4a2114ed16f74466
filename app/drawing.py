"""Draws a network as an SVG: a block for each layer with its feature maps beside its name, branches side by side.

The SVG has no scripts and takes the color of the text around it; the CSS variable ``--network-learns`` may give layers
with parameters another one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from inkwear.report import Layer

WIDTH, HEIGHT = 244, 44
"""Size of a block, in pixels."""

ACROSS, DOWN = 16, 18
"""Pixels between columns and between rows."""

DETOUR = ACROSS + 8
"""Pixels beside a column for an edge that leads past its blocks."""

JOIN_HEIGHT = 26
"""Height of a block that joins branches, in pixels."""

MAX_MAPS = 5
"""Sheets that stand for the feature maps of a layer, at most."""

MAX_TITLE = 24
"""Characters of a block's title, at most."""

STANDALONE = (
    "<style>svg{color:#1f2933;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#e8eaed;background:#16181d}}</style>"
)


@dataclass
class Block:
    """A layer together with the element-wise ones after it, such as ReLU, and its place.

    Attributes:
        layers: the first gives the block its shape.
        inputs: the blocks whose output it reads.
        row, column: its place; columns count from the middle.
    """

    layers: list[Layer]
    inputs: "list[Block]"
    row: int = 0
    column: float = 0

    @property
    def joins(self) -> bool:
        return len(self.inputs) > 1

    @property
    def title(self) -> str:
        shown = [layer for layer in self.layers if not _flattens(layer)] or self.layers
        return " · ".join(f"{layer.kind} {layer.detail}".strip().replace(", stride ", "/") for layer in shown)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.layers[0].shape

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)


def draw(layers: Sequence[Layer], name: str, *, standalone: bool = False) -> str:
    """Draw a network as SVG.

    Args:
        layers: in the order of computing.
        name: the network's name, for screen readers.
        standalone: whether the SVG has colors of its own, light or dark, to be a page by itself.
    """
    blocks = arrange(layers)
    columns = [block.column for block in blocks]
    left, right = min(columns, default=0), max(columns, default=0)
    width = (right - left) * (WIDTH + ACROSS) + WIDTH + 2 * DETOUR
    height = (max((block.row for block in blocks), default=0) + 1) * (HEIGHT + DOWN)
    middle = DETOUR + WIDTH / 2 - left * (WIDTH + ACROSS)
    parts = [_edge(source, block, middle, blocks) for block in blocks for source in block.inputs]
    parts += [_block(block, middle) for block in blocks]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(name)}" font-family="system-ui, sans-serif" '
        f'font-size="12" fill="currentColor">{STANDALONE if standalone else ""}{"".join(parts)}</svg>'
    )


# --------------------------------------------------------------------------------------------------------- places


def arrange(layers: Sequence[Layer]) -> list[Block]:
    """Put layers into blocks, in the order of computing, each block below all its inputs."""
    blocks: list[Block] = []
    holders: dict[str, Block] = {}
    sources = [name for layer in layers for name in layer.inputs]
    for layer in layers:
        inputs = [holders[name] for name in layer.inputs if name in holders]
        if len(inputs) == 1 and sources.count(layer.inputs[0]) == 1 and _is_elementwise(layer, inputs[0]):
            inputs[0].layers.append(layer)
            holders[layer.name] = inputs[0]
            continue
        blocks.append(Block([layer], inputs))
        holders[layer.name] = blocks[-1]
    _place(blocks)
    return blocks


def _is_elementwise(layer: Layer, block: Block) -> bool:
    keeps_shape = layer.shape == block.layers[-1].shape and not layer.detail
    return _flattens(layer) or (keeps_shape and layer.kind != "Linear")


def _flattens(layer: Layer) -> bool:
    return layer.kind.lower() == "flatten"


def _place(blocks: list[Block]) -> None:
    """Give every block its row; branches get columns side by side, and the block that joins them their middle."""
    for block in blocks:
        block.row = max((source.row + 1 for source in block.inputs), default=0)
        if len(block.inputs) == 1:
            [parent] = block.inputs
            branches = [other for other in blocks if other.inputs == [parent]]
            place = next(index for index, other in enumerate(branches) if other is block)
            block.column = parent.column + place - (len(branches) - 1) / 2
        elif block.inputs:
            block.column = sum(source.column for source in block.inputs) / len(block.inputs)


# ---------------------------------------------------------------------------------------------------------- lines


def _block(block: Block, middle: float) -> str:
    x, y = middle + block.column * (WIDTH + ACROSS) - WIDTH / 2, block.row * (HEIGHT + DOWN)
    tooltip = f"<title>{escape(_tooltip(block))}</title>"
    if block.joins:
        top = y + (HEIGHT - JOIN_HEIGHT) / 2
        box = _rectangle(x + WIDTH / 4, top, WIDTH / 2, JOIN_HEIGHT, JOIN_HEIGHT / 2, 0.04)
        text = f'<text x="{x + WIDTH / 2:g}" y="{top + 17:g}" text-anchor="middle">{escape(block.title)}</text>'
        return f"<g>{tooltip}{box}{text}</g>"
    learns = ' fill="var(--network-learns, currentColor)"' if block.parameters else ""
    box = _rectangle(x, y, WIDTH, HEIGHT, 8, 0.12 if block.parameters else 0.04)
    return (
        f"<g{learns}>{tooltip}{box}{_maps(block.shape, x + 28, y + HEIGHT / 2)}</g>"
        f'<text x="{x + 56:g}" y="{y + 19:g}" font-weight="600">{escape(_shortened(block.title))}</text>'
        f'<text x="{x + 56:g}" y="{y + 35:g}" font-size="11" fill-opacity=".75">{_figures(block)}</text>'
    )


def _rectangle(x: float, y: float, width: float, height: float, radius: float, filled: float) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" fill-opacity="{filled}" '
        'stroke="currentColor" stroke-opacity=".35"/>'
    )


def _maps(shape: tuple[int, ...], x: float, y: float) -> str:
    """Draw feature maps as sheets behind each other, a vector as a bar; sizes grow with the logarithm."""
    sheets = 1
    width, height = 5.0, 4 + 2.6 * math.log2(max(shape[0], 1) if shape else 1)
    if len(shape) == 3:
        sheets = min(MAX_MAPS, 1 + round(math.log2(max(shape[0], 1)) / 2))
        width, height = (4 + 2.6 * math.log2(max(side, 1) + 1) for side in (shape[2], shape[1]))
    first = -(sheets - 1) * 1.5
    return "".join(
        f'<rect x="{x - width / 2 + first + 3 * sheet:.1f}" y="{y - height / 2 + first + 3 * sheet:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}" rx="1" fill-opacity=".35" stroke="currentColor" stroke-width=".7"/>'
        for sheet in range(sheets)
    )


def _edge(source: Block, block: Block, middle: float, blocks: Sequence[Block]) -> str:
    """Draw a line from a block to one that reads it, past the side of the blocks between them."""
    x1, x2 = (middle + each.column * (WIDTH + ACROSS) for each in (source, block))
    y1 = source.row * (HEIGHT + DOWN) + ((HEIGHT + JOIN_HEIGHT) / 2 if source.joins else HEIGHT)
    y2 = block.row * (HEIGHT + DOWN) + ((HEIGHT - JOIN_HEIGHT) / 2 if block.joins else 0)
    between = any(other.column == source.column and source.row < other.row < block.row for other in blocks)
    if between and x1 == x2:
        side = x1 + WIDTH / 2
        y1, y2 = y1 - HEIGHT / 2, y2 + JOIN_HEIGHT / 2
        start, turn = side - (WIDTH / 4 if source.joins else 0), side + DETOUR
        path = f"M{start:g} {y1:g}H{side:g}C{turn:g} {y1:g} {turn:g} {y2:g} {side:g} {y2:g}H{side - WIDTH / 4:g}"
    else:
        half = DOWN / 2
        bend = max(y1, y2 - DOWN)  # straight down its own column first, and only then across
        straight = f"V{bend:g}" if bend > y1 else ""
        path = f"M{x1:g} {y1:g}{straight}C{x1:g} {bend + half:g} {x2:g} {y2 - half:g} {x2:g} {y2:g}"
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity=".45" stroke-width="1.3"/>'


# ---------------------------------------------------------------------------------------------------------- words


def _figures(block: Block) -> str:
    shape = "×".join(map(str, block.shape))
    return shape + (f" · {_count(block.parameters)} parameters" if block.parameters else "")


def _count(number: int) -> str:
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number / 1e3:.0f} k"


def _shortened(title: str) -> str:
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1].rstrip(" ·") + "…"


def _tooltip(block: Block) -> str:
    macs = sum(layer.macs for layer in block.layers)
    figures = [f"{block.parameters:,} parameters"] * bool(block.parameters) + [f"{macs:,} multiply-adds"] * bool(macs)
    return ", ".join([block.title, "×".join(map(str, block.shape)), *figures])
