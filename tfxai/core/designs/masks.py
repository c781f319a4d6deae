"""Elements of an input that belong together: the features that the option `mask` names."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tfxai.arrangement import array_channels_last, moved_shape
from tfxai.core.inputs.frozen_arrays import FrozenArray, FrozenArrays
from tfxai.core.inputs.parts import Part
from tfxai.core.inputs.superpixels import Slic
from tfxai.core.options import Kind
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.arrays import Array

Mask: TypeAlias = FrozenArray | FrozenArrays | Slic | str | None

TOKEN_GROUPS = ("tokens", "words", "sentences")
"""What belongs together in texts: words of `mask`."""

MASK = Kind("features: integers, or superpixels", lambda _, mask: read_mask(mask))

FEW_ELEMENTS = 300
"""Most elements of an image that are features by themselves unless a mask says so."""
MOST_ELEMENTS = 10_000
"""Most elements that are features by themselves unless a mask says so."""
_ADVICE = (
    "Pass an array of integers, one feature number for each element, a dict of such arrays for "
    "several inputs, tfxai.Slic() for superpixels, or None."
)


def read_mask(mask: Any) -> Mask:
    """A `mask` option in its stored form.

    Raises:
        InvalidInputError: It holds no integers.
    """
    if mask is None or isinstance(mask, Slic):
        return mask
    options = mask.get("options") if isinstance(mask, Mapping) else None
    if isinstance(options, Mapping) and mask.get("name") == Slic.name:
        return Slic(**options)
    if isinstance(mask, str) and mask in TOKEN_GROUPS:
        return mask
    if isinstance(mask, str) and mask == Slic.name:
        return Slic()
    if isinstance(mask, FrozenArrays):
        return mask
    if isinstance(mask, Mapping):
        if not mask:
            raise InvalidInputError(f"mask is a dict without arrays. {_ADVICE}")
        return FrozenArrays(tuple((str(name), _integers(one)) for name, one in mask.items()))
    return _integers(mask)


def joined_features(mask: Any) -> list[str]:
    """What to know of a mask for several inputs: which features lie in two of them."""
    if not isinstance(mask, FrozenArrays):
        return []
    numbers = {name: set(np.unique(np.asarray(one)).astype(int)) for name, one in mask.parts}
    found = []
    for (one, own), (other, its) in itertools.combinations(numbers.items(), 2):
        shared = sorted(own & its)
        if not shared:
            continue
        which = ", ".join(map(str, shared[:3])) + (", ..." if len(shared) > 3 else "")
        found.append(
            f"The masks of {one!r} and {other!r} both hold the feature "
            f"number{'s' if len(shared) > 1 else ''} {which}, and the same number is one feature: "
            "these elements come and go together. Number the inputs apart where that is not meant."
        )
    return found


def _integers(mask: Any) -> FrozenArray:
    if isinstance(mask, Slic | Mapping):
        raise InvalidInputError(
            f"mask holds {mask!r} for one of several inputs, and was expected to hold integers. "
            "Superpixels of one input are an array: pass tfxai.superpixels(image)."
        )
    return whole_numbers("mask", mask, _ADVICE)


def whole_numbers(name: str, given: Any, advice: str) -> FrozenArray:
    """An option that is an array of integers, in its stored form.

    Raises:
        InvalidInputError: It holds no integers.
    """
    content = FrozenArray.of(name, given, advice)
    if not content.array.size or (content.array != np.floor(content.array)).any():
        raise InvalidInputError(
            f"{name} of shape {content.array.shape} was expected to hold integers. {advice}"
        )
    return content


def fitted_mask(mask: Mask, parts: Sequence[Part], at: str | None) -> Any:
    """The mask for inputs: superpixels in the place of None for images of many elements.

    Raises:
        InvalidInputError: Superpixels of what is no image.
    """
    shape = _image_shape(parts, at)
    if mask is None and shape and math.prod(shape) > FEW_ELEMENTS:
        return Slic()
    check_superpixels(mask, parts, at)
    return mask


def check_superpixels(mask: Mask, parts: Sequence[Part], at: str | None) -> None:
    """Raises `InvalidInputError` where superpixels are wanted of what is no image, or words."""
    if isinstance(mask, str):
        raise InvalidInputError(
            f"mask={mask!r} parts texts, and arrays are explained. Pass a list of texts to a "
            "model that takes them, without at=, or an array of integers as mask."
        )
    if not isinstance(mask, Slic) or _image_shape(parts, at):
        return
    shapes = " and ".join(str(part.shape) for part in parts)
    what = f"layer {at!r}" if at is not None else f"an input of shape {shapes}"
    raise InvalidInputError(
        f"mask={mask!r} parts images of shape (h, w, C), and {what} is explained. Pass an array "
        "of integers, or None."
    )


def _image_shape(parts: Sequence[Part], at: str | None) -> tuple[int, ...]:
    """(h, w, C) where one image is explained, else nothing."""
    shapes = [moved_shape(part.shape, part.axes) for part in parts]
    is_image = at is None and len(shapes) == 1 and len(shapes[0]) == 3
    return tuple(n or 0 for n in shapes[0]) if is_image else ()


def check_few(count: int) -> None:
    """Raises `InvalidInputError` where more elements than anyone waits for are features."""
    if count > MOST_ELEMENTS:
        raise InvalidInputError(
            f"Without a mask each of {count:,} elements is a feature, and a pass is run without "
            "each of them. Pass a mask of integers with fewer features (a word, a patch, a "
            "column), or tfxai.Slic() for an image."
        )


def check_several(count: int) -> None:
    """Raises `InvalidInputError` unless there are two features or more."""
    if count < 2:
        raise InvalidInputError(
            "There is one feature, to which all of the score's difference belongs. Pass a mask "
            "with two feature numbers or more."
        )


def group_numbers(
    mask: FrozenArray | FrozenArrays | str | None,
    shape: Sequence[int],
    parts: Sequence[Part],
    option: str = "mask",
) -> Array:
    """The feature of each element, from 0 and without gaps, shaped like one row of x.

    Args:
        mask: A number for each element.
        shape: Shape of one row of x.
        parts: The inputs that x is made of.
        option: What the user knows the mask as.

    Raises:
        InvalidInputError: A mask is shaped like no input, or is of no input of that name.
    """
    shape = tuple(shape)
    if mask is None or isinstance(mask, str):
        return np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
    parts = tuple(parts) or (Part(shape),)
    masks = _by_name(mask, parts, option)
    fresh = 1 + max(int(array.max()) for array in masks.values())
    laid = []
    for part in parts:
        if part.name in masks:
            name = f"input {part.name!r}" if len(parts) > 1 else "an input"
            laid.append(_laid(masks[part.name], part, name, option))
        else:  # element by element
            laid.append(fresh + np.arange(part.size).reshape(part.shape))
            fresh += part.size
    whole = array_channels_last(laid[0][None], parts[0].axes)[0]
    if len(parts) > 1:
        whole = np.concatenate([one.ravel() for one in laid])
    _, numbers = np.unique(whole, return_inverse=True)
    return numbers.reshape(shape).astype(np.int32)


def _by_name(
    mask: FrozenArray | FrozenArrays, parts: Sequence[Part], option: str
) -> dict[str, Array]:
    """The mask of each input that has one."""
    names = [part.name for part in parts]
    if isinstance(mask, FrozenArray):
        if len(parts) > 1:
            given = "One mask" if option == "mask" else f"One array of {option}"
            raise InvalidInputError(
                f"{given} was given, and the model has {len(parts)} inputs. Pass a dict with one "
                f"for some of them: {', '.join(map(repr, names))}. Inputs that are left out are "
                "taken element by element."
            )
        return {names[0]: mask.array}
    masks = {name: np.asarray(one) for name, one in mask.parts}
    for name in masks:
        if name not in names:
            raise UnknownNameError.of("input", name, names)
    return masks


def _laid(array: Array, part: Part, what: str, option: str) -> Array:
    """A mask as it lies on an input, all channels alike where it has none."""
    given = array.shape
    if "C" in part.axes and array.ndim == len(part.shape) - 1:
        array = np.expand_dims(array, part.axes.index("C"))
    try:
        return np.broadcast_to(array, part.shape)
    except ValueError:
        raise InvalidInputError(
            f"{option} has shape {given}, and {what} has {part.shape}. Pass integers of "
            "that shape, or without the channels."
        ) from None
