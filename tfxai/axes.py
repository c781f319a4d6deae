"""Words for the axes of arrays, such as `"HWC"` or `"CT"`, and what values lie over."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrangement import POSITIONS, array_channels_last, spatial
from tfxai.arrays import Array
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.attribution import Attribution


_BY_NUMBER = {1: "F", 2: "TC", 3: "HWC", 4: "DHWC"}


def by_number(array: Array) -> str:
    """What the axes of (B, ...) most likely are, channels last; empty for more than four."""
    return _BY_NUMBER.get(array.ndim - 1, "")


def channels_last(array: Array, word: str) -> Array:
    """(B, ...) with its channels in the last axis, which is of size 1 where there were none."""
    return array[..., None] if word == "T" else array_channels_last(array, word)


def input_axes(one: Attribution) -> str:
    """The axes of the one input of an attribution, known or by their number; empty for neither.

    A map with as many axes as an input of unknown axes says that the input has no channels.
    """
    inputs = np.asarray(one.inputs)
    if one.axes:
        return _checked(one.axes, inputs, "inputs")
    places = np.asarray(one.values).ndim - 1 if one.is_map else 0
    if places == inputs.ndim - 1 and (places > 1 or inputs.dtype.kind == "f"):
        return POSITIONS.get(places, "")
    return by_number(inputs)


def value_axes(one: Attribution) -> str:
    """The axes of the values, which are one array, where they are known; else empty."""
    values = np.asarray(one.values)
    if not one.is_map:
        word: Any = one.axes if one.at is None else one.layer_axes
        return _checked(word, values, "values") if word and isinstance(word, str) else ""
    places = values.ndim - 1
    under = spatial(input_axes(one)) if not isinstance(one.inputs, dict) else ""
    return under if len(under) == places else POSITIONS.get(places, "")


def parts(one: Attribution) -> dict[str, Attribution]:
    """An attribution for each array of values, each of the one input that it lies over.

    Returns:
        One for each name where the values are of named inputs, else one under the name `""`.
        Its inputs are (B, 0) where the values lie over none of several.
    """
    if isinstance(one.values, dict):
        return {name: of_input(one, name) for name in one.values}
    if not isinstance(one.inputs, dict):
        return {"": one}
    name = _under(one)
    if name is None:
        nothing = np.zeros((len(one), 0))
        return {"": dataclasses.replace(one, inputs=nothing, axes="", map_input=None)}
    return {"": of_input(one, name)}


def of_input(one: Attribution, name: str) -> Attribution:
    """The part of one named input; its values are none where it was held."""
    nothing = np.zeros((len(one), 0))
    values = one.values.get(name, nothing) if isinstance(one.values, dict) else one.values
    inputs = one.inputs[name] if isinstance(one.inputs, dict) else one.inputs
    axes = one.axes.get(name, "") if isinstance(one.axes, dict) else one.axes
    return dataclasses.replace(one, values=values, inputs=inputs, axes=axes, map_input=None)


def _under(one: Attribution) -> str | None:
    """The named input that one array of values lies over: the one with as many places, if any."""
    if one.map_input is not None:
        return one.map_input
    values = np.asarray(one.values)
    places = len(spatial(value_axes(one) or by_number(values)))
    alike = [
        name
        for name in one.inputs
        if places and len(spatial(input_axes(of_input(one, name)))) == places
    ]
    return alike[0] if len(alike) == 1 else None


def _checked(word: Any, array: Array, what: str) -> str:
    """`word` where it names the axes of (B, ...)."""
    is_word = isinstance(word, str) and set(word) <= set("TDHWCF")
    if not is_word or word.count("C") > 1 or ("F" in word and word != "F"):
        raise InvalidInputError(
            f"The axes {word!r} of the {what} were expected to be letters: C, once, for the "
            "channels, T, D, H, W for places, or F alone for features, such as 'HWC'. Correct "
            "the axes of the attribution."
        )
    if len(word) != array.ndim - 1:
        raise InvalidInputError(
            f"The axes {word!r} were expected to name each axis of the {what} but the batch, "
            f"which have shape {array.shape}. Correct the axes of the attribution."
        )
    return str(word)
