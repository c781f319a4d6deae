"""The baseline x' of a path or an occlusion: the input that stands for nothing to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrangement import array_channels_back, array_channels_last
from tfxai.core.inputs.baseline_records import (
    COLOURS,
    KINDS,
    ZERO,
    Activations,
    Baseline,
    Constant,
    OfTokens,
    Samples,
    Text,
    one_for_each,
)
from tfxai.core.inputs.frozen_arrays import FrozenArray, FrozenArrays
from tfxai.core.options import Kind
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.arrays import Array
    from tfxai.core.inputs.layout import Layout
    from tfxai.core.inputs.parts import Part

_NEED_MORE = (Samples.name, Activations.name, Text.name)
_WORDS = [*COLOURS, *(name for name in KINDS if name not in _NEED_MORE), ZERO]
_ADVICE = (
    f"Pass None, a number, {', '.join(map(repr, _WORDS))}, a record of tfxai.baselines, an array "
    "shaped like one input or the batch, or a dict of such arrays for several inputs."
)


def check_baseline(baseline: Any) -> Any:
    """A `baseline` option in its stored form: None, a float, a colour, a record, a `FrozenArray`.

    A text of several words is `Text`: no name of a baseline holds a space.

    Raises:
        InvalidInputError: It is none of these, or not finite.
    """
    if _is_stored(baseline):
        return _from_record(baseline)
    if isinstance(baseline, Constant):
        baseline = baseline.value
    made = FrozenArray | FrozenArrays | Baseline | Samples | Activations
    if baseline is None or isinstance(baseline, made):
        return baseline
    if (each := one_for_each(_by_column(baseline))) is not None:
        parts = [(k, _part(f"baseline[{k!r}]", v)) for k, v in each.items()]
        return FrozenArrays(tuple(parts))
    if isinstance(baseline, str):
        if len(baseline.split()) > 1:
            return Text(baseline)
        if baseline not in _WORDS:
            raise UnknownNameError.of("baseline", baseline, _WORDS)
        if baseline == ZERO:
            return Activations(0.0)
        return KINDS[baseline]() if baseline in KINDS else baseline
    content = FrozenArray.of("baseline", baseline, _ADVICE)
    return float(content.array) if content.array.ndim == 0 else content


def _part(name: str, given: Any) -> Any:
    """The baseline of one input: numbers, or a text."""
    if isinstance(given, str):
        return given
    texts = np.asarray(given, dtype=object) if isinstance(given, list | np.ndarray) else None
    if texts is not None and texts.size == 1 and isinstance(texts.item(), str):
        return str(texts.item())
    return FrozenArray.of(name, given, _ADVICE)


def _by_column(baseline: Any) -> Any:
    """A row of a DataFrame with texts as a dict by column; anything else as it is."""
    if not (hasattr(baseline, "iloc") and hasattr(baseline, "columns")) or len(baseline) != 1:
        return baseline
    row = {str(name): baseline[name].iloc[0] for name in baseline.columns}
    return row if any(isinstance(value, str) for value in row.values()) else baseline


def check_background(background: Any) -> Samples:
    """A set of baselines in its stored form.

    Raises:
        InvalidInputError: It is no array of one baseline or more.
    """
    if _is_stored(background):
        background = background["options"]["array"]
    if background is None or isinstance(background, str):
        raise InvalidInputError(
            f"background={background!r} was expected to be an array (R, ...) of examples in the "
            "model's own units, R at least 1, or a dict of one for each input. On the command "
            "line pass a .npy file."
        )
    return background if isinstance(background, Samples) else Samples(background)


BASELINE = Kind("a baseline", lambda _, baseline: check_baseline(baseline))
BACKGROUND = Kind("a set of baselines", lambda _, background: check_background(background))


def _from_record(record: Mapping[str, Any]) -> Any:
    """A baseline out of JSON.

    Raises:
        UnknownNameError: There is none of that name.
        InvalidInputError: It has no such options.
    """
    name, options = record["name"], record["options"]
    if name not in list(KINDS):
        raise UnknownNameError.of("baseline", str(name), KINDS)
    try:
        return KINDS[name](**options)
    except TypeError as error:
        raise InvalidInputError(f"baseline={name!r} has no options {options!r}.") from error


def _is_stored(option: Any) -> bool:
    """Whether it is a record of a baseline out of JSON, and no dict of arrays."""
    return isinstance(option, Mapping) and set(option) == {"name", "options"}


def read_baseline(
    baseline: Any,
    layout: Layout,
    leaves: Sequence[Array],
    preprocessing: Any | None,
    *,
    at_layer: Part | None = None,
) -> list[Array]:
    """The baseline of every input, (B, ...) each, in the model's units; (R, ...) for `Samples`.

    Args:
        baseline: As `check_baseline` returns it. None is black before preprocessing where the
            preprocessing is known, and zeros where it is not; a number fills the input. Numbers
            of words and truths (integers but pixels, booleans) are compared with 0, which is what
            padding is, and texts with the empty text, unless a dict says otherwise.
        layout: The inputs of the model.
        leaves: The inputs; what is held and not explained is its own baseline.
        preprocessing: With `apply(pixels)`, or None.
        at_layer: What is explained where that is a layer's output: all inputs then have a
            baseline, for all of them make up the layer's baseline.

    Raises:
        InvalidInputError: A colour without preprocessing, an array of another shape, or
            numbers that are not finite or not whole in the input's type.
    """
    from tfxai.core.inputs.layout import fitted  # knows TensorFlow's types

    if isinstance(baseline, OfTokens):
        baseline.make(np.asarray(leaves[0]), None)  # says that no texts came
    if isinstance(baseline, Samples):
        return _read_samples(baseline, layout, leaves, preprocessing)
    compared = layout.explained if at_layer is None else tuple(range(len(leaves)))
    takes_texts = all(layout.dtypes[i] == "string" for i in compared)
    if takes_texts and baseline is not None and not isinstance(baseline, FrozenArrays):
        raise InvalidInputError(
            f"baseline={baseline!r} was given for a model that takes text, which is compared with "
            "the empty text. Leave the baseline out, or pass a dict with a text by name."
        )
    parts = _by_input(baseline, layout, compared)
    result = list(leaves)
    for i in compared:
        name, part, leaf = layout.names[i], parts.get(layout.names[i]), leaves[i]
        if layout.dtypes[i] == "string":
            result[i] = np.full(leaf.shape, part if isinstance(part, str) else "")
            continue
        if not layout.part(i).blends and not isinstance(part, FrozenArray | float):
            part = 0.0
        one = one_baseline(part, leaf, preprocessing, layout.part(i).axes)
        if np.asarray(leaf).dtype.kind in "iu" and layout.part(i).blends:
            one = np.rint(one)  # pixels
        one = fitted(f"The baseline of input {name!r}", one, layout.dtypes[i])
        result[i] = np.broadcast_to(one, leaf.shape)
    return result


def is_of_activations(baseline: Any, layout: Layout, batch: int, at_layer: Part | None) -> bool:
    """Whether a baseline is of the layer that is explained, and not of the model's inputs.

    Raises:
        InvalidInputError: It is made of activations, and no layer is explained.
    """
    if isinstance(baseline, Activations):
        if at_layer is None:
            raise InvalidInputError(
                "baseline=Activations(...) is of a layer's output, and the input is explained. "
                "Name the layer with at=, or pass a baseline in the model's own units."
            )
        return True
    if at_layer is None or not isinstance(baseline, FrozenArray) or not baseline.array.ndim:
        return False
    shape = baseline.array.shape

    def fits(one: tuple[int, ...]) -> bool:
        return shape in (one, (1, *one), (batch, *one))

    return not any(map(fits, layout.shapes)) and fits(at_layer.shape)


def read_activations(baseline: Any, batch: int, at_layer: Part, dtype: str) -> list[Array]:
    """The baseline that is a layer's output, (B, ...).

    Raises:
        InvalidInputError: It has another shape.
    """
    content = baseline.value if isinstance(baseline, Activations) else baseline
    array = np.asarray(content.array if isinstance(content, FrozenArray) else content, dtype)
    if None in at_layer.shape:
        raise InvalidInputError(
            f"The layer's output has shape {at_layer.shape}, of which not every axis is known, so "
            "a baseline of activations cannot be laid out. Pass one of the model's inputs."
        )
    shape = (batch, *at_layer.shape)
    if array.shape not in ((), at_layer.shape, (1, *at_layer.shape), shape):
        raise InvalidInputError(
            f"The baseline has shape {array.shape}, and the layer's output has {shape}. Pass one "
            f"baseline of shape {at_layer.shape}, or one per example."
        )
    return [np.broadcast_to(array, shape)]


def _by_input(baseline: Any, layout: Layout, compared: tuple[int, ...]) -> dict[str, Any]:
    """The baseline of each input by name, where it has one."""
    names = [layout.names[i] for i in compared]
    if not isinstance(baseline, FrozenArrays):
        if isinstance(baseline, FrozenArray) and baseline.array.ndim and len(names) > 1:
            several = _one_each(baseline.array, layout, compared)
            if several is None:
                raise InvalidInputError(
                    f"The baseline is one array of shape {baseline.array.shape}, and the model "
                    f"takes {len(names)} inputs. Pass a dict with an array for each: "
                    f"{', '.join(map(repr, names))}."
                )
            return several
        return dict.fromkeys(names, baseline)
    parts: dict[str, Any] = dict(baseline.parts)
    if set(parts) == set(map(str, range(len(names)))):  # a list
        return {name: parts[str(i)] for i, name in enumerate(names)}
    _check_names("The baseline", parts, layout, compared)
    return parts


def _one_each(array: Array, layout: Layout, compared: tuple[int, ...]) -> dict[str, Any] | None:
    """An array out of a list with one array for each of the inputs, all of one shape."""
    fits = len(array) == len(compared) and all(
        array.shape[1:] == layout.shapes[i] or array.shape[2:] == layout.shapes[i]
        for i in compared
    )
    if not fits:
        return None
    return {layout.names[i]: FrozenArray(array[k]) for k, i in enumerate(compared)}


def _read_samples(
    samples: Samples, layout: Layout, leaves: Sequence[Array], preprocessing: Any | None
) -> list[Array]:
    from tfxai.core.inputs.layout import fitted

    compared = layout.explained or layout.held
    names = [layout.names[i] for i in compared]
    if any(layout.dtypes[i] == "string" for i in compared):
        raise InvalidInputError(
            f"A set of baselines was given for {' and '.join(names)}, and texts are compared with "
            "one baseline. Pass baseline= with one text for each."
        )
    parts = _sets(samples.array, layout, compared)
    count = len(next(iter(parts.values())).array)
    _check_names("The set of baselines", parts, layout, compared)
    result = [np.zeros((count, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
    for i in compared:
        shape = layout.shapes[i]
        if layout.names[i] not in parts:
            continue
        one = parts[layout.names[i]].array
        if one.shape[1:] != shape:
            raise InvalidInputError(
                f"The baselines have shape {one.shape}, and (R, {', '.join(map(str, shape))}) was "
                "expected: each shaped like one input."
            )
        _check_units(one, preprocessing)
        result[i] = fitted("The set of baselines", one, layout.dtypes[i])
    return result


def _sets(array: Any, layout: Layout, compared: tuple[int, ...]) -> dict[str, Any]:
    """The set of baselines of each input by name."""
    names = [layout.names[i] for i in compared]
    if isinstance(array, FrozenArrays):
        parts: dict[str, Any] = dict(array.parts)
        is_list = set(parts) == set(map(str, range(len(names)))) and set(parts) != set(names)
        return {name: parts[str(i)] for i, name in enumerate(names)} if is_list else parts
    if len(names) == 1:
        return {names[0]: array}
    several = _one_each(array.array, layout, compared)
    if several is None:
        raise InvalidInputError(
            f"The model takes {len(names)} inputs ({', '.join(names)}), and a dict with one array "
            "for each was expected as the set of baselines."
        )
    return several


def _check_names(
    what: str, parts: Mapping[str, Any], layout: Layout, compared: tuple[int, ...]
) -> None:
    """Raises unless every input of quantities has a baseline, and nothing else has one."""
    known = {layout.names[i] for i in compared}
    needed = {layout.names[i] for i in compared if layout.part(i).blends}
    if not needed <= set(parts) <= known or not parts:
        raise InvalidInputError(
            f"{what} is of {sorted(parts)}, and {sorted(needed or known)} were expected: the "
            "inputs of the model that are explained, each by its name."
        )


def _check_units(array: Array, preprocessing: Any | None) -> None:
    """Meets a baseline of pixels: it is in the model's own units."""
    if preprocessing is not None:
        advice = (
            "A baseline is in the model's own units: pass subject.prepare(pixels), or a colour "
            "such as 'grey'."
        )
        preprocessing.check_range("The baseline runs", array, advice)


def limits_of(preprocessing: Any | None) -> tuple[Array, Array] | None:
    """What a preprocessing makes of black and white, where it is known."""
    if preprocessing is None:
        return None
    low, high = preprocessing.input_range
    return np.asarray(low), np.asarray(high)


def one_baseline(baseline: Any, inputs: Array, preprocessing: Any | None, axes: str = "") -> Array:
    """The baseline of one input as `read_baseline` has it, of a shape that broadcasts to (B, ...).

    Args:
        baseline: As `check_baseline` returns it, no set of them.
        inputs: (B, ...) what is explained.
        preprocessing: With `apply(pixels)`, or None.
        axes: What the axes of an input are: `tfxai.arrangement` says how.

    Raises:
        InvalidInputError: A colour without preprocessing, or an array of another shape.
    """
    shape = inputs.shape
    if isinstance(baseline, Baseline):
        limits = limits_of(preprocessing)
        made = baseline.make(array_channels_last(inputs, axes), limits)
        return array_channels_back(made, axes)
    if isinstance(baseline, FrozenArray):
        if baseline.array.shape not in ((), shape, shape[1:], (1, *shape[1:])):
            advice = f"Pass one baseline of shape {shape[1:]}, or one per example."
            if baseline.array.shape[1:] == shape[1:]:
                advice += (
                    " To compare each example with all of them, pass "
                    "tfxai.baselines.Samples(array)."
                )
            raise InvalidInputError(
                f"The baseline has shape {baseline.array.shape}, and the inputs have {shape}. "
                + advice
            )
        _check_units(baseline.array, preprocessing)
        return baseline.array
    if isinstance(baseline, str) and preprocessing is None:
        raise InvalidInputError(
            f"baseline={baseline!r} is a colour, and the model has no card that says how pixels "
            "are preprocessed. Pass a number or an array in the model's own units."
        )
    if isinstance(baseline, str) or (baseline is None and preprocessing is not None):
        last = array_channels_last(inputs[:1], axes)
        pixels = np.full(last.shape, COLOURS[baseline or "black"], np.float32)
        made = np.asarray(preprocessing.apply(pixels))  # type: ignore[union-attr]
        return array_channels_back(made, axes)
    number = np.asarray(0.0 if baseline is None else baseline)
    _check_units(number, preprocessing)
    return number
