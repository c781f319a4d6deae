"""One pass of a model at x, and all that can be asked of it: outputs, gradients, layers.

All of it runs while a graph is traced.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

import tensorflow as tf

from tfxai.core.graph.tensor_axes import channels_back, channels_last
from tfxai.core.limits import Limits, Network, Rows, Split
from tfxai.core.model.head import answered, at_least_float32, head, single_output
from tfxai.core.model.layer_calls import is_readable, observe, unreadable
from tfxai.core.model.structure import ModelStructure
from tfxai.core.propagation.steps import NoRuleError, Propagation
from tfxai.core.question.scores import Contrast, Neuron, Question, one_number_an_example
from tfxai.core.question.targets import resolve, select
from tfxai.core.windows.patches import patched
from tfxai.core.windows.windows import Windows
from tfxai.errors import UnsupportedModelError


class Passes:
    """f: x -> (B,) for one target an example, with what a pass shows beside it.

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
        rows: Rows,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        split: Split | None = None,
    ) -> None:
        self._network = network
        self._split = split
        self._question = question
        self._structure = structure
        self._limits = limits
        self._copies: int | tf.Tensor = 1
        self._runs: dict[Any, _Run] = {}
        self._target, self._held, self.baseline, self.background, self.given = rows

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """f(x), (B,)."""
        return self._run(x).score

    def outputs(self, x: tf.Tensor) -> tf.Tensor:
        """All outputs of which the score is one, (B, N): logits where logits are explained."""
        return self._run(x).outputs

    def probability(self, x: tf.Tensor) -> tf.Tensor | None:
        """Probability of the target, (B,), where the model ends in a softmax or sigmoid."""
        run, ending = self._run(x), self._structure.ending
        if run.outputs is None or (ending.activation is None and ending.gives != "probabilities"):
            return None
        of_one_unit = run.outputs.shape.as_list()[1:] == [1]  # asked for as it is
        kind = "output" if of_one_unit else "probability"
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
            path = self._structure.first_floating()
            at = f"layer {path!r} with at={path!r}" if path else "a layer's output with at="
            raise UnsupportedModelError(
                "The score does not depend on the input in a differentiable way. Explain "
                f"{at}, or use a method that needs no gradient, such as KernelSHAP."
            )
        return gradient

    def activations(self, path: str, x: tf.Tensor) -> tf.Tensor:
        """The output A of the layer at `path`, channels last, float32 or wider."""
        return self._seen(path, self._activations(self._run(x), path))

    def layer_gradient(self, path: str, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """A and df/dA for the output A of the layer at `path`, channels last, float32 or wider.

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
        return self._seen(path, activations), self._seen(path, gradient)

    def behind(self, path: str, x: tf.Tensor) -> tuple[Self, tf.Tensor]:
        """The score as a function of the output A of the layer at `path`, and A, channels last.

        What comes before the layer runs once, however often the function is called; a model
        that cannot be cut there runs whole, and the graph leaves out what A makes needless.
        """
        halves = self._split(path, x) if self._split else None
        if halves is not None:
            network, activations, held = halves
        else:
            network, held = self._replacing(path), (x, *self._held)
            activations = self._activations(self._run(x), path)
        axes, narrow = self._structure.find(path).axes, activations.dtype

        def turned(seen: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
            return network(tf.cast(channels_back(seen, axes), narrow), held)

        alone: dict[str, Any] = {"baseline": None, "background": None, "given": {}, "_split": None}
        seen = tf.cast(self._seen(path, activations), x.dtype)
        return self._with(_network=turned, _held=held, **alone), seen

    def _replacing(self, path: str) -> Network:
        """The network as a function of a layer's output, with x the first tensor held."""
        call = self._structure.find(path)

        def network(activations: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
            def visit(_: str, layer: Any, index: int, output: Any) -> Any:
                return activations if call.matches(layer, index) else output

            with observe(visit):
                return self._network(held[0], held[1:])

        return network

    def layer_derivative(self, path: str, x: tf.Tensor, direction: tf.Tensor) -> tf.Tensor:
        """dA/dt of the layer at `path` where x moves along `direction` (dx/dt), channels last.

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
        return self._seen(path, tf.convert_to_tensor(forward))

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

    def patched(
        self, windows: Windows, x: tf.Tensor
    ) -> tuple[Callable[..., tf.Tensor], float] | None:
        """The score with a window of x replaced, of which only what it can change runs again.

        Returns:
            A function from a score for rows, the number of each row's window and of its example,
            images (N, h, w, C), and the number of the image that each row's window shows, to
            (R,), and the share that it takes of the memory of a whole pass. None where that
            gains nothing in a model of this kind.
        """
        if isinstance(self._question.kind, Neuron) or self._held:
            return None
        found = patched(x, self._run(x).raw, windows)
        if found is None:
            return None
        network_of, share = found

        def score(f: Passes, *rows: tf.Tensor) -> tf.Tensor:
            network, patch = network_of(*rows)
            return f._with(_network=network)(patch)

        return score, share

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
        run.score = tf.cast(score, x.dtype if x.dtype.size >= 4 else tf.float32)
        return run

    def _read(self, run: _Run, x: tf.Tensor) -> tuple[tf.Tensor | None, tf.Tensor]:
        """The outputs, where the question is about one of them, and the score."""
        kind = self._question.kind
        if isinstance(kind, Neuron):
            activations = self._activations(run, kind.layer)
            if isinstance(kind.index, int):  # a channel, wherever the channels lie
                activations = channels_last(activations, self._structure.find(kind.layer).axes)
            return None, kind.select(activations)
        if isinstance(kind, Contrast):
            closed, ending = self._structure.closed, self._structure.ending
            shown = "output" if closed else answered("logit", ending, explicit=False)
            outputs = self._head(run.raw, shown, x)
            return outputs, outputs[..., kind.a] - outputs[..., kind.b]
        if self._question.function is not None:
            return None, one_number_an_example(self._question.function, run.raw, kind)
        outputs = self._head(run.raw, kind, x)
        return outputs, select(outputs, resolve(self._target, outputs))

    def _head(self, raw: Any, kind: str, x: tf.Tensor) -> tf.Tensor:
        """All outputs of one kind."""
        return head(single_output(raw), kind, x, self._structure.ending)

    def _activations(self, run: _Run, path: str) -> tf.Tensor:
        call = self._structure.find(path)
        activations = run.seen.get((call.layer_id, call.index))
        if not is_readable(activations):
            raise UnsupportedModelError(unreadable(path))
        return activations

    def _seen(self, path: str, tensor: tf.Tensor) -> tf.Tensor:
        """What a method sees of a layer's output."""
        return at_least_float32(channels_last(tensor, self._structure.find(path).axes))

    def _layer_of(self, run: _Run, op: tf.Operation) -> str | None:
        """Path of the innermost layer in whose scope an operation runs."""
        paths = {(call.layer_id, call.index): call.path for call in self._structure.calls}
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

    def decided(self, x: tf.Tensor) -> tuple[Self, tf.Tensor]:
        """The score with the class predicted at x held from here on, and that target."""
        run = self._run(x)
        if run.outputs is None:
            return self, self._target
        target = resolve(self._target, run.outputs)
        f = self._with(_target=target)
        f._runs[x.ref()] = run
        return f, target

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


def _gradient(score: tf.Tensor, at: tf.Tensor) -> tf.Tensor | None:
    """Gradient of each example's score, or None where it does not rest on `at`.

    Symbolic: a tape would build the backward pass of every inner function, wanted or not.
    """
    gradient = tf.gradients(score, at)[0]
    return None if gradient is None else tf.convert_to_tensor(gradient)
