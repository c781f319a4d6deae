"""The score function f of the papers: from x to the one number an example that is explained.

A method sees nothing of a model but this. All of it runs while a graph is traced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfxai.core.anatomy import Anatomy
from tfxai.core.copies import copies_per_chunk, repeat_batch, weighted_sum
from tfxai.core.heads import KINDS, at_least_float32, head, single_output
from tfxai.core.scores import Contrast, Neuron, ScoreKind
from tfxai.core.taps import observe
from tfxai.core.targets import resolve, select
from tfxai.errors import InvalidInputError, TfxaiError, UnsupportedModelError

Network = Callable[[tf.Tensor, tuple[tf.Tensor, ...]], Any]
"""From x and the tensors held beside it to what the model returns."""


@dataclasses.dataclass(frozen=True)
class Question:
    """What of the outputs is explained, without the target: the static half of a question.

    Args:
        kind: `"logit"`, `"probability"`, `"output"`, a registered name, or a record.
        explicit: Whether the user asked for it; a method's default gives way where the model
            has no such output.
        function: The function behind a registered name.
    """

    kind: ScoreKind
    explicit: bool
    function: Callable[[Any], tf.Tensor] | None = None

    def name(self, activation: str | None, classes: Sequence[str] | None = None) -> str:
        """How the score is reported for a model that ends in `activation`."""
        if not isinstance(self.kind, str):
            return self.kind.in_words(classes)
        given_way = activation is None and not (self.explicit and self.kind == "probability")
        return "output" if self.kind in KINDS and given_way else self.kind


class Score:
    """f: x -> (B,), with its gradients, for one target an example.

    Attributes:
        baseline: x' for every row of x, or None for a method that has none.
    """

    def __init__(
        self,
        network: Network,
        question: Question,
        anatomy: Anatomy,
        target: tf.Tensor,
        held: tuple[tf.Tensor, ...] = (),
        baseline: tf.Tensor | None = None,
        chunk: int = 50,
    ) -> None:
        self._network = network
        self._question = question
        self._anatomy = anatomy
        self._target = target
        self._held = held
        self._chunk = chunk
        self._runs: dict[Any, _Run] = {}
        self.baseline = baseline

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
        copies = copies_per_chunk(weights.shape[0], batch, self._chunk)
        f = self._repeated(copies)
        rows = repeat_batch(x, copies)

        def step(index: tf.Tensor) -> Any:
            return value(f._fresh(), rows, tf.repeat(index, batch))

        return weighted_sum(step, weights, copies, x if like is None else like)

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
            return None, _one_number_an_example(self._question.function, run.raw, kind)
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

    def decided(self, x: tf.Tensor) -> tuple[Score, tf.Tensor]:
        """The score with the class predicted at x held from here on, and that target."""
        run = self._run(x)
        if run.outputs is None:
            return self, self._target
        target = resolve(self._target, run.outputs)
        f = self._with(target=target)
        f._runs[x.ref()] = run
        return f, target

    def _fresh(self) -> Score:
        """The same score with no pass remembered: tensors of a loop's body end with it."""
        return self._with()

    def _repeated(self, copies: tf.Tensor) -> Score:
        """The score for a batch repeated `copies` times."""
        return self._with(
            target=repeat_batch(self._target, copies),
            held=tuple(repeat_batch(tensor, copies) for tensor in self._held),
            baseline=None if self.baseline is None else repeat_batch(self.baseline, copies),
        )

    def _with(self, **changes: Any) -> Score:
        now: Mapping[str, Any] = {
            "target": self._target,
            "held": self._held,
            "baseline": self.baseline,
            **changes,
        }
        return Score(
            self._network,
            self._question,
            self._anatomy,
            now["target"],
            now["held"],
            now["baseline"],
            self._chunk,
        )


class _Run:
    """What one forward pass left behind."""

    outputs: tf.Tensor | None
    score: tf.Tensor

    def __init__(self, seen: dict[tuple[int, int], Any], raw: Any) -> None:
        self.seen = seen
        self.raw = raw


def is_readable(output: Any) -> bool:
    """Whether a layer's output is one tensor of the graph that is being traced."""
    return isinstance(output, tf.Tensor) and (
        getattr(output, "graph", None) is tf.compat.v1.get_default_graph()
    )


def unreadable(path: str) -> str:
    """Why a layer's output cannot be explained."""
    return (
        f"Layer {path!r} does not return one tensor that can be read: it returns several or none, "
        "or runs inside a loop or a tf.function. Choose a layer that does."
    )


def _gradient(score: tf.Tensor, at: tf.Tensor) -> tf.Tensor | None:
    """Gradient of each example's score, or None where it does not rest on `at`.

    Symbolic: a tape would build the backward pass of every inner function, wanted or not.
    """
    gradient = tf.gradients(score, at)[0]
    return None if gradient is None else tf.convert_to_tensor(gradient)


def _one_number_an_example(function: Callable[[Any], Any], raw: Any, name: str) -> tf.Tensor:
    """What a registered score makes of the outputs."""
    try:
        values = tf.convert_to_tensor(function(raw))
    except TfxaiError:
        raise
    except Exception as error:  # the user's own code may raise anything
        reason = str(error).strip().partition("\n")[0]
        raise InvalidInputError(
            f"The score {name!r} failed on the model's outputs, {_shapes(raw)}: "
            f"{type(error).__name__}: {reason}"
        ) from error
    if values.shape.rank != 1:
        raise InvalidInputError(
            f"The score {name!r} returned shape {values.shape}, and one number an example was "
            "expected: (B,). Reduce the other axes."
        )
    return values


def _shapes(raw: Any) -> str:
    """Shapes of what a model returned, in words."""
    shapes = [
        f"({', '.join('B' if n is None else str(n) for n in t.shape)})"
        for t in tf.nest.flatten(raw)
    ]
    return f"of shape {' and '.join(shapes)}"
