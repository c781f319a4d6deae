"""Which metrics of faithfulness are fit: they can tell a map from worse copies of it."""

from __future__ import annotations

RECOVERS: dict[tuple[str, str], float] = {}
"""By metric and fill, the share of 100 CIFAR-10 images on which the order of copies of a map with
0 to 100 % of their parts shuffled is recovered: `make instruments`, table in docs/trust.md."""
ENOUGH = 0.9
"""The share from which on a metric is fit."""


def is_unfit(metric: str, fill: str) -> bool:
    """Whether a metric with that fill was tested as an instrument and found unfit."""
    return RECOVERS.get((metric, fill), 1.0) < ENOUGH
