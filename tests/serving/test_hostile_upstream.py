"""A server behind that lies, over REST and over gRPC: 502 with the reason, in bounded memory."""

from __future__ import annotations

import concurrent.futures
import contextlib
import copy
import json

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.serving.servers import PATIENCE, false_server, serving
from tfxai.serving.limits import ServerLimits
from tfxai.serving.models.grpc_upstream import GrpcUpstream
from tfxai.serving.models.upstream import Upstream

EXPLAIN = "/v1/models/liar:explain"
PREDICT = "/v1/models/liar:predict"
BODY = {"instances": [[1.0, 2.0]], "method": "own"}
BY_PREDICTIONS = {"instances": [[1.0, 2.0]], "method": "occlusion"}
DESCRIBED = {"describe": ({"examples": ("DT_INT32", [-1])}, {"record": ("DT_STRING", [-1])})}
HONEST = {
    "serving_default": ({"x": ("DT_FLOAT", [-1, 2])}, {"y": ("DT_FLOAT", [-1, 3])}),
    "explain_own": (
        {"x": ("DT_FLOAT", [-1, 2]), "target": ("DT_INT32", [-1])},
        {
            "attributions": ("DT_FLOAT", [-1, 2]),
            "score": ("DT_FLOAT", [-1]),
            "target": ("DT_INT32", [-1]),
        },
    ),
}
ANSWERS = {
    "serving_default": {"y": [[0.5, 0.25, 0.25]]},
    "explain_own": {"attributions": [[1.0, 2.0]], "score": [3.0], "target": [0]},
}
ANSWER = 2**20


def metadata(signatures):
    def ends(some):
        return {
            name: {
                "dtype": kind,
                "tensor_shape": {"dim": [{"size": str(n)} for n in sizes]},
                "name": f"{name}:0",
            }
            for name, (kind, sizes) in some.items()
        }

    defined = {
        name: {"inputs": ends(i), "outputs": ends(o)} for name, (i, o) in signatures.items()
    }
    spec = {"name": "liar", "version": "1"}
    return {"model_spec": spec, "metadata": {"signature_def": {"signature_def": defined}}}


@contextlib.contextmanager
def over_rest(signatures, answers, raw=None):
    """A sidecar of a server that says this of itself, and answers so."""

    def answer(request):
        if request.command == "GET":
            content = json.dumps(metadata(signatures)).encode()
        elif raw is not None:
            content = raw
        else:
            asked = json.loads(request.body)
            given = answers[asked["signature_name"]]
            given = repeated(asked["inputs"], given)
            given = next(iter(given.values())) if len(given) == 1 else given
            content = json.dumps({"outputs": given}).encode()
        request.send_response(200)
        request.send_header("content-length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    with false_server(answer) as url, client_of(Upstream(url, answer=ANSWER)) as client:
        yield client


def repeated(inputs, given):
    """The answer for as many rows as were asked about."""
    (x, *_) = inputs.values() if isinstance(inputs, dict) else (inputs,)
    return {
        name: value * len(x) if isinstance(value, list) else value for name, value in given.items()
    }


class Liar(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, signatures, answers):
        self.signatures, self.answers = signatures, answers

    def GetModelMetadata(self, request, context):
        defined = get_model_metadata_pb2.SignatureDefMap()
        for name, parts in self.signatures.items():
            for which, ends in zip(("inputs", "outputs"), parts, strict=True):
                for key, (kind, sizes) in ends.items():
                    info = getattr(defined.signature_def[name], which)[key]
                    info.dtype = CODES[kind]
                    for size in sizes:
                        info.tensor_shape.dim.add().size = size
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.version.value = 1
        answer.metadata["signature_def"].Pack(defined)
        return answer

    def Predict(self, request, context):
        answer = predict_pb2.PredictResponse()
        given = self.answers[request.model_spec.signature_name]
        rows = request.inputs["x"].tensor_shape.dim[0].size
        for name, value in given.items():
            if isinstance(value, list):
                kind = np.int32 if isinstance(value[0], int) else None
                made = np.array(value * rows)
                made = made.astype(kind or (np.float32 if made.dtype.kind == "f" else made.dtype))
                answer.outputs[name].CopyFrom(tf.make_tensor_proto(made))
            else:
                answer.outputs[name].CopyFrom(value)
        return answer


CODES = {"DT_FLOAT": 1, "DT_INT32": 3, "DT_STRING": 7, "DT_RESOURCE": 20}


@contextlib.contextmanager
def over_grpc(signatures, answers, raw=None):
    options = [("grpc.max_send_message_length", -1)]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), options=options)
    liar = Liar(signatures, answers)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(liar, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with client_of(GrpcUpstream(f"grpc://127.0.0.1:{port}", answer=ANSWER)) as client:
            yield client
    finally:
        server.stop(None).wait()


@contextlib.contextmanager
def client_of(models):
    with (
        serving(models, ServerLimits(answer=ANSWER)) as url,
        httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client,
    ):
        yield client


WAYS = pytest.mark.parametrize("way", [over_rest, over_grpc])


def failed(answer, said="The server behind this one"):
    assert answer.status_code == 502, answer.text
    assert list(answer.json()) == ["error"]
    assert said in answer.json()["error"]


@WAYS
def test_an_honest_one_is_believed(way):
    with way(HONEST, ANSWERS) as client:
        for body in (BODY, BY_PREDICTIONS):
            answer = client.post(EXPLAIN, json=body)
            assert answer.status_code == 200, answer.text
        many = {**BODY, "instances": [[1.0, 2.0]] * 20}
        assert len(client.post(EXPLAIN, json=many).json()["explanations"]) == 20


LIES = {
    "missing": ("score", None, "no output 'score'"),
    "texts": ("score", ["a"], "score"),
    "numbers as texts": ("score", ["3.0"], "score"),
    "true": ("score", [True], "score"),
    "whole number is none": ("target", [0.5], "target"),
    "deeper": ("score", [[3.0]], "score"),
    "wider": ("attributions", [[1.0, 2.0, 3.0]], "attributions"),
    "flat": ("attributions", [1.0], "attributions"),
}


@WAYS
@pytest.mark.parametrize("lie", LIES)
def test_outputs_that_are_not_what_was_declared_are_502(way, lie):
    name, value, said = LIES[lie]
    answers = copy.deepcopy(ANSWERS)
    answers["explain_own"][name] = value
    if value is None:
        del answers["explain_own"][name]
    with way(HONEST, answers) as client:
        answer = client.post(EXPLAIN, json=BODY)
        failed(answer)
        if way is over_grpc or lie != "missing":
            assert said in answer.json()["error"]


def with_words(words, values):
    """An honest one that gives words of texts as well."""
    signatures, answers = copy.deepcopy(HONEST), copy.deepcopy(ANSWERS)
    ends = signatures["explain_own"][1]
    ends |= {"tokens": ("DT_STRING", [-1, -1]), "token_values": ("DT_FLOAT", [-1, -1])}
    answers["explain_own"] |= {"tokens": words, "token_values": values}
    return signatures, answers


@WAYS
def test_words_of_texts_are_read_as_texts(way):
    with way(*with_words([["a", "f\u00edlm"]], [[1.0, -2.0]])) as client:
        answer = client.post(EXPLAIN, json={**BODY, "outputs": ["tokens"]})
        assert answer.status_code == 200, answer.text
        (one,) = answer.json()["explanations"][0]["attributions"]
        assert (one["tokens"], one["tokenValues"]) == (["a", "f\u00edlm"], [1.0, -2.0])


@WAYS
@pytest.mark.parametrize(
    ("words", "values"),
    [([["a", "b"]], [[1.0]]), ([["a"]], [["b"]]), ([[1.0]], [[1.0]]), ([["a"]], [[float("inf")]])],
    ids=["fewer values", "texts for values", "numbers for words", "infinite"],
)
def test_words_without_their_values_are_502(way, words, values):
    with way(*with_words(words, values)) as client:
        failed(client.post(EXPLAIN, json={**BODY, "outputs": ["tokens"]}), "")


DECLARED = {
    "score": [("DT_FLOAT", [-1, 3]), ("DT_INT32", [-1]), ("DT_STRING", [-1])],
    "target": [("DT_FLOAT", [-1])],
    "attributions": [("DT_STRING", [-1, 2])],
}
VALUES = {
    ("DT_FLOAT", (-1, 3)): [[1.0, 2.0, 3.0]],
    ("DT_INT32", (-1,)): [1],
    ("DT_STRING", (-1,)): ["a"],
    ("DT_FLOAT", (-1,)): [0.5],
    ("DT_STRING", (-1, 2)): [["a", "b"]],
}


@WAYS
@pytest.mark.parametrize(
    ("name", "end"), [(name, end) for name, ends in DECLARED.items() for end in ends]
)
def test_a_declaration_that_no_explanation_has_is_502(way, name, end):
    signatures, answers = copy.deepcopy(HONEST), copy.deepcopy(ANSWERS)
    signatures["explain_own"][1][name] = end
    answers["explain_own"][name] = VALUES[end[0], tuple(end[1])]
    with way(signatures, answers) as client:
        failed(client.post(EXPLAIN, json=BODY), "which no explanation has")


@WAYS
@pytest.mark.parametrize("size", [10**9, 2**40])
@pytest.mark.parametrize("which", [0, 1])
def test_absurd_sizes_that_are_declared_are_502(way, size, which):
    signatures = copy.deepcopy(HONEST)
    ends = signatures["serving_default"][which]
    ends[next(iter(ends))] = ("DT_FLOAT", [-1, size])
    with way(signatures, ANSWERS) as client:
        for path in (EXPLAIN, "/v1/models/liar/explainers", "/v2/models/liar"):
            asked = client.post if path is EXPLAIN else client.get
            failed(asked(path, **({"json": BODY} if path is EXPLAIN else {})), "declares")


@WAYS
def test_many_axes_that_are_declared_are_502(way):
    signatures = copy.deepcopy(HONEST)
    signatures["serving_default"][1]["y"] = ("DT_FLOAT", [-1] + [1] * 200)
    with way(signatures, ANSWERS) as client:
        failed(client.post(EXPLAIN, json=BODY), "declares")


def absurd(*sizes, **fields):
    proto = tensor_pb2.TensorProto(dtype=fields.pop("dtype", 1), **fields)
    for size in sizes:
        proto.tensor_shape.dim.add().size = size
    return proto


@pytest.mark.parametrize(
    "proto",
    [
        absurd(10**9, 2, float_val=[1.0]),
        absurd(10**9, 2),
        absurd(2**62, 2**62, float_val=[1.0]),
        absurd(-1, 2, float_val=[1.0]),
        absurd(1, 2, tensor_content=b"abc"),
        absurd(1, 2, tensor_content=b"a" * 80),
        absurd(1, 2, dtype=19, half_val=[70000]),
        absurd(1, 2, dtype=4, int_val=[-5]),
        absurd(1, 2, dtype=20),
        absurd(*[1] * 100, float_val=[1.0]),
        absurd(10**9, 2, dtype=7, string_val=[b"a"]),
    ],
)
def test_absurd_tensors_over_grpc_are_502(proto):
    answers = copy.deepcopy(ANSWERS)
    answers["explain_own"]["attributions"] = proto
    with over_grpc(HONEST, answers) as client:
        failed(client.post(EXPLAIN, json=BODY))


@WAYS
def test_an_answer_that_is_too_large_is_502(way):
    answers = copy.deepcopy(ANSWERS)
    raw = None
    if way is over_grpc:
        answers["explain_own"]["attributions"] = absurd(2**19, 1, tensor_content=bytes(2**21))
    else:
        raw = b'{"outputs": "' + b"a" * 2 * ANSWER + b'"}'
    with way(HONEST, answers, raw) as client:
        failed(client.post(EXPLAIN, json=BODY), "--max-answer")
        if way is over_rest:
            failed(client.post(PREDICT, json={"instances": [[1.0, 2.0]]}), "--max-answer")


def test_an_answer_without_end_is_502():
    def answer(request):
        request.send_response(200)
        request.send_header("transfer-encoding", "chunked")
        request.end_headers()
        while True:
            request.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")

    with false_server(answer) as url, client_of(Upstream(url, answer=ANSWER)) as client:
        failed(client.post(EXPLAIN, json=BODY), "--max-answer")


def told(about):
    return {"schema": 1, "signatures": {"explain_own": about}}


RECORDS = {
    "a list": [],
    "deep": {"schema": 1, "signatures": {}, "deep": json.loads("[" * 400 + "]" * 400)},
    "methods": {
        "schema": 1,
        "signatures": {"explain_own": {"method": {"options": {"steps": "x"}}}},
    },
    "heatmaps": {
        "schema": 1,
        "signatures": {"explain_own": {"heatmaps": {"x": {"range": [None]}}}},
    },
    "class names": {"schema": 1, "signatures": {}, "class_names": [{"a": 1}, None, 3]},
    "preprocessing": {
        "schema": 1,
        "signatures": {},
        "preprocessing": {"name": "standardise", "mean": [1] * 7, "std": [0] * 2},
    },
    "texts": told({"method": 7, "score": [[]]}),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_that_is_none_makes_nothing_fail(kind):
    signatures = {**HONEST, **DESCRIBED}
    answers = {**ANSWERS, "describe": {"record": [json.dumps(RECORDS[kind])]}}
    with over_rest(signatures, answers) as client:
        for body in (BODY, {**BODY, "target": "cat"}, BY_PREDICTIONS):
            answer = client.post(EXPLAIN, json=body)
            assert answer.status_code in (200, 400), answer.text
        assert client.get("/v1/models/liar/explainers").status_code == 200


@pytest.mark.parametrize("status", [204, 302, 500, 502, 599, 999])
def test_a_status_that_tensorflow_serving_has_not_is_502(status):
    def answer(request):
        request.send_response(status)
        content = b"" if status == 204 else b'{"error": "no"}'
        request.send_header("content-length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    with false_server(answer) as url, client_of(Upstream(url)) as client:
        failed(client.post(EXPLAIN, json=BODY))
        failed(client.post(PREDICT, json={"instances": [[1.0, 2.0]]}))
        failed(client.get("/v1/models/liar"))


@pytest.mark.parametrize("version", ["²", "9" * 5000, 7, None, "-1", {}])
def test_a_version_that_is_no_number_is_none(version):
    said = metadata(HONEST)
    said["model_spec"]["version"] = version

    def answer(request):
        content = json.dumps(said).encode()
        request.send_response(200)
        request.send_header("content-length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    with false_server(answer) as url, client_of(Upstream(url)) as client:
        answer = client.get("/v1/models/liar/explainers")
        assert answer.status_code == 200, answer.text
        assert answer.json()["version"] == ("7" if version == 7 else None)
