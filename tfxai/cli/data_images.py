"""Images of `--data`, evenly spaced, and as one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxai.errors import DataNotFoundError, InvalidInputError

if TYPE_CHECKING:
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.image_classifier import ImageClassifier
    from tfxai.cli.sources import Source

CIFAR10 = "cifar10"


def evenly_spaced(
    data: str,
    limit: int,
    bad: BadFiles,
    *,
    keep: Callable[[str | None], bool] | None = None,
    split: str = "test",
    option: str = "--data",
) -> list[Source]:
    """At most `limit` images of a split of CIFAR-10 or of a folder.

    Args:
        data: `cifar10`, or a folder.
        limit: Most images.
        bad: What becomes of files that cannot be read.
        keep: Which labels count (None: the image has none); None for all.
        split: Split of CIFAR-10.
        option: The word of the command line that named them.

    Raises:
        DataNotFoundError: There is no such folder.
        InvalidInputError: It holds no image, or one that cannot be read.
    """
    import numpy as np

    from tfxai.cli.sources import Cifar10Image, File
    from tfxai.data.cifar10 import SIZES
    from tfxai.data.folders import labelled_files
    from tfxai.data.images import read_image

    def numbers(count: int) -> list[int]:
        spaced = np.linspace(0, count - 1, min(limit, count))
        return [int(i) for i in spaced.round()]

    wanted = keep or (lambda label: True)

    if data == CIFAR10:
        every = [Cifar10Image(split, i) for i in range(SIZES[split])]
        kept = every if keep is None else [one for one in every if wanted(one.label)]
        return [kept[i] for i in numbers(len(kept))]
    if not Path(data).is_dir():
        raise DataNotFoundError(
            f"{option} {data!r} is not a folder. Pass cifar10, or a folder of images."
        )
    files = [(path, label) for path, label in labelled_files(data) if wanted(label)]
    found = list[Any]()
    for i in numbers(len(files)):
        path, label = files[i]
        with bad.allowed(str(path)):
            height, width = read_image(path).shape[:2]
            found.append(File(path, (height, width), label))
    return found


def labelled(
    sources: Sequence[Source], classifier: ImageClassifier, option: str = "--data"
) -> Any:
    """(N,) the class that each image is known to show.

    Raises:
        InvalidInputError: Of an image nobody knows what it shows.
        UnknownNameError: The model has no such class.
    """
    import numpy as np

    from tfxai.cli.true_labels import true_targets

    for source in sources:
        if source.label is None:
            raise InvalidInputError(
                f"Nothing says what {source.name!r} shows. Pass {option} cifar10, or a folder "
                "with a folder of images per class."
            )
    labels = true_targets(sources, classifier)
    return np.array([labels[source] for source in sources])


def as_batch(sources: Sequence[Source], classifier: ImageClassifier) -> Any:
    """(N, H, W, C) uint8, as the model takes them.

    Raises:
        InvalidInputError: There is none, or sizes differ where the model takes any.
    """
    import numpy as np

    images = [classifier.fit(source.read()) for source in sources]
    if not images:
        raise InvalidInputError("No image is left that can be used. Pass intact image files.")
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise InvalidInputError(
            f"The images have sizes {sorted(shapes)}, and the model takes any. Pass --resize SIDE "
            "to bring them to one size."
        )
    return np.stack(images)
