"""Concept activation vectors: the direction in a layer that tells a concept from other images."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, final

import numpy as np

from tfxai.arrays import Array
from tfxai.concepts.data import check_apart, read_concept
from tfxai.concepts.directions import LINEAR_MODELS, direction, held_out_accuracy, one_thread
from tfxai.concepts.measuring import Measuring
from tfxai.core.options import SEEDS, Declared, Kind, declaration, option
from tfxai.errors import InvalidInputError
from tfxai.methods.options import PATH
from tfxai.reprs import facts_html

CONCEPT = Kind("a Concept or an array of images", lambda name, given: read_concept(given, name))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ConceptVector:
    """The direction of a concept in a layer.

    Args:
        vector: Unit vector, float64, shaped like the layer's output of one image, channels last;
            (K,) channels where positions were pooled. It points towards the concept.
        accuracy: Balanced share in [0, 1] of held-out images that are told apart along such a
            direction; 0.5 is guessing.
        layer: Path of the layer.
        concept: Name of the concept.
        random: Name of what it is told from.
    """

    vector: Array
    accuracy: float
    layer: str
    concept: str
    random: str

    def __repr__(self) -> str:
        return (
            f"ConceptVector({self.concept!r} against {self.random!r} at {self.layer!r}: "
            f"held-out accuracy {self.accuracy:.2f})"
        )

    def _repr_html_(self) -> str:
        facts = [
            ("Concept", self.concept),
            ("Told from", self.random),
            ("Layer", self.layer),
            ("Held-out accuracy", f"{self.accuracy:.1%} (0.5 is guessing)"),
            ("Vector", str(self.vector.shape)),
        ]
        return facts_html(repr(self), facts)


@final
@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CAV(Declared):
    """Finds the direction in a layer's activations that tells a concept from random images.

    Args:
        layer: Path of the layer.
        concept: A `Concept`, or images (N, ...) as the model takes them, 10 or more.
        random: The same of images to tell it from; those of another concept for a relative vector.
        classifier: The linear model: `"logistic"`, `"ridge"` or `"svm"`, scikit-learn's, with an
            L2 penalty and both sets weighted alike.
        pooled: Whether activations are averaged over positions first, so that the vector has one
            number a channel.
        seed: Seed of the folds of the held-out accuracy.

    Raises:
        InvalidInputError: An option does not fit, or the sets share images.

    Reference:
        Kim et al., "Interpretability Beyond Feature Attribution: Quantitative Testing with
        Concept Activation Vectors (TCAV)", ICML 2018, section 3.2. arXiv:1711.11279.
        Departure: the activations are scaled to a mean length of 1 before the fit.
    """

    layer: str = dataclasses.field(metadata=declaration(kind=PATH))
    concept: Any = dataclasses.field(metadata=declaration(kind=CONCEPT))
    random: Any = dataclasses.field(metadata=declaration(kind=CONCEPT))
    classifier: str = option("logistic", choices=LINEAR_MODELS, noun="linear model")
    pooled: bool = option(False)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _check_together(self) -> None:
        check_apart(self.concept, self.random)

    def __call__(
        self, model: Any, *, cache: str | os.PathLike[str] | None = None
    ) -> ConceptVector:
        """The direction in a model.

        Args:
            model: A built Keras 3 model, or a `Subject`.
            cache: Folder in which activations are kept for another run, or None.

        Raises:
            InvalidInputError: The images do not fit the model, or the layer returns the same for
                all of them.
            LayerNotFoundError: The layer is not in the model.
        """
        measuring = Measuring.of(model, pooled=self.pooled, cache=cache)
        measuring.check_room(self.layer, self.concept, len(self.concept) + len(self.random))
        of_concept = measuring.activations(self.layer, self.concept)
        others = flat(measuring.activations(self.layer, self.random))
        sets, how = (flat(of_concept), others), (self.classifier, self.seed)
        with one_thread():
            vector = direction(*sets, *how)
            if vector is None:
                raise no_direction(self.layer, self.concept.name)
            accuracy = held_out_accuracy(*sets, *how)
        names = (self.layer, self.concept.name, self.random.name)
        return ConceptVector(vector.reshape(of_concept.shape[1:]), accuracy, *names)


def flat(values: Array) -> Array:
    """(N, ...) as (N, D), float64."""
    return np.reshape(values, (len(values), -1)).astype(np.float64)


def no_direction(layer: str, name: str) -> InvalidInputError:
    """The error of activations in which nothing varies with a concept."""
    return InvalidInputError(
        f"Layer {layer!r} gives no direction that tells {name!r} from the other images: its "
        "activations do not vary, or vary alike in both. Choose another layer or other images."
    )
