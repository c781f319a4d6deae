"""Looks at a few examples before a run, so that a request that fits none ends before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tfxai.batch.sources.rows import Failure, Row, Source
from tfxai.errors import InvalidInputError

FIRST = 1000
"""Examples at the head that are looked at for one that can be used."""
SPACED = 16
"""Examples behind them that are looked at, spaced evenly."""


def looked_at(source: Source) -> Iterator[tuple[int, Row | Failure]]:
    """The first examples of a source and a few of those behind them, each with its place."""
    first = min(source.count, FIRST)
    yield from enumerate(source.read(0, first))
    rest = source.count - first
    for place in sorted({first + rest * i // SPACED for i in range(SPACED if rest else 0)}):
        yield from ((place, row) for row in source.read(place, place + 1))


def unusable(failures: Sequence[Failure]) -> InvalidInputError:
    """Why a run does not begin: of the examples that were looked at none can be used."""
    first = failures[0]
    reason = first.reason if repr(first.key) in first.reason else f"{first.key!r}: {first.reason}"
    others = commonest(failures)[1:3]
    more = "".join(f" {count:,} others: {other}" for other, count in others)
    which = "The only example cannot be used."
    if len(failures) > 1:
        which = f"None of {len(failures):,} examples that were tried can be used. The first is"
    return InvalidInputError(f"{which} {reason}{more}")


def commonest(failures: Iterable[Failure]) -> list[tuple[str, int]]:
    """The reasons with their counts, the commonest first; keys in them become `'...'`."""
    reasons = Counter(one.reason.replace(repr(one.key), "'...'") for one in failures)
    return reasons.most_common()
