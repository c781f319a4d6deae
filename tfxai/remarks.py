"""What to know before one believes an attribution: sentences for Python, terminal and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

LARGE_GAP = 0.1
"""Share of the score's difference from which a completeness gap is remarked on."""
_CANCELLED = 1e-6  # a difference this small beside the scores is rounding


def remarks(one: Attribution, option: str = "") -> list[str]:
    """What holds back trust in an attribution, one sentence each, the weightiest first.

    Args:
        one: An attribution of one example or several; sentences about some of them say which.
        option: What stands before an option where it is passed, such as `"--option "`; empty
            for Python.

    Returns:
        Inputs that are held, gaps over 10 % or over the tolerance, maps of zeros, and the notes
        that the method left.
    """
    found = [*one.notes]
    if one.held:
        names = " and ".join(map(repr, one.held))
        found.append(
            f"{'Input' if len(one.held) == 1 else 'Inputs'} {names} "
            f"{'was' if len(one.held) == 1 else 'were'} held fast and got no values."
        )
    is_large = _large_gaps(one)
    found += _of_gaps(one, option, is_large)
    found += _of_zeros(one, is_large)
    return found


def gap_shares(one: Attribution) -> np.ndarray[Any, Any] | None:
    """(B,) |completeness gap| as a share of |score - baseline score|; None without a gap.

    Where the difference is rounding, the share is of the scores themselves.
    """
    if one.completeness_gap is None or one.baseline_score is None:
        return None
    score, start = (np.asarray(a, np.float64) for a in (one.score, one.baseline_score))
    size = np.maximum(np.abs(score), np.abs(start))
    difference = np.maximum(np.abs(score - start), _CANCELLED * size)
    gap = np.abs(np.asarray(one.completeness_gap, np.float64))
    return np.divide(gap, difference, out=np.zeros_like(gap), where=difference > 0)


def _of_zeros(one: Attribution, is_large: Flags) -> list[str]:
    arrays = list(one.values.values()) if isinstance(one.values, dict) else [one.values]
    flat = [np.asarray(array).reshape(len(one), -1) for array in arrays]
    is_zero = ~np.any([part.any(axis=1) for part in flat], axis=0) & ~is_large
    if not is_zero.any() or one.method["name"] == "difference":
        return []
    reason = "nothing that it looks at speaks for the target"
    if one.completeness_gap is not None:
        reason = "the score is the same at the baseline and at the input"
    return [f"{one.method['name']} is zero everywhere{_which(is_zero)}: {reason}."]


def _large_gaps(one: Attribution) -> Flags:
    """(B,) whether the gap of each example is larger than it should be."""
    shares = gap_shares(one)
    if shares is None or one.method["name"] == "difference":
        return np.zeros(len(one), bool)
    tolerance = _tolerance(one.method.get("options", {}))
    most = LARGE_GAP if tolerance is None else min(tolerance, LARGE_GAP)
    return np.asarray(shares > most * (1 + 1e-6) + _rounding(one))


def _of_gaps(one: Attribution, option: str, is_large: Flags) -> list[str]:
    shares = gap_shares(one)
    if shares is None or not is_large.any():
        return []
    options = one.method.get("options", {})
    tolerance = _tolerance(options)
    missed = f"miss the score's difference to the baseline by {shares[is_large].max():.0%}"
    if shares[is_large].max() < 0.095:
        missed = f"miss the score's difference to the baseline by {shares[is_large].max():.1%}"
    start = f"The values of {one.method['name']} {missed}{_which(is_large)}."
    if tolerance is None:
        advice = _advice(options, option)
    elif shares[is_large].max() <= tolerance * (1 + 1e-6):  # it was too wide a tolerance
        advice = f"Pass {option}tolerance=0.01, which is narrower than {tolerance}."
    else:
        advice = (
            f"tolerance={tolerance} was not reached with max_steps={options.get('max_steps')}; "
            f"pass more{_written(option, 'max_steps')}, or explain a smoother score."
        )
    return [f"{start} {advice}".rstrip()]


def _advice(options: dict[str, Any], option: str) -> str:
    """What brings the values nearer to the difference."""
    if "max_dist" in options:
        return (
            f"Pass a smaller max_dist than {options['max_dist']:g}{_written(option, 'max_dist')}, "
            f"or more steps than {options['steps']}."
        )
    if "tolerance" in options and "samples" not in options and not _has_samples(options):
        return f"Pass {option}tolerance=0.01, which takes as many steps as an example needs."
    for name in ("steps", "samples"):
        if name in options and "layer" in options:
            return (
                f"Part of the score does not pass through layer {options['layer']!r}, or "
                f"{options[name]} {name} are too few."
            )
        if name in options:
            return f"Pass more {name} than {options[name]}{_written(option, name)}."
    return ""


def _written(option: str, name: str) -> str:
    """How an option of that name is passed where it is not an argument in Python."""
    return f" ({option}{name}=NUMBER)" if option else ""


def _has_samples(options: dict[str, Any]) -> bool:
    baseline = options.get("baseline")
    return isinstance(baseline, dict) and baseline.get("name") == "samples"


def _rounding(one: Attribution) -> np.ndarray[Any, Any]:
    """(B,) share of the difference that rounding of the scores alone may take."""
    score, start = np.asarray(one.score), np.asarray(one.baseline_score)
    eps = np.finfo(score.dtype).eps if score.dtype.kind == "f" else 0.0
    size = np.abs(score.astype(np.float64)) + np.abs(start.astype(np.float64))
    difference = np.abs(score.astype(np.float64) - start)
    return np.divide(100 * eps * size, difference, out=np.ones_like(size), where=difference > 0)


def _which(chosen: np.ndarray[Any, Any]) -> str:
    """`" (example 3)"`, `" (2 of 8 examples, such as 3)"`; nothing for the only one."""
    if len(chosen) == 1:
        return ""
    numbers: Sequence[int] = np.flatnonzero(chosen).tolist()
    if len(numbers) == 1:
        return f" (example {numbers[0]} of {len(chosen)})"
    if len(numbers) == len(chosen):
        return f" (all {len(chosen)} examples)"
    return f" ({len(numbers)} of {len(chosen)} examples, such as {numbers[0]})"


def _tolerance(options: dict[str, Any]) -> float | None:
    """The tolerance of the gap; that of a method that samples is of its standard error."""
    found = None if "samples" in options else options.get("tolerance")
    return None if found is None else float(found)
