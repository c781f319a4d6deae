"""Explaining texts: what `tfxai explain` does where the model takes them."""

from __future__ import annotations

import dataclasses
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxai.cli import runtime
from tfxai.cli.terminal import output, print_json, remark, say, shown, working
from tfxai.cli.writing import check_folder
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning, UnsupportedModelError
from tfxai.files import replacing
from tfxai.registry.own_objects import own_objects

if TYPE_CHECKING:
    from rich.text import Text

    from tfxai.attribution import Attribution
    from tfxai.cli.explaining import Request
    from tfxai.subject import Subject

FORMATS = ("png", "npz", "json")
_LARGEST = 16 * 2**20  # bytes of a file of texts
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Texts explained</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="font-family:sans-serif;max-width:60rem;margin:1rem auto;padding:0 0.8rem">
{body}
</body></html>
"""


@dataclasses.dataclass(frozen=True)
class Files:
    """Which files are written.

    Args:
        folder: Where those of each method go.
        formats: Their formats, of `FORMATS`.
        html: The page of all of them, or None.
    """

    folder: Path
    formats: tuple[str, ...]
    html: Path | None

    def __post_init__(self) -> None:
        wrong = [word for word in self.formats if word not in FORMATS]
        if wrong:
            raise InvalidInputError(
                f"--format {wrong[0]} is not for texts. Pass one of {', '.join(FORMATS)}."
            )
        check_folder(self.folder)


def check_alone(others: dict[str, Any]) -> None:
    """Raises `InvalidInputError` where words about something else came beside texts.

    Args:
        others: What came as each such word.
    """
    strange = [word for word, given in others.items() if given]
    if strange:
        raise InvalidInputError(
            f"A text came, and {strange[0]} is not about texts. Leave either out."
        )


def read_texts(given: Sequence[str], file: str | None) -> list[str]:
    """The texts of `--text`, then those of a file, a line each; `-` is standard input.

    Raises:
        DataNotFoundError: There is no such file.
        InvalidInputError: It is too large, or no UTF-8, or a line is empty.
    """
    texts = list(given)
    if file is None:
        return texts
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(file).open("rb") as stream:
                raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise DataNotFoundError(
            f"{file!r} cannot be read: {error.strerror}. Pass a file with a text on each line."
        ) from error
    if len(raw) > _LARGEST:
        raise InvalidInputError(f"{file!r} holds more than 16 MiB of texts. Pass fewer at once.")
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{file!r} is no text in UTF-8. Convert it first.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise InvalidInputError(
                f"Line {number} of {file!r} is empty. Put a text on each line."
            )
    return texts + lines


def open_reader(
    model: str, classes: Path | None, *, trust: bool, modules: Sequence[str]
) -> Subject:
    """Loads a model that takes texts.

    Raises:
        UnsupportedModelError: The model takes none.
        TfxaiError: It cannot be found or loaded.
    """
    from tfxai import registry
    from tfxai.data.classes import read_classes

    path = registry.find(model)
    names = None if classes is None else read_classes(classes)
    runtime.start()
    from tfxai.card import Card
    from tfxai.subject import Subject

    with working(f"Loading {path}"):
        subject = registry.load(model, trust=trust, custom_objects=own_objects(modules))
    if subject.encoder is None:
        raise UnsupportedModelError(
            f"{str(path)!r} takes no texts. --text needs a model of strings with a "
            "TextVectorization inside, or a task of KerasHub with its preprocessor."
        )
    if names is None:
        return subject
    card = dataclasses.replace(subject.card or Card(name=path.stem), classes=tuple(names))
    return Subject(subject.model, card)


def explain_texts(
    subject: Subject, texts: Sequence[str], request: Request, files: Files, *, as_json: bool
) -> None:
    """Explains texts by each method, writes the files and says what was found."""
    from tfxai.remarks import remarks_on

    found = []
    for method in request.methods:
        with warnings.catch_warnings():  # what they say is printed below
            warnings.simplefilter("ignore", TfxaiWarning)
            asked = {"score": request.score, "at": request.at, "progress": None}
            one = method(subject, list(texts), request.target, **asked)  # type: ignore[arg-type]
        found.append(one.by_token())
    written = [path for one in found for path in _written(one, files)]
    if files.html is not None:
        written.append(_page(found, files.html))
    if as_json:
        print_json([_record(one, i) for one in found for i in range(len(one))])
    else:
        for one in found:
            _show(one)
        for path in written:
            say(shown(path))
    for sentence in remarks_on(found):
        remark(sentence)


def _written(one: Attribution, wanted: Files) -> list[Path]:
    """The files about one method's answer."""
    from tfxai.plotting import plot_attribution

    name, files = one.method["name"], list[Path]()
    folder, formats = wanted.folder, wanted.formats
    folder.mkdir(parents=True, exist_ok=True)
    if "png" in formats:
        files.append(folder / f"texts.{name}.png")
        plot_attribution(one, index=None, path=files[-1])
    if "npz" in formats:
        files.append(one.save(folder / f"texts.{name}.npz"))
    if "json" in formats:
        files.append(folder / f"texts.{name}.json")
        with replacing(files[-1]) as beside:
            whole = {**one.to_dict(), "words": one.words(), "tokens": one.tokens}
            beside.write_text(json.dumps(whole, allow_nan=False) + "\n", encoding="utf-8")
    return files


def _page(found: Sequence[Attribution], path: Path) -> Path:
    """One page with the coloured tokens of every method."""
    from tfxai.plotting.token_html import tokens_html

    parts = [f"<h2>{one.method['name']}</h2>{tokens_html(one, most=len(one))}" for one in found]
    with replacing(path) as beside:
        beside.write_text(_PAGE.format(body="\n".join(parts)), encoding="utf-8")
    return path


def _record(one: Attribution, i: int) -> dict[str, Any]:
    """What was found about one text, for JSON."""
    return {
        "method": one.method["name"],
        "text": str(one.text.texts[i]) if one.text is not None else "",
        "class": one.target_names[i],
        "score_name": one.score_name,
        "score": float(one.score[i]),
        "baseline_score": None if one.baseline_score is None else float(one.baseline_score[i]),
        "words": [{"word": word, "value": value} for word, value in one.words()[i]],
    }


def _show(one: Attribution) -> None:
    """Each text with its words coloured on a terminal, and with their values elsewhere."""
    from tfxai.plotting.token_html import facts
    from tfxai.remarks import method_at

    console = output()
    for i, words in enumerate(one.words()):
        say(shown(f"{method_at(one)}: {facts(one, i)}"), style="dim")
        if console.color_system in ("256", "truecolor"):
            console.print(_coloured(words), soft_wrap=True)
        else:  # a pipe has no colours, and eight have no shades
            say(shown(" ".join(f"{word} {value:+.3f}" for word, value in words)))
        say()
    if console.color_system in ("256", "truecolor"):
        say("Red raises the score, blue lowers it, each as far as it is dark.", style="dim")


def _coloured(words: Sequence[tuple[str, float]]) -> Text:
    from rich.text import Text

    from tfxai.plotting.token_html import rgb

    most = max((abs(value) for _, value in words), default=0.0) or 1.0
    parts = [(shown(word), f"black on {rgb(value / most)}") for word, value in words]
    return Text(" ").join(Text(word, style=style) for word, style in parts)
