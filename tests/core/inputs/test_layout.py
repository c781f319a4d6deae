"""From what a user passes to arrays in the model's types, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tfxai.core.inputs.layout import Layout
from tfxai.core.inputs.reading import read_inputs
from tfxai.errors import InvalidInputError

X = builders.images(2)


def read(model, inputs):
    layout, (array,) = read_inputs(model, inputs)
    return layout, array


@pytest.fixture(scope="module")
def model():
    return builders.functional()


FORMS = {
    "float32": X,
    "float64": X.astype(np.float64),
    "nested lists": X.tolist(),
    "list of arrays": list(X),
    "tensor": tf.constant(X),
    "keras variable": keras.Variable(X),
    "not contiguous": np.asfortranarray(X),
}


@pytest.mark.parametrize("form", FORMS)
def test_numbers_of_any_kind_become_arrays_of_the_models_type(form, model):
    layout, array = read(model, FORMS[form])
    np.testing.assert_array_equal(array, X)
    assert array.dtype == np.float32
    assert (layout.kind, layout.shapes, layout.dtypes) == ("one", ((6, 5, 2),), ("float32",))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float16])
def test_other_number_types_are_converted(dtype, model):
    given = (np.abs(X) * 2).astype(dtype)
    np.testing.assert_array_equal(read(model, given)[1], given.astype(np.float32))


def test_layout_is_the_same_for_every_batch_size(model):
    layouts = {read(model, builders.images(count))[0] for count in (1, 2, 5)}
    assert len(layouts) == 1
    spec = layouts.pop().specs()[0]
    assert spec.shape.as_list() == [None, 6, 5, 2]


def undeclared(dtype=None):
    class Model(keras.Model):
        def call(self, x):
            return keras.ops.cast(x, self.compute_dtype) * 2.0

    model = Model(dtype=dtype)
    model(np.ones((1, 3), np.float32))
    return model


@pytest.mark.parametrize(
    ("given", "policy", "expected"),
    [
        (np.float64, None, "float32"),
        (np.uint8, None, "float32"),  # pixels
        (np.int32, None, "int32"),  # tokens
        (np.float32, "float64", "float64"),
        (np.float64, "float64", "float64"),
        (np.float64, "mixed_float16", "float32"),
    ],
)
def test_type_for_a_model_that_declares_none(given, policy, expected):
    layout, array = read(undeclared(policy), np.ones((2, 3), given))
    assert array.dtype == expected
    assert layout.dtypes == (expected,)


def test_float_type_of_keras_is_followed():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    try:
        assert read(undeclared(), np.ones((2, 3), np.float32))[1].dtype == np.float64
        x = keras.Input((3,))
        assert read(keras.Model(x, layers.Dense(1)(x)), np.ones((2, 3)))[1].dtype == np.float64
    finally:
        keras.config.set_floatx(before)


def test_integers_must_be_whole_and_fit():
    tokens = keras.Input((2,), dtype="int32")
    model = keras.Model(tokens, layers.Embedding(9, 2)(tokens))
    np.testing.assert_array_equal(read(model, [[1.0, 2.0]])[1], [[1, 2]])
    for bad, count in (([[1.5, 2.0]], 1), ([[np.nan, 1.2]], 2), ([[1e20, 0.0]], 1)):
        with pytest.raises(InvalidInputError, match=f"holds {count} values that are no whole num"):
            read(model, bad)


@pytest.mark.parametrize("bad", ["text", 3.0, [1j], [None], [[1.0], [1.0, 2.0]], object()])
def test_what_is_no_batch_of_numbers_is_refused(bad):
    with pytest.raises(InvalidInputError, match=r"numbers were|single number|no array"):
        read(undeclared(), bad)


def test_several_explained_inputs_are_packed_side_by_side_and_back():
    layout = Layout("dict", ("a", "n", "b"), ((2, 2), (1,), (3,)), ("float64", "int32", "float32"))
    a, n, b = np.arange(8.0).reshape(2, 2, 2), np.ones((2, 1), int), -np.ones((2, 3), np.float32)
    assert (layout.explained, layout.held) == ((0, 2), (1,))
    x = layout.pack([tf.constant(leaf) for leaf in (a, n, b)])
    np.testing.assert_array_equal(x, np.concatenate([a.reshape(2, 4), b], axis=1))
    back = layout.unpack(x, [tf.constant(n)])
    assert list(back) == ["a", "n", "b"]
    for name, leaf in (("a", a), ("n", n), ("b", b)):
        np.testing.assert_array_equal(back[name], leaf)
        assert back[name].dtype == leaf.dtype
    named = layout.named(x.numpy())
    assert list(named) == ["a", "b"]
    np.testing.assert_array_equal(named["a"], a)
