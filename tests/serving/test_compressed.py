"""Bodies that were compressed on their way."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from tests.serving.servers import b64, photograph
from tfxai.serving.messages import encodings
from tfxai.serving.messages.problems import RequestError

BODY = json.dumps({"instances": [1.0, 2.0]}).encode()
TWICE = gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])


@pytest.fixture(params=["server", "sidecar"])
def client(request):
    return request.getfixturevalue(request.param)


def predict(client, body, encoding):
    headers = {"content-encoding": encoding}
    return client.post("/v1/models/documented:predict", content=body, headers=headers)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY), "gzip"),
        (gzip.compress(BODY), "X-GZIP"),
        (TWICE, "gzip"),
        (zlib.compress(BODY), "deflate"),
        (BODY, "identity"),
    ],
    ids=["gzip", "another name", "two parts", "deflate", "none"],
)
def test_a_compressed_body_is_read(client, body, encoding):
    answer = predict(client, body, encoding)
    assert (answer.status_code, answer.json()) == (200, {"predictions": [2.5, 3.0]})


def test_a_compressed_question_is_explained(client):
    body = gzip.compress(
        json.dumps({"instances": [b64(photograph())], "method": "saliency"}).encode()
    )
    headers = {"content-encoding": "gzip"}
    answer = client.post("/v1/models/cifar10_cnn:explain", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["explainer"] == "saliency"


@pytest.mark.parametrize(
    ("body", "encoding", "status", "said"),
    [
        (BODY, "br", 415, "'br' is not read here. Send the body as it is, or compressed by gzip"),
        (BODY, "gzip, gzip", 415, "'gzip, gzip' is not read here"),
        (BODY, "gzip", 400, "not compressed by gzip"),
        (gzip.compress(BODY)[:-1], "gzip", 400, "The body is not whole"),
        (gzip.compress(BODY) + b"?", "gzip", 400, "not compressed by gzip"),
        (gzip.compress(BODY), "deflate", 400, "not compressed by deflate"),
        (gzip.compress(b"") * 65, "gzip", 400, "more than 64 parts"),
    ],
    ids=["brotli", "twice", "plain", "cut", "more", "another", "many parts"],
)
def test_what_cannot_be_read_is_refused(client, body, encoding, status, said):
    answer = predict(client, body, encoding)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert said in answer.json()["error"]


def test_a_small_body_that_would_be_large_is_refused_before_it_is(client):
    bomb = gzip.compress(bytes(2**20) * 40)
    assert len(bomb) < 2**16
    answer = predict(client, bomb, "gzip")
    assert answer.status_code == 413
    assert "when decompressed: at least" in answer.json()["error"]


def test_the_bound_is_on_all_parts_together():
    body = gzip.compress(bytes(6)) + gzip.compress(bytes(5))
    assert encodings.decoded(body, "gzip", 11) == bytes(11)
    with pytest.raises(RequestError, match="at least 11, and this server takes at most 10"):
        encodings.decoded(body, "gzip", 10)
