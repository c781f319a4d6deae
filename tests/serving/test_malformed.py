"""A thousand requests that no client should send: always JSON, never a 500, never a crash."""

from __future__ import annotations

import json
import socket

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.serving.servers import b64, photograph

SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(
        ["cat", "frog", "saliency", "rise", "serving_default", "__saved_model_init_op"]
    )
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["b64", "x", "Input_Layer", "left", "right"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)
GOOD = st.sampled_from([b64(photograph()), {"left": [1, 2], "right": [3, 4]}, 1.5])
KEYS = ["instances", "inputs", "method", "target", "options", "outputs", "parameters", "id"]
BODY = st.dictionaries(
    st.sampled_from([*KEYS, "signature_name"]) | st.text(max_size=3), VALUE, max_size=5
)
NEARLY = st.builds(
    lambda body, instances: {**body, "instances": instances},
    BODY,
    st.lists(GOOD | VALUE, min_size=1, max_size=3),
)
TENSOR = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["x", "Input_Layer", "left", 3]) | SCALAR,
        "shape": st.lists(st.integers(-2, 2**41), max_size=4) | VALUE,
        "datatype": st.sampled_from(["FP32", "INT32", "BYTES"]) | SCALAR,
        "data": VALUE,
    },
)
INFER = st.builds(
    lambda body, tensors: {**body, "inputs": tensors}, BODY, st.lists(TENSOR | VALUE, max_size=3)
)
PATHS = [
    *(
        f"/v1/models/{name}:{verb}"
        for name in ("cifar10_cnn", "pair", "documented", "none")
        for verb in ("explain", "predict", "classify")
    ),
    "/v2/models/cifar10_cnn/infer",
    "/v2/models/documented/infer",
]


def check(answer):
    """It is JSON, and no fault of the server."""
    assert answer.status_code < 500 or answer.status_code in (503, 504), answer.text
    if answer.status_code >= 400:
        content = json.loads(answer.content)
        assert list(content) == ["error"]
        assert isinstance(content["error"], str)
        assert content["error"]
        assert "Traceback" not in content["error"]


@pytest.mark.slow
@settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(
    path=st.sampled_from(PATHS),
    body=BODY | NEARLY | INFER | VALUE,
    accept=st.sampled_from(["", "image/png", "application/json", "*/*;q=x"]),
)
def test_bodies_of_any_json(server, path, body, accept):
    check(server.post(path, content=json.dumps(body).encode(), headers={"accept": accept}))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(path=st.sampled_from(PATHS), body=st.binary(max_size=60))
def test_bodies_of_any_bytes(server, path, body):
    check(server.post(path, content=body))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "BREW"]),
    path=st.lists(
        st.sampled_from(
            ["v1", "v2", "models", "documented", "versions", "1", "labels", "metadata"]
        )
        | st.text(
            st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=8
        ),
        max_size=6,
    ),
)
def test_any_path_and_method(server, method, path):
    answer = server.request(method, "/" + "/".join(path).lstrip("/"))
    if method != "HEAD":
        check(answer)


def test_deep_and_wide_json(server):
    for text in (
        b"[" * 100_000,
        b'{"instances": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"instances": ' + b"[" * 80 + b"NaN" + b"]" * 80 + b"}",
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b'{"instances": [' + b"1e999," * 100 + b"1]}",
        b'{"instances": [' + b"9" * 5000 + b"]}",
        b'\xef\xbb\xbf{"instances": [1]}',
        b'{"instances": ["\\ud800"], "signature_name": "length"}',
    ):
        for path in ("/v1/models/documented:predict", "/v1/models/documented:explain"):
            check(server.post(path, content=text))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.binary(min_size=1, max_size=200))
def test_bytes_that_are_no_http(server, data):
    assume(b"HTTP/1" not in data)
    with socket.create_connection((server.base_url.host, server.base_url.port), 10) as made:
        made.sendall(data + b"\r\n\r\n")
        made.shutdown(socket.SHUT_WR)
        made.settimeout(10)
        head = made.recv(100)
    assert head == b"" or head.startswith(b"HTTP/1.1 4")
    assert server.get("/healthz").status_code == 200
