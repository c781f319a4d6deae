"""What a load may take, counted while Keras makes the model."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests.builders import KERAS_SAVES
from tests.inspection.attacks import found, members, zipped
from tfxai.errors import ModelFileError, UnsafeModelError
from tfxai.inspection import Limits, scan
from tfxai.registry.bounds import bounded

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)
MIB = 1 << 20


class Table(layers.Layer):
    """Somebody's own layer, whose weights no scan can foresee."""

    def __init__(self, size=4, **options):
        super().__init__(**options)
        self.size = size

    def build(self, shape):
        self.table = self.add_weight(shape=(self.size, self.size), initializer="zeros")

    def call(self, x):
        return x + self.table[0, 0]

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def changed(model: keras.Model, path: Path, change) -> Path:
    """A saved model whose config asks for something else than its file holds."""
    model.save(path)
    content = members(path)
    config = json.loads(content["config.json"])
    change(config)
    zipped(path, {**content, "config.json": json.dumps(config).encode()})
    return path


def test_a_layer_of_any_kind_that_asks_for_too_much_is_stopped(tmp_path):
    model = keras.Sequential([keras.Input((3,)), Table(name="table")])

    def change(config):
        found(config, "table")["config"]["size"] = 1 << 20  # 4 TiB

    path = changed(model, tmp_path / "m.keras", change)
    with pytest.raises(ModelFileError, match=r"ask for more than 67,\d+,\d+ bytes of weights"):
        tfxai.load(path, custom_objects={"Table": Table})


def test_many_layers_within_the_bound_are_counted_together(tmp_path):
    kept = [layers.Dense(4, name=f"d{n}") for n in range(40)]
    model = keras.Sequential([keras.Input((4,)), *kept])

    def change(config):
        for one in kept:
            record = found(config, one.name)
            record["config"]["units"] = 1000  # a million weights each
            record["build_config"]["input_shape"] = [None, 1000]

    path = changed(model, tmp_path / "m.keras", change)
    (finding,) = scan(path).at("refuse")
    assert finding.what == "claims more than the file holds"
    assert scan(path, limits=Limits(unstored_bytes=200 * MIB)).level == "ok"
    with pytest.raises(UnsafeModelError, match="or more, and the file holds 800"):
        tfxai.load(path)


def test_widths_that_multiply_from_layer_to_layer_are_seen(tmp_path):
    """Without `build_config`, a kernel's other side is the width of the layer before it."""
    x = inputs = keras.Input((4,), name="in")
    for n in range(3):
        x = layers.Dense(4, name=f"d{n}")(x)
    model = keras.Model(inputs, x)

    def change(config):
        for n in range(3):
            record = found(config, f"d{n}")
            record.pop("build_config")
            record["config"]["units"] = 5000
            tensor = record["inbound_nodes"][0]["args"][0]["config"]
            tensor["shape"] = [None, 5000] if n else [None, 4]

    path = changed(model, tmp_path / "m.keras", change)
    assert [one.what for one in scan(path).at("refuse")] == ["claims more than the file holds"]


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_nothing_is_factorised_that_the_file_holds(tmp_path, monkeypatch, ending):
    dense = layers.Dense(6, kernel_initializer=keras.initializers.Orthogonal(gain=2.0))
    model = keras.Sequential([keras.Input((5, 3)), layers.LSTM(4), dense])
    model.save(tmp_path / f"m{ending}")
    monkeypatch.setattr(keras.ops, "qr", lambda *_: pytest.fail("it was factorised"))
    monkeypatch.setattr("keras.src.initializers.random_initializers.ops.qr", keras.ops.qr)
    loaded = tfxai.load(tmp_path / f"m{ending}").model
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_weight_that_no_file_gave_is_orthogonal_all_the_same():
    with bounded(None):
        layer = layers.Dense(5, kernel_initializer="orthogonal")
        layer.build((None, 5))
    kernel = np.asarray(layer.kernel)
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(5), atol=1e-5)


def test_nothing_is_bounded_outside(tmp_path):
    with bounded(100), pytest.raises(ModelFileError, match="more than 100 bytes"):
        layers.Dense(6).build((None, 5))
    layers.Dense(6).build((None, 5))


def test_limits_are_those_that_were_passed(tmp_path):
    keras.Sequential([keras.Input((3,)), layers.Dense(2)]).save(tmp_path / "m.keras")
    with pytest.raises(ModelFileError, match="more parts than any model needs"):
        tfxai.load(tmp_path / "m.keras", limits=Limits(objects=1))
