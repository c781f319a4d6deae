"""What --csv and --row mean: rows of a table in a CSV file."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tfxai.cli.bad_files import STRICT, BadFiles
from tfxai.errors import DataNotFoundError, InvalidInputError, UnknownNameError


@dataclasses.dataclass(frozen=True)
class CsvRow:
    """One row of a CSV file.

    Args:
        path: The file.
        index: Number of the row; 0 is the first below the names of the columns.
        typed: The row as a DataFrame, types and missing values as pandas finds them.
        texts: The row as a DataFrame of the texts in the file; what is empty misses.
    """

    path: Path
    index: int
    typed: Any = dataclasses.field(compare=False, repr=False)
    texts: Any = dataclasses.field(compare=False, repr=False)
    size: ClassVar[None] = None
    label: ClassVar[None] = None

    @property
    def name(self) -> str:
        """What the user calls it."""
        return f"{self.path} row {self.index}"

    @property
    def stem(self) -> str:
        """What files about it are called."""
        return f"{self.path.stem}-row-{self.index}"

    def read(self) -> Any:
        """The row as a DataFrame of one."""
        return self.typed


def check_words(
    csv: Path | None, of_tables: Mapping[str, Any], of_images: Mapping[str, Any]
) -> None:
    """Checks that the words of a command line ask for images or for rows of a table.

    Args:
        csv: What came as --csv.
        of_tables: What came as each word about a table, --row first.
        of_images: What came as each word about images, IMAGE first.

    Raises:
        InvalidInputError: Words about both came, or nothing is asked for.
    """
    strange = [word for word, given in (of_images if csv else of_tables).items() if given]
    if csv is None:
        if strange:
            raise InvalidInputError(
                f"{strange[0]} is about a table, and no table came. Pass --csv FILE too."
            )
        if not of_images["IMAGE"]:
            raise InvalidInputError(
                "Nothing came to explain. Pass an IMAGE, or rows of a table: --csv FILE --row N; "
                "for a model of texts --text TEXT."
            )
        return
    if strange:
        raise InvalidInputError(
            f"{strange[0]} is about images, and --csv came. Leave one of the two out."
        )
    if not of_tables["--row"]:
        raise InvalidInputError(
            f"No row of {str(csv)!r} is asked for. Pass --row N; 0 is the first one below the "
            "names of the columns."
        )


def find_rows(
    path: Path, indices: Sequence[int], dropped: Sequence[str] = (), bad: BadFiles = STRICT
) -> list[CsvRow]:
    """The rows of a CSV file, each once.

    Args:
        path: The file: a line with the names of the columns, then a line for each row.
        indices: Numbers of the rows.
        dropped: Names of columns that are left out.
        bad: What becomes of rows that are not there.

    Raises:
        DataNotFoundError: There is no such file.
        InvalidInputError: It is no CSV file, or has no such row.
        UnknownNameError: It has no column of a name in `dropped`.
        MissingExtraError: pandas is not installed.
    """
    typed = _read(path)
    texts = _read(path, dtype=str, keep_default_na=False, na_values=[""])
    names = list(typed.columns)
    for name in dropped:
        if name not in names:
            raise UnknownNameError.of("column", name, names, owner=repr(str(path)))
    kept = [name for name in names if name not in dropped]
    found = []
    for index in dict.fromkeys(indices):
        with bad.allowed(f"{path} row {index}"):
            _check_row(path, index, len(typed))
            rows = (frame[kept].iloc[[index]] for frame in (typed, texts))
            found.append(CsvRow(path, index, *rows))
    return found


def spaced_rows(
    path: Path, limit: int, dropped: Sequence[str] = (), bad: BadFiles = STRICT
) -> list[CsvRow]:
    """At most `limit` rows of a CSV file, evenly spaced; else as `find_rows`.

    Raises:
        InvalidInputError: It is no CSV file, or has no row.
    """
    import numpy as np

    count = len(_read(path))
    if not count:
        raise InvalidInputError(f"{str(path)!r} has no row below its names. Pass another file.")
    spaced = np.linspace(0, count - 1, min(limit, count)).round()
    return find_rows(path, [int(i) for i in spaced], dropped, bad)


def _check_row(path: Path, index: int, count: int) -> None:
    if not 0 <= index < count:
        has = f"has rows 0 to {count - 1}" if count else "has no row below its names"
        raise InvalidInputError(
            f"There is no row {index} in {str(path)!r}, which {has}. Pass --row with the number "
            "of a row; 0 is the first one below the names of the columns."
        )


def _read(path: Path, **options: Any) -> Any:
    """The file as a DataFrame; never from the network, as pandas would read an address."""
    from tfxai.core.inputs.frames import imported_pandas

    pandas = imported_pandas()
    lost = pandas.errors.ParserWarning
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error", lost)  # rows with more values than there are names
            return pandas.read_csv(file, index_col=False, low_memory=False, **options)
    except FileNotFoundError as error:
        raise DataNotFoundError(
            f"There is no file {str(path)!r}. Pass --csv with a CSV file."
        ) from error
    except (OSError, ValueError, lost) as error:  # pandas' errors of parsing are ValueErrors
        raise InvalidInputError(
            f"{str(path)!r} cannot be read as a CSV file ({_reason(error)}). Pass a file of "
            "UTF-8 text: a line with the names of the columns, then a line for each row, values "
            "separated by commas."
        ) from error


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()).rstrip(".")
