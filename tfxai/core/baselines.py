"""The baseline x' of a path or an occlusion: the input that stands for nothing to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.core.baseline_kinds import COLOURS, KINDS, Baseline, Constant, Samples
from tfxai.core.content import Content, Contents
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.core.inputs import Array, Layout

_WORDS = [*COLOURS, *(name for name in KINDS if name != Samples.name)]
_ADVICE = (
    f"Pass None, a number, {', '.join(map(repr, _WORDS))}, a record of tfxai.baselines, an array "
    "shaped like one input or the batch, or a dict of such arrays for several inputs."
)


def check_baseline(baseline: Any) -> Any:
    """A `baseline` option in its stored form: None, a float, a colour, a record or a `Content`.

    Raises:
        InvalidInputError: It is none of these, or not finite.
    """
    if _is_stored(baseline):
        return _from_record(baseline)
    if isinstance(baseline, Constant):
        baseline = baseline.value
    if baseline is None or isinstance(baseline, Content | Contents | Baseline | Samples):
        return baseline
    if isinstance(baseline, Mapping):
        parts = [(str(k), Content.of(f"baseline[{k!r}]", v, _ADVICE)) for k, v in baseline.items()]
        return Contents(tuple(parts))
    if isinstance(baseline, str):
        if baseline not in _WORDS:
            raise UnknownNameError.of("baseline", baseline, _WORDS)
        return KINDS[baseline]() if baseline in KINDS else baseline
    content = Content.of("baseline", baseline, _ADVICE)
    return float(content.array) if content.array.ndim == 0 else content


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
    baseline: Any, layout: Layout, leaves: Sequence[Array], preprocessing: Any | None
) -> list[Array]:
    """The baseline of every input, (B, ...) each, in the model's units; (R, ...) for `Samples`.

    Args:
        baseline: As `check_baseline` returns it. None is black before preprocessing where the
            preprocessing is known, and zeros where it is not; a number fills the input.
        layout: The inputs of the model.
        leaves: The inputs; integers that are held beside others are their own baseline, and
            where there is nothing else (tokens, explained at a layer) the baseline is of integers.
        preprocessing: With `apply(pixels)`, or None.

    Raises:
        InvalidInputError: A colour without preprocessing, an array of another shape, or
            numbers that are not finite or not whole in the input's type.
    """
    from tfxai.core.inputs import fitted  # knows TensorFlow's types

    if isinstance(baseline, Samples):
        return _read_samples(baseline, layout, leaves, preprocessing)
    result = list(leaves)
    if isinstance(baseline, Contents):
        _check_names("The baseline", dict(baseline.parts), layout)
    for i in layout.explained or layout.held:
        part = baseline[layout.names[i]] if isinstance(baseline, Contents) else baseline
        one = one_baseline(part, leaves[i], preprocessing)
        one = fitted(f"The baseline of input {layout.names[i]!r}", one, layout.dtypes[i])
        result[i] = np.broadcast_to(one, leaves[i].shape)
    return result


def _read_samples(
    samples: Samples, layout: Layout, leaves: Sequence[Array], preprocessing: Any | None
) -> list[Array]:
    from tfxai.core.inputs import fitted

    array = samples.array
    if isinstance(array, Contents) != (len(layout.names) > 1):
        expected = "a dict with one array for each" if len(layout.names) > 1 else "one array"
        raise InvalidInputError(
            f"The model takes {len(layout.names)} inputs ({', '.join(layout.names)}), and "
            f"{expected} was expected as the set of baselines."
        )
    parts = dict(array.parts) if isinstance(array, Contents) else {layout.names[0]: array}
    count = len(next(iter(parts.values())).array)
    _check_names("The set of baselines", parts, layout)
    result = [np.zeros((count, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
    for i in layout.explained or layout.held:
        one, shape = parts[layout.names[i]].array, layout.shapes[i]
        if one.shape[1:] != shape:
            raise InvalidInputError(
                f"The baselines have shape {one.shape}, and (R, {', '.join(map(str, shape))}) was "
                "expected: each shaped like one input."
            )
        _check_units(one, preprocessing)
        result[i] = fitted("The set of baselines", one, layout.dtypes[i])
    return result


def _check_names(what: str, parts: Mapping[str, Content], layout: Layout) -> None:
    wanted = {layout.names[i] for i in layout.explained or layout.held}
    if set(parts) != wanted:
        raise InvalidInputError(
            f"{what} is of {sorted(parts)}, and {sorted(wanted)} were expected: the "
            "floating-point inputs of the model, each by its name."
        )


def _check_units(array: Array, preprocessing: Any | None) -> None:
    """Meets a baseline of pixels: it is in the model's own units."""
    if preprocessing is not None:
        advice = "A baseline is in the model's own units: pass subject.prepare(pixels)."
        preprocessing.check_range("The baseline runs", array, advice)


def one_baseline(baseline: Any, inputs: Array, preprocessing: Any | None) -> Array:
    """The baseline of one input as `read_baseline` has it, of a shape that broadcasts to (B, ...).

    Args:
        baseline: As `check_baseline` returns it, no set of them.
        inputs: (B, ...) what is explained.
        preprocessing: With `apply(pixels)`, or None.

    Raises:
        InvalidInputError: A colour without preprocessing, or an array of another shape.
    """
    shape = inputs.shape
    if isinstance(baseline, Baseline):
        limits = None
        if preprocessing is not None:
            low, high = preprocessing.input_range
            limits = np.asarray(low), np.asarray(high)
        return baseline.make(inputs, limits)
    if isinstance(baseline, Content):
        if baseline.array.shape not in (shape, shape[1:], (1, *shape[1:])):
            raise InvalidInputError(
                f"The baseline has shape {baseline.array.shape}, and the inputs have {shape}. "
                f"Pass one baseline of shape {shape[1:]}, or one per example."
            )
        _check_units(baseline.array, preprocessing)
        return baseline.array
    if isinstance(baseline, str) and preprocessing is None:
        raise InvalidInputError(
            f"baseline={baseline!r} is a colour, and the model has no card that says how pixels "
            "are preprocessed. Pass a number or an array in the model's own units."
        )
    if isinstance(baseline, str) or (baseline is None and preprocessing is not None):
        pixels = np.full(shape[1:], COLOURS[baseline or "black"], np.float32)
        return np.asarray(preprocessing.apply(pixels))  # type: ignore[union-attr]
    return np.asarray(0.0 if baseline is None else baseline)
