"""What a sanity check returns: how alike the maps stay, step by step, and a verdict in words."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.metrics.measurement import Measurement

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUMBERS = ("spearman", "ssim", "entropy_rise")
"""What is measured at every step, by the name that results have it under."""


@dataclasses.dataclass(frozen=True, eq=False)
class SanityResult:
    """How alike the maps of a model and of one that knows less are.

    Args:
        spearman: (B, K) rank correlation of the magnitudes with those of the model itself, in
            [-1, 1], after each of K steps. 0 is what a method that follows the model comes near.
        ssim: (B, K) structural similarity of the magnitudes, in [-1, 1]; NaN for what is no image.
        entropy_rise: (B, K) rise of the entropy of the values, as a share of what it was.
        steps: What each step changed: the path of a layer, or `"first ... last"` of several.
        check: Name and options of the check: `{"name": ..., "options": {...}}`.
        method: The same of the method that was checked.
        threshold: Rank correlation that the verdict compares with.
        has_verdict: Whether one is given.
    """

    spearman: Array
    ssim: Array
    entropy_rise: Array
    steps: tuple[str, ...]
    check: dict[str, Any]
    method: dict[str, Any]
    threshold: float
    has_verdict: bool = True

    def __len__(self) -> int:
        return len(self.spearman)

    def __repr__(self) -> str:
        return f"SanityResult({self.verdict})"

    def _repr_html_(self) -> str:
        from tfxai.plotting.figures import record_html

        return record_html(repr(self), [], self.plot)

    @property
    def overall(self) -> Measurement:
        """The rank correlation of each example, the mean over the steps."""
        return Measurement(self.spearman.mean(axis=1), self.check, self.method, False)

    @property
    def passes(self) -> bool | None:
        """Whether the mean rank correlation over the steps is below the threshold beyond doubt.

        The upper end of its 95 % interval over examples counts, the mean itself where there is
        one example; None where the check gives no verdict.
        """
        return self._highest() <= self.threshold if self.has_verdict else None

    @property
    def verdict(self) -> str:
        """What was found, in a sentence."""
        name, low, high = self.method["name"], *self.overall.interval()
        if not self.has_verdict:
            means = self.spearman.mean(axis=0)
            most = int(np.argmax(means))
            return (
                f"{name}: among {len(self.steps)} layers re-initialised one at a time, its maps "
                f"notice {self.steps[most]} least (rank correlation {means[most]:.2f})"
            )
        within = "" if math.isnan(low) else f", 95 % from {low:.2f} to {high:.2f}"
        word, side = ("passes", "at most") if self.passes else ("fails", "not surely below")
        return (
            f"{name} {word} {self.check['name']}: mean rank correlation "
            f"{self.overall.mean:.2f}{within} "
            f"over {len(self)} examples, {side} {self.threshold:g}"
        )

    def means(self, name: str = "spearman") -> Array:
        """(K,): the mean over the examples that have a value after each step; NaN where none has.

        Args:
            name: `"spearman"`, `"ssim"` or `"entropy_rise"`.
        """
        values = np.asarray(getattr(self, name), np.float64)
        counts = np.isfinite(values).sum(axis=0)
        sums = np.where(np.isfinite(values), values, 0).sum(axis=0)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON takes it; what is not a number is None."""
        low, high = self.overall.interval()
        return {
            "check": self.check,
            "method": self.method,
            "examples": len(self),
            "threshold": self.threshold,
            "passes": self.passes,
            "verdict": self.verdict,
            "mean_rank_correlation": _number(self.overall.mean),
            "interval": [_number(low), _number(high)],
            "steps": [
                {"step": step, **{name: _number(self.means(name)[k]) for name in NUMBERS}}
                for k, step in enumerate(self.steps)
            ],
        }

    def plot(self, path: str | os.PathLike[str] | None = None, *, figsize: Any = None) -> Figure:
        """Draws the similarity after each step; see `tfxai.plotting.plot_sanity`.

        Raises:
            InvalidInputError: `figsize` does not fit.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting import plot_sanity

        return plot_sanity([self], path=path, figsize=figsize)

    def _highest(self) -> float:
        high = self.overall.interval()[1]
        return self.overall.mean if math.isnan(high) else high


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
