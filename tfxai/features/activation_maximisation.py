"""Activation maximisation: pictures that excite a part of a network most."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import keras
import numpy as np
import tensorflow as tf

from tfxai import config
from tfxai.arrays import Array
from tfxai.core.options import Declared, Kind, check_seed, option
from tfxai.digests import model_digest
from tfxai.errors import InvalidInputError
from tfxai.features.ascent import COPIES, Climb, climbed, drawn, rows_at_once, start
from tfxai.features.kept_pictures import AT_ONCE, Climbed, KeptPictures, described
from tfxai.features.measured import Weights, groups_of
from tfxai.features.objectives import ClassLogit, Objective, read_objectives
from tfxai.features.parameterisations import Fourier, Parameterisation
from tfxai.features.paths import path_similarity, read_pixels
from tfxai.features.pictures import PictureModel, as_pixels
from tfxai.features.reached import objective_values
from tfxai.features.regularisers import Regulariser
from tfxai.features.transformations import Transformations
from tfxai.features.trust import measure_trust, warn, warning_of
from tfxai.features.visualisation import Visualisation
from tfxai.progress import Report, shown
from tfxai.subject import Subject


def _read_regularisers(name: str, given: Any) -> tuple[Regulariser, ...]:
    several = (given,) if isinstance(given, Regulariser) else tuple(given or ())
    for one in several:
        if not isinstance(one, Regulariser):
            raise InvalidInputError(
                f"{name} holds {one!r}. Pass L2, TotalVariation or Blur of tfxai.features."
            )
    return several


def _of(kind: type, words: str, *, is_optional: bool = False) -> Kind:
    def read(name: str, given: Any) -> Any:
        if isinstance(given, kind) or (given is None and is_optional):
            return given
        raise InvalidInputError(f"{name}={given!r} was expected to be {words}.")

    return Kind(words, read)


_REGULARISERS = Kind("regularisers", _read_regularisers)
PARAMETERISATION = _of(Parameterisation, "Pixels(), Fourier() or PhaseOnly()")
TRANSFORMATIONS = _of(Transformations, "Transformations() or None", is_optional=True)


@final
@dataclasses.dataclass(frozen=True)
class ActivationMaximisation(Declared):
    """Makes pictures that raise objectives of a network, by gradient ascent (Adam).

    All objectives climb at once in one compiled step. A picture is the same whichever other
    objectives are beside it, and the same for the same seed, up to float rounding.

    Args:
        objective: An objective of `tfxai.features`, or a list of them.
        steps: Number of steps, at least 1.
        learning_rate: Length of a step in the numbers of the parameterisation, above 0.
        parameterisation: How pictures are written: `Fourier()`, `PhaseOnly()` or `Pixels()`.
        transformations: How each step changes the pictures, or None for not at all.
        regularisers: What objectives are lowered by: `L2`, `TotalVariation`, `Blur`.
        copies: Pictures of each objective, from 1 to 1024, each from a start of its own.
        diversity: Weight, at least 0, of how alike the pictures of an objective are, by the Gram
            matrices of its layers, in units of the objective. Takes several copies.
        frames_every: Keeps the pictures after each so many steps; 0 keeps none.
        size: (H, W) of the pictures, for a model that takes any size; None for the model's own.
        seed: Seed of starts and transformations, in [0, 2**31).

    Raises:
        InvalidInputError: An option is out of its range, or options do not go together.

    Reference:
        Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", 2009; Olah et al.,
        "Feature Visualization", Distill, 2017.

    Example:
        >>> import tfxai
        >>> from tfxai.features import ActivationMaximisation, Channel
        >>> subject = tfxai.load("cifar10_cnn")
        >>> layer = "Conv2D_Block1_Layer1"
        >>> ActivationMaximisation(Channel(layer, 3), steps=4)(subject).pictures.shape
        (1, 32, 32, 3)
    """

    objective: Any
    steps: int = option(256, at_least=1)
    learning_rate: float = option(0.05, above=0.0)
    parameterisation: Parameterisation = option(Fourier(), kind=PARAMETERISATION)
    transformations: Transformations | None = option(Transformations(), kind=TRANSFORMATIONS)
    regularisers: Sequence[Regulariser] = option((), kind=_REGULARISERS)
    copies: int = option(1, at_least=1, below=COPIES + 1)
    diversity: float = option(0.0, at_least=0.0)
    frames_every: int = option(0, at_least=0)
    size: tuple[int, int] | None = None
    seed: int = 0

    def _check_together(self) -> None:
        object.__setattr__(self, "objective", read_objectives(self.objective))
        check_seed(self.seed)
        if not self.diversity:
            return
        if self.copies == 1:
            raise InvalidInputError(
                "diversity came with one copy of each objective. Pass copies=4, say."
            )
        parts = [part for one in self.objective for _, part in one.terms]
        if any(isinstance(part, ClassLogit) for part in parts):
            raise InvalidInputError(
                "diversity compares activations of an objective's layer, and ClassLogit has none. "
                "Leave diversity out, or add a layer's objective on its own."
            )

    def __call__(
        self,
        subject: keras.Model | Subject,
        natural: Any = None,
        others: Any = None,
        *,
        cache: str | os.PathLike[str] | None = None,
        progress: bool | Report | None = None,
    ) -> Visualisation:
        """The pictures of a model's parts.

        Args:
            subject: A subject whose card says how pixels become the input.
            natural: (N, H, W, C) uint8 photographs of what the pictures should show, at least 2,
                to compare the pictures' paths through the network with; or None.
            others: (M, H, W, C) uint8 photographs of other things, for the same.
            cache: Folder in which pictures are kept when they are done, by the model, the options
                and their objective, so that a run that was stopped, or another one, makes only
                those that are missing; four objectives then climb at once. At most 2 GiB; models
                whose configuration cannot be written are not kept.
            progress: As for a method's call.

        Returns:
            The pictures, K = objectives x copies, and what was measured of them.

        Raises:
            LayerNotFoundError: There is no such layer.
            InvalidInputError: A layer, channel, position or class does not fit the model.
            UnsupportedModelError: The model takes no images.
            OutputError: `cache` cannot be written to.
        """
        subject = Subject.of(subject)
        task = PictureModel.of(subject, self.size)
        subject.check_classes(task.structure)
        table = Weights(task.structure, subject.classes)
        groups = groups_of(self.objective)
        _check_images(subject, task, natural, others)
        table.of(self.objective, groups)  # every objective is checked before the first step
        climb = Climb(
            task,
            self.parameterisation,
            self.transformations,
            tuple(self.regularisers),
            groups,
            self.copies,
            self.diversity,
            self.learning_rate,
            config.jit_compile,
        )
        kept = None if cache is None else self._kept(cache, subject)
        done = self._done(kept, climb, table)
        size = rows_at_once(task, self.copies)
        size = size if kept is None else min(size, AT_ONCE)
        missing = [i for i, one in enumerate(done) if one is None]
        chunks = [missing[i : i + size] for i in range(0, len(missing), size)]
        with shown(progress, "visualise", self.steps * len(chunks)) as report:
            for i, chunk in enumerate(chunks):
                objectives = [self.objective[place] for place in chunk]
                part = (i, len(chunks))
                made = self._climb(subject, climb, table, objectives, report, part)
                for place, one in zip(chunk, made, strict=True):
                    done[place] = one
                    if kept is not None:
                        kept.write(self._path(kept, table, self.objective[place]), one)
        return self._finished(subject, table, [one for one in done if one], natural, others)

    def _kept(self, cache: str | os.PathLike[str], subject: Subject) -> KeptPictures | None:
        """Where pictures are kept; None where nothing says what the model computes."""
        model = model_digest(subject)
        try:
            options = {
                field.name: described(getattr(self, field.name))
                for field in dataclasses.fields(self)
                if field.name != "objective"
            }
        except TypeError:  # a regulariser of one's own, say, that is no record
            return None
        about = f"{model}\n{json.dumps(options, sort_keys=True)}"
        return None if model is None else KeptPictures(cache, about)

    def _done(
        self, kept: KeptPictures | None, climb: Climb, table: Weights
    ) -> list[Climbed | None]:
        """The pictures of each objective that are kept."""
        if kept is None:
            return [None] * len(self.objective)
        whole = (self.copies, *climb.task.shape)
        frames = -(-self.steps // self.frames_every) if self.frames_every else 1
        like = Climbed(
            np.empty(whole, np.uint8),
            np.empty(self.copies, np.float32),
            np.empty((self.steps, self.copies), np.float32),
            np.empty((frames, *whole), np.uint8),
        )
        return [kept.read(self._path(kept, table, one), like) for one in self.objective]

    def _path(self, kept: KeptPictures, table: Weights, objective: Objective) -> Path:
        """The file of an objective."""
        groups = groups_of([objective])
        return kept.path(groups, table.of([objective], groups))

    def _climb(
        self,
        subject: Subject,
        climb: Climb,
        table: Weights,
        objectives: Sequence[Objective],
        report: Report,
        part: tuple[int, int],
    ) -> list[Climbed]:
        """What becomes of some objectives."""
        each = table.of(objectives, climb.groups)
        weights = [np.repeat(one, self.copies, axis=0) for one in each]
        numbers: Any = start(climb, len(objectives), self.seed)
        history, frames = [], []
        steps = climbed(subject.model, climb, numbers, weights, self.steps, self.seed)
        for number, (numbers, reached) in enumerate(steps, 1):
            history.append(reached)
            if self.frames_every and (number % self.frames_every == 0 or number == self.steps):
                frames.append(as_pixels(drawn(subject.model, climb, numbers)))
            report(part[0] * self.steps + number, part[1] * self.steps)
        pictures = as_pixels(drawn(subject.model, climb, tf.convert_to_tensor(numbers)))
        reached = objective_values(subject.model, climb.task, climb.groups, weights, pictures)
        parts = [
            np.split(pictures, len(objectives)),
            np.split(reached, len(objectives)),
            np.split(np.stack(history), len(objectives), axis=1),
            np.split(np.stack(frames or [pictures]), len(objectives), axis=1),
        ]
        return [Climbed(*one) for one in zip(*parts, strict=True)]

    def _finished(
        self, subject: Subject, table: Weights, done: Sequence[Climbed], natural: Any, others: Any
    ) -> Visualisation:
        pictures, values = (np.concatenate([one[i] for one in done]) for i in range(2))
        history, frames = (np.concatenate([one[i] for one in done], axis=1) for i in (2, 3))
        labels = [table.label(one) for one in self.objective for _ in range(self.copies)]
        targets = [_target(one, table) for one in self.objective for _ in range(self.copies)]
        trust = measure_trust(subject, pictures, targets)
        paths = None
        if natural is not None:
            paths = path_similarity(subject, pictures, natural, others)
        remarks = [*_remarks(history, values, labels), warning_of(trust, labels)]
        remarks += [] if paths is None else [paths.sentence(labels)]
        remarks = [one for one in remarks if one]
        if remarks:
            warn(" ".join(remarks))
        kept = range(self.frames_every or self.steps, self.steps + 1, self.frames_every or 1)
        numbers = sorted({*kept, self.steps})
        return Visualisation(
            pictures,
            tuple(labels),
            values,
            history,
            trust,
            paths,
            frames if self.frames_every else None,
            tuple(numbers) if self.frames_every else (),
            tuple(remarks),
        )


def _check_images(subject: Subject, task: PictureModel, natural: Any, others: Any) -> None:
    """Raises `InvalidInputError` for photographs that paths cannot be compared with."""
    if natural is not None:
        images = read_pixels("natural", natural, task, 2)
        path_similarity(subject, images[:1], images, others)
    elif others is not None:
        raise InvalidInputError(
            "others came without natural. Pass photographs of what the pictures should show, too."
        )


def _target(objective: Objective, table: Weights) -> int | None:
    """The class of an objective's picture, where there is one."""
    raised = [
        part for factor, part in objective.terms if isinstance(part, ClassLogit) and factor > 0
    ]
    return table.target(raised[0]) if len(raised) == 1 else None


def _remarks(history: Array, values: Array, labels: Sequence[str]) -> list[str]:
    """What to know of objectives that nothing moved."""
    stuck = np.flatnonzero((history == 0).all(axis=0) & (values == 0))
    if not len(stuck):
        return []
    named = ", ".join(labels[i] for i in stuck[:3]) + (" and more" if len(stuck) > 3 else "")
    return [
        f"The objective stayed at 0 for {named}: nothing on the way excites it. It may be dead, "
        "with weights near 0; else choose the layer before the activation, or another seed."
    ]
