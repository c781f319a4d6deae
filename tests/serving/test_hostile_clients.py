"""Whatever clients do, others are answered: work, bodies, heads, connections are bounded."""

from __future__ import annotations

import contextlib
import json
import socket
import threading

import httpx
import numpy as np
import psutil
import pytest

from tests.serving.servers import PATIENCE, serving, until
from tests.serving.slow import (
    BODY,
    EXPLAIN,
    PREDICT,
    RECORD,
    SIGNATURES,
    in_threads,
    inside,
    refused,
    slow,
)
from tfxai.serving.explaining.calling import call_signature
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import json_codec
from tfxai.serving.messages.problems import RequestError
from tfxai.serving.models.loaded import Loaded
from tfxai.serving.models.model import Deadline, Model, Which
from tfxai.serving.models.upstream import Upstream
from tfxai.serving.models.versions import VersionFolder
from tfxai.serving.transport import connections

EXPLAINED = {"signature_name": "explain_slow", "instances": [{"x": [1.0, 2.0], "target": 0}]}
MODEL = "/v1/models/cifar10_cnn"


@pytest.fixture(scope="module")
def strict(base):
    """Clients of a server and of a sidecar in front of it that take three examples."""
    models, limits = VersionFolder(base), ServerLimits(instances=3, steps=7)
    with (
        serving(models, limits) as url,
        serving(models := VersionFolder(base)) as behind,
        serving(Upstream(behind), limits) as sidecar,
        httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as direct,
        httpx.Client(base_url=sidecar, timeout=PATIENCE, trust_env=False) as through,
    ):
        until(lambda: direct.get("/readyz").status_code == 200)
        until(lambda: models.waits_for() is None)
        yield {"server": direct, "sidecar": through}


def images(count):
    return np.zeros((count, 32, 32, 3)).tolist()


def rows(signature, count):
    """Instances, each with a target where it is an explanation."""
    key = {"target": 0} if signature.startswith("explain") else {}
    return [{"Input_Layer": one, **key} for one in images(count)]


def tensors(signature, count):
    found = [
        {
            "name": "Input_Layer",
            "shape": [count, 32, 32, 3],
            "datatype": "FP32",
            "data": images(count),
        }
    ]
    if signature.startswith("explain"):
        target = {"name": "target", "shape": [count], "datatype": "INT32", "data": [0] * count}
        found.append(target)
    return found


ROADS = {
    "rows": lambda name, count: (
        f"{MODEL}:predict",
        {"signature_name": name, "instances": rows(name, count)},
    ),
    "columns": lambda name, count: (
        f"{MODEL}:predict",
        {
            "signature_name": name,
            "inputs": {
                "Input_Layer": images(count),
                **({"target": [0] * count} if name.startswith("explain") else {}),
            },
        },
    ),
    "infer": lambda name, count: (
        "/v2/models/cifar10_cnn/infer",
        {"inputs": tensors(name, count), "parameters": {"signature_name": name}},
    ),
}


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("signature", ["explain_saliency", "serving_default"])
@pytest.mark.parametrize("place", ["server", "sidecar"])
def test_the_limit_of_instances_holds_on_every_road(strict, place, signature, road):
    path, body = ROADS[road](signature, 4)
    refused(strict[place].post(path, json=body), 413, "Instances: 4, and this server takes at")
    path, body = ROADS[road](signature, 3)
    assert strict[place].post(path, json=body).status_code == 200


@pytest.mark.parametrize("place", ["server", "sidecar"])
@pytest.mark.parametrize("path", [f"{MODEL}:predict", f"{MODEL}:explain"])
def test_many_megabytes_of_numbers_are_refused_before_they_are_read(
    strict, place, path, monkeypatch
):
    read = json_codec.read

    def small(data, *words):
        assert len(data) < 10**6
        return read(data, *words)

    monkeypatch.setattr(json_codec, "read", small)
    text = b'{"instances": [' + b"0.5," * 500_000 + b"]}"
    refused(strict[place].post(path, content=text), 413, "Numbers and lists of the body: 500,000")


def test_more_lists_than_can_be_held_are_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr(json_codec, "_LISTS", 100)
    with slow() as (models, client):
        models.go.set()
        for empty in (b"[]", b"{}"):
            text = b'{"instances": [' + b",".join([empty] * 100) + b"]}"
            refused(client.post(PREDICT, content=text), 400, "lists and objects, of 100 at most")
        assert client.post(PREDICT, json=BODY).status_code == 200


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("place", ["server", "sidecar"])
def test_the_limit_of_steps_holds_on_every_road(strict, place, road):
    path, body = ROADS[road]("explain_integrated_gradients", 1)
    said = "Runs of the model for integrated_gradients: 8"
    refused(strict[place].post(path, json=body), 413, said)


def test_a_name_that_comes_twice_is_read_alike_by_the_server_behind(strict):
    """The last one counts here; a server behind that takes the first one is not sent both."""
    text = json.dumps({"signature_name": "serving_default", "instances": rows("", 1)})
    text = '{"signature_name": "explain_integrated_gradients", ' + text[1:]
    answers = [one.post(f"{MODEL}:predict", content=text) for one in strict.values()]
    assert [one.status_code for one in answers] == [200, 200]
    np.testing.assert_allclose(*(one.json()["predictions"] for one in answers), rtol=1e-5)


class Counted(Model):
    """A model that explains a row by itself, of which each run is noted."""

    def __init__(self, record, ends=None, each=lambda deadline: None):
        super().__init__(Which("counted"), 1, SIGNATURES, record)
        self.runs, self._each = [], each

    def run(self, signature, feeds, outputs, deadline):
        self.runs.append(len(feeds["x"]))
        self._each(deadline)
        score = feeds["x"].sum(axis=1)
        return {"attributions": 2 * feeds["x"], "score": score, "target": feeds["target"]}


def called(model, count, deadline=None):
    x = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    feeds = {"x": x, "target": np.zeros(count, np.int32)}
    deadline = deadline or Deadline(PATIENCE)
    return x, call_signature(model, "explain_slow", feeds, None, ServerLimits(), deadline)


def test_many_examples_are_explained_in_chunks_and_none_is_lost():
    model = Counted(RECORD)
    x, given = called(model, 60)
    assert model.runs[0] == 8
    assert len(model.runs) >= 2
    assert sum(model.runs) == 60
    np.testing.assert_array_equal(given["attributions"], 2 * x)
    np.testing.assert_array_equal(given["score"], x.sum(axis=1))


def test_what_is_not_known_to_go_by_examples_is_run_at_once():
    for record in (None, {"signatures": {}}):
        model = Counted(record)
        called(model, 60)
        assert model.runs == [60]


def test_chunks_end_at_the_deadline():
    def over(deadline):
        deadline._end = 0

    model = Counted(RECORD, each=over)
    with pytest.raises(RequestError) as raised:
        called(model, 60, Deadline(PATIENCE))
    assert raised.value.status == 504
    assert model.runs == [8]


@pytest.mark.slow
def test_tensorflow_stops_a_run_whose_deadline_is_over(base):
    loaded = Loaded(base / "cifar10_cnn" / "1")
    x, target = np.zeros((256, 32, 32, 3), np.float32), np.zeros(256, np.int32)
    feeds = {"Input_Layer": x, "target": target}
    with pytest.raises(RequestError) as raised:
        loaded.run("explain_integrated_gradients", feeds, None, Deadline(0.05))
    assert raised.value.status == 504
    feeds = {"Input_Layer": x[:1], "target": target[:1]}
    given = loaded.run("explain_integrated_gradients", feeds, ["score"], Deadline(PATIENCE))
    assert given["score"].shape == (1,)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (EXPLAIN, BODY),
        (PREDICT, EXPLAINED),
        (PREDICT, json.dumps(EXPLAINED).replace("explain", "expl\\u0061in")),
    ],
    ids=["explain", "predict", "predict in disguise"],
)
def test_explanations_take_no_place_of_predictions(path, body):
    content = body if isinstance(body, str) else json.dumps(body)
    with slow(concurrency=2, queue=3) as (models, client):
        models.go.set()
        threads, results = in_threads(5, lambda: client.post(path, content=content).status_code)
        until(lambda: inside(client, "explain") == 5)  # none is still known as a prediction
        refused(client.post(path, content=content), 429, "5 requests are running or waiting")
        assert client.post(PREDICT, json=BODY).status_code == 200
        assert client.get("/readyz").status_code == 200
        models.explained.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert results == [200] * 5
    explained = [one for one in models.runs if one[0] == "explain_slow"]
    assert len(explained) == 5
    assert all(thread.startswith("tfxai explain") for *_, thread in explained)


def test_it_is_not_ready_while_nothing_can_be_taken():
    with slow(concurrency=1, queue=1) as (models, client):
        predicts, _ = in_threads(2, lambda: client.post(PREDICT, json=BODY))
        until(lambda: inside(client, "predict") == 2)
        assert client.get("/readyz").status_code == 200  # explanations are still taken
        explains, _ = in_threads(2, lambda: client.post(EXPLAIN, json=BODY))
        until(lambda: client.get("/readyz").status_code == 503)
        assert "All places are taken" in client.get("/v2/health/ready").json()["reason"]
        assert client.get("/healthz").status_code == 200
        models.go.set()
        models.explained.set()
        until(lambda: client.get("/readyz").status_code == 200)
        for thread in (*predicts, *explains):
            thread.join(PATIENCE)


def test_it_is_not_ready_while_all_threads_do_work_that_is_overdue():
    with slow(concurrency=1, queue=5, seconds=0.2) as (models, client):
        for path in (PREDICT, EXPLAIN):
            refused(client.post(path, json=BODY), 504, "took more than 0.2 s")
        assert client.get("/readyz").status_code == 503
        models.go.set()
        models.explained.set()
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.post(PREDICT, json=BODY).status_code == 200


@contextlib.contextmanager
def sockets(client, count, sent=b""):
    """Connections that have sent those bytes."""
    with contextlib.ExitStack() as stack:
        address = client.base_url.host, client.base_url.port
        made = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection(address, PATIENCE))
            one.sendall(sent)
            made.append(one)
        yield made


def head(path=PREDICT, length=100, more=""):
    return f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n{more}\r\n".encode()


def whole(made):
    """What comes until the server closes the connection."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := made.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


def test_bodies_that_do_not_come_take_no_place():
    with slow(concurrency=1, queue=2) as (models, client):
        models.go.set()
        models.explained.set()
        with (
            sockets(client, 40, head() + b"{"),
            sockets(client, 40, head(EXPLAIN) + b"{"),
        ):
            assert [inside(client, kind) for kind in ("predict", "explain")] == [0, 0]
            for path in (PREDICT, EXPLAIN):
                assert client.post(path, json=BODY).status_code == 200


def test_a_body_has_less_time_than_an_answer():
    with slow(receive=0.2) as (_, client), sockets(client, 1, head() + b"{") as (made,):
        assert "did not come within 0.2 s" in whole(made)


def test_bodies_together_are_bounded():
    with slow(bodies=1000, body=900) as (models, client):
        models.go.set()
        text = json.dumps(BODY).ljust(800)
        with sockets(client, 1, head(length=850) + b" " * 800):
            until(lambda: client.post(PREDICT, content=text).status_code == 503)
            answer = client.post(PREDICT, content=text)
            refused(answer, 503, "of 1,000 that this server holds at a time")
            assert answer.headers["retry-after"] == "1"
        until(lambda: client.post(PREDICT, content=text).status_code == 200)


def test_the_token_is_checked_before_the_body_is_there(monkeypatch):
    monkeypatch.setattr(connections, "_REST_SECONDS", 0.2)
    with slow(token="s3cret") as (_, client), sockets(client, 1, head()) as (made,):
        answer = whole(made)  # which ends, though the body never comes
        assert answer.startswith("HTTP/1.1 401")


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", ""), (b"GET /healthz HTT", "408"), (b"GET / HTTP/1.1\r\nhost: a\r\nx", "408")],
)
def test_a_head_that_does_not_come_ends_the_connection(monkeypatch, sent, status):
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.2)
    with slow() as (_, client), sockets(client, 1, sent) as (made,):
        answer = whole(made)
    assert answer[9:12] == status
    assert not status or "did not come within" in answer


def test_a_second_head_that_does_not_come_ends_the_connection(monkeypatch):
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.2)
    asked = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"
    with slow() as (_, client), sockets(client, 1, asked) as (made,):
        assert b"200 OK" in made.recv(1000)
        made.sendall(asked[:10])
        assert whole(made).startswith("HTTP/1.1 408")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\r\nx: " + b"a" * 70_000,
        b"GET /" + b"a" * 70_000,
        b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 20_000,
        head("/healthz").replace(b"content-length: 100", b"transfer-encoding: chunked")
        + b"1;"
        + b"e" * 700_000,
    ],
    ids=["header", "path", "headers", "extension of a chunk"],
)
def test_a_long_head_is_431(sent):
    with slow() as (_, client), sockets(client, 1) as (made,):
        with contextlib.suppress(ConnectionError):
            made.sendall(sent)
        answer = whole(made)
        assert not answer or "was expected to have at most 65,536 bytes" in answer
        assert client.get("/healthz").status_code == 200


def test_more_requests_than_are_taken_ahead_of_their_answers_end_the_connection():
    with slow() as (models, client), sockets(client, 1) as (made,):
        made.sendall((head(length=2) + b"{}") * 1000)
        assert "400 Bad Request" in whole(made)
        assert models.begun == 0
        assert client.get("/healthz").status_code == 200


def test_of_too_many_connections_the_silent_ones_are_closed_first():
    with slow(connections=6, concurrency=4) as (models, client):
        running, results = in_threads(1, lambda: client.post(PREDICT, json=BODY).status_code)
        until(lambda: models.begun == 1)
        with sockets(client, 20) as made:
            with httpx.Client(base_url=client.base_url, trust_env=False) as other:
                assert other.get("/healthz").status_code == 200
            assert whole(made[0]) == ""  # the oldest one is closed
        models.go.set()
        running[0].join(PATIENCE)
        assert results == [200]


def test_where_all_connections_are_at_work_a_new_one_is_told_so():
    with slow(connections=2, concurrency=4) as (models, client):
        running, results = in_threads(2, lambda: client.post(PREDICT, json=BODY).status_code)
        until(lambda: models.begun == 2)
        with sockets(client, 1) as (made,):
            answer = whole(made)
        assert answer.startswith("HTTP/1.1 503")
        assert "as many connections as it takes" in answer
        models.go.set()
        for thread in running:
            thread.join(PATIENCE)
        assert results == [200, 200]


@pytest.mark.slow
def test_an_answer_that_nobody_reads_is_thrown_away():
    # 12 MB, more than sockets hold; a loaded machine reads them in a part of the time
    rows = json.dumps({"instances": [[0.123456, 1.5]] * 600_000}).encode()
    with slow(seconds=20.0, body=2**25, instances=2_000_000) as (models, client):
        models.go.set()
        address = client.base_url.host, client.base_url.port
        with socket.socket() as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.connect(address)
            made.sendall(head(length=len(rows)) + rows)
            until(lambda: models.begun)
            ours = psutil.Process()
            until(lambda: made.getsockname() not in [c.raddr for c in ours.net_connections()])


@pytest.mark.slow
def test_of_many_answers_that_nobody_reads_the_oldest_are_thrown_away():
    rows = json.dumps({"instances": [[0.123456, 1.5]] * 400_000}).encode()  # 8 MB an answer
    limits = {"seconds": PATIENCE, "bodies": 20 * 2**20, "body": 2**24, "instances": 2_000_000}
    with slow(**limits) as (models, client), contextlib.ExitStack() as kept:
        models.go.set()
        address = client.base_url.host, client.base_url.port
        made = []
        for number in range(5):
            one = kept.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(PATIENCE)
            one.connect(address)
            one.sendall(head(length=len(rows)) + rows)
            made.append(one)
            until(lambda: models.begun > number)  # noqa: B023 - it ends before the next
            assert one.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 200"
        ours = psutil.Process()

        def open_ones():
            remote = [found.raddr for found in ours.net_connections()]
            return [one.getsockname() in remote for one in made]

        until(lambda: not any(open_ones()[:2]))
        assert open_ones()[-1]  # what came last is there to be read
        made[-1].shutdown(socket.SHUT_WR)
        answer = whole(made[-1])
        assert len(json.loads(answer.partition("\r\n\r\n")[2])["predictions"]) == 400_000


def test_however_many_ask_whether_it_is_ready_it_is_looked_once_at_a_time():
    looked, let = [], threading.Event()

    with slow() as (models, client):

        def waits_for():
            looked.append(1)
            let.wait(PATIENCE)

        models.waits_for = waits_for
        threads, results = in_threads(20, lambda: client.get("/readyz").status_code)
        until(lambda: looked)
        assert client.get("/healthz").status_code == 200
        let.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert results == [200] * 20
        assert len(looked) < 20
