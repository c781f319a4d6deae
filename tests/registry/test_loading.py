import json
import logging
import zipfile

import h5py
import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tfxai.card import Card
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import (
    DataNotFoundError,
    InvalidInputError,
    ModelFileError,
    UnsafeModelError,
)
from tfxai.inspection import scan
from tfxai.registry import load

pytestmark = pytest.mark.filterwarnings(builders.KERAS_SAVES)


class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def linear(*layers):
    return keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(3, name="dense")])


@pytest.fixture
def saved(tmp_path):
    model = linear()
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"small{suffix}")
    return model, tmp_path


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_loaded_model_answers_as_the_saved_one_did(saved, suffix):
    model, folder = saved
    x = np.array([[1.0, -2.0]], np.float32)
    subject = load(folder / f"small{suffix}")
    np.testing.assert_array_equal(subject.predict(x), model(x))
    assert subject.card is None


def test_the_card_beside_the_file_comes_along(saved):
    _, folder = saved
    card = Card(name="small", classes=("a", "b", "c"), preprocessing=Preprocessing("tf"))
    card.write(folder / "small.json")
    assert load(folder / "small.h5").card == card


def test_a_broken_card_is_said(saved):
    _, folder = saved
    (folder / "small.json").write_text("{")
    with pytest.raises(InvalidInputError, match=r"small\.json' cannot be read as JSON"):
        load(folder / "small.keras")


def test_load_is_reached_by_the_package_and_by_name(saved, monkeypatch):
    model, folder = saved
    monkeypatch.setenv("TFXAI_MODELS", str(folder))
    np.testing.assert_array_equal(tfxai.load("small").model.get_weights()[0], model.weights[0])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    "damage", [lambda b: b"", lambda b: b"no model" * 99, lambda b: b[: len(b) // 2]]
)
def test_a_file_that_is_no_whole_model_gives_one_sentence(saved, suffix, damage):
    _, folder = saved
    path = folder / f"small{suffix}"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelFileError, match="no model that Keras can load safely") as caught:
        load(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelFileError, match="no model that Keras can load safely") as caught:
        load(path, trust=True)
    assert caught.value.__cause__ is not None


def test_a_damaged_member_of_the_archive_is_found(saved):
    _, folder = saved
    path = folder / "small.keras"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["model.weights.h5"] = b"\0" * 200
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(ModelFileError):
        load(path)


def test_code_in_the_file_is_not_run(tmp_path):
    path = tmp_path / "lambda.keras"
    linear(keras.layers.Lambda(lambda x: x)).save(path)
    with pytest.raises(ModelFileError, match=r"[Ll]ambda"):
        load(path)


def test_a_class_of_ones_own_needs_custom_objects(tmp_path):
    path = tmp_path / "custom.keras"
    model = linear(Doubled())
    model.save(path)
    with pytest.raises(ModelFileError, match=r"'Doubled'.* pass it in custom_objects"):
        load(path)
    x = np.ones((1, 2), np.float32)
    subject = load(path, custom_objects={"Doubled": Doubled})
    np.testing.assert_array_equal(subject.predict(x), model(x))


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"no model file '.*gone\.keras'"):
        load(tmp_path / "gone.keras")


def in_form_of_keras2(model, path, change=lambda layer: None):
    """The file with its config as Keras 2 wrote it, each layer's config changed."""

    def visit(node):
        if isinstance(node, list):
            for one in node:
                visit(one)
        if not isinstance(node, dict):
            return
        for key in ("module", "registered_name", "build_config", "optional"):
            node.pop(key, None)
        if isinstance(node.get("dtype"), dict):
            node["dtype"] = node["dtype"]["config"]["name"]
        if "batch_shape" in node:
            node["batch_input_shape"] = node.pop("batch_shape")
        for one in list(node.values()):
            visit(one)
        if "class_name" in node:
            change(node)

    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        visit(config)
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.12.0"
    return path


def sets(name, **options):
    def change(layer):
        if layer["class_name"] == name:
            layer["config"].update(options)

    return change


def renames(old, new):
    def change(layer):
        if layer["class_name"] == old:
            layer["class_name"] = new

    return change


OLD = {
    "depthwise": (
        [(8, 8, 3), keras.layers.DepthwiseConv2D(3)],
        sets("DepthwiseConv2D", groups=1),
    ),
    "recurrent": (
        [(4, 3), keras.layers.Bidirectional(keras.layers.LSTM(2)), keras.layers.Dense(2)],
        sets("LSTM", time_major=False, implementation=2),
    ),
    "preprocessing": (
        [(8, 8, 3), keras.layers.Rescaling(1 / 255), keras.layers.RandomFlip()],
        renames("Rescaling", "experimental.preprocessing>Rescaling"),
    ),
    "embedding": (
        [(4,), keras.layers.Embedding(5, 2)],
        sets("Embedding", input_length=4, activity_regularizer=None),
    ),
}


@pytest.mark.parametrize("name", OLD)
def test_files_of_keras_2_answer_as_they_did(name, tmp_path):
    (shape, *layers), change = OLD[name]
    model = keras.Sequential([keras.Input(shape), *layers])
    path = in_form_of_keras2(model, tmp_path / "old.h5", change)
    x = np.random.default_rng(0).integers(0, 5, (2, *shape)).astype(np.float32)
    subject = load(path)
    np.testing.assert_array_equal(subject.predict(x), model(x, training=False))
    kinds = [type(layer) for layer in subject.model.layers]
    assert kinds == [type(layer) for layer in model.layers]
    subject.model.save(tmp_path / "new.keras")
    np.testing.assert_array_equal(
        load(tmp_path / "new.keras").predict(x), model(x, training=False)
    )


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_the_same_layers_of_keras_3_are_loaded_as_they_are(suffix, tmp_path):
    options = {"dilation_rate": 2, "depth_multiplier": 2}
    model = keras.Sequential([keras.Input((9, 9, 2)), keras.layers.DepthwiseConv2D(3, **options)])
    model.save(tmp_path / f"new{suffix}")
    x = np.random.default_rng(0).normal(size=(2, 9, 9, 2)).astype(np.float32)
    np.testing.assert_array_equal(load(tmp_path / f"new{suffix}").predict(x), model(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            sets("LSTM", time_major=True),
            r"it has LSTM layers with time_major=True.* Keras 3 does not",
        ),
        (renames("Dense", "TFOpLambda"), "it has TFOpLambda layers.* export it as a SavedModel"),
        (renames("Dense", "Mine"), "it uses 'Mine', which is not Keras' own.*custom_objects"),
    ],
)
def test_what_stands_in_the_way_of_a_file_of_keras_2_is_said(change, message, tmp_path):
    layers = [keras.Input((4, 3)), keras.layers.LSTM(2), keras.layers.Dense(2)]
    path = in_form_of_keras2(keras.Sequential(layers), tmp_path / "old.h5", change)
    with pytest.raises(ModelFileError, match=message):
        load(path)


def test_weights_alone_are_said_to_be_so(tmp_path):
    linear().save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(ModelFileError, match=r"weights alone.*load_weights\(path\)"):
        load(tmp_path / "a.weights.h5")


def with_lambda(folder):
    path = folder / "lambda.keras"
    linear(keras.layers.Lambda(lambda x: 2 * x)).save(path)
    return path


def test_refused_file_tells_all_that_was_found(tmp_path):
    with pytest.raises(
        UnsafeModelError, match=r"pass trust=True \(--trust\) only if you know who"
    ) as caught:
        load(with_lambda(tmp_path))
    assert caught.value.report.refused
    assert caught.value.report.path == tmp_path / "lambda.keras"


def test_trusted_file_is_loaded_and_that_is_logged(tmp_path, caplog):
    path = with_lambda(tmp_path)
    with caplog.at_level(logging.WARNING, "tfxai.registry"):
        subject = load(path, trust=True)
    assert "trust=True, in spite of" in caplog.text
    assert "lambda" in caplog.text.lower()
    assert subject.predict(np.ones((1, 2), np.float32)).shape == (1, 3)


def test_trust_in_an_honest_file_is_not_worth_a_word(saved, caplog):
    load(saved[1] / "small.keras", trust=True)
    assert not caplog.text


def test_attack_is_refused_before_keras_reads_a_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.saving, "load_model", lambda *a, **k: pytest.fail("it was loaded"))
    path = with_lambda(tmp_path)
    with pytest.raises(UnsafeModelError):
        load(path)


@keras.saving.register_keras_serializable("tests_of_loading")
class Registered(keras.layers.Layer):
    def call(self, x):
        return x + 1


def test_what_is_registered_with_keras_needs_no_custom_objects(tmp_path):
    model = linear(Registered())
    model.save(tmp_path / "own.keras")
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(load(tmp_path / "own.keras").predict(x), model(x))


def test_a_class_of_keras_hub_is_left_to_keras_which_imports_it(tmp_path):
    model = linear(keras.layers.Identity(name="own"))
    model.save(tmp_path / "whole.keras")
    with zipfile.ZipFile(tmp_path / "whole.keras") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    (own,) = [one for one in config["config"]["layers"] if one["config"]["name"] == "own"]
    own |= {"class_name": "Own", "registered_name": "keras_hub>Own"}
    own["module"] = "keras_hub.src.layers.own"
    with zipfile.ZipFile(tmp_path / "hub.keras", "w") as archive:
        for name, data in {**content, "config.json": json.dumps(config)}.items():
            archive.writestr(name, data)
    report = scan(tmp_path / "hub.keras")
    assert [one.what for one in report.at("warn")] == ["another package"]
    with pytest.raises(ModelFileError, match="keras_hub"):
        load(tmp_path / "hub.keras")
