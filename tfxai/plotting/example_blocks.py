"""A block of labelled rows for each example, whatever its values are of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib.figure import Figure

from tfxai.attribution import Attribution
from tfxai.errors import InvalidInputError
from tfxai.plotting import labels, style
from tfxai.plotting.blocks import Block, compose
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.images import ImageRow
from tfxai.plotting.kinds import rows_of
from tfxai.plotting.notes import gathered
from tfxai.plotting.pictures import is_of_targets
from tfxai.plotting.rows import Row
from tfxai.plotting.series import SeriesRow
from tfxai.plotting.tables import TableRow
from tfxai.plotting.volumes import VolumeRow
from tfxai.remarks import remarks_on

Made = tuple[str, list[str], Row]
_Kind = TypeVar("_Kind", bound=Row)


def in_rows(
    ones: Sequence[Sequence[Attribution]],
    shown: Sequence[int],
    counts: tuple[int, int],
    how: Drawing,
    *,
    names: Sequence[str] = (),
    headings: Sequence[str] = (),
    share_axes: bool = False,
) -> Figure:
    """A block of rows for each example.

    Args:
        ones: The attributions of each example.
        shown: Which example each is.
        counts: How many examples were asked for, and of how many; 0 where it is not said.
        how: The options.
        names: What each example is called, in one or a few lines, instead of its number.
        headings: What each of an example's attributions is called instead of its method.
        share_axes: Whether charts of one example have one axis also where they are of one target.
    """
    asked, total = counts
    blocks, remarks = [], []
    for place, (number, row) in enumerate(zip(shown, ones, strict=True)):
        lines = names[place].splitlines() if names else []
        numbered = f"Example {number + 1}"
        positions = lines or ([f"{numbered} of {total}"] if total else [])
        said = _said(row, headings)
        truth = labels.truth_text(row[0], number, how)
        header = _header(said.title, [*said.texts, truth, *positions])
        made = [
            [
                (heading or title, [*own, *facts], drawn)
                for title, facts, drawn in rows_of(one, how)
            ]
            for one, heading, own in zip(row, said.headings, said.own, strict=True)
        ]
        _align(made, share_axes=share_axes or is_of_targets(row))
        blocks.append(Block(header, [each for of_one in made for each in of_one]))
        called = "" if headings and len(ones) == 1 else lines[0] if lines else numbered
        remarks += named_remarks(called, row, headings)
    rows = [row for block in blocks for _, _, row in block.rows]
    _draw_once(blocks)
    legend = [f"The first {len(ones)} of {asked} examples."] if len(ones) < asked else []
    legend += _notes(rows, how)
    return compose(blocks, how, " ".join(legend), gathered(remarks))


def check_no_columns(how: Drawing) -> None:
    """Raises `InvalidInputError` where `columns` is asked of anything but images."""
    if how.columns is not None:
        raise InvalidInputError(
            f"columns={how.columns} breaks lines of images, and tables, series, volumes and texts "
            "have a row for each attribution. Leave it out."
        )


def named_remarks(
    name: str, row: Sequence[Attribution], headings: Sequence[str] = ()
) -> list[tuple[str, list[str]]]:
    """What to know of an example that has that name.

    Several targets, and attributions with headings, are named one by one.
    """
    if headings:
        own: Sequence[str] = headings
    elif is_of_targets(row):
        own = [labels.target_title(one) for one in row]
    else:
        return [(name, remarks_on(row))]
    return [
        (", ".join(filter(None, (name, its))), remarks_on([one]))
        for its, one in zip(own, row, strict=True)
    ]


@dataclasses.dataclass(frozen=True)
class _Said:
    """What is said above an example, and beside each of its attributions.

    Args:
        title: What all have in common: the class explained, or the method.
        texts: More about all of them.
        headings: What each is called; empty for its method.
        own: Lines about each.
    """

    title: str
    texts: Sequence[str]
    headings: Sequence[str]
    own: Sequence[Sequence[str]]


def _said(row: Sequence[Attribution], headings: Sequence[str]) -> _Said:
    first = row[0]
    answers = [[labels.answer_text(one), labels.prediction_text(one)] for one in row]
    if is_of_targets(row) and not headings:
        return _Said(
            labels.method_title(first.method["name"]),
            [labels.predicted_text(first)],
            list(map(labels.target_title, row)),
            [list(filter(None, [labels.answer_text(one)])) for one in row],
        )
    is_of_one_model = not headings or all(answer == answers[0] for answer in answers)
    own = [
        [
            *(
                [f"explains {labels.explained(one)}"]
                if one.target_names != first.target_names
                else []
            ),
            *([] if is_of_one_model else filter(None, answer)),
        ]
        for one, answer in zip(row, answers, strict=True)
    ]
    texts = answers[0] if is_of_one_model else []
    return _Said(labels.target_title(first), texts, list(headings) or [""] * len(row), own)


def _align(made: Sequence[Sequence[Made]], *, share_axes: bool) -> None:
    """Makes rows of one input comparable: the same features, channels and slices in each.

    Args:
        made: The rows of each attribution, one for each input.
        share_axes: Whether charts have one axis.
    """
    rows = [row for of_one in made for _, _, row in of_one]
    for same in _alike(rows, SeriesRow, SeriesRow.is_beside):
        SeriesRow.align(same)
    for slices in _alike(rows, VolumeRow, VolumeRow.is_beside):
        VolumeRow.align(slices)
    if share_axes:
        SeriesRow.share_axis([row for row in rows if isinstance(row, SeriesRow)])
        TableRow.align([row for row in rows if isinstance(row, TableRow)])


def _alike(
    rows: Sequence[Row], kind: type[_Kind], is_beside: Callable[[_Kind, _Kind], bool]
) -> list[list[_Kind]]:
    """The rows of that kind, those of the same input together."""
    found: list[list[_Kind]] = []
    for row in rows:
        if isinstance(row, kind):
            same = next((some for some in found if is_beside(some[0], row)), None)
            if same is None:
                found.append([row])
            else:
                same.append(row)
    return found


def _draw_once(blocks: Sequence[Block]) -> None:
    """Leaves out a photograph that is above already, and a colour bar like one above."""
    kinds = set()
    for block in blocks:
        before: list[Any] = []
        for _, _, row in block.rows:
            if isinstance(row, ImageRow) and row.pixels is not None:
                row.has_photograph = not any(np.array_equal(row.pixels, one) for one in before)
                before.append(row.pixels)
            if isinstance(row, ImageRow | VolumeRow) and row.has_heat:
                row.has_bar = row.kind not in kinds
                kinds.add(row.kind)


def _notes(rows: Sequence[Row], how: Drawing) -> list[str]:
    """What colours and styles mean, a sentence each."""
    pictures = [row for row in rows if isinstance(row, ImageRow | VolumeRow)]
    found = []
    if pictures:
        found.append(labels.scaling_note(how))
        signs = {row.signed for row in pictures}
        found += labels.style_notes(how, pictures[0].style, signs, pictures[0].words)
    if how.certain:
        found.append("Grey pixels are not certain at 95 %.")
    return [*found, *dict.fromkeys(row.legend for row in rows if row.legend)]


def _header(title: str, texts: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """The title, and what else is said of the example."""
    found = [(title, style.font(style.TITLE, bold=True))]
    return found + [(text, style.font(style.BODY, style.MUTED)) for text in texts if text]
