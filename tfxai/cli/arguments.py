"""The words that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfxai.cli.completion import model_names

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=model_names,
        help="A .keras or .h5 file, the folder of a SavedModel or of a KerasHub preset, or the "
        "name of a model.",
    ),
]
Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE...",
        help="Image files, folders of them or of class folders (photos/cat/1.jpg shows a cat), "
        "cifar10:test:5113 or cifar10:test:random. Images of another size than the model's are "
        "cropped to its shape and resized. Of animated files the first frame is taken; 16 bits, "
        "CMYK and transparency (on white) are converted.",
        show_default=False,
    ),
]
Preprocessing = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How pixels 0..255 become the model's input: unit (divided by 255), none (as they "
        "are, for models that start with Rescaling or Normalization), tf, torch, caffe (modes of "
        "Keras applications) or standardise (unit, then CIFAR-10's mean and standard deviation). "
        "A model's card says it; without a card this option is needed.",
        show_default=False,
    ),
]
ExportedPreprocessing = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How pixels 0..255 become the input of a model without a card: unit, none, tf, "
        "torch, caffe or standardise, as `tfxai explain --help` says. With neither, a server "
        "takes and gives numbers and no pictures.",
        show_default=False,
    ),
]
Resize = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=8192,
        metavar="SIDE",
        help="Crop images to their middle and resize it to SIDE x SIDE pixels (bilinear) before "
        "the preprocessing: what an enlarged thumbnail looks like to a model of larger images. If "
        "left out, images are brought to the model's size by a sharper filter (Lanczos).",
        show_default=False,
    ),
]
Classes = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Names of the model's classes in the order of its outputs: a JSON list, Keras' "
        "imagenet_class_index.json, or a text with one name a line. A model's card says them.",
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Seed of cifar10:...:random; draws the same image again.",
        show_default=False,
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Load the model whatever tfxai inspect finds in it, and run the code that it brings.",
    ),
]
Import = Annotated[
    list[str],
    typer.Option(
        "--import",
        metavar="MODULE",
        help="Import a Python module of yours, whose classes and functions the model uses. Repeat "
        "it for several. The module's code runs.",
        show_default=False,
    ),
]
SkipBad = Annotated[
    bool,
    typer.Option(
        "--skip-bad",
        help="Leave out files that cannot be read or used; they are listed at the end, and the "
        "exit code is 1.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Data = Annotated[
    str,
    typer.Option(
        metavar="cifar10|FOLDER",
        help="The test images of CIFAR-10, or a folder of images or of class folders.",
    ),
]
Figure = Annotated[
    Path,
    typer.Option(metavar="FIGURE", help="File of the figure: .png, .pdf, .svg, .jpg or .webp."),
]
Text = Annotated[
    list[str],
    typer.Option(
        metavar="TEXT",
        help="A text, for models that take texts. May be repeated.",
        show_default=False,
    ),
]
Texts = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A file with a text on each line; - is standard input.",
        show_default=False,
    ),
]
