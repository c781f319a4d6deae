"""`make peaks`: what a chunk is thought to take, and what it takes, on `keras.applications`.

One process a model. Resident memory never shrinks, so a row's share is the slope between two
numbers of rows; what the whole call takes at `"auto"` is compared with the budget, and its time
with other chunks, in turn in one process.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

MODELS = (
    "MobileNetV2", "ResNet50", "ResNet50V2", "VGG16", "DenseNet121", "EfficientNetB0",
    "InceptionV3", "Xception", "NASNetMobile", "ConvNeXtTiny",
)  # fmt: skip
ROWS = (8, 16, 24)  # the first takes what freed memory there is
CHUNKS = (10, 25, 50)
STEPS = 50
ROUNDS = 3


def main(names: list[str]) -> None:
    """Prints a row for each model."""
    table = Table(title=f"Integrated Gradients, {STEPS} steps, one image, random weights")
    for column in ("model", "MiB a row", "measured", "ratio", "budget, MiB", "peak", "auto rows"):
        table.add_column(column, justify="left" if column == "model" else "right")
    table.add_column("auto over chunks of " + ", ".join(map(str, CHUNKS)), justify="right")
    for name in names or MODELS:
        found = _in_a_process(name)
        table.add_row(
            name,
            f"{found['counted']:.1f}",
            f"{found['measured']:.1f}",
            f"{found['counted'] / found['measured']:.2f}",
            f"{found['budget']:.0f}",
            f"{found['peak']:.0f}",
            str(found["rows"]),
            " ".join(f"{ratio:.2f}" for ratio in found["ratios"]),
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _in_a_process(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.peaks", "--one", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(name: str) -> dict[str, Any]:
    """What one model takes: MiB, rows, and times over those with other chunks."""
    import keras
    import numpy as np
    import tensorflow as tf

    import tfxai
    from benchmarks.timing import bare_pass, interleaved
    from tfxai.core.inputs.reading import read_inputs
    from tfxai.core.model.pass_memory import pass_bytes
    from tfxai.core.model.structure import model_structure
    from tfxai.core.sampling.copies import chunk_rows

    model = getattr(keras.applications, name)(weights=None)
    image = np.random.default_rng(0).random((1, *model.input_shape[1:]), np.float32)
    layout = read_inputs(model, image)[0]
    a_row = pass_bytes(model, layout, model_structure(model, layout))
    bare, peaks = bare_pass(model, 0), []
    bare(tf.constant(image))
    for rows in ROWS:
        bare(tf.constant(np.repeat(image, rows, axis=0)))
        peaks.append(megabytes("VmHWM"))
    method = tfxai.IntegratedGradients(steps=STEPS)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is forgotten
    at_rest = megabytes_at_rest(peaks, ROWS)
    method(model, image, 0)
    peak = megabytes("VmHWM") - at_rest
    work: dict[Any, Any] = {"auto": lambda: method(model, image, 0)}
    for chunk in CHUNKS:
        work[chunk] = lambda chunk=chunk: method(model, image, 0, chunk_size=chunk)
    times = interleaved(work, ROUNDS)
    return {
        "counted": a_row / 2**20,
        "measured": (peaks[-1] - peaks[-2]) / (ROWS[-1] - ROWS[-2]),
        "budget": tfxai.config.memory_budget / 2**20,
        "peak": peak,
        "rows": chunk_rows(a_row, tfxai.config.memory_budget),
        "ratios": [
            statistics.median(a / b for a, b in zip(times["auto"], times[chunk], strict=True))
            for chunk in CHUNKS
        ],
    }


def megabytes_at_rest(peaks: list[float], rows: tuple[int, ...]) -> float:
    """MiB that a process holds without any row, by the line through the last two peaks."""
    slope = (peaks[-1] - peaks[-2]) / (rows[-1] - rows[-2])
    return peaks[-1] - slope * rows[-1]


def megabytes(name: str) -> float:
    """A line of `/proc/self/status` (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        main(sys.argv[1:])
