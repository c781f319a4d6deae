"""Checks that the architectures share."""

from __future__ import annotations

from tfxai.errors import InvalidInputError


def check_architecture(input_shape: tuple[int, ...], classes: int, smallest: int) -> None:
    """Raise `InvalidInputError` unless an image classifier can be built from these."""
    shape = tuple(input_shape)
    whole = len(shape) == 3 and all(isinstance(size, int) and size >= 1 for size in shape)
    if not whole or min(shape[:2]) < smallest:
        raise InvalidInputError(
            f"input_shape={shape} is not the shape of an image that this network can take. "
            f"Pass (height, width, channels) with height and width of at least {smallest}."
        )
    if not isinstance(classes, int) or classes < 2:
        raise InvalidInputError(f"classes={classes!r} is too few to choose from. Pass at least 2.")
