"""`tfxai debug`: why a model takes images for something else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfxai.cli import arguments, explain
from tfxai.cli.completion import method_names
from tfxai.cli.data_images import CIFAR10
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.debugging import Debugging

METHOD = "integrated_gradients"

Limit = Annotated[
    int, typer.Option(min=1, help="Look at only that many images, evenly spaced, for mistakes.")
]
Most = Annotated[
    int, typer.Option(min=1, max=40, help="Most mistakes that are explained: the surest ones.")
]
Training = Annotated[
    str | None,
    typer.Option(
        metavar="cifar10|DIR",
        help="Labelled images that the model learned from, CIFAR-10's training split or a folder "
        "of a folder per class: which of them weigh most on a mistake, and which labels are "
        "doubtful.",
    ),
]
TrainingLimit = Annotated[
    int, typer.Option(min=1, help="Look at only that many of them, evenly spaced.")
]
Method = Annotated[
    str,
    typer.Option(
        "--method", "-m", metavar="NAME", autocompletion=method_names, help="See: tfxai methods."
    ),
]


Images = Annotated[
    list[str],
    typer.Argument(
        metavar="[IMAGE]...",
        help="Images to look at instead of those of --data: files, folders, cifar10:test:5113.",
        show_default=False,
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="cifar10|FOLDER",
        help="The test images of CIFAR-10, or a folder of class folders; cifar10 if there are no "
        "images either.",
        show_default=False,
    ),
]
TrueLabel = Annotated[
    str | None,
    typer.Option(
        metavar="CLASS",
        help="What the images show: a class by its name, or its number. Images of CIFAR-10 and of "
        "class folders need none.",
        show_default=False,
    ),
]


_CONFUSIONS = 10  # kinds that are listed


def debug(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    images: Images = [],  # noqa: B006 - typer copies it
    data: Data = None,
    true_label: TrueLabel = None,
    limit: Limit = 1000,
    most: Most = 8,
    method: Method = METHOD,
    option: explain.Options = [],  # noqa: B006 - typer copies it
    layer: explain.Layer = None,
    training: Training = None,
    training_limit: TrainingLimit = 2000,
    save: arguments.Figure = Path("out/debug.png"),
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Say why labelled images are misclassified, from what is measured on each.

    Of single images: tfxai debug MODEL photo.jpg --true-label "tabby cat".
    """
    import numpy as np

    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import as_batch, evenly_spaced, labelled
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.picking import pick_methods
    from tfxai.cli.runtime import start
    from tfxai.cli.sources import find_sources
    from tfxai.cli.terminal import print_json, shown
    from tfxai.cli.true_labels import class_number
    from tfxai.cli.writing import check_file
    from tfxai.plotting.figures import format_of

    _check_words(images, data, true_label)
    format_of(save)
    check_file(save)
    start()
    from tfxai.debugging import debug as find

    (chosen,) = pick_methods([method], option, layer)
    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    bad = BadFiles(skip=skip_bad)
    if images:
        sources = find_sources(images, None, bad)
    else:
        sources = evenly_spaced(data or CIFAR10, limit, bad)
    check_file(save, sources)
    if true_label is None:
        word = "--true-label CLASS or --data" if images else "--data"
        truth = labelled(sources, classifier, word)
    else:
        truth = np.full(len(sources), class_number(true_label, classifier))
    learned, both = [], None
    if training is not None:
        word = "--training"
        learned = evenly_spaced(training, training_limit, bad, split="train", option=word)
        check_file(save, learned)
        both = as_batch(learned, classifier), labelled(learned, classifier, word)
    found = find(
        classifier.subject, as_batch(sources, classifier), truth, chosen, most=most, training=both
    )
    names, learned_names = ([one.name for one in some] for some in (sources, learned))
    if found.mistakes:
        found.plot(save, names=[shown(Path(name).name) for name in names])
    if as_json:
        figure = str(save) if found.mistakes else None
        record = found.to_json()
        for one in record["mistakes"]:
            one["image"] = names[one["index"]]
            for some in (one["training"] or {}).values():
                for other in some:
                    other["image"] = learned_names[other["index"]]
        for one in record["suspects"]:
            one["image"] = learned_names[one["index"]]
        asked = {"images": names} if images else {"data": data or CIFAR10}
        print_json({"model": model, **asked, **record, "figure": figure})
    else:
        _show(found, names, learned_names, save)
    bad.finish(found.count)


def _check_words(images: Sequence[str], data: str | None, true_label: str | None) -> None:
    """Raises where what is named does not fit together, before anything is read."""
    if images and data is not None:
        raise InvalidInputError(
            f"Images came with --data {data}, and either says what to look at. Leave one out."
        )
    if true_label is not None and not images:
        raise InvalidInputError(
            f"--true-label {true_label} says what images show, and none came. Name the images "
            "behind the model; those of --data have their labels."
        )


def _show(found: Debugging, names: Sequence[str], learned: Sequence[str], save: Path) -> None:
    from tfxai.cli.terminal import print_laid_out, say, shown, table

    say(f"{found.wrong:,} of {found.count:,} images are misclassified.", style="bold")
    if found.suspects:
        _show_suspects(found, learned)
    if not found.mistakes:
        return
    confusions = table("Labelled", "Taken for", "Images", right=(2,))
    counted = found.to_json()["confusions"]
    for record in counted[:_CONFUSIONS]:
        confusions.add_row(shown(record["true"]), shown(record["predicted"]), str(record["count"]))
    print_laid_out(confusions)
    if left := sum(record["count"] for record in counted[_CONFUSIONS:]):
        say(f"and {left:,} more of other kinds; --json has all", style="dim")
    say()
    if found.predicted is not None:
        say(f"What speaks for a class is said by {found.predicted.method['name']}.", style="dim")
    for one in found.mistakes:
        say(shown(f"{names[one.index]}: {one.diagnosis()}"))
    say()
    say(shown(str(save)))


def _show_suspects(found: Debugging, learned: Sequence[str]) -> None:
    """The training images whose labels may be wrong."""
    from tfxai.cli.terminal import print_laid_out, say, shown, table

    say()
    rows = table("Doubtful label of", "Labelled", "Taken for", "Self-influence", right=(3,))
    for record in found.to_json()["suspects"]:
        rows.add_row(
            shown(learned[record["index"]]),
            shown(record["label"]),
            shown(record["predicted"]),
            f"{record['self_influence']:.3g}",
        )
    print_laid_out(rows)
    say()
