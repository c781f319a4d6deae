"""What to know before one believes an attribution: sentences for Python, terminal and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from tfxai.classes import explains_class

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
    return remarks_on([one], option)


def remarks_on(several: Sequence[Attribution], option: str = "") -> list[str]:
    """What `remarks` says of several methods about the same examples, each sentence once.

    Args:
        several: An attribution of each method.
        option: As for `remarks`.

    Returns:
        The sentences. What several methods held is one sentence, which names them.
    """
    by_held: dict[tuple[str, ...], list[Attribution]] = {}
    for one in several:
        if one.held:
            by_held.setdefault(one.held, []).append(one)
    found: list[str] = []
    for one in several:
        found += one.notes
        if one.held:
            found.append(_of_held(one.held, by_held[one.held]))
        is_large = _large_gaps(one)
        found += _of_gaps(one, option, is_large)
        found += _of_zeros(one, is_large)
    return list(dict.fromkeys(found))


class Scored(Protocol):
    """What has scores: an attribution, or the answer of a server. (B,) each."""

    @property
    def score(self) -> Any:
        """The score at the input."""

    @property
    def baseline_score(self) -> Any:
        """The score at the baseline, None where the method has none."""

    @property
    def completeness_gap(self) -> Any:
        """How far the values are from adding up, None where they need not."""


def gap_shares(one: Scored) -> np.ndarray[Any, Any] | None:
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


def _of_held(held: Sequence[str], by: Sequence[Attribution]) -> str:
    """Which inputs got no values, and from which methods, at which layer if at one."""
    methods = [method_at(one) for one in by]
    what, was = ("Input", "was") if len(held) == 1 else ("Inputs", "were")
    names = _listed([repr(name) for name in held])
    return (
        f"{what} {names} {was} held fast by {_listed(list(dict.fromkeys(methods)))} and got no "
        "values."
    )


def method_at(one: Attribution) -> str:
    """The name of the method, and the layer whose activations it explained, if any."""
    return one.method["name"] + ("" if one.at is None else f" at layer {one.at!r}")


def _listed(names: Sequence[str]) -> str:
    """`"a"`, `"a and b"`, `"a, b and c"`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _of_zeros(one: Attribution, is_large: Flags) -> list[str]:
    arrays = list(one.values.values()) if isinstance(one.values, dict) else [one.values]
    flat = [np.asarray(array).reshape(len(one), -1) for array in arrays]
    is_zero = ~np.any([part.any(axis=1) for part in flat], axis=0) & ~is_large
    if not is_zero.any() or one.method["name"] == "difference":
        return []
    completes = one.completeness_gap is not None
    name, of_class = one.method["name"], explains_class(one)
    return [blank(name, is_zero, of_class=of_class, completes=completes)]


def blank(method: str, is_zero: Flags, *, of_class: bool, completes: bool) -> str:
    """That the values of a method are zero, and why, in a sentence.

    Args:
        method: Its name.
        is_zero: (B,) of which examples it is told, at least one.
        of_class: Whether the score is that of a class.
        completes: Whether the values add up to a difference of scores.
    """
    does = "speaks for the target" if of_class else "raises the score"
    reason = f"nothing that it looks at {does}"
    if completes:
        reason = "the score is the same at the baseline and at the input"
    return f"{method} is zero everywhere{_which(is_zero)}: {reason}."


def _large_gaps(one: Attribution) -> Flags:
    """(B,) whether the gap of each example is larger than it should be."""
    if one.method["name"] == "difference":
        return np.zeros(len(one), bool)
    return large_gaps(one, one.method.get("options", {}))


def large_gaps(one: Scored, options: dict[str, Any]) -> Flags:
    """(B,) whether each gap is over 10 %, or over the tolerance of the method's options."""
    shares = gap_shares(one)
    if shares is None:
        return np.zeros(len(one.score), bool)
    tolerance = _tolerance(options)
    most = LARGE_GAP if tolerance is None else min(tolerance, LARGE_GAP)
    return np.asarray(shares > most * (1 + 1e-6) + _rounding(one))


def _of_gaps(one: Attribution, option: str, is_large: Flags) -> list[str]:
    shares = gap_shares(one)
    if shares is None or not is_large.any():
        return []
    options = one.method.get("options", {})
    tolerance = _tolerance(options)
    start = missed(one.method["name"], shares, is_large)
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


def missed(method: str, shares: np.ndarray[Any, Any], is_large: Flags) -> str:
    """How far the values of a method are from adding up, in a sentence.

    Args:
        method: Its name.
        shares: (B,) `gap_shares`.
        is_large: (B,) of which examples it is told, at least one.
    """
    most = shares[is_large].max()
    share = f"{most:.0%}" if most >= 0.095 else f"{most:.1%}"
    return (
        f"The values of {method} miss the score's difference to the baseline by {share}"
        f"{_which(is_large)}."
    )


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


def _rounding(one: Scored) -> np.ndarray[Any, Any]:
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
