"""The patches of an image among the tokens of a vision transformer: places, names, maps."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, TypeAlias

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError

Query: TypeAlias = tuple[int, int] | int | Literal["class", "mean"]
"""The token that attends: row and column of a patch, its number, or one of the words."""


@dataclasses.dataclass(frozen=True)
class PatchGrid:
    """The patches of an image among the tokens of an attention, row by row.

    Rows and columns count from 0 at the top left, as layers and heads do.

    Args:
        height: Rows of patches.
        width: Columns of patches.
        first: Number of tokens in front of the patches: a class token, registers.
        behind: Number of tokens behind the patches.
        class_token: The number of the class token among these; None where there is none.
        covers: The shares of the image's height and width that the patches cover, from the top
            left, in (0, 1]: less than 1 where a rest is too narrow for a patch.
    """

    height: int
    width: int
    first: int = 0
    behind: int = 0
    class_token: int | None = None
    covers: tuple[float, float] = (1.0, 1.0)

    @property
    def size(self) -> int:
        """The number of patches."""
        return self.height * self.width

    @property
    def tokens(self) -> int:
        """The number of all tokens."""
        return self.first + self.size + self.behind

    def token(self, row: int, column: int) -> int:
        """The number of the token of a patch.

        Raises:
            InvalidInputError: There is no such patch.
        """
        places = ((row, self.height), (column, self.width))
        if not all(isinstance(n, int | np.integer) and 0 <= n < size for n, size in places):
            raise InvalidInputError(
                f"There is no patch in row {row!r}, column {column!r}: the image has "
                f"{self.height} rows and {self.width} columns of patches, from 0."
            )
        return self.first + int(row) * self.width + int(column)

    def query(self, query: Query | None) -> int | None:
        """The number of the token that a query names; None for the mean over all tokens.

        Args:
            query: (row, column) of a patch, `"class"` for the class token, the number of any
                token, or `"mean"`; None is the class token where there is one, else the mean.

        Raises:
            InvalidInputError: There is no such token, or no class token.
        """
        if query is None:
            return self.class_token
        if isinstance(query, tuple) and len(query) == 2:
            return self.token(*query)
        if isinstance(query, str):
            if query == "mean":
                return None
            if query == "class" and self.class_token is not None:
                return self.class_token
        elif query is not True and query is not False and query in range(self.tokens):
            return int(query)
        has = "there is one" if self.class_token is not None else "there is none here"
        raise InvalidInputError(
            f"query={query!r} was expected to be (row, column) of one of {self.height} x "
            f"{self.width} patches, 'class' for the class token ({has}), a number from 0 to "
            f"{self.tokens - 1}, or 'mean'."
        )

    def place(self, token: int) -> tuple[int, int] | None:
        """Row and column of a token; None where it is no patch."""
        number = token - self.first
        return divmod(number, self.width) if 0 <= number < self.size else None

    def name(self, token: int) -> str:
        """`"row 2, column 5"`, `"class token"`, or `"extra token 1"`."""
        place = self.place(token)
        if place is not None:
            return f"row {place[0]}, column {place[1]}"
        return "class token" if token == self.class_token else f"extra token {token}"

    def tick(self, token: int) -> str:
        """What an axis of tokens says: `"row 2"` where a row begins, `"class"`, else nothing."""
        place = self.place(token)
        if place is not None:
            return "" if place[1] else f"row {place[0]}"
        return "class" if token == self.class_token else ""

    def on_patches(self, weights: Any) -> Array:
        """(..., height, width) of (..., T) numbers of all tokens: those of the patches."""
        numbers = np.asarray(weights)[..., self.first : self.first + self.size]
        return numbers.reshape(*numbers.shape[:-1], self.height, self.width)

    def words(self) -> str:
        """Its patches and other tokens, in words."""
        others = self.first + self.behind - (self.class_token is not None)
        found = [f"{self.height} x {self.width} patches"]
        found += ["a class token"] if self.class_token is not None else []
        found += [f"{others} extra token{'s' if others > 1 else ''}"] if others else []
        return " and ".join(found) if len(found) < 3 else f"{found[0]}, {found[1]} and {found[2]}"
