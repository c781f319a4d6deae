"""How a figure fits the size that was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from tfxai.errors import InvalidInputError

READABLE = 0.8
"""Text of that share of its usual size is the smallest unless there is no room for it."""
_SMALLEST = 0.55
_LEAST = 0.25  # of a panel's usual size


@dataclasses.dataclass(frozen=True)
class Fit:
    """A page in the inches that it is laid out in, and how many real ones each of them is."""

    width: float
    height: float
    zoom: float


def fit(
    size: tuple[float, float | None] | None,
    usual: float,
    lay_out: Callable[[float, float], tuple[float, float]],
) -> Fit:
    """Lays out a page so that it has that size.

    All on the page grows and shrinks with it, text down to `READABLE`; below that width panels get
    narrower alone, and below that height lower ones.

    Args:
        size: (width, height) in inches; the height may be None, for what is needed. None is the
            usual width.
        usual: The width in inches that the page has by itself.
        lay_out: From a width and a share of the panels' size to the width and height that the page
            needs; keeps what it laid out last.

    Raises:
        InvalidInputError: The page does not fit.
    """
    if size is None:
        needed = lay_out(usual, 1.0)
        return Fit(max(usual, needed[0]), needed[1], 1.0)
    width, height = size
    needed = (0.0, 0.0)
    for zoom, share in _ways(width / usual):
        needed = lay_out(width / zoom, share)
        is_wide_enough = needed[0] <= width / zoom + 1e-6
        if is_wide_enough and (height is None or needed[1] * zoom <= height + 1e-6):
            return Fit(width / zoom, needed[1] if height is None else height / zoom, zoom)
    given = f"({width:g}, {height:g})" if height is not None else f"{width:g}"
    raise InvalidInputError(
        f"figsize={given} is too small for what is drawn, which needs {needed[0] * zoom:.1f} x "
        f"{needed[1] * zoom:.1f} inches with the smallest text. Pass a larger size, or draw less."
    )


def _ways(zoom: float) -> Iterator[tuple[float, float]]:
    """Zooms and shares of panels, the most readable first."""
    zoom = max(zoom, READABLE)
    yield zoom, 1.0
    while zoom > READABLE:
        zoom = max(0.93 * zoom, READABLE)
        yield zoom, 1.0
    share = 1.0
    while share > _LEAST:
        share = max(0.88 * share, _LEAST)
        yield zoom, share
    while zoom > _SMALLEST:
        zoom = max(0.95 * zoom, _SMALLEST)
        for share in (1.0, 0.6, _LEAST):
            yield zoom, share
