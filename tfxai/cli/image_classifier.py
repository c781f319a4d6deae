"""A model that classifies images, and the way from image files to its answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

from tfxai.cli import runtime
from tfxai.cli.classifier import Classifier, count_classes, with_classes
from tfxai.cli.sources import Source
from tfxai.cli.terminal import remark, working
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.registry.own_objects import own_objects

if TYPE_CHECKING:
    import numpy as np

    from tfxai.data.preprocessing import Preprocessing
    from tfxai.subject import Subject

    Pixels: TypeAlias = np.ndarray[Any, Any]

MANY = 4  # images of another size that are named one by one


@final
@dataclasses.dataclass(frozen=True)
class ImageClassifier(Classifier):
    """A subject whose inputs are images, with a card that says how pixels are preprocessed.

    Args:
        subject: As in `Classifier`.
        classes: As in `Classifier`.
        gives_probabilities: As in `Classifier`.
        size: (height, width) that the model takes, None where it takes any.
        channels: 3, or 1 for a model of grey images.
        interpolation: How images are brought to the size.
    """

    size: tuple[int, int] | None
    channels: int
    interpolation: str = "lanczos"

    @property
    def advice(self) -> str:
        """What to check where the answers are not finite."""
        return (
            "Check its weights, and that --preprocessing gives it the inputs that it was "
            "trained on."
        )

    @property
    def most(self) -> int:
        """Most images in a batch: where any size is taken, no two need have the same."""
        return 1 if self.size is None else 16

    def fit(self, image: Pixels) -> Pixels:
        """An image (H, W, 3) as the model can take it: uint8 (h, w, C)."""
        from tfxai.data.images import fit_image, grey_image

        if self.size is not None:
            image = fit_image(image, *self.size, self.interpolation)
        return image if self.channels == 3 else grey_image(image)

    def read(self, source: Source) -> Pixels:
        """An image as the model can take it: uint8 (h, w, C)."""
        return self.fit(source.read())

    def together(self, read: Sequence[Pixels]) -> Pixels:
        """Images of one size as a batch, uint8 (B, h, w, C)."""
        import numpy as np

        return np.stack(read)


def open_classifier(
    model: str,
    preprocessing: str | None,
    classes: Path | None = None,
    resize: int | None = None,
    *,
    trust: bool = False,
    modules: Sequence[str] = (),
) -> ImageClassifier:
    """Loads a model for the command line.

    Args:
        model: A path or a name.
        preprocessing: Name of a preprocessing, which overrides the card's.
        classes: File of class names, which override the card's.
        resize: Side that images are resized to (bilinear); None for the model's size.
        trust: Whether to load whatever the scan finds, as for `tfxai.load`.
        modules: Names of modules with classes and functions that the model uses.

    Raises:
        InvalidInputError: Nothing says how pixels are preprocessed, or the model takes another
            size than `resize`.
        UnsupportedModelError: The model is not an image classifier.
        TfxaiError: The model cannot be found or loaded.
    """
    from tfxai import registry
    from tfxai.data.classes import read_classes

    path = registry.find(model)
    chosen = named_preprocessing(preprocessing)
    named = None if classes is None else (read_classes(classes), classes)
    runtime.start()
    own = own_objects(modules)
    with working(f"Loading {path}"):
        subject = registry.load(model, trust=trust, custom_objects=own)
        classifier = as_classifier(subject, path, chosen, resize)
    return classifier if named is None else with_classes(classifier, *named)


def as_classifier(
    subject: Subject, path: Path, preprocessing: Preprocessing | None, resize: int | None = None
) -> ImageClassifier:
    """A subject that was loaded, as a classifier of images.

    Args:
        subject: The model with its card.
        path: Where it lies.
        preprocessing: Overrides the card's; None for that.
        resize: As for `open_classifier`.

    Raises:
        InvalidInputError: As `open_classifier`.
        UnsupportedModelError: The model is not an image classifier.
    """
    if subject.encoder is not None:
        raise UnsupportedModelError(
            f"The model {str(path)!r} takes texts, and images were expected. Explain a text by "
            "tfxai explain MODEL --text TEXT."
        )
    return _classifier(_with_preprocessing(subject, path, preprocessing), path, resize)


def announce_sizes(classifier: Classifier, sources: Sequence[Source]) -> None:
    """Says which images are cropped and resized."""
    if not isinstance(classifier, ImageClassifier) or classifier.size is None:
        return
    height, width = classifier.size
    sizes = {source: source.size for source in sources}
    other = {source: size for source, size in sizes.items() if size and size != classifier.size}
    cropped = "cropped to a square" if height == width else "cropped"
    how = f"{cropped} and resized to {width}x{height}"
    how += " (bilinear)" if classifier.interpolation == "bilinear" else ""
    if len(other) > MANY:
        remark(f"{len(other)} of {len(sources)} images have another size: {how}.")
        return
    for source, size in other.items():
        remark(f"{source.name}: {size[1]}x{size[0]} pixels, {how}.")


def named_preprocessing(name: str | None) -> Preprocessing | None:
    """The preprocessing that a word of the command line means."""
    from tfxai.data.preprocessing import CIFAR10_MEAN, CIFAR10_STD, Preprocessing

    if name is None:
        return None
    if name == "standardise":
        return Preprocessing(name, CIFAR10_MEAN, CIFAR10_STD)
    return Preprocessing(name)


def _with_preprocessing(subject: Subject, path: Path, chosen: Preprocessing | None) -> Subject:
    from tfxai.card import Card

    if chosen is not None:
        card = subject.card or Card(name=path.stem)
        return dataclasses.replace(subject, card=dataclasses.replace(card, preprocessing=chosen))
    if subject.preprocessing is None:
        raise InvalidInputError(
            f"The model {str(path)!r} has no card that says how pixels become its input. Pass "
            "--preprocessing: unit for inputs in [0, 1], none for pixels 0..255 (also where the "
            "first layers are Rescaling or Normalization), tf, torch, caffe or standardise."
        )
    return subject


def _classifier(subject: Subject, path: Path, resize: int | None) -> ImageClassifier:
    import numpy as np

    from tfxai.core.inputs.reading import read_inputs
    from tfxai.core.model.structure import model_structure

    height, width, channels = _input_shape(subject, path)
    if resize is not None:
        _check_side(resize, height, width, path)
        height = width = resize
    example = np.zeros((1, height or 64, width or 64, channels), np.uint8)
    layout, _ = read_inputs(subject.model, subject.prepare(example))
    body = model_structure(subject.model, layout)
    gives_probabilities = body.ending.gives == "probabilities"
    count = count_classes(body.outputs, gives_probabilities, path, "image")
    subject.check_classes(body)
    size = (height, width) if height and width else None
    interpolation = "lanczos" if resize is None else "bilinear"
    return ImageClassifier(subject, count, gives_probabilities, size, channels, interpolation)


def _check_side(side: int, height: int | None, width: int | None, path: Path) -> None:
    """Raises `InvalidInputError` where the model takes images of another size."""
    if (height or side, width or side) != (side, side):
        square = height == width
        advice = f"Pass --resize {height}, or" if square else "No square fits it:"
        taken = "x".join("any" if n is None else str(n) for n in (width, height))
        raise InvalidInputError(
            f"--resize {side} makes images of {side}x{side} pixels, and the model {str(path)!r} "
            f"takes {taken} (width x height). {advice} leave --resize out."
        )


def _input_shape(subject: Subject, path: Path) -> tuple[int | None, int | None, int]:
    """Height, width and channels of the images that the model takes."""
    declared = getattr(subject.model, "inputs", None) or []
    shape = tuple(declared[0].shape[1:]) if len(declared) == 1 else None
    if not declared and subject.card is not None:
        shape = subject.card.input_shape
    if shape is None or len(shape) != 3 or shape[-1] not in (1, 3):
        what = f"shape (B, {', '.join(map(str, shape))})" if shape else f"{len(declared)} inputs"
        raise UnsupportedModelError(
            f"The model {str(path)!r} takes {what}, and images were expected: (B, height, width, "
            "3 or 1). Pass a classifier of images; explain a model of tables by tfxai explain "
            "--csv, one of texts by --text, another one in Python."
        )
    return shape[0], shape[1], shape[2]
