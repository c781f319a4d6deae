"""An image's attributions in the ways that alibi and Captum draw them."""

from __future__ import annotations

import enum
import warnings
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError, TfxaiWarning, UnknownNameError
from tfxai.plotting.colours import colour_map


class ImageVisualizationMethod(enum.Enum):
    """How attributions are drawn."""

    heat_map = 1
    blended_heat_map = 2
    original_image = 3
    masked_image = 4
    alpha_scaling = 5


class VisualizeSign(enum.Enum):
    """Which attributions are drawn."""

    positive = 1
    absolute_value = 2
    negative = 3
    all = 4


_COLOURS = {"positive": "Greens", "absolute_value": "Blues", "negative": "Reds"}
_SIGNED = LinearSegmentedColormap.from_list("red_white_green", ["red", "white", "green"])


def visualize_image_attr(  # noqa: PLR0913 - alibi's own
    attr: Any,
    original_image: Any = None,
    method: str = "heat_map",
    sign: str = "absolute_value",
    plt_fig_axis: tuple[Figure, Axes] | None = None,
    outlier_perc: float = 2,
    cmap: str | Colormap | None = None,
    alpha_overlay: float = 0.5,
    show_colorbar: bool = False,
    title: str | None = None,
    fig_size: tuple[float, float] = (6, 6),
    use_pyplot: bool = True,
) -> tuple[Figure, Axes]:
    """Draws the attributions of one image.

    Attributions are added up over the channels; those of the sign are divided by the least of the
    largest ones, which make up `outlier_perc` per cent of their total, and cut off at 1.

    Args:
        attr: (H, W, C) attributions; None will do for the image alone.
        original_image: (H, W, C) the image, in [0, 1] or integers in [0, 255].
        method: `"heat_map"`, `"blended_heat_map"` (over the image in grey), `"original_image"`,
            `"masked_image"` (the image times the attributions) or `"alpha_scaling"` (the image,
            as opaque as the attributions are large).
        sign: `"positive"`, `"absolute_value"`, `"negative"` or `"all"`, which only heat maps have.
        plt_fig_axis: Figure and axes to draw into; None makes them.
        outlier_perc: In [0, 100).
        cmap: Colour map of a heat map; None is greens, blues, reds, or red to green for all.
        alpha_overlay: How opaque a blended heat map is, in [0, 1].
        show_colorbar: Draw a colour bar below; without a heat map its place is left empty.
        title: Title of the axes.
        fig_size: Width and height of a new figure, in inches.
        use_pyplot: Make the figure with pyplot, and show it.

    Returns:
        The figure and the axes.

    Raises:
        InvalidInputError: Shapes do not fit, an image is missing, or the sign cannot be drawn so.
        UnknownNameError: There is no such method, sign or colour map.
    """
    for name, word, known in (
        ("method", method, ImageVisualizationMethod),
        ("sign", sign, VisualizeSign),
    ):
        if word not in known.__members__:
            raise UnknownNameError.of(name, str(word), known.__members__)
    attributions, image = _read(attr, original_image, method, sign)
    figure, axes = plt_fig_axis or _new(fig_size, use_pyplot=use_pyplot)
    heat = None
    if method == "original_image":
        axes.imshow(_shown(image))
    else:
        strength = _strength(attributions, sign, outlier_perc)
        if method == "masked_image":
            axes.imshow(_shown(image * strength[..., None]))
        elif method == "alpha_scaling":
            axes.imshow(_shown(np.concatenate([_colours(image), 255 * strength[..., None]], -1)))
        else:
            if method == "blended_heat_map":
                axes.imshow(image.mean(axis=-1), cmap="gray")
            colours = cmap if cmap is not None else _COLOURS.get(sign, _SIGNED)
            heat = axes.imshow(
                strength,
                cmap=colour_map(colours, False),
                vmin=-1 if sign == "all" else 0,
                vmax=1,
                alpha=alpha_overlay if method == "blended_heat_map" else None,
            )
    axes.set(xticks=[], yticks=[], title=title or "")
    if show_colorbar:
        bar = figure.colorbar(
            heat or ScalarMappable(), ax=axes, location="bottom", fraction=0.05, pad=0.05
        )
        bar.ax.set_visible(heat is not None)
    if use_pyplot:
        _show()
    return figure, axes


def _read(attr: Any, image: Any, method: str, sign: str) -> tuple[Array, Array]:
    """The attributions (H, W, C), and the image in [0, 255]; zeros where none is needed."""
    if method == "original_image" and attr is None and image is not None:
        attr = np.zeros((*np.shape(image)[:2], 1))  # nothing of it is drawn
    attributions = np.asarray(attr)
    if attributions.ndim != 3 or not attributions.size:
        raise InvalidInputError(
            f"attr has shape {attributions.shape}, and (H, W, C) was expected. Pass the "
            "attributions of one image."
        )
    if sign == "all" and method in ("masked_image", "alpha_scaling"):
        raise InvalidInputError(
            f"method={method!r} cannot show both signs. Pass sign='positive', 'negative' or "
            "'absolute_value', or a heat map."
        )
    if image is None:
        if method != "heat_map":
            raise InvalidInputError(f"method={method!r} needs original_image, and None came.")
        return attributions, np.zeros((*attributions.shape[:2], 3))
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[:2] != attributions.shape[:2]:
        raise InvalidInputError(
            f"original_image has shape {pixels.shape}, and attr has {attributions.shape}. Pass "
            "the image that was explained."
        )
    is_unit = pixels.dtype.kind == "f" and pixels.max() <= 1
    return attributions, (pixels * 255).astype(int) if is_unit else pixels


def _strength(attributions: Array, sign: str, outlier_perc: float) -> Array:
    """(H, W) in [-1, 1], of which the largest are cut off; in [0, 1] but for all signs."""
    if not 0 <= outlier_perc < 100:
        raise InvalidInputError(f"outlier_perc={outlier_perc!r} was expected to lie in [0, 100).")
    total = attributions.sum(axis=-1, dtype=float)
    of_sign = {
        "all": total,
        "absolute_value": np.abs(total),
        "positive": np.maximum(total, 0),
        "negative": np.maximum(-total, 0),
    }[sign]
    sizes = np.sort(np.abs(of_sign), axis=None)
    reached = np.cumsum(sizes) >= sizes.sum() * (1 - outlier_perc / 100)
    scale = float(sizes[np.argmax(reached)])
    if scale < 1e-5:
        warnings.warn(
            f"Attributions are drawn on a scale of {scale:.2g}, so they are close to 0.",
            TfxaiWarning,
            stacklevel=3,
        )
    return np.clip(of_sign / (scale or 1.0), -1, 1)


def _colours(image: Array) -> Array:
    """(H, W, 3) of an image in grey or colours."""
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def _shown(pixels: Array) -> Array:
    """Pixels as integers in [0, 255]."""
    return np.clip(_colours(pixels), 0, 255).astype(np.uint8)


def _new(size: tuple[float, float], *, use_pyplot: bool) -> tuple[Figure, Axes]:
    if use_pyplot:
        from matplotlib import pyplot as plt

        return plt.subplots(figsize=size)
    figure = Figure(figsize=size)
    return figure, figure.subplots()


def _show() -> None:
    """Shows pyplot's figures; nothing where there is no display."""
    from matplotlib import pyplot as plt

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*non-interactive.*", category=UserWarning)
        plt.show()
