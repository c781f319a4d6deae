"""Perturbation methods for a model that can only be asked, a batch of inputs at a time.

The equations, options and random numbers are those of `tfxai.Occlusion`, `RISE`, `KernelSHAP` and
`ShapleySampling` with `score="output"`; here they are NumPy's, so that a server in front of
another one needs no TensorFlow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.serving.explaining.fanout.features import KernelSHAP, ShapleySampling
from tfxai.serving.explaining.fanout.perturbing import Explained, Fanout, TooManyRowsError
from tfxai.serving.explaining.fanout.windows import RISE, Occlusion

__all__ = ["KINDS", "METHODS", "Explained", "Fanout", "TooManyRowsError", "method"]

KINDS: dict[str, type[Fanout]] = {
    one.name: one for one in (Occlusion, RISE, KernelSHAP, ShapleySampling)
}
"""The methods by their registry names."""
METHODS = tuple(KINDS)


def method(
    name: str,
    options: Mapping[str, Any],
    shape: tuple[int, ...],
    how: Preprocessing | None = None,
    most: int = 10_000,
) -> Fanout:
    """A method, its options read and checked.

    Args:
        name: One of `METHODS`.
        options: Those that differ from the defaults, of JSON's types.
        shape: Of one example, no axis of it free.
        how: How pixels became inputs, where it is known.
        most: Inputs that the model may be asked about for one example.

    Raises:
        UnknownNameError: There is no method or option of that name.
        TooManyRowsError: The model would be asked about more.
        InvalidInputError: An option is out of range.
    """
    if name not in KINDS:
        raise UnknownNameError.of("method", name, KINDS)
    kind = KINDS[name]
    if len(shape) == 3 and shape[0] in (1, 3) and shape[2] > 4:
        raise InvalidInputError(
            f"An instance has shape {tuple(shape)}, channels first, and {name} by predictions "
            "alone takes channels last. Ask an explain signature of the model, or export it with "
            "channels last."
        )
    for option in options:
        if option not in kind.defaults:
            raise UnknownNameError.of("option", option, kind.defaults, name)
    try:
        return kind({**kind.defaults, **options}, tuple(shape), how, most)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, InvalidInputError):
            raise
        shown = json.dumps(dict(options), default=str)[:200]
        raise InvalidInputError(f"The options {shown} are not what {name} takes.") from error
