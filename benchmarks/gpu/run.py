"""Runs a folder of XLA programs: are the values the exporting machine's, and how fast are they?

Needs JAX and NumPy, and neither TensorFlow nor tfxai: python run.py FOLDER

Each program is compared with the values that TensorFlow gave on a CPU. Then all programs of a
model are timed, in rounds of every one and in another order each round, with their arguments on
the device. A method's time is stated over the time of the bare forward and backward passes that
it needs. The exit code is 1 if a program fails or differs by more than the tolerance.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxlib import _jax, xla_client

# Of the distance to TensorFlow's values, as a share of their length. Sums in another order let
# ReLUs near their kink fall to the other side: one unit in the last place of each pixel already
# changes the mean gradient of 13 rows of EfficientNet-Lite0 by 1.6e-3. TF32, which convolutions
# may take elsewhere, has 13 bits less.
TOLERANCES = {"cpu": 1e-2}
TOLERANCE_ELSEWHERE = 1e-1
# XLA differentiates max-pooling twice in an approximate way: 2 % on the CIFAR-10 network.
APPROXIMATE = {"conductance": 5e-2}
COLUMNS = {
    "distance": 10,
    "largest": 10,
    "compile s": 11,
    "ms": 10,
    "min-max": 20,
    "passes": 10,
    "over bare": 11,
    "quartiles": 13,
}


class Program:
    """One program on the device.

    Args:
        about: What the list of programs says of it.
        folder: Where its file lies.
        put: From the key of an array to the array on the device.
    """

    def __init__(self, about: dict[str, Any], folder: Path, put: Callable[[str], Any]) -> None:
        start = time.perf_counter()
        self._run = compiled(gzip.decompress((folder / about["program"]).read_bytes()))
        self.compile_seconds = time.perf_counter() - start
        self._arguments = [put(key) for key in about["arguments"]]

    def __call__(self) -> list[Any]:
        """The results, when they are there."""
        arrays = self._run.execute_sharded(self._arguments).disassemble_into_single_device_arrays()
        return [one[0].block_until_ready() for one in arrays]


def compiled(program: bytes) -> Any:
    """A serialised XLA program, compiled for the first device."""
    module = _jax.mlir.xla_computation_to_mlir_module(xla_client.XlaComputation(program))
    device = jax.devices()[0]
    options = xla_client.CompileOptions()
    return device.client.compile_and_load(module, _jax.DeviceList((device,)), options)


def apart(got: list[Any], wanted: list[np.ndarray]) -> tuple[float, float]:
    """How far results are from those wanted, the worst of them; inf where integers differ.

    Returns:
        The length of the difference as a share of the wanted one's, and the largest difference as
        a share of the largest value.
    """
    worst = [0.0, 0.0]
    for one, other in zip(got, wanted, strict=True):
        value = np.asarray(one)
        if other.dtype.kind != "f":
            shares = [0.0 if np.array_equal(value, other) else np.inf] * 2
        else:
            difference = (value.astype(np.float64) - other).ravel()
            shares = [
                share(np.linalg.norm(difference, order), np.linalg.norm(other.ravel(), order))
                for order in (2, np.inf)
            ]
        worst = [max(pair) for pair in zip(worst, shares, strict=True)]
    return worst[0], worst[1]


def share(part: float, whole: float) -> float:
    """`part` over `whole`, itself where that is 0, inf where it is no number."""
    found = float(part / whole if whole else part)
    return found if np.isfinite(found) else np.inf


def timed(programs: dict[str, Program], rounds: int) -> dict[str, list[float]]:
    """Seconds of each program in each round."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    orders = random.Random(0)
    for _ in range(rounds):
        for name in orders.sample(list(programs), len(programs)):
            start = time.perf_counter()
            programs[name]()
            times[name].append(time.perf_counter() - start)
    return times


def run_model(folder: Path, model: dict[str, Any], rounds: int, tolerance: float) -> bool:
    """Runs, compares and times the programs of one model; whether all is well."""
    stored = np.load(folder / model["arrays"])
    on_device: dict[str, Any] = {}

    def put(key: str) -> Any:
        if key not in on_device:
            on_device[key] = jax.device_put(stored[key])
        return on_device[key]

    programs: dict[str, Program] = {}
    gaps: dict[str, tuple[float, float]] = {}
    for about in model["programs"]:
        try:
            program = Program(about, folder, put)
            wanted = [stored[key] for key in about["results"].values()]
            gaps[about["name"]] = apart(program(), wanted)
        except Exception as error:  # a program that this XLA cannot take stops no other one
            reason = str(error).strip().partition("\n")[0]
            print(f"{model['model']}: {about['name']} fails: {type(error).__name__}: {reason}")
            gaps[about["name"]] = (np.inf, np.inf)
        else:
            programs[about["name"]] = program
    print(table(model, programs, gaps, timed(programs, rounds)))
    bad = [n for n, one in gaps.items() if not one[0] <= max(tolerance, APPROXIMATE.get(n, 0))]
    if bad:
        print(f"Further from TensorFlow than {tolerance:g}: {', '.join(bad)}")
    print()
    return not bad


def table(
    model: dict[str, Any],
    programs: dict[str, Program],
    gaps: dict[str, tuple[float, float]],
    times: dict[str, list[float]],
) -> str:
    """One line for each program."""
    lines = [f"{model['model']:24}" + "".join(f"{word:>{n}}" for word, n in COLUMNS.items())]
    for about in model["programs"]:
        name = about["name"]
        if name not in programs:
            continue
        seconds = times[name]
        cells = [
            *(f"{one:.1e}" for one in gaps[name]),
            f"{programs[name].compile_seconds:.1f}",
            f"{1e3 * statistics.median(seconds):.3f}",
            f"{1e3 * min(seconds):.2f}-{1e3 * max(seconds):.2f}",
            *over_bare(about, seconds, times),
        ]
        widths = list(COLUMNS.values())[: len(cells)]
        cells = [f"{cell:>{n}}" for cell, n in zip(cells, widths, strict=True)]
        lines.append(f"{name:24}" + "".join(cells))
    return "\n".join(lines)


def over_bare(about: dict[str, Any], seconds: list[float], times: Any) -> list[str]:
    """The passes that a method needs, and its time over theirs: median and quartiles."""
    bare = times.get(about.get("bare"))
    if not bare:
        return []
    ratios = [a / (about["passes"] * b) for a, b in zip(seconds, bare, strict=True)]
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    what = f"{about['passes']:g} x {about['bare'].removeprefix('bare_')}"
    return [what, f"{median:.2f}", f"{low:.2f}-{high:.2f}"]


def main() -> None:
    """Runs the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="what `make gpu-programs` wrote")
    parser.add_argument("--rounds", type=int, default=30, help="times each program is timed")
    parser.add_argument("--tolerance", type=float, help="largest distance, as a share")
    parser.add_argument("--model", help="this model alone")
    words = parser.parse_args()
    device = jax.devices()[0]
    tolerance = words.tolerance or TOLERANCES.get(device.platform, TOLERANCE_ELSEWHERE)
    print(f"{device.device_kind} ({device.platform}), JAX {jax.__version__}")
    print(f"distance from TensorFlow's values on a CPU: at most {tolerance:g} of their length")
    print(f"largest: largest difference, of the largest value; times of {words.rounds} rounds\n")
    listed = json.loads((words.folder / "programs.json").read_text(encoding="utf-8"))["models"]
    chosen = [model for model in listed if words.model in (None, model["model"])]
    well = [run_model(words.folder, model, max(words.rounds, 2), tolerance) for model in chosen]
    sys.exit(0 if well and all(well) else 1)


if __name__ == "__main__":
    main()
