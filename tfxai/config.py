"""Process-wide settings: what an explanation may cost, and how it is compiled.

Assign to them (`tfxai.config.memory_budget = 2**28`); none changes a value beyond
float rounding.
"""

from __future__ import annotations

import os
from pathlib import Path


def _free_memory(root: Path = Path("/")) -> int | None:
    """Bytes that this process may still take, by the machine and by its container; None unsaid."""
    free = []
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            free.append(int(line.split()[1]) * 1024)
    for limit, used in (
        ("memory.max", "memory.current"),  # cgroup 2, then 1
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        most, now = (_lines(root / "sys/fs/cgroup" / name) for name in (limit, used))
        if most and now and most[0].isdecimal() and now[0].isdecimal():
            free.append(max(int(most[0]) - int(now[0]), 0))
    return min(free, default=None)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return []


def _default_budget(free: int | None) -> int:
    """A quarter of the memory that is free, so that several processes can run side by side."""
    return 2**30 if free is None else max(free // 4, 2**26)


memory_budget: int = int(os.environ.get("TFXAI_MEMORY_BUDGET") or _default_budget(_free_memory()))
"""Bytes that the activations of one chunk may take; `chunk_size="auto"` keeps to it. A quarter of
the memory that is free when tfxai is imported, unless `TFXAI_MEMORY_BUDGET` says otherwise."""

jit_compile: bool = False
"""Compile with XLA. Off, because XLA's convolutions are slower than oneDNN's on a CPU."""

model_limits: dict[str, int] = {}
"""Other values of fields of `tfxai.inspection.Limits`, where no `limits` are passed: what is read
of the file of a model, and what it may ask for."""
