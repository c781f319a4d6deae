"""Owen values: Shapley values of features that join group by group."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self, cast, final

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.core.designs.features import Features
from tfxai.core.designs.hierarchy import GROUPS, Hierarchies, fitting, group_tree
from tfxai.core.designs.masks import MASK, check_several, fitted_mask
from tfxai.core.graph.halving import centres_of, halved_places
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.inputs.layout import Layout
from tfxai.core.options import option
from tfxai.core.sampling.hierarchies import (
    Tree,
    halved,
    in_order,
    leaves,
    node_table,
    owen_map,
)
from tfxai.core.score import Score
from tfxai.core.splitting import owen_by_halving
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.perturbation.designed import own_features, rows_of

_MOST = 2**24  # coalitions times features: bytes for each example


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class HierarchicalShapley(AttributionMethod):
    """Shares the score's difference among groups of features, and a group's share within it.

    The nested Owen value is the Shapley value over those orders only in which the features of a
    group join one right after the other: words of a sentence, say, and tokens of a word. It needs
    far fewer passes than all orders do, and answers for groups that mean something together.

    Args:
        mask: The features: `Slic`, superpixels of each image; or integers shaped like one input,
            or (h, w) for all channels alike; or a dict of such arrays for several inputs: one
            number in two inputs is one feature of both, which a warning says, and inputs that
            are left out are taken element by element. None is `Slic()` for images of more than
            300 elements, and every element by itself for all else. Of texts `"tokens"`,
            `"words"` or `"sentences"`; None takes token by token.
        groups: The groups that features belong to: integers shaped as for `mask`, one level of
            groups; or with one axis more in front, (levels, ...), several, the coarsest first:
            features that share the numbers of a level and of those before it are a group. None:
            the sentences and words of a text; halves of an image or a series across its longer
            side, halved over and over; one group of all features for all else.
        samples: Most coalitions that are run for an example, the full and the empty one among
            them, at least 4. Where they reach for all coalitions that the groups need, the values
            are exact. Where they do not, a group of more than two parts is halved, and its halves
            again; and where they do not reach for these either, the groups in which most is at
            stake are halved first, and what is left when the samples are used up is shared out
            evenly.
        baseline: What stands in the place of a feature that is not in a coalition, as for
            `IntegratedGradients`; the mean over `Samples`.

    Returns:
        `Attribution` with values shaped like the inputs, signed, in units of the score: the Owen
        value of a feature in equal shares for its elements; with `baseline_score` and
        `completeness_gap`, which is 0 up to rounding. `details` holds `"features"` (B, M), the
        values of the M features in ascending order of their numbers; `"shared"`, shaped like the
        values, of texts (B, M) like the features, in [0, 1]: in which share of the orders a
        feature got an even share of a group that was not taken apart, 0 where all were;
        `"samples"` (B,), the coalitions that were run; and with superpixels `"mask"` (B, h, w).

    Raises:
        InvalidInputError: An option is out of range, the mask fits no input or has one feature,
            a feature is in two groups, or features times samples are more than memory holds.

    Reference:
        Owen, "Values of Games with a Priori Unions", in Mathematical Economics and Game Theory,
        1977, for one level of groups; Winter, "A Value for Cooperative Games with Levels
        Structure of Cooperation", International Journal of Game Theory 18, 1989, for several.
        Departure: halving by what is at stake, and even shares at the end, as the
        PartitionExplainer of shap has it (Lundberg 2020).

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, inputs[:, :1] * inputs[:, 1:2] * inputs[:, 2:])
        >>> method = HierarchicalShapley(groups=[0, 0, 1])
        >>> method(model, np.array([[2.0, 3.0, 4.0]])).values.round(4)
        array([[ 6.,  6., 12.]], dtype=float32)
    """

    name: ClassVar[str] = "hierarchical_shapley"
    completes: ClassVar[bool] = True
    is_black_box: ClassVar[bool] = True
    takes_any_input: ClassVar[bool] = True
    default_score: ClassVar[str] = "probability"
    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)

    mask: Any = option(None, kind=MASK)
    groups: Any = option(None, kind=GROUPS)
    samples: int = option(512, at_least=4)
    baseline: Any = option(None, kind=BASELINE)

    def _fitted(self, layout: Layout, at: str | None) -> Self:
        return dataclasses.replace(self, mask=fitted_mask(self.mask, layout.parts, at))

    def _by_groups(self, levels: Sequence[Array], size: int) -> Iterator[tuple[Self, Array]]:
        if self.groups is not None:
            raise InvalidInputError(
                "groups= was given for texts, whose sentences and words are their groups. Leave "
                "it out; mask= says what a feature is."
            )
        for hierarchies, rows in Hierarchies.of(levels, size, self.samples):
            yield dataclasses.replace(self, groups=hierarchies), rows

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        features = Features.of(self.mask, x.shape[1:], f.parts)
        check_several(features.count)
        if self.samples * features.count > _MOST:
            raise InvalidInputError(
                f"{self.samples:,} coalitions of {features.count:,} features are more than memory "
                "has room for. Pass fewer samples, or a mask of integers with fewer features."
            )
        values, details = self._owen(f, x, features)
        rows = rows_of(f, x)
        details["shared"] = features.spread(tf.cast(details["shared"], x.dtype), rows)
        details["features"] = tf.cast(values, x.dtype)
        return features.shares(details["features"], rows), details | own_features(f)

    def _owen(
        self, f: Score, x: tf.Tensor, features: Features
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The values of the features, (B, M) float64, and details."""
        given = self.groups if isinstance(self.groups, Hierarchies) else None
        if given is not None:
            tree, place, is_exact = None, None, given.coalitions > 0
        else:
            tree, place = _tree(self.groups, f, x, features)
            tree, is_exact = fitting(tree, self.samples)
        run = _Coalitions(f, x, features, place)
        if is_exact and given is not None:
            both = f.given[given]  # (B, 2, K, M)
            return _exactly(run, both[:, 0] > 0, both[:, 1])
        if is_exact:
            coalitions, weights = owen_map(cast(Tree, tree), features.count)
            return _exactly(run, tf.constant(coalitions[None]), tf.constant(weights[None]))
        if given is not None:
            table = f.given[given]
        else:
            made = tf.constant(node_table(cast(Tree, tree), features.count))
            table = tf.repeat(made[None], tf.shape(x)[0], axis=0)
        ends = (cast(tf.Tensor, f.baseline_score()), f(x))
        low, high = (tf.cast(one, tf.float64) for one in ends)
        found = owen_by_halving(run.scores, table, features.count, (low, high), self.samples)
        details = {"shared": run.by_feature(found.shared), "samples": found.samples}
        return run.by_feature(found.values), details


@dataclasses.dataclass(frozen=True, eq=False)
class _Coalitions:
    """Coalitions of features in the order in which a tree has them.

    Args:
        f: The score.
        x: The batch, (B, ...).
        features: M of them.
        place: (B, M) the place of each feature in the tree; None where it is its number.
    """

    f: Score
    x: tf.Tensor
    features: Features
    place: tf.Tensor | None

    def by_feature(self, values: tf.Tensor) -> tf.Tensor:
        """Values in the order of the tree, (B, M), in the order of the features."""
        return values if self.place is None else tf.gather(values, self.place, batch_dims=1)

    def scores(self, coalitions: tf.Tensor) -> tf.Tensor:
        """The score of each coalition, (B, K) float64, the mean over the baselines.

        Args:
            coalitions: (B, K, M) bool, or (1, K, M) where all examples have the same.
        """
        several, count = self.f.num_baselines, coalitions.shape[1]
        batch, is_shared = tf.shape(self.x)[0], coalitions.shape[0] == 1

        def value(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            example = tf.range(tf.shape(k)[0]) % batch
            row = tf.zeros_like(example) if is_shared else example
            chosen = tf.gather_nd(coalitions, tf.stack([row, k // several], axis=1))
            if self.place is not None:
                chosen = tf.gather(chosen, tf.gather(self.place, example), batch_dims=1)
            shows = self.features.placed(chosen, rows_of(f, x))
            return f(tf.where(shows, x, f.baseline_number(k % several)))

        scores = self.f.scores_of_copies(value, count * several, self.x)
        scores = tf.reshape(tf.cast(scores, tf.float64), [-1, count, several])
        return tf.reduce_mean(scores, axis=2)


def _exactly(
    run: _Coalitions, coalitions: tf.Tensor, weights: tf.Tensor
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The values by all coalitions that they rest on.

    Args:
        run: What runs them.
        coalitions: (B or 1, K, M) bool.
        weights: Shaped like them, what the score of each counts in each value.
    """
    scores = run.scores(coalitions)
    if weights.shape[0] == 1:
        values = tf.matmul(scores, weights[0])
    else:
        values = tf.linalg.matvec(weights, scores, transpose_a=True)
    counts = tf.reduce_any(weights != 0, axis=2)
    used = tf.reduce_sum(tf.cast(counts, tf.int32), axis=1)
    every = tf.zeros_like(values[:, 0], tf.int32)
    details = {"shared": tf.zeros_like(values), "samples": every + used}
    return run.by_feature(values), details


def _tree(
    groups: Any, f: Score, x: tf.Tensor, features: Features
) -> tuple[Tree, tf.Tensor | None]:
    """The tree of the features in its own order, and the place of each in it, (B, M)."""
    count, batch = features.count, tf.shape(x)[0]
    is_spatial = x.shape.rank > 2 and f.num_parts == 1
    if groups is None and is_spatial:
        own = rows_of(f, x).mask
        if own is None:
            centres = centres_of(tf.constant(features.numbers)[None], count)[:, :, :-1]
        else:
            centres = centres_of(own, count)
        place = halved_places(centres)
        if own is None:
            place = tf.repeat(place, batch, axis=0)
        return halved(tuple(range(count))), place
    tree = group_tree(groups, features, x.shape[1:], f.parts)
    order = leaves(tree)
    if order == tuple(range(count)):
        return tree, None
    place = tf.constant(np.argsort(order)[None], tf.int32)
    return in_order(tree), tf.repeat(place, batch, axis=0)
