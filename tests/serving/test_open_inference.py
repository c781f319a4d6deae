"""The Open Inference Protocol."""

from __future__ import annotations

import base64

import httpx
import numpy as np
import pytest

from tests.serving.servers import pixels


@pytest.fixture(params=["server", "sidecar"])
def client(request) -> httpx.Client:
    return request.getfixturevalue(request.param)


def tensor(name, array, datatype="FP32"):
    array = np.asarray(array)
    return {"name": name, "shape": list(array.shape), "datatype": datatype, "data": array.tolist()}


def test_health_and_metadata_of_the_server(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2").json()["name"] == "tfxai"


def test_metadata_and_readiness_of_a_model(client):
    about = client.get("/v2/models/pair").json()
    assert about == {
        "name": "pair",
        "versions": ["7"],
        "platform": "tensorflow_savedmodel",
        "inputs": [
            {"name": "left", "datatype": "FP32", "shape": [-1, 2]},
            {"name": "right", "datatype": "FP32", "shape": [-1, 2]},
        ],
        "outputs": [{"name": "output_0", "datatype": "FP32", "shape": [-1, 3]}],
    }
    assert client.get("/v2/models/pair/versions/7").json() == about
    ready = client.get("/v2/models/pair/versions/7/ready")
    assert (ready.status_code, ready.json()) == (200, {"name": "pair", "ready": True})
    assert client.get("/v2/models/none/ready").status_code == 404
    assert client.get("/v2/models/pair/versions/8").status_code == 404


def test_infer_gives_what_predict_gives(client):
    left, right = [[1.0, 2.0], [0.5, 0.0]], [[3.0, 4.0], [1.0, 1.0]]
    body = {"id": "a1", "inputs": [tensor("left", left), tensor("right", right)]}
    answer = client.post("/v2/models/pair/infer", json=body).json()
    (output,) = answer.pop("outputs")
    assert answer == {"model_name": "pair", "model_version": "7", "id": "a1"}
    assert (output["name"], output["datatype"], output["shape"]) == ("output_0", "FP32", [2, 3])
    columns = {"inputs": {"left": left, "right": right}}
    expected = client.post("/v1/models/pair:predict", json=columns).json()["outputs"]
    np.testing.assert_array_equal(np.reshape(output["data"], (2, 3)), expected)


def test_data_may_be_flat_or_nested_and_outputs_are_chosen(client):
    x = np.random.default_rng(0).random((1, 32, 32, 3)).round(3)
    flat = {**tensor("Input_Layer", x), "data": x.ravel().tolist()}
    target = tensor("target", [3], "INT32")
    answers = []
    for one in (flat, tensor("Input_Layer", x)):
        body = {
            "inputs": [one, target],
            "parameters": {"signature_name": "explain_grad_cam"},
            "outputs": [{"name": "heatmap_png_bytes"}, {"name": "score"}],
        }
        answer = client.post("/v2/models/cifar10_cnn/infer", json=body)
        assert answer.status_code == 200, answer.text
        answers.append(answer.json()["outputs"])
    assert answers[0] == answers[1]
    png, score = answers[0]
    assert (png["name"], png["datatype"], png["shape"]) == ("heatmap_png_bytes", "BYTES", [1])
    assert pixels(base64.b64decode(png["data"][0])).shape == (32, 32, 3)
    assert score["shape"] == [1]


GOOD = [tensor("left", [[1, 2]]), tensor("right", [[1, 2]])]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "an object with 'inputs'"),
        ({"inputs": 3}, "an object with 'inputs'"),
        ({"inputs": []}, "Missing input 'left'"),
        ({"inputs": [3]}, "an object with a 'name'"),
        ({"inputs": [GOOD[0], GOOD[0]]}, "each of them once"),
        ({"inputs": [{**GOOD[0], "name": "up"}]}, "'up' is not one of left, right"),
        ({"inputs": [{**GOOD[0], "datatype": "FP64"}]}, "the datatype FP32"),
        ({"inputs": [{**GOOD[0], "shape": [2, 2]}]}, "has 2 numbers, and its shape 4"),
        ({"inputs": [{**GOOD[0], "shape": [1, 3]}]}, "has the shape [1, 3]"),
        ({"inputs": [{**GOOD[0], "shape": [-1, 2]}]}, "a 'shape' and 'data'"),
        ({"inputs": [{**GOOD[0], "data": None}]}, "a 'shape' and 'data'"),
        ({"inputs": GOOD, "parameters": 3}, "'parameters' was expected"),
        ({"inputs": GOOD, "parameters": {"signature_name": "x"}}, "There is no signature 'x'"),
        ({"inputs": GOOD, "outputs": [{"name": "x"}]}, "Output 'x' is not one of output_0"),
        ({"inputs": GOOD, "outputs": []}, "'outputs' was expected"),
    ],
)
def test_bad_requests_are_answered_in_a_sentence(client, body, said):
    answer = client.post("/v2/models/pair/infer", json=body)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["error"]
    assert said in answer.json()["error"]


def test_what_is_no_route_is_404(client):
    for path in ("/v2/", "/v2/models", "/v2/models/pair/infer", "/v2/health/else"):
        status = client.get(path).status_code
        assert status == (200 if path == "/v2/" else 404)
