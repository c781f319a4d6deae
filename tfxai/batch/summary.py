"""What a run says as a whole, by sums that can be added in any grouping."""

from __future__ import annotations

import dataclasses
import json
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

Moments: TypeAlias = "tuple[int, float, float]"


@dataclasses.dataclass
class MethodSummary:
    """What one method gave.

    Args:
        masses: By class (number, sum, sum of squares) of the examples' mean absolute values.
        maps: By class (number, sum of maps (h, w)): where the absolute values of an image lie,
            each map with the sum 1.
        gaps: Numbers of completeness gaps, as shares of |score - baseline score|, below the first
            of `GAP_EDGES`, between two, and from the last on; empty where there are none.
        largest: The largest absolute gaps and the names of their examples.
        score: What was explained, such as `"logit"`; empty where it is not known.
        class_names: Names of the classes that were explained, where a sample of answers says
            them; of a run they are those of the `Summary`.
    """

    masses: dict[int, Moments] = dataclasses.field(default_factory=dict)
    maps: dict[int, tuple[int, Array]] = dataclasses.field(default_factory=dict)
    gaps: list[int] = dataclasses.field(default_factory=list)
    largest: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    score: str = ""
    class_names: dict[int, str] = dataclasses.field(default_factory=dict)

    def add(self, answer: Attribution, keys: Sequence[str]) -> None:
        """Adds the examples of a batch."""
        self.score = answer.score_name
        targets = np.asarray(answer.target).reshape(len(keys), -1)[:, 0]
        masses, maps = _masses(answer), _maps(answer)
        for i, target in enumerate(map(int, targets)):
            n, total, squares = self.masses.get(target, (0, 0.0, 0.0))
            mass = float(masses[i])
            self.masses[target] = (n + 1, total + mass, squares + mass * mass)
            if maps is not None:
                count, whole = self.maps.get(target, (0, np.zeros_like(maps[i])))
                if whole.shape == maps[i].shape:
                    self.maps[target] = (count + 1, whole + maps[i])
        self._add_gaps(answer, keys)

    def _add_gaps(self, answer: Attribution, keys: Sequence[str]) -> None:
        if answer.completeness_gap is None or answer.baseline_score is None:
            return
        gaps = np.abs(np.asarray(answer.completeness_gap, np.float64))
        shares = gap_shares(gaps, answer.score, answer.baseline_score)
        counts = np.bincount(np.searchsorted(GAP_EDGES, shares, "right"), minlength=_BINS)
        self.gaps = [a + int(b) for a, b in zip(self.gaps or [0] * _BINS, counts, strict=True)]
        found = [*self.largest, *((float(gap), key) for gap, key in zip(gaps, keys, strict=True))]
        self.largest = sorted(found, key=lambda one: (-one[0], one[1]))[:LARGEST]

    def merge(self, other: MethodSummary) -> None:
        """Adds what another part of the data gave."""
        self.score = self.score or other.score
        for target, (n, total, squares) in other.masses.items():
            own = self.masses.get(target, (0, 0.0, 0.0))
            self.masses[target] = (own[0] + n, own[1] + total, own[2] + squares)
        for target, (count, whole) in other.maps.items():
            mine = self.maps.get(target)
            if mine is None:
                self.maps[target] = (count, whole)
            elif mine[1].shape == whole.shape:
                self.maps[target] = (mine[0] + count, mine[1] + whole)
        if other.gaps:
            self.gaps = [a + b for a, b in zip(self.gaps or [0] * _BINS, other.gaps, strict=True)]
        found = [*self.largest, *other.largest]
        self.largest = sorted(found, key=lambda one: (-one[0], one[1]))[:LARGEST]

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
            "largest_gaps": [{"key": key, "gap": gap} for gap, key in self.largest],
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
            [(one["gap"], one["key"]) for one in record["largest_gaps"]],
            record.get("score", ""),
        )


_BINS = len(GAP_EDGES) + 1


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


def _maps(answer: Attribution) -> Array | None:
    """(B, h, w) where the absolute values of images lie, each with the sum 1; None of others."""
    values = answer.values
    if isinstance(values, dict) or answer.text is not None:
        return None
    axes = "HW" if answer.is_map else (answer.layer_axes if answer.at else answer.axes)
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
