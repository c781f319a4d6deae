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
    if len(failures) == 1:
        return InvalidInputError(f"The only example cannot be used. {_of(failures[0])}")
    none = f"None of {len(failures):,} examples that were tried can be used."
    groups = commonest(failures)
    if len(groups) == 1:
        return InvalidInputError(f"{none} The first is {_of(failures[0])}")
    examples = {_without_key(one): one for one in reversed(failures)}
    parts = [f"{count:,} such as {_of(examples[reason])}" for reason, count in groups[:_SHOWN]]
    return InvalidInputError(" ".join([none, *parts]))


def _of(failure: Failure) -> str:
    is_named = repr(failure.key) in failure.reason
    return failure.reason if is_named else f"{failure.key!r}: {failure.reason}"


def commonest(failures: Iterable[Failure]) -> list[tuple[str, int]]:
    """The reasons with their counts, the commonest first; keys in them become `'...'`."""
    return Counter(map(_without_key, failures)).most_common()


def _without_key(failure: Failure) -> str:
    return failure.reason.replace(repr(failure.key), "'...'")


_SHOWN = 3  # reasons in one sentence
