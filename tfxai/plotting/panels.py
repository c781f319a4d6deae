"""Single pictures on the user's own axes, and as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.plotting import labels, style
from tfxai.plotting.colours import scale
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.grouping import grouped
from tfxai.plotting.images import image_part, is_diverging, show
from tfxai.plotting.kinds import rows_of
from tfxai.plotting.pictures import colours_of, heat_of, picture, with_scale

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

Panel: TypeAlias = "tuple[str, Callable[[Axes], object]]"
"""A title, and what draws the panel on axes."""


def panels_of(ones: Sequence[Sequence[Attribution]], drawing: Drawing) -> list[Panel]:
    """A panel for each example and method: what lies over the image, bars, lines, a projection.

    Where a model has several inputs, there is one for each of them that is drawn.
    """
    has_methods = len(ones[0]) > 1
    found: list[Panel] = []
    for row in ones:
        for one in row:
            title = (
                labels.method_title(one.method["name"]) if has_methods else labels.explained(one)
            )
            if image_part(one) is not None:
                found.append((title, panel_of(one, drawing, "overlay")))
            else:
                found += [(title, made.draw_alone) for _, _, made in rows_of(one, drawing)]
    return found


def panel_of(one: Attribution, drawing: Drawing, usual: str) -> Callable[[Axes], object]:
    """What draws the image and heat of one example on axes, in the style asked for."""
    part, pixels = of_an_image(one)
    look = drawing.styled(usual)
    signed = is_diverging(part)
    cmap = colours_of(drawing, signed=signed)
    heat = heat_of(part, pixels.shape[:2], drawing)
    if look == "heatmap":
        least = drawing.least(look, signed=signed)
        shown = np.where(np.abs(heat) < least, 0, heat)
        return lambda axes: show(axes, shown, cmap=cmap, norm=scale(signed))
    made = picture(pixels, heat, drawing, look, cmap, signed)
    return lambda axes: show(axes, made)


def draw_on(axes: Sequence[Axes], panels: Sequence[Panel], drawing: Drawing) -> Figure:
    """Draws each panel on axes of the user's, with its title; `title` names the only one.

    Raises:
        InvalidInputError: There are more or fewer axes than panels.
    """
    if len(axes) != len(panels):
        raise InvalidInputError(
            f"ax holds {len(axes)} axes for {len(panels)} pictures. Pass one for each."
        )
    for place, (title, draw) in zip(axes, panels, strict=True):
        draw(place)
        text = drawing.title if drawing.title is not None and len(panels) == 1 else title
        place.set_title(text, parse_math=False, **_title_font())
    figure: Any = axes[0].get_figure(root=True)
    if drawing.title is not None and len(panels) > 1:
        figure.suptitle(drawing.title, parse_math=False)
    return figure


def _title_font() -> dict[str, Any]:
    return {"fontsize": style.BODY, "fontfamily": list(style.families())}


def pictures(attribution: Attribution, **drawing: Any) -> list[Array]:
    """What figures draw over each image, as arrays.

    Args:
        attribution: Of images.
        **drawing: Options of `tfxai.plotting.Drawing`, such as `style` and `threshold`.

    Returns:
        (H, W, 3) in [0, 1] for each example; contours of small images have more pixels.

    Raises:
        InvalidInputError: The inputs are not images, or an option does not fit.
        UnknownNameError: There is no such option, style or colour map.
    """
    places = range(len(attribution))
    how = Drawing.of(drawing)
    attribution = grouped(attribution, how)
    how = with_scale(how, (attribution[i] for i in places))
    return [drawn(attribution[i], how, "overlay") for i in places]


def drawn(one: Attribution, drawing: Drawing, usual: str) -> Array:
    """(H, W, 3) in [0, 1] what is drawn over the image of one example."""
    part, pixels = of_an_image(one)
    signed = is_diverging(part)
    heat = heat_of(part, pixels.shape[:2], drawing)
    cmap = colours_of(drawing, signed=signed)
    return picture(pixels, heat, drawing, drawing.styled(usual), cmap, signed)


def of_an_image(one: Attribution) -> tuple[Attribution, Array]:
    """The part of an attribution that lies over its image, and the image."""
    part = image_part(one)
    if part is None:
        what = "The model takes several inputs"
        if not isinstance(one.inputs, dict):
            what = f"The inputs have shape {np.shape(one.inputs)}"
        raise InvalidInputError(f"{what}, and images (B, H, W, C) are drawn.")
    return part
