"""Perturbation methods by predictions alone: those of tfxai, without TensorFlow."""

from __future__ import annotations

import contextlib
import dataclasses
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tfxai
from tests import builders
from tests.processes import loaded
from tfxai.core.sampling import hashing, random_numbers
from tfxai.errors import TfxaiError, UnknownNameError
from tfxai.methods import create
from tfxai.serving.explaining import fanout


class Model:
    """A model that counts what it is asked."""

    def __init__(self, model):
        self.model = model
        self.batches = []

    def __call__(self, rows):
        self.batches.append(len(rows))
        return np.asarray(self.model(rows))


def explained(name, model, x, options=None, target=-1, batch_size=16):
    """What the method gives by predictions, and what it asked."""
    asked = Model(model)
    method = fanout.method(name, options or {}, x.shape[1:])
    made = method.explain(asked, x, np.full(len(x), target), batch_size)
    return made, asked, method


IMAGES = builders.images(2)
TABLES = builders.images(3, (4,))
GRID = (np.arange(30).reshape(6, 5) // 4).tolist()
SIX = {"name": "slic", "options": {"segments": 6}}
CASES = [
    ("occlusion", {}),
    ("occlusion", {"window": [3, 2], "stride": [2, 1], "baseline": 0.5}),
    ("occlusion", {"window": 5, "stride": 3, "reduce": "max"}),
    ("rise", {"samples": 40}),
    ("rise", {"samples": 30, "cells": [2, 3], "probability": 0.3, "seed": 5, "baseline": -1}),
    ("kernel_shap", {"mask": GRID}),
    ("kernel_shap", {"samples": 200, "seed": 2}),
    ("kernel_shap", {"mask": SIX, "baseline": "blur"}),
    ("shapley_sampling", {"samples": 6, "mask": GRID}),
    ("shapley_sampling", {"samples": 4, "seed": 1}),
    ("lime", {"mask": GRID, "samples": 60}),
    ("lime", {"samples": 150, "kernel_width": 0.5, "alpha": 0.1, "seed": 3, "baseline": 0.5}),
    ("lime", {"mask": SIX, "samples": 40, "baseline": "mean"}),
    ("feature_ablation", {}),
    ("feature_ablation", {"mask": GRID, "baseline": -1}),
    ("feature_ablation", {"mask": SIX}),
    ("sobol", {"samples": 4, "cells": 3}),
    ("sobol", {"samples": 8, "cells": [2, 3], "seed": 2, "baseline": 0.5}),
    ("hsic", {"samples": 60, "cells": 3}),
    ("hsic", {"samples": 40, "cells": [2, 3], "seed": 2, "baseline": "mean"}),
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_values_are_those_of_the_method_in_this_process(name, options):
    model = builders.functional()
    made, asked, method = explained(name, model, IMAGES, options)
    a = create(name, **options)(model, IMAGES, score="output")
    largest = np.abs(a.values).max()
    assert made.values.dtype == a.values.dtype
    np.testing.assert_allclose(made.values, a.values, rtol=0, atol=1e-5 * largest)
    np.testing.assert_array_equal(made.target, a.target)
    np.testing.assert_allclose(made.score, a.score, atol=1e-6)
    np.testing.assert_allclose(made.baseline_score, a.baseline_score, atol=1e-6)
    assert (made.completeness_gap is None) == (a.completeness_gap is None)
    assert (method.is_map, method.is_signed) == (a.is_map, a.is_signed)
    assert method.reduction == a.channels
    assert sum(asked.batches) == method.rows * len(IMAGES)
    assert max(asked.batches) <= 16


@pytest.mark.parametrize("name", fanout.METHODS)
def test_tables_and_a_given_target(name):
    model = builders.linear(np.arange(8).reshape(4, 2), activation="sigmoid")
    x = TABLES.astype(np.float64)
    made, *_ = explained(name, model, x, target=1)
    a = create(name)(model, x, target=1, score="output")
    np.testing.assert_allclose(made.values, a.values, rtol=1e-9, atol=1e-12)
    assert made.target.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("kernel_shap", {}),
        ("shapley_sampling", {}),
        ("lime", {"alpha": 0}),
        ("feature_ablation", {}),
    ],
)
def test_values_of_a_linear_model_are_its_terms(name, options):
    weights = np.array([[1.0], [-2.0], [0.5], [3.0]])
    x = TABLES.astype(np.float64)
    made, *_ = explained(name, lambda x: x @ weights + 7, x, options)
    np.testing.assert_allclose(made.values, TABLES * weights[:, 0], atol=1e-12)
    if made.completeness_gap is not None:
        np.testing.assert_allclose(made.completeness_gap, 0, atol=1e-12)
    np.testing.assert_allclose(made.baseline_score, 7)


def test_occlusion_by_hand():
    made, *_ = explained(
        "occlusion",
        lambda x: x.mean(axis=(1, 2)),
        np.array([4.0, 8.0, 0.0, 4.0]).reshape(1, 1, 4, 1),
        {"window": [1, 2], "stride": 1},
    )
    np.testing.assert_allclose(made.values, [[[3.0, 2.5, 1.5, 1.0]]])  # of 12/4, 8/4 and 4/4


@pytest.mark.parametrize(("name", "options"), CASES[::3])
def test_batches_change_no_value(name, options):
    model = builders.functional()
    ways = [explained(name, model, IMAGES, options, batch_size=n)[0].values for n in (1, 7, 1000)]
    for other in ways[1:]:
        np.testing.assert_allclose(other, ways[0], rtol=0, atol=1e-6)


def test_random_numbers_are_those_of_the_graph_bit_for_bit():
    k = np.array([0, 1, 5, 70_000, 2**20])
    for seed in (0, 3, 2**31 - 1):
        in_graph = random_numbers.uniform(seed, tf.constant(k), len(k), [11], tf.float64).numpy()
        np.testing.assert_array_equal(hashing.uniform_on_host(seed, k, 11), in_graph)


@pytest.mark.parametrize("name", fanout.METHODS)
def test_options_have_the_methods_own_defaults(name):
    fields = tfxai.methods.create(name)
    kind = fanout.method(name, {}, (4,))
    assert isinstance(fields, fanout.KINDS[name])
    assert kind.options == {key: getattr(fields, key) for key in kind.options}
    own = {field.name for field in dataclasses.fields(fields)}
    assert set(kind.options) == own - {"tolerance"}
    with pytest.raises(UnknownNameError, match="no option 'tolerance'"):  # all samples are drawn
        fanout.method(name, {"tolerance": 0.1}, (4,))
    assert (kind.is_map, kind.completes) == (fields.is_map, fields.completes)


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("occlusion", {"window": 1, "stride": 1}, (224, 224, 3)),
        ("rise", {"samples": 2**60}, (4,)),
        ("rise", {"cells": 2**30}, (8, 8, 3)),
        ("rise", {"cells": [9000, 9000]}, (8, 8, 3)),
        ("kernel_shap", {"samples": 2**40}, (64,)),
        ("kernel_shap", {"samples": 9000}, (4000,)),
        ("kernel_shap", {"mask": np.arange(150_528).reshape(224, 224, 3).tolist()}, (224, 224, 3)),
        ("shapley_sampling", {"samples": 2**40}, (64,)),
        ("lime", {"samples": 2**40}, (64,)),
        ("lime", {"samples": 9000}, (4000,)),
        ("feature_ablation", {}, (99, 99, 3)),
        ("feature_ablation", {"mask": "slic"}, (9, 9)),
        ("shapley_sampling", {"samples": 8}, (3000,)),
        (
            "shapley_sampling",
            {"mask": {"name": "slic", "options": {"segments": 50_000}}},
            (99, 99, 3),
        ),
    ],
)
def test_what_would_take_all_memory_is_refused_before(name, options, shape):
    began = time.perf_counter()
    with pytest.raises(TfxaiError):
        fanout.method(name, options, shape)
    assert time.perf_counter() - began < 5


def test_all_orders_of_few_features_are_no_more_than_their_coalitions():
    method = fanout.method("shapley_sampling", {"samples": 2000}, (5,), most=34)
    assert method.rows == 2 + 2**5 - 2 + 2  # with the empty and the full one, walked through


def test_a_check_that_raises_ends_it():
    asked = Model(builders.functional())

    def check():
        if len(asked.batches) == 3:
            raise TimeoutError

    method = fanout.method("rise", {}, IMAGES.shape[1:])
    with pytest.raises(TimeoutError):
        method.explain(asked, IMAGES, np.array([-1, -1]), 8, check)
    assert len(asked.batches) == 3


def test_a_target_that_is_no_output_is_refused():
    with pytest.raises(TfxaiError, match="0 to 2, or -1"):
        explained("occlusion", builders.functional(), IMAGES, target=3)


RECORD = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["slic", "blur", "samples", "constant", "noise", "x"]),
        "options": st.dictionaries(
            st.sampled_from(["segments", "compactness", "sigma", "value", "array", "x"]),
            st.integers(-1, 12) | st.floats() | st.just(1e-300),
            max_size=2,
        ),
    }
)
JSON = RECORD | st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**40) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
OPTION = st.sampled_from(
    sorted({option for name in fanout.METHODS for option in fanout.defaults(name)})
)


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(fanout.METHODS),
    options=st.dictionaries(OPTION | st.text(max_size=3), JSON, max_size=3),
)
def test_no_option_leads_to_anything_but_an_answer_or_a_sentence(name, options):
    x = np.ones((1, 4, 4, 1), np.float32)
    with contextlib.suppress(TfxaiError):
        method = fanout.method(name, options, x.shape[1:])
        if method.rows < 500:
            made = method.explain(lambda rows: rows.reshape(len(rows), -1), x, np.array([-1]), 50)
            assert np.isfinite(made.values).all()


def test_it_loads_neither_tensorflow_nor_keras():
    code = """
import numpy as np
from tfxai.serving.explaining import fanout
for name in fanout.METHODS:
    options = {"mask": "slic"} if "mask" in fanout.defaults(name) else {}
    method = fanout.method(name, options, (9, 9, 3))
    method.explain(lambda x: x.mean(axis=(1, 2)), np.ones((1, 9, 9, 3), "f"), np.array([0]), 64)
"""
    assert not {"tensorflow", "keras", "matplotlib"} & set(loaded(code))
    assert keras.__version__
