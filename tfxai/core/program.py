"""The one compiled function behind a call: everything between arrays in and arrays out.

Traced once per model, method, question and example shape; another batch size, target,
baseline or weight is only another argument. This is the only place that compiles.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import keras
import tensorflow as tf

from tfxai.core.anatomy import Anatomy
from tfxai.core.diagnosis import culprit, finite_flags
from tfxai.core.functions import is_of_function
from tfxai.core.heads import at_least_float32
from tfxai.core.inputs import Array, Layout
from tfxai.core.kept import Kept
from tfxai.core.rows import Limits, Network, Rows, Split
from tfxai.core.score import Score
from tfxai.core.scores import Neuron, Question
from tfxai.core.surgery import Cut, cut
from tfxai.core.taps import is_readable, observe, unreadable
from tfxai.errors import UnsupportedModelError

Values: TypeAlias = Any  # tf.Tensor | tuple[tf.Tensor, dict[str, tf.Tensor]]
"""Values, and beside them what a method has to say of each example: name to (B, ...)."""
Attribute = Callable[[Score, tf.Tensor], Values]
"""A method's equation: from f and x to values."""
DETAIL = "detail/"


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that a trace depends on besides the model: the key of a compiled program.

    Args:
        method: The method's record, without the options that are tensors of the program.
        question: Which output is explained.
        at: Path of the layer whose activations are x, or None for the input.
        layout: The model's inputs.
        target_rank: 1 for (B,), r + 1 for (B, r).
        has_baseline: Whether a baseline is handed in.
        num_baselines: Number of baselines in a set that all examples share, 0 for one each.
        groups: Shape of the feature numbers that each example brings along, None where none does.
        chunk: Rows that run at once.
        jit: Whether XLA compiles it.
    """

    method: Any
    question: Question
    at: str | None
    layout: Layout
    target_rank: int
    has_baseline: bool
    num_baselines: int
    groups: tuple[int, ...] | None
    chunk: int
    jit: bool

    @property
    def parts(self) -> tuple[int, ...]:
        """Sizes of the inputs that lie side by side in x, empty where x is one tensor."""
        several = self.at is None and len(self.layout.explained) > 1
        return self.layout.sizes if several else ()


_programs = Kept(64)


def program(model: keras.Model, plan: Plan, anatomy: Anatomy, attribute: Attribute) -> Any:
    """The compiled function of `plan`, from the cache where it is known."""
    return _programs.get(model, plan, lambda: _compile(model, plan, anatomy, attribute))


def forward(model: keras.Model, layout: Layout) -> Any:
    """A compiled function from a list of inputs to what the model returns."""
    reference = weakref.ref(model)

    def run(leaves: list[tf.Tensor]) -> Any:
        with keras.StatelessScope():  # nothing is assigned to the model
            return cast(keras.Model, reference())(layout.structure(leaves), training=False)

    return _programs.get(model, ("forward", layout), lambda: _made(model, run, [layout.specs()]))


def compiled(function: Callable[..., Any], specs: Sequence[Any], *, jit: bool = False) -> Any:
    """`function` traced once with free batch axes; AutoGraph off, so errors keep their type."""
    return tf.function(
        function, input_signature=specs, autograph=False, jit_compile=jit
    ).get_concrete_function()


def _made(
    model: keras.Model, function: Callable[..., Any], specs: Sequence[Any], *, jit: bool = False
) -> Any:
    """`function` compiled, but for a model that stands for a function of Python."""
    return function if is_of_function(model) else compiled(function, specs, jit=jit)


def _compile(model: keras.Model, plan: Plan, anatomy: Anatomy, attribute: Attribute) -> Any:
    reference = weakref.ref(model)  # the cache must not keep the model alive

    def run(
        leaves: list[tf.Tensor],
        target: tf.Tensor,
        baseline: list[tf.Tensor],
        groups: list[tf.Tensor],
    ) -> dict[str, tf.Tensor]:
        live = cast(keras.Model, reference())  # alive: the caller holds it
        f, x = _score(live, plan, anatomy, leaves, target, (baseline, groups))
        return _answers(f, x, attribute)

    axes = [None] if plan.target_rank == 1 else [None, len(anatomy.outputs[0])]
    specs = plan.layout.specs()
    baseline_specs = (
        [
            tf.TensorSpec(
                (plan.num_baselines or None, *s.shape[1:]), s.dtype, name=f"baseline_{i}"
            )
            for i, s in enumerate(specs)
        ]
        if plan.has_baseline
        else []
    )
    target = tf.TensorSpec(axes, tf.int32, name="target")
    groups = [tf.TensorSpec((None, *plan.groups), tf.int32, name="groups")] if plan.groups else []
    return _made(model, run, [specs, target, baseline_specs, groups], jit=plan.jit)


def why_not_finite(
    model: keras.Model, plan: Plan, anatomy: Anatomy, leaves: Sequence[Array], target: Array
) -> str:
    """Where the numbers of one example stop being finite, in words; empty where they do not."""
    if is_of_function(model):
        return ""

    def run(leaves: list[tf.Tensor], target: tf.Tensor) -> dict[str, tf.Tensor]:
        f, x = _score(model, plan, anatomy, leaves, target, ([], []))
        f, _ = f.decided(x)
        return finite_flags(f, x, anatomy)

    tensors = [tf.convert_to_tensor(leaf) for leaf in leaves]
    flags = tf.function(run, autograph=False)(tensors, tf.convert_to_tensor(target))
    return culprit({name: bool(flag) for name, flag in flags.items()}, anatomy)


def _score(
    model: keras.Model,
    plan: Plan,
    anatomy: Anatomy,
    leaves: list[tf.Tensor],
    target: tf.Tensor,
    beside: tuple[list[tf.Tensor], list[tf.Tensor]],
) -> tuple[Score, tf.Tensor]:
    """F and x of a plan; beside x lie the baselines and the feature numbers, or nothing."""
    baseline, groups = beside
    network, x, held, x0 = _widened(*_at(model, plan, anatomy, leaves, baseline))
    whole = plan.at is None and len(leaves) == 1 and x.dtype == leaves[0].dtype
    own, shared = (None, x0) if plan.num_baselines else (x0, None)
    limits = Limits(plan.chunk, plan.parts, plan.jit)
    rows = Rows(target, held, own, shared, groups[0] if groups else None)
    split = _splitting(model, plan) if whole else None
    return Score(network, plan.question, anatomy, rows, limits, split), x


def _splitting(model: keras.Model, plan: Plan) -> Split:
    """How the score of a model with one input is cut at a layer."""

    def split(path: str, x: tf.Tensor) -> tuple[Network, tf.Tensor, tuple[tf.Tensor, ...]] | None:
        halves = None if isinstance(plan.question.kind, Neuron) else cut(model, path)
        if halves is None:
            return None
        activations, *bypasses = halves.prefix([x])
        return _tail(halves), activations, tuple(bypasses)

    return split


def _tail(halves: Cut) -> Network:
    return lambda x, held: halves.tail([x, *held])


def _answers(f: Score, x: tf.Tensor, attribute: Attribute) -> dict[str, tf.Tensor]:
    """Everything that an attribution reports, as named tensors."""
    f, target = f.decided(x)
    given = attribute(f, x)
    values, details = given if isinstance(given, tuple) else (given, {})
    answers = {"values": values, "target": target, "score": f(x)}
    answers |= {f"{DETAIL}{name}": tensor for name, tensor in details.items()}
    prediction = f.prediction(x)
    if prediction is not None:
        answers["prediction"] = prediction
    probability = f.probability(x)
    if probability is not None:
        answers["probability"] = probability
    baseline_score = f.baseline_score()
    if baseline_score is not None:
        answers["baseline_score"] = baseline_score
    return answers


def _at(
    model: keras.Model,
    plan: Plan,
    anatomy: Anatomy,
    leaves: list[tf.Tensor],
    baseline: list[tf.Tensor],
) -> tuple[Network, tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor | None]:
    """The network from x on, x, what is held beside it, and x'."""
    layout = plan.layout
    if plan.at is None:

        def whole(x: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
            return model(layout.unpack(x, held), training=False)

        held = tuple(leaves[i] for i in layout.held)
        return whole, layout.pack(leaves), held, layout.pack(baseline) if baseline else None
    halves = None
    if len(layout.names) == 1 and not isinstance(plan.question.kind, Neuron):
        halves = cut(model, plan.at)
    if halves is not None:
        x, *bypasses = halves.prefix(leaves)
        return _tail(halves), x, tuple(bypasses), halves.prefix(baseline)[0] if baseline else None
    return _replacing(model, layout, anatomy, plan.at, leaves, baseline)


def _widened(
    network: Network, x: tf.Tensor, held: tuple[tf.Tensor, ...], x0: tf.Tensor | None
) -> tuple[Network, tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor | None]:
    """A half precision x as float32, so that paths and sums over copies keep their digits."""
    narrow = x.dtype
    if narrow not in (tf.float16, tf.bfloat16):
        return network, x, held, x0

    def widened(x: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
        return network(tf.cast(x, narrow), held)

    return widened, at_least_float32(x), held, None if x0 is None else at_least_float32(x0)


def _replacing(
    model: keras.Model,
    layout: Layout,
    anatomy: Anatomy,
    path: str,
    leaves: list[tf.Tensor],
    baseline: list[tf.Tensor],
) -> tuple[Network, tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor | None]:
    """As `_at` for a model that cannot be cut: it runs whole, the layer's output replaced."""
    call = anatomy.find(path)

    def run(tensors: Sequence[tf.Tensor], replacement: tf.Tensor | None) -> tuple[Any, Any]:
        seen = []

        def visit(path: str, layer: Any, index: int, output: Any) -> Any:
            if not call.matches(layer, index):
                return output
            if not is_readable(output):
                raise UnsupportedModelError(unreadable(call.path))
            seen.append(output)
            return output if replacement is None else replacement

        with observe(visit):
            raw = model(layout.structure(tensors), training=False)
        if not seen:
            raise UnsupportedModelError(unreadable(call.path))
        return raw, seen[0]

    def network(x: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
        return run(held, x)[0]

    x0 = run(baseline, None)[1] if baseline else None
    return network, run(leaves, None)[1], tuple(leaves), x0
