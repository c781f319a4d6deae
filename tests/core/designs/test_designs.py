"""Designs with NumPy's arithmetic and with TensorFlow's, and what they promise."""

import dataclasses
import inspect

import numpy as np
import pytest
import tensorflow as tf

from tfxai.arithmetic import HOST, Arithmetic
from tfxai.core.designs.design import Rows
from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.inputs.parts import Part
from tfxai.core.inputs.superpixels import Slic
from tfxai.core.sampling.random_numbers import uniform
from tfxai.serving.explaining.fanout import KINDS

RNG = np.random.default_rng(5)
A, B, X = RNG.normal(size=(3, 4, 5)), RNG.normal(size=(3, 6, 5)), RNG.normal(size=(3, 4))
INDEX = np.array([[[0, 3], [1, 1]], [[2, 0], [3, 3]], [[1, 1], [1, 0]]], np.int32)
ARGUMENTS = {
    "cast": (X, "float32"),
    "reshape": (A, [-1, 10]),
    "transpose": (A, [2, 0, 1]),
    "broadcast_as": (X[:, :, None], A),
    "where": (A > 0, A, -np.inf),
    "take": (A, INDEX[0], 1),
    "take_by_row": (X, INDEX),
    "counts_by_row": (INDEX, 4, "float64"),
    "flat": (A,),
    "totals": (A,),
    "percentiles": (X, 70.0),
    "norm": (A, 2),
    "clip": (A, -1, 0.5),
    "divide": (X, np.maximum(X, 0)),
    "sum": (A, 1),
    "mean": (A, 2),
    "min": (A, 1),
    "max": (A, 1),
    "minimum": (A, 0),
    "maximum": (A, 0),
    "abs": (A,),
    "square": (A,),
    "sqrt": (np.abs(A),),
    "exp": (A,),
    "each": (lambda row: row * row - 1, X),
    "xor": (INDEX, INDEX[::-1].copy()),
    "right_shift": (INDEX.astype(np.uint32), 1),
    "matmul": (A, A.transpose(0, 2, 1)),
    "matmul_transposed": (A, B),
    "matvec": (X, X[0]),
}
OPERATIONS = [name for name, _ in inspect.getmembers(Arithmetic) if not name.startswith("_")]
SMALL = {
    "rise": {"samples": 9, "cells": 3},
    "kernel_shap": {"samples": 20},
    "shapley_sampling": {"samples": 4},
    "lime": {"samples": 30},
    "sobol": {"samples": 4, "cells": 3},
    "hsic": {"samples": 20, "cells": 3},
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_gives_the_same_on_the_host_and_in_the_graph(name):
    arguments = ARGUMENTS[name]
    tensors = [tf.constant(a) if isinstance(a, np.ndarray) else a for a in arguments]
    found = getattr(GRAPH, name)(*tensors).numpy()
    expected = getattr(HOST, name)(*arguments)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)


def design_of(name, shape, **options):
    part = Part(shape, "HWC")
    return KINDS[name](**SMALL.get(name, {}), **options).for_inputs([part]).design(shape, [part])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("is_own", [False, True])
def test_what_shows_is_the_same_on_the_host_and_in_the_graph_bit_for_bit(name, is_own):
    shape = (4, 2, 1)
    options = {"mask": Slic(5)} if is_own and "mask" in fields(name) else {}
    design = design_of(name, shape, **options)
    k = np.arange(design.count, dtype=np.int32)
    x = RNG.normal(size=(len(k), *shape))
    mask = RNG.integers(0, 5, size=(len(k), 4, 2)).astype(np.int32)
    found = design.shown(k, Rows(x, mask, HOST))
    if name == "rise":  # whose draws are hashes in the graph too
        draws = uniform(0, tf.constant(k), len(k), [design.draws], tf.float64)
        expected = design.masks(draws, GRAPH)[..., None].numpy()
    else:
        rows = Rows(tf.constant(x), tf.constant(mask), GRAPH)
        expected = design.shown(tf.constant(k), rows).numpy()
    np.testing.assert_array_equal(found, expected)
    assert np.broadcast_shapes(found.shape, x.shape) == x.shape


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("rise", "occlusion")])
def test_values_are_the_same_on_the_host_and_in_the_graph(name):
    options = {"mask": Slic(5)} if "mask" in fields(name) else {}
    design = design_of(name, (4, 2, 1), **options)
    x = RNG.normal(size=(3, 4, 2, 1))
    mask = np.array([np.arange(8).reshape(4, 2) * 5 // 8 for _ in range(3)], np.int32)
    scores, score, other = RNG.normal(size=(3, design.count)), RNG.normal(size=3), np.zeros(3)
    found = design.values(scores, score, other, Rows(x, mask, HOST))
    if name == "kernel_shap":  # the graph adds up one score after the other
        every = np.concatenate([scores, other[:, None], score[:, None]], axis=1)
        values = np.einsum("bk,km->bm", every, design.solve)
        np.testing.assert_allclose(values.sum(axis=1), score, rtol=1e-12)
        sizes = np.bincount(mask[0].ravel())
        expected = (values / sizes)[:, mask[0]][..., None]
    else:
        rows = Rows(*map(tf.constant, (x, mask)), GRAPH)
        expected = design.values(*map(tf.constant, (scores, score, other)), rows).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def fields(name):
    return {field.name for field in dataclasses.fields(KINDS[name])}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("shape", [(3, 1, 1), (5, 2, 1), (3, 7, 1)])
def test_no_more_variants_are_made_than_was_said_before(name, shape):
    options = {"samples": 64} if "samples" in fields(name) else {}
    part = Part(shape, "HWC")
    design = KINDS[name](**options).design(shape, [part])
    assert 0 < design.count <= design.most
    assert len(getattr(design, "coalitions", [])) <= design.most + 2  # the empty and the full one
