"""Why examples are misclassified, from what was measured on each."""

from __future__ import annotations

import dataclasses
import math
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.class_outputs import read_classes
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.influence import Gradients, Influences, Suspect, counted, influences, suspects
from tfxai.methods import AttributionMethod, IntegratedGradients, create
from tfxai.metrics.controls import RandomMap
from tfxai.metrics.perturbed import PerExample, Veiled
from tfxai.metrics.relevance import relevance
from tfxai.reprs import rows_html
from tfxai.subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TOP = 5
_FEW = 4  # mistakes that a notebook shows
_CLOSE = 0.1  # of a probability, between the predicted and the true class
_LIKE = 5  # training examples of a kind that are told
_SMALL = 0.05  # a change of a probability that is hardly one


@dataclasses.dataclass(frozen=True)
class Covered:
    """What the model says of an example while a region is covered.

    Args:
        predicted: Probability, or output, of the class that was predicted.
        true: The same of the true class.
    """

    predicted: float
    true: float


@dataclasses.dataclass(frozen=True)
class Mistake:
    """One misclassified example.

    Args:
        index: Its number among the inputs.
        true: The true class.
        predicted: The class that was predicted.
        top: The five best classes and their probability, or output, best first.
        true_value: Probability, or output, of the true class.
        rank: Rank of the true class, from 2.
        overlap: Positions that the most relevant ones for both classes have in common, as a share
            of those of either: 1 where both look at the same place.
        without_predicted: Where what speaks most for the predicted class is covered; None where
            nothing speaks for it.
        without_true: The same of the true class.
        names: Names of the classes, or None.
        share: The share of the positions that was covered.
        is_probability: Whether values are probabilities.
        training: The training examples that matter most for it; None where none were given.
    """

    index: int
    true: int
    predicted: int
    top: tuple[tuple[int, float], ...]
    true_value: float
    rank: int
    overlap: float
    without_predicted: Covered | None
    without_true: Covered | None
    names: tuple[str, ...] | None
    share: float
    is_probability: bool
    training: Influences | None = None

    def name(self, index: int) -> str:
        """A class by its name, else its number."""
        return str(index) if self.names is None else self.names[index]

    @property
    def margin(self) -> float:
        """By how much the predicted class leads the true one."""
        return self.top[0][1] - self.true_value

    def diagnosis(self) -> str:
        """What was measured, in a few sentences."""
        wrong, right = self.name(self.predicted), self.name(self.true)
        values = f"{self._text(self.top[0][1])} against {self._text(self.true_value)}"
        close = self.is_probability and self.margin < _CLOSE
        said = [
            f"{wrong} instead of {right}, {values}: {right} comes {_ordinal(self.rank)}"
            f"{', a close call' if close else ''}."
        ]
        where = f"{self.overlap:.0%} of the most relevant positions are the same for both"
        if self.overlap >= 0.5:
            said.append(f"Both classes are seen in the same place: {where}.")
        elif self.overlap <= 0.1:
            said.append(f"The classes are seen in different places: {where}.")
        else:
            said.append(f"The classes share a part of what they are seen in: {where}.")
        said.append(self._covering(wrong, self.without_predicted, of_predicted=True))
        said.append(self._covering(right, self.without_true, of_predicted=False))
        return " ".join(said + self._trained(right))

    def _trained(self, right: str) -> list[str]:
        """What the training examples say."""
        if self.training is None:
            return []
        nearest, opponents = self.training.nearest, self.training.opponents
        said = [
            f"The {len(nearest)} training examples nearest to it by the activations before the "
            f"last layer are labelled {counted(nearest, self.names)}."
        ]
        if opponents:
            said.append(
                f"Those that weigh most against {right} are labelled "
                f"{counted(opponents, self.names)}."
            )
        return said

    def _covering(self, name: str, after: Covered | None, *, of_predicted: bool) -> str:
        """What becomes of a class without what speaks for it."""
        if after is None:
            return f"Nothing speaks for {name}."
        before = self.top[0][1] if of_predicted else self.true_value
        then = after.predicted if of_predicted else after.true
        what = f"Covering the {self.share:.0%} that speak most for {name}"
        if self.is_probability and abs(before - then) < _SMALL:
            moved = f"{what} hardly moves it ({self._text(before)} to {self._text(then)})"
        else:
            moved = f"{what} takes it from {self._text(before)} to {self._text(then)}"
        if after.true > after.predicted:
            moved += self._ahead(of_predicted, after)
        if moved.startswith(f"{what} takes") and then > before:
            moved += f". So the map is wrong there, or the blur itself speaks for {name}"
        return f"{moved}."

    def _ahead(self, of_predicted: bool, after: Covered) -> str:
        """That the true class comes first where something is covered."""
        right, wrong = self.name(self.true), self.name(self.predicted)
        if of_predicted:
            return f", and {right} is then ahead of it: {self._text(after.true)}"
        return f", ahead of {wrong} ({self._text(after.predicted)})"

    def _text(self, value: float) -> str:
        return f"{value:.0%}" if self.is_probability else f"{value:.3g}"

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON takes it, with class names and the diagnosis."""
        classes = {
            "true_class": self.name(self.true),
            "predicted_class": self.name(self.predicted),
        }
        record = dataclasses.asdict(self)
        record.pop("names")
        record["top"] = [{"class": self.name(i), "value": value} for i, value in self.top]
        return {**record, **classes, "margin": self.margin, "diagnosis": self.diagnosis()}


@dataclasses.dataclass(frozen=True, eq=False)
class Debugging:
    """What is known of a model's mistakes; `tfxai.debug` makes it.

    Args:
        mistakes: The misclassified examples that were explained, in the order of the inputs.
        count: Number of examples.
        wrong: Number of misclassified ones.
        confusions: (true class, predicted class, how often), the most frequent first.
        predicted: Attributions of the predicted class, one for each mistake, or None without any.
        true: Those of the true class.
        names: Names of the classes, or None.
        suspects: Misclassified training examples that weigh most on their own answer, the
            heaviest first, whose labels may be wrong; none where no training data was given.
    """

    mistakes: tuple[Mistake, ...]
    count: int
    wrong: int
    confusions: tuple[tuple[int, int, int], ...]
    predicted: Attribution | None
    true: Attribution | None
    names: tuple[str, ...] | None
    suspects: tuple[Suspect, ...] = ()

    def __repr__(self) -> str:
        return f"Debugging({self.wrong} of {self.count} examples are misclassified)"

    def _repr_html_(self) -> str:
        """The pairs that are confused, and the first mistakes with their figure."""
        from tfxai.plotting.figures import record_html

        def draw() -> Figure:
            return dataclasses.replace(
                self,
                mistakes=self.mistakes[:_FEW],
                predicted=self.predicted and self.predicted[:_FEW],
                true=self.true and self.true[:_FEW],
            ).plot(names=[f"Example {i + 1}" for i in range(self.count)])

        facts = [(f"Example {one.index + 1}", one.diagnosis()) for one in self.mistakes[:_FEW]]
        if len(self.mistakes) > _FEW:
            facts.append(("", f"{len(self.mistakes) - _FEW:,} more in mistakes"))
        if self.suspects:
            facts.append(("Doubtful labels", f"{len(self.suspects):,}, in suspects"))
        confused = self.to_json()["confusions"]
        rows = [[one["true"], one["predicted"], str(one["count"])] for one in confused]
        table = rows_html(("True class", "Taken for", "Examples"), rows) if rows else ""
        return record_html(repr(self), facts, draw) + table

    @property
    def contrast(self) -> Attribution | None:
        """The values for the predicted class less those for the true one."""
        if self.predicted is None or self.true is None:
            return None
        return self.predicted - self.true

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        names: Sequence[str] | None = None,
        **drawing: Any,
    ) -> Figure:
        """A figure: for each mistake the input, and what speaks for either class.

        Args:
            path: File to write the figure to as well; its suffix names the format.
            names: What each example that was looked at is called.
            **drawing: Options of `tfxai.plotting.Drawing`.

        Raises:
            InvalidInputError: There is no mistake, there are too many, or an option does not fit.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting import plot_comparison

        if self.predicted is None or self.true is None:
            raise InvalidInputError("Nothing is misclassified, so there is nothing to draw.")
        called = [f"labelled {one.name(one.true)}" for one in self.mistakes]
        if names is not None:
            pairs = zip(self.mistakes, called, strict=True)
            called = [f"{names[one.index]}\n{label}" for one, label in pairs]
        return plot_comparison([self.predicted, self.true], names=called, path=path, **drawing)

    def to_json(self) -> dict[str, Any]:
        """Everything but the attributions, as JSON takes it."""

        def name(index: int) -> str:
            return str(index) if self.names is None else self.names[index]

        return {
            "examples": self.count,
            "misclassified": self.wrong,
            "confusions": [
                {"true": name(true), "predicted": name(predicted), "count": count}
                for true, predicted, count in self.confusions
            ],
            "mistakes": [one.to_json() for one in self.mistakes],
            "suspects": [
                {
                    "index": one.index,
                    "label": name(one.label),
                    "predicted": name(one.predicted),
                    "self_influence": one.self_influence,
                }
                for one in self.suspects
            ],
        }


def debug(  # noqa: PLR0913 - what is asked, and what it may cost
    model: Any,
    inputs: Any,
    labels: Any,
    method: AttributionMethod | str | None = None,
    *,
    share: float = 0.1,
    fill: Any = None,
    most: int = 20,
    training: tuple[Any, Any] | None = None,
    chunk_size: int | str = "auto",
    progress: Any = None,
) -> Debugging:
    """Finds the misclassified examples, and measures why each was taken for something else.

    Args:
        model: A classifier, or a `Subject`.
        inputs: A batch of one input, (B, ...).
        labels: (B,) the true class of each example, as a number.
        method: The method by which classes are explained, or its name; None is Integrated
            Gradients.
        share: The share of the positions that is covered, those that speak most for a class; in
            (0, 1).
        fill: What shows where something is covered, as a method's `baseline`; None is a blur of
            images and series, and zeros for all else.
        most: Most mistakes that are explained, those of the largest margin; at least 1.
        training: Training examples and their labels, as `inputs` and `labels`: of each mistake
            then are told the ones that weigh most on it and the ones nearest to it, and of all
            of them the ones whose labels may be wrong. For a model that ends in a dense layer.
        chunk_size: As for a method.
        progress: As for a method.

    Returns:
        `Debugging`, with a diagnosis of each mistake and the pairs of classes that are confused.

    Raises:
        InvalidInputError: Labels do not fit, the model is no classifier, or an option is out of
            range.
        UnsupportedModelError: There is training data, and the model ends in no dense layer.
        TfxaiError: As for a method.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, keras.ops.softmax(inputs))
        >>> x = np.array([[3.0, 0.0], [1.0, 2.0]], "float32")
        >>> tfxai.debug(model, x, [0, 0]).confusions
        ((0, 1, 1),)
    """
    subject = Subject.of(model)
    prepared = np.asarray(subject.prepare(inputs))
    outputs = _outputs(subject, prepared)
    truth = read_classes(labels, outputs)
    if not 0 < share < 1:
        raise InvalidInputError(f"share={share!r} was expected to lie in (0, 1).")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InvalidInputError(f"most={most!r} was expected to be an integer of at least 1.")
    best = outputs.argmax(axis=1)
    wrong = np.flatnonzero(best != truth)
    pairs = Counter(zip(truth[wrong].tolist(), best[wrong].tolist(), strict=True)).items()
    confusions = tuple((*pair, n) for pair, n in sorted(pairs, key=lambda one: (-one[1], one[0])))
    margins = outputs[wrong, best[wrong]] - outputs[wrong, truth[wrong]]
    chosen = np.sort(wrong[np.argsort(-margins, kind="stable")[:most]])
    names = subject.classes
    trained = _trained(subject, training)
    doubted = () if trained is None else suspects(trained, most)
    if not len(chosen):
        return Debugging((), len(truth), 0, (), None, None, names, doubted)
    how = create(method) if isinstance(method, str) else method or IntegratedGradients()
    x, cost = prepared[chosen], {"chunk_size": chunk_size, "progress": progress}
    if fill is None and x.ndim > 2 and x.dtype.kind == "f":
        fill = "blur"
    classes = {"predicted": best[chosen], "true": truth[chosen]}
    with warnings.catch_warnings():  # of a class that is not the predicted one, for one
        warnings.simplefilter("ignore", TfxaiWarning)
        maps = {name: how(subject, x, one, **cost) for name, one in classes.items()}
        regions = {name: _region(one, share) for name, one in maps.items()}
        covered = {
            name: [_covered(subject, x, one, region, fill, cost) for one in classes.values()]
            for name, region in regions.items()
        }
    told: list[Influences | None] = [None] * len(chosen)
    if trained is not None:
        told = [*influences(Gradients(subject, x, truth[chosen]), trained, _LIKE)]
    is_probability = maps["predicted"].probability is not None
    mistakes = [
        Mistake(
            index=int(i),
            true=int(truth[i]),
            predicted=int(best[i]),
            top=_top(outputs[i]),
            true_value=float(outputs[i, truth[i]]),
            rank=int((outputs[i] > outputs[i, truth[i]]).sum()) + 1,
            overlap=_overlap(regions["predicted"][k], regions["true"][k]),
            without_predicted=_values(regions["predicted"], covered["predicted"], k),
            without_true=_values(regions["true"], covered["true"], k),
            names=names,
            share=share,
            is_probability=is_probability,
            training=told[k],
        )
        for k, i in enumerate(chosen)
    ]
    found = tuple(mistakes), len(truth), len(wrong), confusions
    return Debugging(*found, maps["predicted"], maps["true"], names, doubted)


def _trained(subject: Subject, training: Any) -> Gradients | None:
    """The gradients of the training examples, where there are any."""
    if training is None:
        return None
    if not isinstance(training, tuple | list) or len(training) != 2:
        raise InvalidInputError(
            f"training was expected to be a pair of inputs and labels, and a "
            f"{type(training).__name__} came. Pass training=(images, labels)."
        )
    return Gradients(subject, *training)


def _outputs(subject: Subject, inputs: Array) -> Array:
    """(B, N): the output for every class, of one unit those of 0 and 1."""
    outputs = np.asarray(subject.predict(inputs), np.float64)
    outputs = outputs.reshape(len(outputs), -1) if outputs.ndim < 3 else outputs
    if outputs.shape[1:] == (1,):
        is_probability = RandomMap()(subject, inputs[:1], progress=False).probability is not None
        if is_probability:
            outputs = np.concatenate([1 - outputs, outputs], axis=1)
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise InvalidInputError(
            f"The model returns {outputs.shape} for {len(outputs)} examples, and an output for "
            "each class was expected. Pass a classifier."
        )
    return outputs


def _region(one: Attribution, share: float) -> Array:
    """(B, *places) bool: the positions that speak most for the class."""
    values = relevance(one)
    flat = values.reshape(len(values), -1)
    count = max(1, math.floor(share * flat.shape[1]))
    order = np.argsort(-flat, axis=1, kind="stable")
    found = np.zeros(flat.shape, bool)
    np.put_along_axis(found, order[:, :count], values=True, axis=1)
    return (found & (flat > 0)).reshape(values.shape)


def _covered(
    subject: Subject, x: Array, target: Array, region: Array, fill: Any, cost: dict[str, Any]
) -> Array:
    """(B,): the probability, or output, of a class where a region is covered."""
    program = Veiled(share=PerExample(region.astype(np.float32)), baseline=fill)
    return np.asarray(program(subject, x, target, **cost).values)[:, 0]


def _values(region: Array, scores: list[Array], k: int) -> Covered | None:
    """Both values of example k, where anything of it was covered."""
    return Covered(*(float(one[k]) for one in scores)) if region[k].any() else None


def _overlap(a: Array, b: Array) -> float:
    either = (a | b).sum()
    return float((a & b).sum() / either) if either else 0.0


def _top(outputs: Array) -> tuple[tuple[int, float], ...]:
    order = np.argsort(-outputs, kind="stable")[:_TOP]
    return tuple((int(i), float(outputs[i])) for i in order)


def _ordinal(rank: int) -> str:
    return {2: "second", 3: "third"}.get(rank, f"at rank {rank}")
