"""`tfxai audit`: does a model answer by what lies in a region, by a shortcut?"""

from __future__ import annotations

import csv as csv_files
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments, explain
from tfxai.cli.completion import method_names
from tfxai.errors import DataNotFoundError, InvalidInputError

if TYPE_CHECKING:
    from tfxai.auditing import Audit
    from tfxai.cli.image_classifier import ImageClassifier
    from tfxai.cli.sources import Source
    from tfxai.regions import Region

Limit = Annotated[int, typer.Option(min=8, help="Use at most that many images, evenly spaced.")]
MaskFile = Annotated[
    Path | None,
    typer.Option(
        "--mask",
        metavar="PATH",
        help="An image whose bright pixels mark the region of all images, or a folder with one "
        "for each image, by the same path below it.",
        show_default=False,
    ),
]
Background = Annotated[
    bool,
    typer.Option("--background", help="What --mask marks is the object; the region is the rest."),
]
PatchFile = Annotated[
    Path | None,
    typer.Option(
        "--patch", metavar="FILE", help="A small image that is put in.", show_default=False
    ),
]
Place = Annotated[
    tuple[int, int],
    typer.Option(
        "--at",
        metavar="TOP LEFT",
        help="Where the patch is put, in pixels of the model's input; negative numbers count from "
        "the lower and the right edge.",
    ),
]
BorderWidth = Annotated[
    int | None,
    typer.Option(
        "--border", min=1, help="The outermost pixels on all sides, so many.", show_default=False
    ),
]
Groups = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A CSV file with the columns image (its path below the folder) and group, whose "
        "effects are told too.",
        show_default=False,
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method",
        "-m",
        metavar="NAME",
        autocompletion=method_names,
        help="Also tell how much of its maps lies in the region: a pointer, no proof. Without a "
        "region it proposes some, integrated_gradients by default.",
        show_default=False,
    ),
]
Least = Annotated[
    float,
    typer.Option(help="Mean change of a probability from which on a region is said to be used."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of what is drawn.")]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="Also write a line for each effect.",
                 show_default=False),
]  # fmt: skip


def audit(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    data: arguments.Data = "cifar10",
    limit: Limit = 200,
    mask: MaskFile = None,
    background: Background = False,
    patch: PatchFile = None,
    at: Place = (0, 0),
    border: BorderWidth = None,
    groups: Groups = None,
    method: Method = None,
    option: explain.Options = [],  # noqa: B006 - typer copies it
    layer: explain.Layer = None,
    least: Least = 0.1,
    seed: Seed = 0,
    csv: Csv = None,
    preprocessing: arguments.Preprocessing = None,
    classes: arguments.Classes = None,
    resize: arguments.Resize = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    skip_bad: arguments.SkipBad = False,
    as_json: arguments.Json = False,
) -> None:
    """Look for shortcuts by intervention: what a region does to the answers by itself."""
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.data_images import as_batch, evenly_spaced
    from tfxai.cli.image_classifier import open_classifier
    from tfxai.cli.picking import pick_methods
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json
    from tfxai.cli.true_labels import true_targets

    _check(csv, groups, mask, patch, border, background=background)
    bad = BadFiles(skip=skip_bad)
    sources = evenly_spaced(data, limit, bad)
    of_groups = None if groups is None else _groups(groups, data, sources)
    start()
    chosen = pick_methods([method], option, layer)[0] if method else None
    classifier = open_classifier(
        model, preprocessing, classes, resize, trust=trust, modules=modules
    )
    images = as_batch(sources, classifier)
    region = _region(mask, patch, at, border, (data, sources, classifier), background=background)
    labels = None
    if all(source.label is not None for source in sources):
        known = true_targets(sources, classifier)
        labels = [known[source] for source in sources]
    from tfxai.auditing import audit as look

    found = look(
        classifier.subject,
        images,
        region,
        labels=labels,
        groups=of_groups,
        method=chosen,
        least=least,
        seed=seed,
    )
    if csv is not None:
        _write(csv, found)
    if as_json:
        about = {"model": model, "data": data, "images": found.count}
        print_json({**about, "sentences": found.sentences(), "effects": found.rows()})
    else:
        _say(found, csv)
    bad.finish(len(sources))


def _check(csv: Path | None, groups: Path | None, *regions: Any, background: bool) -> None:
    """Refuses words that do not go together, and files that cannot be written."""
    from tfxai.cli.writing import check_file

    words = ("--mask", "--patch", "--border")
    given = [word for word, one in zip(words, regions, strict=True) if one is not None]
    if len(given) > 1:
        raise InvalidInputError(
            f"{' and '.join(given)} came, and one region is looked at. Pass one."
        )
    if background and given != ["--mask"]:
        raise InvalidInputError("--background says what --mask marks, and no --mask came.")
    if csv is not None:
        if csv.suffix.lower() != ".csv":
            raise InvalidInputError(f"--csv {csv} was expected to end in .csv. Rename it.")
        check_file(csv, filter(None, [groups]))


def _region(
    mask: Path | None,
    patch: Path | None,
    at: tuple[int, int],
    border: int | None,
    images: tuple[str, Sequence[Source], ImageClassifier],
    *,
    background: bool,
) -> Region | None:
    """What the words ask for; None where they name none."""
    from tfxai.data.images import grey_image, read_image
    from tfxai.regions import Border, Mask, Patch

    data, sources, classifier = images
    if border is not None:
        return Border(border)
    if patch is not None:
        pixels = read_image(patch)
        return Patch(pixels if classifier.channels == 3 else grey_image(pixels), *at)
    if mask is None:
        return None
    import numpy as np

    if not mask.is_dir():  # as the model's input lies
        return Mask(classifier.fit(read_image(mask)).max(axis=-1) >= 128, background)
    marked = []
    for source in sources:
        own = read_image(_below(mask, data, source))
        if source.size is not None and own.shape[:2] != tuple(source.size):
            raise InvalidInputError(
                f"The mask of {source.name!r} has {own.shape[0]} x {own.shape[1]} pixels, and the "
                f"image {source.size[0]} x {source.size[1]}. Pass one of the same size."
            )
        marked.append(classifier.fit(own).max(axis=-1) >= 128)
    return Mask(np.stack(marked), background)


def _below(folder: Path, data: str, source: Source) -> Path:
    """The file of a mask that lies as the image does."""
    inside = Path(source.name)
    if inside.is_relative_to(data):
        inside = inside.relative_to(data)
    place = folder / inside.parent
    there = sorted(place.iterdir()) if place.is_dir() else []
    found = [file for file in there if file.stem == inside.stem]
    if len(found) > 1:
        raise InvalidInputError(
            f"{str(place)!r} holds several files called {inside.stem!r}. Leave one mask of each "
            "image there."
        )
    if not found:
        raise DataNotFoundError(
            f"There is no mask of {source.name!r} in {str(folder)!r}. Put an image there that is "
            f"called {str(inside.with_suffix('.png'))!r}."
        )
    return found[0]


def _groups(path: Path, data: str, sources: Sequence[Source]) -> list[str]:
    """The group of each image by a CSV file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataNotFoundError(f"{str(path)!r} cannot be read as a CSV file: {error}.") from error
    rows = list(csv_files.DictReader(text.splitlines()))
    if not rows or not {"image", "group"} <= set(rows[0]):
        raise InvalidInputError(
            f"{str(path)!r} has no columns image and group. Name them in its first line."
        )
    known = {row["image"]: row["group"] for row in rows}
    found = []
    for source in sources:
        name = Path(source.name)
        inside = str(name.relative_to(data)) if name.is_relative_to(data) else source.name
        if inside not in known:
            raise InvalidInputError(f"{str(path)!r} names no group of {inside!r}. Add a line.")
        found.append(known[inside] or "")
    return found


_TESTS = {"pulled": "by the region alone", "taken out": "without the region"}


def _points(share: float) -> str:
    """A share in points of a hundred; no minus before a zero."""
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text


def _write(path: Path, found: Audit) -> None:
    from tfxai.files import replacing

    rows = found.rows()
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        names = list(rows[0]) if rows else ["region"]
        writer = csv_files.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _say(found: Audit, csv: Path | None) -> None:
    from tfxai.cli.terminal import print_laid_out, say, shown, table

    has_shares = any(one.share == one.share for one in found.effects)
    headings = ["Test", "Class or group", "Change", "95 %", "p", "Images"]
    headings += ["Map inside"] if has_shares else []
    made = table(*headings, right=tuple(range(2, len(headings))))
    last = {one.region: one for one in found.effects}
    for one in found.effects:
        change = one.change
        star = "*" if one in found.used else ""
        share = "" if one.share != one.share else f"{one.share:.0%}"
        is_certain = change.count > 1
        made.add_row(
            *map(shown, (_TESTS[one.test], one.who)),
            f"{_points(change.mean)}{star or ' '}",
            f"{_points(change.low)} to {_points(change.high)}" if is_certain else "",
            f"{change.adjusted:.2g}" if is_certain else "",
            str(change.count),
            *([share] if has_shares else []),
        )
        if one is last.get(one.region):
            say(shown(f"{one.region[0].upper()}{one.region[1:]}"), style="bold")
            print_laid_out(made)
            made = table(*headings, right=tuple(range(2, len(headings))))
            say()
    say("Changes are in points of a hundred; p is corrected for how many are looked at.")
    say("* moved by the region alone, beyond doubt and far enough: it is used")
    say()
    for sentence in found.sentences():
        say(shown(sentence))
    if csv is not None:
        say(shown(str(csv)))
