"""Sizes and colours that every figure shares."""

from __future__ import annotations

import functools
from typing import Any

from matplotlib import font_manager

DPI = 160
FONT = "DejaVu Sans"  # comes with matplotlib: the same figure on every machine

_EAST_ASIAN = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR",
    "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback",
    "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Microsoft YaHei", "Yu Gothic",
    "MS Gothic", "Malgun Gothic", "SimHei", "IPAexGothic", "IPAGothic", "TakaoGothic",
    "NanumGothic", "Arial Unicode MS",
)  # fmt: skip
"""Fonts with Chinese, Japanese or Korean characters, for those that `FONT` lacks."""

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


@functools.cache
def families() -> tuple[str, ...]:
    """`FONT`, then the fonts of this machine that have East Asian characters."""
    here = {entry.name for entry in font_manager.fontManager.ttflist}
    return (FONT, *(name for name in _EAST_ASIAN if name in here))


def font(size: float, colour: str = INK, *, bold: bool = False) -> dict[str, Any]:
    """Text properties; a dollar sign in a name is a dollar sign, not mathematics."""
    return {
        "fontsize": size,
        "color": colour,
        "fontfamily": list(families()),
        "fontweight": "bold" if bold else "normal",
        "parse_math": False,
    }
