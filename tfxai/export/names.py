"""Names in an export. Free of TensorFlow, for those who only read one."""

from __future__ import annotations

EXTRA = "assets.extra"
"""The folder of a SavedModel that is for others than TensorFlow."""
RECORD = "tfxai_explain.json"
WARMUP = "tf_serving_warmup_requests"
CHECK = "tfxai_check.npz"
SCHEMA = 1
"""Version of the record. A key may be added; a change of what one means takes another number."""

SERVE = "serve"
DEFAULT = "serving_default"
EXPLAIN = "explain_"
"""What the signature of a method begins with."""
TARGET = "target"
DESCRIBE = "describe"
"""The signature that gives the record itself, so that a client needs no access to the files."""
EXAMPLES, DESCRIPTION = "examples", "record"
"""What it takes, int32 (B,) of any numbers, and what it gives, (B,) JSON texts."""
