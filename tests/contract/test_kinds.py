"""Every method on every kind of input: its closed form on a linear score, or a refusal by name."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from tests.contract.case import Linear
from tests.contract.cases import NAMES, case_of, make, options_of
from tfxai import methods
from tfxai.baselines import Samples
from tfxai.errors import TfxaiError

SHAPES = {
    "tables": (6,),
    "series": (5, 2),
    "images": (4, 3, 2),
    "volumes": (3, 2, 4, 2),
}
WORDS, WIDTH, LENGTH = 9, 3, 4
BIAS = -0.25


@dataclasses.dataclass(frozen=True)
class Kind:
    """A linear score of class 1 for inputs of a kind.

    Args:
        model: The first input passes the layer `conv1`, which changes nothing; all pass a ReLU,
            which is open for the inputs and for what they are compared with.
        inputs: As the method takes them.
        parts: The score as a function of each input, by its name.
        at: The layer to explain, for methods that take no integers.
        ids: For methods that take integers: the score by what each token adds.
        compared: What a `baseline` is, and a `background`.
    """

    model: keras.Model
    inputs: Any
    parts: dict[str, Linear]
    at: str | None = None
    ids: Linear | None = None
    compared: dict[str, Any] = dataclasses.field(default_factory=dict)


def positive(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Inputs that noise of a seventh of their range leaves above zero."""
    return np.random.default_rng(seed).uniform(5, 6, shape)


def same(x: Any, dtype: str = "float64") -> Any:
    """The layer `conv1`, whose output is its input."""
    width, rank = x.shape[-1], len(x.shape) - 2
    kind = {0: layers.Dense, 1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[rank]
    size = (width, 1) if rank else (width,)
    layer = kind(*size, use_bias=False, name="conv1", dtype=dtype)
    out = layer(x)
    layer.set_weights([np.eye(width).reshape(layer.kernel.shape)])
    return out


def flat(x: Any) -> Any:
    return layers.Flatten(dtype="float64")(layers.ReLU(dtype="float64")(x))


def head(x: Any, seed: int) -> tuple[Any, np.ndarray]:
    """Two classes as sums of weights, and the weights of class 1."""
    dense = layers.Dense(2, dtype="float64", name="head")
    out = dense(x)
    weights = np.random.default_rng(seed).normal(size=(x.shape[-1], 2))
    dense.set_weights([weights, np.array([0.5, BIAS])])
    return out, weights[:, 1]


def total(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    return (w * x).sum(axis=tuple(range(1, x.ndim)))


def one_input(shape: tuple[int, ...], dtype: str = "float64") -> Kind:
    x = keras.Input(shape, dtype="float64", name="x")
    out, w = head(flat(same(x, dtype)), seed=1)
    inputs = positive((3, *shape), seed=2)
    part = Linear(w.reshape(shape), inputs, np.ones_like(inputs), np.full(3, BIAS))
    compared = {"baseline": 1.0, "background": np.ones((1, *shape))}
    return Kind(keras.Model(x, out), inputs, {"x": part}, compared=compared)


def two_inputs() -> Kind:
    a = keras.Input((4, 2), dtype="float64", name="a")
    b = keras.Input((3,), dtype="float64", name="b")
    joined = layers.Concatenate(dtype="float64")([flat(same(a)), flat(b)])
    out, w = head(joined, seed=3)
    inputs = {"a": positive((3, 4, 2), seed=4), "b": positive((3, 3), seed=5)}
    weights = {"a": w[:8].reshape(4, 2), "b": w[8:]}
    whole = sum(total(weights[name], x) for name, x in inputs.items()) + BIAS
    parts = {
        name: Linear(weights[name], x, np.ones_like(x), whole - total(weights[name], x))
        for name, x in inputs.items()
    }
    parts = {
        name: dataclasses.replace(part, beside=tuple(p for p in parts.values() if p is not part))
        for name, part in parts.items()
    }
    background = {"a": np.ones((1, 4, 2)), "b": np.ones((1, 3))}
    compared = {"baseline": 1.0, "background": background}
    return Kind(keras.Model([a, b], out), inputs, parts, compared=compared)


def tokens() -> Kind:
    """Ids, an embedding and an attention that looks at all tokens alike."""
    ids = keras.Input((LENGTH,), dtype="int32", name="x")
    embedding = layers.Embedding(WORDS, WIDTH, name="words", dtype="float64")
    attention = layers.MultiHeadAttention(1, WIDTH, use_bias=False, dtype="float64")
    h = layers.ReLU(dtype="float64")(same(embedding(ids)))
    out, w = head(layers.Flatten(dtype="float64")(attention(h, h)), seed=6)
    table = positive((WORDS, WIDTH), seed=7) * (np.arange(WORDS) > 0)[:, None]  # 0 is padding
    embedding.set_weights([table])
    nothing, eye = np.zeros((WIDTH, 1, WIDTH)), np.eye(WIDTH)
    attention.set_weights([nothing, nothing, eye[:, None], eye[None]])
    x = np.array([[2, 3, 4, 5], [6, 6, 8, 2]])
    weights = np.tile(w.reshape(LENGTH, WIDTH).mean(axis=0), (LENGTH, 1))
    vectors, others, rest = table[x], table[np.ones_like(x)], np.full(2, BIAS)
    added, of_others = ((weights * one).sum(axis=-1) for one in (vectors, others))
    return Kind(
        keras.Model(ids, out),
        x,
        {"x": Linear(weights, vectors, others, rest, blends=False)},
        at="words",
        ids=Linear(np.ones(LENGTH), added, of_others, rest, blends=False),
        compared={"baseline": 1, "background": np.ones((1, LENGTH), int)},
    )


def three_baselines() -> Kind:
    """Images compared with three baselines, which stand for their mean."""
    kind = one_input(SHAPES["images"])
    part = kind.parts["x"]
    drawn = positive((3, *part.w.shape), seed=8) - 4
    b = np.broadcast_to(drawn.mean(axis=0), part.x.shape)
    parts = {"x": dataclasses.replace(part, b=b)}
    compared = {"baseline": Samples(drawn), "background": drawn}
    return dataclasses.replace(kind, parts=parts, compared=compared)


KINDS: dict[str, Callable[[], Kind]] = {
    **{kind: functools.partial(one_input, shape) for kind, shape in SHAPES.items()},
    "two inputs": two_inputs,
    "several baselines": three_baselines,
    "tokens": tokens,
}


def is_compared(name: str) -> bool:
    return bool({"baseline", "background"} & set(options_of(name)))


PAIRS = [
    (name, kind)
    for name in NAMES
    for kind in KINDS
    if kind != "several baselines" or is_compared(name)
]


def made(name: str, kind: Kind) -> methods.AttributionMethod:
    options = {one: value for one, value in kind.compared.items() if one in options_of(name)}
    return make(name, **{**options, **case_of(name).linear_options})


def expected(name: str, kind: Kind) -> dict[str, np.ndarray]:
    """What the case says of each input; of the first one only, if it looks at `conv1`."""
    cls, linear = methods.get(name), case_of(name).linear
    if kind.ids is not None and cls.is_black_box:
        return {"x": linear(kind.ids)}
    if "layer" in options_of(name):
        first, part = next(iter(kind.parts.items()))
        return {first: linear(part)}
    return {one: linear(part) for one, part in kind.parts.items()}


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_linear_score_has_the_values_of_the_equation_or_is_refused(name, kind):
    cls, case, given = methods.get(name), case_of(name), KINDS[kind]()
    within = case.within_of(kind)
    arguments = (given.model, given.inputs, 1)
    at = given.at if cls.takes_at and not cls.takes_any_input else None
    options = {"score": "output", "at": at}
    if kind in case.refuses:
        with pytest.raises(TfxaiError, match=case.refuses[kind]):
            made(name, given)(*arguments, **options)
        return
    a = made(name, given)(*arguments, **options)
    wanted = expected(name, given)
    values = a.values if isinstance(a.values, dict) else {next(iter(wanted)): a.values}
    assert set(values) == set(wanted)
    for one, array in values.items():
        largest = np.abs(wanted[one]).max()
        assert array.shape == wanted[one].shape
        differs = f"of input {one!r}; linear= of the case of {name} says otherwise"
        np.testing.assert_allclose(
            array, wanted[one], rtol=0, atol=within * (largest or 1), err_msg=differs
        )
    if cls.completes:
        parts = [part for one, part in given.parts.items() if one not in wanted]
        elsewhere = sum(total(part.w, part.x - part.b) for part in parts)
        size = np.abs(a.score - a.baseline_score).max()
        np.testing.assert_allclose(
            np.abs(a.completeness_gap), np.abs(elsewhere), rtol=0, atol=within * size
        )


@pytest.mark.parametrize("name", NAMES)
def test_inputs_in_float64_of_a_network_in_float32_are_taken(name):
    case, given = case_of(name), one_input(SHAPES["images"], "float32")
    a = made(name, given)(given.model, given.inputs, 1, score="output")
    wanted = case.linear(given.parts["x"])
    largest = np.abs(wanted).max()
    np.testing.assert_allclose(
        a.values, wanted, rtol=0, atol=max(case.within_of("images"), 1e-4) * (largest or 1)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_scores_are_what_the_cases_take_them_for(kind):
    given = KINDS[kind]()
    out = np.asarray(given.model(given.inputs))[:, 1]
    parts = [*given.parts.values(), *([given.ids] if given.ids else [])]
    for part in parts:
        np.testing.assert_allclose(out, total(part.w, part.x) + part.rest, rtol=1e-12)
