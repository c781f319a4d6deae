"""Several methods at once: what they have in common runs once."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.columns import Columns
from tfxai.core.inputs.reading import read_columns, read_inputs
from tfxai.core.model.functions import is_function
from tfxai.core.program import Plan, joint_program
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.methods.base import AttributionMethod
from tfxai.methods.by_name import create
from tfxai.methods.running import in_slices, within_memory
from tfxai.methods.tasks import Task
from tfxai.progress import Report, shown
from tfxai.subject import Subject

if TYPE_CHECKING:
    from tfxai.core.question.scores import ScoreKind


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
    subject = None if is_function(model) else Subject.of(model)
    if subject is None or subject.texts(inputs) is not None:  # each method has its own way
        words |= {"chunk_size": chunk_size, "progress": progress}
        return [method(model, inputs, target, **words) for method in chosen]
    columns = read_columns(subject.model, inputs)
    layout, leaves = read_inputs(subject.model, subject.prepare(inputs))
    prepared = [method.prepared(subject, layout, **words) for method in chosen]
    tasks = [Task.of(ready, leaves, target, chunk_size) for ready in prepared]
    found: dict[int, Attribution] = {}
    with shown(progress, "explain", len(leaves[0]) * len(chosen)) as report:
        for places in _groups(tasks):
            done = len(leaves[0]) * len(found)

            def count(some: int, _: int, done: int = done, size: int = len(places)) -> None:
                report(done + some * size, len(leaves[0]) * len(chosen))

            group = [tasks[place] for place in places]
            answers = _run(group, columns, count, can_shrink=chunk_size == "auto")
            found |= dict(zip(places, answers, strict=True))
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


def _go_together(one: Task, other: Task) -> bool:
    """Whether one program can answer both: the same question, x and baseline."""
    a, b = one.plan, other.plan
    shared = ("question", "at", "part", "target_rank", "jit")
    if any(getattr(a, name) != getattr(b, name) for name in shared):
        return False
    layouts = [dataclasses.replace(plan.layout, every=False) for plan in (a, b)]
    if layouts[0] != layouts[1] or a.layout.explained != b.layout.explained:
        return False
    if a.baseline == "none" or b.baseline == "none":
        return not a.num_baselines and not b.num_baselines
    alike = zip(one.baseline, other.baseline, strict=True)
    is_same = a.baseline == b.baseline and a.num_baselines == b.num_baselines
    return is_same and all(x is y or (x == y).all() for x, y in alike)


def _groups(tasks: Sequence[Task]) -> list[list[int]]:
    """The places of the tasks by program, those with a baseline first, which others go with."""
    groups: list[list[int]] = []
    for place in sorted(range(len(tasks)), key=lambda i: tasks[i].plan.baseline == "none"):
        for group in groups:
            if _go_together(tasks[place], tasks[group[0]]):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def _run(
    group: Sequence[Task], columns: Columns, report: Report, *, can_shrink: bool
) -> list[Attribution]:
    """The attributions of tasks that one program answers."""
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
        return in_slices(function, plan, first.leaves, first.targets, beside, report)

    answers = within_memory(run, common, report, can_shrink=can_shrink)
    if len(group) == 1:
        return [first.answered(answers, columns)]
    return [task.answered(_own(answers, f"{i}/"), columns) for i, task in enumerate(group)]


def _own(answers: dict[str, Array], prefix: str) -> dict[str, Array]:
    """The answers to one of several methods."""
    return {
        name.removeprefix(prefix): array
        for name, array in answers.items()
        if name.startswith(prefix)
    }
