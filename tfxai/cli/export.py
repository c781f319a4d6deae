"""`tfxai export`: a model and its explanations for TensorFlow Serving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments
from tfxai.cli.explain import At, Contrast, Layer, Methods, Options, Score

if TYPE_CHECKING:
    from tfxai.subject import Subject

Place = Annotated[
    Path,
    typer.Argument(
        metavar="BASE/NAME[/VERSION]",
        help="The folder that the server watches, the model's name there, and a whole number; the "
        "one after the greatest if left out.",
        show_default=False,
    ),
]
Example = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npy",
        help="A batch of inputs as the model takes it. Needed where it leaves axes free or "
        "declares no inputs.",
        show_default=False,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace the version; a server does not notice."),
]


def export(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    path: Place,
    method: Methods,
    option: Options = [],  # noqa: B006 - typer copies it
    score: Score = None,
    contrast: Contrast = None,
    layer: Layer = None,
    at: At = None,
    example: Example = None,
    overwrite: Overwrite = False,
    preprocessing: arguments.ExportedPreprocessing = None,
    classes: arguments.Classes = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    as_json: arguments.Json = False,
) -> None:
    """Write a model and its explanations as signatures for TensorFlow Serving."""
    from tfxai.cli.picking import pick_methods, read_array, read_score
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import remark, working
    from tfxai.export.folders import NewVersion
    from tfxai.registry import find, load
    from tfxai.registry.own_objects import own_objects

    file = find(model)
    NewVersion(path, overwrite=overwrite)  # says now what would be said at the end
    start()
    own = own_objects(modules)
    chosen = pick_methods(method, option, layer)
    asked = read_score(score, contrast, None)
    batch = None if example is None else read_array(str(example))
    with working(f"Exporting {file}"):
        from tfxai.export import save

        loaded = load(model, trust=trust, custom_objects=own)
        subject = described(loaded, file.stem, preprocessing, classes)
        made = save(subject, path, chosen, score=asked, at=at, example=batch, overwrite=overwrite)
    _say(made, as_json)
    inputs = getattr(subject.model, "inputs", None) or []
    is_of_images = len(inputs) == 1 and len(inputs[0].shape) == 4 and inputs[0].shape[-1] in (1, 3)
    if is_of_images and subject.preprocessing is None:
        remark(
            "The export does not say how pixels become inputs, so a server can be asked with "
            "numbers and not with pictures. Pass --preprocessing."
        )


def described(
    subject: Subject, name: str, preprocessing: str | None, classes: Path | None
) -> Subject:
    """The subject with what the command line knows in the place of its card's."""
    import dataclasses

    from tfxai.card import Card
    from tfxai.cli.image_classifier import named_preprocessing
    from tfxai.data.classes import read_classes

    said: dict[str, Any] = {}
    if preprocessing is not None:
        said["preprocessing"] = named_preprocessing(preprocessing)
    if classes is not None:
        said["classes"] = read_classes(classes)
    if not said:
        return subject
    card = dataclasses.replace(subject.card or Card(name=name), **said)
    return dataclasses.replace(subject, card=card)


def _say(path: Path, as_json: bool) -> None:
    """Prints the signatures, and how to check them."""
    import json

    from rich.table import Table

    from tfxai.cli.terminal import print_json, print_laid_out, say, shown
    from tfxai.export.names import EXTRA, RECORD

    record = json.loads((path / EXTRA / RECORD).read_text(encoding="utf-8"))
    if as_json:
        print_json({"path": str(path), **record})
        return
    for name, one in record["signatures"].items():
        say(shown(name), style="bold")
        made = Table.grid(padding=(0, 2))
        for word, side in (("takes", "inputs"), ("gives", "outputs")):
            for number, end in enumerate(one[side]):
                first = "" if number else f"  {word}"
                made.add_row(first, shown(end["name"]), _shape(end["shape"]), end["dtype"])
        print_laid_out(made)
    say()
    say(shown(path))
    say(f"Check it: tfxai check-serving {shown(path)}")


def _shape(sizes: list[int | None] | None) -> str:
    named = ["B" if i == 0 else "?" if n is None else str(n) for i, n in enumerate(sizes or ())]
    return f"({', '.join(named)})"
