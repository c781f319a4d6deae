"""Figures without pyplot's global state: made, laid out in inches, saved, embedded."""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from tfxai.errors import InvalidInputError
from tfxai.files import replacing
from tfxai.plotting import style
from tfxai.reprs import facts_html

FORMATS = ("png", "pdf", "svg", "jpg", "jpeg", "webp")
_UNDATED: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}  # the same figure gives the same file


class InlineFigure(Figure):
    """A figure that notebooks display, whether or not pyplot is loaded."""

    def _repr_png_(self) -> bytes:
        return rendered(self, "png")


class Page:
    """A figure whose parts are placed in inches from its top left corner.

    Args:
        width: Width of the figure in inches.
        height: Height of the figure in inches.
        label: Alternative text: what it shows, in a few words.
        zoom: How many real inches one inch of the page is; text follows.
    """

    def __init__(self, width: float, height: float, label: str, zoom: float = 1.0) -> None:
        size = (width * zoom, height * zoom)
        self.figure = InlineFigure(figsize=size, dpi=style.DPI, facecolor="white")
        self._zoom = zoom
        self._canvas = FigureCanvasAgg(self.figure)
        self.figure.set_label(label)
        self.width, self.height = width, height

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """New axes whose top left corner is at (left, top)."""
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height),
            facecolor="white",
        )

    def text(self, left: float, top: float, text: str, **properties: Any) -> float:
        """Text whose top left corner is at (left, top), unless `properties` align it otherwise.

        Returns:
            Its width in inches.
        """
        properties = {"va": "top", "ha": "left", **properties}
        drawn = self.figure.text(left / self.width, 1 - top / self.height, text, **properties)
        drawn.set_fontsize(float(drawn.get_fontsize()) * self._zoom)
        width = drawn.get_window_extent(self._canvas.get_renderer()).width
        return float(width / style.DPI / self._zoom)

    def finish(self) -> Figure:
        """The figure, when all is drawn: what its axes wrote and drew follows the zoom too."""
        if self._zoom != 1:
            for axes in self.figure.axes:
                _zoomed(axes, self._zoom)
        return self.figure


def _zoomed(axes: Axes, zoom: float) -> None:
    """Texts, ticks and lines of the axes at that multiple of their size."""
    of_ticks: set[Text] = set()
    for axis in (axes.xaxis, axes.yaxis):
        known = axis.get_tick_params()
        sizes = {name: known[name] for name in ("length", "width", "labelsize") if name in known}
        axis.set_tick_params(**{name: size * zoom for name, size in sizes.items()})
        if "labelsize" in known:  # else labels have a size of their own, as other texts have
            of_ticks |= set(axis.get_ticklabels())
    for text in axes.findobj(Text):
        if text not in of_ticks:
            text.set_fontsize(float(text.get_fontsize()) * zoom)
    for line in axes.lines:
        line.set_linewidth(line.get_linewidth() * zoom)


def frame(axes: Axes, *, sides: Sequence[str] = ("left", "bottom", "right", "top")) -> None:
    """Thin grey lines on some sides of the axes, none on the others."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in sides)
        spine.set_color(style.FAINT)
        spine.set_linewidth(0.8)


def small_ticks(axes: Axes) -> None:
    """Short grey ticks with small labels."""
    axes.tick_params(
        length=2.5,
        width=0.8,
        color=style.FAINT,
        labelsize=style.SMALL,
        labelcolor=style.MUTED,
        labelfontfamily=style.FONT,
    )


def rendered(figure: Figure, file_format: str) -> bytes:
    """The figure as the bytes of a file of that format."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=file_format, dpi=figure.dpi, metadata=_UNDATED.get(file_format))
    return buffer.getvalue()


def format_of(path: Path) -> str:
    """The picture format that a file's suffix names; `InvalidInputError` where it names none."""
    file_format = path.suffix.lower().removeprefix(".")
    if file_format not in FORMATS:
        raise InvalidInputError(
            f"The figure's file {str(path)!r} ends in {path.suffix!r}, which names no picture "
            f"format. End it in .{', .'.join(FORMATS)}."
        )
    return file_format


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Writes a figure to a file whose suffix names the format.

    Args:
        figure: Any matplotlib figure.
        path: A file that ends in .png, .pdf, .svg, .jpg or .webp. An earlier file is replaced
            when the new one is complete, and left alone when anything fails.

    Returns:
        The path.

    Raises:
        InvalidInputError: The suffix names no known format.
        OutputError: The file cannot be written.
    """
    final = Path(path)
    content = rendered(figure, format_of(final))
    with replacing(final) as beside:
        beside.write_bytes(content)
    return final


def record_html(line: str, facts: Iterable[tuple[str, str]], draw: Callable[[], Figure]) -> str:
    """A record for notebooks: its short representation, facts, and its figure.

    Args:
        line: The short representation.
        facts: Name and text of each fact; empty texts are left out.
        draw: Makes the figure; what it refuses is said in its place.
    """
    try:
        picture = figure_html(draw())
    except InvalidInputError as error:
        picture = f"<p>{html.escape(str(error))}</p>"
    return facts_html(line, facts) + picture


def figure_html(figure: Figure) -> str:
    """The figure as an HTML `<img>` that holds its own PNG, at its size in inches."""
    picture = base64.b64encode(rendered(figure, "png")).decode("ascii")
    label = html.escape(str(figure.get_label() or "Figure"), quote=True)
    width = round(figure.get_figwidth() * 96)  # CSS pixels
    return (
        f'<img alt="{label}" style="width:{width}px;max-width:100%" '
        f'src="data:image/png;base64,{picture}">'
    )
