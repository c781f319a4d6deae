"""Coloured tokens as a piece of HTML that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tfxai.core.inputs.baseline_records import Pad, Text
from tfxai.plotting import style
from tfxai.plotting.labels import option_text
from tfxai.plotting.signs import signs_of
from tfxai.token_values import token_sums, token_values
from tfxai.tokens import PADDING, SPECIAL, WORD, Tokens

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

MOST = 64
"""Most texts that are shown at once."""
DARKEST = 0.75
"""Opacity of the strongest token."""


def tokens_html(one: Attribution, most: int = MOST) -> str:
    """The texts with their tokens coloured by value, and the scores that they rest on.

    Args:
        one: An attribution of texts.
        most: Most texts that are shown.

    Raises:
        InvalidInputError: The values are of no tokens.
    """
    values, text = token_values(one), cast(Tokens, one.text)
    shown = min(len(one), most)
    rows = "".join(_row(one, i, values[i], text) for i in range(shown))
    left = f"<p>The first {shown} of {len(one)} texts.</p>" if shown < len(one) else ""
    notes = "".join(f"<li>{html.escape(remark)}</li>" for remark in one.remarks)
    notes = f"<ul>{notes}</ul>" if notes else ""
    legend = signs_of(one).sentence if one.is_signed else "The darker, the more."
    muted = f'style="color:{style.MUTED};font-size:85%"'
    rows += f"<p {muted}>{html.escape(legend)} Colours are those of each text by itself.</p>"
    return f'<div style="font-family:sans-serif;color:{style.INK}">{rows}{left}{notes}</div>'


def strengths(values: Any, kinds: Any) -> Any:
    """(T,) of the values of one text in [-1, 1]: 0 for special tokens and padding."""
    own = np.where(np.asarray(kinds) == WORD, np.asarray(values, np.float64), 0.0)
    most = np.abs(own).max(initial=0.0)
    return own / most if most > 0 else own


def facts(one: Attribution, i: int) -> str:
    """The target of one text, its score and that of the baseline, and what no colour shows."""
    score = f"{one.score_name} {_number(one.score[i])}"
    names_both = " rather than " in one.score_name
    said = [score if names_both else f"{one.target_names[i]}: {score}"]
    if one.probability is not None and one.score_name != "probability":
        of = f" of {one.score_name.partition(' rather than ')[0]}" if names_both else ""
        said.append(f"probability{of} {one.probability[i]:.1%}")
    if one.baseline_score is not None:
        said.append(f"at the baseline{_baseline(one)} {_number(one.baseline_score[i])}")
    sums = token_sums(one)[i]
    if one.completeness_gap is None:  # the values do not add up to anything
        return ", ".join(said)
    said.append(f"words {_number(sums['word'], '+')}")
    said += [f"special tokens {_number(sums['special'], '+')}"] if sums["special"] else []
    said += [f"padding {_number(sums['padding'], '+')}"] if sums["padding"] else []
    return ", ".join(said)


def _baseline(one: Attribution) -> str:
    """What texts were compared with, in brackets; nothing where the method has no such option."""
    options = one.method.get("options", {})
    if "baseline" not in options:
        return ""
    given = options["baseline"]
    if given is None:
        return " (words left out)" if one.at is None else f" ({Pad.name})"
    is_text = isinstance(given, dict) and given.get("name") == Text.name
    return f" ({given['options']['text'] if is_text else option_text(given)})"


def _number(value: Any, sign: str = "") -> str:
    """Three decimals, with a true minus sign."""
    return f"{float(value):{sign}.3f}".replace("-", "\N{MINUS SIGN}")


def _row(one: Attribution, i: int, values: Any, text: Tokens) -> str:
    spans = " ".join(_spans(values, text, i))
    label = html.escape(facts(one, i))
    return (
        f'<p style="margin:0.2em 0;color:{style.MUTED};font-size:85%">{label}</p>'
        f'<p dir="auto" style="margin:0 0 0.8em;line-height:1.9">{spans}</p>'
    )


def _spans(values: Any, text: Tokens, i: int) -> Iterator[str]:
    """Each token that is no padding; pieces of a word stand side by side."""
    strong = strengths(values, text.kinds[i])
    word, parts = -2, list[str]()
    for j, kind in enumerate(text.kinds[i]):
        if kind == PADDING:
            continue
        if parts and (text.words[i, j] != word or kind == SPECIAL):
            yield "".join(parts)
            parts = []
        word = text.words[i, j]
        parts.append(_span(str(text.pieces[i, j]), float(values[j]), float(strong[j]), kind))
    if parts:
        yield "".join(parts)


def _span(piece: str, value: float, strength: float, kind: int) -> str:
    title = f"{piece} {value:+.4g}"
    if kind == SPECIAL:
        look = f"color:{style.MUTED};font-size:85%"
    else:
        look = f"background:{colour(strength)};border-radius:3px;padding:0.15em 0.1em"
    return f'<span title="{html.escape(title)}" style="{look}">{html.escape(piece)}</span>'


def colour(strength: float) -> str:
    """A colour of CSS for a strength in [-1, 1]: nothing at 0."""
    red, green, blue = _hue(strength)
    return f"rgba({red},{green},{blue},{abs(strength) * DARKEST:.3f})"


def rgb(strength: float) -> str:
    """The same colour on white, for what knows no transparency."""
    share = abs(strength) * DARKEST
    mixed = [round(255 - share * (255 - one)) for one in _hue(strength)]
    return f"rgb({mixed[0]},{mixed[1]},{mixed[2]})"


def _hue(strength: float) -> tuple[int, int, int]:
    hexadecimal = style.SUPPORTS if strength >= 0 else style.SPEAKS_AGAINST
    red, green, blue = (int(hexadecimal[k : k + 2], 16) for k in (1, 3, 5))
    return red, green, blue
