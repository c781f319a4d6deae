"""A call of a signature, by whichever road it came: bounded before it runs, run in chunks."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.export.names import EXPLAIN, TOKENS
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages.problems import bad, no_upstream, too_much
from tfxai.serving.messages.signatures import End, Signature
from tfxai.serving.messages.tensors import Feeds
from tfxai.serving.models.model import Deadline, Model

_FIRST = 8  # examples of the first chunk, whose time says how large the others are
_SECONDS = 1.0  # that a chunk is to take
LARGE = 2**18
"""Bytes of a text above which its size is checked before it is read."""
_PER_NUMBER, _PER_EXAMPLE = 3, 1000  # commas: lists around single numbers, names
_COUNTED = ("steps", "samples")  # options that say how often a model runs for an example


def call_signature(
    model: Model,
    name: str,
    feeds: Feeds,
    outputs: Collection[str] | None,
    limits: ServerLimits,
    deadline: Deadline,
) -> Feeds:
    """What a signature gives; of its outputs at least those that are named.

    An explanation that tfxai exported is computed example by example, so many of them are run in
    chunks of about a second each: the work ends soon after its deadline, and takes the memory of a
    chunk.

    Raises:
        RequestError: 400, an explanation is asked for of numbers that are not finite or of empty
            texts; 413, it is more than the limits let; 504, it is late; or the run fails.
    """
    signature = model.signatures[name]
    batched = [feeds[key] for key in _batched(feeds, signature.inputs)]
    count = max([0, *(len(array) for array in batched if array.ndim)])
    check_cost(model, name, count, limits)
    if name.startswith(EXPLAIN):
        for key, array in feeds.items():
            check_finite(key, array)
        if any(TOKENS in one.outputs for one in model.signatures.values()):
            check_texts(feeds)
    if count <= _FIRST or not _is_by_example(model, name, feeds, count):
        return model.run(name, feeds, outputs, deadline)
    parts: list[Feeds] = []
    start, size = 0, _FIRST
    while start < count:
        deadline.check()
        began = time.perf_counter()
        rows = slice(start, min(start + size, count))
        part = model.run(name, {key: x[rows] for key, x in feeds.items()}, outputs, deadline)
        parts.append(check_rows(part, rows.stop - start))
        spent = max(time.perf_counter() - began, 1e-6)
        size = max(1, int((rows.stop - start) * _SECONDS / spent))
        start = rows.stop
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def check_rows(given: Feeds, count: int) -> Feeds:
    """What a model gave, where that is an entry for each example.

    Raises:
        RequestError: 502, it is not.
    """
    if any(np.shape(array)[:1] != (count,) for array in given.values()):
        raise no_upstream(f"The model gave another number of answers than {count}.")
    return given


def check_finite(name: str, array: Array) -> None:
    """Whether an input can be explained: NaN and infinity get finite values from many graphs.

    Raises:
        RequestError: 400, it holds NaN or infinite numbers.
    """
    if array.dtype.kind not in "biuOSU" and not np.isfinite(array).all():
        raise bad(f"Input {name!r} holds NaN or infinite numbers. Send finite ones.")


def check_texts(feeds: Feeds) -> None:
    """Whether texts have something in them to explain.

    Raises:
        RequestError: 400, one is empty.
    """
    for key, array in feeds.items():
        texts: Any = np.ravel(array) if array.dtype.kind in "OSU" else ()
        for i, text in enumerate(texts):
            if not text.strip():
                raise bad(
                    f"Input {key!r} is empty in instance {i}, and there is nothing in it to "
                    "explain. Send a text with at least one word."
                )


def check_cost(model: Model, name: str, count: int, limits: ServerLimits) -> None:
    """Whether a call of a signature for so many examples is within the limits.

    Raises:
        RequestError: 413, it is not.
    """
    if count > limits.instances:
        raise too_much("Instances", count, limits.instances, "--max-instances")
    runs = _runs(baked_options(model, name))
    if runs > limits.steps:
        what = f"Runs of the model for {name.removeprefix(EXPLAIN)}"
        raise too_much(what, runs, limits.steps, "--max-steps")


def check_size(body: bytes, model: Model, limits: ServerLimits) -> None:
    """Whether a text can be a question to a model, by its commas, before it is read.

    Reading many megabytes of numbers takes seconds in which no other thread runs.

    Raises:
        RequestError: 413, it has more numbers than the examples that a request may have.
    """
    ends = [one.inputs.values() for one in model.signatures.values()]
    if any(not _is_fixed(end) for some in ends for end in some):
        return
    numbers = max([0, *(sum(map(_numbers_of, some)) for some in ends)])
    most = limits.instances * (_PER_NUMBER * numbers + _PER_EXAMPLE)
    commas = body.count(b",")
    if commas > most:
        raise too_much("Numbers and lists of the body", commas, most, "--max-instances")


def _is_fixed(end: End) -> bool:
    """Whether an example of it is so many numbers."""
    return end.dtype != "string" and end.shape is not None and None not in end.shape[1:]


def _numbers_of(end: End) -> int:
    return math.prod(n or 0 for n in (end.shape or ())[1:])


def count_of(body: Mapping[str, Any], signature: Signature) -> int:
    """The examples in the body of a `:predict`, which is not yet read."""
    rows: Any = body.get("instances")
    columns: Any = body.get("inputs")
    if isinstance(rows, list):
        return len(rows)
    if not isinstance(columns, dict):
        columns = dict.fromkeys(signature.inputs, columns)
    batched = [columns[key] for key in _batched(columns, signature.inputs)]
    return max([0, *(len(value) for value in batched if isinstance(value, list))])


def baked_options(model: Model, name: str) -> dict[str, Any]:
    """The options that a signature was exported with, as its record has them."""
    told = (model.record or {}).get("signatures", {}).get(name, {})
    method = told.get("method")
    options = method.get("options") if isinstance(method, dict) else None
    return options if isinstance(options, dict) else {}


def _batched(values: Mapping[str, Any], ends: Mapping[str, End]) -> list[str]:
    """The inputs whose first axis is that of the examples, as far as a signature says it."""
    return [
        key
        for key, end in ends.items()
        if key in values and (end.shape is None or end.shape[:1] == (None,))
    ]


def _is_by_example(model: Model, name: str, feeds: Feeds, count: int) -> bool:
    """Whether a signature gives for each example what it would give for it alone."""
    if not name.startswith(EXPLAIN) or name not in (model.record or {}).get("signatures", {}):
        return False
    signature = model.signatures[name]
    ends = [*signature.inputs.values(), *signature.outputs.values()]
    return all(end.shape is not None and end.shape[:1] == (None,) for end in ends) and all(
        array.shape[:1] == (count,) for array in feeds.values()
    )


def _runs(options: Any) -> int:
    """How often a model runs for one example: the product of what is counted, inside as well."""
    runs, left = 1, [options]
    while left:
        for key, value in left.pop().items():
            if isinstance(value, dict):
                left.append(value)
            elif key in _COUNTED and isinstance(value, int) and value > 0:
                runs *= value
    return runs
