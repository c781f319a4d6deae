"""What may be passed as inputs, and models that say little of what they take."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tests.contract.cases import make
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.methods import FeatureAblation, IntegratedGradients, Saliency
from tfxai.subject import Subject

signed = Saliency(absolute=False)


class Sum(keras.Model):
    """The sum of the weighted inputs: a list, a tuple or a dict of them."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(1, use_bias=False), layers.Dense(1, use_bias=False)

    def call(self, inputs):
        a, b = inputs.values() if isinstance(inputs, dict) else inputs
        return self.first(a) + self.second(b)


def of_two(inputs):
    model = Sum()
    model(inputs)
    return model


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_inputs_of_a_subclassed_model_is_no_batch(kind, count):
    """Two arrays of one shape at B = 2 look like one array of two examples."""
    rng = np.random.default_rng(0)
    x = kind(rng.normal(size=(count, 2)).astype("f4") for _ in range(2))
    model = of_two(x)
    a = signed(model, x)
    assert len(a) == count
    for name, layer in (("input_0", model.first), ("input_1", model.second)):
        expected = np.repeat(np.asarray(layer.kernel).T, count, axis=0)
        np.testing.assert_allclose(a.values[name], expected, rtol=1e-6)
    np.testing.assert_allclose(Subject(model).predict(x), model(x), rtol=1e-6)


def test_a_dict_of_inputs_of_a_subclassed_model_keeps_its_names():
    x = {"a": np.ones((3, 2), "f4"), "b": np.ones((3, 4), "f4")}
    model = of_two(x)
    assert signed(model, x).values["b"].shape == (3, 4)


def test_another_number_of_inputs_than_a_subclassed_model_was_built_with_is_refused():
    x = [np.ones((2, 2), "f4")] * 2
    with pytest.raises(InvalidInputError, match="Got 3 inputs for a model that was built with 2"):
        signed(of_two(x), [*x, x[0]])


def test_nested_lists_are_still_one_batch():
    model = builders.subclassed()
    x = builders.images(2)
    np.testing.assert_array_equal(signed(model, x.tolist(), 1).values, signed(model, x, 1).values)
    as_list = signed(model, [x[0], x[1]], 1)
    np.testing.assert_array_equal(as_list.values, signed(model, x, 1).values)


def test_a_list_of_arrays_is_asked_about_where_nobody_knows():
    model = builders.subclassed()
    model._build_shapes_dict = None
    x = builders.images(2)
    with pytest.raises(InvalidInputError, match=r"A list of 2 arrays .* Pass a tuple"):
        signed(model, [x[0], x[1]], 1)


def sequentials():
    fitted = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(2)])
    fitted.compile("sgd", "mse")
    fitted.fit(np.ones((32, 3)), np.ones((32, 2)), batch_size=32, verbose=0)
    called = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(2)])
    called(np.ones((7, 3)))
    fixed = keras.Sequential([keras.Input(batch_shape=(4, 3)), layers.Dense(2)])
    x = keras.Input(batch_shape=(4, 3))
    return {
        "fitted": fitted,
        "called": called,
        "fixed": fixed,
        "functional": keras.Model(x, layers.Dense(2)(x)),
    }


@pytest.mark.parametrize("kind", sequentials())
def test_models_built_with_a_batch_take_any_batch(kind):
    model = sequentials()[kind]
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5, 3)).astype("f4")
    a = IntegratedGradients(steps=20)(model, x, 1)
    np.testing.assert_allclose(a.score[:4], np.asarray(model(x[:4]))[:, 1], rtol=1e-5)
    for i in range(5):
        one = IntegratedGradients(steps=20)(model, x[i : i + 1], 1)
        np.testing.assert_allclose(a.values[i], one.values[0], rtol=1e-4, atol=1e-6)
    inner = next(layer.name for layer in model.layers if layer.weights)
    assert FeatureAblation()(model, x, 1, at=inner).values.shape[0] == 5


def test_a_model_that_keeps_a_state_is_refused_with_the_reason():
    x = keras.Input(batch_shape=(4, 5, 2))
    model = keras.Model(x, layers.Dense(1)(layers.LSTM(3, stateful=True, name="lstm")(x)))
    with pytest.raises(UnsupportedModelError, match="'lstm' is stateful: what it returns depends"):
        signed(model, np.ones((2, 5, 2)))


def images_and_labels():
    x, y = builders.images(4), np.array([0, 1, 2, 1])
    return x, y, tf.data.Dataset.from_tensor_slices((x, y)).batch(3)


@pytest.mark.parametrize("name", ["saliency", "grad_cam", "occlusion", "kernel_shap"])
def test_a_batch_of_a_data_set_is_its_inputs(name):
    model = builders.functional()
    x, _, dataset = images_and_labels()
    expected = make(name)(model, x[:3], 1).values
    batch = next(iter(dataset))
    np.testing.assert_array_equal(make(name)(model, batch, 1).values, expected)
    np.testing.assert_array_equal(make(name)(model, batch[0], 1).values, expected)
    weighted = (*batch, tf.ones(3))
    np.testing.assert_array_equal(make(name)(model, weighted, 1).values, expected)
    with pytest.raises(InvalidInputError, match=r"are a tf.data.Dataset.*next\(iter\(dataset\)\)"):
        make(name)(model, dataset, 1)


def two_inputs():
    a, b = keras.Input((2,), name="a"), keras.Input((1,), name="b")
    return keras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])))


@pytest.mark.parametrize("kind", ["tuple", "dict"])
def test_batches_of_data_sets_with_several_inputs(kind):
    model = two_inputs()
    x = {"a": np.ones((4, 2), "f4"), "b": np.full((4, 1), 2.0, "f4")}
    expected = signed(model, x).values
    given = x if kind == "dict" else tuple(x.values())
    batch = next(iter(tf.data.Dataset.from_tensor_slices((given, np.ones(4))).batch(4)))
    found = signed(model, batch).values
    for name in "ab":
        np.testing.assert_array_equal(found[name], expected[name])


class Frame:
    """What of a pandas DataFrame is used."""

    def __init__(self, **columns):
        self._columns = {name: np.asarray(one) for name, one in columns.items()}

    @property
    def columns(self):
        return list(self._columns)

    def to_numpy(self):
        return np.stack(list(self._columns.values()), axis=1)

    def __getitem__(self, name):
        return Series(self._columns[name])


class Series:
    def __init__(self, array):
        self._array = array

    def to_numpy(self):
        return self._array


def test_tables_are_batches():
    model = builders.linear(np.array([[1.0], [2.0], [3.0]]))
    frame = Frame(x=[1.0, 2.0], y=[0, 1], z=[5.0, 6.0])
    np.testing.assert_allclose(FeatureAblation()(model, frame).values, [[1, 0, 15], [2, 2, 18]])
    columns = [keras.Input((1,), name="x"), keras.Input((1,), name="z", dtype="int32")]
    out = columns[0] * 2.0 + keras.ops.cast(columns[1], "float32")
    several = keras.Model(columns, out)
    a = FeatureAblation()(several, frame)  # by name; other columns are left alone
    np.testing.assert_allclose(a.values["x"], [[2], [4]])
    np.testing.assert_allclose(a.values["z"], [[5], [6]])
    with pytest.raises(InvalidInputError, match=r"inputs \['x'\] are not among them"):
        FeatureAblation()(several, Frame(y=[1.0], z=[2.0]))
    with pytest.raises(InvalidInputError, match="type object"):
        FeatureAblation()(model, Frame(x=[object()], y=[object()], z=[object()]))


def test_ragged_and_sparse_tensors_are_refused_with_the_way_out():
    model = builders.linear(np.ones((2, 1)))
    ragged = tf.ragged.constant([[1.0, 2.0], [1.0]])
    with pytest.raises(InvalidInputError, match=r"is a RaggedTensor. .*to_tensor\(\)"):
        signed(model, ragged)
    with pytest.raises(InvalidInputError, match=r"is a SparseTensor. .*to_dense"):
        signed(model, tf.sparse.from_dense([[1.0, 0.0]]))
