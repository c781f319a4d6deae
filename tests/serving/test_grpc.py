"""A TensorFlow Serving over_grpc, asked over gRPC: `PredictionService` and `ModelService`."""

from __future__ import annotations

import concurrent.futures
import contextlib
import time

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.processes import loaded
from tests.serving.servers import b64, free_port, photograph, serving
from tfxai.errors import InvalidInputError
from tfxai.serving.limits import ServerLimits
from tfxai.serving.models.grpc_upstream import GrpcUpstream
from tfxai.serving.models.protos import read_tensor, write_tensor

VERSION = 4


class Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    """A SavedModel as a TensorFlow Serving answers for it, by TensorFlow's own functions."""

    def __init__(self, path):
        self.loaded = tf.saved_model.load(str(path))
        meta = tf.compat.v1.saved_model.loader.load
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            self.signatures = meta(session, ["serve"], str(path)).signature_def
        self.filters = []

    def _check(self, spec, context):
        if spec.name != "cifar10_cnn" or (
            spec.HasField("version") and spec.version.value != VERSION
        ):
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request")

    def GetModelMetadata(self, request, context):
        self._check(request.model_spec, context)
        defined = get_model_metadata_pb2.SignatureDefMap()
        for name, one in self.signatures.items():
            defined.signature_def[name].CopyFrom(one)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.name = request.model_spec.name
        answer.model_spec.version.value = VERSION
        answer.metadata["signature_def"].Pack(defined)
        return answer

    def Predict(self, request, context):
        self._check(request.model_spec, context)
        feeds = {k: tf.constant(tf.make_ndarray(v)) for k, v in request.inputs.items()}
        if "Input_Layer" in feeds and float(tf.reduce_max(feeds["Input_Layer"])) == 1.75:
            time.sleep(2)
        try:
            given = self.loaded.signatures[request.model_spec.signature_name](**feeds)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message[:200])
        self.filters.append(sorted(request.output_filter))
        answer = predict_pb2.PredictResponse()
        for name in request.output_filter or given:
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(given[name].numpy()))
        return answer


class Status(model_service_pb2_grpc.ModelServiceServicer):
    def GetModelStatus(self, request, context):
        if request.model_spec.name != "cifar10_cnn":
            context.abort(grpc.StatusCode.NOT_FOUND, "Could not find any versions of model")
        answer = get_model_status_pb2.GetModelStatusResponse()
        answer.model_version_status.add(version=VERSION, state=30)
        return answer


@pytest.fixture(scope="module")
def over_grpc(base):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    service = Predictions(base / "cifar10_cnn" / "1")
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Status(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}", service
    server.stop(None).wait()


@contextlib.contextmanager
def in_front_of(url, names=(), **limits):
    with (
        serving(GrpcUpstream(url, names), ServerLimits(**limits)) as address,
        httpx.Client(base_url=address, timeout=60, trust_env=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client(over_grpc):
    with in_front_of(over_grpc[0], ["cifar10_cnn"]) as client:
        yield client


@pytest.mark.parametrize("name", ["saliency", "grad_cam", "integrated_gradients", "occlusion"])
def test_answers_are_those_over_rest(client, server, name):
    body = {
        "instances": [b64(photograph())],
        "method": name,
        "outputs": ["attributions", "heatmap", "heatmap_png", "predictions"],
    }
    ours, theirs = (
        one.post("/v1/models/cifar10_cnn:explain", json=body).json() for one in (client, server)
    )
    assert (ours.pop("modelVersion"), theirs.pop("modelVersion")) == (str(VERSION), "1")
    (mine,), (other,) = (one.pop("explanations")[0]["attributions"] for one in (ours, theirs))
    for key in ("featureAttributions", "heatmap"):
        a, b = mine.pop(key), other.pop(key)
        a, b = (one["Input_Layer"] if key[0] == "f" else one for one in (a, b))
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6 * np.abs(b).max())
    assert mine.pop("heatmapPng") == other.pop("heatmapPng")
    for key in [key for key in mine if isinstance(mine[key], float)]:
        assert mine.pop(key) == pytest.approx(other.pop(key), abs=1e-5)
    assert mine == other
    np.testing.assert_allclose(ours.pop("predictions"), theirs.pop("predictions"), atol=1e-6)
    assert ours == theirs


def test_only_the_outputs_that_are_needed_are_asked_for(client, over_grpc):
    body = {"instances": [b64(photograph())], "method": "saliency", "outputs": ["heatmap_png"]}
    client.post("/v1/models/cifar10_cnn:explain", json=body)
    assert over_grpc[1].filters[-1] == ["heatmap_png_bytes", "score", "target"]


def test_the_other_routes_are_answered_too(client, server):
    assert client.get("/readyz").status_code == 200
    (state,) = client.get("/v1/models/cifar10_cnn").json()["model_version_status"]
    assert (state["version"], state["state"]) == (str(VERSION), "AVAILABLE")
    path = "/v1/models/cifar10_cnn/metadata"
    ours, theirs = (one.get(path).json()["metadata"] for one in (client, server))
    assert ours == theirs
    x = np.zeros((1, 32, 32, 3)).tolist()
    path = "/v1/models/cifar10_cnn:predict"
    ours, theirs = (
        one.post(path, json={"instances": x}).json()["predictions"] for one in (client, server)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_errors_keep_their_status(client):
    body = {"instances": [b64(photograph())], "method": "saliency"}
    assert client.post("/v1/models/none:explain", json=body).status_code == 404
    path = "/v1/models/cifar10_cnn/versions/9:explain"
    assert client.post(path, json=body).status_code == 404
    answer = client.post("/v1/models/cifar10_cnn:explain", json={**body, "target": 10})
    assert answer.status_code == 400
    assert "target was expected to be 0 to 9" in answer.json()["error"]


def test_down_and_slow():
    with in_front_of(f"grpc://127.0.0.1:{free_port()}", ["cifar10_cnn"]) as client:
        answer = client.post("/v1/models/cifar10_cnn:explain", json={"instances": [1]})
        assert answer.status_code == 503
        assert "cannot be reached" in answer.json()["error"]
        assert client.get("/readyz").status_code == 503


def test_late(over_grpc):
    with in_front_of(over_grpc[0], seconds=1.0) as client:
        x = np.full((1, 32, 32, 3), 1.75).tolist()
        body = {"instances": x, "method": "saliency"}
        assert client.post("/v1/models/cifar10_cnn:explain", json=body).status_code == 504


@pytest.mark.parametrize(
    "array",
    [
        np.float32([[1.5, -2], [np.inf, 0]]),
        np.float64([1e300]),
        np.int32([[3]]),
        np.int64([2**60]),
        np.uint8([255, 0]),
        np.array([True, False]),
        np.float16([0.5, 65504]),
        np.array([b"a", b"\x00\xff"], object),
        np.zeros((0, 3), np.float32),
        np.float32(3),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_are_written_and_read_as_tensorflow_does(array):
    proto = tf.make_tensor_proto(array).__class__()
    write_tensor(array, proto)
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)
    theirs = tf.make_tensor_proto(array)
    given = read_tensor(theirs)
    np.testing.assert_array_equal(given, array)
    assert given.shape == np.shape(array)


def test_one_value_may_stand_for_many_and_bfloat16_becomes_float32():
    same = tf.make_tensor_proto(7, shape=[2, 3], dtype=tf.float32)
    np.testing.assert_array_equal(read_tensor(same), np.full((2, 3), 7, np.float32))
    half = tf.make_tensor_proto(tf.constant([1.5, -3], tf.bfloat16).numpy())
    given = read_tensor(half)
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given, [1.5, -3])
    with pytest.raises(ValueError, match="a tensor of type"):
        read_tensor(tf.make_tensor_proto(np.complex64([1j])))


def test_the_messages_load_no_tensorflow_and_leave_the_way_to_it_open():
    code = """
import sys
from tfxai.serving.models.grpc_upstream import GrpcUpstream
models = GrpcUpstream("grpc://127.0.0.1:1", ["m"])
assert "cannot be reached" in models.waits_for()
assert not [name for name in sys.modules if name.split(".")[0] == "tensorflow"]
"""
    assert not {"tensorflow", "keras"} & set(loaded(code))
    after = code + "import tensorflow as tf\nassert int(tf.constant(3)) == 3\n"
    assert "tensorflow" in loaded(after)


@pytest.mark.parametrize("url", ["grpc://", "grpc://host", "grpc://:8500", "grpc://host:port"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(InvalidInputError, match="is no address of a server"):
        GrpcUpstream(url)
