"""Several methods at once: what they have in common runs once."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfxai import config
from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.core.inputs.host_arrays import Examples
from tfxai.core.inputs.layout import check_exact
from tfxai.core.inputs.reading import read_columns, read_inputs
from tfxai.core.model.functions import is_function
from tfxai.core.program import Plan, joint_program
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.methods.answering import check_finite, finished, made
from tfxai.methods.asking import read_targets
from tfxai.methods.base import AttributionMethod
from tfxai.methods.by_name import create
from tfxai.methods.prepared import Prepared
from tfxai.methods.running import in_slices, within_memory
from tfxai.progress import Report, shown
from tfxai.subject import Subject

if TYPE_CHECKING:
    from tfxai.core.question.scores import ScoreKind


@dataclasses.dataclass(frozen=True, eq=False)
class _Task:
    """A method that is to run, and what its program takes beside the inputs."""

    place: int  # among the methods
    ready: Prepared
    plan: Plan
    targets: Array
    baseline: list[Array]
    examples: Examples
    given: list[Array]

    def goes_with(self, other: _Task) -> bool:
        """Whether one program can answer both: the same question, x and baseline."""
        a, b = self.plan, other.plan
        shared = ("question", "at", "part", "target_rank", "jit")
        if any(getattr(a, name) != getattr(b, name) for name in shared):
            return False
        layouts = [dataclasses.replace(one.layout, every=False) for one in (a, b)]
        if layouts[0] != layouts[1] or a.layout.explained != b.layout.explained:
            return False
        if a.baseline == "none" or b.baseline == "none":
            return not a.num_baselines and not b.num_baselines
        alike = zip(self.baseline, other.baseline, strict=True)
        is_same = a.baseline == b.baseline and a.num_baselines == b.num_baselines
        return is_same and all(one is two or (one == two).all() for one, two in alike)


def explain(  # noqa: PLR0913 - the arguments of a method's call
    model: Any,
    inputs: Any,
    methods: Sequence[AttributionMethod | str],
    target: Any = None,
    *,
    score: ScoreKind | Callable[[Any], tf.Tensor] | None = None,
    at: str | None = None,
    chunk_size: int | str = "auto",
    progress: bool | Report | None = None,
) -> list[Attribution]:
    """Explains one output of `model` by several methods, for each example.

    Methods that explain the same score, and are compared with the same baseline or none, run as
    one program: passes at the input that they share run once. The values are those of a call of
    each.

    Args:
        model: As for a method, like all arguments below.
        inputs: A batch (B, ...), or several inputs.
        methods: Methods, or their names; at least one.
        target: None for the predicted class, an index, a class name, or one per example.
        score: What is explained; None is each method's own.
        at: Path of a layer whose activations are explained in the place of the input.
        chunk_size: Most examples that run at once.
        progress: Whether a display is shown.

    Returns:
        One `Attribution` for each method, in their order.

    Raises:
        InvalidInputError: There is no method, or an argument does not fit.
        TfxaiError: As for a method.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1] * inputs[:, 1:])
        >>> a, b = tfxai.explain(model, np.array([[3.0, 4.0]]), ["saliency", "gradient_input"])
        >>> a.values, b.values
        (array([[4., 3.]], dtype=float32), array([[12., 12.]], dtype=float32))
    """
    chosen = [create(one) if isinstance(one, str) else one for one in methods]
    _check(chosen)
    words: dict[str, Any] = {"score": score, "at": at}
    if is_function(model):
        words |= {"chunk_size": chunk_size, "progress": progress}
        return [method(model, inputs, target, **words) for method in chosen]
    subject = Subject.of(model)
    columns = read_columns(subject.model, inputs)
    layout, leaves = read_inputs(subject.model, subject.prepare(inputs))
    tasks = []
    for place, method in enumerate(chosen):
        ready = method.prepared(subject, layout, **words)
        tasks.append(_task(place, ready, leaves, target, chunk_size))
    found: dict[int, Attribution] = {}
    with shown(progress, "explain", len(leaves[0]) * len(chosen)) as report:
        for group in _groups(tasks):
            done = len(leaves[0]) * len(found)

            def count(some: int, _: int, done: int = done, size: int = len(group)) -> None:
                report(done + some * size, len(leaves[0]) * len(chosen))

            found |= _run(group, leaves, columns, count, can_shrink=chunk_size == "auto")
    for one in found.values():
        if one.remarks:
            warnings.warn(" ".join(one.remarks), TfxaiWarning, stacklevel=2)
    return [found[place] for place in range(len(chosen))]


def _check(methods: Sequence[Any]) -> None:
    if not methods:
        raise InvalidInputError("There is no method to explain by. Pass one or more.")
    for one in methods:
        if not isinstance(one, AttributionMethod):
            raise InvalidInputError(
                f"methods has {one!r}, and a method such as tfxai.Saliency() or its name was "
                "expected."
            )


def _task(
    place: int, ready: Prepared, leaves: Sequence[Array], target: Any, chunk_size: int | str
) -> _Task:
    method = ready.method
    targets = read_targets(target, len(leaves[0]), ready.question, ready.subject, ready.body)
    check_exact(ready.layout, leaves)
    kind, baseline = method._baseline(ready, leaves)
    examples = ready.examples(leaves)
    given = [how.made(examples) for how in ready.host_arrays]
    plan = ready.plan(
        target_rank=targets.ndim,
        baseline=kind,
        num_baselines=len(baseline[0]) if method._shares_baselines() else 0,
        given=given,
        chunk_size=chunk_size,
        jit=config.jit_compile,
    )
    return _Task(place, ready, plan, targets, baseline, examples, given)


def _groups(tasks: Sequence[_Task]) -> list[list[_Task]]:
    """The tasks by program, those with a baseline first: the others go with any of them."""
    groups: list[list[_Task]] = []
    for task in sorted(tasks, key=lambda one: one.plan.baseline == "none"):
        for group in groups:
            if task.goes_with(group[0]):
                group.append(task)
                break
        else:
            groups.append([task])
    return groups


def _run(
    group: Sequence[_Task],
    leaves: Sequence[Array],
    columns: Any,
    report: Report,
    *,
    can_shrink: bool,
) -> dict[int, Attribution]:
    """The attributions of a group, by the place of the method."""
    first = group[0]
    pairs = [zip(task.plan.given, task.given, strict=True) for task in group]
    made_on_host = {one: array for several in pairs for one, array in several}
    common = dataclasses.replace(
        first.plan,
        given=tuple(made_on_host),
        chunk=min(task.plan.chunk for task in group),
    )

    def run(plan: Plan, report: Report) -> dict[str, Array]:
        if len(group) == 1:
            function = first.ready.program(plan)
        else:
            plans = [task.plan for task in group]
            equations = [one.method._attribute for one in plans]
            ready = first.ready
            function = joint_program(ready.subject.model, plan, plans, ready.body, equations)
        beside = (first.baseline, list(made_on_host.values()))
        return in_slices(function, plan, leaves, first.targets, beside, report)

    answers = within_memory(run, common, report, can_shrink=can_shrink)
    found = {}
    for i, task in enumerate(group):
        own = answers
        if len(group) > 1:
            own = {
                name.removeprefix(f"{i}/"): array
                for name, array in answers.items()
                if name.startswith(f"{i}/")
            }
        check_finite(own, task.ready, task.plan, leaves, task.targets)
        if task.ready.method.has_host_stage:
            own = finished(own, task.ready, task.examples)
        found[task.place] = made(own, task.ready, leaves, columns)
    return found
