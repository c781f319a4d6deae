import zipfile

import h5py
import keras
import numpy as np
import pytest

from tfxai.card import Card, sha256_of
from tfxai.errors import DataNotFoundError, InvalidInputError, OutputError
from tfxai.models import save_model, save_twin
from tfxai.registry import ModelRegistry


@pytest.fixture
def trained():
    """A compiled model whose optimiser has made a step."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.train_on_batch(np.ones((2, 3)), np.array([0, 1]))
    return model


POINTS = np.random.default_rng(0).random((5, 3), np.float32)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_saved_model_gives_the_same_outputs(tmp_path, trained, suffix):
    path = tmp_path / "new" / f"a.{suffix}"
    save_model(trained, path)
    loaded = keras.models.load_model(path, safe_mode=True)
    np.testing.assert_array_equal(loaded(POINTS), trained(POINTS))
    assert [file.name for file in path.parent.iterdir()] == [f"a.{suffix}"]


def test_no_optimiser_is_saved(tmp_path, trained):
    save_model(trained, tmp_path / "a.keras")
    save_model(trained, tmp_path / "a.h5")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        archive.extract("model.weights.h5", tmp_path)
        assert b"adam" not in archive.read("config.json").lower()
    with h5py.File(tmp_path / "model.weights.h5") as weights:
        assert "optimizer" not in weights
    with h5py.File(tmp_path / "a.h5") as file:
        assert "optimizer_weights" not in file
        assert "training_config" not in file.attrs


def test_the_model_itself_is_left_alone(tmp_path, trained):
    before = [np.array(variable) for variable in trained.optimizer.variables]
    save_model(trained, tmp_path / "a.keras")
    for variable, value in zip(trained.optimizer.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_a_twin_has_the_same_weights_and_is_on_the_card(tmp_path, trained):
    path = tmp_path / "a.keras"
    save_model(trained, path)
    Card(name="a", accuracy=0.5, sha256={"a.keras": "old"}).write(tmp_path / "a.json")
    twin = save_twin(path)
    assert twin == tmp_path / "a.h5"
    np.testing.assert_array_equal(keras.models.load_model(twin)(POINTS), trained(POINTS))
    card = Card.read(tmp_path / "a.json")
    assert card.sha256 == {"a.keras": sha256_of(path), "a.h5": sha256_of(twin)}
    assert card.accuracy == 0.5


def test_a_twin_needs_no_card(tmp_path, trained):
    save_model(trained, tmp_path / "a.h5")
    save_twin(tmp_path / "a.h5", ".keras")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "a.keras"]


def test_what_cannot_be_saved_is_refused(tmp_path, trained):
    with pytest.raises(InvalidInputError, match=r"a.pb' does not name a model file"):
        save_model(trained, tmp_path / "a.pb")
    with pytest.raises(DataNotFoundError, match=r"There is no model"):
        save_twin(tmp_path / "a.keras")
    save_model(trained, tmp_path / "a.h5")
    with pytest.raises(InvalidInputError, match=r"Pass the other one"):
        save_twin(tmp_path / "a.h5")
    with pytest.raises(OutputError, match=r"Cannot write"):
        save_model(trained, tmp_path / "a.h5" / "b.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def loose(where):
    """A model of which a sum is no layer: at its top, or in a model inside of it."""
    inputs = keras.Input((3,))
    part = keras.Model(inputs, keras.layers.Dense(2)(inputs) + 1.0)
    if where == "nested":
        return keras.Sequential([keras.Input((3,)), part])
    if where == "wrapped":
        rows = keras.layers.Reshape((1, 3))(inputs)
        return keras.Model(inputs, keras.layers.TimeDistributed(part)(rows))
    return part


@pytest.mark.parametrize("where", ["top", "nested", "wrapped"])
def test_what_keras_would_not_read_back_from_h5_is_not_written_to_it(tmp_path, where):
    model = loose(where)
    with pytest.raises(InvalidInputError, match=r"Add outside of its layers.*Save it as \.keras"):
        save_model(model, tmp_path / "a.h5")
    with pytest.raises(InvalidInputError, match="outside of its layers"):
        ModelRegistry(tmp_path / "kept").save(model, "a", format="h5")
    save_model(model, tmp_path / "a.keras")
    with pytest.raises(InvalidInputError, match="outside of its layers"):
        save_twin(tmp_path / "a.keras")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.keras", "kept"]
    loaded = keras.models.load_model(tmp_path / "a.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(POINTS), model(POINTS))
