"""Measurements of time and memory, as ratios to bare TensorFlow within one run."""

from tfxai.cli.runtime import start

start()  # TensorFlow, without what it logs about the machine
