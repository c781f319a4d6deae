"""Where another library's values are not those of the paper: said once for each class."""

from __future__ import annotations

import warnings

from tfxai.errors import TfxaiWarning

_told: set[type] = set()


def tell_departure(explainer: object, sentence: str) -> None:
    """Warns by how much values differ from the paper's, once for each class and process.

    Args:
        explainer: What is about to explain.
        sentence: What differs, by which factor, and the option that gives the paper's values.
    """
    if type(explainer) in _told:
        return
    _told.add(type(explainer))
    warnings.warn(sentence, TfxaiWarning, stacklevel=3)
