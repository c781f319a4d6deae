"""What a run says as a whole, by sums that can be added in any grouping."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tfxai.arithmetic import gap_shares
from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.errors import DataNotFoundError
from tfxai.files import replacing
from tfxai.table_features import features_of, has_features
from tfxai.token_values import has_token_values, token_values
from tfxai.tokens import PADDING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUMMARY, FIGURE = "summary.json", "summary.png"
"""The files of a summary in the folder of a run."""
MAP_SIDE = 16
"""Most cells along a side of an average map."""
LARGEST = 20
"""How many of the largest gaps are kept."""
GAP_EDGES = tuple(10.0**k for k in range(-8, 2))
"""Edges of the histogram of gaps, as shares of the difference of the scores."""
WIDE = GAP_EDGES.index(0.1) + 1
"""The first bin of gaps above a tenth, which is too wide to rest on the values."""

_COLUMNS = 1000  # most that are told one by one

Moments: TypeAlias = "tuple[int, float, float]"
Gap: TypeAlias = "tuple[float, float, str]"


@dataclasses.dataclass
class MethodSummary:
    """What one method gave.

    Args:
        masses: By class (number, sum, sum of squares) of the examples' mean absolute values.
        maps: By class (number, sum of maps (h, w)): where the absolute values of an image lie,
            each map with the sum 1.
        gaps: Numbers of completeness gaps, as shares of |score - baseline score|, below the first
            of `GAP_EDGES`, between two, and from the last on; empty where there are none.
        largest: The largest of these shares, infinite where the scores are equal, with the
            absolute gaps in units of the score and the names of their examples.
        features: Of tables by column (number, sum, sum of squares) of the examples' absolute
            values; empty of others, and of more than 1,000 columns.
        score: What was explained, such as `"logit"`; empty where it is not known.
        class_names: Names of the classes that were explained, where a sample of answers says
            them; of a run they are those of the `Summary`.
    """

    masses: dict[int, Moments] = dataclasses.field(default_factory=dict)
    maps: dict[int, tuple[int, Array]] = dataclasses.field(default_factory=dict)
    gaps: list[int] = dataclasses.field(default_factory=list)
    largest: list[Gap] = dataclasses.field(default_factory=list)
    features: dict[str, Moments] = dataclasses.field(default_factory=dict)
    score: str = ""
    class_names: dict[int, str] = dataclasses.field(default_factory=dict)

    def add(self, answer: Attribution, keys: Sequence[str]) -> None:
        """Adds the examples of a batch."""
        self.score = answer.score_name
        targets = np.asarray(answer.target).reshape(len(keys), -1)[:, 0]
        masses, maps = _masses(answer), _maps(answer)
        for i, target in enumerate(map(int, targets)):
            mass = float(masses[i])
            self.masses[target] = _added(self.masses.get(target), (1, mass, mass * mass))
            if maps is not None:
                count, whole = self.maps.get(target, (0, np.zeros_like(maps[i])))
                if whole.shape == maps[i].shape:
                    self.maps[target] = (count + 1, whole + maps[i])
        for name, values in _features(answer).items():
            column = len(values), float(values.sum()), float(np.square(values).sum())
            self.features[name] = _added(self.features.get(name), column)
        self._add_gaps(answer, keys)

    def _add_gaps(self, answer: Attribution, keys: Sequence[str]) -> None:
        if answer.completeness_gap is None or answer.baseline_score is None:
            return
        gaps = np.abs(np.asarray(answer.completeness_gap, np.float64))
        shares = gap_shares(gaps, answer.score, answer.baseline_score)
        counts = np.bincount(np.searchsorted(GAP_EDGES, shares, "right"), minlength=_BINS)
        self.gaps = [a + int(b) for a, b in zip(self.gaps or [0] * _BINS, counts, strict=True)]
        rows = zip(shares.tolist(), gaps.tolist(), keys, strict=True)
        self.largest = largest([*self.largest, *rows])

    def merge(self, other: MethodSummary) -> None:
        """Adds what another part of the data gave."""
        self.score = self.score or other.score
        for target, one in other.masses.items():
            self.masses[target] = _added(self.masses.get(target), one)
        for name, one in other.features.items():
            self.features[name] = _added(self.features.get(name), one)
        for target, (count, whole) in other.maps.items():
            mine = self.maps.get(target)
            if mine is None:
                self.maps[target] = (count, whole)
            elif mine[1].shape == whole.shape:
                self.maps[target] = (mine[0] + count, mine[1] + whole)
        if other.gaps:
            self.gaps = [a + b for a, b in zip(self.gaps or [0] * _BINS, other.gaps, strict=True)]
        self.largest = largest([*self.largest, *other.largest])

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "masses": {str(key): list(one) for key, one in sorted(self.masses.items())},
            "maps": {
                str(key): {"count": n, "sum": whole.tolist()}
                for key, (n, whole) in sorted(self.maps.items())
            },
            "gap_edges": list(GAP_EDGES) if self.gaps else [],
            "gaps": self.gaps,
            "largest_gaps": [
                {"key": key, "share": share if math.isfinite(share) else None, "gap": gap}
                for share, gap, key in self.largest
            ],
            "features": {name: list(one) for name, one in self.features.items()},
            "score": self.score,
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> MethodSummary:
        """The inverse of `to_dict`."""
        return cls(
            {int(key): (int(n), a, b) for key, (n, a, b) in record["masses"].items()},
            {
                int(key): (int(one["count"]), np.asarray(one["sum"]))
                for key, one in record["maps"].items()
            },
            list(record["gaps"]),
            [
                (math.inf if one.get("share") is None else one["share"], one["gap"], one["key"])
                for one in record["largest_gaps"]
            ],
            {key: (int(n), a, b) for key, (n, a, b) in record.get("features", {}).items()},
            record.get("score", ""),
        )


_BINS = len(GAP_EDGES) + 1


def largest(gaps: Iterable[Gap]) -> list[Gap]:
    """The largest gaps, by their share of the difference."""
    return sorted(gaps, key=lambda one: (-one[0], -one[1], one[2]))[:LARGEST]


def _added(one: Moments | None, other: Moments) -> Moments:
    return other if one is None else (one[0] + other[0], one[1] + other[1], one[2] + other[2])


@dataclasses.dataclass
class Summary:
    """What all methods gave.

    Args:
        methods: By name.
        classes: How often each class was predicted.
        class_names: Names of the classes, where they are known.
    """

    methods: dict[str, MethodSummary] = dataclasses.field(default_factory=dict)
    classes: dict[int, int] = dataclasses.field(default_factory=dict)
    class_names: tuple[str, ...] | None = None

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Summary:
        """What a run says as a whole.

        Args:
            folder: The folder of a run that has ended.

        Raises:
            DataNotFoundError: It holds none.
        """
        path = Path(folder, SUMMARY)
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataNotFoundError(
                f"{os.fspath(folder)!r} holds no summary of a run. Pass the folder of a run of "
                "tfxai batch that has ended."
            ) from error

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Writes it beside the results, as `read` reads it.

        Raises:
            OutputError: It cannot be written.
        """
        with replacing(Path(folder, SUMMARY)) as path:
            path.write_text(json.dumps(self.to_dict(), allow_nan=False) + "\n", encoding="utf-8")

    def plot(self, path: str | os.PathLike[str] | None = None, *, figsize: Any = None) -> Figure:
        """Draws strength by class, the average map and the gaps of each method.

        Args:
            path: File to write the figure to as well; its suffix names the format.
            figsize: Width in inches, or (width, height); None is what the panels need.

        Raises:
            InvalidInputError: `figsize` does not fit.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.run_summary import plot_run_summary  # no worker draws

        return plot_run_summary(self.methods, self.class_names, path, figsize=figsize)

    def add(self, answers: Iterable[Attribution], keys: Sequence[str]) -> None:
        """Adds the examples of a batch."""
        predicted = None
        for answer in answers:
            self.methods.setdefault(answer.method["name"], MethodSummary()).add(answer, keys)
            predicted = answer.prediction if predicted is None else predicted
        for one in () if predicted is None else map(int, predicted):
            self.classes[one] = self.classes.get(one, 0) + 1

    def merge(self, other: Summary) -> None:
        """Adds what another part of the data gave."""
        for name, one in other.methods.items():
            self.methods.setdefault(name, MethodSummary()).merge(one)
        for key, count in other.classes.items():
            self.classes[key] = self.classes.get(key, 0) + count

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "methods": {name: one.to_dict() for name, one in self.methods.items()},
            "classes": {str(key): n for key, n in sorted(self.classes.items())},
            "class_names": None if self.class_names is None else list(self.class_names),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Summary:
        """The inverse of `to_dict`."""
        return cls(
            {name: MethodSummary.from_dict(one) for name, one in record["methods"].items()},
            {int(key): int(n) for key, n in record["classes"].items()},
            None if record["class_names"] is None else tuple(record["class_names"]),
        )


def _masses(answer: Attribution) -> Array:
    """(B,) the mean absolute value of each example; of texts without padding."""
    if has_token_values(answer) and answer.text is not None:
        values = np.abs(np.asarray(token_values(answer), np.float64))
        is_there = answer.text.kinds != PADDING
        counts = np.maximum(is_there.sum(axis=1), 1)
        return np.asarray(np.where(is_there, values, 0).sum(axis=1) / counts)
    parts = answer.values.values() if isinstance(answer.values, dict) else [answer.values]
    flat = [np.abs(np.asarray(one, np.float64)).reshape(len(one), -1) for one in parts]
    return np.asarray(np.concatenate(flat, axis=1).mean(axis=1))


def _features(answer: Attribution) -> dict[str, Array]:
    """(B,) absolute values of each column of a table, also beside other inputs; else empty."""
    if answer.is_map or answer.text is not None:
        return {}
    if isinstance(answer.values, dict) and isinstance(answer.inputs, dict):
        of_tables = {name: one for name, one in answer.values.items() if np.ndim(one) in (1, 2)}
        inputs = {name: answer.inputs[name] for name in of_tables}
        answer = dataclasses.replace(answer, values=of_tables, inputs=inputs)
    arrays = answer.values.values() if isinstance(answer.values, dict) else [answer.values]
    count = sum(np.size(one) for one in arrays) // max(len(answer), 1)
    if not 0 < count <= _COLUMNS or not has_features(answer):
        return {}
    found = features_of(answer)
    return {one.name: np.abs(np.asarray(one.values, np.float64)) for one in found}


def _maps(answer: Attribution) -> Array | None:
    """(B, h, w) where the absolute values of the only image lie, each with the sum 1."""
    if answer.text is not None:
        return None
    values, axes = answer.values, answer.layer_axes if answer.at else answer.axes
    if isinstance(values, dict):
        of_inputs = axes if isinstance(axes, dict) else {}
        images = [name for name in values if of_inputs.get(name) in ("HWC", "CHW")]
        if len(images) != 1:
            return None
        values, axes = values[images[0]], of_inputs[images[0]]
    axes = "HW" if answer.is_map else axes
    if axes not in ("HW", "HWC", "CHW") or np.ndim(values) != len(axes) + 1:
        return None
    heat = np.abs(np.asarray(values, np.float64))
    if "C" in axes:
        heat = heat.sum(axis=1 + axes.index("C"))
    pooled = heat
    for axis in (1, 2):
        side = pooled.shape[axis]
        starts = np.arange(min(side, MAP_SIDE)) * side // min(side, MAP_SIDE)
        pooled = np.add.reduceat(pooled, starts, axis=axis)
    whole = pooled.sum(axis=(1, 2), keepdims=True)
    return np.asarray(np.divide(pooled, whole, out=np.zeros_like(pooled), where=whole > 0))
