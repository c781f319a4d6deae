"""JSON from a file that nobody vouches for."""

from __future__ import annotations

import json
from typing import Any

from tfxai.inspection.limits import Limits
from tfxai.inspection.report import Findings


class Twice(dict[str, Any]):
    """A JSON object with two values for one key, of which only the last one is seen."""


def parsed(text: str | bytes, where: str, limits: Limits, found: Findings) -> Any:
    """The value of a JSON document, or None with a finding that says why there is none."""
    reason = _oversize(text, limits)
    value = None
    if reason is None:
        try:
            value = json.loads(text, object_pairs_hook=_object)
        except RecursionError:
            reason = f"nests deeper than {limits.json_depth} levels"
        except ValueError:  # and its children: bad JSON, bad UTF-8, numbers of too many digits
            found.refuse("not JSON", "It cannot be read as JSON, so there is no model.", where)
            return None
    if reason is None and _depth(value) > limits.json_depth:
        reason = f"nests deeper than {limits.json_depth} levels"
    if reason is not None:
        found.refuse("JSON out of bounds", f"It {reason}; no model needs that.", where)
        return None
    if _has_twice(value):
        found.refuse(
            "duplicate key",
            "One object has two values for one key: what one reader checks is not what another "
            "one loads.",
            where,
        )
    return value


def _oversize(text: str | bytes, limits: Limits) -> str | None:
    if len(text) > limits.json_bytes:
        return f"has more than {limits.json_bytes:,} bytes"
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    words = text.count('", "') + text.count('","')  # of a vocabulary, say: a list of texts
    if sum(text.count(mark) for mark in "[{,") - words > limits.json_items:
        return f"has more than {limits.json_items:,} values"
    if words > limits.json_texts:
        return f"has more than {limits.json_texts:,} texts"
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else Twice(made)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _depth(value: Any) -> int:
    level, depth = _children(value), 0
    while level:
        depth += 1
        level = [inner for child in level for inner in _children(child)]
    return depth


def _has_twice(value: Any) -> bool:
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, Twice):
            return True
        todo.extend(_children(one))
    return False
