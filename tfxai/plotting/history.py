"""Accuracy and loss of a training run, epoch by epoch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfxai.errors import InvalidInputError
from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, frame, save_figure, small_ticks
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import text_width

_PANEL, _HEIGHT = 4.2, 2.3  # inches, the panel with the numbers on its left
_NARROWEST = 2.0
_MARGIN = 0.25
_GAP = 0.4
_LABELS = 0.42
_TITLED, _LINE, _ABOVE = 0.27, 0.17, 0.11  # the title, each line of the legend, and their gap
_BELOW, _ROW = 0.36, 0.15
_TEXT, _SPACE = style.SMALL + 0.5, 0.2
_TRAIN, _VALIDATION = style.LINES[0], style.LINES[1]


def plot_history(
    history: Mapping[str, Sequence[float]],
    path: str | os.PathLike[str] | None = None,
    *,
    figsize: Any = None,
) -> Figure:
    """Draws accuracy and loss per epoch, of the training and the validation data.

    Args:
        history: One number for each epoch under each name, as Keras' `History.history`: `"loss"`
            and a name with `accuracy` in it, and each with `val_` before it where there was
            validation. Other names are left out; accuracies are fractions in [0, 1].
        path: File to write the figure to as well; its suffix names the format.
        figsize: Width in inches, or (width, height); None is 4.7 for each panel. In a narrow
            figure the panels stand above one another.

    Returns:
        The figure, made without pyplot. The best validation epoch of each panel has a dot.

    Raises:
        InvalidInputError: There is neither accuracy nor loss, or no epoch, or `figsize` does not
            fit.
        OutputError: The file cannot be written.
    """
    found = [
        name
        for name in history
        if len(history[name]) and not name.startswith("val_") and _kind(name)
    ]
    if not found:
        raise InvalidInputError(
            f"The history holds {sorted(history) or 'nothing'}, and no epoch of 'loss' or "
            "'accuracy'. Pass the history of a training run of one epoch or more."
        )
    found.sort(key=_kind)
    validation = [history.get(f"val_{name}", ()) for name in found]
    legends = [
        _legend(history[name], its, _kind(name))
        for name, its in zip(found, validation, strict=True)
    ]
    columns, wide, high, above = len(found), _PANEL, _HEIGHT, 0.0

    def lay_out(room: float, share: float) -> tuple[float, float]:
        nonlocal columns, wide, high, above
        columns = len(found) if room >= 0.8 * usual else 1
        wide = min(_PANEL, max((room - 2 * _MARGIN + _GAP) / columns - _GAP, _NARROWEST))
        high = share * _HEIGHT * min(1.0, max(wide / _PANEL, 0.75))
        lines = max(len(_lines(legend, wide)) for legend in legends)
        above = _TITLED + _LINE * lines + _ABOVE
        rows = -(-len(found) // columns)
        needed = 2 * _MARGIN + rows * (above + high + _BELOW + _ROW) - _ROW
        return 2 * _MARGIN + columns * (wide + _GAP) - _GAP, needed

    usual = 2 * _MARGIN + (_PANEL + _GAP) * len(found) - _GAP
    size = None if figsize is None else SIZE.read("figsize", figsize)
    fitted = fit(size, usual, lay_out)
    title = f"{' and '.join(_kind(name) for name in found).capitalize()} per epoch"
    page = Page(fitted.width, fitted.height, title, fitted.zoom)
    for i, name in enumerate(found):
        row, column = divmod(i, columns)
        left = _MARGIN + column * (wide + _GAP)
        top = _MARGIN + row * (above + high + _BELOW + _ROW)
        page.text(left, top, _kind(name).capitalize(), **style.font(style.TITLE, bold=True))
        for number, line in enumerate(_lines(legends[i], wide)):
            _draw_legend(page, left, top + _TITLED + number * _LINE, line)
        axes = page.axes(left + _LABELS, top + above, wide - _LABELS, high)
        _draw(axes, history[name], validation[i], _kind(name))
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _kind(name: str) -> str:
    """`"accuracy"`, `"loss"`, or nothing for what is not drawn."""
    return "accuracy" if "acc" in name else "loss" if name == "loss" else ""


def _legend(
    train: Sequence[float], validation: Sequence[float], kind: str
) -> list[tuple[str, str]]:
    """Each line's name and last value, and the best epoch on the validation data; its colour."""
    words = [(f"\N{EM DASH} training {train[-1]:.3f}", _TRAIN)]
    best = _best(validation, kind)
    if best is not None:
        text = f"\N{EM DASH} validation {validation[-1]:.3f}, "
        text += f"best {validation[best]:.3f} in epoch {best + 1}"
        words.append((text, _VALIDATION))
    return words


def _lines(legend: list[tuple[str, str]], width: float) -> list[list[tuple[str, str]]]:
    """The parts of a legend in one line where they fit, else one below the other."""
    needed = sum(text_width(text, _TEXT) + _SPACE for text, _ in legend) - _SPACE
    return [legend] if needed <= width else [[part] for part in legend]


def _draw_legend(page: Page, left: float, top: float, line: list[tuple[str, str]]) -> None:
    for text, colour in line:
        left += page.text(left, top, text, **style.font(_TEXT, colour)) + _SPACE


def _draw(axes: Axes, train: Sequence[float], validation: Sequence[float], kind: str) -> None:
    for values, colour in ((train, _TRAIN), (validation, _VALIDATION))[
        : 2 if len(validation) else 1
    ]:
        epochs = np.arange(1, len(values) + 1)
        marker = "o" if len(values) == 1 else None
        axes.plot(epochs, values, color=colour, linewidth=1.5, marker=marker, markersize=4)
    best = _best(validation, kind)
    if best is not None:
        axes.plot([best + 1], [validation[best]], "o", color=_VALIDATION, markersize=4.5)
    last = max(len(train), len(validation))
    axes.set_xlim(*((1, last * 1.015) if last > 1 else (0.5, 1.5)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch", labelpad=3, **style.font(style.SMALL, style.MUTED))
    axes.grid(axis="y", color=style.FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    frame(axes, sides=("left", "bottom"))
    small_ticks(axes)


def _best(validation: Sequence[float], kind: str) -> int | None:
    """The number from 0 of the epoch with the most accuracy or the least loss."""
    values = np.asarray(validation, float)
    if not np.isfinite(values).any():
        return None
    return int(np.nanargmax(values) if kind == "accuracy" else np.nanargmin(values))
