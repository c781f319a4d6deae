"""`tfxai drift`: whether two runs of `tfxai batch` differ beyond what sampling explains."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from tfxai.cli import arguments

Run = Annotated[Path, typer.Argument(help="The folder of a run.")]


def drift(first: Run, second: Run, as_json: arguments.Json = False) -> None:
    """Compare the explanations of two data sets, or of two models: what differs, and by chance?"""
    import dataclasses

    from tfxai.batch import compare_runs
    from tfxai.cli.terminal import print_json, print_laid_out, say, shown, table

    found = compare_runs(first, second)
    differing = [one for one in found if one.differs]
    if as_json:
        records = [{**dataclasses.asdict(one), "differs": one.differs} for one in found]
        for record in records:
            means = record["means"]
            record["means"] = None if math.isnan(means[0]) else list(means)
        print_json({"first": str(first), "second": str(second), "comparisons": records})
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
    say(
        f"{len(differing)} of {len(found)} comparisons differ beyond sampling (p < 0.05 after "
        "Holm)."
    )
