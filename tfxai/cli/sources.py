"""What IMAGE means: a file, a folder, or an image of CIFAR-10."""

from __future__ import annotations

import dataclasses
import functools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from tfxai.cli.bad_files import STRICT, BadFiles
from tfxai.cli.terminal import Counted, remark
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    import numpy as np

    Pixels: TypeAlias = np.ndarray[Any, Any]

CIFAR10 = "cifar10:"


class Source(Protocol):
    """Where one image, or one row of a table, comes from; hashable."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def stem(self) -> str:
        """What files about it are called."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Its height and width in pixels; None of a row."""

    @property
    def label(self) -> str | None:
        """The class that it is known to show."""

    def read(self) -> Any:
        """The picture, uint8 (H, W, 3), or the row, a DataFrame of one."""


@dataclasses.dataclass(frozen=True)
class File:
    """An image file.

    Args:
        path: Where it is.
        size: Its height and width in pixels.
        label: The class whose folder it lies in.
    """

    path: Path
    size: tuple[int, int]
    label: str | None = dataclasses.field(default=None, compare=False)

    @property
    def name(self) -> str:
        """What the user calls it."""
        return str(self.path)

    @property
    def stem(self) -> str:
        """What files about it are called."""
        return self.path.stem if self.label is None else f"{self.label}-{self.path.stem}"

    def read(self) -> Pixels:
        """The picture, uint8 (H, W, 3)."""
        from tfxai.data.images import read_image

        return read_image(self.path)


@dataclasses.dataclass(frozen=True)
class Cifar10Image:
    """One image of CIFAR-10.

    Args:
        split: `"train"` or `"test"`.
        index: Its place in the split.
    """

    split: str
    index: int
    size: ClassVar[tuple[int, int]] = (32, 32)

    @property
    def name(self) -> str:
        """What the user calls it."""
        return f"{CIFAR10}{self.split}:{self.index}"

    @property
    def stem(self) -> str:
        """What files about it are called."""
        return f"cifar10-{self.split}-{self.index}"

    @property
    def label(self) -> str | None:
        """The class that it is known to show."""
        from tfxai.data.cifar10 import CLASSES

        return CLASSES[int(_cifar10(self.split)[1][self.index])]

    def read(self) -> Pixels:
        """The picture, uint8 (32, 32, 3)."""
        return _cifar10(self.split)[0][self.index]


def find_sources(words: Iterable[str], seed: int | None, bad: BadFiles = STRICT) -> list[Source]:
    """The images that the words mean, folders opened; every file has been read once.

    Args:
        words: Paths of files and folders, `cifar10:SPLIT:INDEX`, `cifar10:SPLIT:random`.
        seed: Seed of the random images; None draws one and prints it.
        bad: What becomes of files that are not there or cannot be read.

    Raises:
        DataNotFoundError: A file or folder is not there.
        InvalidInputError: A file is not a readable image, a folder holds none, or a CIFAR-10 image
            does not exist.
    """
    drawn = secrets.randbelow(2**31) if seed is None else seed
    draws = _Draws(drawn)
    found = [source for word in words for source in _sources(word, draws, bad)]
    for drawing in draws.made:
        remark(f"cifar10:{drawing.split}:random is {drawing.name} (again with --seed {drawn})")
    unique: dict[Source, Source] = {}  # one given twice is explained once, with its label
    for source in found:
        if source not in unique or unique[source].label is None:
            unique[source] = source
    return list(unique.values())


class _Draws:
    """Random images, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.made: list[Cifar10Image] = []

    def index(self, split: str, size: int) -> int:
        import numpy as np

        chosen = np.random.default_rng((self._seed, len(self.made))).integers(size)
        self.made.append(Cifar10Image(split, int(chosen)))
        return int(chosen)


def _sources(word: str, draws: _Draws, bad: BadFiles) -> Iterator[Source]:
    if word.startswith(CIFAR10) and not Path(word).exists():
        yield _of_cifar10(word, draws)
    elif Path(word).is_dir():
        from tfxai.data.folders import labelled_files

        yield from _checked(labelled_files(word), bad)
    else:
        with bad.allowed(word):
            yield _file(Path(word))


def _checked(files: Sequence[tuple[Path, str | None]], bad: BadFiles) -> list[File]:
    found = []
    counted = Counted("Reading images", len(files))
    with counted.shown():
        for number, (path, label) in enumerate(files, start=1):
            with bad.allowed(str(path)):
                found.append(_file(path, label))
            counted.reach(number)
    return found


def _file(path: Path, label: str | None = None) -> File:
    """A file that has been read once: a bad one is met before anything is computed."""
    from tfxai.data.images import read_image

    height, width = read_image(path).shape[:2]
    return File(path, (height, width), label)


def _of_cifar10(word: str, draws: _Draws) -> Cifar10Image:
    from tfxai.data.cifar10 import SIZES

    split, _, index = word.removeprefix(CIFAR10).partition(":")
    if split not in SIZES:
        raise UnknownNameError.of("split of CIFAR-10", split, SIZES)
    size = SIZES[split]
    if index == "random":
        return Cifar10Image(split, draws.index(split, size))
    if not (index.isascii() and index.isdigit()) or int(index) >= size:
        raise InvalidInputError(
            f"{word!r} names no image: the {split} split has images 0 to {size - 1}. "
            f"Pass {CIFAR10}{split}:NUMBER or {CIFAR10}{split}:random."
        )
    return Cifar10Image(split, int(index))


@functools.cache
def _cifar10(split: str) -> tuple[Pixels, Pixels]:
    from tfxai.cli.terminal import working
    from tfxai.data.cifar10 import load_cifar10

    with working("Reading CIFAR-10"):
        return load_cifar10(split)
