"""Honest files of many kinds are let through, and load as what was saved."""

from __future__ import annotations

import io
import json
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxai
from tests.builders import KERAS_SAVES
from tests.inspection import kinds
from tests.inspection.attacks import members, zipped
from tests.inspection.honest import save
from tfxai.inspection import inspect, scan

pytestmark = [
    pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`"),
    pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method"),
    pytest.mark.filterwarnings(KERAS_SAVES),
]
CASES = [(name, ".keras") for name in kinds.KINDS]
CASES += [(name, ".h5") for name in kinds.KINDS if name not in kinds.NOT_IN_H5]


def example(tensor: Any) -> tf.Tensor:
    """Two rows of what an input takes."""
    shape = [2, *(size or 6 for size in tensor.shape[1:])]
    rng = np.random.default_rng(0)
    if tensor.dtype == "string":
        return tf.constant(rng.choice(["a", "b", "z"], shape))
    if "int" in tensor.dtype:
        return tf.constant(rng.integers(0, 4, shape), tensor.dtype)
    return tf.constant(rng.normal(size=shape), "float32")


def answers(model: keras.Model, given: Any) -> list[Any]:
    return [np.asarray(one) for one in tf.nest.flatten(model(given, training=False))]


def test_there_are_many_kinds():
    assert len(kinds.KINDS) >= 50


@pytest.mark.parametrize(("name", "ending"), CASES, ids=lambda part: part)
def test_a_kind_of_model_raises_no_alarm_and_answers_as_it_did(name, ending, tmp_path):
    model = kinds.KINDS[name]()
    path = save(model, tmp_path / f"model{ending}")
    if name in kinds.OWN:
        assert {one.what for one in scan(path).findings if one.level != "ok"} == {"custom object"}
    report = scan(path, custom_objects=kinds.SUPPLIED if name in kinds.OWN else ())
    assert report.level == "ok", report.findings
    loaded = tfxai.load(path, custom_objects=kinds.SUPPLIED).model
    assert not loaded.compiled
    inputs = getattr(model, "inputs", None) or [keras.KerasTensor((None, *kinds.ROW))]
    given = tf.nest.map_structure(example, getattr(model, "input", inputs[0]))
    for found, expected in zip(answers(loaded, given), answers(model, given), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_a_vocabulary_of_half_a_million_words_is_let_through(tmp_path):
    path = save(kinds.KINDS["words_counted"](), tmp_path / "model.keras")
    content = members(path)
    config = json.loads(content["config.json"])
    layer = next(
        one for one in config["config"]["layers"] if one["class_name"] == "TextVectorization"
    )
    layer["config"]["vocabulary"] = [f"word{n}" for n in range(500_000)]
    zipped(path, {**content, "config.json": json.dumps(config).encode()})
    assert scan(path).level == "ok", scan(path).findings


def test_a_text_bomb_is_still_out_of_bounds(tmp_path):
    path = save(kinds.KINDS["dense"](), tmp_path / "model.keras")
    content = members(path)
    config = json.loads(content["config.json"]) | {"words": ["a"] * 2_100_000}
    zipped(path, {**content, "config.json": json.dumps(config).encode()})
    assert [one.what for one in scan(path).at("refuse")] == ["JSON out of bounds"]


@pytest.mark.parametrize(("columns", "level"), [(64, "ok"), (8, "refuse")])
def test_weights_of_four_bits_lie_two_in_a_byte(tmp_path, columns, level):
    model = keras.Sequential([keras.Input((5,), dtype="int32"), keras.layers.Embedding(8, 4)])
    content = members(save(model, tmp_path / "small.keras"))
    config = json.loads(content["config.json"])
    config["config"]["layers"][-1]["config"] |= {"input_dim": 500_000, "output_dim": 128}
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["layers/embedding/vars/0"] = np.ones((500_000, columns), np.int8)
    large = {"config.json": json.dumps(config).encode(), "model.weights.h5": stream.getvalue()}
    zipped(tmp_path / "large.keras", {**content, **large})
    assert scan(tmp_path / "large.keras").level == level


@pytest.mark.parametrize("name", ["trained_as_own_metrics", "trained_as_lambda_loss"])
def test_training_of_ones_own_is_a_remark(name, tmp_path):
    path = save(kinds.KINDS[name](), tmp_path / "model.keras")
    report = scan(path)
    (remark,) = [one for one in report.findings if one.what == "training"]
    assert remark.level == "ok"
    assert "not Keras' own. Nothing of the training is loaded" in remark.why
    assert inspect(path).custom_objects == ()
