"""`tfxai concepts`: what a layer's answers to a class are made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments
from tfxai.cli.completion import layer_paths
from tfxai.cli.data_images import CIFAR10
from tfxai.cli.tcav import Cache, Limit, Numbers, Seed, Target

if TYPE_CHECKING:
    from rich.table import Table

    from tfxai.concepts import ConceptDiscovery, DiscoveredConcepts

Layer = Annotated[
    str | None,
    typer.Option(
        "--layer",
        "-l",
        metavar="PATH",
        autocompletion=layer_paths,
        help="A layer behind a ReLU. If left out, the last one whose maps are never negative.",
        show_default=False,
    ),
]
Count = Annotated[int, typer.Option(min=1, help="Most concepts.")]
Crop = Annotated[float, typer.Option(help="Side of a crop as a share of the image's, in (0, 1).")]
Crops = Annotated[int, typer.Option(min=1, help="Crops of each image.")]
Samples = Annotated[
    int, typer.Option(min=2, help="Masks that importance is measured by, a power of two.")
]


def concepts(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    target: Target,
    layer: Layer = None,
    data: arguments.Data = CIFAR10,
    limit: Limit = 100,
    count: Count = 10,
    crop: Crop = 0.3,
    crops: Crops = 12,
    samples: Samples = 64,
    seed: Seed = 0,
    save: arguments.Figure = Path("out/concepts.png"),
    numbers: Numbers = None,
    cache: Cache = None,
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Find what a layer's answers to a class are made of, and how much each part matters."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import as_batch
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.runtime import start
    from tfxai.cli.tcav import check_files, images_of, target_index
    from tfxai.cli.terminal import print_json
    from tfxai.cli.writing import check_file

    start()
    files = [save, *([numbers] if numbers else [])]
    check_files(save, numbers, cache)
    bad = BadFiles(skip=skip_bad)
    discovery = _discovery(
        layer=layer, concepts=count, crop=crop, crops=crops, samples=samples, seed=seed
    )
    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    index = target_index(target, classifier)
    shown = images_of(data, index, limit, classifier, bad)
    for path in files:
        check_file(path, shown)
    found = discovery(classifier.subject, as_batch(shown, classifier), index, cache=cache)
    found.plot(save)
    if numbers is not None:
        found.save(numbers)
    if as_json:
        print_json({"model": model, "data": data, **found.to_dict(), "figure": str(save)})
    else:
        _say(found, files)
    bad.finish(len(shown))


def _discovery(**options: Any) -> ConceptDiscovery:
    from tfxai.concepts import ConceptDiscovery

    return ConceptDiscovery(**options)


def _say(found: DiscoveredConcepts, files: Sequence[Path]) -> None:
    from tfxai.cli.terminal import print_laid_out, remark, say, shown

    print_laid_out(_table(found))
    say()
    say(
        shown(
            f"{found.crops} crops of {found.count} images of {found.target} at {found.layer}; "
            f"{found.left_over:.0%} of their activations is in no concept."
        )
    )
    if found.remark:
        remark(found.remark)
    for path in files:
        say(shown(str(path)))


def _table(found: DiscoveredConcepts) -> Table:
    from tfxai.cli.terminal import table

    made = table(
        "Concept", "Importance", "Score without it", "Similarity", "Comes back", right=(0, 2, 3)
    )
    for row in found:
        made.add_row(
            str(row.number + 1),
            f"{row.importance:.2f} \N{PLUS-MINUS SIGN} {row.error:.2f}",
            f"{-row.drop:+.2g}",
            f"{row.similarity:.2f}",
            "yes" if row.comes_back else "no",
        )
    return made
