"""Whether two runs differ beyond what their samples explain."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from tfxai.batch.manifest import read_manifest
from tfxai.batch.samples import asked_in, is_sample, read_sample
from tfxai.batch.summary import Moments, Summary
from tfxai.classes import class_name
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.metrics.statistics import holm

LEVEL = 0.05
"""The chance of calling any two equal runs different."""


@dataclasses.dataclass(frozen=True)
class Drift:
    """One number of two runs.

    Args:
        what: What was compared, such as `"integrated_gradients"` or `"predicted classes"`.
        which: The class, or empty for all.
        numbers: How many examples of each run.
        means: The mean in each run; NaN where there is none.
        p: The chance of a difference this large between two samples of one source.
        adjusted: The same corrected for how many comparisons there are, after Holm.
    """

    what: str
    which: str
    numbers: tuple[int, int]
    means: tuple[float, float]
    p: float
    adjusted: float

    @property
    def differs(self) -> bool:
        """Whether it is more than sampling explains."""
        return self.adjusted < LEVEL


def compare_runs(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> list[Drift]:
    """What two runs say of the same model on different data, or the reverse.

    The mean absolute values of each method are compared for each class by Welch's t-test, and
    how often each class was predicted by the chi-squared test of homogeneity.

    Args:
        first: Folder of a run of `tfxai batch`, or of a sample of `tfxai serve`.
        second: Folder of another.

    Returns:
        A comparison for each method and class that occurs at least twice in both, and one of the
        predicted classes.

    Warns:
        TfxaiWarning: The runs were asked different things (options of a method, target, score,
            layer, condition), so that the difference may be that of the questions; or classes
            were left out, with fewer than two examples in a run.

    Raises:
        DataNotFoundError: A folder holds no run that has ended.
        InvalidInputError: They have no method in common, or other classes.

    Reference:
        Welch, "The Generalization of Student's Problem when Several Different Population
        Variances are Involved", Biometrika 34, 1947; Holm, "A Simple Sequentially Rejective
        Multiple Test Procedure", Scandinavian Journal of Statistics 6(2), 1979.
    """
    one, two = (read_sample(one) if is_sample(one) else Summary.read(one)
                for one in (first, second))  # fmt: skip
    common = _common(one, two)
    of_samples = is_sample(first), is_sample(second)
    if of_samples[0] == of_samples[1]:
        _warn_of_questions(_question(Path(first), common), _question(Path(second), common))
        counts = _explained(one, two, common) if all(of_samples) else _predicted(one, two)
        return _compared(one, two, common, counts)
    return _compared(one, two, common, [])  # a sample says what was asked for, not predicted


def compare_periods(sample: str | os.PathLike[str], since: datetime.datetime) -> list[Drift]:
    """What a sample of `tfxai serve` says from a moment on beside what it says before.

    Args:
        sample: Folder of the sample.
        since: The moment; without a time zone it is this machine's.

    Returns:
        As `compare_runs`, of the classes that were explained.

    Warns:
        TfxaiWarning: As `compare_runs`.

    Raises:
        DataNotFoundError: It holds no answer before the moment, or none from it on.
        InvalidInputError: A line is none of a sample, or the periods have no method in common.
    """
    one, two = read_sample(sample, until=since), read_sample(sample, since=since)
    before, after = asked_in(sample, until=since), asked_in(sample, since=since)
    _warn_of_questions(_as_texts(before), _as_texts(after))
    common = _common(one, two)
    return _compared(one, two, common, _explained(one, two, common))


def _predicted(one: Summary, two: Summary) -> list[Drift]:
    return _counts("predicted classes", one.classes, two.classes)


def _explained(one: Summary, two: Summary, methods: Sequence[str]) -> list[Drift]:
    """How often each class was explained, by each method: an image may be asked for by several."""
    found: list[Drift] = []
    for name in methods:
        what = "explained classes" if len(methods) == 1 else f"explained classes, {name}"
        sides = (one.methods[name].masses, two.methods[name].masses)
        found += _counts(what, *({key: side[key][0] for key in side} for side in sides))
    return found


def _common(one: Summary, two: Summary) -> list[str]:
    """The methods of both; of the same classes, where both name them."""
    if None not in (one.class_names, two.class_names) and one.class_names != two.class_names:
        raise InvalidInputError(
            f"The classes of the runs have other names: {_few(one)} and {_few(two)}. Compare runs "
            "of models of the same classes."
        )
    common = [name for name in one.methods if name in two.methods]
    if not common:
        raise InvalidInputError(
            f"The runs have no method in common: {', '.join(one.methods) or 'none'} and "
            f"{', '.join(two.methods) or 'none'}. Compare runs of one method."
        )
    return common


def _compared(
    one: Summary, two: Summary, common: Sequence[str], counts: Sequence[Drift]
) -> list[Drift]:
    """The comparisons of each method and class, and those of the counts of classes."""
    names = one.class_names or two.class_names
    found, rare = [], dict[str, None]()
    for name in common:
        a, b = one.methods[name].masses, two.methods[name].masses
        for key in sorted(a.keys() | b.keys()):
            which = class_name(key, names) or str(key)
            if key in a and key in b and min(a[key][0], b[key][0]) > 1:
                found.append(_welch(name, which, a[key], b[key]))
            else:
                rare[which] = None
    if rare:
        warnings.warn(
            f"Not compared, with fewer than two examples in a run: {', '.join(rare)}.",
            TfxaiWarning,
            stacklevel=3,
        )
    found += counts
    adjusted = holm([drift.p for drift in found])
    pairs = zip(found, adjusted, strict=True)
    return [dataclasses.replace(drift, adjusted=p) for drift, p in pairs]


def _warn_of_questions(one: Mapping[str, str], two: Mapping[str, str]) -> None:
    """Warns of what was asked differently, but for the model and the data."""
    both = [name for name in one if name in two and one[name] != two[name]]
    if both:
        asked = "; ".join(f"{name} {one[name]} and {two[name]}" for name in both)
        warnings.warn(
            f"The runs were asked different things, and may differ for that: {asked}.",
            TfxaiWarning,
            stacklevel=3,
        )


def _question(folder: Path, methods: Sequence[str]) -> dict[str, str]:
    """What a run was asked, each thing as a text; empty where no manifest says it."""
    if is_sample(folder):
        return _as_texts(asked_in(folder))
    try:
        made = (read_manifest(folder) or {}).get("configuration", {})
        question = {name: made.get(name) for name in ("target", "score", "at", "where")}
        options = {one["name"]: one["options"] for one in made.get("methods", ())}
        for name in methods:
            for key, value in options.get(name, {}).items():
                question[f"{name}.{key}"] = value
    except (InvalidInputError, AttributeError, KeyError, TypeError):
        return {}
    return _as_texts(question) if made else {}


def _as_texts(question: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in question.items()}


def _few(summary: Summary) -> str:
    names = summary.class_names
    return "none" if names is None else ", ".join(names[:4])


def _welch(what: str, which: str, one: Moments, two: Moments) -> Drift:
    (n, mean, variance), (m, other, spread) = _moments(one), _moments(two)
    if variance + spread > 0:
        given = (mean, math.sqrt(variance), n, other, math.sqrt(spread), m)
        p = float(stats.ttest_ind_from_stats(*given, equal_var=False).pvalue)
    else:
        p = 1.0 if mean == other else 0.0
    return Drift(what, which, (n, m), (mean, other), p, p)


def _moments(one: Moments) -> tuple[int, float, float]:
    n, total, squares = one
    mean = total / n
    variance = max(squares / n - mean * mean, 0.0) * n / (n - 1)
    return n, mean, variance


def _counts(what: str, one: dict[int, int], two: dict[int, int]) -> list[Drift]:
    keys = sorted(one.keys() | two.keys())
    table = np.array([[side.get(key, 0) for key in keys] for side in (one, two)])
    if len(keys) == 0 or (table.sum(axis=1) == 0).any():
        return []
    p = 1.0 if len(keys) == 1 else float(stats.chi2_contingency(table).pvalue)
    n, m = (int(total) for total in table.sum(axis=1))
    return [Drift(what, "", (n, m), (math.nan, math.nan), p, p)]
