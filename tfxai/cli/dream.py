"""`tfxai dream`: an image in which layers of a model find more of what they look for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfxai.cli import arguments
from tfxai.cli.completion import layer_paths
from tfxai.cli.visualise import ANY_SIZE

Image = Annotated[Path, typer.Argument(metavar="IMAGE", help="The image, of any size.")]
Layers = Annotated[
    list[str],
    typer.Option(
        "--layer",
        metavar="LAYER",
        autocompletion=layer_paths,
        help="Path of a layer that is raised; repeat it for several.",
    ),
]
Octaves = Annotated[int, typer.Option(min=1, help="Number of sizes, the smallest first.")]
Scale = Annotated[float, typer.Option(help="From each size to the next, above 1.")]
Steps = Annotated[int, typer.Option(min=1, help="Steps at each size.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the places of the tiles.")]


def dream(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    image: Image,
    layer: Layers,
    octaves: Octaves = 4,
    octave_scale: Scale = 1.4,
    steps: Steps = 10,
    seed: Seed = 0,
    save: arguments.Figure = Path("out/dream.png"),
    preprocessing: arguments.Preprocessing = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    as_json: arguments.Json = False,
) -> None:
    """Let layers of a model dream over an image: raise what they find in it, size by size."""
    from PIL import Image as Pictures

    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json, print_laid_out, say, shown, table
    from tfxai.cli.writing import check_file
    from tfxai.data.images import grey_image, read_image
    from tfxai.files import replacing

    kind = _format_of(save)
    pixels = read_image(image)
    check_file(save, [image])
    start()
    from tfxai.features import DeepDream

    classifier = open_classifier(model, preprocessing, trust=trust, modules=modules)
    asked = DeepDream(
        layer, octaves=octaves, octave_scale=octave_scale, steps=steps, seed=seed,
        size=classifier.size or ANY_SIZE,
    )  # fmt: skip
    found = asked(classifier.subject, grey_image(pixels) if classifier.channels == 1 else pixels)
    save.parent.mkdir(parents=True, exist_ok=True)
    own = found.image[..., 0] if found.image.shape[-1] == 1 else found.image
    with replacing(save) as beside:
        Pictures.fromarray(own).save(beside, kind)
    if as_json:
        sizes = [{"size": list(size), "norm_before": float(a), "norm_after": float(b)}
                 for size, (a, b) in zip(found.sizes, found.norms, strict=True)]  # fmt: skip
        print_json({"model": model, "image": str(image), "octaves": sizes, "figure": str(save)})
        return
    made = table("Size", "Norm of the layers before", "After", right=(1, 2))
    for (height, width), (before, after) in zip(found.sizes, found.norms, strict=True):
        made.add_row(f"{width}x{height}", f"{before:.3g}", f"{after:.3g}")
    print_laid_out(made)
    say()
    say(shown(str(save)))


def _format_of(path: Path) -> str:
    """What Pillow calls the format that a file's suffix names."""
    from tfxai.errors import InvalidInputError

    known = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
    if path.suffix.lower() not in known:
        raise InvalidInputError(
            f"The image's file {str(path)!r} ends in {path.suffix!r}. End it in .png, .jpg or "
            ".webp."
        )
    return known[path.suffix.lower()]
