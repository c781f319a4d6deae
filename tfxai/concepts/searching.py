"""One search for concepts: crops, their factorisation, what the score rests on, what to show."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.concepts.coefficients import coefficients
from tfxai.concepts.crops import Crops
from tfxai.concepts.factorisation import NOTHING, check_nonnegative, factorise
from tfxai.concepts.importances import ImportanceDesign, Importances
from tfxai.concepts.measuring import Measuring
from tfxai.concepts.strength import ConceptStrength
from tfxai.core.options import SEEDS
from tfxai.errors import InvalidInputError
from tfxai.heatmaps import pixels

IMAGES_AT_ONCE = 16
"""Images whose scores are asked for at once."""
BEST = 8
"""Crops of each concept that are kept to be shown."""
SHARE = 0.1
"""Of the crops: those that show a concept of another layer most."""
PER_CONCEPT = 2
"""Crops for each concept at least."""


class Factorised(NamedTuple):
    """A run of crops, written as sums of concepts.

    Args:
        crops: The crops.
        rows: (N,) which of them were factorised.
        activations: (N, K) of those.
        bank: (M, K) concepts of length 1.
    """

    crops: Crops
    rows: Array
    activations: Array
    bank: Array

    @property
    def strengths(self) -> Array:
        """(N, M): how strongly each concept is in each crop."""
        return self.strengths_of(self.bank)

    def strengths_of(self, bank: Array) -> Array:
        """The same of another bank."""
        return np.asarray(coefficients(tf.constant(self.activations), bank))


class Asked(NamedTuple):
    """What is explained: arguments of a method's call.

    Args:
        images: (N, ...) images.
        target: The class.
        score: The score, or None.
    """

    images: Array
    target: Any
    score: Any


class Place(NamedTuple):
    """Where a crop is.

    Args:
        image: Number of the image.
        box: Top, left, bottom and right in pixels.
        strength: How strong the concept is in it.
    """

    image: int
    box: tuple[int, int, int, int]
    strength: float


@dataclasses.dataclass(frozen=True, eq=False)
class Search:
    """What all steps of a search share.

    Args:
        measuring: The model.
        layer: Path of the layer.
        count: Most concepts.
        within: The concept of a later layer whose parts are searched for, or None.
        step: Called after each step, for a display of progress.
    """

    measuring: Measuring
    layer: str
    count: int
    within: ConceptStrength | None
    step: Callable[[], None]

    def factorised(self, crops: Crops) -> Factorised:
        """The concepts of crops.

        Raises:
            InvalidInputError: Activations are negative, or all 0, or there are too few crops.
        """
        parts, shows = list[Array](), list[Array]()
        for batch in crops.batches():
            parts.append(self.measuring.activations_of(self.layer, batch))
            if self.within is not None:
                later = self.measuring.activations_of(self.within.layer, batch)
                found = coefficients(tf.constant(later), self.within.bank.array)
                shows.append(np.asarray(found)[:, self.within.number])
            self.step()
        activations = np.concatenate(parts)
        rows = np.arange(len(activations))
        if self.within is not None:
            rows = _showing_most(np.concatenate(shows), self.within)
        if len(rows) < PER_CONCEPT * self.count:
            raise InvalidInputError(
                f"{len(rows)} crops came for concepts={self.count}, and each needs "
                f"{PER_CONCEPT} at least. Pass more images or crops=, or fewer concepts."
            )
        activations = activations[rows]
        check_nonnegative(activations, self.layer)
        seed = int(np.random.default_rng(crops.seed).integers(SEEDS))
        bank, _ = factorise(activations, self.count, seed)
        self.step()
        return Factorised(crops, rows, activations, in_use(bank, activations))

    def importances(
        self,
        design: ImportanceDesign,
        bank: Array,
        asked: Asked,
        places: set[Place],
    ) -> tuple[Importances, dict[Place, Array]]:
        """What the score rests on, and the crops at some places in true colours.

        Args:
            design: The masks.
            bank: (M, K) concepts.
            asked: What is explained, in which images.
            places: Of the crops that are wanted.
        """
        images, target, score = asked
        if self.within is not None:
            target, score = None, self.within
        method = design.method(self.layer, bank)
        scores, crops = list[Array](), dict[Place, Array]()
        for start in range(0, len(images), IMAGES_AT_ONCE):
            found = method(
                self.measuring.subject,
                images[start : start + IMAGES_AT_ONCE],
                target,
                score=score,
                chunk_size=self.measuring.chunk_size,
                progress=False,
            )
            scores.append(np.asarray(found.values))
            crops |= _cut(pixels(found), start, places)
            self.step()
        return design.summed_up(np.concatenate(scores)), crops


def in_use(bank: Array, activations: Array) -> Array:
    """The concepts (M, K) of a bank that are in some activations, (N, K), beside the others."""
    found = np.asarray(coefficients(tf.constant(activations), bank))
    strongest = found.max(axis=0)
    used: Array = bank[strongest > NOTHING * strongest.max()]
    return used


def best_places(found: Factorised, strengths: Array) -> list[Place]:
    """The crops in which one concept is strongest, (N,), at most one of an image."""
    places = dict[int, Place]()
    for row in np.argsort(-strengths, kind="stable"):
        image, one = divmod(int(found.rows[row]), found.crops.each)
        if strengths[row] <= 0 or len(places) == BEST:
            break
        box = tuple(found.crops.boxes(image)[one].tolist())
        places.setdefault(image, Place(image, box, float(strengths[row])))
    return list(places.values())


def _cut(shown: Array | None, start: int, places: set[Place]) -> dict[Place, Array]:
    """The crops out of images from number `start` on."""
    cut = dict[Place, Array]()
    if shown is None:
        return cut
    for place in places:
        if 0 <= place.image - start < len(shown):
            top, left, bottom, right = place.box
            cut[place] = shown[place.image - start, top:bottom, left:right].copy()
    return cut


def _showing_most(strengths: Array, within: ConceptStrength) -> Array:
    """The crops in which a concept is strongest, in their order."""
    rows = np.argsort(-strengths, kind="stable")[: math.ceil(SHARE * len(strengths))]
    rows = rows[strengths[rows] > 0]
    if not len(rows):
        raise InvalidInputError(
            f"No crop of these images shows {within.in_words()}. Pass images that do."
        )
    return np.sort(rows)
