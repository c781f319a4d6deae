"""`tfxai models`: the trained models that are there, kept whole and found by name."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments
from tfxai.errors import DataNotFoundError, InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfxai.card import Card
    from tfxai.registry import Check, Entry, ModelRegistry

models = typer.Typer(
    name="models",
    invoke_without_command=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
DIFFERS = 1  # exit code of verify
WORST = ("changed", "missing", "no card", "no digest", "ok")
SIGNS = {"ok": "green", "no card": "yellow", "no digest": "yellow"}
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of a model, as tfxai models lists it.")
]


@models.callback()
def listed(ctx: typer.Context, as_json: arguments.Json = False) -> None:
    """List the trained models; show, verify, add, plot or remove one."""
    if ctx.invoked_subcommand is not None:
        return
    from tfxai.cli.terminal import print_json

    known = known_models()
    if as_json:
        print_json([_record(entry, registry) for entry, registry in known])
        return
    print_models(known)


def print_models(known: Sequence[tuple[Entry, ModelRegistry]], *, numbered: bool = False) -> None:
    """Prints models as a table, each with what its card says of it.

    Args:
        known: The models, and the registry of each.
        numbered: Whether each gets a number to be chosen by.
    """
    from rich.text import Text

    from tfxai.cli.terminal import print_laid_out, remark, say, shown, table

    if not known:
        remark("There are no models. Train one with tfxai train, or add a file with models add.")
        return
    first = ("",) if numbered else ()
    headings = (*first, "Model", "Format", "Data", "Accuracy", "Epochs", "Size", "Card")
    made = table(*headings, right=tuple(range(3 + numbered, 6 + numbered)))
    for number, (entry, registry) in enumerate(known, 1):
        state = _state(registry.verify(entry.name))
        card = entry.card
        made.add_row(
            *([str(number)] if numbered else []),
            Text(shown(entry.name), "bold"),
            " ".join([entry.format, *(path.suffix[1:] for path in entry.others)]),
            shown(card.dataset or "") if card else "",
            f"{card.accuracy:.4f}" if card and card.accuracy is not None else "",
            str(card.epochs or "") if card else "",
            _size(entry.size),
            Text(state, SIGNS.get(state, "bold red")),
        )
    print_laid_out(made)
    say()
    for root in dict.fromkeys(registry.root for _, registry in known):
        say(shown(root), style="dim")


@models.command()
def show(name: Name, as_json: arguments.Json = False) -> None:
    """Show what a model's card says."""
    from tfxai.cli.terminal import print_json

    entry, registry = _find(name)
    if as_json:
        print_json(_record(entry, registry))
    else:
        print_model(entry, registry)


def print_model(entry: Entry, registry: ModelRegistry) -> None:
    """Prints the card of one model."""
    from tfxai.cli.terminal import print_laid_out, remark, shown, table

    made = table("Model", entry.name)
    for check in registry.verify(entry.name):
        path = registry.root / check.file
        size = f", {_size(path.stat().st_size)}" if check.state != "missing" else ""
        made.add_row("file", shown(f"{path}{size}, {check.state}"))
    if entry.card is not None:
        for label, value in _facts(entry.card).items():
            made.add_row(label, shown(value))
    print_laid_out(made)
    if entry.card is None:
        remark(entry.fault or "It has no card. Give it one with tfxai models add --force.")


@models.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="All models if left out.")
    ] = None,
    as_json: arguments.Json = False,
) -> None:
    """Compare files with the SHA-256 on their cards; exit code 1 where one differs."""
    from rich.text import Text

    from tfxai.cli.terminal import print_json, print_laid_out, shown, table

    checks = _find(name)[1].verify(name) if name is not None else _all_checks()
    if as_json:
        print_json([dataclasses.asdict(check) for check in checks])
    else:
        made = table("Model", "File", "State")
        for check in checks:
            state = Text(check.state, SIGNS.get(check.state, "bold red"))
            made.add_row(shown(check.name), shown(check.file), state)
        print_laid_out(made)
    if any(check.differs for check in checks):
        raise typer.Exit(DIFFERS)


@models.command()
def add(  # noqa: PLR0913 - an argument for each word of the command line
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .keras or .h5 file.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the model; the file's own if left out.")
    ] = None,
    classes: arguments.Classes = None,
    preprocessing: arguments.Preprocessing = None,
    dataset: Annotated[str | None, typer.Option(help="Data set that it was trained on.")] = None,
    accuracy: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of test images that it classifies correctly."),
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the weights.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier model of that name.")
    ] = False,
    trust: arguments.Trust = False,
) -> None:
    """Copy a model file among the models, after a scan, with a card."""
    from tfxai.cli.image_classifier import named_preprocessing
    from tfxai.cli.terminal import say, shown
    from tfxai.data.classes import read_classes
    from tfxai.registry import ModelRegistry

    given: dict[str, Any] = {
        "classes": read_classes(classes) if classes is not None else None,
        "preprocessing": named_preprocessing(preprocessing),
        "dataset": dataset,
        "accuracy": accuracy,
        "licence": licence,
    }
    given = {key: value for key, value in given.items() if value is not None}
    card = _card(file, given) if given else None
    entry = ModelRegistry().add(file, name, card, trust=trust, replace=force)
    say(shown(entry.file))


@models.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a model with its card and history."""
    from tfxai.cli.terminal import say, shown
    from tfxai.registry import ModelRegistry

    registry = ModelRegistry()
    files = [check.file for check in registry.verify(name)]
    if not yes:
        if not sys.stdin.isatty():
            raise InvalidInputError(
                f"There is no terminal to ask whether to delete {name!r}. Pass --yes."
            )
        words = f"Delete {', '.join(files)} in {registry.root}? [y/N] "
        if ask(words).lower() not in ("y", "yes"):
            say("Nothing was deleted.")
            return
    registry.remove(name)
    say(f"Deleted {shown(', '.join(files))}.")


@models.command()
def plot(
    name: Name,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The figure; NAME.history.png here if left out."),
    ] = None,
) -> None:
    """Draw the accuracy and the loss of a model's training."""
    from tfxai.cli.terminal import say, shown
    from tfxai.plotting import plot_history
    from tfxai.registry import read_history

    entry, _ = _find(name)
    if entry.history is None:
        raise DataNotFoundError(
            f"The model {name!r} has no history. Those that tfxai trained have one."
        )
    path = out or Path(f"{name}.history.png")
    plot_history(read_history(entry.history), path=path)
    say(shown(path))


def ask(words: str) -> str:
    """What somebody at the terminal answers; the end of the input is a wish to stop."""
    from tfxai.cli.terminal import remarks

    try:
        return remarks().input(words).strip()
    except EOFError:
        raise KeyboardInterrupt from None


def registries() -> list[ModelRegistry]:
    """One for each folder in which names are looked up, the first one first."""
    from tfxai.registry import ModelRegistry, roots

    return [ModelRegistry(root) for root in roots()]


def known_models() -> list[tuple[Entry, ModelRegistry]]:
    """Every model that a name leads to, and its registry."""
    found: dict[str, tuple[Entry, ModelRegistry]] = {}
    for registry in registries():
        for entry in registry.list():
            found.setdefault(entry.name, (entry, registry))
    return [found[name] for name in sorted(found)]


def _find(name: str) -> tuple[Entry, ModelRegistry]:
    """A model by name, in the first folder that has it."""
    for registry in registries():
        try:
            return registry[name], registry
        except UnknownNameError:
            continue
    raise UnknownNameError.of("model", name, [entry.name for entry, _ in known_models()])


def _all_checks() -> list[Check]:
    return [check for registry in registries() for check in registry.verify()]


def _state(checks: Sequence[Check]) -> str:
    """The worst state of a model's files."""
    return min((check.state for check in checks), key=WORST.index, default="no card")


def _record(entry: Entry, registry: ModelRegistry) -> dict[str, Any]:
    checks = [dataclasses.asdict(check) for check in registry.verify(entry.name)]
    return {**entry.to_dict(), "checks": checks}


def _facts(card: Card) -> dict[str, str]:
    """What a card says, in words; nothing of what it does not say."""
    pixels = card.preprocessing
    share = None if card.accuracy is None else f"{card.accuracy:.4f}"
    if share and card.test_images:
        share += f" on {card.test_images:,} test images"
    facts = {
        "classes": f"{len(card.classes)}: {', '.join(card.classes)}" if card.classes else None,
        "input": " x ".join(map(str, card.input_shape)) if card.input_shape else None,
        "preprocessing": pixels and pixels.name,
        "input range": pixels and "{:g} to {:g}".format(*pixels.input_range),
        "data": card.dataset,
        "accuracy": share,
        "epochs": card.epochs,
        "batch size": card.batch_size,
        "seed": card.seed,
        "command": card.command,
        "versions": ", ".join(f"{name} {number}" for name, number in card.versions.items()),
        "licence": card.licence,
        "created": card.created,
        "notes": " ".join(card.notes),
    }
    return {label: str(value) for label, value in facts.items() if value not in (None, "")}


def _card(file: Path, given: dict[str, Any]) -> Card:
    """The card of a model, or a new one, with what is given."""
    from tfxai.card import Card
    from tfxai.registry.folders import locate

    found = locate(file)
    if found.fault:
        raise InvalidInputError(found.fault)
    return dataclasses.replace(found.card or Card(name=found.name), **given)


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 / 10 else f"{count / 2**10:.1f} KiB"
