"""`tfxai tcav`: whether a class rests on concepts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments
from tfxai.cli.completion import layer_paths
from tfxai.cli.data_images import CIFAR10
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from rich.table import Table

    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.image_classifier import ImageClassifier
    from tfxai.cli.sources import Source
    from tfxai.concepts import Concept, TCAVResult

_PER_CONCEPT = 40  # random images for each of a concept: random concepts then overlap little

Layers = Annotated[
    list[str],
    typer.Option(
        "--layer",
        "-l",
        metavar="PATH",
        autocompletion=layer_paths,
        help="A layer, such as backbone/conv5. Repeat it.",
    ),
]
Concepts = Annotated[
    list[str],
    typer.Option(
        "--concept",
        metavar="FOLDER|NAME",
        help="A folder of images of a concept, or one that is drawn: stripes, dots, checks, "
        "zigzags, or a colour such as red. Repeat it. Write ./red for a folder of such a name.",
    ),
]
Random = Annotated[
    str,
    typer.Option(
        metavar="cifar10|FOLDER",
        help="Images to draw random concepts from: ten times as many as a concept has, or more.",
    ),
]
Target = Annotated[str, typer.Option(metavar="CLASS", help="Name or number of the class.")]
Limit = Annotated[
    int,
    typer.Option(
        min=10,
        help="Use that many images of the class, evenly spaced. Of a folder with class folders "
        "those of the class are taken, of other folders all.",
    ),
]
Count = Annotated[
    int, typer.Option(min=10, help="Images of a concept: drawn, or evenly spaced in its folder.")
]
Draws = Annotated[int, typer.Option(min=39, help="Random concepts that each is ranked among.")]
Relative = Annotated[
    bool, typer.Option("--relative", help="Tell each concept from the others, not from --random.")
]
Pooled = Annotated[
    bool, typer.Option("--pooled", help="Average activations over positions: faster, and smaller.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of what is drawn.")]
Numbers = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Also write the numbers: .json or .csv.", show_default=False
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Keep activations there (at most 2 GiB), so that a run that was stopped, or another "
        "one, goes on from them.",
        show_default=False,
    ),
]


def tcav(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    layer: Layers,
    concept: Concepts,
    target: Target,
    random: Random = CIFAR10,
    data: arguments.Data = CIFAR10,
    limit: Limit = 100,
    count: Count = 50,
    draws: Draws = 199,
    relative: Relative = False,
    pooled: Pooled = False,
    seed: Seed = 0,
    save: arguments.Figure = Path("out/tcav.png"),
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
    """Test whether a class rests on concepts, against random concepts."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import as_batch, evenly_spaced
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json

    start()
    _check_words(concept)
    check_files(save, numbers, cache)
    bad = BadFiles(skip=skip_bad)
    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    index = target_index(target, classifier)
    shown = images_of(data, index, limit, classifier, bad)
    concepts, read = _concepts(concept, count, seed, classifier, bad)
    most = _PER_CONCEPT * count + (len(concepts) * count if relative else 0)
    others = evenly_spaced(random, most, bad, option="--random")
    for path in filter(None, (save, numbers)):
        _check_free(path, [*shown, *read, *others])
    result = _answered(
        {
            "layers": layer,
            "concepts": concepts,
            "randoms": _named_concept("random images", as_batch(others, classifier)),
            "draws": draws,
            "relative": relative,
            "pooled": pooled,
            "seed": seed,
        },
        (classifier.subject, as_batch(shown, classifier), index),
        cache,
    )
    result.plot(save)
    if numbers is not None:
        result.save(numbers)
    if as_json:
        print_json({"model": model, "data": data, **result.to_dict(), "figure": str(save)})
    else:
        _say(result, [save, *([numbers] if numbers else [])])
    bad.finish(len(shown) + len(read) + len(others))


def target_index(target: str, classifier: ImageClassifier) -> int:
    """The output that a word names.

    Raises:
        UnknownNameError: The model has no such class.
    """
    from tfxai.classes import class_index
    from tfxai.cli.picking import read_target

    word, names = read_target(target), classifier.subject.classes
    index = class_index(word, names) if isinstance(word, str) else word
    if index is None or not 0 <= index < classifier.classes:
        known = names or tuple(map(str, range(classifier.classes)))
        raise UnknownNameError.of("class of the model", target, known)
    return index


def images_of(
    data: str, index: int, limit: int, classifier: ImageClassifier, bad: BadFiles
) -> list[Source]:
    """The images of `--data` that show a class; all of them where nothing says what they show.

    Raises:
        InvalidInputError: None does, or fewer than a test needs.
    """
    from tfxai.classes import class_index
    from tfxai.cli.data_images import evenly_spaced

    names = classifier.subject.classes

    def keep(label: str | None) -> bool:
        if label is None:
            return True
        own = class_index(label, names)
        return own == index or (not names and label == str(index))

    found = evenly_spaced(data, limit, bad, keep=keep)
    name = names[index] if names else str(index)
    if not found:
        raise InvalidInputError(
            f"No image of --data {data!r} shows {name!r}. Pass a folder with a folder of that "
            "name, or a folder of its images alone."
        )
    return found


def check_files(save: Path, numbers: Path | None, cache: Path | None) -> None:
    """Refuses files that cannot be written or are named wrongly, before a model is loaded."""
    from tfxai.cli.writing import check_file, check_folder
    from tfxai.concepts.result_table import check_suffix
    from tfxai.plotting.figures import format_of

    format_of(save)
    for path in filter(None, (save, numbers)):
        check_file(path)
    if numbers is not None:
        check_suffix(numbers)
    if cache is not None:
        check_folder(cache)


def _check_words(concepts: Sequence[str]) -> None:
    """Refuses words that name no concept, before a model is loaded."""
    from tfxai.concepts.patterns import NAMES

    for word in concepts:
        if word not in NAMES and not Path(word).is_dir():
            raise UnknownNameError.of("folder or drawn concept", word, NAMES)


def _check_free(path: Path, read: Sequence[Source]) -> None:
    from tfxai.cli.writing import check_file

    check_file(path, read)


def _concepts(
    words: Sequence[str], count: int, seed: int, classifier: ImageClassifier, bad: BadFiles
) -> tuple[list[Concept], list[Source]]:
    """The concept of each word, and the images that were read for them."""
    import numpy as np

    from tfxai.cli.data_images import as_batch, evenly_spaced
    from tfxai.concepts.patterns import NAMES, pattern

    made, read = list[Any](), list[Any]()
    for word in words:
        if word in NAMES:
            if classifier.size is None:
                raise InvalidInputError(
                    f"--concept {word!r} is drawn at the model's size, and the model takes any. "
                    "Pass --resize SIDE."
                )
            drawn = pattern(word, count, classifier.size, seed)
            images = np.stack([classifier.fit(image) for image in drawn.images])
            made.append(_named_concept(word, images))
            continue
        sources = evenly_spaced(word, count, bad, option="--concept")
        read += sources
        made.append(_named_concept(Path(word).resolve().name, as_batch(sources, classifier)))
    return made, read


def _named_concept(name: str, images: Any) -> Concept:
    from tfxai.concepts import Concept

    return Concept(name, images)


def _answered(options: dict[str, Any], asked: tuple[Any, ...], cache: Path | None) -> TCAVResult:
    """The test, with a bar on a terminal."""
    from tfxai.cli.terminal import Counted
    from tfxai.concepts import TCAV

    test = TCAV(**options)
    steps = len(test.layers) * (2 + len(test.concepts))
    counted = Counted("Testing concepts", steps)
    with counted.shown():
        return test(*asked, cache=cache, progress=lambda done, total: counted.reach(done))


def _say(result: TCAVResult, files: Sequence[Path]) -> None:
    from tfxai.cli.terminal import print_laid_out, remark, say, shown

    print_laid_out(_table(result))
    say()
    say(shown(f"{result.count} images of {result.target}, {result.draws} random concepts."))
    if result.remark:
        remark(result.remark)
    for path in files:
        say(shown(str(path)))


def _table(result: TCAVResult) -> Table:
    from tfxai.cli.terminal import shown, table

    made = table(
        "Layer", "Concept", "Score", "Random", "Magnitude", "p", "Accuracy", "Found",
        right=(2, 4, 5, 6),
    )  # fmt: skip
    for row in result.rows:
        low, high = row.random_range
        made.add_row(
            shown(row.layer),
            shown(row.concept),
            f"{row.score:.2f}",
            f"{low:.2f} to {high:.2f}",
            f"{row.magnitude:+.2g}",
            f"{row.adjusted:.2g}",
            f"{row.accuracy:.2f}",
            "yes" if result.is_significant(row) else "no",
        )
    return made
