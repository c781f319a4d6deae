"""`make bench`: what Integrated Gradients costs beside the bare passes that it needs.

Prints ratios of medians from interleaved runs in one process, on the same model and image,
and peak memory from a fresh process for each number of steps.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

import tfxai
from tfxai.data import sample_image
from tfxai.data.images import fit_image

STEPS = 50
RUNS = 25


def main() -> None:
    """Prints both tables."""
    subject = tfxai.load("cifar10_cnn")
    height, width, _ = subject.model.input_shape[1:]
    pixels = fit_image(sample_image("chelsea"), height, width)
    image = subject.preprocessing.apply(pixels)[None]
    console = Console(width=None if sys.stdout.isatty() else 80)
    console.print(time_table(subject, image))
    console.print(memory_table())


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
        }
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


def bare_pass(model: object, target: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """One compiled forward and backward pass to the input, with nothing around it."""

    @tf.function(autograph=False)
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            score = model(x, training=False)[:, target]
        return tape.gradient(score, x)

    return gradient


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


def interleaved(work: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each piece of work, in rounds of every one, in another order each round.

    A slow spell of the machine so slows all alike, and none always runs after the same one.
    """
    for run in work.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in work}
    orders = random.Random(0)
    for _ in range(RUNS):
        for name in orders.sample(list(work), len(work)):
            start = time.perf_counter()
            work[name]()
            times[name].append(time.perf_counter() - start)
    return times


def memory_table() -> Table:
    """Peak resident memory of a process that runs 50 steps, and of one that runs 500."""
    table = Table(title="Peak resident memory")
    for name in ("steps", "MiB", "over 50 steps", "of it the call's, MiB"):
        table.add_column(name, justify="right")
    first = 0.0
    for steps in (50, 500):
        before, peak = peak_memory(steps)
        first = first or peak
        table.add_row(str(steps), f"{peak:.0f}", f"{peak / first:.2f}", f"{peak - before:.0f}")
    return table


def peak_memory(steps: int) -> tuple[float, float]:
    """MiB in use before the call and at its peak, in a process of its own (Linux)."""
    code = f"""
import json, pathlib
import numpy as np, tfxai

def kilobytes(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])

subject = tfxai.load("cifar10_cnn")
image = np.full((1, *subject.model.input_shape[1:]), 0.5, "float32")
subject.predict(image)
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
before = kilobytes("VmRSS")
tfxai.IntegratedGradients(steps={steps})(subject, image)
print(json.dumps([before / 1024, kilobytes("VmHWM") / 1024]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, peak = json.loads(done.stdout.splitlines()[-1])
    return before, peak


if __name__ == "__main__":
    main()
