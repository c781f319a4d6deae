"""Files of ten years of Keras answer as they did, by hand where the answer changed."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tests.registry.old_files import (
    drops,
    graph_of_old,
    headless,
    layers_in,
    listed,
    renames,
    save_archive,
    save_h5,
    sets,
    typed,
)
from tfxai.errors import ModelFileError
from tfxai.inspection import inspect, scan

pytestmark = pytest.mark.filterwarnings(builders.KERAS_SAVES)
ROW, SERIES, IMAGE = (5,), (6, 3), (8, 8, 3)


def values(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def with_values(model):
    """The model with weights drawn at large, so that no activation stays near 0."""
    drawn = [values(one.shape, n) for n, one in enumerate(model.get_weights())]
    model.set_weights([2 * np.abs(one) if one.ndim < 1 else 2 * one for one in drawn])
    return model


def stack(shape, *made):
    return with_values(keras.Sequential([keras.Input(shape), *made]))


def answers(path, x):
    return tfxai.load(path).predict(np.asarray(x, np.float32))


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def hard_sigmoid(z):
    return np.clip(0.2 * z + 0.5, 0, 1)


# By hand.


@pytest.mark.parametrize("version", ["2.0.5", "2.1.4", "2.2.4-tf", "2.15.0", None])
@pytest.mark.parametrize("change", [listed, headless, typed, lambda config: None])
def test_two_dense_layers_answer_by_the_book(tmp_path, change, version):
    model = stack(ROW, layers.Dense(4, activation="relu"), layers.Dense(2, activation="softmax"))
    path = save_h5(model, tmp_path / "old.h5", version, change)
    w, b, v, c = model.get_weights()
    x = values((3, 5))
    np.testing.assert_allclose(
        answers(path, x), softmax(np.maximum(x @ w + b, 0) @ v + c), rtol=1e-5, atol=1e-6
    )
    assert scan(path).level == "ok"
    assert inspect(path).inputs[0].shape == (None, 5)


def lstm(x, w, u, b, gate):
    """The states after each step, (B, T, units)."""
    h = c = np.zeros((len(x), u.shape[0]))
    found = []
    for step in range(x.shape[1]):
        i, f, g, o = np.split(x[:, step] @ w + h @ u + b, 4, axis=1)
        c = gate(f) * c + gate(i) * np.tanh(g)
        h = gate(o) * np.tanh(c)
        found.append(h)
    return np.stack(found, axis=1)


def new_sigmoid(z):
    return np.clip(z / 6 + 0.5, 0, 1)


@pytest.mark.parametrize(
    ("save", "version", "gate"),
    [
        (save_h5, "2.2.4", hard_sigmoid),
        (save_h5, None, hard_sigmoid),
        (save_archive, "2.15.0", hard_sigmoid),
        (save_h5, "3.0.0", new_sigmoid),
        (save_archive, "3.4.1", new_sigmoid),
    ],
)
def test_hard_sigmoid_has_the_slope_of_the_version_that_wrote_it(tmp_path, save, version, gate):
    model = stack(SERIES, layers.LSTM(4, recurrent_activation="hard_sigmoid", name="lstm"))
    ending = ".h5" if save is save_h5 else ".keras"
    as_it_is = version is not None and version.startswith("3")
    if as_it_is:
        model.save(tmp_path / f"new{ending}")
        path = tmp_path / f"new{ending}"
    else:
        path = save(model, tmp_path / f"old{ending}", version)
    x = values((2, *SERIES))
    expected = lstm(x, *model.get_weights(), gate)[:, -1]
    np.testing.assert_allclose(answers(path, x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("save", [save_h5, save_archive])
def test_hard_sigmoid_inside_wrappers_and_models_has_it_too(tmp_path, save):
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="hard_sigmoid")])
    model = stack(
        SERIES,
        layers.Bidirectional(
            layers.LSTM(2, recurrent_activation="hard_sigmoid", return_sequences=True)
        ),
        layers.TimeDistributed(inner),
        layers.TimeDistributed(layers.Activation("hard_sigmoid")),
    )
    path = save(model, tmp_path / f"old{'.h5' if save is save_h5 else '.keras'}", "2.13.1")
    x = values((2, *SERIES))
    *both, w, b = model.get_weights()
    forward = lstm(x, *both[:3], hard_sigmoid)
    backward = lstm(x[:, ::-1], *both[3:], hard_sigmoid)[:, ::-1]
    states = np.concatenate([forward, backward], axis=-1)
    expected = hard_sigmoid(hard_sigmoid(states @ w + b))
    np.testing.assert_allclose(answers(path, x), expected, rtol=1e-5, atol=1e-6)


def test_it_is_saved_and_loaded_again_with_its_slope(tmp_path):
    model = stack(ROW, layers.Dense(3, activation="hard_sigmoid"))
    subject = tfxai.load(save_h5(model, tmp_path / "old.h5", "2.3.1"))
    subject.model.save(tmp_path / "new.keras")
    assert scan(tmp_path / "new.keras").level == "ok"
    w, b = model.get_weights()
    x = values((2, 5))
    np.testing.assert_allclose(
        answers(tmp_path / "new.keras", x), hard_sigmoid(x @ w + b), rtol=1e-5, atol=1e-6
    )


def test_gru_without_a_word_of_its_reset_resets_before(tmp_path):
    gru = layers.GRU(2, reset_after=False, recurrent_activation="hard_sigmoid")
    model = stack((2, 3), gru)
    path = save_h5(model, tmp_path / "old.h5", "2.1.2", drops("GRU", "reset_after"))
    w, u, b = model.get_weights()
    x, h = values((4, 2, 3)), np.zeros((4, 2))
    for step in range(2):
        z, r, n = np.split(x[:, step] @ w + b, 3, axis=1)
        uz, ur, un = np.split(u, 3, axis=1)
        z, r = hard_sigmoid(z + h @ uz), hard_sigmoid(r + h @ ur)
        h = z * h + (1 - z) * np.tanh(n + (r * h) @ un)
    np.testing.assert_allclose(answers(path, x), h, rtol=1e-5, atol=1e-6)


def test_kernels_of_theano_are_turned_round(tmp_path):
    model = stack((4, 1), layers.Conv1D(1, 3, use_bias=False))
    path = save_h5(model, tmp_path / "old.h5", "2.0.8")
    with h5py.File(path, "r+") as file:
        file.attrs["backend"] = "theano"
    (w,) = model.get_weights()
    x = values((1, 4, 1))
    convolved = [np.convolve(x[0, :, 0], w[:, 0, 0], "valid")]
    np.testing.assert_allclose(answers(path, x)[..., 0], convolved, rtol=1e-5, atol=1e-6)


# As the model that they are made from.


def base():
    image = keras.Input(IMAGE)
    return keras.Model(image, layers.Conv2D(4, 3, activation="relu")(image), name="base")


def transfer():
    image = keras.Input(IMAGE)
    pooled = layers.GlobalAveragePooling2D()(base()(image, training=False))
    return keras.Model(image, layers.Dense(3, activation="softmax")(pooled))


def twice():
    one, other, inner = keras.Input(IMAGE), keras.Input(IMAGE), base()
    joined = layers.Concatenate()([inner(one), inner(other)])
    return keras.Model([one, other], layers.Dense(2)(layers.Flatten()(joined)))


def ending_in_a_model():
    image = keras.Input(IMAGE)
    return keras.Model(image, base()(image))


def ending_in_a_stack():
    image = keras.Input(IMAGE)
    inner = keras.Sequential([keras.Input(IMAGE), layers.Conv2D(2, 3), layers.Flatten()])
    return keras.Model(image, inner(image))


def teachable():
    inner = [keras.Input(IMAGE), base(), layers.GlobalAveragePooling2D()]
    head = [keras.Input((4,)), layers.Dense(3, activation="softmax")]
    return keras.Sequential([keras.Input(IMAGE), keras.Sequential(inner), keras.Sequential(head)])


def attended():
    query, value = keras.Input((5, 4)), keras.Input((3, 4))
    x = layers.MultiHeadAttention(2, 3)(query, value=value)
    return keras.Model([query, value], layers.Attention(score_mode="dot")([x, value]))


def shared():
    row, layer = keras.Input(ROW), layers.Dense(5, activation="tanh")
    return keras.Model(row, layer(layer(layer(row))))


GRAPHS = [transfer, twice, ending_in_a_model, ending_in_a_stack, teachable, attended, shared]


@pytest.mark.parametrize("build", GRAPHS)
def test_graphs_of_old_are_wired_as_they_were(tmp_path, build):
    model = with_values(build())
    path = save_h5(model, tmp_path / "old.h5", "2.4.0", graph_of_old)
    assert scan(path).level == "ok", scan(path).findings
    given = [values((2, *one.shape[1:])).astype("float32") for one in model.inputs]
    given = given if len(given) > 1 else given[0]
    found = tfxai.load(path).model(given, training=False)
    np.testing.assert_allclose(found, model(given, training=False), rtol=1e-5, atol=1e-6)
    said = {layer.path: layer.parameters for layer in inspect(path).layers}
    assert sum(said[layer.name] or 0 for layer in model.layers if layer.name in said) > 0
    assert inspect(path).parameters.total == model.count_params()


OPTIONS = {
    "separable": (IMAGE, [layers.SeparableConv2D(2, 3)], sets(
        "SeparableConv2D", groups=1, kernel_initializer={"class_name": "Zeros", "config": {}},
        kernel_regularizer=None, kernel_constraint=None)),
    "transposed": (SERIES, [layers.Conv1DTranspose(2, 3)], sets("Conv1DTranspose", groups=1)),
    "distributed": (
        (2, *IMAGE), [layers.TimeDistributed(layers.DepthwiseConv2D(3))],
        sets("DepthwiseConv2D", groups=1)),
    "conv_lstm": (
        (2, 6, 6, 1), [layers.ConvLSTM2D(2, 2)],
        sets("ConvLSTM2D", time_major=False, unroll=False)),
    "bidirectional": (
        SERIES, [layers.Bidirectional(layers.GRU(2))],
        sets("GRU", time_major=False, implementation=1)),
    "normalised": (
        IMAGE, [layers.BatchNormalization()],
        sets("BatchNormalization", axis=[3], fused=True, renorm=False, virtual_batch_size=None)),
    "axes": (IMAGE, [layers.LayerNormalization(axis=[1, 2])], lambda config: None),
    "random": (
        IMAGE, [layers.RandomFlip(), layers.RandomZoom(0.1)],
        sets("RandomFlip RandomZoom", rng_type="stateful")),
    "leaky": (
        ROW, [layers.LeakyReLU(0.3)],
        drops("LeakyReLU", "negative_slope", alpha={"type": "ndarray", "value": 0.3})),
    "spatial": (SERIES, [layers.SpatialDropout1D(0.5)], sets(
        "SpatialDropout1D", trainable=True, noise_shape=None)),
    "scaled": (ROW, [layers.Dense(2, kernel_initializer="he_normal")], sets(
        "HeNormal", dtype="float32")),
    "policy": (ROW, [layers.Dense(2)], sets(
        "Dense", dtype={"class_name": "Policy", "config": {"name": "float32"}})),
}  # fmt: skip


@pytest.mark.parametrize("save", [save_h5, save_archive])
@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_old_mean_what_they_meant(tmp_path, name, save):
    shape, made, change = OPTIONS[name]
    model = stack(shape, *(type(one).from_config(one.get_config()) for one in made))
    path = save(model, tmp_path / f"old{'.h5' if save is save_h5 else '.keras'}", "2.12.0", change)
    assert scan(path).level == "ok", scan(path).findings
    x = values((2, *shape)).astype("float32")
    np.testing.assert_allclose(answers(path, x), model(x, training=False), rtol=1e-5, atol=1e-5)


def test_an_option_that_means_something_else_is_not_dropped(tmp_path):
    model = stack(SERIES, layers.LSTM(2))
    path = save_h5(model, tmp_path / "old.h5", "2.9.0", sets("LSTM", time_major=True))
    (warning,) = scan(path).at("warn")
    assert "LSTM layers with time_major=True, which Keras 3 does not know" in warning.why
    with pytest.raises(ModelFileError, match=r"written by Keras 2\.9\.0\).*with time_major=True"):
        tfxai.load(path)


def test_a_config_without_weights_is_said_to_be_so(tmp_path):
    path = save_h5(stack(ROW, layers.Dense(2)), tmp_path / "old.h5", "2.9.0")
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
    assert [one.what for one in scan(path).at("refuse")] == ["no weights"]


def test_names_with_slashes_become_names_that_keras_3_takes(tmp_path):
    row = keras.Input(ROW, name="row")
    x = layers.Dense(3, name="a_b")(row)
    y = layers.Dense(3, name="second")(row)
    model = with_values(keras.Model(row, layers.Subtract(name="end")([x, y])))

    def renamed(config):
        text = json.dumps(config).replace('"second"', '"a/b"').replace('"end"', '"scope/end"')
        return json.loads(text)

    path = save_h5(model, tmp_path / "old.h5", "2.2.4-tf", graph_of_old, renamed)
    x = values((2, 5))
    np.testing.assert_allclose(answers(path, x), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    loaded = tfxai.load(path).model
    assert [layer.name for layer in loaded.layers] == ["row", "a_b", "a_b_1", "scope_end"]


@pytest.mark.parametrize("ending", [".hdf5", ".H5", ".HDF5", ".keras", ".Keras"])
def test_hdf5_is_known_by_its_content(tmp_path, ending):
    model = stack(ROW, layers.Dense(2))
    path = save_h5(model, tmp_path / f"old{ending}", "2.0.5")
    x = values((2, 5))
    np.testing.assert_allclose(answers(path, x), model.predict(x, verbose=0), rtol=1e-6)
    assert scan(path).level == "ok"


@pytest.mark.parametrize("ending", [".h5", ".KERAS", ".hdf5"])
def test_an_archive_is_known_by_its_content(tmp_path, ending):
    model = stack(ROW, layers.Dense(2))
    model.save(tmp_path / "new.keras")
    path = tmp_path / f"other{ending}"
    shutil.move(tmp_path / "new.keras", path)
    x = values((2, 5))
    np.testing.assert_allclose(answers(path, x), model.predict(x, verbose=0), rtol=1e-6)
    assert scan(path).level == "ok"


def test_groups_named_with_backslashes_are_found(tmp_path):
    model = stack(ROW, layers.Dense(3), layers.Dense(2))
    path = save_archive(model, tmp_path / "old.keras", "2.12.0")
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for number, layer in enumerate(model.layers):
            name = f"_layer_checkpoint_dependencies\\dense{f'_{number}' if number else ''}\\vars"
            for place, weight in enumerate(layer.get_weights()):
                file.create_group(name) if name not in file else None
                file[name][str(place)] = weight
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**content, "model.weights.h5": stream.getvalue()}.items():
            archive.writestr(name, data)
    x = values((2, 5))
    np.testing.assert_allclose(answers(path, x), model.predict(x, verbose=0), rtol=1e-6)
    assert inspect(path).parameters.total == model.count_params()


def test_weights_go_to_the_layers_of_their_names(tmp_path):
    model = stack(ROW, layers.Dense(5, name="first"), layers.Dense(5, name="second"))
    path = save_h5(model, tmp_path / "old.h5", "2.2.4")
    with h5py.File(path, "r+") as file:
        file["model_weights"].attrs["layer_names"] = [b"second", b"first"]
    x = values((2, 5))
    np.testing.assert_allclose(answers(path, x), model.predict(x, verbose=0), rtol=1e-6)


class Halved(layers.Layer):
    def call(self, x):
        return x / 2

    def get_config(self):
        return {**super().get_config(), "activation": "hard_sigmoid"}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        activation = keras.activations.get(config.pop("activation"))
        made = cls(**config)
        made.activation = activation
        return made


def cubed(x):
    return x**3


@pytest.mark.parametrize("package", ["", "Custom>"])
def test_classes_and_functions_of_ones_own_take_their_places(tmp_path, package):
    dense = layers.Dense(3, activation="relu")
    model = stack(ROW, layers.Identity(name="own"), dense)

    def own(config):
        for one in layers_in(config):
            if one["class_name"] == "Identity":
                one["class_name"] = f"{package}Halved"
                one["config"]["activation"] = "hard_sigmoid"
            if one["class_name"] == "Dense":
                one["config"]["activation"] = f"{package}cubed"

    path = save_h5(model, tmp_path / "old.h5", "2.6.0", own)
    with pytest.raises(
        ModelFileError, match=f"it uses '{package}Halved', '{package}cubed', which"
    ):
        tfxai.load(path)
    x, supplied = values((2, 5)), {"Halved": Halved, "cubed": cubed}
    assert scan(path, custom_objects=supplied).level == "ok"
    loaded = tfxai.load(path, custom_objects=supplied)
    w, b = model.get_weights()
    np.testing.assert_allclose(
        loaded.predict(x.astype("float32")), (x / 2 @ w + b) ** 3, rtol=1e-4, atol=1e-5
    )
    kept = loaded.model.get_layer("own").activation
    np.testing.assert_allclose(kept(np.float32(1.0)), 0.7)  # of Keras 2, wherever it stands


# What cannot be loaded.


def of_keras_1(config):
    """Options under the names of Keras 1, in a config that is a list."""
    config["config"] = config["config"]["layers"]
    for one in config["config"]:
        options = one["config"]
        if one["class_name"] == "Dense":
            options["output_dim"] = options.pop("units")
        if one["class_name"] == "Conv2D":
            one["class_name"] = "Convolution2D"
            options["nb_row"], options["nb_col"] = options.pop("kernel_size")
            options["nb_filter"], options["border_mode"] = options.pop("filters"), "valid"
            options["subsample"], options["dim_ordering"] = options.pop("strides"), "tf"
            del options["padding"], options["data_format"], options["dilation_rate"]


def test_keras_1_is_described_as_far_as_it_goes_and_not_loaded(tmp_path):
    made = [layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(4)]
    path = save_h5(stack(IMAGE, *made), tmp_path / "old.h5", "1.2.2", headless, of_keras_1)
    assert [one.what for one in scan(path).at("warn")] == ["Keras 1"]
    found = inspect(path)
    shapes = {layer.kind: layer.shape for layer in found.layers}
    assert shapes["Convolution2D"] == (None, 6, 6, 2)
    assert shapes["Dense"] == (None, 4)
    assert (found.keras_version, found.parameters.trainable) == ("1.2.2", None)
    assert found.parameters.total == sum(one.count_params() for one in made)
    with pytest.raises(ModelFileError, match=r"Keras 1\.2\.2 wrote it.*Load it with Keras 2"):
        tfxai.load(path)


def test_what_keras_1_does_not_say_is_unknown(tmp_path):
    path = save_h5(stack(IMAGE, layers.Conv2D(2, 3)), tmp_path / "old.h5", "1.0.3", headless)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][0]["config"] = {"name": "conv2d"}
        file.attrs["model_config"] = json.dumps(config)
    found = inspect(path)
    assert found.layers[-1].shape is None
    assert found.final_activation == (None,)


def test_stacks_without_names_in_a_stack_are_told_apart(tmp_path):
    inner = [keras.Sequential([keras.Input(ROW), layers.Dense(5)]) for _ in range(2)]
    model = stack(ROW, *inner)

    def all_listed(config):
        for one in config["config"]["layers"]:
            if one["class_name"] == "Sequential":
                listed(one)
        config["config"] = config["config"]["layers"][1:]

    path = save_h5(model, tmp_path / "old.h5", "2.1.4", all_listed)
    x = values((2, 5))
    np.testing.assert_allclose(answers(path, x), model.predict(x, verbose=0), rtol=1e-5, atol=1e-5)


def test_a_whole_file_is_never_said_to_be_none(tmp_path):
    model = stack(ROW, layers.Dense(2))
    path = save_h5(model, tmp_path / "old.h5", "2.6.0", sets("Dense", units="many"))
    with pytest.raises(ModelFileError, match=r"Keras 2\.6\.0 wrote it, and this is Keras 3") as e:
        tfxai.load(path)
    assert "Pass a whole" not in str(e.value)


def test_layers_that_are_gone_are_named_before_anything_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(
        keras.saving, "deserialize_keras_object", lambda *a, **k: pytest.fail("it was loaded")
    )
    model = stack(SERIES, layers.Conv1D(2, 3))
    path = save_h5(model, tmp_path / "old.h5", "2.3.0", renames("Conv1D", "LocallyConnected1D"))
    assert scan(path).level == "warn"
    with pytest.raises(ModelFileError, match="LocallyConnected1D"):
        tfxai.load(path)


# TensorFlow functions as layers.


def function_of_keras_2(label, function, first, **keywords):
    kind = "SlicingOpLambda" if function.endswith("getitem") else "TFOpLambda"
    config = {"name": label, "trainable": True, "dtype": "float32", "function": function}
    call = [*first, keywords]
    return {"class_name": kind, "config": config, "name": label, "inbound_nodes": [call]}


def with_functions(*functions):
    """The config of a model whose dense layer comes after these."""

    def change(config):
        layers_of_old = config["config"]["layers"]
        layers_of_old[-1]["inbound_nodes"] = [[[functions[-1]["name"], 0, 0, {}]]]
        layers_of_old[1:1] = functions

    return change


def test_arithmetic_of_keras_2_is_done_again(tmp_path):
    row = keras.Input(ROW, name="row")
    model = with_values(keras.Model(row, layers.Dense(2, name="end")(row)))
    given = ["row", 0, 0]
    functions = [
        function_of_keras_2("tf.math.truediv", "math.truediv", given, y=2.0, name=None),
        function_of_keras_2(
            "tf.math.subtract", "math.subtract", ["_CONSTANT_VALUE", -1, 1.0],
            y=["tf.math.truediv", 0, 0], name=None),
        function_of_keras_2(
            "tf.nn.bias_add", "nn.bias_add", ["tf.math.subtract", 0, 0],
            bias=[1.0, 2.0, 3.0, 4.0, 5.0], data_format="NHWC"),
        function_of_keras_2(
            "tf.__operators__.getitem", "__operators__.getitem", ["tf.nn.bias_add", 0, 0],
            slice_spec=[
                {"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}]),
        function_of_keras_2(
            "tf.math.maximum", "math.maximum", ["tf.__operators__.getitem", 0, 0],
            y=["row", 0, 0], name=None),
    ]  # fmt: skip
    path = save_h5(model, tmp_path / "old.h5", "2.9.0", graph_of_old, with_functions(*functions))
    assert scan(path).level == "ok", scan(path).findings
    w, b = model.get_weights()
    x = values((3, 5))
    prepared = np.maximum((1 - x / 2 + np.arange(1, 6))[:, ::-1], x)
    np.testing.assert_allclose(answers(path, x), prepared @ w + b, rtol=1e-5, atol=1e-5)
    assert {one.path: one.shape for one in inspect(path).layers}["tf.nn.bias_add"] == (None, 5)


@pytest.mark.parametrize(
    ("function", "keywords", "level"),
    [
        ("signal.fft", {}, "warn"),
        ("math.truediv", {"y": 2.0, "other": 1}, "warn"),
        ("linalg.matmul", {"b": ["row", 0, 0], "transpose_b": True}, "warn"),
        ("__operators__.getitem", {"slice_spec": ["text"]}, "warn"),
        ("io.read_file", {}, "refuse"),
    ],
)
def test_a_function_that_is_not_known_is_named_and_not_loaded(tmp_path, function, keywords, level):
    row = keras.Input(ROW, name="row")
    model = keras.Model(row, layers.Dense(2, name="end")(row))
    one = function_of_keras_2("some", function, ["row", 0, 0], **keywords)
    path = save_h5(model, tmp_path / "old.h5", "2.9.0", graph_of_old, with_functions(one))
    assert scan(path).level == level
    with pytest.raises(ModelFileError, match=re.escape(function)):
        tfxai.load(path)
