"""gRPC in front: asked with TensorFlow Serving's own messages, and by the sidecar itself."""

from __future__ import annotations

import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.serving.grpc_clients import Client, front, refused
from tests.serving.servers import PATIENCE, pixels, until
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import protos
from tfxai.serving.models.grpc_upstream import GrpcUpstream
from tfxai.serving.models.upstream import Upstream
from tfxai.serving.models.versions import VersionFolder

TOKEN = "secret"


CODE = grpc.StatusCode


@pytest.fixture
def x():
    return np.random.default_rng(0).random((2, 32, 32, 3), np.float32)


def test_predict_is_that_of_tensorflow_serving(grpc_client):
    spec, outputs = grpc_client.predict("documented", {"x": np.float32([1, 2, 5])})
    assert (spec.name, spec.version.value, spec.signature_name) == (
        *("documented", 123),
        "serving_default",
    )
    np.testing.assert_array_equal(outputs["y"], np.float32([2.5, 3.0, 4.5]))
    feeds = {
        "tag": [b"foo", b"\xff"],
        "signal": np.int64([[1, 2, 3, 4, 5], [3, 4, 1, 2, 2**40]]),
        "sensor": np.float32([[[1, 2], [3, 4]], [[4, 5], [6, 8]]]),
    }
    _, outputs = grpc_client.predict("documented", feeds, "several", 123, ["tag_bytes", "sum"])
    assert outputs["sum"].tolist() == [15, 10 + 2**40]
    assert outputs["tag_bytes"].tolist() == [b"<foo>", b"<\xff>"]
    assert set(outputs) == {"tag_bytes", "sum"}


def test_metadata_and_states_are_those_of_tensorflow_serving(grpc_client, base):
    spec, signatures = grpc_client.metadata("documented")
    assert (spec.name, spec.version.value) == ("documented", 123)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(
            session, ["serve"], str(base / "documented" / "00000123")
        )
    for name, one in meta.signature_def.items():
        assert signatures[name].inputs == one.inputs
        assert signatures[name].outputs == one.outputs
        assert signatures[name].method_name == one.method_name
    (state,) = grpc_client.status("documented")
    assert (state.version, state.state, state.status.error_code) == (123, 30, 0)


def test_a_signature_that_explains_gives_what_explain_gives(grpc_client, server, x):
    feeds = {"Input_Layer": x, "target": np.int32([3, -1])}
    outputs = ["attributions", "heatmap_png_bytes", "target", "score"]
    _, given = grpc_client.predict(
        "cifar10_cnn", feeds, "explain_integrated_gradients", None, outputs
    )
    question = {
        "instances": x.tolist(),
        "method": "integrated_gradients",
        "target": [3, -1],
    }
    answer = server.post("/v1/models/cifar10_cnn:explain", json=question).json()
    for i, one in enumerate(answer["explanations"]):
        (told,) = one["attributions"]
        values = np.array(told["featureAttributions"]["Input_Layer"], np.float32)
        np.testing.assert_allclose(given["attributions"][i], values, rtol=1e-5, atol=1e-6)
        assert [given["target"][i]] == told["outputIndex"]
        np.testing.assert_allclose(given["score"][i], told["instanceOutputValue"], rtol=1e-6)
        assert pixels(given["heatmap_png_bytes"][i]).shape == (32, 32, 3)


ONE = np.float32([1])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("none", {"x": ONE}), CODE.NOT_FOUND, "Servable not found for request: Latest(none)"),
        (("documented", {"x": ONE}, "", 9), CODE.NOT_FOUND, "Specific(documented, 9)"),
        (("documented", {"x": ONE}, "", -9), CODE.INVALID_ARGUMENT, "The version -9 is none"),
        (("", {"x": ONE}), CODE.INVALID_ARGUMENT, "Missing ModelSpec"),
        (
            ("documented", {"x": ONE}, "none"),
            CODE.FAILED_PRECONDITION,
            'Serving signature key "none" not found.',
        ),
        (
            ("documented", {"x": ONE}, "__saved_model_init_op"),
            CODE.FAILED_PRECONDITION,
            "not found",
        ),
        (
            ("pair", {"left": ONE, "up": ONE, "down": ONE}),
            CODE.INVALID_ARGUMENT,
            "3!=2 len({down,left,up}) != len({left,right}). Sent extra: {down,up}. Missing but "
            "required: {right}.",
        ),
        (("documented", {"x": np.int32([1])}), CODE.INVALID_ARGUMENT, "int32, and float32 is"),
        (("documented", {"x": np.float32([[1]])}), CODE.INVALID_ARGUMENT, "the shape [1, 1]"),
        (
            ("documented", {"x": ONE}, "", None, ["z"]),
            CODE.INVALID_ARGUMENT,
            "output tensor alias not found in signature: z",
        ),
        (
            ("documented", {"x": ONE}, "", None, ["y", "y"]),
            CODE.INVALID_ARGUMENT,
            "duplicate output tensor alias: y",
        ),
        (
            (
                "cifar10_cnn",
                {"Input_Layer": np.zeros((65, 32, 32, 3), "f"), "target": [3] * 65},
                "explain_saliency",
            ),
            CODE.RESOURCE_EXHAUSTED,
            "Instances: 65",
        ),
        (
            (
                "cifar10_cnn",
                {"Input_Layer": np.zeros((1, 32, 32, 3), "f"), "target": np.int32([99])},
                "explain_saliency",
            ),
            CODE.INVALID_ARGUMENT,
            "target",
        ),
    ],
)
def test_what_cannot_be_predicted(grpc_client, arguments, code, said):
    with refused(code, said):
        grpc_client.predict(*arguments)


def test_metadata_is_of_signatures_alone(grpc_client):
    with refused(CODE.INVALID_ARGUMENT, "must specify at least one metadata_field"):
        grpc_client.metadata("pair", fields=())
    with refused(CODE.INVALID_ARGUMENT, "Metadata field else is not supported"):
        grpc_client.metadata("pair", fields=["else"])
    with refused(CODE.NOT_FOUND, "Could not find any versions of model none"):
        grpc_client.status("none")


def hostile(client, *, shape, content=b"", numbers=(), kind=1):
    """A prediction whose tensor is no tensor."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "documented"
    proto = request.inputs["x"]
    proto.dtype, proto.tensor_content = kind, content
    proto.float_val.extend(numbers)
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    stub = prediction_service_pb2_grpc.PredictionServiceStub(client.channel)
    return stub.Predict(request, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        ({"shape": [2**40], "numbers": [1]}, "a tensor of the shape"),
        ({"shape": [-1], "numbers": [1]}, "a tensor of the shape"),
        ({"shape": [3], "content": b"1234"}, "Input 'x' is none"),
        ({"shape": [1], "content": b"123"}, "Input 'x' is none"),
        ({"shape": [1], "kind": 8}, "of type 8, and float32 is expected"),
        ({"shape": [1] * 300, "numbers": [1]}, "has the shape"),
    ],
)
def test_a_tensor_that_is_none_is_refused(grpc_client, tensor, said):
    with refused(CODE.INVALID_ARGUMENT, said):
        hostile(grpc_client, **tensor)


def test_one_number_may_stand_for_all(grpc_client):
    answer = hostile(grpc_client, shape=[3], numbers=[4])
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["y"]), np.float32([4, 4, 4]))


def raw(client, path, messages, **options):
    """What a call of bytes gives."""
    call = client.channel.stream_unary(path, request_serializer=None, response_deserializer=None)
    return call(iter(messages), timeout=PATIENCE, **options)


PREDICT = "/tensorflow.serving.PredictionService/Predict"


def test_what_is_no_message_is_refused(grpc_client):
    with refused(CODE.INVALID_ARGUMENT, "is no tensorflow.serving.PredictRequest"):
        raw(grpc_client, PREDICT, [b"\xff\xff"])
    with refused(CODE.INVALID_ARGUMENT, "One message was expected"):
        raw(grpc_client, PREDICT, [])
    with refused(CODE.UNIMPLEMENTED, ""):
        raw(grpc_client, "/tensorflow.serving.PredictionService/Classify", [b""])
    with refused(CODE.UNIMPLEMENTED, "disabled"):  # 16 MB of zeros are 16 kB, compressed
        raw(grpc_client, PREDICT, [bytes(2**20)], compression=grpc.Compression.Gzip)


def test_a_large_message_is_refused(grpc_client):
    with refused(CODE.RESOURCE_EXHAUSTED, "larger than max"):
        raw(grpc_client, PREDICT, [bytes(17 * 2**20)])


def test_a_client_that_sends_nothing_is_answered_in_time(base):
    with front(VersionFolder(base), ServerLimits(receive=0.3)) as (address, _):
        client, goes_on = Client(address), threading.Event()

        def silence():
            goes_on.wait(PATIENCE)
            yield b""

        call = client.channel.stream_unary(PREDICT)
        with refused(CODE.DEADLINE_EXCEEDED, "did not come within 0.3 s"):
            call(silence(), timeout=PATIENCE)
        goes_on.set()
        client.channel.close()


def test_slow_clients_give_way_to_others(base):
    limits = ServerLimits(body=2**20, bodies=2**21)  # two at a time are read
    with front(VersionFolder(base), limits) as (address, _):
        clients = [Client(address) for _ in range(5)]
        goes_on = threading.Event()

        def silence():
            goes_on.wait(PATIENCE)
            yield b""

        calls = [one.channel.stream_unary(PREDICT) for one in clients]
        slow = [call.future(silence(), timeout=PATIENCE) for call in calls]
        for _ in range(3):
            _, outputs = clients[0].predict("documented", {"x": ONE})
            assert outputs["y"] == [2.5]
        until(lambda: sum(one.done() for one in slow) >= 3)
        gone = [one.code() for one in slow if one.done()]
        assert set(gone) == {CODE.UNAVAILABLE}
        goes_on.set()
        for one in clients:
            one.channel.close()


def test_the_token_is_wanted_before_anything_is_read(base):
    with front(VersionFolder(base), token=TOKEN) as (address, _):
        client = Client(address)
        for said in (None, "Bearer wrong", TOKEN, "Basic secret", "Bearer ", "Bearer secret2"):
            metadata = None if said is None else [("authorization", said)]
            with refused(CODE.UNAUTHENTICATED, "authorization: Bearer TOKEN"):
                client.predict("documented", {"x": ONE}, metadata=metadata)
        metadata = [("authorization", f"Bearer {TOKEN}")]
        _, outputs = client.predict("documented", {"x": ONE}, metadata=metadata)
        assert outputs["y"] == [2.5]
        goes_on = threading.Event()

        def silence():
            goes_on.wait(PATIENCE)
            yield b""

        began = time.monotonic()
        with refused(CODE.UNAUTHENTICATED, "token"):
            client.channel.stream_unary(PREDICT)(silence(), timeout=PATIENCE)
        assert time.monotonic() - began < PATIENCE / 2  # at once, not when the message is there
        goes_on.set()
        assert client.ask(protos.INFERENCE, "ServerLive").live  # as /healthz is
        with refused(CODE.UNAUTHENTICATED, "token"):
            client.ask(protos.INFERENCE, "ModelReady", name="pair")
        client.channel.close()


def test_it_counts_and_logs_as_http_does(grpc_client, addresses):
    import httpx

    grpc_client.predict("documented", {"x": ONE})
    text = httpx.get(f"{addresses[1]}/metrics", trust_env=False).text
    assert 'tfxai_requests_total{route="grpc:v1:Predict",status="200"}' in text


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_a_sidecar_may_stand_in_front_of_it(addresses, x, scheme):
    models = (
        GrpcUpstream(f"grpc://{addresses[0]}", ["cifar10_cnn"])
        if scheme == "grpc"
        else Upstream(addresses[1], ["cifar10_cnn"])
    )
    with front(models) as (address, _):
        near, far = Client(address), Client(addresses[0])
        feeds = {"Input_Layer": x, "target": np.int32([3, -1])}
        for outputs in (["attributions", "score"], ()):
            given = [
                one.predict("cifar10_cnn", feeds, "explain_saliency", None, outputs)
                for one in (near, far)
            ]
            assert given[0][0] == given[1][0]
            assert set(given[0][1]) == set(given[1][1])
            for key in outputs:
                np.testing.assert_allclose(given[0][1][key], given[1][1][key], rtol=1e-6)
        with refused(CODE.NOT_FOUND, "Servable not found for request: Latest(none)"):
            near.predict("none", {"x": ONE})
        for one in (near, far):
            one.channel.close()
