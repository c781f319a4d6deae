"""Measurements of time and memory, as ratios to bare TensorFlow within one run."""

import contextlib

with contextlib.suppress(ModuleNotFoundError):  # of `peers`, a process without TensorFlow
    from tfxai.cli.runtime import start

    start()  # TensorFlow, without what it logs about the machine
