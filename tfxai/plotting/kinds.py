"""Which row suits the values of an attribution: of images, volumes, series, tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfxai.arrangement import spatial
from tfxai.attribution import Attribution
from tfxai.axes import input_axes, parts
from tfxai.errors import InvalidInputError
from tfxai.plotting import labels
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.images import ImageRow, places_of_values
from tfxai.plotting.pictures import as_image
from tfxai.plotting.rows import Row
from tfxai.plotting.series import SeriesRow
from tfxai.plotting.tables import TableRow, columns_together
from tfxai.plotting.tokens import TokenRow
from tfxai.plotting.volumes import VolumeRow
from tfxai.token_values import has_token_values

_OF_PICTURES = ("style", "cmap", "vmax", "alpha", "clip_percentile", "threshold")


def rows_of(one: Attribution, how: Drawing) -> list[tuple[str, list[str], Row]]:
    """A labelled row for each array of values: several where a model has named inputs.

    Args:
        one: An attribution of one example.
        how: The options.

    Raises:
        InvalidInputError: The values are not an image, volume, table or series.
    """
    title = labels.method_title(one.method["name"])
    rows: list[tuple[str, list[str], Row]] = []
    together, others = columns_together(one)
    if how.certain and (together is not None or isinstance(one.values, dict)):
        raise _no_pixels(one)
    if together is not None:
        rows.append((title, labels.facts(one), TableRow(together, how.feature_names, how.groups)))
        how = dataclasses.replace(how, feature_names=None)  # which are those of the columns
    for name, part in others.items():
        of = [f"input {labels.shortened(name, 28)}"] if isinstance(one.values, dict) else []
        lines = labels.facts(one, part=name)
        is_number = bool(of) and np.asarray(part.values).shape in ((1,), (1, 1))
        if is_number and how.feature_names is None:
            rows.append((title, [*of, *lines], TableRow(part, [name])))
        else:
            rows.append((title, [*of, *lines], _row(as_image(part), how)))
    return rows


def check_words(several: Sequence[Attribution], how: Drawing) -> None:
    """Raises `InvalidInputError` for an option of pictures where none is drawn."""
    words = [word for word in _OF_PICTURES if getattr(how, word) != getattr(Drawing(), word)]
    if words and not any(_has_picture(part) for one in several for part in parts(one).values()):
        raise InvalidInputError(
            f"{words[0]}={getattr(how, words[0])!r} is of images and volumes, and tables are "
            "drawn as bars, series as lines and texts as words. Leave it out."
        )


def _has_picture(part: Attribution) -> bool:
    return not has_token_values(part) and places_of_values(as_image(part)) in (2, 3)


def _no_pixels(one: Attribution) -> InvalidInputError:
    return InvalidInputError(
        f"certain=True greys out pixels of one image, and the values of {one.method['name']} are "
        "of none. Leave it out; Attribution.certain() says which values are certain."
    )


def _row(one: Attribution, how: Drawing) -> Row:
    if has_token_values(one):
        return TokenRow(one)
    values, inputs = np.asarray(one.values), np.asarray(one.inputs)
    places = places_of_values(one)
    if places == 2:
        return ImageRow(one, how)
    if how.certain:
        raise _no_pixels(one)
    if places == 3:
        return VolumeRow(one, how)
    is_of_table = one.is_map and inputs.ndim == 2 and not spatial(input_axes(one))
    if places == 1 and not is_of_table:
        return SeriesRow(one, how.feature_names)
    if values.ndim == 2:
        return TableRow(one, how.feature_names, how.groups)
    raise InvalidInputError(
        f"The values have shape {values.shape} for inputs {inputs.shape}, and figures are drawn "
        "of images (B, H, W, C), volumes (B, D, H, W, C), series (B, T, C) and tables (B, F). "
        "Draw other values from Attribution.values."
    )
