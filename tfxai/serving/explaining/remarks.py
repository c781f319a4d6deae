"""What to know before one believes an explanation, from the numbers that a signature gave."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxai.remarks import Flags, blank, gap_shares, large_gaps, missed
from tfxai.serving.explaining.answer import Explanation

_CLASS_SCORES = ("logit", "probability")


def remarks(made: Explanation, *, names_classes: bool) -> list[list[str]]:
    """The sentences of each example, the weightiest first; none for most.

    Zeros are told where values or words came; texts that were cut or hold no known word where the
    export says how many words there are at most, and what an unknown one is.

    Args:
        made: The explanations of a batch.
        names_classes: Whether the model's outputs have names of classes.
    """
    method = made.about.get("method")
    options = method.get("options") if isinstance(method, dict) else None
    is_large = large_gaps(made, options if isinstance(options, dict) else {})
    shares, is_zero = gap_shares(made), _are_zero(made) & ~is_large
    of_class = _is_of_class(made.about.get("score"), names_classes)
    found = []
    for i in range(len(made.score)):
        own = _of_words(made, i)
        if shares is not None and is_large[i]:
            own.append(missed(made.name, shares[i : i + 1], is_large[i : i + 1]))
        if is_zero[i]:
            completes = made.completeness_gap is not None
            own.append(
                blank(made.name, is_zero[i : i + 1], of_class=of_class, completes=completes)
            )
        found.append(own)
    return found


def _is_of_class(score: Any, names_classes: bool) -> bool:
    if score == "output":
        return names_classes
    return score in _CLASS_SCORES or " rather than " in str(score)


def _are_zero(made: Explanation) -> Flags:
    """(B,) whether all values of an example are zero."""
    arrays = list(made.values.values()) or ([] if made.tokens is None else [made.tokens[1]])
    if not arrays:
        return np.zeros(len(made.score), bool)
    parts = [np.asarray(array).reshape(len(made.score), -1).any(axis=1) for array in arrays]
    return ~np.any(parts, axis=0)


def _of_words(made: Explanation, i: int) -> list[str]:
    told = made.about.get("texts")
    if made.tokens is None or not isinstance(told, dict):
        return []
    words = [bytes(word).decode("utf-8", "replace") for word in made.tokens[0][i] if word]
    found = []
    if words and set(words) == {told.get("unknown")}:
        found.append(
            "The text holds no word of the model's vocabulary: the model answers every such text "
            "of its length alike."
        )
    if len(words) == told.get("limit"):
        found.append(
            f"The text takes all {len(words)} places that the model has for words: any that come "
            "after them were cut."
        )
    return found
