"""Names in an export. Free of TensorFlow, for those who only read one."""

from __future__ import annotations

from tfxai.card import EXTRA, RECORD

__all__ = [
    "CHECK", "DEFAULT", "DESCRIBE", "DESCRIPTION", "EXAMPLES", "EXPLAIN", "EXTRA", "FILES",
    "RECORD", "SCHEMA", "SERVE", "TARGET", "TOKENS", "TOKEN_VALUES", "WARMUP",
]  # fmt: skip
WARMUP = "tf_serving_warmup_requests"
CHECK = "tfxai_check.npz"
FILES = "tfxai_files.json"
"""The files of an export and their bytes, by which a server knows that a copy is whole."""
SCHEMA = 1
"""Version of the record. A key may be added; a change of what one means takes another number."""

SERVE = "serve"
DEFAULT = "serving_default"
EXPLAIN = "explain_"
"""What the signature of a method begins with."""
TARGET = "target"
TOKENS, TOKEN_VALUES = "tokens", "token_values"
"""Words of a text, (B, T), and what each of them adds."""
DESCRIBE = "describe"
"""The signature that gives the record itself, so that a client needs no access to the files."""
EXAMPLES, DESCRIPTION = "examples", "record"
"""What it takes, int32 (B,) of any numbers, and what it gives, (B,) JSON texts."""
