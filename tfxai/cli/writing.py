"""The files about each image or row, named so that none overwrites another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxai.cli.contact_sheets import ContactSheets
from tfxai.cli.sources import File, Source
from tfxai.cli.table_rows import CsvRow
from tfxai.cli.terminal import shown
from tfxai.errors import OutputError, UnknownNameError
from tfxai.files import replacing

if TYPE_CHECKING:
    from tfxai.cli.explained import ExplainedImage

FORMATS = ("png", "pdf", "npz", "json", "csv", "sheet")
FIGURES = ("png", "pdf")
SUMMARY = "summary.csv"
_LONGEST = 160  # bytes of a name, which leaves room for a method's


class Writer:
    """Writes the files about images to one folder.

    `NAME.explained.png` is the figure, `NAME.explained.json` holds everything as text, and
    `NAME.METHOD.npz` the raw values of one method; `summary.csv` has a line for each image and
    method, and `contact.METHOD.png` shows all images in one grid. NAME is the image's own; of two
    images with the same name the second one's files are called `NAME-2...`. An image that is
    explained is never replaced, files of an earlier run are.

    Args:
        folder: Folder that the files are written to.
        formats: The formats to write, of `FORMATS`.
        sources: All images.
        columns: Images side by side in the grid, which is then drawn whatever the formats are.
        certain: Whether figures grey out what is not certain.

    Raises:
        UnknownNameError: There is no such format.
        InvalidInputError: A grid of rows of a table is asked for.
        OutputError: The folder cannot be written to, or a file would replace the table.
    """

    def __init__(
        self,
        folder: Path,
        formats: Sequence[str],
        sources: Sequence[Source],
        columns: int | None = None,
        *,
        certain: bool = False,
    ) -> None:
        for word in formats:
            if word not in FORMATS:
                raise UnknownNameError.of("format", word, FORMATS)
        check_folder(folder)
        _keep_tables(folder, sources)
        self.sources = sources
        self._folder = folder
        self._certain = certain
        self._formats = [word for word in FORMATS if word in formats]
        self._names = _names(folder, sources)
        self._sheets = None
        if columns is not None or "sheet" in formats:
            self._sheets = ContactSheets(folder, sources, columns)

    def write(self, explained: ExplainedImage, record: dict[str, Any]) -> list[str]:
        """Writes the files about one image and returns their paths, the figure first.

        Raises:
            OutputError: A file cannot be written; none is left half-written.
        """
        if self._sheets is not None:
            self._sheets.add(explained)
        name = self._names[explained.source]
        ways = {
            "png": self._figure,
            "pdf": self._vector_figure,
            "npz": self._values,
            "json": self._text,
        }
        return [
            str(path)
            for word in self._formats
            if word in ways
            for path in ways[word](name, explained, record)
        ]

    def finish(self, records: Sequence[dict[str, Any]]) -> list[str]:
        """Writes the files about all images that are asked for, and returns their paths.

        Args:
            records: What was found about each image that was explained.

        Raises:
            OutputError: A file cannot be written.
        """
        if not records:
            return []
        written = []
        if self._sheets is not None:
            kinds = [word for word in FIGURES if word in self._formats] or ["png"]
            written += [str(path) for kind in kinds for path in self._sheets.write(kind)]
        if "csv" in self._formats:
            written.append(self._summary(records))
        return written

    def _summary(self, records: Sequence[dict[str, Any]]) -> str:
        from tfxai.cli.summary_file import summary_rows, write_summary

        path = self._folder / SUMMARY
        write_summary(path, [row for record in records for row in summary_rows(record)])
        return str(path)

    def _figure(
        self, name: str, explained: ExplainedImage, record: dict[str, Any], kind: str = "png"
    ) -> list[Path]:
        from tfxai.plotting import plot_attribution

        path = self._folder / f"{name}.explained.{kind}"
        source = explained.source
        title = source.name + (f" (labelled {source.label})" if source.label else "")
        plot_attribution(
            explained.attributions, path=path, title=shown(title), certain=self._certain
        )
        return [path]

    def _vector_figure(
        self, name: str, explained: ExplainedImage, record: dict[str, Any]
    ) -> list[Path]:
        return self._figure(name, explained, record, "pdf")

    def _values(self, name: str, explained: ExplainedImage, record: dict[str, Any]) -> list[Path]:
        return [
            one.save(self._folder / f"{name}.{one.method['name']}.npz")
            for one in explained.attributions
        ]

    def _text(self, name: str, explained: ExplainedImage, record: dict[str, Any]) -> list[Path]:
        whole = {**record, "explanations": [one.to_dict() for one in explained.attributions]}
        path = self._folder / f"{name}.explained.json"
        with replacing(path) as beside:
            beside.write_text(json.dumps(whole, allow_nan=False) + "\n", encoding="utf-8")
        return [path]


def check_folder(folder: Path) -> None:
    """Raises `OutputError` where nothing can be written; makes nothing."""
    there = folder.absolute()
    while not os.path.lexists(there):
        there = there.parent
    if not there.is_dir():
        raise OutputError(
            f"Cannot write to {str(folder)!r}: {str(there)!r} is not a folder. "
            "Choose another folder."
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(
            f"Cannot write to {str(folder)!r}: {str(there)!r} is not writable. "
            "Choose another folder."
        )


def check_file(path: Path, read: Iterable[Source | Path] = ()) -> None:
    """Raises `OutputError` where a file cannot be written, or would replace one that is read.

    Args:
        path: The file.
        read: Images and files that the command reads.
    """
    check_folder(path.parent)
    if path.is_dir():
        raise OutputError(f"Cannot write {str(path)!r}: it is a folder. Choose another name.")
    for one in read:
        own = one if isinstance(one, Path) else getattr(one, "path", None)
        if own is not None and own.resolve() == path.resolve():
            what = "a file that is read" if one is own else "an image that is explained"
            raise OutputError(f"{str(path)!r} would replace {what}. Choose another name.")


def _keep_tables(folder: Path, sources: Sequence[Source]) -> None:
    """Raises `OutputError` where `summary.csv` would replace a table that is explained."""
    tables = {source.path.resolve() for source in sources if isinstance(source, CsvRow)}
    if (folder / SUMMARY).resolve() in tables:
        raise OutputError(
            f"{SUMMARY} in {str(folder)!r} is the table that is explained, and files of a run go "
            "there under this name. Choose another folder by --out."
        )


def _names(folder: Path, sources: Sequence[Source]) -> dict[Source, str]:
    """A name for each image that no other one has, whatever the file system makes of case."""
    images = {source.path.resolve() for source in sources if isinstance(source, File)}
    names: dict[Source, str] = {}
    taken: set[str] = set()
    for source in sources:
        stem = os.fsencode(source.stem)[:_LONGEST].decode("utf-8", "ignore") or "image"
        name, number = stem, 1
        while name.casefold() in taken or (folder / f"{name}.explained.png").resolve() in images:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names[source] = name
    return names
