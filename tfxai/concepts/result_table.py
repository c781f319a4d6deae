"""A result as a table: for notebooks, for pandas, in files."""

from __future__ import annotations

import abc
import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfxai.errors import InvalidInputError, MissingExtraError
from tfxai.files import replacing
from tfxai.reprs import rows_html


class ResultTable(abc.ABC):
    """Something that was found, a row for each concept."""

    @property
    @abc.abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The keys of each row."""

    @abc.abstractmethod
    def table(self) -> list[dict[str, Any]]:
        """A dict for each row, with the keys `columns`."""

    @abc.abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON takes it."""

    def _repr_html_(self) -> str:
        return rows_html(self.columns, [list(map(_short, row.values())) for row in self.table()])

    def to_pandas(self) -> Any:
        """A pandas DataFrame with a row for each row of the table.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtraError(
                "to_pandas() needs pandas. Install it with: pip install 'tfxai[pandas]'"
            ) from error
        return pd.DataFrame(self.table(), columns=list(self.columns))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the numbers, as .json or as .csv.

        Raises:
            InvalidInputError: The name ends in neither.
            OutputError: The file cannot be written.
        """
        check_suffix(path)
        with replacing(path) as beside:
            if Path(path).suffix == ".json":
                beside.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
            else:
                _write_rows(beside, self.columns, self.table())


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Raises `InvalidInputError` unless a file of numbers is named .json or .csv."""
    if Path(path).suffix not in (".json", ".csv"):
        raise InvalidInputError(
            f"{str(path)!r} was expected to end in .json or .csv. Correct the name of the file."
        )


def _write_rows(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
