"""Feature accentuation: an image in which a network finds more of what it looks for."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

import keras
import numpy as np
import tensorflow as tf

from tfxai import config
from tfxai.arrays import Array
from tfxai.core.model.structure import ModelStructure
from tfxai.core.options import SEEDS, Declared, Kind, declaration, option
from tfxai.features.activation_maximisation import PARAMETERISATION, TRANSFORMATIONS
from tfxai.features.ascent import Climb, Near, climbed, drawn, rows_at_once
from tfxai.features.measured import Weights, groups_of, shape_of
from tfxai.features.objectives import Objective, read_objectives
from tfxai.features.parameterisations import Fourier, Parameterisation
from tfxai.features.paths import read_pixels
from tfxai.features.pictures import PictureModel, as_pixels
from tfxai.features.reached import layer_activations, objective_values
from tfxai.features.transformations import Transformations
from tfxai.methods.cam.choosing import default_layers
from tfxai.methods.options import PATH
from tfxai.progress import Report, shown
from tfxai.reprs import listed
from tfxai.subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OBJECTIVES = Kind("an objective or a list of them", lambda _, given: read_objectives(given))

_NAMED = 4  # labels that are written out


@dataclasses.dataclass(frozen=True, eq=False)
class Accentuation:
    """Images, and the pictures that they became: objectives outermost.

    Args:
        images: (K, H, W, C) uint8, where each picture started.
        pictures: (K, H, W, C) uint8.
        labels: What each picture is to show more of.
        before: (K,) the objective of each image.
        values: (K,) the objective of each picture.
        distances: (K,) how far the layer sees each picture from its image: the length of the
            difference of the activations over the length of those of the image.
        layer: Path of that layer.
    """

    images: Array
    pictures: Array
    labels: tuple[str, ...]
    before: Array
    values: Array
    distances: Array
    layer: str

    def __repr__(self) -> str:
        names = listed([repr(one) for one in dict.fromkeys(self.labels)], _NAMED)
        return f"Accentuation({len(self.pictures)} pictures near {self.layer!r}: {names})"

    def _repr_html_(self) -> str:
        from tfxai.plotting.figures import record_html

        return record_html(repr(self), [], self.plot)

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        title: str = "",
        *,
        figsize: Any = None,
    ) -> Figure:
        """The images, and below each the picture that it became.

        Args:
            path: File to write the figure to as well; its suffix names the format.
            title: Title of the sheet.
            figsize: Width in inches, or (width, height); None is what the pictures need, 10 at
                most.

        Raises:
            InvalidInputError: The sheet does not fit `figsize`.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.contact_sheet import plot_sheet
        from tfxai.plotting.labels import number

        notes = [f"objective {number(value)}" for value in self.before]
        notes += [
            f"objective {number(value)}, distance {distance:.2f}"
            for value, distance in zip(self.values, self.distances, strict=True)
        ]
        return plot_sheet(
            np.concatenate([self.images, self.pictures]),
            ["image"] * len(self.images) + list(self.labels),
            notes,
            path=path,
            title=title,
            lines=2,
            figsize=figsize,
        )

    def to_dict(self) -> dict[str, Any]:
        """The numbers beside the pictures as plain JSON types."""
        columns = (self.labels, self.before, self.values, self.distances)
        records = [
            {
                "label": label,
                "before": float(before),
                "value": float(value),
                "distance": float(distance),
            }
            for label, before, value, distance in zip(*columns, strict=True)
        ]
        return {"layer": self.layer, "pictures": records}


@final
@dataclasses.dataclass(frozen=True)
class FeatureAccentuation(Declared):
    """Changes images so that objectives rise, while a layer still sees the images in them.

    Where a heatmap says where in an image a feature is seen, the picture says what is seen there.

    Args:
        objective: An objective of `tfxai.features`, or a list of them.
        layer: Path of the layer in which pictures are held near their images; None for that of
            the first objective, or of a class the last layer with feature maps.
        weight: How strongly, at least 0, in units of the objective: of the squared distance from
            the image in the layer, over the squared length of what the layer gives for it.
        steps: Number of steps, at least 1.
        learning_rate: Length of a step in the numbers of the parameterisation, above 0.
        parameterisation: How pictures are written: `Fourier()` or `Pixels()`.
        transformations: How each step changes pictures and images alike, or None for not at all.
        seed: Seed of the transformations, in [0, 2**31).

    Raises:
        InvalidInputError: An option is out of its range.

    Reference:
        Hamblin et al., "Feature Accentuation: Revealing 'What' Features Respond to in Natural
        Images", 2024. arXiv:2402.10039. Departures: magnitudes and phases are both free; the
        distance is squared, and relative to the image's own length.

    Example:
        >>> import tfxai
        >>> from tfxai.data import fit_image, sample_image
        >>> from tfxai.features import ClassLogit, FeatureAccentuation
        >>> cat = fit_image(sample_image("chelsea"), 32, 32)
        >>> found = FeatureAccentuation(ClassLogit("Dog"), steps=4)(
        ...     tfxai.load("cifar10_cnn"), cat[None]
        ... )
        >>> found.pictures.shape, bool(found.values[0] > found.before[0])
        ((1, 32, 32, 3), True)
    """

    objective: Any = dataclasses.field(metadata=declaration(kind=_OBJECTIVES))
    layer: str | None = option(None, kind=PATH)
    weight: float = option(10.0, at_least=0.0)
    steps: int = option(64, at_least=1)
    learning_rate: float = option(0.05, above=0.0)
    parameterisation: Parameterisation = option(Fourier(), kind=PARAMETERISATION)
    transformations: Transformations | None = option(Transformations(), kind=TRANSFORMATIONS)
    seed: int = option(0, at_least=0, below=SEEDS)

    def __call__(
        self,
        subject: keras.Model | Subject,
        images: Any,
        *,
        progress: bool | Report | None = None,
    ) -> Accentuation:
        """The pictures that images become: one for each objective and image.

        Args:
            subject: A subject whose card says how pixels become the input.
            images: (N, H, W, C) uint8, of the model's size.
            progress: As for a method's call.

        Raises:
            LayerNotFoundError: There is no such layer.
            InvalidInputError: The images, a channel, position or class do not fit the model, or
                no picture that is given can be written by the parameterisation.
            UnsupportedModelError: The model takes no images.
        """
        subject = Subject.of(subject)
        task = PictureModel.for_images(subject, images)
        pixels = read_pixels("images", images, task, 1)
        subject.check_classes(task.structure)
        layer = self.layer or _layer_of(self.objective[0], task.structure)
        shape_of(task.structure, layer)
        table, groups = Weights(task.structure, subject.classes), groups_of(self.objective)
        climb = Climb(
            task,
            self.parameterisation,
            self.transformations,
            (),
            groups,
            1,
            0.0,
            self.learning_rate,
            config.jit_compile,
            Near(layer, self.weight),
        )
        weights = [np.repeat(one, len(pixels), axis=0) for one in table.of(self.objective, groups)]
        every = np.concatenate([pixels] * len(self.objective))
        pictures = self._climbed(subject.model, climb, every, weights, progress)
        before, values = (
            objective_values(subject.model, task, groups, weights, one)
            for one in (every, pictures)
        )
        seen = [
            layer_activations(subject.model, task, (layer,), one)[0].reshape(len(one), -1)
            for one in (every, pictures)
        ]
        lengths = np.linalg.norm(seen[0], axis=1)
        distances = np.linalg.norm(seen[1] - seen[0], axis=1) / np.maximum(lengths, 1e-12)
        labels = [table.label(one) for one in self.objective for _ in pixels]
        return Accentuation(every, pictures, tuple(labels), before, values, distances, layer)

    def _climbed(
        self,
        model: keras.Model,
        climb: Climb,
        images: Array,
        weights: Sequence[Array],
        progress: bool | Report | None,
    ) -> Array:
        """The pictures (K, H, W, C) uint8 that images become, so many at once as memory allows."""
        size, done = rows_at_once(climb.task, 2), list[Array]()
        parts = [slice(i, i + size) for i in range(0, len(images), size)]
        with shown(progress, "accentuate", self.steps * len(parts)) as report:
            for i, part in enumerate(parts):
                unit = images[part] / 255.0
                numbers: Any = self.parameterisation.numbers_of(unit)
                own = [one[part] for one in weights]
                steps = climbed(model, climb, numbers, own, self.steps, self.seed, unit)
                for number, (reached, _) in enumerate(steps, 1):
                    numbers = reached
                    report(i * self.steps + number, self.steps * len(parts))
                done.append(as_pixels(drawn(model, climb, tf.convert_to_tensor(numbers))))
        return np.concatenate(done)


def _layer_of(objective: Objective, structure: ModelStructure) -> str:
    """The layer of an objective; of a class the last layer with feature maps."""
    layers = [getattr(part, "layer", "") for _, part in objective.terms]
    return next(filter(None, layers), "") or default_layers(structure)[0]
