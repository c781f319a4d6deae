"""A model that classifies images, and the way from image files to its answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from tfxai.cli import runtime
from tfxai.cli.bad_files import STRICT, BadFiles
from tfxai.cli.own_objects import own_objects
from tfxai.cli.sources import Source
from tfxai.cli.terminal import Counted, remark, working
from tfxai.errors import InvalidInputError, NotFiniteError, UnsupportedModelError

if TYPE_CHECKING:
    import numpy as np

    from tfxai.data.preprocessing import Preprocessing
    from tfxai.subject import Subject

    Pixels: TypeAlias = np.ndarray[Any, Any]

_Answer = TypeVar("_Answer")
MANY = 4  # images of another size that are named one by one


@dataclasses.dataclass(frozen=True)
class Rank:
    """One class in the order of the model's preference.

    Args:
        index: Number of the output.
        name: The class, or its number where it has no name.
        value: A probability, or the output as it is where the model gives no probabilities.
    """

    index: int
    name: str
    value: float


@dataclasses.dataclass(frozen=True)
class Classifier:
    """A subject whose inputs are images and whose outputs are classes.

    Args:
        subject: The model and its card, which says how pixels are preprocessed.
        size: (height, width) that the model takes, None where it takes any.
        channels: 3, or 1 for a model of grey images.
        classes: Number of classes, 2 for one unit with a probability, 1 for a regressor.
        gives_probabilities: Whether the outputs are probabilities.
        interpolation: How images are brought to the size.
    """

    subject: Subject
    size: tuple[int, int] | None
    channels: int
    classes: int
    gives_probabilities: bool
    interpolation: str = "lanczos"

    def fit(self, image: Pixels) -> Pixels:
        """An image (H, W, 3) as the model can take it: uint8 (h, w, C)."""
        from tfxai.data.images import fit_image

        if self.size is not None:
            image = fit_image(image, *self.size, self.interpolation)
        return image if self.channels == 3 else _grey(image)

    def rank(self, batch: Pixels, names: Sequence[str]) -> list[list[Rank]]:
        """The five best classes of each image of a batch, best first.

        Raises:
            NotFiniteError: The model answers with NaN.
        """
        import numpy as np

        outputs = self.subject.predict(batch)
        for i, (row, name) in enumerate(zip(outputs, names, strict=True)):
            if not np.isfinite(row).all():
                raise NotFiniteError(
                    f"The model answers {name!r} with NaN or infinity. Check its weights, and "
                    "that --preprocessing gives it the inputs that it was trained on.",
                    i,
                )
        outputs = outputs.reshape(len(outputs), -1)
        if outputs.shape[1] < self.classes:  # one unit: no, yes
            outputs = np.concatenate([1 - outputs, outputs], axis=1)
        return [self._best(row) for row in outputs]

    def _best(self, row: Pixels) -> list[Rank]:
        classes = self.subject.classes
        order = (-row).argsort(kind="stable")[:5]
        return [Rank(int(i), classes[i] if classes else str(i), float(row[i])) for i in order]


def open_classifier(
    model: str,
    preprocessing: str | None,
    classes: Path | None = None,
    resize: int | None = None,
    *,
    trust: bool = False,
    modules: Sequence[str] = (),
) -> Classifier:
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
    names = None if classes is None else read_classes(classes)
    runtime.start()
    own = own_objects(modules)
    with working(f"Loading {path}"):
        subject = registry.load(model, trust=trust, custom_objects=own)
        subject = _with_preprocessing(subject, path, chosen)
        classifier = _classifier(subject, path, resize)
    return classifier if names is None else _with_classes(classifier, names, classes)


def announce_sizes(classifier: Classifier, sources: Sequence[Source]) -> None:
    """Says which images are cropped and resized."""
    if classifier.size is None:
        return
    height, width = classifier.size
    other = [source for source in sources if source.size != classifier.size]
    how = f"{'squared' if height == width else 'cropped'} and resized to {width}x{height}"
    how += " (bilinear)" if classifier.interpolation == "bilinear" else ""
    if len(other) > MANY:
        remark(f"{len(other)} of {len(sources)} images have another size: {how}.")
        return
    for source in other:
        remark(f"{source.name}: {source.size[1]}x{source.size[0]} pixels, {how}.")


def batches(
    classifier: Classifier, sources: Sequence[Source], bad: BadFiles = STRICT, most: int = 16
) -> Iterator[tuple[list[Source], Pixels]]:
    """The images a few at a time, each batch (B, H, W, C) uint8 with its sources.

    Args:
        classifier: What the images are fitted to.
        sources: The images.
        bad: What becomes of files that can no longer be read.
        most: Most images in a batch.
    """
    import numpy as np

    if classifier.size is None:  # any size is taken, so no two need have the same
        most = 1
    for start in range(0, len(sources), most):
        some, read = [], []
        for source in sources[start : start + most]:
            with bad.allowed(source.name):
                read.append(classifier.fit(source.read()))
                some.append(source)
        if some:
            yield some, np.stack(read)


def by_batches(
    classifier: Classifier,
    sources: Sequence[Source],
    answer: Callable[[Sequence[Source], Pixels], Sequence[_Answer]],
    on: str,
    bad: BadFiles = STRICT,
) -> Iterator[tuple[Source, _Answer]]:
    """Each image with what is found about it, under a bar that counts them.

    Args:
        classifier: What the images are fitted to.
        sources: The images.
        answer: From sources and their pixels (B, H, W, C) to what is found about each.
        on: What is being done, such as `"Explaining"`.
        bad: What becomes of images that cannot be read, or whose numbers are not finite.
    """
    what = f"{on} {sources[0].name}" if len(sources) == 1 else on
    counted = Counted(what, len(sources))
    done = 0
    for some, batch in batches(classifier, sources, bad):
        with counted.shown():
            found = _answers(some, batch, answer, bad)
            done += len(some)
            counted.reach(done)
        yield from found


def _answers(
    sources: Sequence[Source],
    batch: Pixels,
    answer: Callable[[Sequence[Source], Pixels], Sequence[_Answer]],
    bad: BadFiles,
) -> list[tuple[Source, _Answer]]:
    """What is found about each image; where a number is not finite, of each by itself."""
    try:
        return list(zip(sources, answer(sources, batch), strict=True))
    except NotFiniteError as error:
        if not bad.skip:
            raise
        if len(sources) == 1:
            bad.add(sources[0].name, error)
            return []
    alone = [_answers([one], batch[i : i + 1], answer, bad) for i, one in enumerate(sources)]
    return [found for one in alone for found in one]


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


def _with_classes(classifier: Classifier, names: tuple[str, ...], file: Path | None) -> Classifier:
    from tfxai.card import Card

    card = dataclasses.replace(classifier.subject.card or Card(name="model"), classes=names)
    subject = dataclasses.replace(classifier.subject, card=card)
    if classifier.classes not in (len(names), len(subject.classes or ())):
        raise InvalidInputError(
            f"The file {str(file)!r} names {len(names)} classes, and the model has "
            f"{classifier.classes}. Pass the file that belongs to the model."
        )
    return dataclasses.replace(classifier, subject=subject)


def _classifier(subject: Subject, path: Path, resize: int | None) -> Classifier:
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
    count = _outputs(body.outputs, gives_probabilities, path)
    subject.check_classes(body)
    size = (height, width) if height and width else None
    interpolation = "lanczos" if resize is None else "bilinear"
    return Classifier(subject, size, channels, count, gives_probabilities, interpolation)


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
            "3 or 1). Pass a classifier of images, or explain it in Python."
        )
    return shape[0], shape[1], shape[2]


def _outputs(
    outputs: Sequence[tuple[int | None, ...]], gives_probabilities: bool, path: Path
) -> int:
    """The number of classes; 1 for a number that is not a probability."""
    one = outputs[0] if len(outputs) == 1 else None
    if one in ((), (1,)):
        return 2 if gives_probabilities else 1
    if one is None or len(one) != 1 or one[0] is None:
        what = (
            f"{len(outputs)} outputs" if one is None else f"shape {('B', *one)}".replace("'", "")
        )
        raise UnsupportedModelError(
            f"The model {str(path)!r} returns {what}, and one row of numbers for each image was "
            "expected: (B, classes). Pass a classifier or a regressor, or explain it in Python "
            "with a score of your own."
        )
    return one[0]


def _grey(image: Pixels) -> Pixels:
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(image).convert("L"))[..., None]
