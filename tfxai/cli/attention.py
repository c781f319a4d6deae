"""`tfxai attention`: where a transformer looks, layer by layer and head by head."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments
from tfxai.cli.completion import layer_paths
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.attention_weights import AttentionWeights
    from tfxai.data.preprocessing import Preprocessing
    from tfxai.subject import Subject

_MOST_ROWS = 60
Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TEXT|IMAGE",
        help="A text, whose words need no quotes, where the model takes texts; else an image.",
        show_default=False,
    ),
]
Text = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="The text, in the place of words on the line.", show_default=False
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|N",
        autocompletion=layer_paths,
        help="A layer by its path, or by its number from 0 (-1 is the last one); all of them if "
        "left out.",
        show_default=False,
    ),
]
Head = Annotated[
    int | None,
    typer.Option(
        min=0, metavar="N", help="A head by its number; all if left out.", show_default=False
    ),
]
Html = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a page for a browser: choose layers and heads, point at tokens, or at "
        "patches of the image.",
        show_default=False,
    ),
]
Save = Annotated[
    Path | None,
    typer.Option(
        metavar="FIGURE",
        help="Draw the head, or all heads of the layer, of the last layer if none is named; over "
        "an image, where its class token attends, or the mean over all tokens: .png, .pdf, .svg, "
        ".jpg or .webp.",
        show_default=False,
    ),
]
Query = Annotated[
    str | None,
    typer.Option(
        metavar="TOKEN",
        help="Whose attention --save draws over an image: ROW,COLUMN of a patch from 0, the "
        "number of a token, class or mean; all draws every token by every token.",
        show_default=False,
    ),
]


def attention(  # noqa: PLR0913 - an argument for each word of the command line
    model: arguments.Model,
    inputs: Inputs = None,
    text: Text = None,
    layer: Layer = None,
    head: Head = None,
    html: Html = None,
    save: Save = None,
    query: Query = None,
    preprocessing: arguments.Preprocessing = None,
    trust: arguments.Trust = False,
    modules: arguments.Import = [],  # noqa: B006 - typer copies it
    as_json: arguments.Json = False,
) -> None:
    """Show what each token of a text, or patch of an image, attends to most."""
    from tfxai import registry
    from tfxai.cli import runtime
    from tfxai.cli.image_classifier import named_preprocessing
    from tfxai.cli.terminal import print_json, say, shown, working
    from tfxai.registry.own_objects import own_objects

    words = _words(inputs or [], text)
    of = _query(query, save)
    path = registry.find(model)
    prepared = named_preprocessing(preprocessing)
    runtime.start()
    from tfxai.attention_weights import attention as attend

    with working(f"Loading {path}"):
        subject = registry.load(model, trust=trust, custom_objects=own_objects(modules))
    weights = attend(*_asked(subject, path, words, text, prepared))
    number = _layer(layer)
    found = weights.most_attended(layer=number, head=head)
    written = []
    if html is not None:
        written.append(weights.save_html(html))
    if save is not None:
        weights.plot(-1 if number is None else number, head, query=of, path=save)
        written.append(save)
    if as_json:
        print_json(_record(weights, found, number, head))
        return
    _show(weights, found, number, head)
    for file in written:
        say(shown(file))


def _words(inputs: Sequence[str], text: str | None) -> list[str]:
    """What was given, which is one thing.

    Raises:
        InvalidInputError: Nothing, or words and `--text`.
    """
    if inputs and text is not None:
        raise InvalidInputError(
            f"Both --text and the words {' '.join(inputs)[:60]!r} came. Pass one text."
        )
    if not inputs and text is None:
        raise InvalidInputError("No text and no image came. Pass one behind the model.")
    return [text] if text is not None else list(inputs)


def _asked(
    subject: Subject,
    path: Path,
    words: list[str],
    text: str | None,
    preprocessing: Preprocessing | None,
) -> tuple[Subject, Any]:
    """The model and a batch of one text or image.

    Raises:
        InvalidInputError: The model takes no texts, or several images came.
        TfxaiError: The image cannot be read, or the model takes none.
    """
    from tfxai.cli.image_classifier import announce_sizes, as_classifier
    from tfxai.cli.sources import find_sources
    from tfxai.data.images import is_image_file

    if subject.encoder is not None:
        if preprocessing is not None:
            raise InvalidInputError(
                f"{str(path)!r} takes texts, and --preprocessing is about images. Leave it out."
            )
        if text is None and len(words) == 1 and is_image_file(Path(words[0])):
            raise InvalidInputError(
                f"{str(path)!r} takes texts, and {words[0]!r} is a file of an image. Pass a text, "
                "by --text where these words are meant."
            )
        return subject, [" ".join(words)]
    if text is not None:
        raise InvalidInputError(
            f"{str(path)!r} takes no texts. Pass an image, or a model that takes texts."
        )
    sources = find_sources(words, None)
    if len(sources) != 1:
        raise InvalidInputError(
            f"{len(sources)} images came, and one was expected. Pass one; in Python "
            "tfxai.attention takes a batch."
        )
    classifier = as_classifier(subject, path, preprocessing)
    announce_sizes(classifier, sources)
    return classifier.subject, classifier.together([classifier.read(sources[0])])


def _query(given: str | None, save: Path | None) -> Any:
    """Whose attention is drawn, as `AttentionWeights.plot` takes it.

    Raises:
        InvalidInputError: It is none of the forms, or no figure is drawn.
    """
    if given is None:
        return None
    if save is None:
        raise InvalidInputError("--query is about the figure. Pass --save FIGURE too.")
    parts = given.split(",")
    if len(parts) < 3 and all(part.strip().isdecimal() and len(part) < 10 for part in parts):
        numbers = tuple(map(int, parts))
        return numbers if len(numbers) == 2 else numbers[0]
    if given in ("class", "mean", "all"):
        return given
    raise InvalidInputError(
        f"--query {given!r} was expected to be ROW,COLUMN of a patch, the number of a token, "
        "class, mean or all."
    )


def _layer(given: str | None) -> int | str | None:
    """A number where it is one, else a path."""
    if given is None:
        return None
    return int(given) if given.lstrip("-").isdecimal() and len(given) < 10 else given


def _named(weights: AttentionWeights, layer: int | str | None, head: int | None) -> str:
    which = "all layers" if layer is None else weights.layers[weights.number(layer)]
    return f"{which}, {'all heads' if head is None else f'head {head}'}"


def _show(
    weights: AttentionWeights,
    found: Sequence[tuple[str, str, float]],
    layer: int | str | None,
    head: int | None,
) -> None:
    """A table of each token with the other one that it attends to most."""
    from rich.text import Text as Line

    from tfxai.cli.terminal import bar, print_laid_out, say, shown, table

    layers = "1 layer" if len(weights) == 1 else f"{len(weights)} layers"
    say(f"{layers} with attention; here: {shown(_named(weights, layer, head))}")
    grid = weights.grid(0)
    if grid is not None:
        say(f"{grid.words()}; rows and columns count from 0, at the top left")
    if weights.remark:
        say(weights.remark)
    made = table("Token" if grid is None else "Patch", "Attends most to", "Weight", "", right=(2,))
    for token, other, weight in found[:_MOST_ROWS]:
        made.add_row(Line(shown(token)), Line(shown(other)), f"{weight:.3f}", bar(weight, 12))
    print_laid_out(made)
    if len(found) > _MOST_ROWS:
        say(f"{len(found) - _MOST_ROWS} tokens more (--json, or --html FILE)")


def _record(
    weights: AttentionWeights,
    found: Sequence[tuple[str, str, float]],
    layer: int | str | None,
    head: int | None,
) -> dict[str, Any]:
    """The table for JSON."""
    grid = weights.grid(0)
    chosen = None if layer is None else weights.layers[weights.number(layer)]
    return {
        "layers": list(weights.layers),
        "heads": [one.shape[1] for one in weights.weights],
        "layer": chosen,
        "head": head,
        "patches": None if grid is None else dataclasses.asdict(grid),
        "most_attended": [
            {"token": token, "to": other, "weight": weight} for token, other, weight in found
        ],
    }
