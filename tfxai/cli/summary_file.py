"""`summary.csv`: one line for each image, or row of a table, and method of a run."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfxai.cli.terminal import shown
from tfxai.files import replacing

OF_IMAGES = ("image", "label")
OF_TABLES = ("csv", "row")
COLUMNS = (
    *("predicted", "predicted_value", "method", "class", "target"),
    *("score_name", "score", "baseline_score", "completeness_gap", "probability"),
)


def summary_rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines about one image or row, from what `--json` prints about it."""
    best = record["predictions"][0]
    where = {key: record[key] for key in (*OF_IMAGES, *OF_TABLES) if key in record}
    about = {
        **{key: shown(one) if isinstance(one, str) else one for key, one in where.items()},
        "predicted": best["class"],
        "predicted_value": best.get("probability", best.get("output")),
    }
    return [{**one, **about, "method": one["name"]} for one in record["explanations"]]


def write_summary(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes the lines below their names; a number that is not known is left empty.

    Raises:
        OutputError: The file cannot be written.
    """
    with (
        replacing(path) as beside,
        beside.open("w", encoding="utf-8", newline="") as file,
    ):
        where = OF_TABLES if "csv" in rows[0] else OF_IMAGES
        writer = csv.DictWriter(
            file, (*where, *COLUMNS), extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
