"""One option of a method swept over several values: pictures side by side, or rows."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.plotting import labels, style
from tfxai.plotting.colours import colour_map
from tfxai.plotting.drawing import WORDS, Drawing
from tfxai.plotting.example_blocks import check_no_columns, in_rows
from tfxai.plotting.figures import save_figure
from tfxai.plotting.grouping import grouped, with_groups
from tfxai.plotting.images import is_diverging, is_of_an_image, show
from tfxai.plotting.kinds import check_words
from tfxai.plotting.notes import gathered
from tfxai.plotting.panels import draw_on, of_an_image, panel_of, panels_of
from tfxai.plotting.pictures import with_scale
from tfxai.plotting.signs import signs_of
from tfxai.plotting.strips import Around, Panel, Strip, Strips

if TYPE_CHECKING:
    import keras

    from tfxai.attribution import Attribution
    from tfxai.methods import AttributionMethod
    from tfxai.subject import Subject

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
    **words: Any,
) -> Figure:
    """Draws what a method says of one example for several values of one of its options.

    Args:
        method: The method; its other options stay as they are.
        option: Name of the option, such as `"samples"` or `"baseline"`.
        values: Its values, one panel each.
        model: The model, as in a call of the method.
        inputs: A batch of images, tables, series, volumes or texts, of which the first example
            is drawn.
        target: The target, as in a call of the method.
        path: File to write the figure to as well; its suffix names the format.
        **words: Options of `tfxai.plotting.Drawing`, such as `figsize=3.3` or `columns=4`, and
            more arguments of the call, such as `score`.

    Returns:
        The figure: of an image itself, then a heatmap for each value, each scaled on its own
        unless `vmax` says otherwise, with the completeness gap below where the method has one;
        of anything else a row for each value, as `plot_attribution` draws it, charts on one axis.

    Raises:
        UnknownNameError: The method has no such option.
        InvalidInputError: There is no value, or an option does not fit.
        OutputError: The file cannot be written.

    Example:
        `sweep(SmoothGrad(), "samples", (10, 25, 50, 100), subject, pixels)`
    """
    known = [field.name for field in dataclasses.fields(method)]
    if option not in known:
        raise UnknownNameError.of("option", option, known, owner=method.name)
    if not len(values):
        raise InvalidInputError("There is no value to sweep. Pass one or more.")
    how = Drawing.of({name: words.pop(name) for name in WORDS if name in words})
    how.check_labels(1)
    found = []
    for value in values:
        one = dataclasses.replace(method, **{option: value})(model, inputs, target, **words)
        found.append(grouped(one, how)[0])
        check_words(found, how)  # before the next value is computed
    names = [f"{option}={labels.option_text(value)}" for value in values]
    if all(map(is_of_an_image, found)):
        figure = _draw(found, option, names, how)
    else:
        figure = _draw_others(found, names, how)
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
    **words: Any,
) -> Figure:
    """Draws Integrated Gradients of one example from several baselines.

    Parts that look like the baseline get no attribution: black parts get none from a black one.

    Args:
        model: The model, as in a call of a method.
        inputs: As for `sweep`; the first example is drawn.
        target: The target, as in a call of a method.
        baselines: Values of `IntegratedGradients(baseline=...)`; black, white, blur and noise
            by default, white and black only where the preprocessing is known.
        method: A method with a baseline, instead of `IntegratedGradients()`.
        path: File to write the figure to as well; its suffix names the format.
        **words: Options of `tfxai.plotting.Drawing`, such as `figsize=3.3` or `columns=4`, and
            more arguments of the call, such as `score`.

    Returns:
        The figure, as `sweep` draws it.

    Raises:
        InvalidInputError: A baseline or an option does not fit.
        OutputError: The file cannot be written.
    """
    from tfxai.methods import IntegratedGradients
    from tfxai.subject import Subject

    sizes = getattr(inputs, "shape", (0, 0, 0))
    if baselines is None and (isinstance(inputs, Mapping) or len(sizes) < 3):
        shape = "several" if isinstance(inputs, Mapping) else f"of shape {tuple(sizes)}"
        raise InvalidInputError(
            f"The inputs are {shape}, and the baselines that are compared by default are of "
            "images. Pass baselines=, such as [0.0, 1.0]."
        )
    subject = Subject.of(model)
    if baselines is None:
        baselines = BASELINES if subject.preprocessing else (0.0, *BASELINES[2:])
    chosen = method or IntegratedGradients()
    return sweep(chosen, "baseline", baselines, subject, inputs, target, path=path, **words)


def _draw_others(found: Sequence[Attribution], names: Sequence[str], how: Drawing) -> Figure:
    """A row for each value of what is no image."""
    check_no_columns(how)
    how = with_scale(with_groups(found, how), found)
    if how.ax is not None:
        panels = [
            (name, draw)
            for one, name in zip(found, names, strict=True)
            for _, draw in panels_of([[one]], how)
        ]
        return draw_on(how.ax, panels, how)
    return in_rows([found], [0], (1, 0), how, headings=names, share_axes=True)


def _draw(found: Sequence[Attribution], option: str, names: Sequence[str], how: Drawing) -> Figure:
    first, pixels = of_an_image(found[0])
    how = with_scale(how, found)
    panels = [Panel("Image", lambda axes: show(axes, pixels), is_muted=True)]
    for one, name in zip(found, names, strict=True):
        gap = "" if one.completeness_gap is None else f"gap {labels.gap(one)}"
        panels.append(Panel(name, panel_of(one, how, "heatmap"), below=gap))
    if how.ax is not None:
        return draw_on(how.ax, [(panel.heading, panel.draw) for panel in panels], how)
    height, width = pixels.shape[:2]
    around = _around(found, names, first, how, option)
    return Strips([Strip(panels, width / height)], around, how).figure()


def _around(
    found: Sequence[Attribution],
    names: Sequence[str],
    first: Attribution,
    how: Drawing,
    option: str,
) -> Around:
    signed, look = is_diverging(first), how.styled("heatmap")
    words, has_bar = signs_of(first), look in ("overlay", "heatmap")
    title = labels.method_title(first.method["name"])
    said = [labels.scaling_note(how), *labels.style_notes(how, look, {signed}, words)]
    remarks = [(name, one.remarks) for name, one in zip(names, found, strict=True)]
    muted = style.font(style.BODY, style.MUTED)
    texts = [(labels.explained(first), muted), (labels.truth_text(first, 0, how), muted)]
    return Around(
        label=f"{title} of {labels.target_title(first)} over {option}",
        header=[(title, style.font(style.TITLE, bold=True)), *(one for one in texts if one[0])],
        legend=" ".join(said),
        remarks=gathered(remarks),
        bar=(colour_map(how.cmap, signed), signed, words) if has_bar else None,
    )
