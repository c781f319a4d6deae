"""Options of a method that are methods themselves, layers, or grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfxai.core.options import Kind
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.by_name import create


def read_method(option: str, given: Any) -> AttributionMethod:
    """A method as an option of another one, from a record, its registry name or a stored config.

    Raises:
        UnknownNameError: No method has that name.
        InvalidInputError: It is none of these.
    """
    if isinstance(given, str):
        given = create(given)
    if isinstance(given, dict) and set(given) == {"name", "options"}:
        given = AttributionMethod.from_config(given)
    if not isinstance(given, AttributionMethod):
        raise InvalidInputError(
            f"{option}={given!r} was expected to be a method, such as Saliency(), or its name."
        )
    return given


def check_of_input(option: str, method: AttributionMethod, owner: str) -> None:
    """Checks a method whose values another one takes, shaped like the input.

    Raises:
        InvalidInputError: The values are those of a layer, or maps, or are finished on the host.
    """
    if method.has_host_stage:
        raise InvalidInputError(
            f"{option}={method.name!r} {method.host_stage} on the host, after its program, and no "
            "other program can hold that. Pass a method such as 'saliency' or "
            "'integrated_gradients'."
        )
    if method.is_map or method.is_of_layer:
        raise InvalidInputError(
            f"{option}={method.name!r} gives the values of a layer, and {owner} takes those of "
            "the input. Pass a method such as 'saliency' or 'integrated_gradients'."
        )


def _read_path(option: str, path: Any) -> str:
    if not isinstance(path, str) or not path:
        raise InvalidInputError(f"{option}={path!r} was expected to be the path of a layer.")
    return path


def _read_grid_or_auto(name: str, reshape: Any) -> tuple[int, int] | str:
    if isinstance(reshape, str) and reshape == AUTO:
        return AUTO
    return _read_grid(name, reshape, f"{AUTO!r}, or None")


def _read_grid(name: str, reshape: Any, others: str = "or None") -> tuple[int, int]:
    grid = tuple(reshape) if isinstance(reshape, Sequence) else ()
    is_whole = all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in grid)
    if len(grid) != 2 or not is_whole:
        raise InvalidInputError(
            f"{name}={reshape!r} was expected to be (height, width) of the grid, {others}."
        )
    return grid[0], grid[1]


METHOD = Kind("a method, by its name or as a record", read_method)
PATH = Kind("the path of a layer", _read_path)
AUTO = "auto"
"""Asks for what the model itself says."""
GRID = Kind("(height, width) of a grid", _read_grid)
GRID_OR_AUTO = Kind('(height, width) of a grid, or "auto"', _read_grid_or_auto)
