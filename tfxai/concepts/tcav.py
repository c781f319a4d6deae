"""TCAV: does the score of a class rise along a concept, more than along random ones."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, final

import numpy as np

from tfxai.arrays import Array
from tfxai.concepts.cav import CONCEPT, flat, no_direction
from tfxai.concepts.class_images import check_score, class_name, images_of_class
from tfxai.concepts.data import Concept, check_alike, check_apart, read_concept
from tfxai.concepts.directions import LINEAR_MODELS, direction, held_out_accuracy, one_thread
from tfxai.concepts.measuring import Measuring
from tfxai.concepts.ranks import rank_p_value
from tfxai.concepts.result import ConceptScore, TCAVResult
from tfxai.core.options import SEEDS, Declared, Kind, declaration, option
from tfxai.errors import InvalidInputError
from tfxai.methods.options import PATH
from tfxai.metrics.statistics import holm
from tfxai.progress import Report, shown

_PER_CONCEPT = 9  # random images for each image of a concept, beside those it is told from


def _read_layers(name: str, given: Any) -> tuple[str, ...]:
    paths = (given,) if isinstance(given, str) else tuple(given)
    if not paths or len(set(paths)) < len(paths):
        raise InvalidInputError(
            f"{name}={given!r} was expected to be paths of layers, each once. Pass one or more."
        )
    return tuple(PATH.read(name, path) for path in paths)


def _read_concepts(name: str, given: Any) -> tuple[Concept, ...]:
    if isinstance(given, Mapping):
        given = [read_concept(images, key) for key, images in given.items()]
    found = (given,) if isinstance(given, Concept) else tuple(given)
    if not found or not all(isinstance(one, Concept) for one in found):
        raise InvalidInputError(
            f"{name} was expected to be a Concept, several, or a dict of names to images. "
            "Make one with tfxai.concepts.Concept(name, images)."
        )
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise InvalidInputError(f"{name} holds two of one name: {names}. Give each its own.")
    return found


LAYERS = Kind("the path of a layer, or several", _read_layers)
CONCEPTS = Kind("a Concept, several, or a dict of names to images", _read_concepts)


@final
@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TCAV(Declared):
    """Tests whether a class rests on concepts, against random concepts that are treated alike.

    A concept's direction is fitted against images from `randoms`; its score is the share of the
    class's images whose score rises along it. As many random images as the concept has, drawn
    from `randoms`, are fitted against the very same images, again and again. The p-value is the
    two-sided rank of the concept's score among theirs, so that a concept that means nothing is
    called significant about as often as `alpha` says. Equal scores, of which there are many where
    they are 0 or 1, are ranked by their magnitudes.

    Args:
        layers: Path of a layer, or several.
        concepts: A `Concept`, several, or a dict of names to images (N, ...), 10 or more each.
        randoms: A `Concept` or images to draw random concepts from: at least ten times as many as
            the largest concept has, of the kind that the model sees.
        draws: Random concepts per layer, at least 39. The smallest p-value is 2 / (draws + 1).
        relative: Whether each concept is told from the other concepts in the place of random
            images (relative TCAV). Needs two concepts or more.
        classifier: As for `CAV`.
        pooled: As for `CAV`; the derivative is then that of moving all positions at once.
        alpha: Chance of an error, in (0, 1), that the corrected p-values are compared with.
        seed: Seed of what is drawn.

    Raises:
        InvalidInputError: Options do not fit, sets share images, or there are too few of them.

    Reference:
        Kim et al., ICML 2018, Eqs. 1-2 and section 3.4. arXiv:1711.11279. Departures: a derivative
        of exactly zero counts half; ranks among random concepts in the place of a t-test of
        repeated splits, whose samples share one set of concept images and are not independent.
    """

    layers: Any = dataclasses.field(metadata=declaration(kind=LAYERS))
    concepts: Any = dataclasses.field(metadata=declaration(kind=CONCEPTS))
    randoms: Any = dataclasses.field(metadata=declaration(kind=CONCEPT))
    draws: int = option(199, at_least=39)
    relative: bool = option(False)
    classifier: str = option("logistic", choices=LINEAR_MODELS, noun="linear model")
    pooled: bool = option(False)
    alpha: float = option(0.05, above=0, below=1)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _check_together(self) -> None:
        if self.relative and len(self.concepts) < 2:
            raise InvalidInputError(
                "relative=True tells a concept from the others, and one concept came. Pass two "
                "or more."
            )
        for i, concept in enumerate(self.concepts):
            check_apart(concept, self.randoms)
            if self.relative:
                for other in self.concepts[:i]:
                    check_apart(concept, other)
            needed = self._others(concept) + _PER_CONCEPT * len(concept)
            if len(self.randoms.digests) < needed:
                raise InvalidInputError(
                    f"randoms has {len(self.randoms.digests)} different images, and concept "
                    f"{concept.name!r} of {len(concept)} images needs {needed} to be ranked "
                    "among random concepts. Pass more random images, or fewer of the concept."
                )

    def __call__(
        self,
        model: Any,
        images: Any,
        target: Any,
        *,
        score: Any = None,
        cache: str | os.PathLike[str] | None = None,
        chunk_size: int | str = "auto",
        progress: bool | Report | None = None,
    ) -> TCAVResult:
        """Tests the concepts for one output of a model.

        Args:
            model: A built Keras 3 model, or a `Subject`.
            images: Images of the class, (N, ...), at least 10.
            target: The output that is explained: an index, or a class name.
            score: `"logit"`, `"probability"` or `"output"`; None is the logit.
            cache: Folder in which activations and gradients are kept by their content, so that
                another run, or one that was stopped, need not compute them again. At most 2 GiB;
                models whose configuration cannot be written are not kept.
            chunk_size: As for a method.
            progress: As for a method; a function is called with (steps done, steps).

        Raises:
            InvalidInputError: An argument does not fit the model; the sentence says how.
            LayerNotFoundError: A layer is not in the model.
            UnsupportedModelError: Only linear operations follow a layer.
            InsufficientMemoryError: The activations do not fit into `tfxai.config.memory_budget`.
            OutputError: `cache` cannot be written to.
        """
        check_score(score)
        shown_class = images_of_class(images, target)
        check_alike(shown_class, self.randoms)
        images = shown_class.images
        measuring = Measuring.of(model, pooled=self.pooled, cache=cache, chunk_size=chunk_size)
        count = len(self.randoms) + len(images) + sum(map(len, self.concepts))
        for layer in self.layers:
            for concept in (self.randoms, *self.concepts):
                measuring.check_room(layer, concept, count)
        found: list[ConceptScore] = []
        steps = len(self.layers) * (2 + len(self.concepts))
        with shown(progress, "tcav", steps) as report:
            for layer in self.layers:
                gradients = flat(measuring.gradients(layer, images, target, score))
                report(len(found) + 2 * self.layers.index(layer) + 1, steps)
                with one_thread():
                    for one in self._at_layer(measuring, layer, gradients):
                        found.append(one)
                        report(len(found) + 2 * self.layers.index(layer) + 2, steps)
            report(steps, steps)
        adjusted = holm([one.p_value for one in found])
        pairs = zip(found, adjusted, strict=True)
        rows = tuple(dataclasses.replace(one, adjusted=p) for one, p in pairs)
        name = class_name(measuring.subject, target)
        return TCAVResult(rows, name, len(images), self.alpha, self.draws, self.relative)

    def _at_layer(self, measuring: Measuring, layer: str, gradients: Array) -> Any:
        """The concepts at one layer, one after the other."""
        pool = flat(measuring.activations(layer, self.randoms))
        sets = {one.name: flat(measuring.activations(layer, one)) for one in self.concepts}
        of_random: dict[tuple[int, int], tuple[Array, Array]] = {}
        for concept in self.concepts:
            own, sizes = sets[concept.name], (len(concept), self._others(concept))
            reference, drawn = self._draws(*sizes)
            if sizes not in of_random:
                vectors = [self._direction(layer, pool[i], pool[reference]) for i in drawn]
                of_random[sizes] = _scores(gradients, np.stack(vectors))
            others = pool[reference]
            if self.relative:
                others = np.concatenate([sets[key] for key in sets if key != concept.name])
            vector = self._direction(layer, own, others, concept.name)
            (score,), (magnitude,) = _scores(gradients, vector[None])
            yield ConceptScore(
                layer=layer,
                concept=concept.name,
                score=float(score),
                magnitude=float(magnitude),
                p_value=rank_p_value(score, magnitude, *of_random[sizes]),
                accuracy=held_out_accuracy(own, others, self.classifier, self.seed),
                random_scores=of_random[sizes][0],
                random_magnitudes=of_random[sizes][1],
            )

    def _direction(
        self, layer: str, positive: Array, negative: Array, name: str = "random images"
    ) -> Array:
        """From the mean of `negative` to that of `positive`, along the fitted direction."""
        vector = direction(positive, negative, self.classifier, self.seed)
        if vector is None:
            raise no_direction(layer, name)
        return vector * ((positive.mean(axis=0) - negative.mean(axis=0)) @ vector)

    def _others(self, concept: Concept) -> int:
        """Number of images that a concept is told from."""
        rest = sum(len(one) for one in self.concepts if one is not concept)
        return rest if self.relative else len(concept)

    def _draws(self, count: int, others: int) -> tuple[Array, list[Array]]:
        """Indices of random images to tell from, and of each random concept.

        Random concepts share no image as long as there are enough.
        """
        random = np.random.default_rng((self.seed, count, others))
        order = random.permutation(len(self.randoms))
        reference, rest = order[:others], order[others:]
        if len(rest) >= self.draws * count:
            return reference, list(rest[: self.draws * count].reshape(self.draws, count))
        return reference, [random.choice(rest, count, replace=False) for _ in range(self.draws)]


def _scores(gradients: Array, vectors: Array) -> tuple[Array, Array]:
    """Share of images whose score rises along each vector, and its mean rise, (K,) each."""
    derivatives = gradients @ vectors.T  # Eq. 1, (B, K)
    rises = (derivatives > 0) + 0.5 * (derivatives == 0)
    return rises.mean(axis=0), derivatives.mean(axis=0)  # Eq. 2
