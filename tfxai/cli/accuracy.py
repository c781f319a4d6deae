"""`tfxai accuracy`: how often a model is right."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfxai.classes import class_index
from tfxai.cli import arguments
from tfxai.errors import DataNotFoundError, InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfxai.arrays import Array
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.classifier import Classifier

CIFAR10 = "cifar10"
AT_ONCE = 1000  # images resized and classified before the next ones are

Data = Annotated[
    str,
    typer.Option(
        metavar="cifar10|FOLDER",
        help="The 10,000 test images of CIFAR-10, or a folder with a folder of images per class.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Use only that many images, evenly spaced.",
        show_default=False,
    ),
]


def accuracy(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    data: Data = CIFAR10,
    limit: Limit = None,
    preprocessing: arguments.Preprocessing = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Measure the share of labelled images that a model classifies correctly."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.classifier import open_classifier
    from tfxai.cli.terminal import print_json, say, shown

    if data != CIFAR10 and not Path(data).is_dir():
        raise DataNotFoundError(
            f"--data {data!r} is not a folder. Pass cifar10, or a folder of class folders."
        )
    classifier = open_classifier(model, preprocessing, trust=trust, modules=modules)
    bad = BadFiles(skip=skip_bad)
    images, labels = _labelled(data, limit, classifier, bad)
    started = time.monotonic()
    right = _count_right(classifier, images, labels)
    seconds = time.monotonic() - started
    share = right / len(labels)
    if as_json:
        record = {"model": model, "data": data, "images": len(labels), "right": right}
        print_json({**record, "accuracy": share, "seconds": round(seconds, 2)})
    else:
        what = "test images of CIFAR-10" if data == CIFAR10 else f"images in {data}"
        say(f"{share:.4f}", style="bold")
        say(shown(f"{model} is right on {right:,} of {len(labels):,} {what} ({seconds:.1f} s)."))
    bad.finish(len(labels))


def _labelled(
    data: str, limit: int | None, classifier: Classifier, bad: BadFiles
) -> tuple[Array, Array]:
    """Images (N, H, W, 3) uint8 and the model's own number of the class of each."""
    import numpy as np

    from tfxai.cli.terminal import working
    from tfxai.data.cifar10 import CLASSES, load_cifar10
    from tfxai.data.folders import load_images

    with working(f"Reading {data}"):
        if data == CIFAR10:
            (images, labels), classes = load_cifar10("test"), CLASSES
        else:
            images, labels, classes = load_images(
                data, size=classifier.size, on_bad=lambda file, error: bad.add(str(file), error)
            )
    outputs = _matched(classes, classifier)
    chosen = np.arange(len(labels))
    if limit is not None and limit < len(labels):
        chosen = np.linspace(0, len(labels) - 1, limit).round().astype(int)
    return images[chosen], outputs[labels[chosen]]


def _matched(classes: Sequence[str], classifier: Classifier) -> Array:
    """The output that stands for each class of the data, by name where the model names its own."""
    import numpy as np

    known = classifier.subject.classes
    if known:
        found = {name: class_index(name, known) for name in classes}
        for name, index in found.items():
            if index is None:
                raise UnknownNameError.of("class of the model", name, known)
        return np.array([found[name] for name in classes])
    if classifier.classes != len(classes):
        raise InvalidInputError(
            f"The data has {len(classes)} classes and the model {classifier.classes} outputs, "
            "whose names are not known. Pass data with the model's classes, or give it a card."
        )
    return np.arange(len(classes))


def _count_right(classifier: Classifier, images: Array, labels: Array) -> int:
    import numpy as np

    from tfxai.cli.terminal import Counted
    from tfxai.models.evaluation import accuracy as share_right

    subject = classifier.subject
    right = 0
    counted = Counted("Classifying", len(images))
    with counted.shown():
        for start in range(0, len(images), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            batch = np.stack([classifier.fit(image) for image in images[part]])
            share = share_right(subject.model, subject.preprocessing, batch, labels[part])
            right += round(share * len(batch))
            counted.reach(start + len(batch))
    return right
