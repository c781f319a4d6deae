"""`tfxai top-images`: the images that a channel of a model answers to most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments
from tfxai.cli.completion import layer_paths
from tfxai.cli.data_images import CIFAR10

if TYPE_CHECKING:
    from tfxai.cli.image_classifier import ImageClassifier
    from tfxai.cli.sources import Source

Layer = Annotated[
    str, typer.Option(metavar="LAYER", autocompletion=layer_paths, help="Path of a layer.")
]
Channel = Annotated[int, typer.Option("--channel", "-c", min=0, help="Number of its channel.")]
By = Annotated[
    str,
    typer.Option(
        metavar="activation|relevance",
        help="activation: what excites the channel; relevance: where it matters for the answer, "
        "by LRP.",
    ),
]
Count = Annotated[int, typer.Option(min=1, max=64, help="Most images that are shown.")]
Limit = Annotated[int, typer.Option(min=1, help="Look at that many images, evenly spaced.")]


def top_images(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    layer: Layer,
    channel: Channel,
    data: arguments.Data = CIFAR10,
    by: By = "activation",
    count: Count = 8,
    limit: Limit = 1000,
    save: arguments.Figure = Path("out/top-images.png"),
    preprocessing: arguments.Preprocessing = None,
    resize: arguments.Resize = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Show the images of a data set that a channel answers to most, and what counts in them."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import evenly_spaced
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json, print_laid_out, say, shown, table
    from tfxai.cli.writing import check_file
    from tfxai.plotting.figures import format_of

    format_of(save)
    bad = BadFiles(skip=skip_bad)
    sources = evenly_spaced(data, limit, bad)
    check_file(save, sources)
    start()
    from tfxai import features

    classifier = open_classifier(model, preprocessing, None, resize, trust=trust, modules=modules)
    batches = _batches(sources, classifier)
    found = features.top_images(classifier.subject, layer, channel, batches, by, count=count)
    save.parent.mkdir(parents=True, exist_ok=True)
    found.plot(save, f"{layer} channel {channel} of {model}, by {by}")
    record = found.to_dict()
    for one in record["images"]:
        one["image"] = sources[one["image"]].name
    if as_json:
        about: dict[str, Any] = {"model": model, "data": data, "figure": str(save)}
        print_json({**about, **record})
    else:
        made = table("Image", by.capitalize(), "Box (top, left, bottom, right)", right=(1,))
        for one in record["images"]:
            made.add_row(shown(one["image"]), f"{one['value']:.3g}", str(one["box"])[1:-1])
        print_laid_out(made)
        say()
        say(shown(str(save)))
    bad.finish(len(sources))


def _batches(sources: Sequence[Source], classifier: ImageClassifier) -> Iterator[Any]:
    from tfxai.cli.data_images import as_batch

    for i in range(0, len(sources), 64):
        yield as_batch(sources[i : i + 64], classifier)
