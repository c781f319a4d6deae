"""What an evaluation found: every method by every metric and fill, against controls."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from tfxai.files import replacing
from tfxai.metrics.fitness import fit_metrics, is_unfit
from tfxai.metrics.measurement import Measurement
from tfxai.metrics.statistics import Difference, corrected
from tfxai.reprs import facts_html, rows_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AGREEMENT = 0.8
"""Kendall's tau of two rankings under which they are said to differ."""


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """One metric with one fill, of every method and control.

    Args:
        metric: Name of the metric.
        fill: Name of its fill; empty where it hides nothing.
        measurements: What it gave, by the label of the method or control.
        differences: By the label of the control, by that of the method: how much better the
            method is, corrected over methods. Empty where the metric has no direction.
    """

    metric: str
    fill: str
    measurements: dict[str, Measurement]
    differences: dict[str, dict[str, Difference]]

    @property
    def title(self) -> str:
        """`"srg"`, or `"srg, fill blur"`."""
        return f"{self.metric}, fill {self.fill}" if self.fill else self.metric

    @property
    def higher_is_better(self) -> bool | None:
        """Whether larger values speak for a method."""
        return next(iter(self.measurements.values())).higher_is_better

    @property
    def is_unfit(self) -> bool:
        """Whether the metric, with this fill, was tested as an instrument and found unfit."""
        return is_unfit(self.metric, self.fill)

    def gain(self, control: str, label: str) -> str:
        """By how much a method is better than a control, with a star where that is certain."""
        found = self.differences.get(control, {}).get(label)
        if found is None or not found.count:
            return ""
        return f"{found.mean:+.3g}{'*' if found.is_better else ''}"

    def ranking(self, labels: Sequence[str]) -> list[str]:
        """The labels from the best mean to the worst, those without a mean last."""
        sign = -1.0 if self.higher_is_better is not False else 1.0
        means = {label: sign * self.measurements[label].mean for label in labels}
        return sorted(labels, key=lambda label: (math.isnan(means[label]), means[label]))


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """Methods measured on one model and its inputs; `tfxai.evaluate` makes it.

    Args:
        methods: Labels of the methods, in the order in which they came.
        controls: Labels of the controls.
        columns: One for each metric and fill.
        seconds: Time that each method takes for an example, after its program was made.
        count: Number of examples.
        remarks: What to know before one believes a method's values, by its label.
        seed: Seed of all draws.
    """

    methods: tuple[str, ...]
    controls: tuple[str, ...]
    columns: tuple[Column, ...]
    seconds: dict[str, float]
    count: int
    remarks: dict[str, tuple[str, ...]]
    seed: int

    def __repr__(self) -> str:
        return (
            f"Evaluation({len(self.methods)} methods, {len(self.columns)} columns, "
            f"{self.count} examples)"
        )

    def _repr_html_(self) -> str:
        lead = f"Better than {self.controls[0]}"
        headings = ("Metric", "Fill", "Rank", "Method", "Mean", "95 %", lead)
        rows = [
            (
                row["metric"] + (" (unfit)" if row["is_unfit"] else ""),
                row["fill"],
                str(row["rank"]),
                row["method"] + (" (control)" if row["is_control"] else ""),
                f"{row['mean']:.4g}",
                f"{row['low']:.4g} to {row['high']:.4g}",
                self._lead(row),
            )
            for row in self.rows()
        ]
        facts = [("Recommendation", self.recommendation()[1])]
        facts += [("Warning", one) for one in self.warnings()]
        return facts_html(repr(self), facts) + rows_html(headings, rows)

    def _lead(self, row: dict[str, Any]) -> str:
        """By how much a method is better than the first control, and its p-value."""
        lead, p = (row[f"better_than_{self.controls[0]}_{name}"] for name in ("mean", "p"))
        return "" if lead is None else f"{lead:.3g} (p = {p:.2g})"

    def agreements(self) -> dict[tuple[str, str, str], float]:
        """Kendall's tau of the methods' rankings by two fills: (metric, fill, fill) to it."""
        found = {}
        for a, b in itertools.combinations(self.columns, 2):
            if a.metric == b.metric and a.higher_is_better is not None and len(self.methods) > 1:
                means = [[one.measurements[m].mean for m in self.methods] for one in (a, b)]
                found[a.metric, a.fill, b.fill] = float(stats.kendalltau(*means).statistic)
        return found

    def warnings(self) -> list[str]:
        """Sentences on what does not hold: unfit metrics, rankings that depend on the fill."""
        said = [
            f"{column.title} is unfit: it does not tell a map from worse copies of it "
            "(docs/trust.md)."
            for column in self.columns
            if column.is_unfit
        ]
        for (metric, a, b), tau in self.agreements().items():
            if not tau >= AGREEMENT:
                said.append(
                    f"The ranking by {metric} depends on the fill: Kendall's tau between {a} and "
                    f"{b} is {tau:.2f}, below {AGREEMENT}."
                )
        for column in self.columns:
            for control, by_method in column.differences.items():
                known = [m for m in self.methods if by_method[m].count]
                unbeaten = [m for m in known if not by_method[m].is_better]
                if unbeaten:
                    said.append(
                        f"By {column.title}, not better than {control}: {', '.join(unbeaten)}."
                    )
        return said

    def recommendation(self) -> tuple[str | None, str]:
        """The cheapest method that no metric shows to be worse than its best one, and why.

        Only metrics with a direction that are not unfit count. None where no method beats the
        random map by any of them.
        """
        judged = [c for c in self.columns if c.higher_is_better is not None and not c.is_unfit]
        if not judged:
            return None, (
                "No metric that was asked for says which method is better: each is unfit, or has "
                f"no direction. Pass another metric or fill: {' and '.join(fit_metrics())} "
                "can tell a map from worse copies of it."
            )
        random = self.controls[0]
        able = [
            method
            for method in self.methods
            if any(column.differences[random][method].is_better for column in judged)
        ]
        if not able:
            return None, (
                f"No method is better than {random} on these {self.count} examples. Pass more "
                "examples or other methods."
            )
        kept = [m for m in able if not any(self._is_worse(column, m, able) for column in judged)]
        if not kept:
            places = {m: np.mean([c.ranking(able).index(m) for c in judged]) for m in able}
            best = min(able, key=lambda m: (places[m], self.seconds[m]))
            return best, (
                f"Recommended: {best}. It has the best mean rank; metrics disagree on which is "
                f"the best{self._doubt(best)}."
            )
        cheapest = min(kept, key=lambda m: self.seconds[m])
        others = [m for m in kept if m != cheapest]
        also = f"; neither is {', '.join(others)}, which takes longer" if others else ""
        return cheapest, (
            f"Recommended: {cheapest}. It is not worse than the best method by any metric beyond "
            f"noise{also}{self._doubt(cheapest)}."
        )

    def _doubt(self, method: str) -> str:
        """Which controls a method that is recommended is not certainly better than."""
        judged = [c for c in self.columns if c.higher_is_better is not None and not c.is_unfit]
        unbeaten = [
            control
            for control in self.controls
            if not any(column.differences[control][method].is_better for column in judged)
        ]
        return f", but by none certainly better than {' or '.join(unbeaten)}" if unbeaten else ""

    def _is_worse(self, column: Column, method: str, able: Sequence[str]) -> bool:
        """Whether a method is worse than the best of a column, corrected over methods."""
        best, *others = column.ranking(able)
        found = corrected(
            [
                column.measurements[one].better_than(column.measurements[best], self.seed)
                for one in others
            ]
        )
        return method in others and found[others.index(method)].is_worse

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row for each column and method, controls included, from the best to the worst."""
        everyone = (*self.methods, *self.controls)
        for column in self.columns:
            for place, label in enumerate(column.ranking(everyone), 1):
                one = column.measurements[label]
                low, high = one.interval(seed=self.seed)
                row = {
                    "metric": column.metric,
                    "fill": column.fill,
                    "rank": place,
                    "method": label,
                    "is_control": label in self.controls,
                    "mean": one.mean,
                    "low": low,
                    "high": high,
                    "count": one.count,
                    "higher_is_better": one.higher_is_better,
                    "is_unfit": column.is_unfit,
                }
                for control in self.controls:
                    found = column.differences.get(control, {}).get(label)
                    names = ("mean", "low", "high", "adjusted")
                    for name in names:
                        value = None if found is None else getattr(found, name)
                        row[f"better_than_{control}_{'p' if name == 'adjusted' else name}"] = value
                row["seconds"] = self.seconds[label]
                yield row

    def to_csv(self) -> str:
        """The rows as CSV with a heading."""
        rows = list(self.rows())
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Everything but the values of single examples, as JSON takes it; NaN is null."""
        name, reason = self.recommendation()
        return _json(
            {
                "examples": self.count,
                "seed": self.seed,
                "methods": list(self.methods),
                "controls": list(self.controls),
                "rows": list(self.rows()),
                "agreements": [
                    {"metric": metric, "fills": [a, b], "kendall_tau": tau}
                    for (metric, a, b), tau in self.agreements().items()
                ],
                "warnings": self.warnings(),
                "remarks": {label: list(said) for label, said in self.remarks.items()},
                "recommendation": {"method": name, "reason": reason},
            }
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the table to a file that ends in .csv, or in .json.

        Raises:
            OutputError: The file cannot be written.
        """
        target = Path(path)
        is_csv = target.suffix.lower() == ".csv"
        text = self.to_csv() if is_csv else json.dumps(self.to_json(), indent=2) + "\n"
        with replacing(target) as beside:
            beside.write_text(text, encoding="utf-8")
        return target

    def plot(self, path: str | os.PathLike[str] | None = None, *, figsize: Any = None) -> Figure:
        """A figure: for each metric and fill the methods from best to worst with intervals.

        Args:
            path: File to write the figure to as well; its suffix names the format.
            figsize: Width in inches; None is 5.

        Raises:
            InvalidInputError: The width is too small.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.evaluation import plot_evaluation

        return plot_evaluation(self, path, figsize=figsize)


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
