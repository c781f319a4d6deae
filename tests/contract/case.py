"""What a method's test says of it to the contract, which runs every method alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from tfxai.methods import AttributionMethod

ROUNDING = 1e-6
EXACT_ON_PHOTOGRAPHS = {"cifar10_cnn": 1e-4, "efficientnet_lite0": 1e-4}  # float32, many layers


@dataclasses.dataclass(frozen=True)
class Linear:
    """A score that is linear in one input, with channels last: sum(w * x) + rest.

    Args:
        w: Weights, shaped like one example.
        x: The input, (B, ...).
        b: What x is compared with, shaped like it, by methods that compare.
        rest: What bias and other inputs add, (B,).
        blends: Whether x may be shown in part; False for tokens.
        beside: The same score as a function of each other input, for methods whose values for one
            input depend on the others.
    """

    w: np.ndarray
    x: np.ndarray
    b: np.ndarray
    rest: np.ndarray
    blends: bool = True
    beside: tuple[Linear, ...] = ()

    @property
    def ones(self) -> np.ndarray:
        """(B, ...) ones, for values that are the same for each example."""
        return np.ones_like(self.x)

    @property
    def effects(self) -> np.ndarray:
        """What each position adds over the baseline: (B, ...) without channels, if x has any."""
        added = self.w * (self.x - self.b)
        return added.sum(axis=-1) if added.ndim > 2 else added

    def scores(self, shown: np.ndarray) -> np.ndarray:
        """(B, N): scores where the positions show by shares, (N, ...); the baseline elsewhere."""
        axes = tuple(range(1, self.effects.ndim))
        start = (self.w * self.b).sum(axis=tuple(range(1, self.x.ndim))) + self.rest
        return start[:, None] + np.tensordot(self.effects, shown, axes=(axes, axes))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One method, as the contract makes it and moves its options, and what it may refuse.

    Args:
        method: The class.
        linear: Its values on a linear score, by its paper's equation: the one proof that is asked
            of every method on every kind of input. Maps are (B, ...) over the positions.
        others: A second value of each option, one that changes the values on
            `builders.functional`.
        options: What it is made with in the place of its defaults: options without a default,
            and less work. `"conv1"` as a `layer` stands for the layer of that name in each model.
        beside: Of an option that does nothing by itself, the options that it is tried beside.
        linear_options: What it is made with on a linear score, over `options`.
        within: How far values on a linear score may lie from `linear`, as a share of the largest,
            where they are drawn at random: a number, or one by kind of input.
        refuses: What it refuses, and a key word of the sentence: `"tables"`, or another kind of
            `test_kinds.py`, or `"probability"` as a score.
        knows_target: Whether the values depend on the target.
        is_of_kinds: Whether values are one of a few, so that inputs close by have the same.
        blends: Whether it shows an input in part, as a mask of shares does: pixels of a model that
            takes integers are then rounded.
        adds_up_on_relus: Whether the values of a method that completes add up on a network of
            ReLUs without biases, which is linear along the line from zero. A random baseline, or
            a path that bends, does not keep to that line.
        photographs: What it is made with on a photograph of 224 pixels, over `options`; samples
            for 16 squares.
        same_on_photographs: Models that it gives one map for, whatever the photograph.
        gap: The completeness gap that is left on a photograph, as a share of the difference that
            the values should add up to, by model; the quadrature's where it is not said.
    """

    method: type[AttributionMethod]
    linear: Callable[[Linear], np.ndarray]
    others: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    beside: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    linear_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    within: float | Mapping[str, float] = ROUNDING
    refuses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    knows_target: bool = True
    is_of_kinds: bool = False
    blends: bool = False
    adds_up_on_relus: bool = True
    photographs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    same_on_photographs: Collection[str] = ()
    gap: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.method.name

    def within_of(self, kind: str) -> float:
        return self.within.get(kind, ROUNDING) if isinstance(self.within, Mapping) else self.within
