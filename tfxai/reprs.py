"""Parts of short representations, one line or a small table, whatever a file says."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

_LONGEST = 40
_LONGEST_CELL = 300
_MOST = 12  # items of a list, rows of a table
_LEFT = ' style="text-align:left"'


def shown(text: str) -> str:
    """Text from a file as a literal of one line, its end cut off where it is long."""
    return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def size(count: int) -> str:
    """Bytes in words: `"512 bytes"`, `"1.2 MB"`."""
    for unit, bytes_of_it in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= bytes_of_it:
            return f"{count / bytes_of_it:.1f} {unit}"
    return f"{count} bytes"


def listed(items: Sequence[str], most: int = _MOST) -> str:
    """The items in one line, of many the first and how many more there are."""
    more = f", and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def facts_html(line: str, facts: Iterable[tuple[str, str]]) -> str:
    """A line of code, and below it a table of names and texts, for notebooks.

    Args:
        line: The short representation.
        facts: Name and text of each fact; empty texts are left out.
    """
    rows = [
        f"<tr><th{_LEFT}>{_cell(name)}</th><td{_LEFT}>{_cell(text)}</td></tr>"
        for name, text in facts
        if text
    ]
    table = f"<table>{''.join(rows)}</table>" if rows else ""
    return f"<p><code>{_cell(line)}</code></p>{table}"


def rows_html(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with a line of headings; of many rows the first and how many more there are."""
    head = "".join(f"<th{_LEFT}>{_cell(one)}</th>" for one in headings)
    body = "".join(
        f"<tr>{''.join(f'<td{_LEFT}>{_cell(one)}</td>' for one in row)}</tr>"
        for row in rows[:_MOST]
    )
    more = f"<p>{len(rows) - _MOST:,} more</p>" if len(rows) > _MOST else ""
    return f"<table><tr>{head}</tr>{body}</table>{more}"


def _cell(text: str) -> str:
    """Text from a file as HTML that says it and does nothing."""
    short = text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in short)
    return html.escape(printable)
