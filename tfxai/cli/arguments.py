"""The words that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A .keras or .h5 file, or the name of a model.")
]
Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGE...",
        help="Image files, folders of them, cifar10:test:5113 or cifar10:test:random. Images of "
        "another size than the model's are cropped to its shape and resized. Of animated files "
        "the first frame is taken; 16 bits, CMYK and transparency (on white) are converted.",
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
Seed = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Draws the same cifar10:...:random image again.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
