"""What alibi's explainer takes: baselines and targets as arrays, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError


def leaves_of(inputs: Any) -> list[Array]:
    """The arrays of one input, or of a list of several.

    Raises:
        InvalidInputError: They are no arrays, or not of the same number of examples.
    """
    leaves = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    if not leaves or not all(hasattr(leaf, "shape") and len(leaf.shape) for leaf in leaves):
        raise InvalidInputError(
            f"X is a {type(inputs).__name__}, and an array (B, ...) or a list with an array for "
            "each input of the model was expected. Pass np.asarray(X)."
        )
    arrays = [np.asarray(leaf) for leaf in leaves]
    sizes = [len(array) for array in arrays]
    if len(set(sizes)) > 1 or not sizes[0]:
        raise InvalidInputError(
            f"The arrays of X hold {sizes} examples. Pass the same number in each, at least one."
        )
    return arrays


def baselines_of(given: Any, inputs: Any) -> Any:
    """Baselines shaped like the inputs, as a list where those are one.

    Raises:
        InvalidInputError: They do not fit.
    """
    if not isinstance(inputs, list | tuple):
        return _baseline(given, np.asarray(inputs))
    if given is None:
        given = [None] * len(inputs)
    if not isinstance(given, list | tuple) or len(given) != len(inputs):
        raise InvalidInputError(
            f"X is a list of {len(inputs)} arrays, and baselines were expected to be None or a "
            "list as long. Pass one baseline for each input."
        )
    return [_baseline(one, np.asarray(x)) for one, x in zip(given, inputs, strict=True)]


def _baseline(given: Any, x: Array) -> Array:
    value = np.asarray(0 if given is None else given)
    if value.dtype.kind not in "iufb":
        raise InvalidInputError(
            f"baselines={given!r} was expected to be None, a number or an array like X."
        )
    if value.ndim and value.shape != x.shape:
        raise InvalidInputError(
            f"baselines have shape {value.shape}, and X has {x.shape}. Pass a number, or an array "
            "with a baseline for each example."
        )
    as_x = value.astype(x.dtype)
    is_lossless = x.dtype.kind == "f" or np.array_equal(as_x, value)
    return np.broadcast_to(as_x if is_lossless else value, x.shape).copy()


def target_of(given: Any, outputs: Array) -> Array | None:
    """(B,) indices of the outputs (B, N), (B, r) of outputs with r axes, or None of one output.

    Raises:
        InvalidInputError: None for several outputs, or indices that do not fit.
    """
    axes = outputs.shape[1:] or (1,)
    if given is None:
        if axes == (1,):
            return None
        raise InvalidInputError(
            f"The model has outputs of shape {axes}, and no target came. Pass the index of an "
            "output, one for all examples or one for each."
        )
    target = np.asarray(given)
    target = np.full(len(outputs), target) if target.ndim == 0 else target
    check_target((None, *outputs.shape[1:]), target, len(outputs))
    return target


def check_target(
    output_shape: tuple[int | None, ...], target: Array | None, nb_samples: int
) -> None:
    """Raises `InvalidInputError` unless a target fits the outputs.

    Args:
        output_shape: (None, ...) of the model's output.
        target: (B,) indices, (B, r) for outputs with r axes; None fits any outputs.
        nb_samples: B.
    """
    if target is None:
        return
    axes = tuple(output_shape[1:]) or (1,)
    if target.dtype.kind not in "iu":
        raise InvalidInputError(f"target has type {target.dtype}, and integers were expected.")
    wanted = (nb_samples,) if len(axes) == 1 else (nb_samples, len(axes))
    if target.shape != wanted:
        raise InvalidInputError(
            f"target has shape {target.shape}, and {wanted} was expected for {nb_samples} "
            f"examples with outputs of shape {axes}."
        )
    most = (2,) if axes == (1,) else axes  # the classes 0 and 1 of one output
    rows = target.reshape(nb_samples, -1)
    bounds = np.array([np.inf if n is None else n for n in most])
    if (rows < 0).any() or (rows >= bounds).any():
        raise InvalidInputError(
            f"target={target.tolist()} is outside the model's outputs of shape {axes}. Pass "
            f"indices from 0 below {most[0] if len(most) == 1 else most}."
        )


def target_by(function: Callable[[Any], Any], outputs: Array) -> Array:
    """(B,) what a function of the outputs chooses.

    Raises:
        InvalidInputError: It does not choose one index for each example.
    """
    chosen = np.asarray(function(outputs))
    if chosen.shape != (len(outputs),):
        raise InvalidInputError(
            f"target_fn returned shape {chosen.shape}, and one index for each example was "
            f"expected: ({len(outputs)},). Pass partial(np.argmax, axis=1), for one."
        )
    return chosen
