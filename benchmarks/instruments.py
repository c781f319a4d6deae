"""Whether metrics of faithfulness can tell a map from worse copies of it: `make instruments`.

Each copy has a share of its parts, 0 to 100 %, put in another order. A metric is fit where its
values are in the order of the shares, Spearman at least 0.9, on at least 90 % of the images. The
table goes to docs/trust.md; `tfxai/metrics/fitness.py` has the same numbers, by which `evaluate`
marks what is unfit.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
from pathlib import Path

import numpy as np
from scipy import stats

import tfxai
from tfxai import metrics
from tfxai.arrays import Array
from tfxai.data import load_cifar10
from tfxai.metrics.fitness import ENOUGH, RECOVERS

PAGE = Path(__file__).parents[1] / "docs" / "trust.md"
START, END = "<!-- instruments -->\n", "<!-- end of instruments -->"
SHARES = np.linspace(0, 1, 11)
WIDTH = 4  # of the squares that are hidden, in pixels
FILLS = ("blur", "mean", "road")
METRICS = {
    "srg": lambda fill: metrics.SRG(fill=fill, by=WIDTH, steps=16),
    "deletion": lambda fill: metrics.Deletion(fill=fill, by=WIDTH, steps=16),
    "insertion": lambda fill: metrics.Insertion(fill=fill, by=WIDTH, steps=16),
    "road": lambda fill: metrics.ROAD(by=WIDTH),
    "mu_fidelity": lambda fill: metrics.MuFidelity(fill=fill, cells=8, samples=50),
    "infidelity": lambda fill: metrics.Infidelity(fill=fill, cells=8, samples=50),
    "average_drop": lambda fill: metrics.AverageDrop(fill=fill),
}


def shuffled(maps: Array, share: float, rng: np.random.Generator) -> Array:
    """(B, n) with that share of the parts of each map in another order."""
    found = maps.copy()
    count = round(share * maps.shape[1])
    for one in found:
        chosen = rng.choice(len(one), count, replace=False)
        one[chosen] = one[rng.permutation(chosen)]
    return found


def recovered(
    metric: metrics.Metric, subject: tfxai.Subject, images: Array, repeats: int
) -> float:
    """The share of images on which the metric recovers the order of the copies."""
    base = tfxai.Occlusion(window=WIDTH, baseline="blur")(subject, images)
    side = images.shape[1] // WIDTH
    parts = base.values[:, ::WIDTH, ::WIDTH].reshape(len(images), side * side)
    found = np.zeros((len(images), len(SHARES)))
    for i, share in enumerate(SHARES):
        for repeat in range(repeats):
            other = shuffled(parts, share, np.random.default_rng([i, repeat]))
            maps = other.reshape(-1, side, side).repeat(WIDTH, 1).repeat(WIDTH, 2)
            measured = metric(subject, images, dataclasses.replace(base, values=maps))
            found[:, i] += measured.values / repeats
    sign = -1 if measured.higher_is_better else 1
    orders = [stats.spearmanr(SHARES, sign * one).statistic for one in found]
    return float(np.mean(np.nan_to_num(orders) >= 0.9))


def table(found: dict[tuple[str, str], float]) -> str:
    """The table of docs/trust.md."""
    lines = ["| metric | fill | images on which the order is recovered | |", "|---|---|---|---|"]
    for (name, fill), share in found.items():
        verdict = "fit" if share >= ENOUGH else "unfit"
        lines.append(f"| `{name}` | {fill} | {share:.0%} | {verdict} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures every metric with every fill, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=100, help="number of images")
    parser.add_argument("--repeats", type=int, default=4, help="copies of each share")
    parser.add_argument("--only", nargs="*", default=list(METRICS), help="names of metrics")
    asked = parser.parse_args()
    subject = tfxai.load("cifar10_cnn")
    pixels = load_cifar10("test")[0]
    images = pixels[np.linspace(0, len(pixels) - 1, asked.limit).round().astype(int)]
    found = {}
    for name in asked.only:
        for fill in {"road": ("",), "average_drop": FILLS[:2]}.get(name, FILLS):
            found[name, fill] = recovered(METRICS[name](fill), subject, images, asked.repeats)
            print(f"{name:14} {fill:6} {found[name, fill]:.2f}", flush=True)
    if set(found) == set(RECOVERS):
        text = PAGE.read_text(encoding="utf-8")
        pattern = re.compile(re.escape(START) + ".*?" + re.escape(END), re.S)
        PAGE.write_text(pattern.sub(START + table(found) + END, text), encoding="utf-8")
    if different := {key: share for key, share in found.items() if RECOVERS.get(key) != share}:
        print(f"tfxai/metrics/fitness.py has other numbers for {different}. Correct it.")


if __name__ == "__main__":
    main()
