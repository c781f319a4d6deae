"""The Python code of the documents."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def python_blocks(document: str) -> list[str]:
    """The Python blocks of a document, in their order, those of lists without their indent."""
    found = re.findall(r"^( *)```python\n(.*?)^\1```", (ROOT / document).read_text(), re.M | re.S)
    return [textwrap.dedent(code) for _, code in found]


def block_with(document: str, word: str) -> str:
    """The one Python block of a document in which that stands."""
    (block,) = [block for block in python_blocks(document) if word in block]
    return block


def run(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """Runs a block, which finds and leaves its names there."""
    exec(compile(code, "a document", "exec", dont_inherit=True), names)
    return names
