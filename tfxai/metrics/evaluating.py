"""Methods measured side by side on one model and its inputs."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from tfxai.arrangement import spatial
from tfxai.attribution import Attribution
from tfxai.axes import input_axes
from tfxai.core.inputs.frozen_arrays import listed
from tfxai.core.options import check_seed, declared
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.methods.base import AttributionMethod, plain
from tfxai.methods.by_name import create
from tfxai.metrics.base import Metric
from tfxai.metrics.catalogue import metric_of
from tfxai.metrics.completeness import Completeness
from tfxai.metrics.controls import EdgeMap, RandomMap, random_tokens
from tfxai.metrics.evaluation import Column, Evaluation
from tfxai.metrics.fills import FILL
from tfxai.metrics.measurement import Measurement
from tfxai.metrics.relevance import places
from tfxai.metrics.statistics import corrected
from tfxai.progress import shown

METHODS = ("saliency", "gradient_input", "integrated_gradients", "smooth_grad", "occlusion")
FILLS = ("blur", "mean", "road")
_PATCHES = 8  # along each side of an image


def evaluate(  # noqa: PLR0913 - the words of the command line
    model: Any,
    inputs: Any,
    methods: Sequence[AttributionMethod | str] = METHODS,
    metrics: Sequence[Metric | str] = ("srg",),
    *,
    fills: Sequence[Any] | None = None,
    target: Any = None,
    regions: Any = None,
    seed: int = 0,
    chunk_size: int | str = "auto",
    progress: Any = None,
) -> Evaluation:
    """Measures methods on a model and inputs, beside controls that know nothing of the model.

    Args:
        model: As for a method.
        inputs: A batch of one input, (B, ...), at least two examples; or a list of texts, of which
            `"srg"`, `"deletion"` and `"insertion"` leave out tokens.
        methods: Methods, or their names.
        metrics: Metrics, or their names. Of names, those that hide parts of images hide squares of
            an eighth of the shorter side.
        fills: What shows where a metric hides something, one column for each; as `fill` of a
            metric. None is blur, mean and road for names of metrics on images and series, and
            each metric's own for all else. Metrics that hide nothing have one column.
        target: As for a method; None is the predicted class of each example.
        regions: As for metrics of localisation.
        seed: Seed of the random map and of the resampling, in [0, 2**31).
        chunk_size: As for a method.
        progress: As for a method, with (columns done, columns).

    Returns:
        `Evaluation`: a table, a figure, rankings, and the cheapest method that is good enough.
        The same seed gives the same numbers, but for the times.

    Raises:
        InvalidInputError: There are fewer than two examples, no methods or no metrics, or an
            option does not fit.
        TfxaiError: As for a method or a metric.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((6,))
        >>> model = keras.Model(inputs, inputs @ np.arange(6.0)[:, None].astype("float32"))
        >>> x = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
        >>> found = tfxai.evaluate(model, x, ["gradient_input", "saliency"], ["deletion"])
        >>> found.columns[0].ranking(found.methods)
        ['gradient_input', 'saliency']
    """
    check_seed(seed)
    chosen = _named([create(one) if isinstance(one, str) else one for one in methods])
    if not chosen or not metrics:
        raise InvalidInputError("There is nothing to evaluate. Pass methods and metrics.")
    words: dict[str, Any] = {"chunk_size": chunk_size, "progress": False}
    with warnings.catch_warnings():  # they are kept, by method
        warnings.simplefilter("ignore", TfxaiWarning)
        first = RandomMap(seed=seed)(model, inputs, target, **words)
        _check(first)
        controls = [RandomMap(seed=seed), *([EdgeMap()] if _has_places(first) else [])]
        everyone = chosen | {one.name: one for one in controls}
        explained = {
            label: _timed(method, model, inputs, target, words)
            for label, method in everyone.items()
        }
        if first.text is not None:  # groups of tokens, which it drew for, are the same in many
            label = RandomMap.name
            explained[label] = random_tokens(first, seed), explained[label][1]
        names = tuple(chosen), tuple(one.name for one in controls)
        plans, columns = _plans(metrics, fills, first), list[Column]()
        with shown(progress, "evaluate", len(plans)) as report:
            for metric, fill in plans:
                found = {}
                for label, (one, _) in explained.items():
                    if isinstance(metric, Completeness) and one.completeness_gap is None:
                        found[label] = _nothing(metric, one)
                        continue
                    what = everyone[label] if metric.needs_method else one
                    found[label] = metric(model, inputs, what, target, regions=regions, **words)
                columns.append(_column(metric, fill, found, names, seed))
                report(len(columns), len(plans))
    return Evaluation(
        *names,
        tuple(columns),
        {label: seconds for label, (_, seconds) in explained.items()},
        len(first),
        {name: tuple(said) for name in chosen if (said := explained[name][0].remarks)},
        seed,
    )


def _timed(
    method: AttributionMethod, model: Any, inputs: Any, target: Any, words: dict[str, Any]
) -> tuple[Attribution, float]:
    """What a method says, and the seconds that it takes for an example."""
    method(model, inputs[:1], _of_first(target), **words)  # its program is made
    start = time.perf_counter()
    found = method(model, inputs, target, **words)
    return found, (time.perf_counter() - start) / len(found)


def _named(methods: Sequence[AttributionMethod]) -> dict[str, AttributionMethod]:
    """The methods by name; those of one name by name and options."""
    for one in methods:
        if not isinstance(one, AttributionMethod):
            raise InvalidInputError(
                f"methods has {one!r}, and a method such as tfxai.Saliency() or its name was "
                "expected."
            )
    names = [one.name for one in methods]
    found: dict[str, AttributionMethod] = {}
    for one in methods:
        label = one.name
        if names.count(one.name) > 1:
            usual = {field.name: field.default for field in dataclasses.fields(one)}
            options = {name: getattr(one, name) for name in usual}
            changed = [f"{k}={_word(v)}" for k, v in options.items() if v != usual[k]]
            label = f"{one.name}({', '.join(changed)})" if changed else one.name
        if label in found:
            raise InvalidInputError(f"{label} came twice. Pass each method once.")
        found[label] = one
    return found


def _word(value: Any) -> str:
    """A fill or an option in a word."""
    if isinstance(value, str | int | float) or value is None:
        return "zeros" if value is None else str(value)
    known = getattr(value, "name", None)
    if isinstance(known, str):
        options = plain(value)["options"] if dataclasses.is_dataclass(value) else {}
        usual = {f.name: f.default for f in dataclasses.fields(value)}
        changed = [f"{k}={v}" for k, v in options.items() if v != usual.get(k)]
        return f"{known}({', '.join(changed)})" if changed else known
    return "array"


def _check(first: Attribution) -> None:
    is_dict = isinstance(first.inputs, dict) and first.text is None
    if not isinstance(first.values, np.ndarray) or is_dict:
        raise InvalidInputError("evaluate takes models of one input, and this one has several.")
    if len(first) < 2:
        raise InvalidInputError(
            f"{len(first)} example says nothing of how certain a difference is. Pass at least "
            "two, better a hundred."
        )


def _has_places(first: Attribution) -> bool:
    return np.asarray(first.inputs).ndim > 2 and bool(spatial(input_axes(first)))


def _of_first(target: Any) -> Any:
    """The target of the first example."""
    is_each = not isinstance(target, str | int | np.integer) and target is not None
    return target[:1] if is_each and np.ndim(target) > 0 else target


def _plans(
    metrics: Sequence[Metric | str], fills: Sequence[Any] | None, first: Attribution
) -> list[tuple[Metric, str]]:
    """Each metric with each fill, and the fill in a word."""
    side = max(1, min(places(first)) // _PATCHES) if _has_places(first) else 1
    plans = []
    for one in metrics:
        metric = one
        if isinstance(one, str):
            metric = metric_of(one)
            if hasattr(metric, "by") and side > 1:
                metric = dataclasses.replace(cast(Any, metric), by=side)
        if not isinstance(metric, Metric):
            raise InvalidInputError(
                f"metrics has {one!r}, and a metric such as tfxai.metrics.SRG() or its name was "
                "expected."
            )
        if not hasattr(metric, "fill"):
            plans.append((metric, ""))
            continue
        own: Sequence[Any] = [metric.fill]
        if fills is not None:
            own = fills
        elif isinstance(one, str) and _has_places(first):
            imputes = declared(type(metric))["fill"].kind is FILL
            own = [fill for fill in FILLS if imputes or fill != "road"]
        for fill in own:
            made = dataclasses.replace(cast(Any, metric), fill=fill)
            is_dropped = made.fill is None and first.text is not None
            plans.append((made, "left out" if is_dropped else _word(made.fill)))
    labels = [(metric.name, fill) for metric, fill in plans]
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise InvalidInputError(
            f"{twice[0][0]} with fill {twice[0][1] or 'of its own'} came twice. Pass it once."
        )
    return plans


def _nothing(metric: Metric, one: Attribution) -> Measurement:
    """The measurement of a map about which the metric says nothing."""
    values = np.full(len(one), np.nan)
    return Measurement(values, metric.to_config(), listed(one.method), metric.higher_is_better)


def _column(
    metric: Metric,
    fill: str,
    found: dict[str, Measurement],
    names: tuple[tuple[str, ...], tuple[str, ...]],
    seed: int,
) -> Column:
    methods, controls = names
    differences = {}
    if found[methods[0]].higher_is_better is not None:
        for control in controls:
            compared = [found[label].better_than(found[control], seed) for label in methods]
            differences[control] = dict(zip(methods, corrected(compared), strict=True))
    return Column(metric.name, fill, found, differences)
