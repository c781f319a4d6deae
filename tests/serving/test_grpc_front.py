"""gRPC in front: asked with TensorFlow Serving's own messages, and by the sidecar itself."""

from __future__ import annotations

import contextlib
import threading
import time

import grpc
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

from tests.serving import test_clients
from tests.serving.servers import PATIENCE, free_port, pixels, serving, until
from tfxai.serving.limits import Limits
from tfxai.serving.messages import protos
from tfxai.serving.models.grpc_upstream import GrpcUpstream
from tfxai.serving.models.upstream import Upstream
from tfxai.serving.models.versions import VersionFolder

TOKEN = "secret"


@contextlib.contextmanager
def front(models, limits=None, **options):
    """The gRPC address of a server, and its HTTP one."""
    port = free_port()
    with serving(models, limits, grpc_at=("127.0.0.1", port), **options) as url:
        until(lambda: models.waits_for() is None)
        if isinstance(models, VersionFolder):
            until(lambda: set(models.names()) >= {"cifar10_cnn", "documented", "pair"})
        yield f"127.0.0.1:{port}", url


class Client:
    """TensorFlow Serving's client, made of the classes that its package brings."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(
            address, options=[("grpc.max_receive_message_length", -1)]
        )
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def predict(self, name, feeds, signature="", version=None, outputs=(), **options):
        request = predict_pb2.PredictRequest(output_filter=outputs)
        _spec(request.model_spec, name, version)
        request.model_spec.signature_name = signature
        for key, value in feeds.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        answer = self._predictions.Predict(request, timeout=PATIENCE, **options)
        return answer.model_spec, {k: tf.make_ndarray(v) for k, v in answer.outputs.items()}

    def metadata(self, name, version=None, fields=("signature_def",)):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        _spec(request.model_spec, name, version)
        answer = self._predictions.GetModelMetadata(request, timeout=PATIENCE)
        defined = get_model_metadata_pb2.SignatureDefMap()
        assert answer.metadata["signature_def"].Unpack(defined)
        return answer.model_spec, dict(defined.signature_def)

    def status(self, name, version=None):
        request = get_model_status_pb2.GetModelStatusRequest()
        _spec(request.model_spec, name, version)
        return list(self._models.GetModelStatus(request, timeout=PATIENCE).model_version_status)

    def ask(self, service, method, **fields):
        """An answer of a service by our own messages."""
        one = protos.methods(service)[method]
        call = self.channel.unary_unary(
            one.path,
            request_serializer=one.request.SerializeToString,
            response_deserializer=one.response.FromString,
        )
        return call(one.request(**fields), timeout=PATIENCE)


def _spec(spec, name, version):
    spec.name = name
    if version is not None:
        spec.version.value = version


@contextlib.contextmanager
def refused(code, said):
    """Expects an error of gRPC."""
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert (caught.value.code(), said in caught.value.details()) == (code, True), caught.value


CODE = grpc.StatusCode


@pytest.fixture(scope="module")
def addresses(base):
    """A server of BASE: where it answers gRPC and HTTP."""
    with front(VersionFolder(base)) as both:
        yield both


@pytest.fixture(scope="module")
def client(addresses):
    made = Client(addresses[0])
    yield made
    made.channel.close()


@pytest.fixture
def x():
    return np.random.default_rng(0).random((2, 32, 32, 3), np.float32)


def test_predict_is_that_of_tensorflow_serving(client):
    spec, outputs = client.predict("documented", {"x": np.float32([1, 2, 5])})
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
    _, outputs = client.predict("documented", feeds, "several", 123, ["tag_bytes", "sum"])
    assert outputs["sum"].tolist() == [15, 10 + 2**40]
    assert outputs["tag_bytes"].tolist() == [b"<foo>", b"<\xff>"]
    assert set(outputs) == {"tag_bytes", "sum"}


def test_metadata_and_states_are_those_of_tensorflow_serving(client, base):
    spec, signatures = client.metadata("documented")
    assert (spec.name, spec.version.value) == ("documented", 123)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(
            session, ["serve"], str(base / "documented" / "00000123")
        )
    for name, one in meta.signature_def.items():
        assert signatures[name].inputs == one.inputs
        assert signatures[name].outputs == one.outputs
        assert signatures[name].method_name == one.method_name
    (state,) = client.status("documented")
    assert (state.version, state.state, state.status.error_code) == (123, 30, 0)


def test_a_signature_that_explains_gives_what_explain_gives(client, server, x):
    feeds = {"Input_Layer": x, "target": np.int32([3, -1])}
    outputs = ["attributions", "heatmap_png_bytes", "target", "score"]
    _, given = client.predict("cifar10_cnn", feeds, "explain_integrated_gradients", None, outputs)
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
def test_what_cannot_be_predicted(client, arguments, code, said):
    with refused(code, said):
        client.predict(*arguments)


def test_metadata_is_of_signatures_alone(client):
    with refused(CODE.INVALID_ARGUMENT, "must specify at least one metadata_field"):
        client.metadata("pair", fields=())
    with refused(CODE.INVALID_ARGUMENT, "Metadata field else is not supported"):
        client.metadata("pair", fields=["else"])
    with refused(CODE.NOT_FOUND, "Could not find any versions of model none"):
        client.status("none")


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
def test_a_tensor_that_is_none_is_refused(client, tensor, said):
    with refused(CODE.INVALID_ARGUMENT, said):
        hostile(client, **tensor)


def test_one_number_may_stand_for_all(client):
    answer = hostile(client, shape=[3], numbers=[4])
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["y"]), np.float32([4, 4, 4]))


def raw(client, path, messages, **options):
    """What a call of bytes gives."""
    call = client.channel.stream_unary(path, request_serializer=None, response_deserializer=None)
    return call(iter(messages), timeout=PATIENCE, **options)


PREDICT = "/tensorflow.serving.PredictionService/Predict"


def test_what_is_no_message_is_refused(client):
    with refused(CODE.INVALID_ARGUMENT, "is no tensorflow.serving.PredictRequest"):
        raw(client, PREDICT, [b"\xff\xff"])
    with refused(CODE.INVALID_ARGUMENT, "One message was expected"):
        raw(client, PREDICT, [])
    with refused(CODE.UNIMPLEMENTED, ""):
        raw(client, "/tensorflow.serving.PredictionService/Classify", [b""])
    with refused(CODE.UNIMPLEMENTED, "disabled"):  # 16 MB of zeros are 16 kB, compressed
        raw(client, PREDICT, [bytes(2**20)], compression=grpc.Compression.Gzip)


def test_a_large_message_is_refused(client):
    with refused(CODE.RESOURCE_EXHAUSTED, "larger than max"):
        raw(client, PREDICT, [bytes(17 * 2**20)])


def test_a_client_that_sends_nothing_is_answered_in_time(base):
    with front(VersionFolder(base), Limits(receive=0.3)) as (address, _):
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
    limits = Limits(body=2**20, bodies=2**21)  # two at a time are read
    with front(VersionFolder(base), limits) as (address, _):
        clients = [Client(address) for _ in range(5)]
        goes_on = threading.Event()

        def silence():
            goes_on.wait(PATIENCE)
            yield b""

        slow = [
            one.channel.stream_unary(PREDICT).future(silence(), timeout=PATIENCE)
            for one in clients
        ]
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


def test_it_counts_and_logs_as_http_does(client, addresses):
    import httpx

    client.predict("documented", {"x": ONE})
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


def test_the_open_inference_protocol(client):
    assert client.ask(protos.INFERENCE, "ServerReady").ready
    assert client.ask(protos.INFERENCE, "ServerMetadata").name == "tfxai"
    assert client.ask(protos.INFERENCE, "ModelReady", name="pair", version="7").ready
    about = client.ask(protos.INFERENCE, "ModelMetadata", name="pair")
    assert [(one.name, one.datatype, list(one.shape)) for one in about.inputs] == [
        ("left", "FP32", [-1, 2]),
        ("right", "FP32", [-1, 2]),
    ]


LEFT = {"name": "left", "datatype": "FP32", "shape": [1, 2]}
RIGHT = {**LEFT, "name": "right"}
NUMBERS = {"contents": {"fp32_contents": [1, 2]}}
BOTH = [{**LEFT, **NUMBERS}, {**RIGHT, **NUMBERS}]
BYTES = np.float32([1, 2]).tobytes()


def infer(client, *inputs, name="pair", **more):
    return client.ask(protos.INFERENCE, "ModelInfer", model_name=name, inputs=inputs, **more)


def test_numbers_are_answered_as_they_came(client):
    numbers = infer(client, *BOTH, id="a")
    assert (numbers.id, numbers.model_version, numbers.raw_output_contents) == ("a", "7", [])
    (output,) = numbers.outputs
    raw = infer(client, LEFT, RIGHT, raw_input_contents=[BYTES, BYTES])
    assert not raw.outputs[0].HasField("contents")
    given = np.frombuffer(raw.raw_output_contents[0], np.float32)
    np.testing.assert_array_equal(given, np.float32(list(output.contents.fp32_contents)))


@pytest.mark.parametrize(
    ("inputs", "more", "code", "said"),
    [
        ([LEFT, RIGHT], {}, CODE.INVALID_ARGUMENT, "has 0 entries in fp32_contents"),
        ([{**LEFT, **NUMBERS}], {}, CODE.INVALID_ARGUMENT, "Missing input 'right'"),
        ([LEFT, LEFT], {"raw_input_contents": [BYTES] * 2}, CODE.INVALID_ARGUMENT, "of them once"),
        ([LEFT, RIGHT], {"raw_input_contents": [BYTES]}, CODE.INVALID_ARGUMENT, "has 1 entries"),
        (
            [{**LEFT, "shape": [2**40, 2**40]}, RIGHT],
            {},
            CODE.INVALID_ARGUMENT,
            "which no array has",
        ),
        ([{**LEFT, "datatype": "INT8"}], {}, CODE.INVALID_ARGUMENT, "the datatype FP32"),
        ([LEFT], {"name": "none"}, CODE.NOT_FOUND, "Latest(none)"),
        ([LEFT], {"name": ""}, CODE.INVALID_ARGUMENT, "name of a model"),
        ([LEFT], {"model_version": "x"}, CODE.INVALID_ARGUMENT, "The version 'x' is none"),
        (
            [LEFT],
            {"parameters": {"signature_name": {"string_param": "x"}}},
            CODE.INVALID_ARGUMENT,
            "There is no signature 'x'",
        ),
        (BOTH, {"outputs": [{"name": "x"}]}, CODE.INVALID_ARGUMENT, "is not one of"),
    ],
)
def test_what_cannot_be_inferred(client, inputs, more, code, said):
    with refused(code, said):
        infer(client, *inputs, **more)


@pytest.mark.slow
@pytest.mark.skipif(not test_clients.PYTHON, reason="TFXAI_CLIENTS names no Python with them")
@pytest.mark.parametrize("what", ["triton_grpc", "kserve_grpc"])
def test_clients_of_other_projects(addresses, server, what):
    columns = {"inputs": test_clients.COLUMNS}
    answer = server.post("/v1/models/pair:predict", json=columns).json()["outputs"]
    told = test_clients.ran(what, addresses[1], addresses[0])
    assert [told[key] for key in ("live", "ready", "model")] == [True] * 3
    test_clients.check_answers(told, np.float32(answer))
    if "explained" in told:
        test_clients.check_explained(told, server)
        assert "NOT_FOUND" in told["refused"]
        assert told["id"] == "a1"
