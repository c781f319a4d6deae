"""Accuracy and loss of a training run, epoch by epoch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfxai.errors import InvalidInputError
from tfxai.plotting import style
from tfxai.plotting.figures import Page, frame, save_figure, small_ticks

_PANEL, _HEIGHT = 4.2, 2.3  # inches, the panel with the numbers on its left
_MARGIN = 0.25
_GAP = 0.4
_LABELS = 0.42
_ABOVE = 0.55
_BELOW = 0.36
_TRAIN, _VALIDATION = style.LINES[0], style.LINES[1]


def plot_history(
    history: Mapping[str, Sequence[float]], path: str | os.PathLike[str] | None = None
) -> Figure:
    """Draws accuracy and loss per epoch, of the training and the validation data.

    Args:
        history: One number for each epoch under each name, as Keras' `History.history`: `"loss"`
            and a name with `accuracy` in it, and each with `val_` before it where there was
            validation. Other names are left out; accuracies are fractions in [0, 1].
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure, made without pyplot. The best validation epoch of each panel has a dot.

    Raises:
        InvalidInputError: There is neither accuracy nor loss, or no epoch.
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
    page = Page(
        2 * _MARGIN + (_PANEL + _GAP) * len(found) - _GAP,
        2 * _MARGIN + _ABOVE + _HEIGHT + _BELOW,
        f"{' and '.join(_kind(name) for name in found).capitalize()} per epoch",
    )
    for i, name in enumerate(found):
        left = _MARGIN + i * (_PANEL + _GAP)
        validation = history.get(f"val_{name}", ())
        page.text(left, _MARGIN, _kind(name).capitalize(), **style.font(style.TITLE, bold=True))
        _draw_legend(page, left, history[name], validation, _kind(name))
        axes = page.axes(left + _LABELS, _MARGIN + _ABOVE, _PANEL - _LABELS, _HEIGHT)
        _draw(axes, history[name], validation, _kind(name))
    if path is not None:
        save_figure(page.figure, path)
    return page.figure


def _kind(name: str) -> str:
    """`"accuracy"`, `"loss"`, or nothing for what is not drawn."""
    return "accuracy" if "acc" in name else "loss" if name == "loss" else ""


def _draw_legend(
    page: Page, left: float, train: Sequence[float], validation: Sequence[float], kind: str
) -> None:
    """Each line's name and last value, and the best epoch on the validation data."""
    top = _MARGIN + 0.27
    text = f"\N{EM DASH} training {train[-1]:.3f}"
    left += page.text(left, top, text, **style.font(style.SMALL + 0.5, _TRAIN)) + 0.2
    best = _best(validation, kind)
    if best is not None:
        text = (
            f"\N{EM DASH} validation {validation[-1]:.3f}, "
            f"best {validation[best]:.3f} in epoch {best + 1}"
        )
        page.text(left, top, text, **style.font(style.SMALL + 0.5, _VALIDATION))


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
