"""One figure for each method with all images of a run: what lies over each, in a grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfxai.cli.sources import File, Source
from tfxai.cli.table_rows import CsvRow
from tfxai.cli.terminal import shown
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.attribution import Attribution
    from tfxai.cli.explained import ExplainedImage
    from tfxai.plotting.drawing import Drawing
    from tfxai.plotting.tiles import Tile


@dataclasses.dataclass
class _Sheet:
    """The pictures of one method so far, how they are drawn, and the dots that each takes."""

    drawing: Drawing
    box: tuple[float, float]
    tiles: list[Tile] = dataclasses.field(default_factory=list)


class ContactSheets:
    """Collects a small picture of each image, and draws them at the end.

    What is kept of an image are the dots that it takes in the figure.

    Args:
        folder: Folder that the figures are written to.
        sources: All images.
        columns: Images side by side; None suits their number.

    Raises:
        InvalidInputError: The sources are rows of a table.
    """

    def __init__(self, folder: Path, sources: Sequence[Source], columns: int | None) -> None:
        if any(isinstance(source, CsvRow) for source in sources):
            raise InvalidInputError(
                "A contact sheet shows images, and rows of a table came. Leave --columns and "
                "--format sheet out."
            )
        self._folder = folder
        self._images = {one.path.resolve() for one in sources if isinstance(one, File)}
        self._total = len(sources)
        self._columns = columns
        self._sheets: dict[str, _Sheet] = {}
        self._count = 0

    def add(self, explained: ExplainedImage) -> None:
        """Adds an image to the figure of each method.

        Raises:
            InvalidInputError: The figures would be too high, or values are of no image.
        """
        self._count += 1
        for one in explained.attributions:
            self._add(one, explained.source)

    def write(self, kind: str) -> list[Path]:
        """Writes the figure of each method as `contact.METHOD.KIND` and returns the paths.

        Raises:
            OutputError: A file cannot be written.
        """
        from tfxai.plotting.figures import save_figure
        from tfxai.plotting.mosaic import draw_tiles

        written = []
        for method, sheet in self._sheets.items():
            path = self._path(f"{method}.{kind}")
            count = len(sheet.tiles)
            save_figure(draw_tiles(sheet.tiles, count, self._count, sheet.drawing), path)
            written.append(path)
        return written

    def _add(self, one: Attribution, source: Source) -> None:
        from tfxai.plotting.drawing import Drawing
        from tfxai.plotting.labels import method_title
        from tfxai.plotting.mosaic import MOST
        from tfxai.plotting.tiles import tile_of

        method = one.method["name"]
        sheet = self._sheets.get(method)
        if sheet is not None and len(sheet.tiles) == MOST:
            return
        title = method_title(method)
        drawing = Drawing(columns=self._columns, title=title) if sheet is None else sheet.drawing
        tile = tile_of(one, drawing, name=shown(source.stem), label=source.label)
        if sheet is None:
            sheet = self._sheets[method] = self._empty(tile, drawing)
        sheet.tiles.append(tile.within(sheet.box))

    def _empty(self, first: Tile, drawing: Drawing) -> _Sheet:
        """A sheet for all images; one that would be too high is refused before they are there."""
        from tfxai.plotting.mosaic import MOST, box_of, lay_out_grid

        found, plan = lay_out_grid(first, min(self._total, MOST), self._total, drawing)
        return _Sheet(dataclasses.replace(drawing, columns=plan.columns), box_of(found, plan))

    def _path(self, end: str) -> Path:
        """A path under which no image lies that is explained."""
        path, number = self._folder / f"contact.{end}", 1
        while path.resolve() in self._images:
            number += 1
            path = self._folder / f"contact-{number}.{end}"
        return path
