"""`:predict`, status and metadata in TensorFlow Serving's JSON, as its documentation has them."""

from __future__ import annotations

import base64
import json
import math

import pytest

from tfxai.serving.messages import json_codec, tensors
from tfxai.serving.messages.problems import RequestError
from tfxai.serving.messages.signatures import End, Signature

PREDICT = "/v1/models/documented:predict"


def ask(server, body, path=PREDICT):
    """Status and answer of a request."""
    text = body if isinstance(body, str) else json.dumps(body)
    answer = server.post(path, content=text)
    return answer.status_code, json.loads(answer.content)


def test_rows_of_one_input_are_plain(server):
    assert ask(server, {"instances": [1.0, 2.0, 5.0]}) == (200, {"predictions": [2.5, 3.0, 4.5]})


def test_rows_may_name_the_input(server):
    body = {"instances": [{"x": 1.0}, {"x": 2.0}]}
    assert ask(server, body) == (200, {"predictions": [2.5, 3.0]})


def test_columns_of_one_input_are_plain_or_named(server):
    expected = 200, {"outputs": [2.5, 3.0, 4.5]}
    assert ask(server, {"inputs": [1.0, 2.0, 5.0]}) == expected
    assert ask(server, {"inputs": {"x": [1.0, 2.0, 5.0]}}) == expected


ROWS = [
    {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
    {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
]


SEVERAL = {"signature_name": "several"}


def test_keys_that_are_not_of_the_protocol_are_ignored(server):
    answer = 200, {"predictions": [2.5]}
    assert ask(server, {"instances": [1], "extra": 2, "parameters": {}, "id": None}) == answer
    assert ask(server, {"inputs": {"x": [1], "y": "?"}}) == (200, {"outputs": [2.5]})


def test_numbers_that_a_float_holds_are_taken_whatever_they_look_like(server):
    largest = 3.4028234e38
    asked = [16777215, -16777215.0, 16777216.0, 1e10, -largest, 1e-50]
    status, answer = ask(server, {"instances": asked})
    assert status == 200
    halves = [0.5 * x + 2 for x in asked]
    assert answer["predictions"] == pytest.approx(halves, rel=1e-6)


def test_rows_of_several_inputs_are_objects_and_so_are_their_answers(server):
    status, answer = ask(server, {"signature_name": "several", "instances": ROWS})
    assert status == 200
    assert answer == {
        "predictions": [
            {"tag": "foo", "sum": 15, "mean": 2.5, "tag_bytes": {"b64": "PGZvbz4="}},
            {"tag": "bar", "sum": 15, "mean": 5.75, "tag_bytes": {"b64": "PGJhcj4="}},
        ]
    }


def test_columns_of_several_inputs_are_one_object(server):
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    status, answer = ask(server, {"signature_name": "several", "inputs": columns})
    assert status == 200
    assert answer == {
        "outputs": {
            "tag": ["foo", "bar"],
            "sum": [15, 15],
            "mean": [2.5, 5.75],
            "tag_bytes": [{"b64": "PGZvbz4="}, {"b64": "PGJhcj4="}],
        }
    }


def test_bytes_come_in_base64(server):
    data = base64.b64encode(bytes(range(256))).decode()
    body = {"signature_name": "length", "instances": [{"b64": data}, {"b64": ""}]}
    assert ask(server, body) == (200, {"predictions": [256, 0]})
    body = {"signature_name": "length", "instances": [{"image_bytes": {"b64": data}}]}
    assert ask(server, body) == (200, {"predictions": [256]})


def test_numbers_without_end_are_tokens_in_both_directions(server):
    text = '{"signature_name": "reciprocal", "instances": [0, -0.0, NaN, Infinity]}'
    answer = server.post(PREDICT, content=text)
    assert b"NaN" in answer.content
    plus, minus, none, zero = json.loads(answer.content)["predictions"]
    assert (plus, minus, zero) == (math.inf, -math.inf, 0.0)
    assert math.isnan(none)


def test_floats_keep_their_point(server):
    assert server.post(PREDICT, json={"instances": [0]}).text == '{"predictions":[2.0]}'


def test_a_version_of_a_model_is_served_under_its_number(server):
    path = "/v1/models/documented/versions/123:predict"
    assert ask(server, {"instances": [1]}, path) == (200, {"predictions": [2.5]})
    assert ask(server, {"instances": [1]}, "/V1/MODELS/documented:PREDICT")[0] == 200


def test_the_state_of_a_model(server):
    state = {
        "version": "123",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    for path in ("/v1/models/documented", "/v1/models/documented/versions/123"):
        told = server.get(path).json()
        assert told == {"model_version_status": [state], "name": "documented", "ready": True}


def test_metadata(server):
    body = server.get("/v1/models/documented/metadata").json()
    assert body["model_spec"] == {"name": "documented", "signature_name": "", "version": "123"}
    defined = body["metadata"]["signature_def"]["signature_def"]
    assert defined["serving_default"] == {
        "inputs": {
            "x": {
                "dtype": "DT_FLOAT",
                "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
                "name": "serving_default_x:0",
            }
        },
        "outputs": {
            "y": {
                "dtype": "DT_FLOAT",
                "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
                "name": defined["serving_default"]["outputs"]["y"]["name"],
            }
        },
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }
    assert defined["several"]["inputs"]["signal"]["dtype"] == "DT_INT64"
    assert defined["several"]["outputs"]["tag_bytes"]["dtype"] == "DT_STRING"


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/v1/models/half", 404, "Could not find any versions of model half"),
        (
            "GET",
            "/v1/models/documented/versions/9",
            404,
            "Could not find version 9 of model documented",
        ),
        ("POST", "/v1/models/half:predict", 404, "Servable not found for request: Latest(half)"),
        (
            "POST",
            "/v1/models/documented/versions/9:predict",
            404,
            "Servable not found for request: Specific(documented, 9)",
        ),
        (
            "POST",
            "/v1/models/documented/labels/stable:predict",
            400,
            "Unrecognized servable version label: stable",
        ),
        ("POST", "/v1/models/documented", 400, "Malformed request: POST /v1/models/documented"),
        ("GET", "/v1/models/documented:predict", 400, f"Malformed request: GET {PREDICT}"),
        ("POST", "/v1/models/a:b:predict", 400, "Malformed request: POST /v1/models/a:b:predict"),
        ("GET", "/v1/else", 400, "Malformed request: GET /v1/else"),
        (
            "POST",
            "/v1/models/documented/versions/1/labels/a:predict",
            400,
            "Both version number and label are set. Send one of them.",
        ),
    ],
)
def test_what_is_not_there(server, method, path, status, said):
    answer = server.request(method, path, content='{"instances": [1]}' if method == "POST" else "")
    assert (answer.status_code, answer.json()) == (status, {"error": said})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The body is empty."),
        (b"\x1f\x8b\x08", "by the header Content-Encoding: gzip"),
        (b"\xff\xd8\xff\xe0", "is a picture. Send it in base64"),
        (b"--abc\r\n", "is a form."),
        (b'{"a": "\xff"}', "is no text in UTF-8"),
        (b"{", "is no JSON: "),
    ],
)
def test_what_came_instead_of_json_is_named(body, said):
    with pytest.raises(RequestError, match=r"^JSON Parse error: The body is ") as refused:
        json_codec.read(body)
    assert said in str(refused.value)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "JSON Parse error"),
        ("[1]", "The body was expected to be a JSON object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instance": [1]}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [1], "inputs": [1]}, "both came"),
        ({"instances": [1], "inputs": [1]}, "only one of 'inputs' or 'instances' keys to exist"),
        ({"instances": []}, "at least one element"),
        ({"instances": 1}, "at least one element"),
        ({"instances": ["a"]}, "was expected to hold numbers only"),
        ({"instances": [[1, 2]]}, "has the shape [1, 2], and (any) is expected"),
        ({"instances": [1, [2]]}, "its lists differ in length or depth"),
        ({"instances": [{"y": 1}]}, "keys must be equal to: x"),
        ({"instances": [{"x": 1}, 2]}, "mixes objects and plain values"),
        ({"instances": [True]}, "was expected to hold numbers only"),
        ({"instances": [None]}, "was expected to hold numbers only"),
        ({"instances": [1.5, True]}, "was expected to hold numbers only"),
        ({"inputs": [0, False]}, "was expected to hold numbers only"),
        ({"instances": [1e39]}, "Cannot convert JSON value: 1e+39 to float without loss of"),
        ({"instances": [0.5, -1e39]}, "Cannot convert JSON value: -1e+39 to float"),
        ({"instances": [16777216]}, "Cannot convert JSON value: 16777216 to float"),
        ({"instances": [0.5, -16777216]}, "Cannot convert JSON value: -16777216.0 to float"),
        (
            {"instances": [{**ROWS[0], "sensor": [[1.5, True], [0, 0]]}], **SEVERAL},
            "was expected to hold numbers only",
        ),
        (
            {"instances": [{**ROWS[0], "signal": [1, 2, 3, 4, True]}], **SEVERAL},
            "was expected to hold whole numbers only",
        ),
        (
            {"instances": [{**ROWS[0], "signal": [1.0] * 5}], **SEVERAL},
            "was expected to hold whole numbers only",
        ),
        ({"inputs": {"y": [1]}}, "Missing named input: x in 'inputs' object."),
        (
            {"instances": [1], "signature_name": "none"},
            'Serving signature name: "none" not found in signature def',
        ),
        ({"instances": [1], "signature_name": 3}, "was expected to be a text"),
        (
            {"instances": [1], "signature_name": "several"},
            "keys must be equal to: sensor,signal,tag",
        ),
        (
            {"instances": [{**ROWS[0], "signal": [1.5] * 5}], "signature_name": "several"},
            "whole numbers only",
        ),
        (
            {"instances": [{**ROWS[0], "tag": 5}], "signature_name": "several"},
            "was expected to hold texts",
        ),
        ({"instances": [{"b64": "?"}], "signature_name": "length"}, "is no base64"),
    ],
)
def test_bad_requests_are_answered_in_a_sentence(server, body, said):
    status, answer = ask(server, body)
    assert status == 400
    assert list(answer) == ["error"]
    assert said in answer["error"]


def test_classify_is_refused_for_a_signature_that_predicts(server):
    status, answer = ask(server, {"examples": [{}]}, "/v1/models/documented:classify")
    assert status == 400
    assert "Expected classification signature method_name" in answer["error"]


def test_names_are_decoded_and_never_become_paths(server):
    for name in ("..", "%2e%2e%2fetc", "documented%2F123", "%00", "a%20b", "%ff"):
        answer = server.get(f"/v1/models/{name}")
        assert answer.status_code in (400, 404)
        assert list(answer.json()) == ["error"]
    assert server.get("/v1/models/docu%6Dented").status_code == 200


@pytest.mark.parametrize(
    ("dtype", "values", "shown"),
    [("string", ["a fine film"], '[["a text"], ["another"]]'), ("float32", [1.5], "[[1], [2]]")],
)
def test_values_that_are_not_in_lists_of_one_are_told_how(dtype, values, shown):
    signature = Signature(inputs={"x": End(dtype, (None, 1))}, outputs={})
    for body in ({"instances": values}, {"inputs": values}):
        with pytest.raises(RequestError) as refused:
            tensors.read_feeds(body, signature)
        assert str(refused.value).endswith(
            "has the shape [1], and (any, 1) is expected. Put each value into a list of its own: "
            f"{shown}."
        )
    (array,) = tensors.read_feeds({"instances": [values]}, signature)[0].values()
    assert array.shape == (1, 1)
