"""Tensors as bytes behind the JSON of the Open Inference Protocol."""

from __future__ import annotations

import json
import struct

import httpx
import numpy as np
import pytest
import tensorflow as tf

from tests.serving.servers import pixels
from tfxai.serving.messages.binary import read_binary, write_binary
from tfxai.serving.messages.problems import RequestError
from tfxai.serving.messages.signatures import End

LEFT = np.array([[1, 2], [0.5, 0]], np.float32)
RIGHT = np.array([[3, 4], [1, 1]], np.float32)


@pytest.fixture(params=["server", "sidecar"])
def client(request) -> httpx.Client:
    return request.getfixturevalue(request.param)


def tensor(name, array, datatype="FP32", **more):
    told = {"name": name, "shape": list(array.shape), "datatype": datatype}
    return told | {"parameters": {"binary_data_size": array.nbytes}} | more


def infer(client, body, *data, path="/v2/models/pair/infer", length=None):
    text = json.dumps(body).encode()
    headers = {"inference-header-content-length": str(len(text) if length is None else length)}
    return client.post(path, content=b"".join([text, *data]), headers=headers)


def read(answer):
    """The JSON of an answer, and the bytes of each output."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers["inference-header-content-length"])
    told, at, parts = json.loads(answer.content[:length]), length, {}
    for one in told["outputs"]:
        if "parameters" in one:
            end = at + one["parameters"]["binary_data_size"]
            parts[one["name"]], at = answer.content[at:end], end
    assert at == len(answer.content)
    return told, parts


INPUTS = [tensor("left", LEFT), tensor("right", RIGHT)]
DATA = LEFT.tobytes(), RIGHT.tobytes()


def test_bytes_give_what_json_gives(client):
    text = [
        {"name": name, "shape": [2, 2], "datatype": "FP32", "data": array.tolist()}
        for name, array in (("left", LEFT), ("right", RIGHT))
    ]
    (expected,) = client.post("/v2/models/pair/infer", json={"inputs": text}).json()["outputs"]
    (given,) = infer(client, {"inputs": INPUTS}, *DATA).json()["outputs"]
    assert given == expected
    mixed = {"inputs": [text[0], INPUTS[1]], "parameters": {"binary_data_output": True}}
    told, parts = read(infer(client, mixed, DATA[1]))
    assert "data" not in told["outputs"][0]
    numbers = np.frombuffer(parts["output_0"], "<f4")
    np.testing.assert_array_equal(numbers, np.float32(expected["data"]))


def test_each_output_chooses_its_form(client):
    x = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    target = np.array([3], np.int32)
    body = {
        "inputs": [tensor("Input_Layer", x), tensor("target", target, "INT32")],
        "parameters": {"signature_name": "explain_grad_cam", "binary_data_output": True},
        "outputs": [
            {"name": "score", "parameters": {"binary_data": False}},
            {"name": "heatmap_png_bytes"},
            {"name": "heatmap", "parameters": {"binary_data": True}},
        ],
    }
    path = "/v2/models/cifar10_cnn/infer"
    told, parts = read(infer(client, body, x.tobytes(), target.tobytes(), path=path))
    assert list(parts) == ["heatmap_png_bytes", "heatmap"]
    assert len(told["outputs"][0]["data"]) == 1
    (length,) = struct.unpack_from("<I", parts["heatmap_png_bytes"])
    png = parts["heatmap_png_bytes"][4:]
    assert len(png) == length
    assert pixels(png).shape == (32, 32, 3)
    assert len(parts["heatmap"]) == 4 * 32 * 32


@pytest.mark.parametrize(
    ("inputs", "data", "length", "said"),
    [
        (INPUTS, DATA, "x", "Inference-Header-Content-Length is 'x'"),
        (INPUTS, DATA, 10**6, "Send the number of bytes of JSON"),
        (INPUTS, DATA[:1], None, "Input 'right' has 0 bytes, and its shape [2, 2] of FP32 16"),
        (
            INPUTS,
            (*DATA, b"?"),
            None,
            "33 bytes follow the JSON, and the inputs in it announce",
        ),
        ([{**INPUTS[0], "data": [1]}, INPUTS[1]], DATA, None, "both 'data' and binary_data_size"),
        ([{**INPUTS[0], "shape": [2, 3]}, INPUTS[1]], DATA, None, "has the shape [2, 3]"),
        ([{**INPUTS[0], "shape": [2**38, 2]}, INPUTS[1]], DATA, None, "16 bytes, and its shape"),
        ([{**INPUTS[0], "shape": [2**39, 2]}, INPUTS[1]], DATA, None, "a 'shape' and 'data'"),
        ([{**INPUTS[0], "datatype": "FP64"}, INPUTS[1]], DATA, None, "the datatype FP32"),
        (
            [{**INPUTS[0], "parameters": {"binary_data_size": -16}}, INPUTS[1]],
            DATA,
            None,
            "expected to be a number of bytes",
        ),
    ],
)
def test_bytes_that_do_not_fit_are_refused(client, inputs, data, length, said):
    answer = infer(client, {"inputs": inputs}, *data, length=length)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]


@pytest.mark.parametrize("kind", ["float32", "float16", "int8", "uint16", "int64", "bool"])
def test_numbers_come_back_as_they_were(kind):
    array = np.array([[0, 1, 100], [1, 0, 7]]).astype(kind)
    end = End(kind, (None, 3))
    again = read_binary("x", write_binary(array, end), [2, 3], end)
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_bfloat16_is_the_upper_half_of_float32():
    end, array = End("bfloat16", None), np.array([1.5, -3], np.float32)
    data = write_binary(array, end)
    assert data == tf.constant(array, tf.bfloat16).numpy().tobytes()
    np.testing.assert_array_equal(read_binary("x", data, [2], end), array)


def test_texts_have_their_lengths_before_them():
    end, texts = End("string", (None, 1)), np.array([[b"a\0b"], [b""]], object)
    data = write_binary(texts, end)
    assert data == b"\3\0\0\0a\0b\0\0\0\0"
    np.testing.assert_array_equal(read_binary("x", data, [2, 1], end), texts)
    for damaged in (data[:-1], data + b"\0", data[:6], data + b"\0\0\0\0", b"\xff\xff\xff\xffab"):
        with pytest.raises(RequestError, match="2 texts, each with its length before it"):
            read_binary("x", damaged, [2, 1], end)
