"""The Open Inference Protocol over gRPC, by our own messages and by clients of other projects."""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from tests.serving import test_clients
from tests.serving.grpc_clients import refused
from tfxai.serving.messages import protos

CODE = grpc.StatusCode


def test_the_open_inference_protocol(grpc_client):
    assert grpc_client.ask(protos.INFERENCE, "ServerReady").ready
    assert grpc_client.ask(protos.INFERENCE, "ServerMetadata").name == "tfxai"
    assert grpc_client.ask(protos.INFERENCE, "ModelReady", name="pair", version="7").ready
    about = grpc_client.ask(protos.INFERENCE, "ModelMetadata", name="pair")
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


def test_numbers_are_answered_as_they_came(grpc_client):
    numbers = infer(grpc_client, *BOTH, id="a")
    assert (numbers.id, numbers.model_version, numbers.raw_output_contents) == ("a", "7", [])
    (output,) = numbers.outputs
    raw = infer(grpc_client, LEFT, RIGHT, raw_input_contents=[BYTES, BYTES])
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
def test_what_cannot_be_inferred(grpc_client, inputs, more, code, said):
    with refused(code, said):
        infer(grpc_client, *inputs, **more)


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
