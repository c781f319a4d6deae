"""Peak memory of a call, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

from rich.table import Table

CALLS = {
    "IntegratedGradients(steps=50)": "IntegratedGradients(steps=500)",
    "SmoothGrad(samples=50)": "SmoothGrad(samples=500)",
}


def memory_table() -> Table:
    """Peak resident memory with few steps or samples, and with ten times as many."""
    table = Table(title="Peak resident memory, one image, three-block CNN")
    table.add_column("call")
    for name in ("MiB", "over the first", "of it the call's, MiB"):
        table.add_column(name, justify="right")
    for few, many in CALLS.items():
        first = 0.0
        for call in (few, many):
            before, peak = peak_memory(call)
            first = first or peak
            table.add_row(call, f"{peak:.0f}", f"{peak / first:.2f}", f"{peak - before:.0f}")
    return table


_IMAGE = 'np.full((1, *subject.model.input_shape[1:]), 0.5, "float32")'


def peak_memory(call: str, name: str = "cifar10_cnn", inputs: str = _IMAGE) -> tuple[float, float]:
    """MiB in use before the call and at its peak, in a process of its own (Linux).

    Args:
        call: A method, as Python, without `tfxai.`.
        name: The model's.
        inputs: What is explained, as Python, where `subject` is the model.
    """
    code = f"""
import json, pathlib
import numpy as np, tfxai

def kilobytes(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])

subject = tfxai.load({name!r})
inputs = {inputs}
subject.predict(inputs)
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
before = kilobytes("VmRSS")
tfxai.{call}(subject, inputs)
print(json.dumps([before / 1024, kilobytes("VmHWM") / 1024]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, peak = json.loads(done.stdout.splitlines()[-1])
    return before, peak
