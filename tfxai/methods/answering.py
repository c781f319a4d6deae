"""From the numbers that a program answers with to an `Attribution`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfxai.arithmetic import HOST, completeness_gap
from tfxai.arrangement import positions
from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.certainty import TOP, certain_top, has_errors
from tfxai.columns import Columns
from tfxai.core.inputs.frozen_arrays import FrozenArrays
from tfxai.core.inputs.host_arrays import Examples
from tfxai.core.program import DETAIL, VALUES, Plan, why_not_finite
from tfxai.core.question.scores import Contrast
from tfxai.errors import NotFiniteError
from tfxai.methods.prepared import Prepared
from tfxai.remarks import LARGE_GAP, gap_shares

_FILLED = 0.01  # share of the range that a model expects which inputs fill at least


def made(
    answers: dict[str, Array], ready: Prepared, leaves: Sequence[Array], columns: Columns = ()
) -> Attribution:
    """What a call returns."""
    layout, method, body = ready.layout, ready.method, ready.body
    parts = {
        name.removeprefix(VALUES).removeprefix("/"): array
        for name, array in answers.items()
        if name == VALUES or name.startswith(f"{VALUES}/")
    }
    at = str(method._options()["layer"]) if method.is_of_layer else ready.at
    values: Any = parts
    if set(parts) == {""}:
        values = parts[""]
        if not method.is_map and at is None:
            values = layout.named(values)
    axes = dict(zip(layout.names, layout.axes, strict=True))
    gap = None
    if method.completes and "baseline_score" in answers:
        score, baseline_score = answers["score"], answers["baseline_score"]
        gap = completeness_gap(list(parts.values()), score, baseline_score, HOST)
    one = Attribution(
        values=values,
        inputs=dict(zip(layout.names, leaves, strict=True)) if layout.has_names else leaves[0],
        target=answers["target"],
        score=answers["score"],
        method=method._record(),
        score_name=ready.score_name,
        probability=answers.get("probability"),
        prediction=answers.get("prediction"),
        baseline_score=answers.get("baseline_score"),
        completeness_gap=gap,
        details={
            name.removeprefix(DETAIL): array
            for name, array in answers.items()
            if name.startswith(DETAIL)
        },
        at=at,
        is_map=method.is_map,
        is_signed=method.is_signed,
        channels=method.reduction,
        class_names=ready.classes,
        preprocessing=ready.subject.preprocessing,
        axes=axes if layout.has_names else layout.axes[0],
        layer_axes="" if at is None else body.find(at).axes,
        map_input=_map_input(ready),
        held=ready.held,
        columns=columns,
    )
    notes = [*_of_outputs(ready), *_of_range(ready, leaves), *_of_jumps(one, ready)]
    notes += [*_of_baseline(one), *_of_texts(ready), *method._notes(body)]
    object.__setattr__(one, "notes", tuple(notes))
    if has_errors(one):
        one.details[TOP] = certain_top(one)
    return one


def finished(answers: dict[str, Array], ready: Prepared, examples: Examples) -> dict[str, Array]:
    """What a program answered, after the method's last stage on the host."""
    values, details = ready.method._finish(answers[VALUES], examples)
    return answers | {VALUES: values} | {f"{DETAIL}{k}": array for k, array in details.items()}


def check_finite(
    answers: dict[str, Array],
    ready: Prepared,
    plan: Plan,
    leaves: Sequence[Array],
    targets: Array,
) -> None:
    """Raises `NotFiniteError` where a value or a score is NaN or infinite.

    The score at the baseline counts where the values are to add up to the difference.
    """
    for name, array in answers.items():
        if name == "baseline_score" and not ready.method.completes:
            continue
        if array.dtype.kind != "f" or np.isfinite(array).all():
            continue
        i = int(np.argmin(np.isfinite(array.reshape(len(array), -1)).all(axis=1)))
        if name == "baseline_score":
            raise NotFiniteError(
                f"The score at the baseline of example {i} is {array[i]}, so no values of "
                f"{ready.method.name} can add up to the difference. Pass another baseline=, at "
                "which the model returns finite numbers.",
                i,
            )
        one = slice(i, i + 1)
        where = why_not_finite(
            ready.subject.model, plan, ready.body, [leaf[one] for leaf in leaves], targets[one]
        )
        raise NotFiniteError(
            f"{ready.method.name} gives NaN or infinity for example {i}. "
            f"{where or 'It happens away from the input itself, such as on the way to it.'} "
            "Explain another layer with at=, another score, or mend the model.",
            i,
        )


def _map_input(ready: Prepared) -> str | None:
    """The input that a map of a layer lies over: the one with as many axes of positions."""
    layout, method, body = ready.layout, ready.method, ready.body
    paths = getattr(method, "paths", ())
    if not layout.has_names or not paths:
        return None
    call = body.find(paths[0])
    grid = getattr(method, "reshape", None)
    wanted = 2 if grid else positions(call.axes)
    fits = [i for i in sorted(call.rests_on) if positions(layout.axes[i]) == wanted]
    return layout.names[fits[0]] if len(fits) == 1 else None


def _of_outputs(ready: Prepared) -> list[str]:
    """Where logits were to be explained and there are none, though there are probabilities."""
    ending, kind = ready.body.ending, ready.question.kind
    if kind == "probability" and ending.gives == "logits" and ready.classes is None:
        return [
            "The model ends in a linear layer, and its outputs were taken for the logits of "
            "classes: the probability is their softmax or sigmoid. Pass score='output' for a "
            "regression."
        ]
    is_default = kind == "output" and ready.method.default_score == "logit" and not ready.explicit
    if not (is_default or isinstance(kind, Contrast)):
        return []
    if ending.activation is not None or ending.gives != "probabilities":
        return []
    return [
        f"The model's outputs are probabilities that {ending.operation} makes and no one softmax "
        "or sigmoid, so there are no logits, and the output itself was explained."
    ]


def _of_range(ready: Prepared, leaves: Sequence[Array]) -> list[str]:
    """Where inputs fill next to nothing of the range that the card or the first layers expect."""
    twice = ready.subject.scaled_twice(ready.body)
    if twice is not None:
        return [twice]
    span = ready.body.span
    whose = "the model's first layers expect"
    if ready.subject.preprocessing is not None:
        ends = [np.asarray(end) for end in ready.subject.preprocessing.input_range]
        span, whose = float(np.mean(ends[1] - ends[0])), "the card's preprocessing gives"
    images = [leaf for leaf in leaves if leaf.dtype.kind == "f" and leaf.ndim > 2]
    if not span or len(images) != 1:
        return []
    low, high = float(images[0].min()), float(images[0].max())
    if not 0 < high - low <= _FILLED * span:
        return []
    return [
        f"The inputs run from {low:.3g} to {high:.3g} and fill {(high - low) / span:.1%} of the "
        f"range that {whose}, {span:.3g} wide: pixels that were divided by 255, perhaps, for a "
        "model that does so itself."
    ]


def _of_jumps(one: Attribution, ready: Prepared) -> list[str]:
    """Where a path of gradients misses the jumps of the model."""
    shares = gap_shares(one)
    if not ready.body.jumps or shares is None or not (shares > LARGE_GAP).any():
        return []
    if not {"steps", "samples"} & set(one.method["options"]):
        return []
    return [
        f"The model jumps ({ready.body.jumps[0]}), which no gradient sees: that part of the gap "
        "is the model's, and more steps do not close it."
    ]


def _of_texts(ready: Prepared) -> list[str]:
    """Which columns of texts were compared with the empty text, for nothing else was given."""
    if not ready.has_baseline or ready.at is not None or len(ready.layout.names) < 2:
        return []
    given = ready.baseline
    known = dict(given.parts) if isinstance(given, FrozenArrays) else {}
    left = [name for i in ready.layout.texts if (name := ready.layout.names[i]) not in known]
    if not left:
        return []
    which = " and ".join(map(repr, left))
    return [
        f"{which} {'holds texts and was' if len(left) == 1 else 'hold texts and were'} compared "
        "with the empty text, to which a model answers as to a text that it does not know. Pass "
        "baseline= with a text for it by name."
    ]


def _of_baseline(one: Attribution) -> list[str]:
    start = one.baseline_score
    if start is None or np.isfinite(start).all():
        return []
    return [f"The score at the baseline is {start[~np.isfinite(start)][0]}."]
