"""A method that is about to run: its program, and all that the program takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tfxai import config
from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.columns import Columns
from tfxai.core.inputs.host_arrays import Examples
from tfxai.core.inputs.layout import check_exact
from tfxai.core.program import Plan
from tfxai.methods.answering import check_finite, finished, made
from tfxai.methods.asking import read_targets
from tfxai.methods.prepared import Prepared


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """A method, and what its program takes.

    Args:
        ready: The method, fitted to a model and a question.
        plan: The key of its program.
        leaves: The inputs.
        targets: The target of each example.
        baseline: What the inputs are compared with, array by array.
        examples: What work on the host sees of the inputs.
        given: What was made of the examples on the host.
    """

    ready: Prepared
    plan: Plan
    leaves: Sequence[Array]
    targets: Array
    baseline: list[Array]
    examples: Examples
    given: list[Array]

    @classmethod
    def of(
        cls, ready: Prepared, leaves: Sequence[Array], target: Any, chunk_size: int | str
    ) -> Task:
        """Reads targets and baselines.

        Raises:
            TfxaiError: As for a call of the method.
        """
        method = ready.method
        targets = read_targets(target, len(leaves[0]), ready.question, ready.subject, ready.body)
        check_exact(ready.layout, leaves)
        kind, baseline = method._baseline(ready, leaves)
        examples = ready.examples(leaves)
        given = [how.made(examples) for how in ready.host_arrays]
        plan = ready.plan(
            target_rank=targets.ndim,
            baseline=kind,
            num_baselines=len(baseline[0]) if method._shares_baselines() else 0,
            given=given,
            chunk_size=chunk_size,
            jit=config.jit_compile,
        )
        return cls(ready, plan, leaves, targets, baseline, examples, given)

    def answered(self, answers: dict[str, Array], columns: Columns = ()) -> Attribution:
        """What a call returns, from what the program answered.

        Args:
            answers: The answers.
            columns: Columns of a table that the inputs were read from.

        Raises:
            NotFiniteError: A value or a score is NaN or infinite.
        """
        check_finite(answers, self.ready, self.plan, self.leaves, self.targets)
        if self.ready.method.has_host_stage:
            answers = finished(answers, self.ready, self.examples)
        return made(answers, self.ready, self.leaves, columns)
