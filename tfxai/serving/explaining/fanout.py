"""Perturbation methods for a model that can only be asked, a batch of inputs at a time.

Options, variants and equations are those of `core.designs`, which the methods with
`score="output"` run in the graph; here they are NumPy's, so that a server in front of another one
needs no TensorFlow.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, cast

import numpy as np

from tfxai.arithmetic import HOST, completeness_gap
from tfxai.arrangement import POSITIONS
from tfxai.arrays import Array
from tfxai.core.designs.design import Options, Rows
from tfxai.core.designs.feature_ablation import FeatureAblationOptions
from tfxai.core.designs.hsic import HSICOptions
from tfxai.core.designs.kernel_shap import KernelSHAPOptions
from tfxai.core.designs.lime import LIMEOptions
from tfxai.core.designs.occlusion import OcclusionOptions
from tfxai.core.designs.rise import RISEOptions
from tfxai.core.designs.shapley_sampling import ShapleySamplingOptions
from tfxai.core.designs.sobol import SobolOptions
from tfxai.core.inputs.baseline_records import Samples
from tfxai.core.inputs.baselines import one_baseline
from tfxai.core.inputs.host_arrays import Examples
from tfxai.core.inputs.parts import Part
from tfxai.core.inputs.superpixels import Slic
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError

Predict = Callable[[Array], Array]
"""From at most a batch of inputs, (n, ...), to outputs, (n, N)."""
KINDS: dict[str, type[Options]] = {
    kind.name: kind
    for kind in (
        OcclusionOptions,
        RISEOptions,
        KernelSHAPOptions,
        ShapleySamplingOptions,
        LIMEOptions,
        FeatureAblationOptions,
        SobolOptions,
        HSICOptions,
    )
}
"""The options of the methods by their registry names."""
METHODS = tuple(KINDS)
PREDICTED = -1
_SEGMENTS = 1000  # superpixels of an image
_SIZE = 2**22  # numbers in a table of a design


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


def defaults(name: str) -> dict[str, Any]:
    """The options of a method and their defaults."""
    fields = dataclasses.fields(cast(Any, KINDS[name]))
    return {field.name: field.default for field in fields}


def method(
    name: str,
    options: Mapping[str, Any],
    shape: tuple[int, ...],
    how: Preprocessing | None = None,
    most: int = 10_000,
) -> Fanout:
    """A method, its options read and checked.

    Args:
        name: One of `METHODS`.
        options: Those that differ from the defaults, of JSON's types.
        shape: Shape of one example, no axis of it free.
        how: How pixels became inputs, where it is known.
        most: Inputs that the model may be asked about for one example.

    Raises:
        UnknownNameError: There is no method or option of that name.
        TooManyRowsError: The model would be asked about more.
        InvalidInputError: An option is out of range.
    """
    if name not in KINDS:
        raise UnknownNameError.of("method", name, KINDS)
    if len(shape) == 3 and shape[0] in (1, 3) and shape[2] > 4:
        raise InvalidInputError(
            f"An instance has shape {tuple(shape)}, channels first, and {name} by predictions "
            "alone takes channels last. Ask an explain signature of the model, or export it with "
            "channels last."
        )
    known = defaults(name)
    for option in options:
        if option not in known:
            raise UnknownNameError.of("option", option, known, name)
    try:
        return Fanout(name, {**known, **options}, tuple(shape), how, most)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, InvalidInputError):
            raise
        shown = json.dumps(dict(options), default=str)[:200]
        raise InvalidInputError(f"The options {shown} are not what {name} takes.") from error


class Fanout:
    """A method with its options, for examples of one shape.

    Args:
        name: Name of the method.
        options: Options of the method, all of them.
        shape: Shape of one example.
        how: How pixels became inputs, where it is known: for the default baseline.
        most: Inputs that the model may be asked about for one example.

    Raises:
        TooManyRowsError: They are more; said before time and memory are taken for them.
    """

    reduction: ClassVar[str] = "sum"

    def __init__(
        self,
        name: str,
        options: dict[str, Any],
        shape: tuple[int, ...],
        how: Preprocessing | None,
        most: int,
    ) -> None:
        self.name, self.options, self.shape = name, options, shape
        positions = POSITIONS.get(len(shape) - 1)  # channels last
        part = Part(shape, f"{positions}C" if positions else "")
        record: Any = KINDS[name](**options).for_inputs([part])
        self.is_map, self.completes = record.is_map, record.completes
        self.is_signed = not record.is_nonnegative
        self._baseline, self._how = record.baseline, how
        if isinstance(self._baseline, Samples) or isinstance(options["baseline"], dict):
            raise InvalidInputError(
                "A baseline was expected to be a number, a colour, 'blur' or 'mean' in a request."
            )
        mask = getattr(record, "mask", None)
        self._slic = mask if isinstance(mask, Slic) else None
        if self._slic is not None and self._slic.segments > _SEGMENTS:
            raise InvalidInputError(
                f"segments={self._slic.segments} is more than {_SEGMENTS}, the most here."
            )
        self._design = record.design(shape, [part])
        if self._design.most + 2 > most:
            raise TooManyRowsError(self._design.most + 2, most)
        if self._design.size > _SIZE:
            raise InvalidInputError(
                f"{name} would need a table of {self._design.size:,} numbers, of {_SIZE:,} here. "
                "Pass fewer samples, features or cells."
            )
        self.count: int = self._design.count
        """Perturbed inputs of an example."""

    @property
    def rows(self) -> int:
        """Inputs that a model is asked about for one example: these, itself and its baseline."""
        return self.count + 2

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
        mask = None if self._slic is None else self._slic.make(Examples((x,), self._how))

        def asked(rows: Array) -> Array:
            check()
            return np.asarray(predict(rows))

        ends = np.concatenate([x, baseline])
        starts = range(0, len(ends), batch_size)
        outputs = np.concatenate([asked(ends[i : i + batch_size]) for i in starts])
        predictions = outputs[: len(x)]
        chosen = _chosen(target, predictions)
        score, baseline_score = outputs[np.arange(2 * len(x)), np.tile(chosen, 2)].reshape(2, -1)
        every = [
            asked(rows)[np.arange(len(rows)), chosen[example]]
            for example, rows in self._variants(x, baseline, mask, batch_size)
        ]
        values = self._design.values(
            np.concatenate(every).reshape(len(x), self.count).astype(np.float64),
            score.astype(np.float64),
            baseline_score.astype(np.float64),
            Rows(x, mask, HOST),
        ).astype(x.dtype)
        gap = None
        if self.completes:
            gap = completeness_gap([values], score, baseline_score, HOST)
        return Explained(values, chosen, score, baseline_score, gap, predictions)

    def _variants(
        self, x: Array, baseline: Array, mask: Array | None, size: int
    ) -> Iterator[tuple[Array, Array]]:
        """Numbers of examples and their perturbed inputs, a batch at a time."""
        for start in range(0, len(x) * self.count, size):
            number = np.arange(start, min(start + size, len(x) * self.count))
            example, k = np.divmod(number, self.count)
            given, hidden = x[example], baseline[example]
            own = None if mask is None else mask[example]
            show = self._design.shown(k, Rows(given, own, HOST))
            if show.dtype == bool:
                yield example, np.where(show, given, hidden)
            else:
                yield example, hidden + show * (given - hidden)


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
