"""What the methods have in common: inputs are perturbed, and asked about a batch at a time."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from tfxai.arrays import Array
from tfxai.core.inputs.baseline_records import Samples
from tfxai.core.inputs.baselines import check_baseline, one_baseline
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError

Predict = Callable[[Array], Array]
"""From at most a batch of inputs, (n, ...), to outputs, (n, N)."""
PREDICTED = -1


class TooManyRowsError(InvalidInputError):
    """A method would ask a model more often than it may.

    Args:
        rows: Inputs for one example.
        most: That are allowed.
    """

    def __init__(self, rows: int, most: int) -> None:
        super().__init__(f"It would ask for {rows:,} predictions of an example, of {most:,}.")
        self.rows = rows


@dataclasses.dataclass(frozen=True)
class Explained:
    """What a method made of a batch.

    Args:
        values: (B, ...) in units of the output.
        target: (B,) the output explained.
        score: (B,) that output at the input.
        baseline_score: (B,) that output at the baseline.
        completeness_gap: (B,), where the values should add up.
        predictions: (B, N).
    """

    values: Array
    target: Array
    score: Array
    baseline_score: Array
    completeness_gap: Array | None
    predictions: Array


class Fanout(abc.ABC):
    """A method with its options, for examples of one shape.

    Args:
        options: Of the method, all of them.
        shape: Of one example.
        how: How pixels became inputs, where it is known: for the default baseline.
        most: Inputs that the model may be asked about for one example.

    Raises:
        TooManyRowsError: They are more; said before time and memory are taken for them.
    """

    name: ClassVar[str]
    defaults: ClassVar[dict[str, Any]]
    is_map: ClassVar[bool] = False
    is_signed: ClassVar[bool] = True
    reduction: ClassVar[str] = "sum"
    completes: ClassVar[bool] = False

    def __init__(
        self,
        options: dict[str, Any],
        shape: tuple[int, ...],
        how: Preprocessing | None,
        most: int,
    ) -> None:
        self.options = options
        self._most = most
        self.shape = shape
        self._how = how
        self._baseline = check_baseline(options["baseline"])
        if isinstance(self._baseline, Samples) or isinstance(options["baseline"], dict):
            raise InvalidInputError(
                "A baseline was expected to be a number, a colour, 'blur' or 'mean' in a request."
            )
        self.count = 0
        """Perturbed inputs of an example."""

    def bound(self, count: int) -> None:
        """Raises `TooManyRowsError` where so many perturbed inputs are too many."""
        if count + 2 > self._most:
            raise TooManyRowsError(count + 2, self._most)

    @property
    def rows(self) -> int:
        """Inputs that a model is asked about for one example: these, itself and its baseline."""
        return self.count + 2

    @abc.abstractmethod
    def prepare(self, x: Array) -> None:
        """Takes note of the examples, (B, ...), before `shown`."""

    @abc.abstractmethod
    def shown(self, example: int, k: Array) -> Array:
        """How much shows of an example in its perturbed inputs of numbers k: (n, ...) in [0, 1].

        It broadcasts to (n, *shape).
        """

    @abc.abstractmethod
    def values(self, example: int, scores: Array, score: float, baseline_score: float) -> Array:
        """The values of an example, from the scores of its perturbed inputs, (count,)."""

    def explain(
        self,
        predict: Predict,
        x: Array,
        target: Array,
        batch_size: int,
        check: Callable[[], None] = lambda: None,
    ) -> Explained:
        """Explains a batch.

        Args:
            predict: The model. What it raises is passed on.
            x: (B, *shape) float32.
            target: (B,), -1 for the predicted class.
            batch_size: Most rows that the model is asked about at once.
            check: Called before each batch; what it raises is passed on.

        Raises:
            InvalidInputError: A target is none of the outputs.
        """
        baseline = np.broadcast_to(one_baseline(self._baseline, x, self._how), x.shape)
        baseline = baseline.astype(x.dtype)
        self.prepare(x)

        def asked(rows: Iterator[Array]) -> Array:
            made = []
            for part in rows:
                check()
                made.append(np.asarray(predict(part)))
            return np.concatenate(made)

        ends = np.concatenate([x, baseline])
        outputs = asked(ends[i : i + batch_size] for i in range(0, len(ends), batch_size))
        predictions = outputs[: len(x)]
        chosen = _chosen(target, predictions)
        score, baseline_score = outputs[np.arange(2 * len(x)), np.tile(chosen, 2)].reshape(2, -1)
        every = np.concatenate(
            [
                part[np.arange(len(part)), chosen[example]]
                for example, part in self._asked(asked, x, baseline, batch_size)
            ]
        ).reshape(len(x), self.count)
        values = np.stack(
            [
                self.values(
                    i, every[i].astype(np.float64), float(score[i]), float(baseline_score[i])
                )
                for i in range(len(x))
            ]
        ).astype(x.dtype)
        gap = None
        if self.completes:
            total = values.reshape(len(x), -1).sum(axis=1, dtype=np.float64)
            gap = total - (score.astype(np.float64) - baseline_score)
        return Explained(values, chosen, score, baseline_score, gap, predictions)

    def _asked(
        self, asked: Callable[[Iterator[Array]], Array], x: Array, baseline: Array, size: int
    ) -> Iterator[tuple[Array, Array]]:
        """Numbers of examples and the outputs of their perturbed inputs, a batch at a time."""
        for start in range(0, len(x) * self.count, size):
            number = np.arange(start, min(start + size, len(x) * self.count))
            example, k = np.divmod(number, self.count)
            rows = np.empty((len(number), *self.shape), x.dtype)
            for i in np.unique(example):
                these = example == i
                show = self.shown(int(i), k[these])
                if show.dtype == bool:
                    rows[these] = np.where(show, x[i], baseline[i])
                else:
                    rows[these] = baseline[i] + show * (x[i] - baseline[i])
            yield example, asked(iter([rows]))


def _chosen(target: Array, predictions: Array) -> Array:
    """The predicted class in the place of -1.

    Raises:
        InvalidInputError: There is no such output.
    """
    target = np.asarray(target)
    if ((target < PREDICTED) | (target >= predictions.shape[1])).any():
        raise InvalidInputError(
            f"target was expected to be 0 to {predictions.shape[1] - 1}, or -1 for the predicted "
            f"class, and {target.max()} came."
        )
    return np.where(target == PREDICTED, predictions.argmax(axis=1), target).astype(np.int32)
