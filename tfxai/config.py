"""Process-wide settings: what an explanation may cost, and how it is compiled.

Assign to them (`tfxai.config.memory_budget = 2**28`); none changes a value beyond
float rounding.
"""

from __future__ import annotations

import os

memory_budget: int = int(os.environ.get("TFXAI_MEMORY_BUDGET", 2**30))
"""Bytes that the activations of one chunk may take; `chunk_size="auto"` keeps to it."""

jit_compile: bool = False
"""Compile with XLA. Off, because XLA's convolutions are slower than oneDNN's on a CPU."""

model_limits: dict[str, int] = {}
"""Other values of fields of `tfxai.inspection.Limits`, where no `limits` are passed: what is read
of the file of a model, and what it may ask for."""
