"""What a figure says in words about an attribution of one example."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.classes import class_name, explains_class, labelled_class
from tfxai.core.inputs.frozen_arrays import FrozenArrays
from tfxai.plotting.drawing import Drawing, SharedTop

if TYPE_CHECKING:
    from tfxai.attribution import Attribution
    from tfxai.plotting.signs import Signs

KINDS = ("logit", "probability", "output")
_FEW_NUMBERS = 8  # of a tuple that is written out
_WORDS = {
    "grad": "Grad",
    "cam": "CAM",
    "lrp": "LRP",
    "shap": "SHAP",
    "lime": "LIME",
    "hsic": "HSIC",
    "idgi": "IDGI",
    "xrai": "XRAI",
    "rise": "RISE",
}
_TITLES = {
    "ablation_cam": "Ablation-CAM",
    "deconv_net": "DeconvNet",
    "deep_lift": "DeepLIFT",
    "deep_shap": "DeepSHAP",
    "eigen_cam": "Eigen-CAM",
    "eigen_grad_cam": "Eigen-Grad-CAM",
    "grad_cam_pp": "Grad-CAM++",
    "gradient_input": "Gradient \N{MULTIPLICATION SIGN} Input",
    "gradient_shap": "GradientSHAP",
    "guided_grad_cam": "Guided Grad-CAM",
    "hires_cam": "HiResCAM",
    "layer_cam": "LayerCAM",
    "score_cam": "Score-CAM",
    "smooth_grad": "SmoothGrad",
    "squared_smooth_grad": "Squared SmoothGrad",
    "var_grad": "VarGrad",
    "xgrad_cam": "XGrad-CAM",
}
_LONGEST = 60
_WINDOWS = ("window", "stride")


def method_title(name: str) -> str:
    """`"integrated_gradients"` as Integrated Gradients, `"grad_cam"` as Grad-CAM."""
    if name in _TITLES:
        return _TITLES[name]
    words = " ".join(_WORDS.get(word, word.capitalize()) for word in name.split("_"))
    return words.replace("Grad CAM", "Grad-CAM")


def shortened(text: str, longest: int = _LONGEST) -> str:
    """The text, its end cut off where it is too long."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def target_title(one: Attribution) -> str:
    """The explained class by its name, else its number; a score of another kind in words."""
    if one.score_name not in KINDS:
        words = one.score_name.replace("_", " ")
        return shortened(words[:1].upper() + words[1:])
    if np.ndim(one.target[0]) == 0 and one.target[0] < 0:  # a difference of two classes
        return one.score_name.capitalize()
    name = one.target_names[0]
    if np.ndim(one.target[0]) == 0:
        if class_name(int(one.target[0]), one.class_names) is not None:
            return shortened(name)
        if one.score_name == "output" and one.prediction is None:  # the only one there is
            return "Output"
    return f"Output {name}"


def value_text(one: Attribution) -> str:
    """The value of an output that is not a class, or nothing."""
    is_class = one.class_names or one.probability is not None
    return "" if is_class or one.score_name != "output" else f"value {number(one.score)}"


def prediction_text(one: Attribution) -> str:
    """The predicted class or largest output, where another one is explained, or nothing."""
    return "" if is_predicted(one) else predicted_text(one)


def is_predicted(one: Attribution) -> bool:
    """Whether the predicted class, or the largest output, is the one that is explained."""
    return one.prediction is not None and np.array_equal(one.prediction, one.target)


def predicted_text(one: Attribution) -> str:
    """The predicted class, or which output is the largest where none is a class; or nothing."""
    if one.prediction is None:
        return ""
    index = int(one.prediction[0])
    name = shortened(class_name(index, one.class_names) or f"output {index}")
    return f"the model predicts {name}" if explains_class(one) else f"{name} is the largest"


def probability_text(one: Attribution) -> str:
    """The probability of the explained class in words, or nothing; of two the first is named."""
    if one.probability is None:
        return ""
    first, _, second = one.score_name.partition(" rather than ")
    of = f" of {shortened(first)}" if second else ""
    return f"probability{of} {float(one.probability[0]):.1%}"


def answer_text(one: Attribution) -> str:
    """The probability of the explained class, or the value of an output that is none."""
    return probability_text(one) or value_text(one)


def explained(one: Attribution) -> str:
    """The class and its probability in one line."""
    return ", ".join(filter(None, (target_title(one), probability_text(one))))


def facts(one: Attribution, width: int = 36, *, part: str = "") -> list[str]:
    """Lines beside a row: the score explained, completeness, the layer, the options.

    Args:
        one: An attribution of one example.
        width: Letters of a line.
        part: Name of the input that the row is of, where a model has several.
    """
    name = one.score_name if one.score_name in KINDS else "score"
    is_difference = one.method["name"] == "difference"
    lines = [f"{'difference in ' if is_difference else ''}{name} {number(one.score)}"]
    if one.baseline_score is not None:
        lines[0] += f" (baseline {number(one.baseline_score)})"
    values = one.values.values() if isinstance(one.values, dict) else [one.values]
    if not any(np.any(array) for array in values):
        lines.append("zero everywhere")
    if one.completeness_gap is not None:
        lines.append(f"completeness gap {gap(one)}")
    if one.at is not None and one.at != one.method.get("options", {}).get("layer"):
        lines.append(f"at layer {one.at}")
    found = [f"{name}={value}" for name, value in options(one, part).items()]
    if found:
        lines.append(", ".join(found))
    return [part for line in lines for part in textwrap.wrap(line, width)]


def options(one: Attribution, part: str = "") -> dict[str, str]:
    """Each option of the method that is not None, in a few letters.

    Windows that a method chose for an input or a layer are in its details.
    """
    given = _with_usual(one.method.get("options", {}), usual_baseline(one))
    for name in _WINDOWS:
        chosen = one.details.get(f"{name}/{part}" if part else name)
        if chosen is not None and name in given:
            given[name] = tuple(np.asarray(chosen)[0].tolist())
    return {name: option_text(value) for name, value in given.items() if value is not None}


def usual_baseline(one: Attribution) -> str | None:
    """What inputs are compared with where a method's `baseline` says nothing; None for texts."""
    if one.text is not None:
        return None
    inputs = one.inputs if isinstance(one.inputs, dict) else {"": one.inputs}
    axes = one.axes if isinstance(one.axes, dict) else {"": one.axes}
    words = [
        _usual_of(np.asarray(array), axes.get(name, ""), one.preprocessing is not None)
        for name, array in inputs.items()
        if name not in one.held
    ]
    return ", ".join(dict.fromkeys(words)) or None


def _usual_of(inputs: Array, axes: str, is_of_pixels: bool) -> str:
    """What one input is compared with: black pixels, zeros, or no text."""
    if inputs.dtype.kind not in "fiub":
        return "empty text"
    is_quantity = inputs.dtype.kind == "f" or (inputs.dtype.kind != "b" and "W" in axes)
    return "black" if is_of_pixels and is_quantity else "0"


def _with_usual(given: dict[str, Any], usual: str | None) -> dict[str, Any]:
    """Options with the usual baseline in the place of none, in a method inside of it too.

    One inside that is compared with black and white, both, has no baseline of its own.
    """
    found = dict(given)
    if "baseline" in found and found["baseline"] is None:
        found["baseline"] = usual
    for name, value in given.items():
        if isinstance(value, dict) and "options" in value and not given.get("black_and_white"):
            found[name] = {**value, "options": _with_usual(value["options"], usual)}
    return found


def scaling_note(drawing: Drawing) -> str:
    """What the colours of heatmaps are a share of."""
    if isinstance(drawing.vmax, float):
        return f"All maps share one scale: the strongest colour is {number(drawing.vmax)} or more."
    percentile = f"{drawing.clip_percentile:g}{_ordinal(drawing.clip_percentile)}"
    return f"Each map is scaled by the {percentile} percentile of its own absolute values."


def style_notes(drawing: Drawing, style: str, signs: set[bool], words: Signs) -> list[str]:
    """What a style shows of the heat, and what its colours mean, a sentence each.

    Args:
        drawing: The options.
        style: The style that the figure has.
        signs: Whether heatmaps are signed: of all that are drawn.
        words: What the signs mean.
    """
    least = f"{max(drawing.least(style, signed=signed) for signed in signs):.3g}"
    is_given = isinstance(drawing.vmax, float) and not isinstance(drawing.vmax, SharedTop)
    strongest = "colour" if is_given else "part"
    is_of_some = len({drawing.least(style, signed=signed) for signed in signs}) > 1
    overlays = "Overlays of signed values" if is_of_some else "Overlays"
    said = {
        "overlay": f"{overlays} leave out what is under {least} of the strongest colour.",
        "heatmap": f"Values under {least} of the strongest colour are left out.",
        "mask": f"Masks show {words.parts} by {least} of the strongest {strongest} or more.",
        "contour": f"Lines are around parts of {least} of the strongest {strongest} or more.",
    }
    found = [said[style]] if float(least) else []
    if style in ("mask", "contour"):
        found.append("Parts are of the map smoothed by a fiftieth of its side.")
    if style == "contour" and True in signs:
        found.append(words.lines)
    return found


def truth_text(one: Attribution, number: int, drawing: Drawing) -> str:
    """The true class of that example in words, or nothing."""
    name = truth(one, number, drawing)
    return f"true label {name}" if name else ""


def truth(one: Attribution, number: int, drawing: Drawing) -> str:
    """The name of the true class of that example, or nothing."""
    if drawing.true_labels is None:
        return ""
    return class_label(one, drawing.true_labels[number])


def class_label(one: Attribution, label: Any) -> str:
    """A true label by the model's own name of the class, or as it is where it names none."""
    index = labelled_class(label, one.class_names)
    return shortened(class_name(-1 if index is None else index, one.class_names) or str(label))


def is_mistaken(one: Attribution, label: Any) -> bool:
    """Whether the model answers with another class than the true label."""
    answers = one.target if one.prediction is None else one.prediction
    is_same = np.ndim(answers[0]) == 0 and answers[0] == labelled_class(label, one.class_names)
    return explains_class(one) and not is_same


def _ordinal(percentile: float) -> str:
    """The letters after a percentile, such as those of 1st."""
    if percentile % 1 or percentile % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(int(percentile % 10), "th")


def number(value: Any) -> str:
    """A number to four digits, or to one from 10,000 to 10 million, with a true minus sign."""
    given = float(np.ravel(value)[0])
    text = f"{given:.0f}" if 1e4 <= abs(given) < 1e7 else f"{given:.4g}"
    return text.replace("-", "\N{MINUS SIGN}")


def signed_number(value: Any, digits: int) -> str:
    """A number to so many digits with its sign, a true minus."""
    return f"{float(value):+.{digits}g}".replace("-", "\N{MINUS SIGN}")


def gap(one: Attribution) -> str:
    """The completeness gap, and its share of the difference that was to be explained."""
    if one.completeness_gap is None or one.baseline_score is None:
        return number(one.completeness_gap)
    value = float(one.completeness_gap[0])
    difference = float(one.score[0]) - float(one.baseline_score[0])
    if not np.isfinite([value, difference]).all():
        return "unknown"
    text = signed_number(value, 2)
    if difference == 0:
        return text
    share = abs(value / difference)
    return f"{text} (" + (f"{share:.2%})" if share >= 1e-4 else "<0.01%)")


def option_text(value: Any) -> str:
    """An option's value in a few letters, as it is or as JSON has it."""
    if value is None or isinstance(value, bool | int | float | str):
        return str(value)
    if isinstance(value, dict) and value.get("name") == "samples":
        array = value["options"]["array"]
        first = next(iter(array.values())) if isinstance(array, dict) else array
        return f"{len(np.asarray(first))} baselines"
    if isinstance(value, dict) and "name" in value:
        options = {k: v for k, v in value.get("options", {}).items() if v is not None}
        inner = ", ".join(f"{name}={option_text(one)}" for name, one in options.items())
        return f"{value['name']}({inner})" if inner else str(value["name"])
    if isinstance(value, FrozenArrays):
        return f"(arrays for {', '.join(name for name, _ in value.parts)})"
    if isinstance(value, list | tuple) and _is_short(value):
        inner = ", ".join(map(option_text, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list | tuple | dict) or hasattr(value, "__array__"):
        return "(an array)"
    return str(getattr(value, "name", type(value).__name__))


def _is_short(value: Any) -> bool:
    """Whether numbers and words, or tuples of them, are few enough to be written out."""
    if isinstance(value, list | tuple):
        nested = [one for one in value if isinstance(one, list | tuple)]
        is_tuple = isinstance(value, tuple) or not nested  # lists of lists are arrays
        return is_tuple and 0 < len(value) <= _FEW_NUMBERS and all(map(_is_short, value))
    return value is None or isinstance(value, bool | int | float | str)
