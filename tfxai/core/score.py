"""The score function f of the papers: from x to the one number an example that is explained.

A method sees nothing of a model but this. All of it runs while a graph is traced.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection
from typing import Any, cast

import numpy as np
import tensorflow as tf

from tfxai.arrangement import positions
from tfxai.core.forward import Attention, ForwardPass
from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.graph.blurring import blurred
from tfxai.core.graph.tensor_axes import channels_back, channels_last
from tfxai.core.inputs.parts import Part
from tfxai.core.model.head import at_least_float32
from tfxai.core.model.structure import ModelStructure
from tfxai.core.network import Network
from tfxai.core.propagation.steps import Propagation
from tfxai.core.question.scores import Question
from tfxai.core.question.targets import resolve
from tfxai.core.sampling.copies import (
    MOST,
    copies_per_chunk,
    over_active,
    repeat_batch,
    sum_of_active,
    weighted_sum,
)
from tfxai.core.sampling.moments import Moments, moments_of_active, sum_and_moments
from tfxai.core.sampling.quadrature import quadrature
from tfxai.core.sampling.random_numbers import normal, uniform
from tfxai.core.tracing import RowTensors, TraceLimits
from tfxai.core.windows.windows import Windows


class Score:
    """f: x -> (B,), what a pass at x shows, and sums over many copies of a batch.

    Args:
        network: From x and what is held beside it to what the model returns.
        question: Which output is explained.
        structure: The structure of the model.
        rows: What belongs to the rows of x: targets, baselines.
        limits: What the trace is bound to.

    Attributes:
        baseline: x' for every row of x, or None where there is none or a set of them.
        background: A set of baselines that all rows share, (R, ...), or None.
        given: What was made of the examples on the host, (B, ...) each, by the record of how.
    """

    def __init__(
        self,
        network: Network,
        question: Question,
        structure: ModelStructure,
        rows: RowTensors,
        limits: TraceLimits = TraceLimits(),  # noqa: B008 - immutable
    ) -> None:
        self._network = network
        self._question = question
        self._structure = structure
        self._limits = limits
        self._copies: int | tf.Tensor = 1
        self._passes: dict[Any, ForwardPass] = {}
        self._target, self._held, self.baseline, self.background, self.given = rows

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """f(x), (B,)."""
        return self.forward(x).score

    def forward(self, x: tf.Tensor) -> ForwardPass:
        """The pass at x: run once, however much of it is asked for."""
        key = x.ref()
        if key not in self._passes:
            self._passes[key] = ForwardPass(
                self._network, x, self._held, self._question, self._structure, self._target
            )
        return self._passes[key]

    def outputs(self, x: tf.Tensor) -> tf.Tensor | None:
        """All outputs of which the score is one, (B, N): logits where logits are explained.

        None where the question is about none of them: a neuron, a registered score.
        """
        return self.forward(x).outputs

    def probability(self, x: tf.Tensor) -> tf.Tensor | None:
        """Probability of the target, (B,), where the model ends in a softmax or sigmoid."""
        return self.forward(x).probability(self._target)

    def prediction(self, x: tf.Tensor) -> tf.Tensor | None:
        """The largest output, (B,) int32, where the score is one of (B, N), N of 2 or more."""
        return self.forward(x).prediction()

    def gradient(self, x: tf.Tensor) -> tf.Tensor:
        """df/dx, shaped like x.

        Raises:
            UnsupportedModelError: Nothing leads from x to the score.
        """
        return self.forward(x).gradient()

    def activations(self, path: str, x: tf.Tensor) -> tf.Tensor:
        """The output A of the layer at `path`, channels last, float32 or wider."""
        run = self.forward(x)
        return run.shown(path, run.activations(path))

    def layer_gradient(self, path: str, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A and df/dA for the output A of the layer at `path`, channels last, float32 or wider.

        Raises:
            UnsupportedModelError: The score does not depend on that layer.
        """
        return self.forward(x).layer_gradient(path)

    def layer_derivative(self, path: str, x: tf.Tensor, direction: tf.Tensor) -> tf.Tensor:
        """dA/dt of the layer at `path` where x moves along `direction` (dx/dt), channels last.

        Raises:
            UnsupportedModelError: The layer does not depend on x in a differentiable way.
        """
        return self.forward(x).layer_derivative(path, direction)

    def propagation(
        self,
        x: tf.Tensor,
        *,
        by_gradient: bool = False,
        by_difference: bool = False,
        hold: Collection[str] = (),
    ) -> Propagation:
        """The steps from x to the score, through which signals are taken back by rules.

        Loops whose number of rounds is known, such as those of recurrent layers, are written out.

        Args:
            x: The rows.
            by_gradient: Whether only ReLUs are told apart.
            by_difference: Whether signals belong to differences from another point: products of
                tensors that depend on x, softmaxes and truths are steps then.
            hold: What counts as constant, of the words of `core.propagation.balance`; products
                of tensors that depend on x are steps then, and softmaxes.

        Raises:
            UnsupportedModelError: An operation has no rule; with `by_gradient`, only a call
                that cannot be looked into has none.
        """
        return self.forward(x).propagation(
            by_gradient=by_gradient, by_difference=by_difference, hold=hold
        )

    def attention(self, x: tf.Tensor) -> tuple[Attention, ...]:
        """The weights, and the score's gradient by them, of every attention in the pass at x.

        Raises:
            UnsupportedModelError: There is no attention that can be seen.
        """
        return self.forward(x).attention()

    def penultimate(self, x: tf.Tensor) -> tf.Tensor:
        """What the last dense layer multiplies with its weights to make the logits, (B, d + 1).

        The activations that it takes, and 1 for its bias, 0 where it has none.

        Raises:
            UnsupportedModelError: The logits are made in another way.
        """
        return self.forward(x).penultimate()

    def behind(self, path: str, x: tf.Tensor) -> tuple[Score, tf.Tensor]:
        """The score as a function of the output A of the layer at `path`, and A, channels last.

        What comes before the layer runs once, however often the function is called; a model
        that cannot be cut there runs whole, and the graph leaves out what A makes needless.
        """
        network, before = self._network.behind(path)
        if before is not None:
            activations, held = before(x, self._held)
        else:
            activations, held = self.forward(x).activations(path), (x, *self._held)
        axes = self._structure.find(path).axes
        network = network.turned(axes, activations.dtype)
        seen = tf.cast(at_least_float32(channels_last(activations, axes)), x.dtype)
        alone: dict[str, Any] = {"baseline": None, "background": None, "given": {}}
        return self._with(_network=network, _held=held, **alone), seen

    def decided(self, x: tf.Tensor) -> tuple[Score, tf.Tensor]:
        """The score with the class predicted at x held from here on, and that target."""
        run = self.forward(x)
        if run.outputs is None:
            return self, self._target
        target = resolve(self._target, run.outputs)
        f = self._with(_target=target)
        f._passes[x.ref()] = run
        return f, target

    def _with(self, **changes: Any) -> Score:
        """This score with other attributes and no pass remembered."""
        other = copy.copy(self)
        vars(other).update(changes, _passes={})
        return other

    @property
    def parts(self) -> tuple[Part, ...]:
        """The inputs of the model that lie side by side in x, or the one that x is."""
        return self._limits.parts

    @property
    def num_parts(self) -> int:
        """Inputs of the model that lie side by side in x."""
        return len(self.parts) or 1

    @property
    def is_one_of_several(self) -> bool:
        """Whether x is one of several inputs, the others held."""
        return self._limits.of_several

    @property
    def blends(self) -> bool:
        """Whether values between two of x mean anything; of words, say, they do not."""
        return all(part.blends for part in self.parts)

    def axes_of(self, path: str) -> str:
        """What the axes of a layer's output are."""
        return self._structure.find(path).axes

    def input_of(self, path: str) -> int | None:
        """Which of several inputs the maps of a layer lie over: the one with its positions."""
        call = self._structure.find(path)
        fits = [
            i
            for i, part in enumerate(self.parts)
            if part.position in call.rests_on and positions(part.axes) == positions(call.axes)
        ]
        return fits[0] if len(fits) == 1 else None

    def alone(self, i: int, x: tf.Tensor) -> tuple[Score, tf.Tensor]:
        """The score as a function of the i-th of several inputs, and that input, channels last.

        The other inputs are held at x; baselines are those of this input.
        """
        part = self.parts[i]

        def pieces(tensor: tf.Tensor) -> list[tf.Tensor]:
            return tf.split(tensor, [part.size for part in self.parts], axis=1)

        def own(tensor: tf.Tensor | None) -> tf.Tensor | None:
            if tensor is None:
                return None
            return channels_last(tf.reshape(pieces(tensor)[i], (-1, *part.shape)), part.axes)

        def network(one: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
            around = pieces(held[0])
            around[i] = tf.reshape(channels_back(one, part.axes), (-1, part.size))
            return self._network(tf.concat(around, axis=1), held[1:])

        alone = self._with(
            _network=Network(network, self._structure),
            _held=(x, *self._held),
            _limits=self._limits._replace(parts=(part,), of_several=True),
            baseline=own(self.baseline),
            background=own(self.background),
        )
        return alone, cast(tf.Tensor, own(x))

    @property
    def num_baselines(self) -> int:
        """R: baselines that each example is compared with; 1 where each has one of its own."""
        return 1 if self.background is None else int(self.background.shape[0])

    def baseline_number(self, r: tf.Tensor) -> tf.Tensor:
        """The baseline of number r, from 0 to R - 1, for each row, (B, ...)."""
        if self.background is None:
            return cast(tf.Tensor, self.baseline)
        return cast(tf.Tensor, tf.gather(self.background, r))

    def against(self, baseline: tf.Tensor) -> Score:
        """The same score with another baseline of every row, shaped like x."""
        other = self._with(baseline=baseline, background=None)
        other._passes = self._passes  # no pass at x rests on what it is compared with
        return other

    def baseline_score(self) -> tf.Tensor | None:
        """f(x'), the mean of it over a set of baselines, (B,); None without a baseline."""
        if self.baseline is not None:
            return self(self.baseline)
        if self.background is None:
            return None
        shares = [1 / self.num_baselines] * self.num_baselines
        like = tf.zeros(tf.shape(self._target)[:1], self.background.dtype)
        return self.sum_over_copies(
            lambda f, _, r: f(f.baseline_number(r)), shares, like, like=like
        )

    def spread(self, x: tf.Tensor) -> tf.Tensor:
        """max(x) - min(x) of each example, shaped like x; of each input by itself."""
        if self.num_parts > 1:
            parts = tf.split(x, [part.size for part in self.parts], axis=1)
            return tf.concat([tf.broadcast_to(_spread(p), tf.shape(p)) for p in parts], axis=1)
        return tf.broadcast_to(_spread(x), tf.shape(x))

    def noise(self, seed: int, k: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Standard normal numbers shaped like x, (K B, ...), the same in every row of a copy.

        Args:
            seed: Seed of all draws.
            k: The copy that each row belongs to, as `sum_over_copies` gives it.
            x: The rows.
        """
        return normal(seed, k, self._copies, x.shape[1:], x.dtype)

    def uniform(self, seed: int, k: tf.Tensor, count: int) -> tf.Tensor:
        """`count` numbers in [0, 1) for each row, (K B, count), drawn as `noise` is."""
        return uniform(seed, k, self._copies, [count], tf.float64)

    def sum_over_copies(
        self,
        value: Callable[[Score, tf.Tensor, tf.Tensor], Any],
        weights: Any,
        x: tf.Tensor,
        like: Any = None,
    ) -> Any:
        """sum_k weights[k] value(f, x, k), over copies of the batch in bounded memory.

        Args:
            value: Called with f, x and k for K copies at once: a score whose target and
                baseline are repeated with the batch, x (K B, ...), and the number of the copy
                that each row belongs to, (K B,) int32. Returns (K B, ...), or a structure.
            weights: (count,) weight of each copy, known when the graph is traced.
            x: The batch, (B, ...).
            like: Structure of tensors shaped like the values of one copy; x by default.

        Returns:
            The sum, shaped like `like`.
        """
        weights = tf.convert_to_tensor(weights, x.dtype)
        step, copies = self._copying(value, weights.shape[0], x)
        return weighted_sum(step, weights, copies, x if like is None else like)

    def sum_and_moments(
        self,
        value: Callable[[Score, tf.Tensor, tf.Tensor], tf.Tensor],
        weights: Any,
        x: tf.Tensor,
        like: tf.Tensor | None = None,
        *,
        strata: int = 1,
    ) -> tuple[tf.Tensor, Moments]:
        """`sum_over_copies`, and the moments of the same values, from which its error follows.

        Args:
            value: As for `sum_over_copies`; returns one tensor.
            weights: As there.
            x: The batch, (B, ...).
            like: Tensor shaped like the values of one copy; x by default.
            strata: R, copy k being of stratum k % R.
        """
        weights = tf.convert_to_tensor(weights, x.dtype)
        step, copies = self._copying(value, weights.shape[0], x)
        return sum_and_moments(step, weights, copies, x if like is None else like, strata)

    def _copying(
        self, value: Callable[[Score, tf.Tensor, tf.Tensor], Any], count: int, x: tf.Tensor
    ) -> tuple[Callable[[tf.Tensor], Any], tf.Tensor]:
        """From copy numbers to the values of the copies, and how many run at once."""
        batch = x.shape[0] or tf.shape(x)[0]
        copies = copies_per_chunk(count, batch, self._limits.chunk)
        f = self._repeated(copies)
        rows = repeat_batch(x, copies)

        def step(index: tf.Tensor) -> Any:
            return value(f._fresh(), rows, tf.repeat(index, batch))

        return step, copies

    def scores_of_copies(
        self,
        value: Callable[[Score, tf.Tensor, tf.Tensor], tf.Tensor],
        count: int,
        x: tf.Tensor,
    ) -> tf.Tensor:
        """value(f, x, k) of each copy k < count, (B, count), in bounded memory.

        Args:
            value: As for `sum_over_copies`; returns a number for each row, (K B,).
            count: Number of copies, known when the graph is traced.
            x: The batch, (B, ...).
        """

        def in_its_place(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            score = value(f, x, k)
            return score[:, None] * tf.one_hot(k, count, dtype=score.dtype)

        like = tf.zeros([tf.shape(x)[0], count], x.dtype)
        return self.sum_over_copies(in_its_place, [1.0] * count, x, like=like)

    def scores_covered(self, windows: Windows, x: tf.Tensor) -> tf.Tensor:
        """The score with each window replaced by the baseline, (B, *counts).

        The mean over a set of baselines. Of a convolutional network only what a window can
        change is computed again, where that is cheaper; so many rows then run at once as take the
        memory of a chunk of whole passes.
        """
        several = self.num_baselines
        count = math.prod(windows.counts) * several
        value, share = self._covering(windows, x)
        rows = max(self._limits.chunk, min(MOST, int(self._limits.chunk / share)))
        f = self._with(_limits=self._limits._replace(chunk=rows))
        scores = f.scores_of_copies(value, count, x)
        return tf.reduce_mean(tf.reshape(scores, [-1, *windows.counts, several]), axis=-1)

    def _covering(self, windows: Windows, x: tf.Tensor) -> tuple[Any, float]:
        """From f, rows and copy numbers to scores of x with a window covered; share of memory."""
        several = self.num_baselines
        found = None if self._held else self.forward(x).patched(windows)
        network_of, share = found or (cast(Any, None), 1.0)
        channels = [1] * (x.shape.rank - 1 - len(windows.axes))
        batch = x.shape[0] or tf.shape(x)[0]

        def in_patches(f: Score, _: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            example = tf.range(tf.shape(k)[0]) % batch
            if self.background is None:
                run, patch = network_of(k, example, self.baseline, example)
            else:
                run, patch = network_of(k // several, example, self.background, k % several)
            return f._with(_network=Network(run, self._structure))(patch)

        def whole(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            is_covered = windows.covered(k // several, GRAPH)
            is_covered = tf.reshape(is_covered, [-1, *windows.axes, *channels])
            return f(tf.where(is_covered, f.baseline_number(k % several), x))

        return in_patches if found else whole, share

    def integrate(
        self,
        value: Callable[[Score, tf.Tensor, tf.Tensor], Any],
        rule: str,
        steps: int,
        x: tf.Tensor,
        like: Any = None,
    ) -> Any:
        """Integral of value(f, x' + a (x - x'), x - x') over a in [0, 1], along lines to x.

        Args:
            value: Called with f, points on the lines and x - x', each (K B, ...); returns
                (K B, ...), or a structure.
            rule: Name of the quadrature rule.
            steps: Number of its nodes.
            x: The batch, (B, ...).
            like: As for `sum_over_copies`.

        Returns:
            The integral, shaped like `like`; the mean of it over a set of baselines.
        """

        def line(x: tf.Tensor, baseline: tf.Tensor, a: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return baseline + a * (x - baseline), x - baseline

        return self.integrate_path(value, line, rule, steps, x, like)

    def integrate_path(
        self,
        value: Callable[[Score, tf.Tensor, tf.Tensor], Any],
        path: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
        rule: str,
        steps: int,
        x: tf.Tensor,
        like: Any = None,
    ) -> Any:
        """Integral of value(f, point(a), dpoint/da) over a in [0, 1], along curves to x.

        Args:
            value: As for `integrate`, with the points of the curves and their derivatives by a.
            path: Called with x, the baselines (None without any) and a, (K B, 1, ...); returns
                points and derivatives, each (K B, ...).
            rule: Name of the quadrature rule.
            steps: Number of its nodes.
            x: The batch, (B, ...).
            like: As for `sum_over_copies`.

        Returns:
            The integral, shaped like `like`; the mean of it over a set of baselines.
        """
        nodes, weights = quadrature(rule, steps)
        alphas = tf.constant(nodes, x.dtype)
        trailing = [1] * (x.shape.rank - 1)

        def on_the_way(f: Score, x: tf.Tensor, k: tf.Tensor) -> Any:
            baseline = f.baseline_number(k // steps)
            alpha = tf.reshape(tf.gather(alphas, k % steps), [-1, *trailing])
            return value(f, *path(x, baseline, alpha))

        shares = np.tile(weights, self.num_baselines) / self.num_baselines
        return self.sum_over_copies(on_the_way, shares, x, like)

    def blurred(
        self, x: tf.Tensor, sigma: tf.Tensor, largest: float
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """X smoothed by a Gaussian along its axes of positions, and d(blurred)/d(sigma).

        What lies outside is as the nearest element inside, as for `tfxai.baselines.Blur`.

        Args:
            x: The rows, (R, ...), channels last.
            sigma: (R,) standard deviation in elements, at least 0.
            largest: The largest sigma, known when the graph is traced: its kernel says where all
                of them end.

        Returns:
            Both shaped like x.
        """
        return blurred(x, sigma, range(1, x.shape.rank - 1), largest)

    def sum_where(
        self,
        value: Callable[[Score, tf.Tensor, tf.Tensor], tf.Tensor],
        active: tf.Tensor,
        count: tf.Tensor,
        x: tf.Tensor,
    ) -> tf.Tensor:
        """sum_k value(f, x, k) over k < count, for the active examples only.

        The others cost nothing and get zero.

        Args:
            value: As for `sum_over_copies`; called with rows of any examples and copies.
            active: (B,) bool.
            count: Number of copies of each active example, a scalar known when the graph runs.
            x: The batch, (B, ...).

        Returns:
            The sums, shaped like x.
        """

        def step(example: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            return value(self._chosen(example), tf.gather(x, example), k)

        most = self._limits.chunk
        return sum_of_active(step, active, count, x, most, is_static=self._limits.is_static)

    def moments_where(
        self,
        value: Callable[[Score, tf.Tensor, tf.Tensor], tf.Tensor],
        active: tf.Tensor,
        window: tuple[tf.Tensor, tf.Tensor],
        known: Moments,
        x: tf.Tensor,
    ) -> Moments:
        """The moments with the values of more copies, for the active examples only.

        Args:
            value: As for `sum_over_copies`; called with rows of any examples and copies.
            active: (B,) bool.
            window: Number of the first copy that is new, and how many are; scalars.
            known: The moments so far.
            x: The batch, (B, ...).
        """

        def step(example: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            return value(self._chosen(example), tf.gather(x, example), k)

        most, is_static = self._limits.chunk, self._limits.is_static
        return moments_of_active(step, active, window, known, most, is_static=is_static)

    def scores_where(
        self,
        value: Callable[[Score, tf.Tensor, tf.Tensor], tf.Tensor],
        active: tf.Tensor,
        window: tuple[tf.Tensor, tf.Tensor],
        known: tf.Tensor,
        x: tf.Tensor,
    ) -> tf.Tensor:
        """Scores of variants, (B, K), with those of more of them, for the active examples only.

        Args:
            value: From f, rows of x and numbers of copies to scores, (R,); a copy is a variant
                before one of the baselines, which are innermost and of which the mean counts.
            active: (B,) bool.
            window: Number of the first copy that is new, and how many are; scalars.
            known: (B, K) the scores so far, 0 where there is none.
            x: The batch, (B, ...).
        """
        several = self.num_baselines

        def step(example: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            return value(self._chosen(example), tf.gather(x, example), k)

        def add(
            sums: tf.Tensor, scores: tf.Tensor, example: tf.Tensor, k: tf.Tensor, real: tf.Tensor
        ) -> tf.Tensor:
            share = tf.where(real, tf.cast(scores, sums.dtype), 0) / several
            places = tf.stack([example, k // several], axis=1)
            return tf.tensor_scatter_nd_add(sums, places, share)

        most, is_static = self._limits.chunk, self._limits.is_static
        return over_active(step, active, window, known, add, most, is_static=is_static)

    def _fresh(self) -> Score:
        """The same score with no pass remembered: tensors of a loop's body end with it."""
        return self._with()

    def _repeated(self, copies: tf.Tensor) -> Score:
        """The score for a batch repeated `copies` times."""
        return self._with(
            _copies=copies,
            _target=repeat_batch(self._target, copies),
            _held=tuple(repeat_batch(tensor, copies) for tensor in self._held),
            baseline=None if self.baseline is None else repeat_batch(self.baseline, copies),
            given={how: repeat_batch(array, copies) for how, array in self.given.items()},
        )

    def _chosen(self, example: tf.Tensor) -> Score:
        """The score for rows of the numbered examples."""
        return self._with(
            _copies=tf.size(example),  # each row draws for itself
            _target=tf.gather(self._target, example),
            _held=tuple(tf.gather(tensor, example) for tensor in self._held),
            baseline=None if self.baseline is None else tf.gather(self.baseline, example),
            given={how: tf.gather(array, example) for how, array in self.given.items()},
        )


def _spread(x: tf.Tensor) -> tf.Tensor:
    axes = list(range(1, x.shape.rank))
    return tf.reduce_max(x, axes, keepdims=True) - tf.reduce_min(x, axes, keepdims=True)
