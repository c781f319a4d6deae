"""The score function f of the papers: from x to the one number an example that is explained.

A method sees nothing of a model but this. All of it runs while a graph is traced.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import tensorflow as tf

from tfxai.core.anatomy import Anatomy
from tfxai.core.copies import copies_per_chunk, repeat_batch, sum_of_active, weighted_sum
from tfxai.core.draws import normal, uniform
from tfxai.core.heads import at_least_float32, head, single_output
from tfxai.core.propagation import NoRuleError, Propagation
from tfxai.core.quadrature import quadrature
from tfxai.core.scores import Contrast, Neuron, Question, one_number_an_example
from tfxai.core.taps import is_readable, observe, unreadable
from tfxai.core.targets import resolve, select
from tfxai.errors import UnsupportedModelError

Network = Callable[[tf.Tensor, tuple[tf.Tensor, ...]], Any]
"""From x and the tensors held beside it to what the model returns."""


Split = Callable[[str, tf.Tensor], "tuple[Network, tf.Tensor, tuple[tf.Tensor, ...]] | None"]
"""From a layer's path and x to the network behind the layer, the layer's output and the tensors
that this network needs beside it; None where the model cannot be cut there."""


class Rows(NamedTuple):
    """What belongs to the rows of x beside x itself.

    Args:
        target: (B,) or (B, r) output explained, -1 for the predicted one.
        held: Other inputs of the model, which are not explained.
        baseline: x' for every row of x, or None.
        background: A set of baselines for all rows, (R, ...), or None.
        groups: As in `Score`.
    """

    target: tf.Tensor
    held: tuple[tf.Tensor, ...] = ()
    baseline: tf.Tensor | None = None
    background: tf.Tensor | None = None
    groups: tf.Tensor | None = None


class Limits(NamedTuple):
    """What a trace is bound to.

    Args:
        chunk: Most rows that run at once.
        parts: Sizes of several inputs that lie side by side in x, empty for one input.
        is_static: Whether every shape must be known once the batch is: for XLA.
    """

    chunk: int = 50
    parts: tuple[int, ...] = ()
    is_static: bool = False


class Score:
    """f: x -> (B,), with its gradients, for one target an example.

    Attributes:
        baseline: x' for every row of x, or None where there is none or a set of them.
        background: A set of baselines that all rows share, (R, ...), or None.
        groups: The feature of every pixel of a row, (B, h, w), or None where all rows share them.
    """

    def __init__(
        self,
        network: Network,
        question: Question,
        anatomy: Anatomy,
        rows: Rows,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        split: Split | None = None,
    ) -> None:
        self._network = network
        self._split = split
        self._question = question
        self._anatomy = anatomy
        self._limits = limits
        self._copies: int | tf.Tensor = 1
        self._runs: dict[Any, _Run] = {}
        self._target, self._held, self.baseline, self.background, self.groups = rows

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """f(x), (B,)."""
        return self._run(x).score

    def outputs(self, x: tf.Tensor) -> tf.Tensor:
        """All outputs of which the score is one, (B, N): logits where logits are explained."""
        return self._run(x).outputs

    def probability(self, x: tf.Tensor) -> tf.Tensor | None:
        """Probability of the target, (B,), where the model ends in a softmax or sigmoid."""
        run = self._run(x)
        if run.outputs is None or self._anatomy.activation is None:
            return None
        kind = "output" if self._question.kind == "output" else "probability"
        return select(self._head(run.raw, kind, x), self._target)

    def prediction(self, x: tf.Tensor) -> tf.Tensor | None:
        """The largest output, (B,) int32, where the score is one of (B, N)."""
        outputs = self._run(x).outputs
        if outputs is None or outputs.shape.rank != 2:
            return None
        return tf.argmax(outputs, axis=-1, output_type=tf.int32)

    def gradient(self, x: tf.Tensor) -> tf.Tensor:
        """df/dx, shaped like x.

        Raises:
            UnsupportedModelError: Nothing leads from x to the score.
        """
        gradient = _gradient(self._run(x).score, x)
        if gradient is None:
            raise UnsupportedModelError(
                "The score does not depend on the input in a differentiable way. "
                "Explain a layer's output with at=, or use a method that needs no gradient."
            )
        return gradient

    def activations(self, path: str, x: tf.Tensor) -> tf.Tensor:
        """The output A of the layer at `path`, float32 or wider."""
        return at_least_float32(self._activations(self._run(x), path))

    def layer_gradient(self, path: str, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A and df/dA for the output A of the layer at `path`, shaped alike, float32 or wider.

        Raises:
            UnsupportedModelError: The score does not depend on that layer.
        """
        run = self._run(x)
        activations = self._activations(run, path)
        gradient = _gradient(run.score, activations)
        if gradient is None:
            raise UnsupportedModelError(
                f"The score does not depend on layer {path!r}. Choose a layer that it rests on."
            )
        return at_least_float32(activations), at_least_float32(gradient)

    def behind(self, path: str, x: tf.Tensor) -> tuple[Score, tf.Tensor]:
        """The score as a function of the output A of the layer at `path`, and A at x.

        What comes before the layer runs once, however often the function is called; a model
        that cannot be cut there runs whole, and the graph leaves out what A makes needless.
        """
        halves = self._split(path, x) if self._split else None
        if halves is not None:
            network, activations, held = halves
        else:
            network, held = self._replacing(path), (x, *self._held)
            activations = self._activations(self._run(x), path)
        alone = {"baseline": None, "background": None, "groups": None, "_split": None}
        return self._with(_network=network, _held=held, **alone), activations

    def _replacing(self, path: str) -> Network:
        """The network as a function of a layer's output, with x the first tensor held."""
        call = self._anatomy.find(path)

        def network(activations: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
            def visit(_: str, layer: Any, index: int, output: Any) -> Any:
                return activations if call.matches(layer, index) else output

            with observe(visit):
                return self._network(held[0], held[1:])

        return network

    def layer_derivative(self, path: str, x: tf.Tensor, direction: tf.Tensor) -> tf.Tensor:
        """dA/dt of the layer at `path` where x moves along `direction` (dx/dt), shaped like A.

        Raises:
            UnsupportedModelError: The layer does not depend on x in a differentiable way.
        """
        activations = self._activations(self._run(x), path)
        # A product with the Jacobian from the right: the derivative of the product from the left
        # J^T u, which is linear in u, whatever u is.
        u = tf.zeros_like(activations)
        backward = tf.gradients(activations, x, grad_ys=u)[0]
        forward = None
        if backward is not None:
            forward = tf.gradients(tf.convert_to_tensor(backward), u, grad_ys=direction)[0]
        if forward is None:
            raise UnsupportedModelError(
                f"Layer {path!r} does not depend on the input in a differentiable way. "
                "Choose a layer that does."
            )
        return at_least_float32(tf.convert_to_tensor(forward))

    def propagation(self, x: tf.Tensor, *, by_gradient: bool = False) -> Propagation:
        """The steps from x to the score, through which signals are taken back by rules.

        Raises:
            UnsupportedModelError: An operation has no rule; with `by_gradient`, only a call
                that cannot be looked into has none.
        """
        run = self._run(x)
        try:
            return Propagation(run.score, x, by_gradient=by_gradient)
        except NoRuleError as error:
            raise NoRuleError(error.op, error.what, self._layer_of(run, error.op)) from None

    @property
    def num_parts(self) -> int:
        """Inputs of the model that lie side by side in x."""
        return len(self._limits.parts) or 1

    @property
    def num_baselines(self) -> int:
        """R: baselines that each example is compared with; 1 where each has one of its own."""
        return 1 if self.background is None else int(self.background.shape[0])

    def baseline_number(self, r: tf.Tensor) -> tf.Tensor:
        """The baseline of number r, from 0 to R - 1, for each row, (B, ...)."""
        return self.baseline if self.background is None else tf.gather(self.background, r)

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
        if self._limits.parts:
            parts = tf.split(x, self._limits.parts, axis=1)
            return tf.concat([tf.broadcast_to(_spread(p), tf.shape(p)) for p in parts], axis=1)
        return tf.broadcast_to(_spread(x), tf.shape(x))

    def noise(self, seed: int, k: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Standard normal numbers shaped like x, (K B, ...), the same in every row of a copy.

        Args:
            seed: Of all draws.
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
        batch = x.shape[0] or tf.shape(x)[0]
        copies = copies_per_chunk(weights.shape[0], batch, self._limits.chunk)
        f = self._repeated(copies)
        rows = repeat_batch(x, copies)

        def step(index: tf.Tensor) -> Any:
            return value(f._fresh(), rows, tf.repeat(index, batch))

        return weighted_sum(step, weights, copies, x if like is None else like)

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

        wide = at_least_float32(tf.zeros((), x.dtype)).dtype
        like = tf.zeros([tf.shape(x)[0], count], wide)
        return self.sum_over_copies(in_its_place, [1.0] * count, x, like=like)

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
        nodes, weights = quadrature(rule, steps)
        alphas = tf.constant(nodes, x.dtype)
        trailing = [1] * (x.shape.rank - 1)

        def on_the_way(f: Score, x: tf.Tensor, k: tf.Tensor) -> Any:
            baseline = f.baseline_number(k // steps)
            alpha = tf.reshape(tf.gather(alphas, k % steps), [-1, *trailing])
            return value(f, baseline + alpha * (x - baseline), x - baseline)

        shares = np.tile(weights, self.num_baselines) / self.num_baselines
        return self.sum_over_copies(on_the_way, shares, x, like)

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

    def _run(self, x: tf.Tensor) -> _Run:
        """One forward pass at x, kept so that f, its outputs and gradients share it."""
        key = x.ref()
        if key not in self._runs:
            self._runs[key] = self._forward(x)
        return self._runs[key]

    def _forward(self, x: tf.Tensor) -> _Run:
        seen: dict[tuple[int, int], Any] = {}

        def visit(path: str, layer: Any, index: int, output: Any) -> Any:
            seen[id(layer), index] = output
            return output

        with observe(visit):
            raw = self._network(x, self._held)
        run = _Run(seen, raw)
        run.outputs, score = self._read(run, x)
        run.score = at_least_float32(score)
        return run

    def _read(self, run: _Run, x: tf.Tensor) -> tuple[tf.Tensor | None, tf.Tensor]:
        """The outputs, where the question is about one of them, and the score."""
        kind = self._question.kind
        if isinstance(kind, Neuron):
            return None, kind.select(self._activations(run, kind.layer))
        if isinstance(kind, Contrast):
            outputs = self._head(run.raw, "logit", x)
            return outputs, outputs[..., kind.a] - outputs[..., kind.b]
        if self._question.function is not None:
            return None, one_number_an_example(self._question.function, run.raw, kind)
        outputs = self._head(run.raw, kind, x)
        return outputs, select(outputs, resolve(self._target, outputs))

    def _head(self, raw: Any, kind: str, x: tf.Tensor) -> tf.Tensor:
        """All outputs of one kind."""
        output, explicit = single_output(raw), self._question.explicit
        return head(output, kind, x, activation=self._anatomy.activation, explicit=explicit)

    def _activations(self, run: _Run, path: str) -> tf.Tensor:
        call = self._anatomy.find(path)
        activations = run.seen.get((call.layer_id, call.index))
        if not is_readable(activations):
            raise UnsupportedModelError(unreadable(path))
        return activations

    def _layer_of(self, run: _Run, op: tf.Operation) -> str | None:
        """Path of the innermost layer in whose scope an operation runs."""
        paths = {(call.layer_id, call.index): call.path for call in self._anatomy.calls}
        scopes: dict[str, str] = {}
        for key, output in run.seen.items():
            if is_readable(output):
                scopes.setdefault(output.op.name.rpartition("/")[0], paths.get(key, ""))
        scope = op.name
        while scope:
            scope = scope.rpartition("/")[0]
            if scopes.get(scope):
                return scopes[scope]
        return None

    def decided(self, x: tf.Tensor) -> tuple[Score, tf.Tensor]:
        """The score with the class predicted at x held from here on, and that target."""
        run = self._run(x)
        if run.outputs is None:
            return self, self._target
        target = resolve(self._target, run.outputs)
        f = self._with(_target=target)
        f._runs[x.ref()] = run
        return f, target

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
            groups=None if self.groups is None else repeat_batch(self.groups, copies),
        )

    def _chosen(self, example: tf.Tensor) -> Score:
        """The score for rows of the numbered examples."""
        return self._with(
            _target=tf.gather(self._target, example),
            _held=tuple(tf.gather(tensor, example) for tensor in self._held),
            baseline=None if self.baseline is None else tf.gather(self.baseline, example),
            groups=None if self.groups is None else tf.gather(self.groups, example),
        )

    def _with(self, **changes: Any) -> Self:
        """This score with other attributes and no pass remembered."""
        other = copy.copy(self)
        vars(other).update(changes, _runs={})
        return other


class _Run:
    """What one forward pass left behind."""

    outputs: tf.Tensor | None
    score: tf.Tensor

    def __init__(self, seen: dict[tuple[int, int], Any], raw: Any) -> None:
        self.seen = seen
        self.raw = raw


def _spread(x: tf.Tensor) -> tf.Tensor:
    axes = list(range(1, x.shape.rank))
    return tf.reduce_max(x, axes, keepdims=True) - tf.reduce_min(x, axes, keepdims=True)


def _gradient(score: tf.Tensor, at: tf.Tensor) -> tf.Tensor | None:
    """Gradient of each example's score, or None where it does not rest on `at`.

    Symbolic: a tape would build the backward pass of every inner function, wanted or not.
    """
    gradient = tf.gradients(score, at)[0]
    return None if gradient is None else tf.convert_to_tensor(gradient)
