"""The one compiled function behind a call: everything between arrays in and arrays out.

Traced once per model, method, question and example shape; another batch size, target,
baseline or weight is only another argument. This is the only place that compiles.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import keras
import tensorflow as tf

from tfxai.arrangement import is_moved
from tfxai.arrays import Array
from tfxai.core.diagnosis import culprit, finite_flags
from tfxai.core.forward import ForwardPass
from tfxai.core.graph.tensor_axes import channels_back, channels_last
from tfxai.core.inputs.host_arrays import HostArray
from tfxai.core.inputs.layout import Layout
from tfxai.core.inputs.parts import Part
from tfxai.core.model.cache import ModelCache
from tfxai.core.model.functions import is_of_function
from tfxai.core.model.structure import ModelStructure
from tfxai.core.network import Network
from tfxai.core.question.scores import LayerScore, Question
from tfxai.core.sampling.passes import reported
from tfxai.core.score import Score
from tfxai.core.tracing import RowTensors, TraceLimits

Values: TypeAlias = Any  # tf.Tensor | tuple[tf.Tensor, dict[str, tf.Tensor]]
"""Values, and beside them what a method has to say of each example: name to (B, ...)."""
Attribute = Callable[[Score, tf.Tensor], Values]
"""A method's equation: from f and x to values."""
DETAIL = "detail/"
VALUES = "values"
"""Under which values are; those of one of several inputs under `values/NAME`."""


class Given(NamedTuple):
    """An array that is made of the examples on the host.

    Args:
        how: The record that makes it.
        shape: Shape of a row.
        dtype: Its type, as TensorFlow names it.
    """

    how: HostArray
    shape: tuple[int, ...]
    dtype: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that a trace depends on besides the model: the key of a compiled program.

    Args:
        method: The method, without the options that are tensors of the program: a `Traced`.
        question: Which output is explained.
        at: Path of the layer whose activations are x, or None for the input.
        layout: The model's inputs.
        part: What is explained at the layer, where one is.
        target_rank: 1 for (B,), r + 1 for (B, r).
        baseline: What is handed in to compare with: `"none"`, `"inputs"`, or `"activations"` of
            the layer.
        num_baselines: Number of baselines in a set that all examples share, 0 for one each.
        given: What is made of the examples on the host beside their baselines.
        chunk: Rows that run at once.
        jit: Whether XLA compiles it.
        is_counted: Whether the program reports its passes.
    """

    method: Any
    question: Question
    at: str | None
    layout: Layout
    part: Part | None
    target_rank: int
    baseline: str
    num_baselines: int
    given: tuple[Given, ...]
    chunk: int
    jit: bool
    is_counted: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        """What x holds: one input or several side by side, or a layer's output."""
        return self.layout.parts if self.part is None else (self.part,)


_programs = ModelCache(64)


def program(
    model: keras.Model, plan: Plan, structure: ModelStructure, attribute: Attribute
) -> Any:
    """The compiled function of `plan`, from the cache where it is known."""
    return _programs.get(model, plan, lambda: _compile(model, plan, structure, attribute))


def joint_program(
    model: keras.Model,
    common: Plan,
    plans: Sequence[Plan],
    structure: ModelStructure,
    attributes: Sequence[Attribute],
) -> Any:
    """The compiled function of several methods at once, which share passes and one x.

    Args:
        model: The model.
        common: What the plans have in common; its method counts for nothing.
        plans: The plan of each method.
        structure: The structure of the model.
        attributes: The equation of each method.

    Returns:
        As `program`; the answers of method i have `i/` before their names.
    """
    key = ("joint", common, tuple((plan.method, plan.baseline) for plan in plans))

    def make() -> Any:
        reference = weakref.ref(model)

        def run(
            leaves: list[tf.Tensor],
            target: tf.Tensor,
            baseline: list[tf.Tensor],
            given: list[tf.Tensor],
        ) -> dict[str, tf.Tensor]:
            live = cast(keras.Model, reference())
            f, x = _score(live, common, structure, leaves, target, (baseline, given))
            f, target = f.decided(x)
            return {
                f"{i}/{name}": tensor
                for i, (plan, attribute) in enumerate(zip(plans, attributes, strict=True))
                for name, tensor in _answers(f, x, target, plan, attribute).items()
            }

        return _made(model, run, _specs(common, structure), jit=common.jit)

    return _programs.get(model, key, make)


def forward(model: keras.Model, layout: Layout) -> Any:
    """A compiled function from a list of inputs to what the model returns."""
    reference = weakref.ref(model)

    def run(leaves: list[tf.Tensor]) -> Any:
        with keras.StatelessScope():  # nothing is assigned to the model
            return cast(keras.Model, reference())(layout.structure(leaves), training=False)

    return _programs.get(model, ("forward", layout), lambda: _made(model, run, [layout.specs()]))


def attention_program(
    model: keras.Model, layout: Layout, structure: ModelStructure
) -> tuple[Any, tuple[str, ...]]:
    """A compiled function from inputs to the weights of every attention, and their layers.

    Raises:
        UnsupportedModelError: There is no attention that can be seen.
    """
    reference = weakref.ref(model)

    def make() -> tuple[Any, tuple[str, ...]]:
        paths: list[str] = []

        def run(leaves: list[tf.Tensor]) -> list[tf.Tensor]:
            def given(x: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
                return layout.structure([x, *held])

            live = cast(keras.Model, reference())
            network = Network.of(live, structure, given, may_cut=False)
            asked = Question("nothing", _no_score)
            nobody = tf.zeros(tf.shape(leaves[0])[:1], tf.int32)
            one = ForwardPass(network, leaves[0], tuple(leaves[1:]), asked, structure, nobody)
            found = one.every_attention(leaves)
            paths[:] = [each.layer or "" for each in found]
            return [tf.cast(each.weights, tf.float32) for each in found]

        return _made(model, run, [layout.specs()]), tuple(paths)

    return cast("tuple[Any, tuple[str, ...]]", _programs.get(model, ("attention", layout), make))


def _no_score(outputs: Any) -> tf.Tensor:
    """A score of zeros, where a pass is looked at and nothing is explained."""
    return tf.zeros(tf.shape(tf.nest.flatten(outputs)[0])[:1])


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


def _compile(
    model: keras.Model, plan: Plan, structure: ModelStructure, attribute: Attribute
) -> Any:
    reference = weakref.ref(model)  # the cache must not keep the model alive

    def run(
        leaves: list[tf.Tensor],
        target: tf.Tensor,
        baseline: list[tf.Tensor],
        given: list[tf.Tensor],
    ) -> dict[str, tf.Tensor]:
        live = cast(keras.Model, reference())  # alive: the caller holds it
        with reported() if plan.is_counted else contextlib.nullcontext():
            f, x = _score(live, plan, structure, leaves, target, (baseline, given))
            f, target = f.decided(x)
            return _answers(f, x, target, plan, attribute)

    return _made(model, run, _specs(plan, structure), jit=plan.jit)


def _specs(plan: Plan, structure: ModelStructure) -> list[Any]:
    """What a program takes: inputs, targets, baselines, arrays made on the host."""
    axes = [None] if plan.target_rank == 1 else [None, len(structure.outputs[0])]
    target = tf.TensorSpec(axes, tf.int32, name="target")
    given = [
        tf.TensorSpec((None, *one.shape), one.dtype, name=f"given_{i}")
        for i, one in enumerate(plan.given)
    ]
    return [plan.layout.specs(), target, _baseline_specs(plan), given]


def _baseline_specs(plan: Plan) -> list[tf.TensorSpec]:
    if plan.baseline == "none":
        return []
    specs = plan.layout.specs()
    if plan.baseline == "activations" and plan.part is not None:
        specs = [tf.TensorSpec((None, *plan.part.shape), plan.layout.working)]
    rows = plan.num_baselines or None
    return [
        tf.TensorSpec((rows, *spec.shape[1:]), spec.dtype, name=f"baseline_{i}")
        for i, spec in enumerate(specs)
    ]


def why_not_finite(
    model: keras.Model,
    plan: Plan,
    structure: ModelStructure,
    leaves: Sequence[Array],
    target: Array,
) -> str:
    """Where the numbers of one example stop being finite, in words; empty where they do not."""
    if is_of_function(model):
        return ""

    def run(leaves: list[tf.Tensor], target: tf.Tensor) -> dict[str, tf.Tensor]:
        f, x = _score(model, plan, structure, leaves, target, ([], []))
        f, _ = f.decided(x)
        return finite_flags(f, x)

    tensors = [tf.convert_to_tensor(leaf) for leaf in leaves], tf.convert_to_tensor(target)
    specs = tf.nest.map_structure(tf.TensorSpec.from_tensor, tensors)
    flags = compiled(run, specs)(*tensors)
    return culprit({name: bool(flag) for name, flag in flags.items()}, structure)


def _score(
    model: keras.Model,
    plan: Plan,
    structure: ModelStructure,
    leaves: list[tf.Tensor],
    target: tf.Tensor,
    beside: tuple[list[tf.Tensor], list[tf.Tensor]],
) -> tuple[Score, tf.Tensor]:
    """F and x of a plan; beside x lie the baselines and what was made on the host, or nothing."""
    baseline, given = beside
    network, x, held, x0 = _explained(model, plan, structure, leaves, baseline)
    own, shared = (None, x0) if plan.num_baselines else (x0, None)
    limits = TraceLimits(plan.chunk, plan.parts, plan.jit)
    made = {one.how: tensor for one, tensor in zip(plan.given, given, strict=bool(given))}
    rows = RowTensors(target, held, own, shared, made)
    return Score(network, plan.question, structure, rows, limits), x


def _answers(
    f: Score, x: tf.Tensor, target: tf.Tensor, plan: Plan, attribute: Attribute
) -> dict[str, tf.Tensor]:
    """Everything that an attribution reports, as named tensors."""
    given = _by_input(f, x, plan, attribute)
    values, details = given if isinstance(given, tuple) else (given, {})
    answers = {"target": target, "score": f(x)}
    answers |= {f"{VALUES}/{name}" if name else VALUES: tensor for name, tensor in values.items()}
    answers |= {f"{DETAIL}{name}": tensor for name, tensor in details.items()}
    prediction = f.prediction(x)
    if prediction is not None:
        answers["prediction"] = prediction
    probability = f.probability(x)
    if probability is not None:
        answers["probability"] = probability
    baseline_score = None if plan.baseline == "none" else f.baseline_score()
    if baseline_score is not None:
        answers["baseline_score"] = baseline_score
    return answers


def _by_input(
    f: Score, x: tf.Tensor, plan: Plan, attribute: Attribute
) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """Values by input, `""` for those of x as a whole, arranged as the user has them."""
    if plan.method.is_by_input and f.num_parts > 1:
        values, details = dict[str, tf.Tensor](), dict[str, tf.Tensor]()
        for i, position in enumerate(plan.layout.explained):
            given = attribute(*f.alone(i, x))
            one, more = given if isinstance(given, tuple) else (given, {})
            name = plan.layout.names[position]
            values[name] = _arranged(one, f.parts[i], plan)
            details |= {f"{key}/{name}": tensor for key, tensor in more.items()}
        return values, details
    given = attribute(f, x)
    one, details = given if isinstance(given, tuple) else (given, {})
    if isinstance(one, dict):  # of one of the inputs
        return one, details
    if plan.method.is_of_layer:
        return {"": channels_back(one, f.axes_of(plan.method.layer))}, details
    if f.num_parts > 1:
        return {"": one}, details
    alike = {
        name: _arranged(tensor, f.parts[0], plan) if tensor.shape.rank == x.shape.rank else tensor
        for name, tensor in details.items()
    }
    return {"": _arranged(one, f.parts[0], plan)}, alike


def _arranged(values: tf.Tensor, part: Part, plan: Plan) -> tf.Tensor:
    """Values with their channels where the input has its own; maps have none."""
    if plan.method.is_map or not is_moved(part.axes):
        return values
    return channels_back(values, part.axes)


def _explained(
    model: keras.Model,
    plan: Plan,
    structure: ModelStructure,
    leaves: list[tf.Tensor],
    baseline: list[tf.Tensor],
) -> tuple[Network, tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor | None]:
    """The network as a function of what is explained, that, what is held beside it, and x'."""
    layout = plan.layout
    may_cut = len(leaves) == 1 and not isinstance(plan.question.kind, LayerScore)
    if plan.at is None:
        may_cut = may_cut and not layout.texts
        network = Network.of(model, structure, layout.unpack, may_cut=may_cut)
        x0 = layout.pack(baseline, is_baseline=True) if baseline else None
        return network, layout.pack(leaves), layout.beside(leaves, baseline), x0

    def given(x: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
        return layout.structure([x, *held])

    may_cut = may_cut and not plan.method.is_of_layer  # layers before a cut are not seen
    whole = Network.of(model, structure, given, may_cut=may_cut)
    network, before = whole.behind(plan.at)
    read = before or functools.partial(whole.layer_output, plan.at)
    x, held = read(leaves[0], tuple(leaves[1:]))
    x0 = baseline[0] if plan.baseline == "activations" else None
    if plan.baseline == "inputs":
        x0 = read(baseline[0], tuple(baseline[1:]))[0]
    axes, narrow = plan.parts[0].axes, x.dtype

    def seen(tensor: tf.Tensor) -> tf.Tensor:  # in a type in which sums keep their digits
        return channels_last(tf.cast(tensor, layout.working), axes)

    return network.turned(axes, narrow), seen(x), held, None if x0 is None else seen(x0)
