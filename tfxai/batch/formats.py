"""What explanations are written as; light, for the command line."""

FORMATS = {"parquet": ".parquet", "tfrecord": ".tfrecord", "vertex": ".jsonl"}
"""Formats and what their files end in."""
