"""`tfxai methods`: what can be asked for."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from tfxai.cli import arguments
from tfxai.cli.completion import method_names

_LONGEST = 60  # characters of a default; of a method that is longer, the name is enough
Name = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]",
        autocompletion=method_names,
        help="A method, to read about each of its options.",
        show_default=False,
    ),
]


def methods(name: Name = None, as_json: arguments.Json = False) -> None:
    """List the attribution methods and their options, or one of them in full."""
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json

    start()
    from tfxai.methods import get, names

    chosen = names() if name is None else [name]
    records = [_record(get(one)) for one in chosen]
    if as_json:
        print_json(records)
    elif name is None:
        _print_table(records)
    else:
        _print_page(records[0])


def _print_table(records: list[dict[str, Any]]) -> None:
    from rich.text import Text

    from tfxai.cli.terminal import print_laid_out, say, table

    made = table("Method", "What it gives", "Options and their defaults")
    made.columns[0].no_wrap = True
    for record in records:
        options = "\n".join(map(_shown, record["options"]))
        made.add_row(Text(record["name"], "bold"), record["summary"], options)
    print_laid_out(made)
    say("tfxai methods NAME says what each option means.", style="dim")


def _print_page(record: dict[str, Any]) -> None:
    """One method: what it gives, and each option with what may be passed and what it means."""
    import textwrap

    from tfxai.cli.terminal import output, say

    def indented(text: str, style: str = "") -> None:
        width = min(output().width, 100) - 2
        say(textwrap.indent(textwrap.fill(text, width), "  "), style=style)

    say(record["name"], style="bold")
    indented(record["summary"])
    for option in record["options"]:
        say()
        say(_shown(option), style="bold")
        indented(f"{option['expected'][0].upper()}{option['expected'][1:]}.", style="dim")
        indented(option["help"])


def _record(cls: Any) -> dict[str, Any]:
    from tfxai.core.options import declared, described

    summary = (cls.__doc__ or "").partition("\n")[0]
    known, said = declared(cls), described(cls)
    options = []
    for field in dataclasses.fields(cls):
        option = known[field.name]
        told = {"expected": option.words, **option.bounds, "help": said[field.name]}
        options.append(_default(field) | told)
    return {"name": cls.name, "summary": summary, "options": options}


def _default(field: dataclasses.Field[Any]) -> dict[str, Any]:
    default = field.default
    if default is dataclasses.MISSING:
        return {"name": field.name, "required": True}
    if default is not None and not isinstance(default, bool | int | float | str):
        text = str(default)
        default = (
            text if len(text) <= _LONGEST else getattr(default, "name", f"{text[:_LONGEST]}...")
        )
    return {"name": field.name, "required": False, "default": default}


def _shown(option: dict[str, Any]) -> str:
    if option["required"]:
        return f"{option['name']} (must be given)"
    value = option["default"]
    word = str(value).lower() if isinstance(value, bool) or value is None else str(value)
    return f"{option['name']}={word}"
