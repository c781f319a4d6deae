"""Calls of signatures by the roads of other protocols: bounded, and sampled where they explain."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tfxai.export.names import EXPLAIN, TARGET
from tfxai.serving.explaining.calling import call_signature
from tfxai.serving.explaining.explain import of_outputs
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages.signatures import VALUES
from tfxai.serving.messages.tensors import Feeds
from tfxai.serving.models.model import Deadline, Model
from tfxai.serving.sampling import Sample


class SignatureCalls:
    """Runs signatures.

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
        given = call_signature(model, name, feeds, outputs, self._limits, deadline)
        if self._sample is not None and _explains(name, given):
            self._sample.take(of_outputs(name, given, model), model, _instances(feeds))
        return given


def _explains(name: str, given: Feeds) -> bool:
    """Whether an answer has all that belongs to an explanation, an entry for each example."""
    if not name.startswith(EXPLAIN) or not {"score", TARGET} <= set(given):
        return False
    values = [array for key, array in given.items() if key.startswith(VALUES)]
    parts = [given["score"], given[TARGET], *values]
    parts += [given[key] for key in ("baseline_score", "completeness_gap") if key in given]
    count = np.shape(given["score"])[:1]
    return bool(values) and all(np.shape(part)[:1] == count != () for part in parts)


def _instances(feeds: Feeds) -> list[dict[str, object]]:
    """The examples, as they would stand in a request in rows."""
    batch = max((len(array) for array in feeds.values() if np.ndim(array)), default=0)
    given = {key: np.asarray(x) for key, x in feeds.items() if np.shape(x)[:1] == (batch,)}
    return [{key: x[i] for key, x in given.items()} for i in range(batch)]
