"""Measurements of time and memory, as ratios to bare TensorFlow within one run."""
