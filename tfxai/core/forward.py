"""One pass of a model at x, and all that can be asked of it: outputs, gradients, layers.

All of it runs while a graph is traced.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfxai.core.graph import operations
from tfxai.core.graph.linear_end import before_linear_map
from tfxai.core.graph.tensor_axes import channels_last
from tfxai.core.model.attention import attention_weights
from tfxai.core.model.final_activation import logits_of
from tfxai.core.model.head import answered, at_least_float32, head, single_output
from tfxai.core.model.layer_calls import (
    is_readable,
    observe,
    recurrent_in_loops,
    unreadable,
)
from tfxai.core.model.structure import ModelStructure
from tfxai.core.propagation.balance import held_operations
from tfxai.core.propagation.steps import NoRuleError, Propagation
from tfxai.core.propagation.unrolling import unrolled
from tfxai.core.question.scores import Contrast, LayerScore, Question, one_number_an_example
from tfxai.core.question.targets import resolve, select
from tfxai.core.tracing import Run
from tfxai.core.windows.patches import patched
from tfxai.core.windows.windows import Windows
from tfxai.errors import UnsupportedModelError

_CUDNN = "CudnnRNN"


class ForwardPass:
    """What one pass at x shows.

    Args:
        network: From x and what is held beside it to what the model returns.
        x: The rows, (B, ...).
        held: The tensors that are held.
        question: Which output is explained.
        structure: The structure of the model.
        target: (B,) or (B, r) output explained, -1 for the predicted one.

    Attributes:
        raw: What the model returned.
        outputs: All outputs of which the score is one, (B, N): logits where logits are explained;
            None where the question is about none of them.
        score: (B,), float32 or wider.
    """

    def __init__(
        self,
        network: Run,
        x: tf.Tensor,
        held: tuple[tf.Tensor, ...],
        question: Question,
        structure: ModelStructure,
        target: tf.Tensor,
    ) -> None:
        self._x, self._question, self._structure = x, question, structure
        self._given = (network, x, held, question, structure, target)
        self._seen: dict[tuple[int, int], Any] = {}

        def visit(path: str, layer: Any, index: int, output: Any) -> Any:
            self._seen[id(layer), index] = output
            return output

        with observe(visit):
            self.raw = network(x, held)
        self.outputs, score = self._read(target)
        self.score = tf.cast(score, x.dtype if x.dtype.size >= 4 else tf.float32)

    def probability(self, target: tf.Tensor) -> tf.Tensor | None:
        """Probability of the target, (B,), where the model ends in a softmax or sigmoid."""
        ending = self._structure.ending
        if self.outputs is None or (ending.activation is None and ending.gives != "probabilities"):
            return None
        of_one_unit = self.outputs.shape.as_list()[1:] == [1]  # asked for as it is
        return select(self._head("output" if of_one_unit else "probability"), target)

    def prediction(self) -> tf.Tensor | None:
        """The largest output, (B,) int32, where the score is one of (B, N), N of 2 or more."""
        if self.outputs is None or self.outputs.shape.rank != 2 or self.outputs.shape[1] == 1:
            return None
        return tf.argmax(self.outputs, axis=-1, output_type=tf.int32)

    def gradient(self) -> tf.Tensor:
        """df/dx, shaped like x.

        Raises:
            UnsupportedModelError: Nothing leads from x to the score.
        """
        gradient = gradient_of(self.score, self._x)
        if gradient is None:
            path = self._structure.first_floating()
            at = f"layer {path!r} with at={path!r}" if path else "a layer's output with at="
            raise UnsupportedModelError(
                "The score does not depend on the input in a differentiable way. Explain "
                f"{at}, or use a method that needs no gradient, such as KernelSHAP."
            )
        return gradient

    def activations(self, path: str) -> tf.Tensor:
        """The output of the layer at `path`, as the layer returned it.

        Raises:
            UnsupportedModelError: It is no one tensor.
        """
        call = self._structure.find(path)
        activations = self._seen.get((call.layer_id, call.index))
        if not is_readable(activations):
            raise UnsupportedModelError(unreadable(path))
        return activations

    def shown(self, path: str, tensor: tf.Tensor) -> tf.Tensor:
        """What a method sees of a layer's output: channels last, float32 or wider."""
        return at_least_float32(channels_last(tensor, self._structure.find(path).axes))

    def layer_gradient(self, path: str) -> tuple[tf.Tensor, tf.Tensor]:
        """A and df/dA for the output A of the layer at `path`, as a method sees them.

        Raises:
            UnsupportedModelError: The score does not depend on that layer.
        """
        activations = self.activations(path)
        gradient = gradient_of(self.score, activations)
        if gradient is None:
            raise UnsupportedModelError(
                f"The score does not depend on layer {path!r}. Choose a layer that it rests on."
            )
        return self.shown(path, activations), self.shown(path, gradient)

    def layer_derivative(self, path: str, direction: tf.Tensor) -> tf.Tensor:
        """dA/dt of the layer at `path` where x moves along `direction` (dx/dt).

        Raises:
            UnsupportedModelError: The layer does not depend on x in a differentiable way.
        """
        activations = self.activations(path)
        # A product with the Jacobian from the right: the derivative of the product from the left
        # J^T u, which is linear in u, whatever u is.
        u = tf.zeros_like(activations)
        backward = tf.gradients(activations, self._x, grad_ys=u)[0]
        forward = None
        if backward is not None:
            forward = tf.gradients(tf.convert_to_tensor(backward), u, grad_ys=direction)[0]
        if forward is None:
            raise UnsupportedModelError(
                f"Layer {path!r} does not depend on the input in a differentiable way. "
                "Choose a layer that does."
            )
        return self.shown(path, tf.convert_to_tensor(forward))

    def propagation(
        self, *, by_gradient: bool, by_difference: bool, hold: Collection[str]
    ) -> Propagation:
        """The steps from x to the score, loops written out, for signals to go back by rules.

        Raises:
            UnsupportedModelError: An operation has no rule; with `by_gradient`, only a call
                that cannot be looked into has none.
        """
        run = self
        if any(op.type.startswith(_CUDNN) for op in operations.between(self._x, [self.score])):
            with recurrent_in_loops():
                run = ForwardPass(*self._given)
        score, x = run.score, run.score.graph.capture(self._x)
        try:
            score = unrolled(score, x)
            held = held_operations(score, x, hold) if hold else None
            return Propagation(
                score, x, by_gradient=by_gradient, by_difference=by_difference, held=held
            )
        except NoRuleError as error:
            raise NoRuleError(error.op, error.what, run.layer_of(error.op)) from None

    def attention(self) -> tuple[Attention, ...]:
        """Every attention on which the score rests, in the order of computation.

        Raises:
            UnsupportedModelError: There is none that can be seen.
        """
        return self._attention(self._x, [self.score])

    def every_attention(self, leaves: Sequence[tf.Tensor]) -> tuple[Attention, ...]:
        """Every attention on which anything that the model returned rests.

        Args:
            leaves: The inputs of the model.

        Raises:
            UnsupportedModelError: There is none that can be seen.
        """
        return self._attention(leaves, [t for t in tf.nest.flatten(self.raw) if is_readable(t)])

    def _attention(self, x: Any, outputs: Sequence[tf.Tensor]) -> tuple[Attention, ...]:
        found = attention_weights(x, outputs)
        if not found:
            ops = operations.between(None, outputs)
            hidden = sorted({op.type for op in ops if op.type in operations.CALLS})
            what = f" It runs {', '.join(hidden)}, which cannot be looked into." if hidden else ""
            raise UnsupportedModelError(
                "The model has no attention that can be seen: no softmax by whose weights values "
                f"are added up.{what} Explain it by a method that needs none."
            )
        return tuple(
            Attention(self.layer_of(one.product), one.tensor, self.score) for one in found
        )

    def penultimate(self) -> tf.Tensor:
        """(B, d + 1): what the last dense layer multiplies with its weights to make the logits.

        The activations that it takes, and 1 for its bias, 0 where it has none.

        Raises:
            UnsupportedModelError: The logits are made in another way.
        """
        output = single_output(self.raw)
        found = logits_of(output, self._x)
        taken = before_linear_map(output if found is None else found[1](), self._x)
        if taken is None:
            raise UnsupportedModelError(
                "The model does not end in a dense layer with at most a softmax or sigmoid behind "
                "it, so it has no penultimate activations. Leave training= out."
            )
        activations = at_least_float32(taken[0])
        ones = tf.fill([tf.shape(activations)[0], 1], tf.cast(taken[1], activations.dtype))
        return tf.concat([activations, ones], axis=1)

    def patched(self, windows: Windows) -> tuple[Callable[..., Any], float] | None:
        """The network as a function of what stands in a window of x, as `patches` has it."""
        if isinstance(self._question.kind, LayerScore):
            return None
        return patched(self._x, self.raw, windows)

    def layer_outputs(self) -> dict[str, tf.Tensor]:
        """The outputs of all layers that are one tensor, by path; of shared layers the last."""
        found = {}
        for call in self._structure.calls:
            output = self._seen.get((call.layer_id, call.index))
            if output is not None and is_readable(output):
                found[call.path] = output
        return found

    def layer_of(self, op: tf.Operation) -> str | None:
        """Path of the innermost layer in whose scope an operation runs."""
        paths = {(call.layer_id, call.index): call.path for call in self._structure.calls}
        scopes: dict[str, str] = {}
        for key, output in self._seen.items():
            if is_readable(output):
                scopes.setdefault(output.op.name.rpartition("/")[0], paths.get(key, ""))
        for key, output in self._seen.items():
            if is_readable(output):
                for scope, path in _scopes_around(output.op.name, paths.get(key, "")):
                    scopes.setdefault(scope, path)
        scope = op.name
        while scope:
            scope = scope.rpartition("/")[0]
            if scopes.get(scope):
                return scopes[scope]
        return None

    def _read(self, target: tf.Tensor) -> tuple[tf.Tensor | None, tf.Tensor]:
        """The outputs, where the question is about one of them, and the score."""
        kind = self._question.kind
        if isinstance(kind, LayerScore):
            activations = self.activations(kind.layer)
            if kind.of_channels:  # wherever the channels lie
                activations = channels_last(activations, self._structure.find(kind.layer).axes)
            return None, kind.select(activations)
        if isinstance(kind, Contrast):
            closed, ending = self._structure.closed, self._structure.ending
            outputs = self._head("output" if closed else answered("logit", ending, explicit=False))
            return outputs, outputs[..., kind.a] - outputs[..., kind.b]
        if self._question.function is not None:
            return None, one_number_an_example(self._question.function, self.raw, kind)
        outputs = self._head(kind)
        return outputs, select(outputs, resolve(target, outputs))

    def _head(self, kind: str) -> tf.Tensor:
        """All outputs of one kind."""
        return head(single_output(self.raw), kind, self._x, self._structure.ending)


def _scopes_around(name: str, path: str) -> Iterator[tuple[str, str]]:
    """The scope of a layer and of each layer around it, from the name of an operation inside.

    A layer opens a scope of its own name, numbered where it is taken.
    """
    parts, start = name.split("/"), 0
    layers = path.split("/")
    for depth, layer in enumerate(layers, 1):
        pattern = re.compile(re.escape(layer) + r"(_\d+)?")
        for i in range(start, len(parts) - 1):
            if pattern.fullmatch(parts[i]):
                start = i + 1
                yield "/".join(parts[:start]), "/".join(layers[:depth])
                break
        else:
            return


@dataclasses.dataclass(frozen=True)
class Attention:
    """One attention of a pass.

    Args:
        layer: Path of the innermost layer in which the values are added up, None outside of any.
        weights: (B, ..., T, S): the weight of each key for each query, which add up to 1 over S.
            Heads, where there are any, are the axes between.
        score: The score of the pass, (B,).
    """

    layer: str | None
    weights: tf.Tensor
    score: tf.Tensor

    def gradient(self) -> tf.Tensor:
        """The score's gradient by the weights, zero where it does not depend on them."""
        gradient = gradient_of(self.score, self.weights)
        return tf.zeros_like(self.weights) if gradient is None else gradient


def gradient_of(score: tf.Tensor, at: tf.Tensor) -> tf.Tensor | None:
    """Gradient of each example's score, or None where it does not rest on `at`.

    Symbolic: a tape would build the backward pass of every inner function, wanted or not.
    """
    gradient = tf.gradients(score, at)[0]
    return None if gradient is None else tf.convert_to_tensor(gradient)
