"""Pages of which a part is measured: it lies between two marks. All else is written by hand."""

from __future__ import annotations


def marks(name: str) -> tuple[str, str]:
    """The marks before and behind the part of that name."""
    return f"<!-- {name} -->", f"<!-- end of {name} -->"


def part(page: str, name: str) -> str:
    """What lies between the marks.

    Raises:
        ValueError: The page lacks them.
    """
    start, end = marks(name)
    _, begins, rest = page.partition(start)
    inside, ends, _ = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"The page needs {start} and {end}, between which goes what is measured.")
    return inside


def replaced(page: str, name: str, text: str) -> str:
    """The page with that text between the marks.

    Raises:
        ValueError: The page lacks them.
    """
    start, end = marks(name)
    return page.replace(f"{start}{part(page, name)}{end}", f"{start}\n{text.strip()}\n{end}")
