"""Calls by whichever road: bounded, and sampled where they explain."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

from tfxai.export.names import EXPLAIN, TARGET
from tfxai.serving.explaining import explain
from tfxai.serving.explaining.answer import Explanation
from tfxai.serving.explaining.calling import call_signature
from tfxai.serving.explaining.request import ExplainRequest
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages.problems import RequestError
from tfxai.serving.messages.signatures import VALUES, needed
from tfxai.serving.messages.tensors import Feeds
from tfxai.serving.models.model import Deadline, Model
from tfxai.serving.sampling import Sample


class SignatureCalls:
    """Runs signatures. Every explanation that leaves the server comes from here.

    Args:
        limits: What a request may ask for.
        sample: What keeps some of the explanations, None where nothing does.
    """

    def __init__(self, limits: ServerLimits, sample: Sample | None) -> None:
        self._limits = limits
        self._sample = sample

    def __call__(
        self,
        model: Model,
        name: str,
        feeds: Feeds,
        outputs: Collection[str] | None,
        deadline: Deadline,
    ) -> Feeds:
        """What a signature gives; of its outputs at least those that are named.

        Raises:
            RequestError: As `call_signature` does.
        """
        instances = _instances(feeds) if name.startswith(EXPLAIN) else []
        chosen = self._chosen(len(instances))
        if chosen and outputs is not None:
            outputs = {*outputs, *needed(model.signatures[name].outputs, [VALUES])}
        given = call_signature(model, name, feeds, outputs, self._limits, deadline)
        if chosen:
            self._take(_explanation(name, given, model), model, instances, chosen)
        return given

    def explain(self, question: ExplainRequest, model: Model, deadline: Deadline) -> Explanation:
        """The explanation that a question asks for, at least.

        Raises:
            RequestError: As `explain.explain` does.
        """
        chosen = self._chosen(len(question.instances))
        if chosen:
            outputs = question.outputs | {VALUES}
            question = dataclasses.replace(question, outputs=outputs)
        made = explain.explain(question, model, self._limits, deadline)
        if chosen:
            self._take(made, model, question.instances, chosen)
        return made

    def _chosen(self, count: int) -> list[int]:
        """Which of so many examples are kept."""
        return [] if self._sample is None else self._sample.choose(count)

    def _take(
        self, made: Explanation | None, model: Model, instances: list[object], chosen: list[int]
    ) -> None:
        if self._sample is not None and made is not None and len(made.score) == len(instances):
            self._sample.take(made, model, instances, chosen)


def _explanation(name: str, given: Feeds, model: Model) -> Explanation | None:
    """An answer as an explanation, where it is one, with an entry for each example."""
    if not {"score", TARGET} <= set(given):
        return None
    values = [array for key, array in given.items() if key.startswith(VALUES)]
    parts = [given["score"], given[TARGET], *values]
    parts += [given[key] for key in ("baseline_score", "completeness_gap") if key in given]
    count = np.shape(given["score"])[:1]
    if not values or any(np.shape(part)[:1] != count or count == () for part in parts):
        return None
    try:
        return explain.of_outputs(name, given, model)
    except RequestError:  # its words are not as many as their values
        return None


def _instances(feeds: Feeds) -> list[object]:
    """The examples, as they would stand in a request in rows."""
    batch = max((len(array) for array in feeds.values() if np.ndim(array)), default=0)
    given = {key: np.asarray(x) for key, x in feeds.items() if np.shape(x)[:1] == (batch,)}
    return [{key: x[i] for key, x in given.items()} for i in range(batch)]
