"""What no explanation is made of: numbers that are not finite, and empty texts, by every road."""

from __future__ import annotations

import json
from typing import ClassVar

import grpc
import httpx
import numpy as np
import pytest

from tests.serving.grpc_clients import Client, front, refused
from tests.serving.servers import PATIENCE
from tests.serving.slow import Slow
from tfxai.serving.explaining.calling import call_signature
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import protos
from tfxai.serving.messages.problems import RequestError
from tfxai.serving.messages.signatures import End, Signature
from tfxai.serving.models.model import Deadline, Which
from tfxai.serving.sampling import Sample

SIGNATURE = {"signature_name": "explain_slow"}
SAID = "Input 'x' holds NaN or infinite numbers. Send finite ones."
CODE = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """gRPC client, URL and the folder of a sample of everything."""
    models, folder = Slow(), tmp_path_factory.mktemp("sample")
    models.go.set()
    models.explained.set()
    with front(models, ServerLimits(), sample=Sample(1, folder)) as (address, url):
        client = Client(address)
        yield client, url, folder
        client.channel.close()


def kept(folder):
    return [line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]


BAD = pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])


@BAD
@pytest.mark.parametrize("road", ["explain", "predict", "columns", "infer"])
def test_numbers_that_are_not_finite_are_refused(served, road, number):
    _, url, folder = served
    x = [1.0, float(number)]
    tensors = [
        {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": x},
        {"name": "target", "datatype": "INT32", "shape": [1], "data": [1]},
    ]
    path, body = {
        "explain": ("v1/models/slow:explain", {"instances": [x], "method": "slow"}),
        "predict": ("v1/models/slow:predict", {"instances": [{"x": x, "target": 1}], **SIGNATURE}),
        "columns": ("v1/models/slow:predict", {"inputs": {"x": [x], "target": [1]}, **SIGNATURE}),
        "infer": ("v2/models/slow/infer", {"inputs": tensors, "parameters": SIGNATURE}),
    }[road]
    answer = httpx.post(
        f"{url}/{path}", content=json.dumps(body), timeout=PATIENCE, trust_env=False
    )
    assert (answer.status_code, answer.json()) == (400, {"error": SAID})
    assert kept(folder) == []


@BAD
def test_numbers_that_are_not_finite_are_refused_over_grpc(served, number):
    client, _, folder = served
    x = np.float32([[1, number]])
    with refused(CODE, SAID):
        client.predict("slow", {"x": x, "target": np.int32([1])}, "explain_slow")
    tensors = [
        {"name": "x", "datatype": "FP32", "shape": [1, 2], "contents": {"fp32_contents": x[0]}},
        {"name": "target", "datatype": "INT32", "shape": [1], "contents": {"int_contents": [1]}},
    ]
    parameters = {"signature_name": {"string_param": "explain_slow"}}
    with refused(CODE, SAID):
        client.ask(
            *(protos.INFERENCE, "ModelInfer"),
            model_name="slow", inputs=tensors, parameters=parameters,
        )  # fmt: skip
    assert kept(folder) == []


@pytest.mark.parametrize("text", ["", " \n"])
def test_empty_texts_are_refused(server, text):
    said = "Input 'text' is empty in instance 1, and there is nothing in it to explain."
    body = {"instances": ["a film", text]}
    asked = server.post("/v1/models/text:explain", json=body)
    rows = [{"text": [one], "target": 1} for one in body["instances"]]
    body = {"instances": rows, "signature_name": "explain_integrated_gradients"}
    for answer in (asked, server.post("/v1/models/text:predict", json=body)):
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(said)


def test_a_text_of_which_nothing_is_left_is_refused(server):
    answer = server.post("/v1/models/text:explain", json={"instances": ["!!!"]})
    assert answer.status_code == 400
    assert "has no token" in answer.json()["error"]


def strings(**outputs):
    """A model of one string input, whose first method gives those outputs."""
    numbers = {"score": End("float32", (None,)), "target": End("int32", (None,))}
    ends = {"text": End("string", (None, 1)), "target": End("int32", (None,))}

    class Strings:
        which, version, record = Which("m"), 1, None
        signatures: ClassVar = {
            "explain_first": Signature(ends, numbers | outputs),
            "explain_second": Signature(ends, numbers),
        }

        def run(self, *_):
            return {"score": np.float32([1]), "target": np.int32([0])}

    return Strings()


def test_empty_texts_are_refused_for_methods_that_give_no_words_too():
    feeds = {"text": np.array([[b" "]], object), "target": np.int32([0])}
    rest = None, ServerLimits(), Deadline(PATIENCE)
    words = strings(tokens=End("string", (None, 4)), token_values=End("float32", (None, 4)))
    for name in words.signatures:
        with pytest.raises(RequestError, match="Input 'text' is empty in instance 0") as caught:
            call_signature(words, name, feeds, *rest)
        assert caught.value.status == 400
    categories = strings()  # of which an empty one may be one
    assert call_signature(categories, "explain_first", feeds, *rest)["score"] == [1]
