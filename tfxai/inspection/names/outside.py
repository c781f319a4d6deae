"""What in a config looks like a place outside the model."""

from __future__ import annotations

import re

OUTSIDE = re.compile(r"^(/|~/|\\|[A-Za-z]:[\\/]|\w+://|file:)|(^|[\\/])\.\.([\\/]|$)")
"""Absolute paths, addresses, and paths that climb."""
