"""What is settled before a call computes anything, for a call and for an export."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from tfxai.arrangement import array_channels_last
from tfxai.arrays import Array
from tfxai.core.inputs.host_arrays import Examples, HostArray
from tfxai.core.inputs.layout import Layout
from tfxai.core.inputs.parts import Part
from tfxai.core.model.structure import ModelStructure
from tfxai.core.program import Given, Plan, program
from tfxai.core.question.scores import Question
from tfxai.methods.asking import chooses, classes_of, first_target, outputs_of
from tfxai.methods.running import read_chunk
from tfxai.methods.traced import Traced
from tfxai.subject import Subject

if TYPE_CHECKING:
    from tfxai.methods.base import AttributionMethod


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A method fitted to a model, and the question that is put to it.

    Args:
        method: With every option that comes from the model or its inputs filled in.
        subject: The model.
        layout: Its inputs.
        body: Its structure.
        question: What is explained, without the target.
        at: Path of the layer whose activations are explained, or None.
        explicit: Whether the user named the score.
    """

    method: AttributionMethod
    subject: Subject
    layout: Layout
    body: ModelStructure
    question: Question
    at: str | None
    explicit: bool = False

    @property
    def axes(self) -> tuple[int | None, ...]:
        """Shape of the outputs that a target chooses from; empty where the score chooses."""
        return () if chooses(self.question) else outputs_of(self.question, self.body)

    @property
    def unasked(self) -> int:
        """What stands for the target of an example that none was given for."""
        return int(first_target(self.question))

    @property
    def score_name(self) -> str:
        """How the score is reported."""
        classes = classes_of(self.question, self.subject, self.body)
        return self.question.name(classes)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the outputs that a target chooses from, where they are known."""
        return classes_of(self.question, self.subject, self.body)

    @property
    def record(self) -> dict[str, Any]:
        """Name and options in effect; arrays as they are."""
        return self.method._record()

    @property
    def baseline(self) -> Any:
        """The option that says what the input is compared with, in its stored form."""
        return next(iter(self.method._baselines()), None)

    @property
    def has_baseline(self) -> bool:
        """Whether the method compares the input with anything."""
        return bool(self.method._baselines())

    @property
    def part(self) -> Part | None:
        """What is explained at the layer, where one is."""
        if self.at is None:
            return None
        call = self.body.find(self.at)
        return Part(cast(Any, call.shape), call.axes)

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the inputs that are held as they are and have no values."""
        layout = self.layout
        if self.method.is_map and not self.method.is_by_input and not self.method.is_black_box:
            return ()  # maps are of a layer
        if self.at is not None or self.method.is_of_layer:
            return ()
        return tuple(layout.names[i] for i in layout.held)

    @property
    def host_arrays(self) -> tuple[HostArray, ...]:
        """How arrays are made of the examples on the host, for the program."""
        return tuple(dict.fromkeys(self.method._host_arrays()))

    def examples(self, leaves: Sequence[Array]) -> Examples:
        """What work on the host sees of a batch."""
        parts = zip(self.layout.explained, self.layout.parts, strict=True)
        inputs = tuple(array_channels_last(leaves[i], part.axes) for i, part in parts)
        return Examples(inputs, self.subject.preprocessing)

    def plan(
        self,
        *,
        target_rank: int,
        baseline: str | None = None,
        num_baselines: int,
        given: Sequence[Array] = (),
        chunk_size: int | str,
        jit: bool,
    ) -> Plan:
        """The key of the compiled program.

        What the arguments mean, `Plan` says; `given` are the arrays of `host_arrays`.
        """
        made = zip(self.host_arrays, given, strict=True)
        return Plan(
            method=Traced(self.method),
            question=self.question,
            at=self.at,
            layout=self.layout,
            part=self.part,
            target_rank=target_rank,
            baseline=baseline or ("inputs" if self.has_baseline else "none"),
            num_baselines=num_baselines,
            given=tuple(Given(how, a.shape[1:], a.dtype.name) for how, a in made),
            chunk=read_chunk(
                chunk_size,
                self.subject.model,
                self.layout,
                self.body,
                keeps_every_layer=self.method._keeps_every_layer(),
            ),
            jit=jit,
        )

    def program(self, plan: Plan) -> Any:
        """The compiled function of a plan, from the cache where it is known."""
        return program(self.subject.model, plan, self.body, plan.method._attribute)
