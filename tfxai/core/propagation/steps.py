"""The operations between x and the score, and the way back through them by rules.

Everything here sees operations of the graph that is being traced and no layers, so a model is
the same to it however it is written. `Propagation` sorts the operations into steps; `back`
takes a signal from the score to x, each step by the rule that a method gives.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfxai.core.graph import operations
from tfxai.core.model.head import at_least_float32
from tfxai.core.question.targets import is_held
from tfxai.errors import UnsupportedModelError

_COPIED = frozenset({"activation", "affine", "join", "mix", "product", "softmax", "sum"})
QUOTIENTS = frozenset({"Div", "DivNoNan", "RealDiv"})
PRODUCTS = operations.DENSE | QUOTIENTS | {"Mul", "MulNoNan"}
"""Operations that are linear in each of two operands, or in the first of them."""
_CHOICES = frozenset({"Select", "SelectV2"})
_TRANSPARENT = frozenset({"CheckNumerics", "PreventGradient", "StopGradient"})
AFFINE = frozenset({"move", "scale", "shift", "weighted"})
"""Kinds of operations that merge into one step, together with at most one of them with weights."""


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """Operations through which a signal passes at once.

    Args:
        kind: `"affine"`: moves, scales and shifts around at most one operation with weights;
            `"mix"`: an average or another linear map without parameters; `"sum"` and `"join"`
            of several tensors; `"same"`; `"activation"`: a function of each element, of one or
            several operations; `"pool"`: a maximum; `"gradient"`: anything, where only the
            ReLUs are told apart; where gates are held, and by differences, `"product"` of two
            tensors, also a quotient or the square of a difference, and `"softmax"`; and by
            differences `"choice"` by a truth and `"truth"`, any or all of several or two.
        ops: The operations in the order in which they run.
        sources: What goes in, as far as it depends on x.
        results: What comes out.
        kinds: Kind of each operation, as `operations.kind` says.
    """

    kind: str
    ops: tuple[tf.Operation, ...]
    sources: tuple[tf.Tensor, ...]
    results: tuple[tf.Tensor, ...]
    kinds: tuple[str, ...] = ()

    @property
    def weighted(self) -> tf.Operation | None:
        """The operation with weights, where there is one."""
        pairs = zip(self.ops, self.kinds, strict=True)
        return next((op for op, kind in pairs if kind == "weighted"), None)

    def gradient(
        self, signals: Sequence[tf.Tensor | None], at: Sequence[tf.Tensor] | None = None
    ) -> list[tf.Tensor | None]:
        """The signals at the results times the derivative of the results by each source.

        Args:
            signals: Shaped like the results.
            at: Where the derivative is taken: tensors in the place of the sources.
        """
        if self.kind == "same":
            return list(signals)
        results, sources = self.results, self.sources
        if self.kind in _COPIED:
            points = self.sources if at is None else at
            copies = [number(t) if t.dtype == tf.bool else tf.identity(t) for t in points]
            results, sources = self.again(copies), tuple(copies)
        given = [(y, s) for y, s in zip(results, signals, strict=True) if s is not None]
        back = tf.gradients(
            [y for y, _ in given],
            sources,
            [tf.cast(s, y.dtype) for y, s in given],
            stop_gradients=sources,  # one summand may rest on the other
        )
        return [None if s is None else _widened(tf.convert_to_tensor(s)) for s in back]

    def again(self, sources: Sequence[tf.Tensor]) -> tuple[tf.Tensor, ...]:
        """The results of the same operations on other sources, beside the graph.

        `tf.gradients` visits all that rests on a source: the rest of the network for each step.
        """
        copies = {one.ref(): other for one, other in zip(self.sources, sources, strict=True)}
        for op in self.ops:
            known = {i: copies[t.ref()] for i, t in enumerate(op.inputs) if t.ref() in copies}
            again = operations.copy_of(op, known)
            copies |= {t.ref(): c for t, c in zip(op.outputs, again.outputs, strict=True)}
        return tuple(copies[result.ref()] for result in self.results)

    def at(self, sources: Sequence[tf.Tensor]) -> Step:
        """The same step on other sources."""
        return dataclasses.replace(self, sources=tuple(sources), results=self.again(sources))


Rule = Callable[[Step, list[Any]], Sequence["tf.Tensor | None"]]
"""From a step and the signals at its results (None: no signal) to those at its sources."""


class Propagation:
    """The way from x to the score in steps.

    Attributes:
        x: Where signals arrive.
        steps: The steps, sources before what rests on them.

    Args:
        score: Where signals start.
        x: Where they arrive.
        by_gradient: Whether only ReLUs are steps of their own.
        by_difference: Whether signals belong to differences: then products, softmaxes and truths
            are steps as well.
        held: Operations whose results count as constants; products and softmaxes are steps as
            well. None: there is none.
    """

    def __init__(
        self,
        score: tf.Tensor,
        x: tf.Tensor,
        *,
        by_gradient: bool = False,
        by_difference: bool = False,
        held: frozenset[tf.Operation] | None = None,
    ) -> None:
        self._score = score
        self.x = score.graph.capture(x)  # x itself, or what stands for it in the body of a loop
        graph = LiveGraph(score, self.x, by_gradient, held)
        graph.has_products |= by_difference
        graph.has_truths = by_difference
        self.steps = _steps(graph, score, _gradient_step if by_gradient else _step)

    def back(self, rule: Rule, start: tf.Tensor) -> tf.Tensor:
        """The signal at x, shaped like it, from the one at the score, (B,)."""
        signals: dict[Any, tf.Tensor] = {self._score.ref(): start}
        for step in reversed(self.steps):
            arrived = [signals.get(result.ref()) for result in step.results]
            if all(signal is None for signal in arrived):
                continue
            for source, signal in zip(step.sources, rule(step, arrived), strict=True):
                if signal is not None:
                    so_far = signals.get(source.ref())
                    signals[source.ref()] = signal if so_far is None else so_far + signal
        if self.x.ref() not in signals:
            raise UnsupportedModelError(
                "The score does not depend on the input in a way that can be followed back. "
                "Explain a layer's output with at=."
            )
        return tf.cast(signals[self.x.ref()], self.x.dtype)


class LiveGraph:
    """The operations between x and the score, and the operands of each that depend on x.

    Args:
        score: In the graph that is being traced.
        x: What it was computed from.
        by_gradient: Whether whole numbers and truths carry nothing, as for gradients.
        held: As for `Propagation`.
    """

    def __init__(
        self,
        score: tf.Tensor,
        x: tf.Tensor,
        by_gradient: bool = False,
        held: frozenset[tf.Operation] | None = None,
    ) -> None:
        self.x = x.ref()
        self.has_products = held is not None
        self.has_truths = False
        self._with_conditions = not by_gradient
        self.live = {self.x}
        self.order: dict[tf.Operation, int] = {}
        for op in operations.between(x, [score]):
            is_live = any(tensor.ref() in self.live for tensor in op.inputs)
            is_live = is_live and op not in (held or ()) and not is_held(op)
            if is_live and op.type not in operations.CONSTANTS:
                self.order[op] = len(self.order)
                self.live |= {t.ref() for t in op.outputs if self._carries(t)}

    def _carries(self, tensor: tf.Tensor) -> bool:
        """Whether it moves with x; a gradient does not pass through whole numbers and truths."""
        dtype = tensor.dtype
        in_jumps = self._with_conditions and (dtype == tf.bool or dtype.is_integer)
        return dtype.is_floating or dtype.is_complex or dtype == tf.variant or in_jumps

    def is_live(self, tensor: tf.Tensor) -> bool:
        """Whether it depends on x."""
        return tensor.ref() in self.live

    def operands(self, op: tf.Operation) -> list[int]:
        """Positions of the operands that depend on x."""
        return [i for i, tensor in enumerate(op.inputs) if self.is_live(tensor)]

    def sources(self, op: tf.Operation) -> tuple[tf.Tensor, ...]:
        """The operands that depend on x, each once."""
        return _unique(op.inputs[i] for i in self.operands(op))

    def scalar_function(self, op: tf.Operation) -> tuple[tf.Tensor, list[tf.Operation]] | None:
        """Tensor u and the operations by which each output element is a function of one of u.

        SiLU is u sigmoid(u), GELU and others are alike: a combination of tensors that are
        elementwise functions of one tensor. u is where all ways back first meet, and a number
        with a fraction: rounding to whole numbers and back is such a function too.
        """
        ops, ends = [op], {t.ref(): t for t in self.sources(op)}
        while len(ends) > 1 or not all(t.dtype.is_floating for t in ends.values()):
            last = max(ends.values(), key=lambda tensor: self.order.get(tensor.op, -1))
            made = last.op
            if last.ref() == self.x or not operations.is_elementwise(made):
                return None
            del ends[last.ref()]
            ops.append(made)
            ends |= {t.ref(): t for t in self.sources(made)}
        (u,) = ends.values()
        return (u, ops[::-1]) if _alike(u, op.outputs[0]) else None


def _steps(graph: LiveGraph, score: tf.Tensor, make: Callable[..., Step]) -> tuple[Step, ...]:
    """The steps from x to the score, only those that the score rests on."""
    wanted, steps = {score.ref()}, []
    for op in reversed(list(graph.order)):
        results = tuple(t for t in op.outputs if t.ref() in wanted and t.ref() != graph.x)
        if results:
            step = make(graph, op, results)
            wanted |= {source.ref() for source in step.sources}
            steps.append(step)
    return tuple(_merged(steps[::-1]))


def _step(graph: LiveGraph, op: tf.Operation, results: tuple[tf.Tensor, ...]) -> Step:
    """The step that makes `results`, told apart by what it does; refused where nobody knows."""
    operands = graph.operands(op)
    kind, sources = _kind(graph, op, operands), graph.sources(op)
    if kind == "same":
        sources = tuple(op.inputs[list(op.outputs).index(result)] for result in results)
    is_whole = kind != "call" and not all(source.dtype.is_floating for source in sources)
    found = graph.scalar_function(op) if kind == "combination" or is_whole else None
    if found is not None:
        return Step("activation", tuple(found[1]), (found[0],), results)
    truth = _truth_step(op, kind, sources, results) if graph.has_truths else None
    if truth is not None:
        return truth
    if is_whole:
        raise NoRuleError(op, "takes whole numbers or truths that depend on the input")
    if graph.has_products and len(operands) > 1 and op.type in PRODUCTS | {"SquaredDifference"}:
        return Step("product", (op,), sources, results, ("product",))
    if graph.has_products and op.type == "Softmax":
        return Step("softmax", (op,), sources, results, ("softmax",))
    return _linear_step(op, kind, sources, results)


def _kind(graph: LiveGraph, op: tf.Operation, operands: Sequence[int]) -> str | None:
    """As `operations.kind`; a choice by a constant hands on what it chooses.

    A difference passes what stops a gradient.
    """
    if op.type in _TRANSPARENT and graph.has_truths:
        return "same"
    if op.type in _CHOICES and 0 not in operands:
        return "join"
    return operations.kind(op, operands)


def _linear_step(
    op: tf.Operation,
    kind: str | None,
    sources: tuple[tf.Tensor, ...],
    results: tuple[tf.Tensor, ...],
) -> Step:
    """The step of an operation that is linear, a function of each element, or a maximum."""
    if kind == "combination":
        raise NoRuleError(op, "combines tensors that all depend on the input")
    if kind == "call":
        raise NoRuleError(op, "runs inside a compiled call or a branch, where no rule reaches")
    broadcasts = len(op.inputs) > 1 and not _alike(sources[0], results[0])
    if kind is None or (kind == "activation" and broadcasts):
        raise NoRuleError(op, "has no rule")
    if kind == "shift" and broadcasts:
        kind = "mix"  # copies are made on the way: no elementwise shift
    return Step("affine" if kind in AFFINE else kind, (op,), sources, results, (kind,))


def _truth_step(
    op: tf.Operation,
    kind: str | None,
    sources: tuple[tf.Tensor, ...],
    results: tuple[tf.Tensor, ...],
) -> Step | None:
    """The step that makes, moves or obeys truths, such as a mask of padding; None for others."""
    if op.type == "SelectV2":
        return Step("choice", (op,), sources, results, ("choice",))
    is_function = len(sources) == 1 and _alike(sources[0], results[0])
    if op.type in operations.CONDITIONS and is_function:
        return Step("activation", (op,), sources, results, ("activation",))
    if any(source.dtype != tf.bool for source in sources):
        return None
    if op.type in ("All", "Any", "LogicalAnd", "LogicalOr"):
        return Step("truth", (op,), sources, results, ("truth",))
    return Step("join", (op,), sources, results, (kind,)) if kind in ("join", "move") else None


def _gradient_step(graph: LiveGraph, op: tf.Operation, results: tuple[tf.Tensor, ...]) -> Step:
    """The step that makes `results` where all but ReLUs pass signals by their gradient."""
    operands = graph.operands(op)
    kind, sources = operations.kind(op, operands), graph.sources(op)
    if kind == "call":
        raise NoRuleError(op, "runs inside a compiled call or a branch, where no rule reaches")
    if op.type in operations.RELUS:
        return Step("activation", (op,), sources, results, ("activation",))
    found = graph.scalar_function(op) if kind == "combination" else None
    if found is not None:  # a gate such as that of hard-swish is no ReLU of the network
        return Step("gradient", tuple(found[1]), (found[0],), results)
    return Step("gradient", (op,), sources, results)


def _merged(steps: Sequence[Step]) -> list[Step]:
    """The steps with chains of affine operations put together, for each a single gradient."""
    consumers = Counter(source.ref() for step in steps for source in step.sources)
    merged: dict[Any, Step] = {}
    for step in steps:
        before = merged.get(step.sources[0].ref())
        if before is not None and consumers[step.sources[0].ref()] == 1 and _fit(before, step):
            del merged[before.results[0].ref()]
            step = Step(
                step.kind,
                before.ops + step.ops,
                before.sources,
                step.results,
                before.kinds + step.kinds,
            )
        merged[step.results[0].ref()] = step
    return list(merged.values())


def _fit(before: Step, step: Step) -> bool:
    """Whether two steps, one after the other, make one."""
    if before.kind != step.kind or len(before.results) > 1 or len(step.sources) > 1:
        return False
    weights = (before.kinds + step.kinds).count("weighted")
    return step.kind == "gradient" or (step.kind == "affine" and weights <= 1)


def _unique(tensors: Iterator[tf.Tensor]) -> tuple[tf.Tensor, ...]:
    return tuple({tensor.ref(): tensor for tensor in tensors}.values())


def _widened(signal: tf.Tensor) -> tf.Tensor:
    """A half precision signal as float32: sums of signals keep their digits."""
    return at_least_float32(signal) if signal.dtype.is_floating else signal


def number(tensor: tf.Tensor) -> tf.Tensor:
    """The tensor in float32 or wider; a truth as 0 or 1 in float64, as wide as any network."""
    return tf.cast(tensor, tf.float64) if tensor.dtype == tf.bool else at_least_float32(tensor)


def _alike(a: tf.Tensor, b: tf.Tensor) -> bool:
    """Whether two tensors have the same shape, as far as it is known."""
    return a.shape.rank is not None and a.shape.as_list() == b.shape.as_list()


class NoRuleError(UnsupportedModelError):
    """An operation through which no signal can be followed.

    Args:
        op: The operation.
        what: What stands in the way, after "it".
        layer: Path of the layer that runs it, where that is known.
    """

    def __init__(self, op: tf.Operation, what: str, layer: str | None = None) -> None:
        self.op, self.what = op, what
        scope = op.name.rpartition("/")[0] or op.name
        is_end = op.type in ("Softmax", "LogSoftmax", "Sigmoid")
        advice = "Explain the logit if that is the end of the model, or" if is_end else "Explain"
        where = (
            "a later layer with at="
            if layer is None
            else f"its output with at={layer!r}, or a later layer"
        )
        super().__init__(
            f"Signals cannot be followed back through the operation {op.type} in "
            f"{layer or scope!r}: it {what}. {advice} {where}, or use a method "
            "that takes gradients, such as IntegratedGradients."
        )
