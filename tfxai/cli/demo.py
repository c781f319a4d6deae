"""`tfxai demo`: a trained model, photographs, and why it sees what it sees in them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from tfxai.cli.explained import ExplainedImage

    Pixels: TypeAlias = np.ndarray[Any, Any]

MODEL = "cifar10_cnn"
LAYER = "Conv2D_Block3_Layer1"
METHODS = ("saliency", "integrated_gradients", "grad_cam")


@dataclasses.dataclass(frozen=True)
class Photograph:
    """A photograph that comes with scikit-image.

    Args:
        key: Its name there.
        shows: What it shows, for those who read the table.
        size: Its height and width in pixels.
        label: The class that it shows, None where the model has no such class.
    """

    key: str
    shows: str
    size: tuple[int, int]
    label: str | None = None

    @property
    def name(self) -> str:
        """What the figure calls it."""
        return f"{self.key}: {self.shows}"

    @property
    def stem(self) -> str:
        """What files about it are called."""
        return self.key

    def read(self) -> Pixels:
        """The picture, uint8 (H, W, 3)."""
        from tfxai.data.samples import sample_image

        return sample_image(self.key)


PHOTOGRAPHS = (
    Photograph("chelsea", "a cat", (300, 451), "Cat"),
    Photograph("rocket", "a rocket", (427, 640)),
    Photograph("motorcycle_left", "a motorcycle", (500, 741)),
    Photograph("coffee", "a cup of coffee", (400, 600)),
)
STEPS = 200  # of the integral: the default 50 leaves a gap that a first look would stumble over
STORY = (
    "A network that learned ten kinds of things from the thumbnails of CIFAR-10 ({classes}) looks "
    "at photographs, cropped to a square and shrunk to {width}x{height} pixels as it is used to. "
    "It has no word for a rocket, a motorcycle or a cup: there it has to choose the nearest of "
    "its ten."
)
READING = (
    ("Saliency", "bright: a small change here would move the score most"),
    (
        "Integrated Gradients",
        "red speaks for the class, blue against it; all of it together is the score minus that "
        "of a black image, but for the completeness gap",
    ),
    (
        "Grad-CAM",
        "bright: {layer} found evidence for the class here (chosen for its finer grid: left to "
        "itself, Grad-CAM takes the last layer that has one)",
    ),
)


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where figures go.")] = Path("out/demo"),
) -> None:
    """Show why a trained model calls a photograph a cat, and others what they are not."""
    from tfxai.cli.explaining import Request, explain_images
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.picking import pick_methods
    from tfxai.cli.terminal import output, print_laid_out
    from tfxai.cli.writing import Writer

    writer = Writer(out, ["png"], PHOTOGRAPHS)
    classifier = open_classifier(MODEL, None)
    request = Request(tuple(pick_methods(METHODS, [f"steps={STEPS}"], LAYER)))
    explained = list(explain_images(classifier, PHOTOGRAPHS, request))
    files = [writer.write(one, {})[0] for one in explained]
    _tell(classifier.subject.classes or (), classifier.size or (32, 32))
    print_laid_out(_table(explained))
    output().print()
    output().print(_figures(files), soft_wrap=True)


def _tell(classes: Sequence[str], size: tuple[int, int]) -> None:
    """Says in words what is seen here."""
    from rich.table import Table

    from tfxai.cli.terminal import output

    names = ", ".join(name.lower() for name in classes)
    output().print(STORY.format(classes=names, height=size[0], width=size[1]), width=80)
    output().print('\nEach figure has three answers to "What made you say so?"')
    reading = Table.grid(padding=(0, 2))
    for method, words in READING:
        reading.add_row(f"  {method}", words.format(layer=LAYER))
    output().print(reading, width=80)
    output().print()


def _table(explained: Sequence[ExplainedImage]) -> Any:
    """One line for each photograph: what it shows, what the model says, what it says next."""
    from tfxai.cli.explaining import gap_text
    from tfxai.cli.terminal import table

    made = table("Photograph of", "The model says", "then", "Completeness gap", right=(3,))
    for one, photograph in zip(explained, PHOTOGRAPHS, strict=True):
        first, second = (f"{rank.name} {rank.value:.1%}" for rank in one.best[:2])
        gaps = [gap_text(each) for each in one.attributions if each.completeness_gap is not None]
        made.add_row(photograph.shows, first, second, *gaps)
    return made


def _figures(files: Sequence[str]) -> Any:
    """One line for each figure, in the order of the table."""
    from tfxai.cli.terminal import shown, table

    made = table("Figure of", "")
    for path, photograph in zip(files, PHOTOGRAPHS, strict=True):
        made.add_row(photograph.shows, shown(path))
    return made
