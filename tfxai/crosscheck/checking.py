"""Whether a peer's values are tfxai's: difference, correlation, time, and a verdict."""

from __future__ import annotations

import dataclasses
import enum
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.crosscheck.timing import interleaved

TOLERANCE = 2.0**-13
"""Largest difference that still counts as agreement, as a share of the largest value.

1024 float32 epsilons: both sides take the same gradients, in batches of other sizes. A sum of
2,000 products rounds by some 50 epsilons, and twenty layers of them by 1,000.
"""


class Verdict(enum.StrEnum):
    """Outcome of comparing a peer's values with tfxai's."""

    AGREES = "agrees"
    DEPARTS = "departs as known"
    DIFFERS = "DIFFERS"
    FAILS_AS_KNOWN = "fails as known"
    FAILS = "FAILS"
    LEFT_OUT = "left out"

    @property
    def is_alarm(self) -> bool:
        """Whether somebody should look at it."""
        return self in (Verdict.DIFFERS, Verdict.FAILS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One method of a peer beside its counterpart in tfxai.

    Args:
        peer: The peer's name.
        method: Its method, with the option that the case is about.
        ours: tfxai's values, as the paper defines them.
        theirs: The peer's values, before it prepares them for display.
        departure: Known difference of the peer, in a sentence; "" for none.
        reconcile: Function of (ours, theirs) that returns two arrays, which are the same if the
            departure explains all of the difference.
        fails: Whether the departure is that `theirs` raises.
        needs: Registry name of a method of tfxai without which the case is left out.
    """

    peer: str
    method: str
    ours: Callable[[], Array]
    theirs: Callable[[], Array]
    departure: str = ""
    reconcile: Callable[[Array, Array], tuple[Array, Array]] | None = None
    fails: bool = False
    needs: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """Result of a case.

    Args:
        peer: The peer's name.
        method: Its method.
        verdict: The verdict.
        note: A sentence about it: the departure, the failure, or "".
        difference: Largest absolute difference of two values.
        largest: Largest absolute value on either side.
        correlation: Pearson's correlation, None where one side is constant.
        reconciled: Largest difference after reconciling, as a share of the largest value.
        ratios: tfxai's time over the peer's in each round.
    """

    peer: str
    method: str
    verdict: Verdict
    note: str = ""
    difference: float | None = None
    largest: float | None = None
    correlation: float | None = None
    reconciled: float | None = None
    ratios: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON takes it; the times as their median and quartiles."""
        record = dataclasses.asdict(self)
        del record["ratios"]
        return {**record, "verdict": str(self.verdict), "time_ratio": self.time_ratio}

    @property
    def time_ratio(self) -> dict[str, float] | None:
        """Ratio of tfxai's time to the peer's: median and quartiles; None if nothing was timed."""
        if len(self.ratios) < 2:
            return None
        low, median, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return {"median": median, "low": low, "high": high}


def check(case: Case, rounds: int, known: tuple[str, ...]) -> Result:
    """Runs both sides of a case and compares them.

    Args:
        case: The case to run.
        rounds: How often each side is timed; 0 for not at all.
        known: Registry names of tfxai's methods.
    """
    if case.needs is not None and case.needs not in known:
        note = f"This version of tfxai has no method {case.needs!r}."
        return _named(case, Verdict.LEFT_OUT, note)
    ours = np.asarray(case.ours(), np.float64)
    try:
        theirs = np.asarray(case.theirs(), np.float64)
    except Exception as error:  # another library may raise anything
        reason = str(error).strip().partition("\n")[0]
        came = f"It raises {type(error).__name__}: {reason}"
        verdict = Verdict.FAILS_AS_KNOWN if case.fails else Verdict.FAILS
        return _named(case, verdict, f"{case.departure} {came}".strip())
    difference, largest = apart(ours, theirs)
    verdict, reconciled = judge(case, ours, theirs)
    return _named(
        case,
        verdict,
        case.departure if verdict is Verdict.DEPARTS else "",
        difference=difference,
        largest=largest,
        correlation=correlation(ours, theirs),
        reconciled=reconciled,
        ratios=_ratios(case, rounds),
    )


def judge(case: Case, ours: Array, theirs: Array) -> tuple[Verdict, float | None]:
    """The verdict on two arrays, and what the departure leaves of their difference."""
    if _is_same(*apart(ours, theirs)):
        return Verdict.AGREES, None
    if case.reconcile is None:
        return Verdict.DIFFERS, None
    difference, largest = apart(*case.reconcile(ours, theirs))
    verdict = Verdict.DEPARTS if _is_same(difference, largest) else Verdict.DIFFERS
    return verdict, difference / largest if largest else difference


def apart(ours: Array, theirs: Array) -> tuple[float, float]:
    """Largest absolute difference and largest absolute value; infinity where shapes differ."""
    largest = max(_largest(ours), _largest(theirs))
    if ours.shape != theirs.shape or not np.isfinite(largest):
        return float("inf"), largest
    return _largest(ours - theirs), largest


def correlation(ours: Array, theirs: Array) -> float | None:
    """Pearson's correlation, None where it is not defined."""
    if ours.shape != theirs.shape or not (np.ptp(ours) > 0 and np.ptp(theirs) > 0):
        return None
    return float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])


def _is_same(difference: float, largest: float) -> bool:
    return difference <= TOLERANCE * largest


def _largest(values: Array) -> float:
    return float(np.abs(values).max(initial=0.0))


def _ratios(case: Case, rounds: int) -> tuple[float, ...]:
    if not rounds:
        return ()
    times = interleaved({"ours": case.ours, "theirs": case.theirs}, rounds)
    return tuple(a / b for a, b in zip(times["ours"], times["theirs"], strict=True))


def _named(case: Case, verdict: Verdict, note: str, **numbers: Any) -> Result:
    return Result(peer=case.peer, method=case.method, verdict=verdict, note=note, **numbers)
