"""RISE: the score under random masks, averaged at what each mask lets through."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import COUNTS, SEEDS, option
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class RISE(AttributionMethod):
    """Mean score of the input under random smooth masks, weighted by the mask at each position.

    High where the score is high whenever the position shows. A constant score gives a constant
    map, so only differences within a map tell anything.

    Args:
        samples: Number of masks. The paper takes 4,000 to 8,000 for images of 224 pixels.
        cells: Cells of the coarse grid along each axis, or one number for each axis.
        probability: Chance of a cell to be let through, in (0, 1).
        baseline: What shows where a mask hides, as for `IntegratedGradients`; one an example.
        seed: Of the masks, which all examples share.

    Returns:
        `Attribution` with values (B, h, w) at the resolution of the input, (B, t) for series and
        (B, F) for tables, in units of the score, with `baseline_score`; of several inputs one for
        each, the others as they are. Of words and truths a mask shows each or not.

    Raises:
        InvalidInputError: An option is out of range, or the baseline does not fit.

    Reference:
        Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box
        Models", BMVC 2018, Eq. 6 and section 3.2. arXiv:1806.07421. Departure: a baseline in the
        place of black; each axis of the grid is shifted by up to a cell, in fractions of a pixel.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1])  # only the first feature counts
        >>> a = RISE(samples=4000, cells=2)(model, np.array([[1.0, 1.0]], "float32"))
        >>> bool(a.values[0, 0] > a.values[0, 1])
        True
    """

    name: ClassVar[str] = "rise"
    is_black_box: ClassVar[bool] = True
    takes_any_input: ClassVar[bool] = True
    default_score: ClassVar[str] = "probability"
    is_map: ClassVar[bool] = True
    is_by_input: ClassVar[bool] = True
    samples: int = option(1000, at_least=1)
    cells: int | tuple[int, ...] = option(7, kind=COUNTS)
    probability: float = option(0.5, above=0, below=1)
    baseline: Any = option(None, kind=BASELINE)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        sides = tuple(x.shape[1:-1] if x.shape.rank > 2 else x.shape[1:])
        channels = [1] * (x.shape.rank - 1 - len(sides))
        several = f.num_baselines

        def share(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            mask = self._masks(f, k // several, sides, x.dtype)  # (rows, *sides)
            if not f.blends:
                mask = tf.cast(mask >= 0.5, x.dtype)  # there is nothing between two words
            shown = tf.reshape(mask, [-1, *sides, *channels])
            baseline = f.baseline_number(k % several)
            score = f(baseline + shown * (x - baseline))
            return tf.reshape(score, [-1] + [1] * len(sides)) * tf.cast(mask, score.dtype)

        weight = 1 / (self.samples * several * self.probability)  # Eq. 6
        like = tf.zeros([tf.shape(x)[0], *sides], f(x).dtype)
        return f.sum_over_copies(share, [weight] * (self.samples * several), x, like=like)

    def _masks(self, f: Score, k: tf.Tensor, sides: tuple[int, ...], dtype: Any) -> tf.Tensor:
        """The masks of numbers k, (R, *sides) in [0, 1]."""
        cells = self.cells if isinstance(self.cells, tuple) else (self.cells,) * len(sides)
        if f.is_one_of_several and len(cells) != len(sides):
            cells = (max(cells),) * len(sides)  # meant for another of the inputs
        if len(cells) != len(sides):
            raise InvalidInputError(
                f"cells={self.cells} has {len(cells)} numbers, and the input has {len(sides)} "
                "axes beside batch and channels. Pass one for each, or a single one for all."
            )
        grid = [count + 2 for count in cells]  # what a shift by up to a cell needs at the end
        draws = tf.cast(f.uniform(self.seed, k, math.prod(grid) + len(grid)), dtype)
        shifts = draws[:, : len(grid)]
        shown = tf.cast(draws[:, len(grid) :] < self.probability, dtype)
        mask = tf.reshape(shown, [-1, *grid])
        for axis, (side, count) in enumerate(zip(sides, cells, strict=True)):
            place = tf.range(side, dtype=dtype) * count / side + shifts[:, axis, None]  # in cells
            distance = tf.abs(place[..., None] - tf.range(count + 2, dtype=dtype))
            weights = tf.nn.relu(1 - distance)  # (R, side, count + 2), linear between centres
            mask = _along(mask, weights, axis + 1)
        return mask


def _along(mask: tf.Tensor, weights: tf.Tensor, axis: int) -> tf.Tensor:
    """Replaces an axis of each mask, (R, ..., n, ...), by weights (R, m, n) of its elements."""
    last = mask.shape.rank - 1
    order = [i for i in range(last + 1) if i != axis]
    rows = tf.transpose(mask, [*order, axis])  # the axis comes last
    flat = tf.reshape(rows, [tf.shape(mask)[0], -1, mask.shape[axis]])
    mixed = tf.matmul(flat, weights, transpose_b=True)
    shape = [-1, *(mask.shape[i] for i in order[1:]), weights.shape[1]]
    back = [order.index(i) if i != axis else last for i in range(last + 1)]
    return tf.transpose(tf.reshape(mixed, shape), back)
