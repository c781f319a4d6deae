"""What was measured, as tables and as a page."""

from __future__ import annotations

import dataclasses
import os
import statistics
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.pages import replaced
from benchmarks.peers.cells import TITLES, Cell

OWN = "tfxai"
NAMES = {
    "tfxai": "tfxai",
    "tf_explain": "tf-explain",
    "alibi": "alibi",
    "xplique": "Xplique",
    "tf_keras_vis": "tf-keras-vis",
    "shap": "shap",
    "captum": "Captum",
}
NAME = "measured"
"""Of the part of the page."""


@dataclasses.dataclass
class Found:
    """What came of one cell.

    Args:
        cell: The cell.
        seconds: Times of each library, one a round.
        peaks: Largest resident memory of the process, in MiB.
        errors: What a library said that could not.
        agreements: Rank correlation of a library's map with tfxai's, over positions.
    """

    cell: Cell
    seconds: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    peaks: dict[str, float] = dataclasses.field(default_factory=dict)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    agreements: dict[str, float] = dataclasses.field(default_factory=dict)

    def ratio(self, library: str) -> tuple[float, float, float] | None:
        """The time of tfxai over the library's: median, smallest and largest of the rounds."""
        if library not in self.seconds or OWN not in self.seconds:
            return None
        own, other = self.seconds[OWN], self.seconds[library]
        ratios = [a / b for a, b in zip(own, other, strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)

    def compare(self, folder: Path) -> None:
        """Compares the maps that the libraries gave."""
        ours = folder / "values" / f"{OWN}-{self.cell.key}.npy"
        if not ours.is_file():
            return
        for library in self.seconds:
            file = folder / "values" / f"{library}-{self.cell.key}.npy"
            if library != OWN and file.is_file():
                self.agreements[library] = agreement(np.load(ours), np.load(file))

    def line(self) -> str:
        """All of it on a line."""
        if OWN not in self.seconds:
            return self.errors.get(OWN, "no times")
        parts = [f"{statistics.median(self.seconds[OWN]) * 1e3:.1f} ms"]
        for library in self.seconds:
            middle = self.ratio(library)
            if library != OWN and middle is not None:
                parts.append(f"{NAMES[library]} {middle[0]:.2f}")
        parts += [f"{NAMES[library]}: {said}" for library, said in self.errors.items()]
        return ", ".join(parts)


def agreement(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Correlation of two maps of absolute values, summed over channels, of all images."""
    a, b = _map(ours), _map(theirs)
    if a.shape != b.shape:
        return float("nan")
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def _map(values: np.ndarray) -> np.ndarray:
    found = np.abs(np.asarray(values, np.float64))
    if found.ndim == 4:
        return found.sum(axis=-1)
    return found[None] if found.ndim == 2 else found


def tables(found: list[Found], libraries: list[str]) -> list[Table]:
    """The ratios, one table a model."""
    made = []
    for model, title in TITLES.items():
        rows = [one for one in found if one.cell.model == model]
        if not rows:
            continue
        table = Table(title=f"{title}: tfxai's time over the library's")
        for header in _headers(libraries):
            table.add_column(header, justify="left" if header == "call" else "right")
        for one in rows:
            table.add_row(*_row(one, libraries))
        made.append(table)
    return made


def _headers(libraries: list[str]) -> list[str]:
    return ["call", "tfxai ms", "MiB", *(NAMES[one] for one in libraries if one != OWN)]


def _row(one: Found, libraries: list[str]) -> list[str]:
    images = "" if one.cell.images == 1 else f", {one.cell.images} images"
    own = one.seconds.get(OWN)
    row = [f"{one.cell.name}{images}"]
    row += [f"{statistics.median(own) * 1e3:.1f}" if own else "-", f"{one.peaks.get(OWN, 0):.0f}"]
    return row + [_cell(one, library) for library in libraries if library != OWN]


def _cell(one: Found, library: str) -> str:
    ratio = one.ratio(library)
    if ratio is None:
        return "fails" if library in one.errors else "-"
    middle, low, high = ratio
    return f"{middle:.2f} ({low:.2f}-{high:.2f}), {one.peaks[library]:.0f} MiB"


def written(page: str, found: list[Found], libraries: list[str], versions: dict[str, str]) -> str:
    """The page with what was measured between its two marks; all else is as it was.

    Raises:
        ValueError: The page lacks the marks.
    """
    lines: list[str] = []
    named = [f"{NAMES[one]} {versions[one]}" for one in libraries]
    lines += [f"{', '.join(named)}; {os.cpu_count()} CPU cores.", ""]
    for model, title in TITLES.items():
        rows = [one for one in found if one.cell.model == model]
        headers = _headers(libraries)
        lines += [f"### {title}", "", f"| {' | '.join(headers)} |", f"|{'---|' * len(headers)}"]
        lines += [f"| {' | '.join(_row(one, libraries))} |" for one in rows]
        lines.append("")
    lines += ["### Correlation with tfxai's map", "", *_agreements(found, libraries), ""]
    lines += ["### Where tfxai loses", "", *_losses(found)]
    return replaced(page, NAME, "\n".join(lines))


def _agreements(found: list[Found], libraries: list[str]) -> list[str]:
    others = [one for one in libraries if one != OWN]
    lines = [
        f"| call | {' | '.join(NAMES[one] for one in others)} |",
        f"|{'---|' * (len(others) + 1)}",
    ]
    for one in found:
        numbers = [one.agreements.get(other) for other in others]
        shown = ["-" if number is None else f"{number:.3f}" for number in numbers]
        lines.append(f"| {one.cell.key} | {' | '.join(shown)} |")
    return lines


def _losses(found: list[Found]) -> list[str]:
    lines = []
    for one in found:
        for library in one.seconds:
            ratio = one.ratio(library)
            if library != OWN and ratio is not None and ratio[0] > 1:
                lines.append(f"- {one.cell.key} against {NAMES[library]}: {ratio[0]:.2f}")
            if library != OWN and one.peaks[library] < one.peaks[OWN]:
                more = one.peaks[OWN] - one.peaks[library]
                lines.append(f"- {one.cell.key}: {more:.0f} MiB more than {NAMES[library]}")
    return lines or ["In no cell."]
