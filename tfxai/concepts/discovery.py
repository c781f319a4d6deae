"""CRAFT: the concepts that a layer has of a class, and how much the score rests on each."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable
from typing import Any, final

import numpy as np

from tfxai.arrangement import spatial
from tfxai.axes import input_axes
from tfxai.concepts.class_images import check_score, class_name, images_of_class
from tfxai.concepts.crops import Crops
from tfxai.concepts.data import Concept
from tfxai.concepts.default_layer import activations_at, default_layer
from tfxai.concepts.discovered import DiscoveredConcept, DiscoveredConcepts
from tfxai.concepts.factorisation import check_nonnegative, left_over, similarities
from tfxai.concepts.importances import ImportanceDesign
from tfxai.concepts.measuring import Measuring
from tfxai.concepts.searching import IMAGES_AT_ONCE, Asked, Factorised, Search, best_places
from tfxai.concepts.strength import ConceptStrength
from tfxai.core.inputs.frozen_arrays import FrozenArray
from tfxai.core.options import SEEDS, Declared, option
from tfxai.errors import InvalidInputError
from tfxai.methods.options import PATH
from tfxai.progress import Report, shown

_RUNS = 2  # with other crops and another start


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class ConceptDiscovery(Declared):
    """Finds what a layer's answers to a class are made of, without being told what to look for.

    The activations of random crops of the class's images, averaged over positions, are written as
    non-negative sums of a few directions among the channels. How much the score rests on each is
    measured by making the activations of whole images again from a share of each. All of it
    is done twice, with other crops and another start: a concept that does not come back is said
    not to.

    Args:
        layer: Path of a layer whose output is non-negative, with channels; None for the last
            layer with feature maps that are never negative in the images.
        concepts: Most concepts, at least 1 and at most as many as the layer has channels.
        crop: Side of a crop as a share of the image's, in (0, 1).
        crops: Crops of each image.
        samples: Random masks of the Sobol indices, a power of two: samples (concepts + 1) passes
            through the layers behind `layer` for each image. More make the indices more exact.
        alike: From which correlation between two runs, in (0, 1), a concept counts as the same.
        seed: Seed of crops, starts and masks.

    Raises:
        InvalidInputError: An option does not fit.

    Reference:
        Fel et al., "CRAFT: Concept Recursive Activation FacTorization for Explainability", CVPR
        2023, sections 3.1-3.4. arXiv:2211.10154. Departures: crops are drawn at random in the
        place of a grid; a second run is compared with the first.
    """

    layer: str | None = option(None, kind=PATH)
    concepts: int = option(10, at_least=1, below=1000)
    crop: float = option(0.3, above=0, below=1)
    crops: int = option(12, at_least=1)
    samples: int = option(64, at_least=2)
    alike: float = option(0.8, above=0, below=1)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _check_together(self) -> None:
        if self.samples & (self.samples - 1):
            raise InvalidInputError(
                f"samples={self.samples} was expected to be a power of two, for which a Sobol "
                "sequence is balanced."
            )

    def __call__(  # noqa: PLR0913 - what is asked and what it may cost
        self,
        model: Any,
        images: Any,
        target: Any,
        *,
        within: DiscoveredConcept | None = None,
        score: Any = None,
        cache: str | os.PathLike[str] | None = None,
        chunk_size: int | str = "auto",
        progress: bool | Report | None = None,
    ) -> DiscoveredConcepts:
        """Finds the concepts of one output of a model.

        Args:
            model: A built Keras 3 model, or a `Subject`.
            images: Images of the class, (N, ...), at least 10.
            target: The output that is explained: an index, or a class name.
            within: A concept that was found at a later layer and looks mixed: its parts are
                found, in the tenth of the crops that show it most, and their importance is for
                its strength in the place of the class's score.
            score: `"logit"`, `"probability"` or `"output"`; None is the logit.
            cache: Folder in which activations of crops are kept by their content, as for `TCAV`.
            chunk_size: As for a method.
            progress: As for a method; a function is called with (steps done, steps).

        Returns:
            The concepts, the most important first.

        Raises:
            InvalidInputError: An argument does not fit the model; the sentence says how.
            LayerNotFoundError: The layer is not in the model.
            InsufficientMemoryError: The activations do not fit into `tfxai.config.memory_budget`.
            OutputError: `cache` cannot be written to.
        """
        check_score(score)
        of_class = images_of_class(images, target)
        measuring = Measuring.of(model, pooled=True, cache=cache, chunk_size=chunk_size)
        layer = self.layer or default_layer(
            measuring, of_class.images[:IMAGES_AT_ONCE], self.concepts
        )
        _check_within(within, layer, score)
        axes = self._checked(measuring, layer, of_class)
        runs = [
            Crops(of_class.images, axes, self.crop, self.crops, (self.seed, run))
            for run in range(_RUNS)
        ]
        steps = sum(run.slices + 1 for run in runs) + -(-len(of_class) // IMAGES_AT_ONCE)
        parent = None if within is None else within.score
        with shown(progress, "concept_discovery", steps) as report:
            search = Search(measuring, layer, self.concepts, parent, _counting(report, steps))
            first, second = map(search.factorised, runs)
            rows = self._rows(search, first, second, Asked(of_class.images, target, score))
        return DiscoveredConcepts(
            rows,
            layer=layer,
            target=class_name(measuring.subject, target) if parent is None else parent.in_words(),
            count=len(of_class),
            crops=len(first.rows),
            left_over=left_over(first.activations, first.bank, first.strengths),
            alike=self.alike,
        )

    def _checked(self, measuring: Measuring, layer: str, of_class: Concept) -> str:
        """The axes of an image, where model, layer and images go together.

        Raises:
            TfxaiError: They do not.
        """
        measuring.check_room(layer, of_class, self.crops * len(of_class))
        found = activations_at(measuring, layer, of_class.images[:IMAGES_AT_ONCE])
        activations = np.asarray(found.values)
        check_nonnegative(activations, layer)
        channels = activations.shape[found.layer_axes.find("C") + 1 or -1]
        if self.concepts > channels:
            raise InvalidInputError(
                f"concepts={self.concepts} was asked for, and layer {layer!r} has {channels} "
                "channels. Pass as many concepts at most."
            )
        axes = input_axes(found)
        if spatial(axes) != "HW":
            raise InvalidInputError(
                f"The model takes {of_class.images.shape[1:]} an example, which is no image that "
                "crops can be cut out of. Concepts are discovered in images."
            )
        is_card = of_class.images.dtype == np.uint8 and measuring.subject.preprocessing is not None
        return "HWC" if is_card else axes

    def _rows(
        self, search: Search, first: Factorised, second: Factorised, asked: Asked
    ) -> tuple[DiscoveredConcept, ...]:
        """The concepts of the first run, the most important first."""
        strengths = first.strengths
        alike = similarities(strengths, first.strengths_of(second.bank))
        places = [best_places(first, column) for column in strengths.T]
        design = ImportanceDesign(len(first.bank), self.samples, self.seed)
        every = {place for some in places for place in some}
        found, crops = search.importances(design, first.bank, asked, every)
        if search.within is not None and not found.varied:
            raise InvalidInputError(
                f"The strength of {search.within.in_words()} does not change with layer "
                f"{search.layer!r}. Choose a layer before it."
            )
        order = np.argsort(-found.indices, kind="stable")
        bank = FrozenArray(first.bank[order])
        return tuple(
            DiscoveredConcept(
                number=number,
                score=ConceptStrength(search.layer, bank, number),
                importance=float(found.indices[i]),
                error=float(found.error[i]),
                drop=float(found.drop[i]),
                similarity=float(alike[i]),
                comes_back=bool(alike[i] >= self.alike),
                images=np.array([place.image for place in places[i]]),
                boxes=np.array([place.box for place in places[i]]),
                strengths=np.array([place.strength for place in places[i]]),
                crops=np.stack([crops[place] for place in places[i]]) if crops else None,
            )
            for number, i in enumerate(order)
        )


def _counting(report: Report, steps: int) -> Callable[[], None]:
    """Reports one step more each time it is called."""
    done = itertools.count(1)
    return lambda: report(next(done), steps)


def _check_within(within: Any, layer: str, score: Any) -> None:
    if within is None:
        return
    if not isinstance(within, DiscoveredConcept):
        raise InvalidInputError(
            f"within={within!r} was expected to be a concept of another discovery, such as "
            "found[0], or None."
        )
    if within.score.layer == layer:
        raise InvalidInputError(
            f"{within.name} was found at layer {layer!r} itself. Choose an earlier layer for its "
            "parts."
        )
    if score is not None:
        raise InvalidInputError(
            f"score={score!r} came with within=, whose strength is what is explained. Leave one "
            "out."
        )
