"""The files about each image: figures and raw values, named so that none overwrites another."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxai.cli.sources import File, Source
from tfxai.cli.terminal import shown
from tfxai.errors import OutputError, UnknownNameError
from tfxai.files import replacing

if TYPE_CHECKING:
    from tfxai.cli.explained import ExplainedImage

FORMATS = ("png", "npz", "json", "csv")
SUMMARY = "summary.csv"
_LONGEST = 160  # bytes of a name, which leaves room for a method's


class Writer:
    """Writes the files about images to one folder.

    `NAME.explained.png` is the figure, `NAME.explained.json` holds everything as text, and
    `NAME.METHOD.npz` the raw values of one method; `summary.csv` has a line for each image and
    method. NAME is the image's own; of two images with
    the same name the second one's files are called `NAME-2...`. An image that is explained is
    never replaced, files of an earlier run are.

    Args:
        folder: Folder that the files are written to.
        formats: The formats to write, of `FORMATS`.
        sources: All images.
        certain: Whether figures grey out what is not certain.

    Raises:
        UnknownNameError: There is no such format.
        OutputError: The folder cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        formats: Sequence[str],
        sources: Sequence[Source],
        *,
        certain: bool = False,
    ) -> None:
        for word in formats:
            if word not in FORMATS:
                raise UnknownNameError.of("format", word, FORMATS)
        check_folder(folder)
        self.sources = sources
        self._folder = folder
        self._certain = certain
        self._formats = [word for word in FORMATS if word in formats]
        self._names = _names(folder, sources)

    def write(self, explained: ExplainedImage, record: dict[str, Any]) -> list[str]:
        """Writes the files about one image and returns their paths, the figure first.

        Raises:
            OutputError: A file cannot be written; none is left half-written.
        """
        name = self._names[explained.source]
        ways = {"png": self._figure, "npz": self._values, "json": self._text}
        return [
            str(path)
            for word in self._formats
            if word in ways
            for path in ways[word](name, explained, record)
        ]

    def finish(self, records: Sequence[dict[str, Any]]) -> list[str]:
        """Writes the file about all images, where it is asked for, and returns its path.

        Args:
            records: What was found about each image that was explained.

        Raises:
            OutputError: The file cannot be written.
        """
        if "csv" not in self._formats or not records:
            return []
        from tfxai.cli.summary_file import summary_rows, write_summary

        path = self._folder / SUMMARY
        write_summary(path, [row for record in records for row in summary_rows(record)])
        return [str(path)]

    def _figure(self, name: str, explained: ExplainedImage, record: dict[str, Any]) -> list[Path]:
        from tfxai.plotting import plot_attribution

        path = self._folder / f"{name}.explained.png"
        source = explained.source
        title = source.name + (f" (labelled {source.label})" if source.label else "")
        plot_attribution(
            explained.attributions, path=path, title=shown(title), certain=self._certain
        )
        return [path]

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
