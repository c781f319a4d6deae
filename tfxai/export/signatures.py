"""The functions that become signatures: the model's own answer, and one for each explanation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfxai.arithmetic import completeness_gap
from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.inputs.host_arrays import HostArray
from tfxai.core.inputs.layout import Layout
from tfxai.core.program import VALUES, forward
from tfxai.core.question.targets import PREDICTED
from tfxai.errors import InvalidInputError, TfxaiError, UnsupportedModelError
from tfxai.export.baselines import Baselines
from tfxai.export.given import GivenArrays
from tfxai.export.heatmaps import Heatmap
from tfxai.export.layouts import signature_names
from tfxai.export.names import DESCRIPTION, EXAMPLES, EXPLAIN, SERVE, TARGET
from tfxai.export.token_outputs import TokenOutputs
from tfxai.methods.base import AttributionMethod
from tfxai.methods.prepared import Prepared
from tfxai.subject import Subject


@dataclasses.dataclass(frozen=True)
class MethodSignature:
    """One function of an export, traced.

    Args:
        name: Under which a server has it.
        function: From a dict of tensors by name to a dict of tensors by name.
        layout: The model's inputs.
        ready: The method that explains, None for the model's own answer.
        heatmaps: How each output `heatmap...` is made, by the name of its attributions.
        variables: Arrays that the function needs beside the model's own.
        texts: How words and their values are told, None where they are not.
    """

    name: str
    function: Any
    layout: Layout
    ready: Prepared | None = None
    heatmaps: dict[str, Heatmap] = dataclasses.field(default_factory=dict)
    variables: Sequence[tf.Variable] = ()
    texts: TokenOutputs | None = None

    @property
    def inputs(self) -> dict[str, tf.TensorSpec]:
        """What the signature takes."""
        return dict(self.function.input_signature[0])

    @property
    def outputs(self) -> dict[str, tf.TensorSpec]:
        """What the signature gives."""
        return dict(self.function.get_concrete_function().structured_outputs)


def serve(model: keras.Model, layout: Layout) -> MethodSignature:
    """The model's own answer: `output_0`, ... or the names of a dict."""
    names, run = signature_names(layout), forward(model, layout)

    def predict(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        raw = run([inputs[name] for name in names])
        if isinstance(raw, dict):
            return dict(raw)
        return {f"output_{i}": one for i, one in enumerate(tf.nest.flatten(raw))}

    function = _traced(predict, _specs(names, layout))
    return MethodSignature(SERVE, function, layout)


def describe(record: str) -> Any:
    """A function that gives the record, a text, for each of `examples`."""

    def description(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {DESCRIPTION: tf.fill(tf.shape(inputs[EXAMPLES]), tf.constant(record))}

    return _traced(description, {EXAMPLES: tf.TensorSpec([None], tf.int32, name=EXAMPLES)})


def explain(
    name: str,
    method: AttributionMethod,
    subject: Subject,
    layout: Layout,
    *,
    score: Any,
    at: str | None,
    chunk_size: int | str,
) -> MethodSignature:
    """The signature `explain_NAME` of a method.

    Raises:
        TfxaiError: The method does not fit the model, or cannot be traced; the sentence begins
            with its name.
    """
    try:
        ready = method.prepared(subject, layout, score=score, at=at)
        _check_traceable(ready)
        return _explain(name, ready, chunk_size)
    except TfxaiError as error:
        kind = InvalidInputError if isinstance(error, InvalidInputError) else UnsupportedModelError
        raise kind(f"{name} cannot be exported. {error}") from error
    except Exception as error:  # of TensorFlow or Keras, which say what they cannot trace
        reason = str(error).strip().partition("\n")[0]
        free = any(None in shape for shape in layout.shapes)
        advice = (
            "The model leaves axes of its input free: pass example=, a batch of the shape to be "
            "served."
            if free
            else "Leave it out."
        )
        raise UnsupportedModelError(
            f"{name} cannot be exported: tracing it ends with {type(error).__name__}: {reason} "
            f"{advice}"
        ) from error


def _explain(name: str, ready: Prepared, chunk_size: int | str) -> MethodSignature:
    names, axes = signature_names(ready.layout), ready.axes
    baselines, given = Baselines(ready), GivenArrays(ready)
    plan = ready.plan(
        target_rank=1 if len(axes) < 2 else 2,
        baseline=baselines.kind,
        num_baselines=baselines.count,
        given=given.arrays,
        chunk_size=chunk_size,
        jit=False,  # a stock server has no XLA
    )
    run, heatmaps = ready.program(plan), dict[str, Heatmap]()
    texts = TokenOutputs.of(ready)

    def explanation(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        leaves = [inputs[name] for name in names]
        target = _checked(inputs[TARGET], tf.shape(leaves[0])[0], ready)
        answers = run(leaves, target, baselines(leaves), given(leaves))
        return _outputs(answers, leaves, ready, heatmaps, texts)

    specs = _specs(names, ready.layout)
    rank = [] if len(axes) < 2 else [len(axes)]
    specs[TARGET] = tf.TensorSpec([None, *rank], tf.int32, name=TARGET)
    function = _traced(explanation, specs)
    variables = (*baselines.variables, *given.variables)
    return MethodSignature(
        f"{EXPLAIN}{name}", function, ready.layout, ready, heatmaps, variables, texts
    )


def _specs(names: Sequence[str], layout: Layout) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec((None, *shape), dtype, name=name)
        for name, shape, dtype in zip(names, layout.shapes, layout.dtypes, strict=True)
    }


def _traced(function: Callable[..., Any], specs: dict[str, tf.TensorSpec]) -> Any:
    """A function that is traced once; AutoGraph off, so that our own errors keep their type."""
    made = tf.function(function, input_signature=[specs], autograph=False, jit_compile=False)
    made.get_concrete_function()
    return made


def _check_traceable(ready: Prepared) -> None:
    """Raises `InvalidInputError` where part of a call runs on the host."""
    if ready.method.has_host_stage:
        raise InvalidInputError(
            f"It {ready.method.host_stage}, which is done on the host, after the program, and not "
            "in a graph. Explain where the model can be called, or export another method."
        )
    for how in ready.host_arrays:
        if how.is_of_inputs:
            option = _option_of(ready.method, how)
            raise InvalidInputError(
                f"It {how.deed} ({option}{how!r}), which is done on the host and not in a graph. "
                f"{how.instead}".rstrip()
            )
    texts = [i for i in ready.layout.held if ready.layout.dtypes[i] == "string"]
    if texts and ready.at is not None and ready.has_baseline:
        shape = ready.body.find(ready.at).shape or ()
        if None in shape:
            raise InvalidInputError(
                f"Layer {ready.at!r} is as long as the text, and the empty text that it is "
                "compared with is shorter. Give TextVectorization an output_sequence_length."
            )


def _option_of(method: AttributionMethod, how: HostArray) -> str:
    """The option that says how an array is made, as `OPTION=`, in the method or one inside it."""
    for name, value in method._options().items():
        if value == how:
            return f"{name}="
    for name, inner in method._inner().items():
        if found := _option_of(inner, how):
            return f"{name}.{found}"
    return ""


def _checked(target: tf.Tensor, batch: tf.Tensor, ready: Prepared) -> tf.Tensor:
    """The target, or an error of the server where it is none of the model's."""
    axes = ready.axes
    if not axes:
        is_good = tf.reduce_all(target == PREDICTED)
        wanted = f"-1 for the score {ready.score_name}, which chooses by itself"
    else:
        least = PREDICTED if len(axes) == 1 else 0
        is_good = tf.reduce_all(target >= least)
        for i, size in enumerate(axes):
            column = target if len(axes) == 1 else target[:, i]
            is_good &= tf.reduce_all(column < size) if size is not None else True
        most = " and ".join("any" if n is None else str(n - 1) for n in axes)
        wanted = f"0 to {most}" + (", or -1 for the predicted class" if least < 0 else "")
    checks = [
        tf.debugging.Assert(is_good, [f"target was expected to be {wanted}. It is", target]),
        tf.debugging.Assert(
            tf.shape(target)[0] == batch, ["target was expected to have one entry an example."]
        ),
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        if not axes:
            return tf.fill(tf.shape(target), ready.unasked)
        return tf.identity(target)


def _outputs(
    answers: dict[str, tf.Tensor],
    leaves: list[tf.Tensor],
    ready: Prepared,
    heatmaps: dict[str, Heatmap],
    texts: TokenOutputs | None,
) -> dict[str, tf.Tensor]:
    """What the signature gives, under the names that are always the same."""
    made: dict[str, tf.Tensor] = {}
    for suffix, (values, axes) in _parts(answers, ready).items():
        made[f"attributions{suffix}"] = values
        heatmap = heatmaps[f"attributions{suffix}"] = Heatmap.of(ready, values, axes)
        heat = made[f"heatmap{suffix}"] = heatmap(values, leaves)
        if heat.shape.rank == 3 and heatmap.size is not None:
            made[f"heatmap{suffix}_png_bytes"] = heatmap.pictures(heat)
        if texts is not None and len(leaves) == 1:
            made |= texts(leaves[0], values)
    made |= {name: answers[name] for name in ("target", "score")}
    baseline_score = answers.get("baseline_score")
    if baseline_score is not None:
        made["baseline_score"] = baseline_score
        if ready.method.completes:
            made["completeness_gap"] = completeness_gap(
                [answers[VALUES]], answers["score"], baseline_score, GRAPH
            )
    return made


def _parts(answers: dict[str, tf.Tensor], ready: Prepared) -> dict[str, tuple[tf.Tensor, str]]:
    """The values of each input and their axes, by the suffix of its name; none for one tensor."""
    layout, method = ready.layout, ready.method
    names = signature_names(layout)
    if VALUES not in answers:
        return {
            f"_{names[i]}": (answers[f"{VALUES}/{name}"], layout.part(i).axes)
            for i, name in enumerate(layout.names)
            if f"{VALUES}/{name}" in answers
        }
    values = answers[VALUES]
    at = method._options()["layer"] if method.is_of_layer else ready.at
    if at is not None:
        return {"": (values, ready.body.find(at).axes)}
    if method.is_map or len(layout.explained) == 1:
        return {"": (values, layout.parts[0].axes)}
    sizes = [part.size for part in layout.parts]
    return {
        f"_{names[i]}": (tf.reshape(part, [-1, *layout.shapes[i]]), layout.part(i).axes)
        for i, part in zip(layout.explained, tf.split(values, sizes, axis=1), strict=True)
    }
