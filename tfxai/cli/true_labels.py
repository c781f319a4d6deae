"""The class that each image is known to show, as the number of the model's output."""

from __future__ import annotations

from collections.abc import Sequence

from tfxai.classes import labelled_class
from tfxai.cli.classifier import Classifier
from tfxai.cli.sources import Source
from tfxai.errors import InvalidInputError, UnknownNameError


def refuse_other_targets(target: str | None, contrast: tuple[str, str] | None) -> None:
    """Raises `InvalidInputError` where something else says what to explain."""
    for word, given in (("--target", target), ("--contrast", contrast and " ".join(contrast))):
        if given is not None:
            raise InvalidInputError(
                f"--true-label came with {word} {given}, and already says what to explain. "
                f"Leave {word} out."
            )


def true_targets(sources: Sequence[Source], classifier: Classifier) -> dict[Source, int]:
    """The output of each image's own class.

    Raises:
        InvalidInputError: Of an image nobody knows what it shows.
        UnknownNameError: The model has no such class.
    """
    return {source: _target(source, classifier) for source in sources}


def _target(source: Source, classifier: Classifier) -> int:
    label = source.label
    if label is None:
        raise InvalidInputError(
            f"--true-label needs to know what {source.name!r} shows. Pass a folder with a folder "
            "of images per class, or images of CIFAR-10; or name a class by --target."
        )
    return class_number(label, classifier)


def class_number(label: str, classifier: Classifier) -> int:
    """The output of a class by its name, or by its number.

    Raises:
        UnknownNameError: The model has no such class.
    """
    classes = classifier.subject.classes
    index = labelled_class(label, classes)
    if index is None or index >= classifier.classes:
        known = classes or list(map(str, range(classifier.classes)))
        raise UnknownNameError.of("class of the model", label, known)
    return index
