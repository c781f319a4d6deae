"""Curves on texts: the score while tokens are left out, or come in, one after the other."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.methods.by_token import groups_of, of_groups
from tfxai.methods.texts import Asked as AskedTexts
from tfxai.metrics.base import Asked
from tfxai.metrics.fills import LinearImputation
from tfxai.metrics.perturbed import Curve, PerExample
from tfxai.metrics.relevance import steps_of
from tfxai.subject import Subject
from tfxai.text.networks import SHOWN
from tfxai.token_values import token_values


def token_curve(
    asked: Asked, *, steps: int, fill: Any, by: Any, inserts: bool, least_first: bool
) -> Array:
    """(B, steps + 1): the scores; special tokens and padding stay where they are.

    Args:
        asked: What is measured, an attribution of texts.
        steps: Number of steps in which every token has its turn.
        fill: What stands in the place of a token, as a baseline of texts; None drops it where the
            model has a mask, and is `"pad"` elsewhere.
        by: `"pixels"`, for each token by itself.
        inserts: Whether tokens are shown one after the other, instead of left out.
        least_first: Whether those of the smallest value come first.

    Raises:
        InvalidInputError: The inputs are not the texts that were explained, or an option is not
            for texts.
    """
    subject = Subject.of(asked.model)
    texts = _texts(asked, subject)
    if by != "pixels" or isinstance(fill, LinearImputation):
        raise InvalidInputError(
            "Of texts each token has its turn by itself. Leave by= out, and pass fill=None, 'pad',"
            " 'mask' or a text."
        )
    asked.check_target()
    plain = Curve(baseline=fill)
    given = AskedTexts.of(plain, subject, texts)
    groups = groups_of(given.encoded.tokens, None)
    turn = _turns(token_values(asked.attribution), groups, steps, least_first=least_first)
    model, inputs = of_groups(given, groups, fill)
    inputs[SHOWN] = np.ones(turn.shape, np.float32)
    program = Curve(turn=PerExample(turn), steps=steps, inserts=inserts)
    with warnings.catch_warnings():  # which are about explanations
        warnings.simplefilter("ignore", TfxaiWarning)
        found = program._answer(model, inputs, asked.target, score=asked.score, **asked.cost)
    values = found.values[SHOWN] if isinstance(found.values, dict) else found.values
    return np.asarray(values, np.float64)


def _texts(asked: Asked, subject: Subject) -> list[str]:
    """The texts, which have to be those of the attribution."""
    explained, texts = asked.attribution.text, subject.texts(asked.inputs)
    if texts is None or explained is None or list(explained.texts) != list(texts):
        raise InvalidInputError(
            "The attribution is of other inputs than those that came. Pass the texts that were "
            "explained."
        )
    return texts


def _turns(values: Array, groups: Array, steps: int, *, least_first: bool) -> Array:
    """(B, G) int32 the step of each token's turn; that of a token that is not, never comes."""
    found = np.full((len(groups), int(groups.max()) + 1), steps + 1, np.int32)
    for i, row in enumerate(groups):
        own = values[i][row >= 0]
        order = np.argsort(own if least_first else -own, kind="stable")
        rank = np.empty(len(own), np.int64)
        rank[order] = np.arange(len(own))
        found[i, : len(own)] = steps_of(rank[None], np.array([len(own)]), steps)[0]
    return found
