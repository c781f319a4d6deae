"""Rows for texts: the tokens in reading order, each on a colour of its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from tfxai.plotting import style
from tfxai.plotting.figures import Page
from tfxai.plotting.measure import cut, text_width
from tfxai.plotting.rows import Row, draw_signs
from tfxai.plotting.signs import signs_of
from tfxai.plotting.token_html import DARKEST, facts, strengths
from tfxai.token_values import token_values
from tfxai.tokens import PADDING, SPECIAL, Tokens

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

_WIDTH = 6.6
_LINE = 0.26
_BOX = 0.19
_SPACE = 0.06
_INSIDE = 0.025
_FOOT = 0.42


class TokenRow(Row):
    """The tokens of one text; padding is left out, special tokens are grey.

    Args:
        one: An attribution of one text.
    """

    def __init__(self, one: Attribution) -> None:
        text, values = cast(Tokens, one.text), token_values(one)[0]
        kinds = text.kinds[0]
        self.places = np.flatnonzero(kinds != PADDING)
        self.pieces = [str(piece) for piece in text.pieces[0][self.places]]
        self.is_special = kinds[self.places] == SPECIAL
        self.words = text.words[0][self.places]
        self.strengths = strengths(values, kinds)[self.places]
        self.signed, self.signs = one.is_signed, signs_of(one)
        self.foot = facts(one, 0)
        self.fit(np.inf, 1.0)

    def fit(self, room: float, share: float) -> None:
        """Lines of tokens no wider than the room."""
        self.width = max(min(_WIDTH, room), 1.5)
        self.lines = self._lines()
        self.height = _LINE * len(self.lines) + _FOOT

    def _lines(self) -> list[list[tuple[float, float, int]]]:
        """Lines of (offset in inches, width, number of the token)."""
        lines: list[list[tuple[float, float, int]]] = [[]]
        right, before = 0.0, -2
        for i, piece in enumerate(self.pieces):
            short = cut(piece, self.width - 2 * _INSIDE, style.BODY)
            width = text_width(short, style.BODY) + 2 * _INSIDE
            joins = self.words[i] == before and self.words[i] >= 0
            left = right + (0.0 if joins or not lines[-1] else _SPACE)
            if lines[-1] and left + width > self.width:
                lines.append([])
                left = 0.0
            lines[-1].append((left, width, i))
            right, before = left + width, self.words[i]
        return lines

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the tokens, and below them the scores."""
        self._draw_lines(page.axes(left, top, self.width, _LINE * len(self.lines)))
        below = top + _LINE * len(self.lines) + 0.02
        page.text(left, below, self.foot, **style.font(style.SMALL, style.MUTED))
        if self.signed:
            draw_signs(page, left, below + 0.17, self.signs)

    def draw_alone(self, axes: Axes) -> None:
        """Draws the tokens on axes of the user's, as many to a line as there is room for."""
        figure: Any = axes.get_figure(root=True)
        self.fit(axes.get_window_extent().width / figure.dpi, 1.0)
        self._draw_lines(axes)

    def _draw_lines(self, axes: Axes) -> None:
        axes.set_xlim(0, self.width)
        axes.set_ylim(_LINE * len(self.lines), 0)
        axes.axis("off")
        for number, line in enumerate(self.lines):
            for offset, width, i in line:
                above, middle = _LINE * number, _LINE * number + _BOX / 2
                strength = float(self.strengths[i])
                hue = style.SUPPORTS if strength >= 0 else style.SPEAKS_AGAINST
                box = Rectangle((offset, above), width, _BOX, linewidth=0, facecolor=hue)
                box.set_alpha(abs(strength) * DARKEST)
                axes.add_patch(box)
                colour = style.MUTED if self.is_special[i] else style.INK
                short = cut(self.pieces[i], self.width - 2 * _INSIDE, style.BODY)
                font = style.font(style.BODY, colour)
                axes.text(offset + _INSIDE, middle, short, va="center", ha="left", **font)
