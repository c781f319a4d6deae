"""How wide a text is, and texts that are cut or broken to a width, in inches."""

from __future__ import annotations

import functools
import re
import textwrap

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from tfxai.plotting import style

_DPI = 720  # fine enough that hinting hardly matters


class _Wrapper(textwrap.TextWrapper):
    """Breaks a word that is longer than a line where its parts meet, such as Score-CAM."""

    def _split(self, text: str) -> list[str]:
        return [
            part
            for word in super()._split(text)
            for part in (re.split(r"(?<=[=_/(-])", word) if len(word) > self.width else [word])
            if part
        ]


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Inches that one line of text takes."""
    weight = "bold" if bold else "normal"
    properties = FontProperties(family=list(style.families()), size=size, weight=weight)
    renderer = RendererAgg(8, 8, _DPI)
    return float(renderer.get_text_width_height_descent(text, properties, ismath=False)[0]) / _DPI


def cut(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """The longest beginning of the text that fits, an ellipsis for what is left out."""
    if text_width(text, size, bold=bold) <= width:
        return text
    short, long = 0, len(text)
    while short < long:
        middle = (short + long + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size, bold=bold) <= width:
            short = middle
        else:
            long = middle - 1
    return text[:short].rstrip() + "…" if short else ""


def cut_inside(text: str, width: float, size: float) -> str:
    """As much of the beginning and the end of the text as fits, an ellipsis between them."""
    if text_width(text, size) <= width:
        return text
    short, long = 0, len(text) - 1
    while short < long:
        middle = (short + long + 1) // 2
        if text_width(_ends(text, middle), size) <= width:
            short = middle
        else:
            long = middle - 1
    return _ends(text, short) if short else ""


def _ends(text: str, letters: int) -> str:
    """So many letters of the text, half of them from its end."""
    last = letters // 2
    return text[: letters - last].rstrip() + "…" + (text[-last:].lstrip() if last else "")


def wrapped(
    text: str, width: float, size: float, *, bold: bool = False, most: int | None = None
) -> list[str]:
    """The text in lines of that width, `most` at most.

    A word longer than a line is broken after an equals sign, an underscore, a slash, a hyphen or
    a parenthesis where it has one, else anywhere.
    """
    letters = len(text)
    lines = [text] if text else []
    while letters > 1 and any(text_width(line, size, bold=bold) > width for line in lines):
        longest = max(lines, key=lambda line: text_width(line, size, bold=bold))
        share = width / text_width(longest, size, bold=bold)
        letters = min(letters - 1, max(1, int(len(longest) * share)))
        lines = _Wrapper(letters, break_on_hyphens=False).wrap(text)
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), width, size, bold=bold)]
    return lines
