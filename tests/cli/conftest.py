"""Small models in a folder of their own, and a way to run commands."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from typer.testing import CliRunner

from tests.builders import KERAS_SAVES
from tests.cli.own_layers_in_files import OWN_LAYER, save_as_own
from tests.text.readers import TABLE
from tfxai.card import Card
from tfxai.cli.app import app
from tfxai.data.cifar10 import CLASSES
from tfxai.data.preprocessing import Preprocessing


def convolutional(shape=(32, 32, 3), units=10, activation="softmax"):
    """A classifier of images with one convolution, called as in the three-block CNN."""
    x = image = keras.Input(shape)
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="Conv2D_Block3_Layer1")(x)
    x = layers.MaxPooling2D(8, name="MaxPool")(x)
    x = layers.Flatten(name="Flatten")(x)
    return keras.Model(image, layers.Dense(units, activation=activation, name="Output_Layer")(x))


def any_size():
    """A classifier of images of any size."""
    x = image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(x))
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


def by_colour():
    """A classifier whose outputs are the mean red, green and blue of an image."""
    image = keras.Input((32, 32, 3))
    return keras.Model(image, layers.GlobalAveragePooling2D()(image))


def by_dense_colour():
    """The same with a softmax behind a dense layer that leaves the three as they are."""
    image = keras.Input((32, 32, 3))
    dense = layers.Dense(3, activation="softmax", kernel_initializer="identity")
    return keras.Model(image, dense(layers.GlobalAveragePooling2D()(image)))


def autoencoder():
    """Images to images: no classifier."""
    image = keras.Input((32, 32, 3))
    return keras.Model(image, layers.Conv2D(3, 3, padding="same")(image))


def table_model():
    """A classifier of rows of a table: no images."""
    return keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])


def columns_model():
    """A binary classifier with one input for each column of a table, of three types."""
    age = keras.Input((1,), name="age", dtype="int64")
    hours = keras.Input((1,), name="hours")
    code = keras.Input((1,), name="code", dtype="string")
    lookup = layers.StringLookup(vocabulary=["01234", "NA"], output_mode="one_hot")
    x = keras.ops.cast(age, "float32") / 50 + hours / 40
    x = layers.concatenate([x, lookup(code)])
    return keras.Model([age, hours, code], layers.Dense(1, activation="sigmoid")(x))


def two_outputs():
    """Two answers for one image."""
    model = convolutional()
    return keras.Model(model.input, [model.output, model.output])


def broken():
    """A classifier whose weights are NaN."""
    model = convolutional()
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    return model


def steep():
    """A classifier whose gradient is infinite at a black pixel."""
    x = image = keras.Input((32, 32, 3))
    x = layers.Flatten()(keras.ops.sqrt(x))
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """A folder of models; `tiny` has a card with CIFAR-10's classes, the others have none."""
    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(3)
    tiny = convolutional()
    made = {
        "tiny": tiny,
        "bare": tiny,
        "grey": convolutional((16, 24, 1)),
        "binary": convolutional(units=1, activation="sigmoid"),
        "scores": convolutional(units=3, activation=None),
        "any_size": any_size(),
        "by_colour": by_colour(),
        "by_dense_colour": by_dense_colour(),
        "regression": convolutional(units=1, activation=None),
        "autoencoder": autoencoder(),
        "table": table_model(),
        "columns": columns_model(),
        "two_outputs": two_outputs(),
        "broken": broken(),
        "steep": steep(),
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", KERAS_SAVES.split(":")[1], DeprecationWarning)
        for name, model in made.items():
            model.save(folder / f"{name}.keras")
    unit = Preprocessing("unit")
    Card(name="tiny", classes=CLASSES, input_shape=(32, 32, 3), preprocessing=unit).write(
        folder / "tiny.json"
    )
    twice_green = Preprocessing("standardise", (0.0, 0.0, 0.0), (1.0, 0.5, 1.0))
    for name in ("by_colour", "by_dense_colour"):
        card = Card(name=name, classes=("Red", "Green", "Blue"), preprocessing=twice_green)
        card.write(folder / f"{name}.json")
    Card(name="broken", preprocessing=unit).write(folder / "broken.json")
    return folder


@pytest.fixture(autouse=True)
def place(models, tmp_path, monkeypatch) -> Path:
    """Every test works in an empty folder and knows the models by name."""
    monkeypatch.setenv("TFXAI_MODELS", str(models))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run():
    """Runs a command line in this process."""

    def run(*words: Any):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


@pytest.fixture
def fails(run):
    """Runs a command line that must end with one sentence and nothing else, and returns that."""

    def fails(*words: Any) -> str:
        before = sorted(Path().rglob("*"))
        done = run(*words)
        assert isinstance(done.exception, SystemExit), done.exception
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.startswith("Error: ")
        assert done.stderr.count("\n") == 1, done.stderr
        assert sorted(Path().rglob("*")) == before, "a file was left behind"
        return done.stderr.removeprefix("Error: ").rstrip()

    return fails


@pytest.fixture
def own(place, monkeypatch):
    """Two models with layers of a module in the current folder, and its name."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (place / "own_layers.py").write_text(OWN_LAYER)
    save_as_own("own.keras", {"Doubled": "own>Doubled"})
    save_as_own("plain.keras", {"Doubled": "own>Doubled", "Plain": "Plain"})
    yield "own_layers"
    sys.modules.pop("own_layers", None)
    keras.saving.get_custom_objects().pop("own>Doubled", None)


@pytest.fixture
def reader(place):
    """Class 1 has the sum of one number for each word, class 0 what is left to zero."""
    text = keras.Input((1,), dtype="string", name="text")
    words = ["good", "bad", "film"]
    ids = keras.layers.TextVectorization(vocabulary=words, output_sequence_length=4)(text)
    vectors, dense = keras.layers.Embedding(5, 1), keras.layers.Dense(2)
    model = keras.Model(text, dense(keras.layers.Flatten()(vectors(ids))))
    vectors.set_weights([TABLE])
    dense.set_weights([np.array([[-1.0, 1.0]] * 4), np.zeros(2)])
    model.save(place / "reader.keras")
    return "reader.keras"
