"""Training examples that weigh on an answer, by the gradients at the last layer."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any, ClassVar, final

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.class_outputs import class_outputs, read_classes
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods import AttributionMethod
from tfxai.subject import Subject

_ROWS = 256  # examples that run at once


@dataclasses.dataclass(frozen=True)
class TrainingExample:
    """A training example beside an example that is explained.

    Args:
        index: Its number among the training examples.
        label: Its class.
        influence: TracIn of the two at the last layer: what a step of gradient descent on the
            training example, of length 1, takes off the cross-entropy of the other with its true
            class. Below 0 it speaks against the true class.
        similarity: Cosine of the penultimate activations of both, in [-1, 1].
    """

    index: int
    label: int
    influence: float
    similarity: float


@dataclasses.dataclass(frozen=True)
class Influences:
    """The training examples that matter most for one example.

    Args:
        opponents: Those of the lowest influence below 0, the lowest first.
        proponents: Those of the highest influence above 0, the highest first.
        nearest: Those of the most similar penultimate activations, the most similar first.
    """

    opponents: tuple[TrainingExample, ...]
    proponents: tuple[TrainingExample, ...]
    nearest: tuple[TrainingExample, ...]


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A training example that weighs much on its own answer: its label may be wrong.

    Args:
        index: Its number among the training examples.
        label: Its class.
        predicted: The class that the model gives it.
        self_influence: TracIn of the example with itself, at least 0.
    """

    index: int
    label: int
    predicted: int
    self_influence: float


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class _Penultimate(AttributionMethod, is_named=False):
    """A program whose values are the penultimate activations and a 1 for the bias, (B, d + 1)."""

    name: ClassVar[str] = "penultimate"
    is_map: ClassVar[bool] = True
    takes_any_input: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    default_score: ClassVar[str] = "output"

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        return f.penultimate(x)


class Gradients:
    """The gradients of the cross-entropy by the weights of the last layer, of some examples.

    The gradient is the outer product of a, the penultimate activations with a 1 for the bias, and
    of the residual p - y, so that products of gradients are (a . a') (p - y) . (p' - y').

    Args:
        subject: A classifier.
        inputs: (B, ...).
        labels: (B,) the class of each example.

    Raises:
        InvalidInputError: Labels do not fit, or nobody knows whether outputs are probabilities.
        UnsupportedModelError: The model does not end in a dense layer.
    """

    def __init__(self, subject: Subject, inputs: Any, labels: Any) -> None:
        x = np.asarray(subject.prepare(inputs))
        found = class_outputs(subject, x)
        if not found.are_probabilities:
            raise InvalidInputError(
                "Influences are gradients of the cross-entropy, and nobody knows whether the "
                "outputs are logits. Give the model's card class names, or leave training= out."
            )
        self.labels = read_classes(labels, found.values)
        self.predicted = found.values.argmax(axis=1)
        self._taken = np.concatenate(
            [_taken(subject, x[i : i + _ROWS]) for i in range(0, len(x), _ROWS)]
        )
        self._residuals = found.values - np.eye(found.values.shape[1])[self.labels]
        if np.ravel(subject.predict(x[:1])).size == 1:  # of the one unit
            self._residuals = self._residuals[:, 1:]

    def products(self, other: Gradients) -> Array:
        """TracIn of each example with each of the others, (B, B')."""
        return np.asarray((self._taken @ other._taken.T) * (self._residuals @ other._residuals.T))

    def cosines(self, other: Gradients) -> Array:
        """Cosine of the penultimate activations of each example and each of the others."""
        return np.asarray(_unit(self._taken[:, :-1]) @ _unit(other._taken[:, :-1]).T)

    def squares(self) -> Array:
        """TracIn of each example with itself, (B,)."""
        return np.asarray((self._taken**2).sum(axis=1) * (self._residuals**2).sum(axis=1))


def influences(examples: Gradients, training: Gradients, most: int) -> list[Influences]:
    """The training examples that matter most for each example, `most` of a kind.

    Reference:
        Pruthi, Liu, Kale, Sundararajan, "Estimating Training Data Influence by Tracing Gradient
        Descent", NeurIPS 2020. arXiv:2002.08484. Departure: of the checkpoints only the last,
        with a learning rate of 1, and of the layers only the last.
    """
    products, cosines = examples.products(training), examples.cosines(training)
    found = []
    for influence, cosine in zip(products, cosines, strict=True):
        rising = np.argsort(influence, kind="stable")
        falling = np.argsort(-influence, kind="stable")
        nearest = np.argsort(-cosine, kind="stable")
        parts = (rising[influence[rising] < 0], falling[influence[falling] > 0], nearest)
        told = (
            tuple(
                TrainingExample(
                    int(i), int(training.labels[i]), float(influence[i]), float(cosine[i])
                )
                for i in part[:most]
            )
            for part in parts
        )
        found.append(Influences(*told))
    return found


def suspects(training: Gradients, most: int) -> tuple[Suspect, ...]:
    """The misclassified training examples that weigh most on their own answer."""
    own = training.squares()
    order = [i for i in np.argsort(-own, kind="stable") if _is_wrong(training, i)]
    return tuple(
        Suspect(int(i), int(training.labels[i]), int(training.predicted[i]), float(own[i]))
        for i in order[:most]
    )


def counted(examples: tuple[TrainingExample, ...], names: tuple[str, ...] | None) -> str:
    """The labels of some training examples in words: `Cat (3), Dog (2)`."""
    labels = Counter(one.label for one in examples).most_common()
    return ", ".join(
        f"{label if names is None else names[label]} ({count})" for label, count in labels
    )


def _taken(subject: Subject, x: Array) -> Array:
    values = _Penultimate()(subject, x, 0, progress=False).values
    return np.asarray(values, np.float64)


def _is_wrong(training: Gradients, i: int) -> bool:
    return bool(training.predicted[i] != training.labels[i])


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
