"""`tfxai inspect`: what saved models are, and what is wrong with them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments

if TYPE_CHECKING:
    from collections.abc import Collection

    from rich.table import Table

    from tfxai.inspection import Inspection

STRICT = {"ok": 0, "warn": 1, "refuse": 3}  # 2 is that of errors
ENDINGS = (".keras", ".h5", ".hdf5")
KINDS = {"keras": "keras", "keras_folder": "folder", "hdf5": "h5", "saved_model": "SavedModel"}
KINDS |= {"keras_hub": "KerasHub"}
PER_FILE = 3  # findings that a summary shows of one file
Saved = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...",
        help="A .keras, .h5 or .hdf5 file, the folder of a SavedModel, or the name of a model. "
        "Several, or a folder with such files in it, give a summary.",
        show_default=False,
    ),
]
Whole = Annotated[bool, typer.Option("--all", help="Show every layer of a large model.")]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Exit with 1 if there are warnings, with 3 if a file is refused."
    ),
]


def inspect(
    paths: Saved,
    as_json: arguments.Json = False,
    whole: Whole = False,
    strict: Strict = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
) -> None:
    """Look into saved models, and for what is harmful in them, without loading them."""
    from tfxai.cli.inspection import show
    from tfxai.cli.terminal import print_json
    from tfxai.inspection import inspect as look

    places = [place for path in paths for place in _places(path)]
    own = _names(modules)
    if len(places) == 1 and places[0].is_given:
        found = look(places[0].path, custom_objects=own)
        if as_json:
            print_json(found.to_dict())
        else:
            show(found, whole)
        level: str = found.report.level
    else:
        level = _summarise([_Row.of(place.path, own) for place in places], as_json)
    if strict and STRICT[level]:
        raise typer.Exit(STRICT[level])


def _names(modules: list[str]) -> Collection[str]:
    """What modules define and register, as the scan takes it."""
    if not modules:
        return ()
    from tfxai.cli.runtime import start
    from tfxai.registry.own_objects import own_objects

    start()  # before a module loads TensorFlow, so that nothing of it is shown
    own = own_objects(modules)
    import keras

    return {*own, *keras.saving.get_custom_objects()}


# Places.


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where a model lies.

    Args:
        path: Path of the file or folder.
        is_given: Whether the command line named it, rather than a folder around it.
    """

    path: Path
    is_given: bool = True


def _places(text: str) -> Iterator[_Place]:
    """A path as it is, or the models in a folder; a name is looked up among the models."""
    path = Path(text)
    if not path.exists() or _is_saved_by_us(path):
        from tfxai.registry.folders import find  # loads NumPy

        yield _Place(find(path if path.exists() else text))
    elif not path.is_dir() or _is_model(path):
        yield _Place(path)
    else:
        inside = sorted(_inside(path))
        if not inside:
            yield _Place(path)  # the scan says that it is no model
        yield from (_Place(one, is_given=False) for one in inside)


def _is_model(folder: Path) -> bool:
    names = ("saved_model.pb", "saved_model.pbtxt", "config.json")
    return any((folder / name).exists() for name in names)


def _is_saved_by_us(folder: Path) -> bool:
    """Whether it holds `card.json` and the model which that names."""
    if not (folder / "card.json").is_file():
        return False
    from tfxai.registry.layouts import in_folder

    place = folder.resolve()
    found = in_folder(place.parent, place.name)
    return found is not None and not found.fault


def _inside(folder: Path) -> Iterator[Path]:
    """Files with the endings of models and folders of SavedModels; links are not followed."""
    for above, folders, files in os.walk(folder):
        here = Path(above)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in list(folders):
            if _is_model(here / name):
                folders.remove(name)
                yield here / name
        yield from (here / name for name in files if name.lower().endswith(ENDINGS))


# Several.


@dataclasses.dataclass(frozen=True)
class _Row:
    """What a summary says of one model: what was found, or why it could not be looked at."""

    path: Path
    found: Inspection | None
    error: str = ""

    @classmethod
    def of(cls, path: Path, own: Collection[str]) -> _Row:
        from tfxai.errors import TfxaiError
        from tfxai.inspection import inspect as look

        try:
            return cls(path, look(path, custom_objects=own))
        except TfxaiError as error:
            return cls(path, None, str(error))

    @property
    def level(self) -> str:
        return self.found.report.level if self.found else "refuse"

    def to_dict(self) -> dict[str, Any]:
        if self.found is not None:
            return self.found.to_dict()
        return {"path": str(self.path), "error": self.error}


def _summarise(rows: list[_Row], as_json: bool) -> str:
    """Shows all of them; the worst level."""
    from tfxai.cli.inspection import SIGNS, say_finding
    from tfxai.cli.terminal import print_json, print_laid_out, say, shown

    level = max((row.level for row in rows), key=lambda one: STRICT[one], default="ok")
    if as_json:
        print_json({"level": level, "models": [row.to_dict() for row in rows]})
        return level
    print_laid_out(_table(rows))
    for row in rows:
        if row.level == "ok":
            continue
        say()
        say(shown(_short(row.path)), style="bold")
        if row.found is None:
            say(shown(row.error), style=SIGNS["refuse"])
            continue
        found = [one for one in row.found.report.findings if one.level != "ok"]
        for one in found[:PER_FILE]:
            say_finding(one)
        if len(found) > PER_FILE:
            say(f"{len(found) - PER_FILE} findings more: tfxai inspect {shown(_short(row.path))}")
    say()
    counts = [(one, sum(row.level == one for row in rows)) for one in STRICT]
    counted = ", ".join(f"{count} {one}" for one, count in counts if count)
    models = "1 model" if len(rows) == 1 else f"{len(rows)} models"
    say(f"{models}: {counted}.", style=SIGNS[level])
    return level


def _table(rows: list[_Row]) -> Table:
    from rich.text import Text

    from tfxai.cli.inspection import SIGNS
    from tfxai.cli.terminal import shown, table

    made = table("Model", "Kind", "Saved by", "Parameters", "Verdict", right=(3,))
    made.columns[0].overflow = "fold"
    for column in made.columns[1:]:
        column.no_wrap = True
    for row in rows:
        verdict = Text(row.level, SIGNS[row.level])
        made.add_row(Text(shown(_short(row.path))), *map(Text, _cells(row)), verdict)
    return made


def _cells(row: _Row) -> tuple[str, str, str]:
    from tfxai.cli.terminal import shown

    found = row.found
    if found is None:
        return "", "", ""
    written = f"Keras {found.keras_version}" if found.keras_version else "unknown"
    if found.saved_model is not None:
        written = f"TF {found.saved_model.tensorflow_version}"
    counted = f"{found.parameters.total:,}" if found.parameters else "unknown"
    return KINDS.get(found.format, "unknown"), shown(written[:20]), counted


def _short(path: Path) -> str:
    """The path from here on where it lies below."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
