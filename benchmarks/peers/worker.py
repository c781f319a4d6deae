"""One library in a process of its own: makes a cell's call, times it, says what it takes.

Reads a line for each thing to do and answers with a line of JSON. Imports no tfxai, so that the
environments of other libraries need none.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.cells import CELLS

SAME = 1e-4
"""By how much the outputs of a network that was rebuilt may differ."""


class Given:
    """What a cell hands to a library.

    Args:
        folder: Of models and images.
        cell: The cell.

    Attributes:
        x: (B, H, W, C) float32, as the model takes it.
        target: The class that is explained: that which the model predicts for the first image.
        layer: The last convolution, for maps of it.
        background: (R, H, W, C).
        noise: Standard deviation of SmoothGrad's noise.
    """

    def __init__(self, folder: Path, cell: Any) -> None:
        facts = json.loads((folder / f"{cell.model}-facts.json").read_text())
        images = np.load(folder / f"{cell.model}.npy")
        self.folder, self.cell = folder, cell
        self.x = images[: cell.images]
        self.target, self.layer, self.noise = facts["target"], facts["layer"], facts["noise"]
        self.background = np.load(folder / f"{cell.model}-background.npy")

    @property
    def model_file(self) -> Path:
        """The Keras model; its weights for PyTorch lie beside it."""
        return self.folder / f"{self.cell.model}.keras"


def main() -> None:
    """Serves one cell of one library on standard input and output."""
    library, folder, key = sys.argv[1:]
    cell = next(one for one in CELLS if one.key == key)
    given = Given(Path(folder), cell)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    module = importlib.import_module(f"benchmarks.peers.with_{library}")
    call = None
    for line in sys.stdin:
        try:
            if line.strip() == "make":
                call = module.call(given)
                answer: dict[str, Any] = {"made": call is not None, **_rebuilt(module, given)}
            elif line.strip() == "values":
                values = np.asarray(call(), np.float32)
                np.save(given.folder / "values" / f"{library}-{key}.npy", values)
                answer = {}
            else:
                start = time.perf_counter()
                call()
                seconds = time.perf_counter() - start
                answer = {"seconds": seconds, "peak": _kilobytes("VmHWM") / 1024}
        except Exception as error:  # of a library that cannot: the table says so
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), file=answers, flush=True)


def _rebuilt(module: Any, given: Given) -> dict[str, float]:
    """By how much the outputs of a network that was rebuilt are off those of Keras."""
    if not hasattr(module, "outputs"):
        return {}
    expected = np.load(given.folder / f"{given.cell.model}-outputs.npy")
    off = float(np.abs(module.outputs(given)[: len(expected)] - expected).max())
    if off > SAME:
        raise ValueError(f"The rebuilt network is off by {off:.1e}.")
    return {"off": off}


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
