"""Axes for charts of a table's features: a figure of their own or a panel of yours."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tfxai.errors import InvalidInputError
from tfxai.feature_groups import Feature
from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import InlineFigure, frame, save_figure
from tfxai.plotting.labels import number, shortened
from tfxai.plotting.measure import wrapped

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

WIDTH = 6.5  # inches, unless figsize says otherwise
_ROW = 0.24  # inches of a feature's row in a figure of that width
_RATIO = 0.55  # height of a chart without rows by its width
_LEAST = 2.0  # inches of it
_FRAME = 0.75  # inches above and below the rows
_DOT = 3.0  # points across
_NAMES = 0.4  # share of the width that names may take
_LETTER = 0.56  # width of a letter as a share of its size
_EDGE = 0.08  # inches beside texts
_LINE = 1.5  # height of a line likewise


class FeatureAxes:
    """Axes with the sizes that suit them: text grows with the width of the figure.

    Args:
        rows: Rows of features, for the height; 0 for a chart without rows.
        figsize: Width in inches, or width and height, or None.
        ax: Axes to draw in, instead of a new figure.
        title: A line above, or nothing.
        notes: Sentences below a figure of its own.

    Raises:
        InvalidInputError: `figsize` is none of these, or came together with `ax`.
    """

    def __init__(
        self,
        rows: int,
        figsize: float | Sequence[float] | None,
        ax: Axes | None,
        title: str,
        notes: Sequence[str],
    ) -> None:
        size_given = _read_figsize(figsize, ax)
        if ax is not None:
            self.axes = ax
            root: Any = ax.get_figure(root=True)
            self.figure: Figure = root
            self.width = ax.get_window_extent().width / root.dpi / 0.6
            self.scale = max(1.0, self.width / WIDTH)
            ax.set_title(title, loc="left", **self.font(style.BODY, bold=True))
            return
        width, wanted = size_given or (WIDTH, None)
        self.width, self.scale = width, max(1.0, width / WIDTH)
        size = self.scale * style.SMALL / 72
        room = width - 2 * _EDGE
        lines = [line for note in notes for line in wrapped(note, room, self.scale * style.SMALL)]
        above = 2.2 * size if title else 0.05
        below = _LINE * size * len(lines) + (0.1 if lines else 0.02)
        inside = _ROW * rows * self.scale or max(_RATIO * width, _LEAST)
        height = wanted or inside + _FRAME * self.scale + above + below
        self.figure = InlineFigure(
            figsize=(width, height), dpi=style.DPI, facecolor="white", layout="constrained"
        )
        FigureCanvasAgg(self.figure)
        self.figure.set_label(title or "Features")
        bottom, top = min(below / height, 0.4), 1 - above / height
        engine: Any = self.figure.get_layout_engine()
        beside = _EDGE / 2 / width
        engine.set(rect=(beside, bottom, 1 - 2 * beside, top - bottom))
        self.axes = self.figure.add_subplot(facecolor="white")
        left = _EDGE / width
        letters = int(room / (self.scale * style.BODY / 72) / 0.62)
        self.figure.text(
            left, 1 - 0.06 / height, shortened(title, letters), va="top",
            **self.font(style.BODY, bold=True),
        )  # fmt: skip
        self.figure.text(
            left, below / height - 0.02 / height, "\n".join(lines), va="top", linespacing=1.35,
            **self.font(style.SMALL, style.MUTED),
        )  # fmt: skip

    def font(self, size: float, colour: str = style.INK, *, bold: bool = False) -> dict[str, Any]:
        """Text properties at the figure's scale."""
        return style.font(size * self.scale, colour, bold=bold)

    @property
    def dot(self) -> float:
        """Area of a dot, in square points."""
        return float((_DOT * min(self.width / WIDTH, self.scale) ** 0.5 * self.scale**0.5) ** 2)

    def rows(self, labels: Sequence[tuple[str, str]]) -> None:
        """Names the rows from the top downwards.

        Args:
            labels: Of each row a name, which is cut off where it is long, and what follows it.
        """
        letters = int(_NAMES * self.width / (self.scale * style.SMALL / 72) / _LETTER)
        names = [shortened(name, max(letters - len(more), 8)) + more for name, more in labels]
        self.axes.set_yticks(np.arange(len(names)), labels=names)
        self.axes.set_ylim(len(names) - 0.5, -0.5)
        self.finish("bottom")
        self.axes.tick_params(axis="y", length=0)
        for label in self.axes.get_yticklabels():
            label.set(**self.font(style.SMALL))

    def finish(self, *sides: str) -> None:
        """Thin lines on those sides and small ticks."""
        frame(self.axes, sides=sides)
        self.axes.tick_params(
            length=2.5, width=0.8, color=style.FAINT, labelsize=style.SMALL * self.scale,
            labelcolor=style.MUTED, labelfontfamily=style.FONT,
        )  # fmt: skip
        self.axes.locator_params(axis="x", nbins=4 if self.width < 5 else 7)

    def x_label(self, text: str, *, share: float = 0.8, most: int = 2) -> None:
        """What the horizontal axis is, in that share of the width and in so many lines at most."""
        lines = wrapped(text, share * self.width, style.SMALL * self.scale, most=most)
        self.axes.set_xlabel("\n".join(lines), labelpad=3, **self.font(style.SMALL, style.MUTED))

    def numbers(self, ends: Sequence[tuple[float, float]]) -> None:
        """The number of each row beside the end of its mark, with room for it.

        Args:
            ends: Of each row, the place at which the mark ends, and the number.
        """
        written = []
        for row, (end, value) in enumerate(ends):
            is_left = value < 0
            written.append(
                self.axes.annotate(
                    number(value), (end, row), xytext=(-3 if is_left else 3, 0),
                    textcoords="offset points", ha="right" if is_left else "left",
                    va="center_baseline",
                    bbox={"facecolor": "white", "linewidth": 0, "pad": 0.5}, annotation_clip=False,
                    **self.font(style.SMALL - 0.5, style.MUTED),
                )
            )  # fmt: skip
        low, high = self.axes.get_xlim()
        self.figure.draw_without_rendering()
        whole = self.axes.get_window_extent().width
        room = [0.0, 0.0]
        for text, (_, value) in zip(written, ends, strict=True):
            side = 0 if value < 0 else 1
            room[side] = max(room[side], text.get_window_extent().width + 0.06 * self.figure.dpi)
        share = max(whole - sum(room), 0.3 * whole)
        left, right = ((high - low) * one / share for one in room)
        self.axes.set_xlim(low - left, high + right)

    def done(self, path: str | os.PathLike[str] | None) -> Figure:
        """The figure, written to a file where one is named."""
        if path is not None:
            save_figure(self.figure, path)
        return self.figure


def strongest(
    features: Sequence[Feature], limit: int, strength: Callable[[Feature], float]
) -> tuple[list[Feature], list[Feature]]:
    """The strongest features in order, and the others.

    Raises:
        InvalidInputError: `limit` draws none.
    """
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 1:
        raise InvalidInputError(f"limit={limit!r} draws no feature. Pass 1 or more.")
    ordered = sorted(features, key=lambda feature: -strength(feature))
    return ordered[:limit], ordered[limit:]


def row_label(feature: Feature, example: int) -> tuple[str, str]:
    """The feature's name, and its input where it has one."""
    has_input = feature.inputs is not None
    return feature.name, f" = {input_text(feature, example)}" if has_input else ""


def input_text(feature: Feature, example: int) -> str:
    """What the model was given for a feature, in a few letters."""
    given: Any = feature.inputs
    value = given[example]
    if isinstance(value, str):
        return shortened(value, 16)
    is_truth = given.dtype.kind == "b" or (feature.column and feature.column.is_of_truths)
    return str(bool(value)) if is_truth else number(value)


def one_example(one: Attribution, index: Any) -> int:
    """The example that `index` names, in [0, B).

    Raises:
        InvalidInputError: It is no integer within the examples.
    """
    is_whole = isinstance(index, int | np.integer) and not isinstance(index, bool)
    if not is_whole or not -len(one) <= index < len(one):
        raise InvalidInputError(
            f"index={index!r} was expected to be one example's number in [0, {len(one)})."
        )
    return int(index) % len(one)


def _read_figsize(figsize: Any, ax: Any) -> tuple[float, float | None] | None:
    if figsize is None:
        return None
    if ax is not None:
        raise InvalidInputError("Pass figsize= for a new figure or ax= for axes of yours.")
    size: tuple[float, float | None] = SIZE.read("figsize", figsize)
    return size
