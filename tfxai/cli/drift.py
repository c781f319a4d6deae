"""`tfxai drift`: whether two runs of `tfxai batch` differ beyond what sampling explains."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Annotated

import typer

from tfxai.cli import arguments
from tfxai.errors import InvalidInputError

Run = Annotated[
    Path,
    typer.Argument(
        help="The folder of a run of tfxai batch, or of a sample of tfxai serve.",
        show_default=False,
    ),
]
Other = Annotated[
    Path | None, typer.Argument(help="The folder of another one.", show_default=False)
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Instead of another one: compare what a sample holds from that moment on, such as "
        "2026-11-20 or 2026-11-20T18:30, in this machine's time zone unless one is named (Z, "
        "+01:00), with what it holds before.",
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The model whose answers are taken from a sample of several.",
        show_default=False,
    ),
]


def drift(
    first: Run,
    second: Other = None,
    since: Since = None,
    model: Model = None,
    as_json: arguments.Json = False,
) -> None:
    """Compare the explanations of two data sets, or of two models: what differs, and by chance?"""
    import dataclasses

    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json, print_laid_out, say, shown, table

    if (second is None) == (since is None):
        raise InvalidInputError(
            "One run is compared with another: pass a second folder, or --since TIME for two "
            "periods of one sample."
        )
    moment = None if since is None else _moment(since)
    start()
    from tfxai.batch import compare_periods, compare_runs

    if second is not None:
        found = compare_runs(first, second, model)
    elif moment is not None:
        found = compare_periods(first, moment, model)
    differing = [one for one in found if one.differs]
    if as_json:
        records = [{**dataclasses.asdict(one), "differs": one.differs} for one in found]
        for record in records:
            means = record["means"]
            record["means"] = None if math.isnan(means[0]) else list(means)
        other = str(second) if second is not None else f"since {moment}"
        print_json({"first": str(first), "second": other, "comparisons": records})
        return
    rows = table(
        "What", "Class", "First", "n", "Second", "n", "p", "Differs", right=(2, 3, 4, 5, 6)
    )
    for one in found:
        means = ("", "") if math.isnan(one.means[0]) else tuple(f"{m:.3g}" for m in one.means)
        verdict = "yes" if one.differs else "no"
        sides = [word for pair in zip(means, map(str, one.numbers), strict=True) for word in pair]
        rows.add_row(shown(one.what), shown(one.which), *sides, f"{one.adjusted:.2g}", verdict)
    print_laid_out(rows)
    say()
    what = "comparison" if len(found) == 1 else "comparisons"
    verb = "differs" if len(differing) == 1 else "differ"
    say(f"{len(differing)} of {len(found)} {what} {verb} beyond sampling (p < 0.05 after Holm).")


def _moment(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(
            f"--since {text!r} is no moment. Write a day such as 2026-11-20, a time such as "
            "2026-11-20T18:30, or one with its zone such as 2026-11-20T18:30Z."
        ) from error
