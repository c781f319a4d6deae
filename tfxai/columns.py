"""Columns of tables: what a DataFrame says of each, kept beside the numbers that a model takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeAlias, final

_PLAIN = (str, int, float, bool)


@final
@dataclasses.dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: Its name.
        dtype: Its type in the DataFrame, such as `"int64"` or `"category"`; empty if unknown.
        categories: The categories of a categorical column, in order; None for others.
        ordered: Whether the categories have an order.
    """

    name: str
    dtype: str = ""
    categories: tuple[str | int | float | bool, ...] | None = None
    ordered: bool = False

    @property
    def is_of_truths(self) -> bool:
        """Whether it holds truths, as what `pandas.get_dummies` makes: of NumPy or of Arrow."""
        return self.dtype.lower().startswith("bool")

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Column:
        """The column that `dataclasses.asdict` describes."""
        categories = record["categories"]
        return cls(
            str(record["name"]),
            str(record["dtype"]),
            None if categories is None else tuple(categories),
            bool(record["ordered"]),
        )


Columns: TypeAlias = "tuple[Column, ...] | dict[str, tuple[Column, ...]]"


def is_frame(inputs: Any) -> bool:
    """Whether it is a DataFrame: of pandas, or of another library that names columns alike."""
    return hasattr(inputs, "columns") and hasattr(inputs, "to_numpy")


def columns_of(leaf: Any) -> tuple[Column, ...]:
    """The columns of a DataFrame, the one of a Series with a name; else none."""
    if is_frame(leaf):
        names = list(leaf.columns)
        dtypes: list[Any] = list(getattr(leaf, "dtypes", ()))
        dtypes = dtypes if len(dtypes) == len(names) else [None] * len(names)
        return tuple(map(_column, names, dtypes))
    if hasattr(leaf, "to_numpy") and getattr(leaf, "name", None) is not None:
        return (_column(leaf.name, getattr(leaf, "dtype", None)),)
    return ()


def columns_to_json(columns: Columns) -> Any:
    """Columns as lists and dicts."""
    if isinstance(columns, dict):
        return {name: columns_to_json(of) for name, of in columns.items()}
    return [dataclasses.asdict(column) for column in columns]


def columns_from_json(stored: Any) -> Columns:
    """The columns that `columns_to_json` wrote."""
    if isinstance(stored, dict):
        return {name: tuple(map(Column.from_dict, of)) for name, of in stored.items()}
    return tuple(map(Column.from_dict, stored))


def _column(name: Any, dtype: Any) -> Column:
    # a categorical type of pandas has both; its categories may still be unknown
    is_categorical = hasattr(dtype, "categories") and hasattr(dtype, "ordered")
    found = dtype.categories if is_categorical else None
    categories = None if found is None else tuple(map(_as_plain, found.tolist()))
    ordered = bool(dtype.ordered) if is_categorical else False
    return Column(str(name), "" if dtype is None else str(dtype), categories, ordered)


def _as_plain(category: Any) -> str | int | float | bool:
    """A category as JSON takes it: intervals and dates as texts."""
    return category if isinstance(category, _PLAIN) else str(category)
