"""How a figure is drawn: one record of options that every figure of attributions takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap

from tfxai.core.options import Declared, Kind, option
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.feature_groups import ONE_HOT
from tfxai.heatmaps import CLIP
from tfxai.plotting.colours import OPAQUE, colour_map

STYLES = ("overlay", "heatmap", "mask", "contour")
SHARED = "shared"
LARGEST = 100.0
"""Most inches of a figure's side."""
SMOOTHED = ("mask", "contour")
"""Styles that show parts of the heat smoothed."""
_THRESHOLDS = {"overlay": 0.2, "mask": 0.5, "contour": 0.5}  # of overlays: where signed


class SharedTop(float):
    """The value of the strongest colour, taken from all maps that are drawn.

    Attributes:
        parts: The same of these maps smoothed.
    """

    parts: float

    def __new__(cls, value: float, parts: float) -> SharedTop:
        """The value for the maps, and that for what is smoothed."""
        made = super().__new__(cls, value)
        made.parts = parts
        return made


def _read_size(name: str, given: Any) -> tuple[float, float | None]:
    sides = list(given) if isinstance(given, Sequence | np.ndarray) else [given]
    if len(sides) == 2 and sides[1] is None:  # as it is stored
        sides.pop()
    try:
        numbers = [float(side) for side in sides if not isinstance(side, str | bool)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) not in (1, 2) or len(numbers) != len(sides):
        numbers = []
    if not numbers or not all(1 <= side <= LARGEST for side in numbers):
        raise InvalidInputError(f"{name}={given!r} was expected to be {SIZE.words}.")
    return numbers[0], numbers[1] if len(numbers) == 2 else None


def _read_axes(name: str, given: Any) -> tuple[Axes, ...]:
    several = (given,) if isinstance(given, Axes) else tuple(np.ravel(np.asarray(given, object)))
    if not several or not all(isinstance(one, Axes) for one in several):
        raise InvalidInputError(
            f"{name} is {type(given).__name__}, and was expected to be {_AXES.words}."
        )
    return several


def _read_colours(name: str, given: Any) -> str | Colormap:
    if not isinstance(given, str | Colormap):
        raise InvalidInputError(f"{name}={given!r} was expected to be {_COLOURS.words}.")
    colour_map(given, signed=False)  # an unknown name is refused before anything is computed
    return given


def _read_top(name: str, given: Any) -> float | str:
    if isinstance(given, str) and given == SHARED:
        return given
    is_number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    if not is_number or not np.isfinite(given) or given <= 0:
        raise InvalidInputError(f"{name}={given!r} was expected to be {_TOP.words}.")
    return given if isinstance(given, SharedTop) else float(given)


def _within(above: float, at_most: float, words: str) -> Kind:
    def read(name: str, given: Any) -> float:
        is_number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
        if not is_number or not above < given <= at_most:
            raise InvalidInputError(f"{name}={given!r} was expected to be {words}.")
        return float(given)

    return Kind(words, read)


def _read_names(name: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, str | bytes) or not np.iterable(given):
        given = (given,)
    return tuple(np.ravel(np.asarray(tuple(given), object)).tolist())


def _read_groups(name: str, given: Any) -> Any:
    if isinstance(given, Mapping):
        return given if isinstance(given, dict) else dict(given)
    if isinstance(given, str) and given == ONE_HOT:
        return given
    if isinstance(given, list | tuple) and given and all(isinstance(one, str) for one in given):
        return tuple(given)
    array = np.asarray(given)
    if array.dtype.kind not in "iu" or not array.ndim:
        raise InvalidInputError(
            f"{name} is {type(given).__name__}, and was expected to be {_GROUPS.words}."
        )
    return array


SIZE = Kind(f"a width in inches, or a width and a height, each in [1, {LARGEST:g}]", _read_size)
_AXES = Kind("Axes of matplotlib, or several of them", _read_axes)
_COLOURS = Kind("a colour map of matplotlib or the name of one", _read_colours)
_TOP = Kind("a number above 0 or 'shared'", _read_top)
_SHARE = _within(0, 1, "a number above 0, at most 1")
_PERCENTILE = _within(0, 100, "a percentile: a number above 0, at most 100")
_GROUPS = Kind(
    "a dict from a name to the names of columns, a list of names that columns begin with, "
    f"{ONE_HOT!r}, or an integer for each place",
    _read_groups,
)
_NAMES = Kind("several names, one each", _read_names)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Drawing(Declared):
    """How a figure is drawn; the words that `plot`, `plot_comparison` and `sweep` take.

    Args:
        figsize: Width of the figure in inches, or (width, height); panels and text follow it,
            text no smaller than 80 % of its usual size unless there is no room for that. None is
            what the panels need.
        ax: Your own axes to draw on, instead of a new figure: one for each picture, the
            photograph of a comparison or sweep included. They get the picture and its title
            alone; of a table the bars, of a series the lines of its values, of a volume the
            projection.
        title: A line above everything.
        cmap: A colour map of matplotlib for the heatmaps, instead of the one that suits.
        style: What lies over an image: `"overlay"` (heat over the image in grey), `"heatmap"`
            (heat alone), `"mask"` (the parts of the image that support the score, the rest
            faded) or `"contour"` (lines around the strongest parts); parts are of the heat
            smoothed by a fiftieth of its longer side, where that is a pixel or more, on the scale
            that it has then. None is an overlay, in a sweep a heatmap.
        vmax: Value in the unit of the maps that gets the strongest colour, the same in every map;
            `"shared"` takes the largest of what the maps would have on their own. None scales
            each map on its own, and shares where one method explains several targets.
        alpha: How opaque the strongest heat of an overlay is, in (0, 1].
        clip_percentile: Percentile in (0, 100] of a map's absolute values that gets the strongest
            colour, where `vmax` does not say.
        threshold: Share in [0, 1) of the strongest colour, or of the strongest part, that heat
            has to reach to be shown. None is 0.2 in overlays of signed values, 0.5 for masks and
            contours, else 0.
        feature_names: One name for each feature of a table or channel of a series.
        groups: What is summed before it is drawn. Of a table a dict from a name to the names of
            columns, a list of the names that they begin with (`["color"]` for `color_red` and
            `color_blue`), or `"one_hot"`, as for `Attribution.to_pandas`; None sums one-hot
            columns where the method compares with a baseline, and the figure says so, `{}`
            none. Of images, volumes and series an integer for each place of an example or of all,
            such as `tfxai.superpixels` gives: each place shows the sum over its region.
        true_labels: The true class of each example, as a number or a name, to be named beside
            the prediction.
        certain: Whether pixels are grey whose value the samples do not make certain at 95 %, for
            images and methods that report `details["standard_error"]`.
        columns: Pictures side by side: draws many examples as a grid, and breaks the lines of a
            comparison or sweep. None is one line of all.

    Raises:
        InvalidInputError: An option is of another kind or out of range.
        UnknownNameError: There is no such style or colour map.
    """

    figsize: Any = option(None, kind=SIZE)
    ax: Any = option(None, kind=_AXES)
    title: str | None = option(None, kind=str)
    cmap: Any = option(None, kind=_COLOURS)
    style: str | None = option(None, kind=str, choices=STYLES)
    vmax: Any = option(None, kind=_TOP)
    alpha: float = option(OPAQUE, kind=_SHARE)
    clip_percentile: float = option(CLIP, kind=_PERCENTILE)
    threshold: float | None = option(None, kind=float, at_least=0, below=1)
    feature_names: Any = option(None, kind=_NAMES)
    groups: Any = option(None, kind=_GROUPS)
    true_labels: Any = option(None, kind=_NAMES)
    certain: bool = option(False)
    columns: int | None = option(None, kind=int, at_least=1)

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Drawing:
        """The record of those words.

        Raises:
            InvalidInputError: A value does not fit.
            UnknownNameError: There is no such word.
        """
        for word in words:
            if word not in WORDS:
                raise UnknownNameError.of("drawing option", word, WORDS)
        return cls(**words)

    def least(self, style: str, *, signed: bool) -> float:
        """The share of the strongest colour that heat has to reach in that style."""
        if self.threshold is not None:
            return self.threshold
        return 0.0 if style == "overlay" and not signed else _THRESHOLDS.get(style, 0.0)

    def styled(self, usual: str) -> str:
        """The style asked for, or the one that the figure usually has."""
        return self.style or usual

    def check_labels(self, count: int) -> None:
        """Raises `InvalidInputError` unless there is a true label for each example, or none."""
        if self.true_labels is not None and len(self.true_labels) != count:
            raise InvalidInputError(
                f"true_labels holds {len(self.true_labels)} labels for {count} examples. "
                "Pass one for each."
            )


WORDS = tuple(field.name for field in dataclasses.fields(Drawing))
