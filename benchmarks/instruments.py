"""Whether metrics of faithfulness can tell a map from worse copies of it: `make instruments`.

Each copy has a share of its parts, 0 to 100 %, put in another order. A metric is fit where its
values are in the order of the shares, Spearman at least 0.9, on at least 90 % of the images. The
table goes to docs/trust.md; `tfxai/metrics/fitness.py` has the same numbers, by which `evaluate`
marks what is unfit.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import tfxai
from benchmarks.pages import replaced
from tfxai import metrics
from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.data import load_cifar10
from tfxai.metrics.base import Asked
from tfxai.metrics.deletion import area
from tfxai.metrics.fitness import ENOUGH, RECOVERS
from tfxai.metrics.relevance import relevance
from tfxai.metrics.subsets import over_subsets, without_subsets

PAGE = Path(__file__).parents[1] / "docs" / "trust.md"
NAME = "instruments"
SHARES = np.linspace(0, 1, 11)
WIDTH = 4  # of the squares that are hidden, in pixels
FILLS = ("blur", "mean", "road")
STEPS = 8
CELLS, SUBSETS = 8, {"share": 0.2, "samples": 200, "seed": 0}


def shuffled(maps: Array, share: float, seed: int) -> Array:
    """(B, n) with that share of the parts of each map in another order.

    They change places in a random ring: each takes the value of the one before it. What a small
    share moves is moved by a larger one too, so that copies differ by their share alone.
    """
    rng, found = np.random.default_rng(seed), maps.copy()
    count = round(share * maps.shape[1])
    for one, values in zip(found, maps, strict=True):
        ring = rng.permutation(len(one))[:count]
        one[ring] = values[np.roll(ring, 1)]
    return found


def recovered(values: Array, *, higher_is_better: bool) -> float:
    """The share of images on which the order of copies is recovered, by (images, shares)."""
    sign = -1 if higher_is_better else 1
    orders = [stats.spearmanr(SHARES, sign * one).statistic for one in values]
    return float(np.mean(np.nan_to_num(orders) >= 0.9))


class Copies:
    """The copies of a map of each image, and what metrics give them."""

    def __init__(self, subject: tfxai.Subject, images: Array, repeats: int) -> None:
        self._subject, self._images, self._repeats = subject, images, repeats
        self._base = tfxai.Occlusion(window=WIDTH, baseline="blur")(subject, images, score="logit")

    def mean(self, measure: Callable[[Attribution], Array]) -> Array:
        """The mean over the copies of each share: (..., images, shares)."""
        side = self._images.shape[1] // WIDTH
        parts = self._base.values[:, ::WIDTH, ::WIDTH].reshape(-1, side * side)
        found = []
        for share in SHARES:
            rows = []
            for repeat in range(self._repeats):
                other = shuffled(parts, share, repeat)
                maps = other.reshape(-1, side, side).repeat(WIDTH, 1).repeat(WIDTH, 2)
                rows.append(measure(dataclasses.replace(self._base, values=maps)))
            found.append(np.mean(rows, axis=0))
        return np.moveaxis(np.array(found), 0, -1)

    def of(self, metric: metrics.Metric) -> float:
        """The share of images on which a metric recovers the order."""
        found = self.mean(lambda one: metric(self._subject, self._images, one).values)
        return recovered(found, higher_is_better=bool(metric.higher_is_better))

    def of_curves(self, fill: str) -> dict[tuple[str, str], float]:
        """Of SRG and of Deletion, whose curve is one of SRG's."""
        srg = metrics.SRG(fill=fill, by=WIDTH, steps=STEPS)

        def both(one: Attribution) -> Array:
            found = srg(self._subject, self._images, one)
            return np.stack([found.values, area(found.details["most_first"])])

        values = self.mean(both)
        return {
            ("srg", fill): recovered(values[0], higher_is_better=True),
            ("deletion", fill): recovered(values[1], higher_is_better=False),
        }

    def of_subsets(self, fill: str) -> dict[tuple[str, str], float]:
        """Of MuFidelity and Infidelity: what the score loses is the same for all copies."""
        words: dict[str, Any] = {"cells": CELLS, "fill": fill, **SUBSETS}
        judges = metrics.MuFidelity(**words), metrics.Infidelity(**words)
        cost = {"chunk_size": "auto", "progress": False}
        asked = Asked(
            self._subject, self._images, self._base, None, self._base.target, None, cost, None
        )
        drops = without_subsets(asked, CELLS, judges[0].fill, SUBSETS)[1]

        def both(one: Attribution) -> Array:
            said = over_subsets(relevance(one), CELLS, SUBSETS)
            return np.stack([judge.judged(said, drops) for judge in judges])

        values = self.mean(both)
        return {
            (judge.name, fill): recovered(one, higher_is_better=bool(judge.higher_is_better))
            for judge, one in zip(judges, values, strict=True)
        }


def table(found: dict[tuple[str, str], float]) -> str:
    """The table of docs/trust.md."""
    lines = ["| metric | fill | images on which the order is recovered | |", "|---|---|---|---|"]
    for (name, fill), share in found.items():
        verdict = "fit" if share >= ENOUGH else "unfit"
        lines.append(f"| `{name}` | {fill} | {share:.0%} | {verdict} |")
    return "\n".join(lines) + "\n"


def measured(copies: Copies) -> Iterator[dict[tuple[str, str], float]]:
    """The share of images on which each metric with each fill recovers the order."""
    for fill in FILLS:
        yield copies.of_curves(fill)
    for fill in FILLS:
        yield {("insertion", fill): copies.of(metrics.Insertion(fill=fill, by=WIDTH, steps=STEPS))}
    yield {("road", ""): copies.of(metrics.ROAD(by=WIDTH))}
    for fill in FILLS:
        yield copies.of_subsets(fill)
    for fill in FILLS[:2]:
        yield {("average_drop", fill): copies.of(metrics.AverageDrop(fill=fill))}


def main() -> None:
    """Measures every metric with every fill, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=100, help="number of images")
    parser.add_argument("--repeats", type=int, default=3, help="copies of each share")
    asked = parser.parse_args()
    pixels = load_cifar10("test")[0]
    images = pixels[np.linspace(0, len(pixels) - 1, asked.limit).round().astype(int)]
    found: dict[tuple[str, str], float] = {}
    for some in measured(Copies(tfxai.load("cifar10_cnn"), images, asked.repeats)):
        print(some, flush=True)
        found |= some
    found = dict(sorted(found.items()))
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replaced(text, NAME, table(found)), encoding="utf-8")
    if found != RECOVERS:
        print(f"tfxai/metrics/fitness.py has other numbers. Put these there: {found}")


if __name__ == "__main__":
    main()
