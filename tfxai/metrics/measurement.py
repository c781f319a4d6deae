"""What a metric returns: one number for each example, and how certain their mean is."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import DataNotFoundError, InvalidInputError
from tfxai.files import replacing
from tfxai.metrics.statistics import Difference, interval, paired

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True, eq=False)
class Measurement:
    """One metric of the attributions of a batch.

    Args:
        values: (B,) float64, one for each example; NaN where the metric has no answer.
        metric: Name and options of the metric: `{"name": ..., "options": {...}}`.
        method: The same of the method that was measured.
        higher_is_better: Whether larger values speak for the attribution; None where neither does.
        details: What else was found of each example, name to (B, ...), such as a `curve`.
    """

    values: Array
    metric: dict[str, Any]
    method: dict[str, Any]
    higher_is_better: bool | None
    details: dict[str, Array] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        low, high = self.interval()
        return (
            f"Measurement({self.metric['name']} of {self.method['name']}: {self.mean:.4g}, "
            f"95 % from {low:.4g} to {high:.4g}, {self.count} of {len(self)} examples)"
        )

    def _repr_html_(self) -> str:
        from tfxai.plotting.figures import record_html

        good = {True: "Large", False: "Small", None: ""}[self.higher_is_better]
        facts = [("Values that are good", good)]
        return record_html(repr(self), facts, self.plot)

    @property
    def count(self) -> int:
        """Examples that have a value."""
        return int(np.isfinite(self.values).sum())

    @property
    def mean(self) -> float:
        """The mean over the examples that have a value; NaN where none has."""
        return float(np.nanmean(self.values)) if self.count else float("nan")

    def interval(self, confidence: float = 0.95, seed: int = 0) -> tuple[float, float]:
        """Bootstrap interval of the mean, by percentiles; NaN for fewer than two examples.

        Args:
            confidence: Chance in (0, 1) that such an interval holds the mean of all examples.
            seed: Seed of the resampling.

        Raises:
            InvalidInputError: `confidence` is out of range.
        """
        if not 0 < confidence < 1:
            raise InvalidInputError(f"confidence={confidence} was expected to lie in (0, 1).")
        return interval(self.values[np.isfinite(self.values)], confidence, seed)

    def better_than(self, other: Measurement, seed: int = 0) -> Difference:
        """By how much the values are better than those of another method, example by example.

        Args:
            other: What the same metric gave another method on the same examples.
            seed: Seed of the resampling.

        Raises:
            InvalidInputError: It is of another metric, of other examples, or neither of large and
                small values speaks for an attribution.
        """
        if self.metric != other.metric or len(self) != len(other):
            raise InvalidInputError(
                f"{other!r} was expected to be of the same metric, with the same options, and of "
                f"as many examples as {self!r}. Measure both on the same inputs."
            )
        if self.higher_is_better is None:
            raise InvalidInputError(
                f"Neither large nor small values of {self.metric['name']} speak for an "
                "attribution, so that none is better."
            )
        better = self.higher_is_better
        return paired(self.values, other.values, higher_is_better=better, seed=seed)

    def plot(self, path: str | os.PathLike[str] | None = None, *, figsize: Any = None) -> Figure:
        """A figure: the mean curve with its 95 % interval, or a bar for each example.

        Args:
            path: File to write the figure to as well; its suffix names the format.
            figsize: Width in inches, or (width, height); None is 4.6 inches wide.

        Raises:
            InvalidInputError: No example has a value, or the size is too small.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.measurement import plot_measurement

        return plot_measurement(self, path, figsize=figsize)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes everything to one `.npz` file that holds no pickle.

        Raises:
            OutputError: The file cannot be written.
        """
        target = Path(path)
        if target.suffix != ".npz":
            target = target.with_name(target.name + ".npz")
        about = {
            "metric": self.metric,
            "method": self.method,
            "higher_is_better": self.higher_is_better,
        }
        details: Any = {f"details/{name}": array for name, array in self.details.items()}
        with replacing(target) as beside, beside.open("wb") as file:
            np.savez_compressed(
                file, values=self.values, measurement=np.array(json.dumps(about)), **details
            )
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Measurement:
        """Reads what `save` wrote.

        Raises:
            DataNotFoundError: There is no such file.
            InvalidInputError: The file holds no measurement.
        """
        if not Path(path).is_file():
            raise DataNotFoundError(f"There is no file {str(path)!r}. Pass a .npz file of save().")
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            about = json.loads(str(arrays.pop("measurement")))
            details = {
                name.removeprefix("details/"): array
                for name, array in arrays.items()
                if name.startswith("details/")
            }
            return cls(values=arrays["values"], details=details, **about)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise InvalidInputError(
                f"{str(path)!r} holds no measurement. Pass a file that save() wrote."
            ) from error
