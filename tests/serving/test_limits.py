"""What is too much, too late or not allowed is answered so, in JSON, and nothing hangs."""

from __future__ import annotations

import io
import json
import logging
import socket
import struct
import time
import zlib

import httpx
import pytest
from PIL import Image

from tests.serving.servers import b64, photograph, serving, until
from tests.serving.slow import BODY, EXPLAIN, PREDICT, in_threads, inside, refused, slow
from tfxai.serving.limits import ServerLimits


def test_a_body_that_is_too_large_is_413():
    with slow(body=1000) as (models, client):
        models.go.set()
        assert client.post(PREDICT, json=BODY).status_code == 200
        refused(client.post(PREDICT, content=b" " * 1001), 413, "takes at most 1,000")
        refused(client.post(PREDICT, content=b"0" * 2_000_000), 413, "--max-body")
        chunks = iter([b"[", b"1" * 999, b"]"])
        refused(client.post(PREDICT, content=chunks), 413, "at least 1,001")
        assert client.post(PREDICT, json=BODY).status_code == 200


def test_too_many_instances_and_steps_are_413():
    with slow(instances=3, steps=20) as (models, client):
        models.go.set()
        refused(client.post(EXPLAIN, json={"instances": [[0, 0]] * 4}), 413, "--max-instances")
        for options, count in (({"samples": 19}, 21), ({"samples": 18}, None)):
            body = {"instances": [[0, 0]], "method": "rise", "options": options}
            answer = client.post(EXPLAIN, json=body)
            if count:
                refused(answer, 413, f"Runs of the model for rise: {count}")
            else:
                assert answer.status_code == 200


def bomb(width, height):
    """A PNG that says it has so many pixels, all of them black."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packed = zlib.compressobj(9)
    rows = b"".join(packed.compress(bytes(1 + width // 8) * 1000) for _ in range(height // 1000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", rows + packed.flush())
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8000, 40_000])
def test_a_decompression_bomb_is_413_before_it_is_decoded(server, side):
    data = bomb(side, side)
    assert len(data) < 1_000_000
    began = time.perf_counter()
    answer = server.post("/v1/models/cifar10_cnn:explain", json={"instances": [b64(data)]})
    refused(answer, 413, "pixels")
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP"])
def test_only_jpeg_and_png_are_decoded(server, kind):
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, kind)
    body = {"instances": [b64(stream.getvalue())]}
    refused(
        server.post("/v1/models/cifar10_cnn:explain", json=body), 400, "Pass a JPEG or PNG file"
    )
    body = {"instances": [b64(photograph()[:2000])]}
    refused(server.post("/v1/models/cifar10_cnn:explain", json=body), 400, "cannot be read")


def test_more_requests_than_run_and_wait_are_429_at_once():
    with slow(concurrency=2, queue=3) as (models, client):
        threads, results = in_threads(5, lambda: client.post(PREDICT, json=BODY).status_code)
        until(lambda: inside(client, "predict") == 5)
        answer = client.post(PREDICT, json=BODY)
        refused(answer, 429, "5 requests are running or waiting already")
        assert answer.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200
        assert models.begun == 2
        models.go.set()
        for thread in threads:
            thread.join()
        assert results == [200] * 5
        assert client.post(PREDICT, json=BODY).status_code == 200


def test_what_takes_too_long_is_504_and_its_place_is_given_back():
    with slow(seconds=0.5, concurrency=1, queue=1) as (models, client):
        began = time.perf_counter()
        threads, results = in_threads(2, lambda: client.post(PREDICT, json=BODY))
        for thread in threads:
            thread.join()
        assert time.perf_counter() - began < 5
        for answer in results:
            refused(answer, 504, "took more than 0.5 s")
        models.go.set()
        until(lambda: client.post(PREDICT, json=BODY).status_code == 200)
        assert models.begun == 2  # the one that waited was never begun


def test_fan_out_ends_at_the_deadline():
    with slow(seconds=0.5) as (models, client):
        models.go.set()
        body = {"instances": [[0, 0]] * 60, "method": "rise", "options": {"samples": 9000}}
        refused(client.post(EXPLAIN, json=body), 504, "fewer steps")


def test_a_body_that_does_not_come_is_408():
    with slow(seconds=0.5) as (_, client):
        host, port = client.base_url.host, client.base_url.port
        with socket.create_connection((host, port), 10) as made:
            made.sendall(
                f"POST {PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{{".encode()
            )
            answer = made.recv(10_000).decode()
        assert answer.startswith("HTTP/1.1 408")
        assert "did not come within 0.5 s" in answer


def test_clients_that_hang_up_cost_no_work_that_has_not_begun():
    with slow(concurrency=1, queue=20) as (models, client):
        host, port = client.base_url.host, client.base_url.port
        text = json.dumps(BODY)
        head = f"POST {PREDICT} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(text)}\r\n\r\n"
        made = []
        for _ in range(10):
            made.append(socket.create_connection((host, port), 10))
            made[-1].sendall((head + text).encode())
        until(lambda: inside(client, "predict") == 10)
        for one in made:
            one.close()
        until(lambda: inside(client, "predict") == 1)
        models.go.set()
        assert client.post(PREDICT, json=BODY).status_code == 200
        assert models.begun == 2


def test_with_a_token_only_health_and_the_page_are_open():
    with slow(token="s3cret") as (models, client):
        models.go.set()
        for path in ("/", "/page.js", "/healthz", "/readyz", "/v2/health/live"):
            assert client.get(path).status_code == 200
        for method, path in (
            ("GET", "/v1/models"),
            ("POST", PREDICT),
            ("GET", "/metrics"),
            ("GET", "/v2"),
        ):
            answer = client.request(method, path)
            refused(answer, 401, "Authorization: Bearer TOKEN")
            assert answer.headers["www-authenticate"] == "Bearer"
        for wrong in ("Bearer wrong", "Basic s3cret", "s3cret", "Bearer", "Bearer s3cret2"):
            assert client.get("/v1/models", headers={"authorization": wrong}).status_code == 401
        right = {"authorization": "bearer s3cret"}
        assert client.post(PREDICT, json=BODY, headers=right).status_code == 200


def test_a_defect_is_500_in_json_and_the_log_has_its_number(caplog):
    with slow() as (models, client):
        models.go.set()
        with caplog.at_level(logging.INFO, "tfxai.serving"):
            answer = client.post(
                PREDICT, content='{"instances": [[NaN, 1]]}', headers={"x-request-id": "abc-1"}
            )
    refused(answer, 500, "its log has abc-1")
    (record,) = [one for one in caplog.records if one.exc_info]
    assert record.request == "abc-1"
    assert "ZeroDivisionError" not in answer.text


def test_logs_are_lines_of_json_without_what_was_sent(caplog):
    from tfxai.serving.transport.logs import Lines

    with slow() as (models, client):
        models.go.set()
        with caplog.at_level(logging.INFO, "tfxai.serving"):
            client.post(PREDICT, json={"instances": [[123.25, 456.5]]})
            client.post(PREDICT, content="secret words", headers={"x-request-id": "a\tb"})
    lines = [json.loads(Lines().format(one)) for one in caplog.records]
    done = [one for one in lines if one["logger"] == "tfxai.serving.access"]
    assert [one["status"] for one in done] == [200, 400]
    assert {"time", "level", "request", "ms", "bytes", "model", "version"} <= set(done[0])
    text = json.dumps(lines)
    assert not any(word in text for word in ("123.25", "456.5", "secret", "a\\tb"))


def test_metrics_count_requests_and_examples_by_words_of_our_own():
    with slow() as (models, client):
        models.go.set()
        client.post(PREDICT, json=BODY)
        client.post(EXPLAIN, json={"instances": [[1, 2], [3, 4]], "method": "occlusion"})
        client.get("/v1/models/any%20words%20of%20a%20stranger:predict")
        client.get("/strange")
        text = client.get("/metrics").text
    assert 'tfxai_requests_total{route="v1:predict",status="200"} 1.0' in text
    assert 'tfxai_requests_total{route="v1:explain",status="200"} 1.0' in text
    assert 'tfxai_requests_total{route="v1:predict",status="400"} 1.0' in text
    assert 'tfxai_explained_instances_total{explainer="occlusion",model="slow"} 2.0' in text
    assert 'tfxai_request_seconds_count{route="v1:predict"} 2.0' in text
    assert "process_resident_memory_bytes" in text
    assert "stranger" not in text


def test_what_is_no_route_or_no_http_is_answered_in_json(server):
    refused(server.get("/nothing"), 404, "There is no GET /nothing.")
    refused(server.put("/v1/models"), 405, "There is no PUT /v1/models.")
    refused(server.post("/healthz"), 405, "There is no POST /healthz.")
    with socket.create_connection((server.base_url.host, server.base_url.port), 10) as made:
        made.sendall(b"no http at all\r\n\r\n")
        head, _, body = made.recv(10_000).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400")
    assert "Send a request of HTTP/1.1" in json.loads(body)["error"]


def test_the_limit_of_a_signature_is_read_from_its_record(base):
    from tfxai.serving.models.versions import VersionFolder

    models = VersionFolder(base)
    with (
        serving(models, ServerLimits(steps=7)) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        until(lambda: models.waits_for() is None)
        body = {"instances": [b64(photograph())], "method": "integrated_gradients"}
        answer = client.post("/v1/models/cifar10_cnn:explain", json=body)
        refused(answer, 413, "Runs of the model for integrated_gradients: 8")
        body["method"] = "saliency"
        assert client.post("/v1/models/cifar10_cnn:explain", json=body).status_code == 200
