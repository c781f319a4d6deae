"""Which metrics of faithfulness are fit: they can tell a map from worse copies of it."""

from __future__ import annotations

RECOVERS: dict[tuple[str, str], float] = {
    ("average_drop", "blur"): 0.31,
    ("average_drop", "mean"): 0.23,
    ("deletion", "blur"): 0.43,
    ("deletion", "mean"): 0.4,
    ("deletion", "road"): 0.62,
    ("infidelity", "blur"): 0.93,
    ("infidelity", "mean"): 0.82,
    ("infidelity", "road"): 0.89,
    ("insertion", "blur"): 0.64,
    ("insertion", "mean"): 0.47,
    ("insertion", "road"): 0.62,
    ("mu_fidelity", "blur"): 0.97,
    ("mu_fidelity", "mean"): 0.92,
    ("mu_fidelity", "road"): 0.93,
    ("road", ""): 0.64,
    ("srg", "blur"): 0.7,
    ("srg", "mean"): 0.58,
    ("srg", "road"): 0.75,
}
"""By metric and fill, the share of 100 CIFAR-10 images on which the order of copies of a map with
0 to 100 % of their parts shuffled is recovered: `make instruments`, table in docs/trust.md."""
ENOUGH = 0.9
"""The share from which on a metric is fit."""


def is_unfit(metric: str, fill: str) -> bool:
    """Whether a metric with that fill was tested as an instrument and found unfit."""
    return RECOVERS.get((metric, fill), 1.0) < ENOUGH


def fit_metrics() -> list[str]:
    """The metrics that were found fit with every fill."""
    metrics = dict.fromkeys(metric for metric, _ in RECOVERS)
    return [
        metric
        for metric in metrics
        if all(share >= ENOUGH for (name, _), share in RECOVERS.items() if name == metric)
    ]
