"""The record and the warm-up requests that lie beside the graphs."""

import hashlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tests import builders
from tests.export.serving import ig
from tfxai import Card, GradCAM, Subject
from tfxai.data.preprocessing import Preprocessing
from tfxai.digests import fingerprint
from tfxai.export import save
from tfxai.export.probes import read_cases
from tfxai.export.protos import prediction_log, read_prediction_log

CARD = Card(name="small", classes=("a", "b", "c"), preprocessing=Preprocessing("tf"))  # -1 to 1
EXTRA = "assets.extra"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    subject = Subject(builders.functional(), CARD)
    methods = {"ig": ig(baseline=builders.images(1)[0]), "cam": GradCAM()}
    return subject, save(subject, tmp_path_factory.mktemp("base") / "small" / "4", methods)


def test_the_record_says_what_the_graph_takes_and_gives(exported):
    subject, path = exported
    content = json.loads((path / EXTRA / "tfxai_explain.json").read_text())
    assert content["schema"] == 1
    assert (content["model"], content["card"]) == ("small", "small")
    assert content["class_names"] == ["a", "b", "c"]
    assert content["input_range"] == [-1.0, 1.0]
    assert content["preprocessing"] == {"name": "tf"}
    loaded = tf.saved_model.load(str(path))
    assert set(loaded.signatures) == {*content["signatures"], "serving_default", "describe"}
    for name, one in content["signatures"].items():
        function = loaded.signatures[name]
        for side, specs in (
            ("inputs", function.structured_input_signature[1]),
            ("outputs", function.structured_outputs),
        ):
            said = {end["name"]: (end["shape"], end["dtype"]) for end in one[side]}
            assert said == {k: (s.shape.as_list(), s.dtype.name) for k, s in specs.items()}
    cam, ig_of = (content["signatures"][f"explain_{name}"] for name in ("cam", "ig"))
    assert cam["layers"] == ["conv2"]
    assert cam["method"] == {"name": "grad_cam", "options": {"layer": "conv2", "reshape": None}}
    assert (cam["score"], cam["targets"]) == ("logit", [3])
    assert cam["heatmaps"]["attributions"]["range"] == [0, 1]
    assert ig_of["heatmaps"]["attributions"]["range"] == [-1, 1]
    assert ig_of["method"]["options"]["baseline"]["shape"] == list(builders.IMAGE)
    assert len(ig_of["method"]["options"]["baseline"]["sha256"]) == 64
    assert content["fingerprint"] == fingerprint(subject.model)


def test_the_fingerprint_is_of_the_weights():
    model = builders.linear([[1.0], [2.0]])
    before = fingerprint(model)
    digest = hashlib.sha256()
    for variable in model.variables:
        array = variable.value.numpy()
        digest.update(f"{variable.path}\0float64\0{array.shape}\0".encode() + array.tobytes())
    assert before == digest.hexdigest()
    model.set_weights([np.array([[1.0], [2.5]]), np.zeros(1)])
    assert fingerprint(model) != before


def test_the_fingerprint_is_the_same_wherever_the_model_is_loaded():
    x = keras.Input((3,))
    model = keras.Model(x, keras.layers.Dropout(0.5)(keras.layers.Dense(2)(x)))
    before = fingerprint(model)
    (seed,) = [one for one in model.variables if "seed" in one.path]
    seed.assign([7, 8])  # another process draws another one
    assert fingerprint(model) == before


def messages():
    """The classes of TensorFlow Serving's messages, as far as a warm-up needs them."""
    fields = {
        "ModelSpec": [("name", 1, "string"), ("signature_name", 3, "string")],
        "InputsEntry": [("key", 1, "string"), ("value", 2, ".tensorflow.TensorProto")],
        "PredictRequest": [("model_spec", 1, ".t.ModelSpec"), ("inputs", 2, "*.t.InputsEntry")],
        "PredictLog": [("request", 1, ".t.PredictRequest")],
        "PredictionLog": [("predict_log", 6, ".t.PredictLog")],
    }
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t", syntax="proto3")
    file.dependency.append("tensorflow/core/framework/tensor.proto")
    for name, parts in fields.items():
        made = file.message_type.add(name=name)
        for word, number, kind in parts:
            field = made.field.add(name=word, number=number, label=3 if kind[0] == "*" else 1)
            field.type = 9 if kind == "string" else 11
            if field.type == 11:
                field.type_name = kind.lstrip("*")
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.PredictionLog"))


def test_a_request_of_each_signature_warms_a_server_up(exported):
    _, path = exported
    kind = messages()
    records = [
        record.numpy()
        for record in tf.data.TFRecordDataset(str(path / EXTRA / "tf_serving_warmup_requests"))
    ]
    cases = read_cases(path / EXTRA / "tfxai_check.npz")
    assert len(records) == len(cases) == 4
    for record, (name, (feeds, _)) in zip(records, cases.items(), strict=True):
        log = kind.FromString(record)
        assert log.predict_log.request.model_spec.name == "small"
        assert log.predict_log.request.model_spec.signature_name == name
        entries = {one.key: tf.make_ndarray(one.value) for one in log.predict_log.request.inputs}
        assert set(entries) == set(feeds)
        for key, array in entries.items():
            np.testing.assert_array_equal(array, feeds[key][:1])
        again, read = read_prediction_log(record)
        assert again == name
        assert {key: array.tolist() for key, array in read.items()} == {
            key: array.tolist() for key, array in entries.items()
        }


def test_requests_of_text_and_of_many_bytes_are_read_back():
    feeds = {"text": np.array([[b"caf\xc3\xa9"]], object), "x": np.arange(999.0)[None]}
    name, read = read_prediction_log(prediction_log("m" * 300, "explain_a", feeds))
    assert name == "explain_a"
    assert read["text"].tolist() == [[b"caf\xc3\xa9"]]
    np.testing.assert_array_equal(read["x"], feeds["x"])


def test_tensorflow_servings_own_classes_read_the_same():
    api = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    log = api.PredictionLog.FromString(prediction_log("m", "s", {"x": np.ones((1, 2), "f4")}))
    request = log.predict_log.request
    assert (request.model_spec.name, request.model_spec.signature_name) == ("m", "s")
    assert tf.make_ndarray(request.inputs["x"]).tolist() == [[1.0, 1.0]]
