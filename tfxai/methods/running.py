"""Running a compiled program on as many examples at once as memory allows."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai import config
from tfxai.arrays import Array
from tfxai.core.inputs.layout import Layout
from tfxai.core.model.pass_memory import pass_bytes
from tfxai.core.model.structure import ModelStructure
from tfxai.core.program import Plan
from tfxai.core.sampling.copies import MOST, chunk_rows
from tfxai.core.sampling.passes import counted
from tfxai.errors import InsufficientMemoryError, InvalidInputError
from tfxai.progress import Display, Report


def read_chunk(
    chunk_size: int | str,
    model: keras.Model,
    layout: Layout,
    body: ModelStructure,
    *,
    keeps_every_layer: bool,
) -> int:
    """Most rows that run at once.

    Args:
        chunk_size: As it was passed.
        model: The model.
        layout: Its inputs.
        body: Its structure.
        keeps_every_layer: Whether the method keeps every layer's output beside the signals.

    Raises:
        InvalidInputError: It is neither `"auto"` nor a positive integer.
    """
    if chunk_size == "auto":
        budget, most = config.memory_budget, body.pass_bytes
        is_small = MOST * most <= budget // 4  # so small that a closer look is not worth its time
        bytes_per_row = most if keeps_every_layer or is_small else pass_bytes(model, layout, body)
        return chunk_rows(bytes_per_row, budget)
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
        raise InvalidInputError(
            f"chunk_size={chunk_size!r} was expected to be 'auto' or an integer of at least 1."
        )
    return chunk_size


def within_memory(
    run: Callable[[Plan, Report], dict[str, Array]],
    plan: Plan,
    report: Report,
    *,
    can_shrink: bool,
) -> dict[str, Array]:
    """Runs the plan, with half the chunk again and again where memory runs out."""
    while True:
        try:
            return run(plan, report)
        except (tf.errors.ResourceExhaustedError, MemoryError) as error:
            if plan.chunk == 1 or not can_shrink:
                advice = (
                    "Pass chunk_size='auto' or less." if plan.chunk > 1 else "Free some of it."
                )
                raise InsufficientMemoryError(
                    f"Memory ran out with {plan.chunk} examples at once. {advice}"
                ) from error
        plan = dataclasses.replace(plan, chunk=plan.chunk // 2)


@contextlib.contextmanager
def counting_passes(plan: Plan, report: Report, batch: int) -> Iterator[tuple[Plan, Report]]:
    """The plan of a program that tells a display of each pass, and what follows its slices.

    Without a display, beside another call that counts, and under XLA, both are as they were.

    Args:
        plan: The plan.
        report: What is told of the examples.
        batch: Examples in all.
    """
    if plan.jit or not isinstance(report, Display):
        yield plan, report
        return
    with counted(report.passes, -(-batch // plan.chunk)) as passes:
        if passes is None:
            yield plan, report
            return

        def told(done: int, total: int) -> None:
            passes.next_slice()
            report(done, total)

        yield dataclasses.replace(plan, is_counted=True), told


def in_slices(
    function: Any,
    plan: Plan,
    leaves: Sequence[Array],
    targets: Array,
    beside: tuple[Sequence[Array], Sequence[Array]],
    report: Report,
) -> dict[str, Array]:
    """Runs the program on at most a chunk of examples at a time, so that memory stays bounded."""
    batch, (baseline, given) = len(targets), beside
    parts: list[dict[str, Array]] = []
    for start in range(0, batch, plan.chunk):
        part = slice(start, start + plan.chunk)
        answers = function(
            [tf.convert_to_tensor(leaf[part]) for leaf in leaves],
            tf.convert_to_tensor(targets[part]),
            [
                tf.convert_to_tensor(leaf if plan.num_baselines else leaf[part])
                for leaf in baseline
            ],
            [tf.convert_to_tensor(array[part]) for array in given],
        )
        parts.append({name: tensor.numpy() for name, tensor in answers.items()})
        report(min(start + plan.chunk, batch), batch)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
