"""Whether a picture passes through a network as natural images do."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from scipy import stats

from tfxai.arrays import Array
from tfxai.core.model.structure import ModelStructure
from tfxai.errors import InvalidInputError
from tfxai.features.pictures import PictureModel
from tfxai.features.reached import layer_activations
from tfxai.reprs import facts_html, rows_html
from tfxai.subject import Subject

MOST_LAYERS = 8
"""Layers that are compared unless they are named."""
RARE = 0.05
"""Share of natural images that may be less like the others than a picture that is like them."""
_LEAST_SPAN = 0.02  # rank correlations closer than this tell nothing apart
_MOST_UNITS = 20_000  # of a layer, evenly spaced: ranks of more say the same


@dataclasses.dataclass(frozen=True, eq=False)
class PathSimilarity:
    """How like natural images of one thing pictures excite each layer.

    1 is as natural images are like each other, 0 as they are like images of other things.

    Args:
        layers: Paths of the layers.
        similarity: (K, layers) of each picture.
        natural: (N, layers) of each natural image, left out itself.
    """

    layers: tuple[str, ...]
    similarity: Array
    natural: Array

    def __repr__(self) -> str:
        return (
            f"PathSimilarity({len(self.similarity)} pictures, {len(self.layers)} layers: "
            f"mean {self.similarity.mean():.2f}, natural images {self.natural.mean():.2f})"
        )

    def _repr_html_(self) -> str:
        means = zip(
            self.layers, self.similarity.mean(axis=0), self.natural.mean(axis=0), strict=True
        )
        rows = [(layer, f"{own:.2f}", f"{natural:.2f}") for layer, own, natural in means]
        return facts_html(repr(self), []) + rows_html(("Layer", "Pictures", "Natural"), rows)

    @property
    def mean(self) -> Array:
        """(K,) the mean over the layers."""
        return np.asarray(self.similarity.mean(axis=1))

    @property
    def is_other(self) -> Array:
        """(K,) whether at most 5 % of the natural images are less like the others than this."""
        own = self.natural.mean(axis=1)
        return np.asarray([(own < one).mean() <= RARE for one in self.mean])

    def sentence(self, labels: Sequence[str]) -> str:
        """What to know of pictures that take another path; empty for none."""
        found = np.flatnonzero(self.is_other)
        if not len(found):
            return ""
        first = int(found[0])
        worst = self.layers[int(np.argmin(self.similarity[first]))]
        many = "" if len(found) == 1 else f" ({len(found)} of {len(labels)} pictures do)"
        return (
            f"The picture of {labels[first]} takes another path through the network than natural "
            f"images{many}: similarity {self.mean[first]:.2f}, where these have "
            f"{self.natural.mean():.2f}; least in layer {worst!r}. It need not show what excites "
            "the network in photographs."
        )


def path_similarity(
    subject: keras.Model | Subject,
    pictures: Any,
    natural: Any,
    others: Any = None,
    layers: Sequence[str] | None = None,
) -> PathSimilarity:
    """Compares how pictures and natural images excite the layers of a network.

    Args:
        subject: A subject whose card says how pixels become the input.
        pictures: (K, H, W, C) uint8.
        natural: (N, H, W, C) uint8 images of what the pictures should show, at least 2.
        others: (M, H, W, C) uint8 images of other things, at least 1; None takes the natural
            images with their pixels shuffled.
        layers: Paths of the layers; None for at most 8 with weights, evenly spaced. Layers in
            which natural images are no more alike than the others are left out.

    Raises:
        InvalidInputError: The images do not fit the model, or are too few.
        LayerNotFoundError: There is no such layer.

    Reference:
        Geirhos et al., "Don't trust your eyes: on the (un)reliability of feature visualizations",
        ICML 2024. arXiv:2306.04719, section 3.
        Departure: the mean over layers is judged by the rank of a picture among natural images.
    """
    subject = Subject.of(subject)
    task = PictureModel.for_images(subject, pictures)
    own, real = (
        read_pixels(n, a, task, k)
        for n, a, k in (("pictures", pictures, 1), ("natural", natural, 2))
    )
    rest = _shuffled(real) if others is None else read_pixels("others", others, task, 1)
    paths = tuple(layers) if layers else _spread_layers(task.structure)
    for path in paths:
        task.structure.find(path)
    ranks = [
        [_ranks(one) for one in layer_activations(subject.model, task, paths, images)]
        for images in (own, real, rest)
    ]
    found = {
        path: layer
        for path, layer in zip(paths, map(_normalised, *ranks), strict=True)
        if layer is not None
    }
    if not found:
        raise InvalidInputError(
            "The natural images are no more alike than the others in any layer, so that nothing "
            "can be said of a path. Pass others that show other things, or more natural images."
        )
    own_ones, real_ones = (
        np.stack([layer[i] for layer in found.values()], axis=1) for i in range(2)
    )
    return PathSimilarity(tuple(found), own_ones, real_ones)


def read_pixels(name: str, images: Any, task: PictureModel, least: int) -> Array:
    """Images (N, H, W, C) uint8 that fit the model.

    Raises:
        InvalidInputError: They do not, or are fewer than `least`.
    """
    try:
        array = np.asarray(images)
    except ValueError:  # of several sizes
        array = np.asarray(None)
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[1:] != task.shape:
        raise InvalidInputError(
            f"{name} of shape {array.shape} and type {array.dtype} came, and uint8 images (N, "
            f"{', '.join(map(str, task.shape))}) were expected, all of one size."
        )
    if len(array) < least:
        raise InvalidInputError(f"{name} holds {len(array)} images. Pass at least {least}.")
    return array


def _spread_layers(structure: ModelStructure) -> tuple[str, ...]:
    """Layers that are convolutions or dense, some of them where there are many."""
    kinds = ("Conv", "Dense")
    known: dict[str, int] = {}
    for call in structure.calls:
        known[call.path] = known.get(call.path, 0) + 1
    found = [
        call.path
        for call in structure.calls
        if call.is_used
        and call.shape
        and known[call.path] == 1
        and not call.is_model
        and any(kind in call.kind for kind in kinds)
    ]
    if not found:
        raise InvalidInputError(
            "The model has no convolutions or dense layers to compare paths in. Pass layers=."
        )
    places = np.linspace(0, len(found) - 1, min(MOST_LAYERS, len(found)))
    return tuple(found[round(i)] for i in places)


def _ranks(activations: Array) -> Array:
    """(K, units) ranks of the units of each image, centred and of length 1."""
    flat = activations.reshape(len(activations), -1)
    flat = flat[:, :: max(flat.shape[1] // _MOST_UNITS, 1)]
    ranks = stats.rankdata(flat, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.linalg.norm(ranks, axis=1, keepdims=True)
    return np.asarray(ranks / np.maximum(length, 1e-12))


def _normalised(own: Array, real: Array, rest: Array) -> tuple[Array, Array] | None:
    """Similarities to the natural images, of pictures and of these themselves, in one layer.

    None where natural images are no more like each other than like the rest.
    """
    among = real @ real.T
    each = (among.sum(axis=1) - np.diag(among)) / (len(real) - 1)
    zero, one = float((rest @ real.T).mean()), float(each.mean())
    span = one - zero
    if span < _LEAST_SPAN:
        return None
    return ((own @ real.T).mean(axis=1) - zero) / span, (each - zero) / span


def _shuffled(images: Array) -> Array:
    """Images with their pixels in another order, the same for all."""
    flat = images.reshape(len(images), -1, images.shape[-1])
    order = np.random.default_rng(0).permutation(flat.shape[1])
    return np.asarray(flat[:, order].reshape(images.shape))
