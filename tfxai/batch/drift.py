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

from tfxai.arrays import Array
from tfxai.batch.manifest import read_manifest
from tfxai.batch.samples import Answers, asked_of, is_sample
from tfxai.batch.summary import MethodSummary, Moments, Summary
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.metrics.statistics import holm

LEVEL = 0.05
"""The chance of calling any two equal runs different."""
_FEW = 10  # examples, of which a comparison is told to see little
_NAMED = 10  # classes that a sentence names
_LARGE, _TABLES = 5.0, 99_999  # expected counts that are no rare ones; tables drawn of rare ones


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


def compare_runs(
    first: str | os.PathLike[str], second: str | os.PathLike[str], model: str | None = None
) -> list[Drift]:
    """What two runs say of the same model on different data, or the reverse.

    The mean absolute values of each method are compared for each class by Welch's t-test; where
    a run has fewer than ten examples of it, with the degrees of freedom of the smaller one, for
    Welch's own are far too many there. How often each class was predicted is compared by the
    chi-squared test of homogeneity: where classes are rare, by 99,999 tables with the same sums
    in the place of the chi-squared distribution. A sample does not say what was predicted: beside
    one it is how often each method explained each class, which clients may choose.

    Args:
        first: Folder of a run of `tfxai batch`, or of a sample of `tfxai serve`.
        second: Folder of another.
        model: The name of the model whose answers are taken from a sample of several.

    Returns:
        A comparison for each method and class that occurs at least twice in both, and one of the
        predicted classes, or of those that each method explained.

    Warns:
        TfxaiWarning: The runs were asked different things (options of a method, target, score,
            layer, condition), or the answers of samples are of other versions of the model, so
            that the difference may be that; or classes were left out, with fewer than two
            examples in a run; or comparisons rest on fewer than ten.

    Raises:
        DataNotFoundError: A folder holds no run that has ended.
        InvalidInputError: They have no method in common or other classes, no class occurs twice
            in both, or `model` came and neither is a sample.
        UnknownNameError: A sample has no answer of that model.

    Reference:
        Welch, "The Generalization of Student's Problem when Several Different Population
        Variances are Involved", Biometrika 34, 1947; Hsu, "Contributions to the Theory of
        Student's t-test", Statistical Research Memoirs 2, 1938; Holm, "A Simple Sequentially
        Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6(2), 1979; Hope, "A
        Simplified Monte Carlo Significance Test Procedure", Journal of the Royal Statistical
        Society B 30(3), 1968.
    """
    folders = Path(first), Path(second)
    has_sample = any(map(is_sample, folders))
    if model is not None and not has_sample:
        raise InvalidInputError(
            f"The model {model!r} came, and both folders are of runs, which have one each. Leave "
            "the model out."
        )
    first_of, second_of = (_read(folder, model) for folder in folders)
    one, two = first_of.summary, second_of.summary
    common = _common(one, two)
    _warn_of_questions(first_of.asked, second_of.asked)
    _warn_of_versions(first_of.versions, second_of.versions)
    counts = _explained(one, two, common) if has_sample else _predicted(one, two)
    return _compared(one, two, common, counts)


def compare_periods(
    sample: str | os.PathLike[str], since: datetime.datetime, model: str | None = None
) -> list[Drift]:
    """What a sample of `tfxai serve` says from a moment on beside what it says before.

    Args:
        sample: Folder of the sample.
        since: The moment; without a time zone it is this machine's.
        model: The name of the model whose answers are taken; None for all.

    Returns:
        As `compare_runs`, of the classes that were explained.

    Warns:
        TfxaiWarning: As `compare_runs`.

    Raises:
        DataNotFoundError: It holds no answer before the moment, or none from it on.
        InvalidInputError: A line is none of a sample, the periods have no method in common, or
            no class occurs twice in both.
        UnknownNameError: The sample has no answer of that model.
    """
    answers = Answers(Path(sample), model)
    one, two = answers.summary(until=since), answers.summary(since=since)
    _warn_of_questions(answers.asked(until=since), answers.asked(since=since))
    _warn_of_versions(answers.versions(until=since), answers.versions(since=since))
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
        are_of_models = any("/" in name for name in [*one.methods, *two.methods])
        advice = (
            "Name the model of the sample (--model)"
            if are_of_models
            else "Compare runs of one method"
        )
        raise InvalidInputError(
            f"The runs have no method in common: {', '.join(one.methods) or 'none'} and "
            f"{', '.join(two.methods) or 'none'}. {advice}."
        )
    for name in common:
        a, b = (_names(side, name) for side in (one, two))
        if other := [key for key in a if b.get(key, a[key]) != a[key]]:
            raise InvalidInputError(
                f"Class {other[0]} is {a[other[0]]} in one and {b[other[0]]} in the other. "
                "Compare runs of models of the same classes."
            )
    return common


def _names(summary: Summary, method: str) -> dict[int, str]:
    """The names of the classes that a method explained, where they are known."""
    return dict(enumerate(summary.class_names or ())) | summary.methods[method].class_names


def _compared(
    one: Summary, two: Summary, common: Sequence[str], counts: Sequence[Drift]
) -> list[Drift]:
    """The comparisons of each method and class, and those of the counts of classes."""
    found, rare = [], dict[int, str]()
    for name in common:
        a, b = one.methods[name].masses, two.methods[name].masses
        names = _names(one, name) | _names(two, name)
        for key in sorted(a.keys() | b.keys()):
            which = names.get(key, str(key))
            if key in a and key in b and min(a[key][0], b[key][0]) > 1:
                found.append(_welch(name, which, a[key], b[key]))
            else:
                rare[key] = which
    classes = _first([rare[key] for key in sorted(rare)])
    if rare:
        _warn(f"Not compared, with fewer than two examples in a run: {classes}.")
    found += counts
    if not found:
        raise InvalidInputError(
            f"Nothing can be compared: no class has two examples in both, of {classes}. "
            "Compare runs with more examples."
        )
    few = sum(min(one.numbers) < _FEW for one in found)
    if few:
        what = "comparison" if len(found) == 1 else "comparisons"
        _warn(
            f"{few} of {len(found)} {what} {'rests' if few == 1 else 'rest'} on fewer than "
            f"{_FEW} examples in a run, of which only a large difference can be told."
        )
    adjusted = holm([drift.p for drift in found])
    pairs = zip(found, adjusted, strict=True)
    return [dataclasses.replace(drift, adjusted=p) for drift, p in pairs]


def _warn_of_questions(one: Mapping[str, Any], two: Mapping[str, Any]) -> None:
    """Warns of what was asked differently, but for the model and the data."""
    both = [name for name in one if name in two and one[name] != two[name]]
    if both:
        asked = "; ".join(
            f"{name} {json.dumps(one[name])} and {json.dumps(two[name])}" for name in both
        )
        _warn(f"The runs were asked different things, and may differ for that: {asked}.")


def _warn_of_versions(one: Mapping[str, list[str]], two: Mapping[str, list[str]]) -> None:
    """Warns where other versions of a model answered."""
    told = {
        f"{', '.join(one[name])} and {', '.join(two[name])}": name
        for name in one
        if name in two and one[name] != two[name]
    }
    for versions, name in told.items():
        _warn(
            f"The answers are of other versions of the model ({name}: version {versions}), and "
            "may differ for that."
        )


def _warn(said: str) -> None:
    """Warns whoever called `compare_runs` or `compare_periods`."""
    warnings.warn(said, TfxaiWarning, stacklevel=4)


def _first(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


@dataclasses.dataclass(frozen=True)
class _Side:
    """What a run or a sample says, what it was asked, and which versions of a model answered."""

    summary: Summary
    asked: Mapping[str, Any]
    versions: Mapping[str, list[str]]


def _read(folder: Path, model: str | None) -> _Side:
    if is_sample(folder):
        answers = Answers(folder, model)
        return _Side(answers.summary(), answers.asked(), answers.versions())
    summary = Summary.read(folder)
    return _Side(summary, _question(folder, summary.methods), {})


def _question(folder: Path, methods: Mapping[str, MethodSummary]) -> dict[str, Any]:
    """What a run was asked; empty where no manifest says it."""
    try:
        made = (read_manifest(folder) or {}).get("configuration", {})
        if not made:
            return {}
        question = {name: made.get(name) for name in ("target", "where")}
        for one in made.get("methods", ()):
            if one["name"] in methods:
                score = methods[one["name"]].score or made.get("score")
                question |= asked_of(one["name"], score, made.get("at"), one)
    except (InvalidInputError, AttributeError, KeyError, TypeError):
        return {}
    return question


def _few(summary: Summary) -> str:
    names = summary.class_names
    return "none" if names is None else ", ".join(names[:4])


def _welch(what: str, which: str, one: Moments, two: Moments) -> Drift:
    (n, mean, variance), (m, other, spread) = _moments(one), _moments(two)
    if variance + spread > 0:
        given = (mean, math.sqrt(variance), n, other, math.sqrt(spread), m)
        test = stats.ttest_ind_from_stats(*given, equal_var=False)
        p = float(test.pvalue)
        if min(n, m) < _FEW:
            p = float(2 * stats.t.sf(abs(test.statistic), min(n, m) - 1))
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
    p = 1.0 if len(keys) == 1 else _homogeneity(table)
    n, m = (int(total) for total in table.sum(axis=1))
    return [Drift(what, "", (n, m), (math.nan, math.nan), p, p)]


def _homogeneity(table: Array) -> float:
    """The chance of counts (2, K) as different as these, if both rows are of one source.

    The chi-squared distribution is that of large counts, and calls rows different far too often
    where some are expected to be small (Cochran 1954).
    """
    if stats.contingency.expected_freq(table).min() >= _LARGE:
        return float(stats.chi2_contingency(table).pvalue)
    drawn = stats.MonteCarloMethod(_TABLES, batch=1000, rng=np.random.default_rng(0))
    return float(stats.chi2_contingency(table, correction=False, method=drawn).pvalue)
