"""One option of a method swept over several values, side by side."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.plotting import labels, style
from tfxai.plotting.colours import colour_map, scale
from tfxai.plotting.figures import Page, save_figure
from tfxai.plotting.images import image_part, is_diverging, show
from tfxai.plotting.notes import Notes, gathered

if TYPE_CHECKING:
    import keras

    from tfxai.attribution import Attribution
    from tfxai.methods import AttributionMethod
    from tfxai.subject import Subject

_SIDE = 1.6  # inches of each panel's height
_GAP = 0.14
_MARGIN = 0.25
_ABOVE = 0.62
_BELOW = 0.25  # for a gap
_NARROWEST = 4.6
BASELINES = ("black", "white", "blur", "noise")


def sweep(
    method: AttributionMethod,
    option: str,
    values: Sequence[Any],
    model: keras.Model | Subject,
    inputs: Any,
    target: Any = None,
    *,
    path: str | os.PathLike[str] | None = None,
    **call: Any,
) -> Figure:
    """Draws what a method says of one image for several values of one of its options.

    Args:
        method: The method; its other options stay as they are.
        option: Name of the option, such as `"samples"` or `"baseline"`.
        values: Its values, one panel each.
        model: The model, as in a call of the method.
        inputs: A batch of images, of which the first is drawn.
        target: The target, as in a call of the method.
        path: File to write the figure to as well; its suffix names the format.
        **call: More arguments of the call, such as `score`.

    Returns:
        The figure: the image, then a heatmap for each value, each scaled on its own, with the
        completeness gap below where the method has one.

    Raises:
        UnknownNameError: The method has no such option.
        InvalidInputError: There is no value, or the inputs are not images.
        OutputError: The file cannot be written.

    Example:
        `sweep(SmoothGrad(), "samples", (10, 25, 50, 100), subject, pixels)`
    """
    known = [field.name for field in dataclasses.fields(method)]
    if option not in known:
        raise UnknownNameError.of("option", option, known, owner=method.name)
    if not len(values):
        raise InvalidInputError("There is no value to sweep. Pass one or more.")
    shape = getattr(inputs, "shape", None)
    if shape is not None and len(shape) < 3:
        raise InvalidInputError(
            f"The inputs have shape {tuple(shape)}, and images (B, H, W, C) are drawn."
        )
    found = []
    for value in values:
        found.append(
            dataclasses.replace(method, **{option: value})(model, inputs, target, **call)[0]
        )
        _of_an_image(found[-1])  # before the next value is computed
    figure = _draw(found, option, values)
    if path is not None:
        save_figure(figure, path)
    return figure


def compare_baselines(
    model: keras.Model | Subject,
    inputs: Any,
    target: Any = None,
    *,
    baselines: Sequence[Any] | None = None,
    method: AttributionMethod | None = None,
    path: str | os.PathLike[str] | None = None,
    **call: Any,
) -> Figure:
    """Draws Integrated Gradients of one image from several baselines, side by side.

    Parts that look like the baseline get no attribution: black parts get none from a black one.

    Args:
        model: The model, as in a call of a method.
        inputs: A batch of images, of which the first is drawn.
        target: The target, as in a call of a method.
        baselines: Values of `IntegratedGradients(baseline=...)`; black, white, blur and noise
            by default, white and black only where the preprocessing is known.
        method: A method with a baseline, instead of `IntegratedGradients()`.
        path: File to write the figure to as well; its suffix names the format.
        **call: More arguments of the call, such as `score`.

    Returns:
        The figure, as `sweep` draws it.

    Raises:
        InvalidInputError: A baseline does not fit, or the inputs are not images.
        OutputError: The file cannot be written.
    """
    from tfxai.methods import IntegratedGradients
    from tfxai.subject import Subject

    subject = Subject.of(model)
    if baselines is None:
        baselines = BASELINES if subject.preprocessing else (0.0, *BASELINES[2:])
    chosen = method or IntegratedGradients()
    return sweep(chosen, "baseline", baselines, subject, inputs, target, path=path, **call)


def _draw(found: Sequence[Attribution], option: str, values: Sequence[Any]) -> Figure:
    pixels = _of_an_image(found[0])[1]
    first, *_ = ones = [_of_an_image(one)[0] for one in found]
    height, width = pixels.shape[:2]
    panel = float(np.clip(_SIDE * width / height, 0.6, 3 * _SIDE))
    step = panel + _GAP
    side = panel * height / width
    title = labels.method_title(first.method["name"])
    names = [f"{option}={labels.option_text(value)}" for value in values]
    signed = is_diverging(first)
    remarks = gathered([(name, one.remarks) for name, one in zip(names, found, strict=True)])
    page_width = max(2 * _MARGIN + step * (len(found) + 1) - _GAP, _NARROWEST)
    notes = Notes(labels.scaling_note(signed=signed), remarks, page_width)
    has_gaps = any(one.completeness_gap is not None for one in ones)
    page = Page(
        page_width,
        _MARGIN + _ABOVE + side + (_BELOW if has_gaps else 0.1) + notes.height,
        f"{title} of {labels.target_title(first)} over {option}",
    )
    right = _MARGIN + 0.12
    right += page.text(_MARGIN, _MARGIN, title, **style.font(style.TITLE, bold=True))
    page.text(
        right, _MARGIN + 0.05, labels.explained(first), **style.font(style.BODY, style.MUTED)
    )
    top = _MARGIN + _ABOVE
    show(page.axes(_MARGIN, top, panel, side), pixels)
    page.text(_MARGIN, top - 0.2, "Image", **style.font(style.SMALL + 0.5, style.MUTED))
    for column, (one, name) in enumerate(zip(ones, names, strict=True), start=1):
        left = _MARGIN + column * step
        name = labels.shortened(name, int(panel * 14))
        page.text(left, top - 0.2, name, **style.font(style.SMALL + 0.5))
        axes = page.axes(left, top, panel, side)
        heat = one.heatmap(size=(height, width))[0]
        show(axes, heat, cmap=colour_map(None, signed), norm=scale(signed))
        if one.completeness_gap is not None:
            text = f"gap {labels.gap(one)}"
            page.text(left, top + side + 0.06, text, **style.font(style.SMALL, style.MUTED))
    notes.draw(page)
    return page.figure


def _of_an_image(one: Attribution) -> tuple[Attribution, Array]:
    """The part of an attribution that lies over its image, and the image."""
    part = image_part(one)
    if part is None:
        inputs = one.inputs
        what = "The model takes several inputs"
        if not isinstance(inputs, dict):
            what = f"The inputs have shape {inputs.shape}"
        raise InvalidInputError(f"{what}, and images (B, H, W, C) are drawn.")
    return part
