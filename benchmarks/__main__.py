"""`make bench`: what each method costs beside the bare passes that it needs.

Prints ratios of medians from interleaved runs in one process, on the same model and image,
peak memory from a fresh process for each call, and the steps that a tolerance takes.
"""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

import tfxai
from benchmarks.cams import cam_table
from benchmarks.memory import memory_table
from benchmarks.methods import chunk_of, method_table
from benchmarks.steps import steps_table
from benchmarks.timing import bare_pass, interleaved
from tfxai.data import load_cifar10, sample_image
from tfxai.data.images import fit_image
from tfxai.errors import DataNotFoundError

STEPS = 50
RUNS = 25
LARGE_RUNS = 7
CAM_RUNS = 5  # of the larger model: seconds each
MAPS = 50  # of the larger model, for Score-CAM


def main() -> None:
    """Prints the tables."""
    console = Console(width=None if sys.stdout.isatty() else 100)
    subject = tfxai.load("cifar10_cnn")
    image = photograph(subject, "chelsea", 32)
    console.print(time_table(subject, image))
    last = "Conv2D_Block3_Layer1"
    console.print(method_table(subject, image, last, RUNS))
    chunk = chunk_of(subject, image)
    console.print(cam_table(subject, image, (last, last), None, chunk, RUNS))
    console.print(memory_table())
    console.print(steps_table(subject, *test_images(subject)))
    large = Path(os.environ.get("TFXAI_TEST_DATA", ""), "models/efficientnet_lite0.keras")
    if large.is_file():
        subject = tfxai.load(large)
        image = photograph(subject, "chelsea", 224)
        layer = subject.model.layers[-4].name
        console.print(method_table(subject, image, layer, LARGE_RUNS))
        layers = (layer, "block10_add")  # 1,280 maps, of which some are taken, and 112
        chunk = chunk_of(subject, image)
        console.print(cam_table(subject, image, layers, MAPS, chunk, CAM_RUNS))
    else:
        console.print("No table at 224x224: TFXAI_TEST_DATA names no folder with a larger model.")


def photograph(subject: tfxai.Subject, name: str, side: int) -> np.ndarray:
    """One of scikit-image's photographs as the model takes it, (1, side, side, 3)."""
    pixels = fit_image(sample_image(name), side, side)[None]
    return np.asarray(subject.prepare(pixels), np.float32)


def test_images(subject: tfxai.Subject) -> tuple[np.ndarray, str]:
    """Images to count steps on, and what they are."""
    try:
        images = load_cifar10("test")[0][:32]
    except DataNotFoundError:
        names = ("chelsea", "rocket", "motorcycle_left", "coffee")
        return np.concatenate(
            [photograph(subject, name, 32) for name in names]
        ), "four photographs"
    return np.asarray(subject.prepare(images)), "the first 32 test images of CIFAR-10"


def time_table(subject: tfxai.Subject, image: np.ndarray) -> Table:
    """Integrated Gradients over the same passes without it, and over an eager loop."""
    method = tfxai.IntegratedGradients(steps=STEPS)
    one = tf.constant(image, tf.float32)
    rows = tf.constant(np.repeat(image, STEPS, axis=0), tf.float32)
    target = int(method(subject, image).target[0])
    bare = bare_pass(subject.model, target)

    def singles() -> None:
        for _ in range(STEPS):
            bare(one)

    times = interleaved(
        {
            f"tfxai IG-{STEPS}": lambda: method(subject, image, target),
            f"one bare pass of {STEPS} rows": lambda: bare(rows),
            f"{STEPS} bare passes of one row": singles,
            f"eager tape, {STEPS} passes of one row": lambda: eager(subject.model, one, target),
        },
        RUNS,
    )
    ours = times[f"tfxai IG-{STEPS}"]
    table = Table(title=f"{subject.model.name}, one image: medians of {RUNS} rounds")
    for name in ("what", "ms", "min-max", "IG over it"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, seconds in times.items():
        low, high = min(seconds) * 1e3, max(seconds) * 1e3
        ratio = statistics.median(a / b for a, b in zip(ours, seconds, strict=True))
        median = statistics.median(seconds) * 1e3
        table.add_row(name, f"{median:.1f}", f"{low:.1f}-{high:.1f}", f"{ratio:.2f}")
    return table


def eager(model: object, x: tf.Tensor, target: int) -> tf.Tensor:
    """The loop that people write first: a tape per step, no graph."""
    total = tf.zeros_like(x)
    for alpha in np.linspace(0, 1, STEPS, dtype=np.float32):
        point = alpha * x
        with tf.GradientTape() as tape:
            tape.watch(point)
            score = model(point, training=False)[:, target]
        total += tape.gradient(score, point)
    return x * total / STEPS


if __name__ == "__main__":
    main()
