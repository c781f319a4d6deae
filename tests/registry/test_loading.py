import zipfile

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tfxai.card import Card
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import DataNotFoundError, InvalidInputError, ModelFileError
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
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


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
    with pytest.raises(ModelFileError, match=r"class 'Doubled', which is not Keras' own"):
        load(path)
    x = np.ones((1, 2), np.float32)
    subject = load(path, custom_objects={"Doubled": Doubled})
    np.testing.assert_array_equal(subject.predict(x), model(x))


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"no model file '.*gone\.keras'"):
        load(tmp_path / "gone.keras")
