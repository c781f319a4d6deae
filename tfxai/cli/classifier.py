"""A model that classifies, and the way from images or rows of a table to its answers."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from tfxai.cli.bad_files import STRICT, BadFiles
from tfxai.cli.sources import Source
from tfxai.cli.terminal import Counted
from tfxai.errors import InvalidInputError, NotFiniteError, UnsupportedModelError

if TYPE_CHECKING:
    import numpy as np

    from tfxai.subject import Subject

    Pixels: TypeAlias = np.ndarray[Any, Any]

_Answer = TypeVar("_Answer")
_Some = TypeVar("_Some", bound="Classifier")


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
class Classifier(abc.ABC):
    """A subject whose outputs are classes, and the way from a source to its input.

    Args:
        subject: The model and its card.
        classes: Number of classes, 2 for one unit with a probability, 1 for a regressor.
        gives_probabilities: Whether the outputs are probabilities.
    """

    subject: Subject
    classes: int
    gives_probabilities: bool

    @property
    @abc.abstractmethod
    def advice(self) -> str:
        """What to check where the answers are not finite."""

    @property
    @abc.abstractmethod
    def most(self) -> int:
        """Most sources in a batch."""

    @abc.abstractmethod
    def read(self, source: Source) -> Any:
        """What the model takes of a source; raises `InvalidInputError` where it cannot."""

    @abc.abstractmethod
    def together(self, read: Sequence[Any]) -> Any:
        """What was read of several sources as one batch."""

    def rank(self, batch: Any, names: Sequence[str]) -> list[list[Rank]]:
        """The five best classes of each example of a batch, best first.

        Raises:
            NotFiniteError: The model answers with NaN.
        """
        import numpy as np

        outputs = self.subject.predict(batch)
        for i, (row, name) in enumerate(zip(outputs, names, strict=True)):
            if not np.isfinite(row).all():
                raise NotFiniteError(
                    f"The model answers {name!r} with NaN or infinity. {self.advice}", i
                )
        outputs = outputs.reshape(len(outputs), -1)
        if outputs.shape[1] < self.classes:  # one unit: no, yes
            outputs = np.concatenate([1 - outputs, outputs], axis=1)
        return [self._best(row) for row in outputs]

    def _best(self, row: Pixels) -> list[Rank]:
        classes = self.subject.classes
        order = (-row).argsort(kind="stable")[:5]
        return [Rank(int(i), classes[i] if classes else str(i), float(row[i])) for i in order]


def batches(
    classifier: Classifier, sources: Sequence[Source], bad: BadFiles = STRICT
) -> Iterator[tuple[list[Source], Any]]:
    """The sources a few at a time, each batch with its sources.

    Args:
        classifier: What the sources are read for.
        sources: The images or rows.
        bad: What becomes of those that cannot be read.
    """
    for start in range(0, len(sources), classifier.most):
        some, read = [], []
        for source in sources[start : start + classifier.most]:
            with bad.allowed(source.name):
                read.append(classifier.read(source))
                some.append(source)
        if some:
            yield some, classifier.together(read)


def by_batches(
    classifier: Classifier,
    sources: Sequence[Source],
    answer: Callable[[Sequence[Source], Any], Sequence[_Answer]],
    on: str,
    bad: BadFiles = STRICT,
) -> Iterator[tuple[Source, _Answer]]:
    """Each image or row with what is found about it, under a bar that counts them.

    Args:
        classifier: What the sources are read for.
        sources: The images or rows.
        answer: From sources and their batch, such as pixels (B, H, W, C), to what is found about
            each.
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
    batch: Any,
    answer: Callable[[Sequence[Source], Any], Sequence[_Answer]],
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


def with_classes(classifier: _Some, names: tuple[str, ...], file: Path) -> _Some:
    """The classifier with other class names.

    Raises:
        InvalidInputError: The file names more or fewer classes than the model has.
    """
    from tfxai.card import Card

    card = dataclasses.replace(classifier.subject.card or Card(name="model"), classes=names)
    subject = dataclasses.replace(classifier.subject, card=card)
    if classifier.classes not in (len(names), len(subject.classes or ())):
        raise InvalidInputError(
            f"The file {str(file)!r} names {len(names)} classes, and the model has "
            f"{classifier.classes}. Pass the file that belongs to the model."
        )
    return dataclasses.replace(classifier, subject=subject)


def count_classes(
    outputs: Sequence[tuple[int | None, ...]], gives_probabilities: bool, path: Path, each: str
) -> int:
    """The number of classes; 1 for a number that is not a probability.

    Raises:
        UnsupportedModelError: The outputs are no row of numbers for `each`, such as `"image"`.
    """
    one = outputs[0] if len(outputs) == 1 else None
    if one in ((), (1,)):
        return 2 if gives_probabilities else 1
    if one is None or len(one) != 1 or one[0] is None:
        what = (
            f"{len(outputs)} outputs" if one is None else f"shape {('B', *one)}".replace("'", "")
        )
        raise UnsupportedModelError(
            f"The model {str(path)!r} returns {what}, and one row of numbers for each {each} "
            "was expected: (B, classes). Pass a classifier or a regressor, or explain it in "
            "Python with a score of your own."
        )
    return one[0]
