"""Many examples in one figure: a grid of what lies over each image, drawn as one picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.plotting import labels, style
from tfxai.plotting.bars import draw_bar, lying_height
from tfxai.plotting.blocks import draw_title, title_height
from tfxai.plotting.colours import colour_map
from tfxai.plotting.drawing import LARGEST, Drawing
from tfxai.plotting.figures import Page
from tfxai.plotting.images import image_part, panel_size, show
from tfxai.plotting.layout import Fit, fit
from tfxai.plotting.measure import cut, text_width, wrapped
from tfxai.plotting.notes import Notes
from tfxai.plotting.rows import MARGIN
from tfxai.plotting.signs import OUTPUT
from tfxai.plotting.tiles import Tile, tile_of

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

MOST = 1000
"""Most images in a grid."""
_SIDE = 1.1  # inches of a picture where there are few
_USUAL = 10.0  # inches of a figure with many columns
_NARROWEST = 3.3
_GAP = 0.08
_OF_PANEL = 0.1  # how large the gap is at most
_SMALLEST = 4.5  # points of captions, before the page's zoom
_LINES = 1.25  # of the size of the text, from one line to the next
_RATIOS = (0.3, 5)  # of a place's width by its height; a picture of another fills it in part
_BAR = 2.6
_NAMELESS = 0.33  # inches of a picture under which there is no room for a name


@dataclasses.dataclass
class Plan:
    """Where the pictures of a grid go, in inches of the page."""

    columns: int
    rows: int
    panel: float = 0.0
    gap: float = 0.0
    side: float = 0.0
    size: float = 0.0
    lines: int = 0
    down: float = 0.0
    bar: float = 0.0
    title: list[str] = dataclasses.field(default_factory=list)
    notes: Any = None

    @property
    def line(self) -> float:
        """Inches from one line of words to the next."""
        return self.size / 72 * _LINES


def draw_grid(
    ones: Iterable[Attribution], numbers: Sequence[int], asked: int, drawing: Drawing
) -> Figure:
    """A grid of what lies over each image, with the class, its probability and the true label.

    Args:
        ones: The examples, read one after the other: memory is bounded by the page.
        numbers: Which example each is.
        asked: How many were asked for.
        drawing: The options.

    Raises:
        InvalidInputError: An example is no image, or the figure would be too high.
    """

    def tile(one: Attribution, number: int) -> Tile:
        if image_part(one) is None:
            raise InvalidInputError(
                f"The inputs have shape {_shape(one)}, and grids are drawn of images "
                "(B, H, W, C). Leave out columns."
            )
        given = drawing.true_labels
        return tile_of(one, drawing, label=None if given is None else given[number])

    tiles = (tile(one, number) for one, number in zip(ones, numbers, strict=True))
    return draw_tiles(tiles, len(numbers), asked, drawing)


def draw_tiles(tiles: Iterable[Tile], count: int, asked: int, drawing: Drawing) -> Figure:
    """A grid of pictures that are read one after the other.

    Args:
        tiles: The pictures; the first one tells the shape of all, and whether they have names and
            true classes.
        count: How many they are.
        asked: How many were asked for.
        drawing: The options.

    Raises:
        InvalidInputError: The figure would be too high.
    """
    rest = iter(tiles)
    first = next(rest)
    found, plan = lay_out_grid(first, count, asked, drawing)
    return _draw(found, plan, chain([first], rest), first, count, drawing)


def lay_out_grid(first: Tile, count: int, asked: int, drawing: Drawing) -> tuple[Fit, Plan]:
    """Where the pictures of a grid go, before any but the first is there.

    Raises:
        InvalidInputError: The figure would be too high.
    """
    ratio = float(np.clip(first.ratio, *_RATIOS))
    columns = min(drawing.columns or _columns(count, ratio), count)
    plan = Plan(columns, -(-count // columns))
    words = [f"The first {count} of {asked} examples."] if count < asked else []
    look = drawing.styled("overlay")
    words += [
        labels.scaling_note(drawing),
        *labels.style_notes(drawing, look, {first.signed}, first.words),
    ]
    has_bar = look in ("overlay", "heatmap")
    if first.truth and first.words is not OUTPUT:
        words.append("Bold names are of images whose prediction is not the true label.")

    def lay_out(page_width: float, share: float) -> tuple[float, float]:
        room = page_width - 2 * MARGIN
        widest, _ = panel_size(ratio, 2 * _SIDE, 2 * _SIDE)
        plan.gap = min(_GAP, _OF_PANEL * room / columns)
        plan.panel = share * min((room + plan.gap) / columns - plan.gap, widest)
        plan.side = plan.panel / ratio
        plan.size = float(np.clip(style.SMALL * plan.panel / 0.9, _SMALLEST, style.SMALL + 0.5))
        lines = 1 + bool(first.truth) + bool(first.name)
        plan.lines = lines if plan.panel >= _NAMELESS else 0
        plan.down = plan.side + 0.04 + plan.lines * plan.line + plan.gap
        plan.title = wrapped(drawing.title or "", room, style.BODY, most=3)
        said = words if plan.lines else [*words, "There is no room for names."]
        plan.notes = Notes(" ".join(said), [], page_width)
        plan.bar = lying_height(drawing.vmax) if has_bar else 0.0
        needed = 2 * MARGIN + max(columns * (plan.panel + plan.gap) - plan.gap, 1.0)
        tall = MARGIN + title_height(plan.title) + plan.rows * plan.down
        return needed, tall + plan.bar + plan.notes.height

    usual = max(min(columns * (_SIDE + _GAP) + 2 * MARGIN, _USUAL), _NARROWEST)
    found = fit(drawing.figsize, usual, lay_out)
    if found.height * found.zoom > LARGEST:
        raise InvalidInputError(
            f"{count} images in {columns} columns make a figure {found.height * found.zoom:.0f} "
            f"inches high, and {LARGEST:g} is the most. Pass more columns."
        )
    return found, plan


def box_of(found: Fit, plan: Plan) -> tuple[float, float]:
    """(height, width) in dots of the place for a picture."""
    return plan.side * style.DPI * found.zoom, plan.panel * style.DPI * found.zoom


def _draw(
    found: Fit, plan: Plan, tiles: Iterable[Tile], first: Tile, count: int, drawing: Drawing
) -> Figure:
    page = Page(found.width, found.height, f"{first.method} of {count} images", found.zoom)
    top = draw_title(page, plan.title)
    across = plan.panel + plan.gap
    dots, box = style.DPI * found.zoom, box_of(found, plan)
    sheet = np.full(
        (round(plan.rows * plan.down * dots), round(plan.columns * across * dots), 3),
        255,
        np.uint8,
    )
    for place, tile in enumerate(tiles):
        row, column = divmod(place, plan.columns)
        corner = round(row * plan.down * dots), round(column * across * dots)
        _put(sheet, tile.fitted(box), corner)
        left, below = MARGIN + column * across, top + row * plan.down + plan.side + 0.04
        _write(page, tile, left, below, plan)
    axes = page.axes(MARGIN, top, plan.columns * across, plan.rows * plan.down)
    show(axes, sheet)
    axes.set_axis_off()
    axes.set_zorder(-1)
    if plan.bar:
        below = top + plan.rows * plan.down
        length = min(_BAR, found.width - 2 * MARGIN)
        cmap = colour_map(drawing.cmap, first.signed)
        look = (cmap, first.signed, first.words)
        draw_bar(page, (MARGIN, below, length), *look, top_value=drawing.vmax, lying=True)
    plan.notes.draw(page)
    return page.finish()


def _columns(count: int, ratio: float) -> int:
    """Eight of squares, or more where the grid would get much higher than wide."""
    return int(np.ceil(np.sqrt(max(64, 1.25 * count) / ratio)))


def _put(sheet: Array, dots: Array, corner: tuple[int, int]) -> None:
    """Draws a picture on the sheet of dots."""
    top, left = corner
    bottom = min(top + dots.shape[0], sheet.shape[0])
    right = min(left + dots.shape[1], sheet.shape[1])
    sheet[top:bottom, left:right] = dots[: bottom - top, : right - left]


def _write(page: Page, tile: Tile, left: float, top: float, plan: Plan) -> None:
    """The lines under a picture: what it is called, what is explained, the true class."""
    if plan.lines == 0:
        return
    bold = tile.is_wrong
    font = style.font(plan.size, style.ACCENT if bold else style.MUTED, bold=bold)
    room = plan.panel
    if tile.name:
        name = cut(tile.name, room, plan.size)
        page.text(left, top, name, **style.font(plan.size, style.INK))
        top += plan.line
    explains = cut(
        tile.explains, room - text_width(tile.sure, plan.size, bold=bold), plan.size, bold=bold
    )
    page.text(left, top, explains + tile.sure if len(explains) > 1 else explains, **font)
    if tile.truth:
        truth = cut(tile.truth, room, plan.size, bold=bold)
        page.text(left, top + plan.line, truth, **font)


def _shape(one: Attribution) -> Any:
    if isinstance(one.inputs, dict):
        return {name: np.shape(array) for name, array in one.inputs.items()}
    return np.shape(one.inputs)
