"""Elements of an input that belong together: the features of a method, by its option `mask`."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from tfxai.arrangement import array_channels_last, moved_shape
from tfxai.arrays import Array
from tfxai.core.inputs.frozen_arrays import FrozenArray, FrozenArrays
from tfxai.core.inputs.layout import Layout, Part
from tfxai.core.inputs.superpixels import Slic
from tfxai.core.options import Kind
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError, UnknownNameError

Mask: TypeAlias = FrozenArray | FrozenArrays | Slic | None

FEW_ELEMENTS = 300
"""Most elements of an image that are features by themselves unless a mask says so."""
MOST_ELEMENTS = 10_000
"""Most elements that are features by themselves unless a mask says so."""
_ADVICE = (
    "Pass an array of integers, one feature number for each element, a dict of such arrays for "
    "several inputs, tfxai.Slic() for superpixels, or None."
)


@dataclasses.dataclass(frozen=True)
class Features:
    """Which feature each element of an input belongs to.

    Args:
        count: M, the number of features.
        numbers: From 0 to M - 1, shaped like one input; None where each row has its own.
    """

    count: int
    numbers: Array | None

    @classmethod
    def of(cls, mask: Mask, f: Score, x: tf.Tensor) -> Features:
        """The features of x.

        Raises:
            InvalidInputError: The mask is shaped like no input.
        """
        if isinstance(mask, Slic):
            return cls(mask.segments, None)
        numbers = group_numbers(mask, x, f.parts)
        return cls(int(numbers.max()) + 1, numbers)

    def detail(self, f: Score) -> dict[str, tf.Tensor]:
        """The features of each row by number, where each has its own: for `details`."""
        return {"mask": f.groups} if self.numbers is None else {}

    def spread(self, f: Score, x: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """The values of features, (R, M), at the elements of each row, shaped like x."""
        return tf.broadcast_to(self._placed(f, values), tf.shape(x))

    def shares(self, f: Score, x: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        """As `spread`, in equal shares for the elements of a feature: sums stay what they are."""
        if self.numbers is not None:
            sizes = tf.constant(np.bincount(np.ravel(self.numbers)), values.dtype)
            return self.spread(f, x, values / sizes)
        rows = tf.shape(x)[0]
        number = f.groups + self.count * tf.range(rows)[:, None, None]
        flat = tf.reshape(number, [-1])
        ones = tf.ones_like(flat, values.dtype)
        sizes = tf.math.unsorted_segment_sum(ones, flat, rows * self.count)
        sizes = tf.reshape(sizes, [-1, self.count]) * x.shape[-1]
        return self.spread(f, x, values / sizes)

    def shown(self, f: Score, x: tf.Tensor, coalition: tf.Tensor, r: tf.Tensor) -> tf.Tensor:
        """Shows the features of a coalition in x, and a baseline in the place of the others.

        Args:
            f: With the baselines and the features of the rows.
            x: (R, ...).
            coalition: (R, M) bool, the features that show in each row.
            r: (R,) number of the baseline.
        """
        return tf.where(self._placed(f, coalition), x, f.baseline_number(r))

    def _placed(self, f: Score, values: tf.Tensor) -> tf.Tensor:
        """The values of features where they lie, with one channel where all are alike."""
        if self.numbers is None:
            return tf.gather(values, f.groups, batch_dims=1)[..., None]
        numbers = self.numbers
        if numbers.ndim > 1 and (numbers == numbers[..., :1]).all():
            numbers = numbers[..., :1]
        return tf.reshape(tf.gather(values, np.ravel(numbers), axis=1), [-1, *numbers.shape])


def scores_of_coalitions(
    f: Score, x: tf.Tensor, coalitions: Array, features: Features
) -> tf.Tensor:
    """The score where a coalition alone shows, the mean over the baselines, (B, n) float64.

    Args:
        f: The score.
        x: The batch, (B, ...).
        coalitions: (n, M) bool, the features that show; shared by the batch.
        features: M of them.
    """
    several = f.num_baselines

    def value(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
        chosen = tf.gather(tf.constant(coalitions), k // several)
        return f(features.shown(f, x, chosen, k % several))

    scores = f.scores_of_copies(value, len(coalitions) * several, x)
    scores = tf.reshape(tf.cast(scores, tf.float64), [-1, len(coalitions), several])
    return tf.reduce_mean(scores, axis=-1)


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
    if isinstance(mask, str) and mask == Slic.name:
        return Slic()
    if isinstance(mask, FrozenArrays):
        return mask
    if isinstance(mask, Mapping):
        if not mask:
            raise InvalidInputError(f"mask is a dict without arrays. {_ADVICE}")
        return FrozenArrays(tuple((str(name), _integers(one)) for name, one in mask.items()))
    return _integers(mask)


MASK = Kind("features: integers, or superpixels", lambda _, mask: read_mask(mask))


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
    content = FrozenArray.of("mask", mask, _ADVICE)
    if not content.array.size or (content.array != np.floor(content.array)).any():
        raise InvalidInputError(
            f"mask of shape {content.array.shape} was expected to hold integers. {_ADVICE}"
        )
    return content


def fitted_mask(mask: Mask, layout: Layout, at: str | None) -> Any:
    """The mask for inputs: superpixels in the place of None for images of many elements.

    Raises:
        InvalidInputError: Superpixels of what is no image.
    """
    shape = _image_shape(layout, at)
    if mask is None and shape and math.prod(shape) > FEW_ELEMENTS:
        return Slic()
    check_superpixels(mask, layout, at)
    return mask


def check_superpixels(mask: Mask, layout: Layout, at: str | None) -> None:
    """Raises `InvalidInputError` where superpixels are wanted of what is no image."""
    if not isinstance(mask, Slic) or _image_shape(layout, at):
        return
    shapes = " and ".join(str(layout.shapes[i]) for i in layout.explained)
    what = f"layer {at!r}" if at is not None else f"an input of shape {shapes}"
    raise InvalidInputError(
        f"mask={mask!r} parts images of shape (h, w, C), and {what} is explained. Pass an array "
        "of integers, or None."
    )


def _image_shape(layout: Layout, at: str | None) -> tuple[int, ...]:
    """(h, w, C) where one image is explained, else nothing."""
    shapes = [moved_shape(part.shape, part.axes) for part in layout.parts]
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
    mask: FrozenArray | FrozenArrays | None, x: tf.Tensor, parts: Sequence[Part]
) -> Array:
    """The feature of each element, from 0 and without gaps, shaped like one row of x.

    Raises:
        InvalidInputError: A mask is shaped like no input, or is of no input of that name.
    """
    shape = tuple(x.shape[1:])
    if mask is None:
        return np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
    parts = tuple(parts) or (Part(shape),)
    masks = _by_name(mask, parts)
    fresh = 1 + max(int(array.max()) for array in masks.values())
    laid = []
    for part in parts:
        if part.name in masks:
            laid.append(_laid(masks[part.name], part))
        else:  # element by element
            laid.append(fresh + np.arange(part.size).reshape(part.shape))
            fresh += part.size
    whole = array_channels_last(laid[0][None], parts[0].axes)[0]
    if len(parts) > 1:
        whole = np.concatenate([one.ravel() for one in laid])
    _, numbers = np.unique(whole, return_inverse=True)
    return numbers.reshape(shape).astype(np.int32)


def _by_name(mask: FrozenArray | FrozenArrays, parts: Sequence[Part]) -> dict[str, Array]:
    """The mask of each input that has one."""
    names = [part.name for part in parts]
    if isinstance(mask, FrozenArray):
        if len(parts) > 1:
            raise InvalidInputError(
                f"One mask was given, and the model has {len(parts)} inputs. Pass a dict with a "
                f"mask for some of them: {', '.join(map(repr, names))}. Inputs that are left out "
                "are taken element by element."
            )
        return {names[0]: mask.array}
    masks = {name: np.asarray(one) for name, one in mask.parts}
    for name in masks:
        if name not in names:
            raise UnknownNameError.of("input", name, names)
    return masks


def _laid(array: Array, part: Part) -> Array:
    """A mask as it lies on an input, all channels alike where it has none."""
    given = array.shape
    if "C" in part.axes and array.ndim == len(part.shape) - 1:
        array = np.expand_dims(array, part.axes.index("C"))
    try:
        return np.broadcast_to(array, part.shape)
    except ValueError:
        raise InvalidInputError(
            f"mask has shape {given}, and an input has {part.shape}. Pass a mask of "
            "that shape, or without the channels."
        ) from None
