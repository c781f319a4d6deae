"""`tfxai methods`: what can be asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfxai.cli import arguments


def methods(as_json: arguments.Json = False) -> None:
    """List the attribution methods and their options."""
    from rich.text import Text

    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import output, print_json, table

    start()
    records = _records()
    if as_json:
        print_json(records)
        return
    made = table("Method", "What it gives", "Options and their defaults")
    made.columns[0].no_wrap = True
    for record in records:
        options = "\n".join(map(_shown, record["options"]))
        made.add_row(Text(record["name"], "bold"), record["summary"], options)
    output().print(made)


def _records() -> list[dict[str, Any]]:
    from tfxai.methods import get, names

    return [_record(get(name)) for name in names()]


def _record(cls: Any) -> dict[str, Any]:
    summary = (cls.__doc__ or "").partition("\n")[0]
    options = [_option(field) for field in dataclasses.fields(cls)]
    return {"name": cls.name, "summary": summary, "options": options}


def _option(field: dataclasses.Field[Any]) -> dict[str, Any]:
    default = field.default
    if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    if default is dataclasses.MISSING:
        return {"name": field.name, "required": True}
    plain = default is None or isinstance(default, bool | int | float | str)
    return {"name": field.name, "required": False, "default": default if plain else str(default)}


def _shown(option: dict[str, Any]) -> str:
    if option["required"]:
        return f"{option['name']} (must be given)"
    value = option["default"]
    word = str(value).lower() if isinstance(value, bool) or value is None else str(value)
    return f"{option['name']}={word}"
