"""What metrics cost, beside scipy's solver, bare passes, and methods one after the other.

Part of `make bench`; `python -m benchmarks.trust` alone.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table
from scipy import sparse
from scipy.sparse import linalg

import tfxai
from benchmarks.timing import interleaved, milliseconds, ratio
from tfxai import metrics
from tfxai.arrays import Array
from tfxai.core.graph.imputation import imputed
from tfxai.data import sample_image
from tfxai.data.images import fit_image
from tfxai.metrics.deletion import Deletion

RUNS = 5
STEPS = 20
NAMES = ("chelsea", "rocket", "motorcycle_left", "coffee")
TOGETHER = ("saliency", "gradient_input", "grad_cam", "hires_cam", "layer_cam")


def solved(image: Array, hidden: Array) -> Array:
    """Linear imputation of one image (H, W, C) by one sparse solve for all channels."""
    places = np.flatnonzero(hidden)
    number = np.full(hidden.size, -1)
    number[places] = np.arange(len(places))
    number = number.reshape(hidden.shape)
    rows, columns = np.nonzero(hidden)
    diagonal, right = np.zeros(len(places)), np.zeros((len(places), image.shape[-1]))
    entries: list[tuple[Any, Any, Any]] = []
    for step in itertools.product((-1, 0, 1), repeat=2):
        if step == (0, 0):
            continue
        weight = 0.5 ** (abs(step[0]) + abs(step[1]))
        y, x = rows + step[0], columns + step[1]
        here = (y >= 0) & (y < hidden.shape[0]) & (x >= 0) & (x < hidden.shape[1])
        own, y, x = number[rows, columns][here], y[here], x[here]
        diagonal[own] += weight
        other = number[y, x]
        known = other < 0
        right[own[known]] += weight * image[y[known], x[known]]
        entries.append((own[~known], other[~known], np.full((~known).sum(), -weight)))
    entries.append((np.arange(len(places)), np.arange(len(places)), diagonal))
    i, j, weights = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    matrix = sparse.csc_matrix((weights, (i, j)), (len(places), len(places)))
    result = image.astype(np.float64)
    result[hidden] = linalg.splu(matrix).solve(right)
    return result


def imputation_table() -> Table:
    """All images of a batch at once, and image by image by scipy."""
    table = Table(title=f"ROAD's imputation of an image: medians of {RUNS} rounds, milliseconds")
    for name in ("what is hidden", "tfxai", "scipy", "scipy over tfxai"):
        table.add_column(name, justify="left" if name == "what is hidden" else "right")
    for side, batch in ((32, 48), (224, 4)):
        images = [fit_image(sample_image(NAMES[i % 4]), side, side) for i in range(batch)]
        x = np.stack(images).astype(np.float32) / 255
        noise = np.random.default_rng(0).random(x.shape[:-1])
        for share in (0.5, 0.9):
            hidden = noise < share
            tensors = tf.constant(x), tf.constant(hidden)
            found, expected = imputed(*tensors).numpy(), solved(x[0], hidden[0])
            np.testing.assert_allclose(found[0], expected, atol=1e-3)
            times = interleaved(
                {
                    "tfxai": lambda tensors=tensors: imputed(*tensors).numpy(),
                    "scipy": lambda x=x, hidden=hidden: list(map(solved, x, hidden)),
                },
                RUNS,
            )
            own, other = ([one / batch for one in times[name]] for name in ("tfxai", "scipy"))
            more = ratio(other, own)
            words = f"{share:.0%} of {side}x{side}, {batch} at once"
            table.add_row(words, milliseconds(own), milliseconds(other), f"{more[0]:.1f}")
    return table


def cost_table(subject: tfxai.Subject, images: Array) -> Table:
    """Deletion over the passes that it needs, and methods together over one after the other."""
    one = tfxai.GradientInput()(subject, images)
    metric = Deletion(steps=STEPS, by=4, fill="blur")
    model = subject.model
    rows = tf.constant(np.repeat(subject.prepare(images[:1]), 50, axis=0), tf.float32)
    passes = tf.function(lambda x: model(x, training=False), autograph=False)
    several = len(images) * (STEPS + 2) / len(rows)  # the input itself and the fill too

    def bare() -> None:
        for _ in range(round(several)):
            passes(rows)

    times = interleaved(
        {
            "metric": lambda: metric(subject, images, one),
            "bare": bare,
            "together": lambda: tfxai.explain(subject, images, TOGETHER, progress=False),
            "apart": lambda: [tfxai.explain(subject, images, [name]) for name in TOGETHER],
            "ROAD": lambda: metrics.ROAD(by=4)(subject, images, one),
        },
        RUNS,
    )
    table = Table(title=f"{len(images)} images on {model.name}: medians of {RUNS} rounds")
    for name in ("what", "ms", "ratio"):
        table.add_column(name, justify="left" if name == "what" else "right")
    over = ratio(times["metric"], times["bare"])[0]
    table.add_row(f"Deletion in {STEPS} steps", milliseconds(times["metric"]), "")
    table.add_row("its bare passes", milliseconds(times["bare"]), f"{over:.2f}")
    less = ratio(times["together"], times["apart"])[0]
    table.add_row(f"{len(TOGETHER)} methods together", milliseconds(times["together"]), "")
    table.add_row("one after the other", milliseconds(times["apart"]), f"{less:.2f}")
    table.add_row("ROAD in 10 steps", milliseconds(times["ROAD"]), "")
    return table


def main() -> None:
    """Prints both tables."""
    console = Console(width=100)
    console.print(imputation_table())
    pixels = [fit_image(sample_image(NAMES[i % 4]), 32, 32) for i in range(40)]
    console.print(cost_table(tfxai.load("cifar10_cnn"), np.stack(pixels)))


if __name__ == "__main__":
    main()
