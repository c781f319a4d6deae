"""Activations and gradients at layers, a bounded number of images at a time, kept in a cache."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from tfxai import config
from tfxai.arrangement import array_channels_last
from tfxai.arrays import Array
from tfxai.concepts.activation_cache import ActivationCache
from tfxai.concepts.data import Concept
from tfxai.concepts.layer_values import LayerActivations, LayerGradient
from tfxai.core.inputs.frozen_arrays import listed
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import model_structure
from tfxai.core.question.scores import Neuron
from tfxai.digests import array_digest, model_digest
from tfxai.errors import InsufficientMemoryError, InvalidInputError
from tfxai.methods.base import AttributionMethod
from tfxai.subject import Subject

_BYTES = 12  # of an activation: as it came, and as a double
_SLICE = 256  # images whose activations are there unpooled


@dataclasses.dataclass(frozen=True, eq=False)
class Measuring:
    """A model whose layers are looked at.

    Args:
        subject: The model.
        pooled: Whether positions are taken together: activations by their mean, gradients by
            their sum.
        cache: Where arrays are kept.
        digest: What says which model they are of.
        chunk_size: As for a method.
    """

    subject: Subject
    pooled: bool
    cache: ActivationCache
    digest: str
    chunk_size: int | str = "auto"

    @classmethod
    def of(
        cls,
        model: Any,
        *,
        pooled: bool,
        cache: str | os.PathLike[str] | None,
        chunk_size: int | str = "auto",
    ) -> Measuring:
        """A model, or subject, whose arrays are kept in a folder where that can be done.

        Where the model's configuration cannot be written, nothing says what it computes: then
        its arrays are kept for this run only.
        """
        subject = Subject.of(model)
        digest = None if cache is None else model_digest(subject)
        kept = ActivationCache(None if digest is None else cache)
        return cls(subject, pooled, kept, digest or "", chunk_size)

    def activations(self, layer: str, concept: Concept) -> Array:
        """(N, ...) of a layer, channels last, float32 or wider.

        Raises:
            TfxaiError: The images do not fit the model, or the layer is not there.
        """
        with _said_of(concept):
            return self.activations_of(layer, concept.images)

    def activations_of(self, layer: str, images: Array) -> Array:
        """As `activations`, of images (N, ...)."""
        # a score of the layer itself: whatever the model returns, nothing behind it runs
        return self._kept(LayerActivations(layer=layer), images, None, Neuron(layer, 0), _mean)

    def gradients(self, layer: str, images: Array, target: Any, score: Any) -> Array:
        """(N, ...) of the score of each image by the output of a layer.

        Raises:
            UnsupportedModelError: Only linear operations follow the layer.
            TfxaiError: As for a method.
        """
        method = LayerGradient(layer=layer)
        return self._kept(method, images, target, score, _sum)

    def check_room(self, layer: str, concept: Concept, count: int) -> None:
        """Raises `InsufficientMemoryError` where the activations of `count` images are too many.

        Args:
            layer: Path of the layer.
            concept: Some images, of the shape of all.
            count: Number of images in all.
        """
        with _said_of(concept):
            one = self.subject.prepare(concept.images[:1])
            layout, _ = read_inputs(self.subject.model, one)
        shape = model_structure(self.subject.model, layout.plain).find(layer).shape or ()
        units = [size or 1 for size in shape]
        if self.pooled and len(units) > 1:
            units = units[-1:]
        needed = _BYTES * count * int(np.prod(units))
        if needed > config.memory_budget:
            advice = "Choose" if self.pooled else "Pass pooled=True, choose"
            raise InsufficientMemoryError(
                f"The activations of {count:,} images at layer {layer!r} take "
                f"{needed / 2**20:,.0f} MiB, and tfxai.config.memory_budget is "
                f"{config.memory_budget / 2**20:,.0f}. {advice} a deeper layer or fewer "
                "images."
            )

    def _kept(
        self,
        method: AttributionMethod,
        images: Array,
        target: Any,
        score: Any,
        pool: Callable[[Array], Array],
    ) -> Array:
        """The values of a method, from the cache where they are there."""

        def make() -> Array:
            parts = []
            for start in range(0, len(images), _SLICE):
                found = method(
                    self.subject,
                    images[start : start + _SLICE],
                    target,
                    score=score,
                    chunk_size=self.chunk_size,
                    progress=False,
                )
                values = cast(Array, found.values)  # of one layer
                if "C" in found.layer_axes:
                    values = array_channels_last(values, found.layer_axes)
                parts.append(pool(values) if self.pooled and values.ndim > 2 else values)
            return np.concatenate(parts)

        question = {"target": _plain(target), "score": repr(score)}
        about = {"method": listed(method._record()), "pooled": self.pooled, **question}
        key = f"{self.digest}\n{json.dumps(about, sort_keys=True)}\n{array_digest(images)}"
        return self.cache.get(hashlib.sha256(key.encode()).hexdigest(), len(images), make)


@contextlib.contextmanager
def _said_of(concept: Concept) -> Iterator[None]:
    """Errors about images say of which concept they are."""
    try:
        yield
    except InvalidInputError as error:
        if type(error) is not InvalidInputError:
            raise
        raise InvalidInputError(f"Concept {concept.name!r}: {error}") from error


def _plain(target: Any) -> Any:
    return target if target is None or isinstance(target, str) else int(target)


def _mean(values: Array) -> Array:
    """(N, K) of (N, ..., K)."""
    return cast(Array, values.mean(axis=_positions(values)))


def _sum(values: Array) -> Array:
    """(N, K) of (N, ..., K)."""
    return cast(Array, values.sum(axis=_positions(values)))


def _positions(values: Array) -> tuple[int, ...]:
    """The axes of positions."""
    return tuple(range(1, values.ndim - 1))
