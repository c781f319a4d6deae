"""Sizes and colours that every figure shares."""

from __future__ import annotations

from typing import Any

DPI = 160
FONT = "DejaVu Sans"  # comes with matplotlib: the same figure on every machine

INK = "#1f2328"
MUTED = "#6a737d"
FAINT = "#d0d7de"
SUPPORTS = "#b2182b"
SPEAKS_AGAINST = "#2166ac"
ACCENT = "#6a4c93"
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # told apart by anyone

TITLE = 11.0
BODY = 8.0
SMALL = 7.0


def font(size: float, colour: str = INK, *, bold: bool = False) -> dict[str, Any]:
    """Text properties; a dollar sign in a name is a dollar sign, not mathematics."""
    return {
        "fontsize": size,
        "color": colour,
        "fontfamily": FONT,
        "fontweight": "bold" if bold else "normal",
        "parse_math": False,
    }
