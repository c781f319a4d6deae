"""What stands behind may be down, slow, restarting or talk nonsense; the server may be killed."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
import time

import httpx
import numpy as np
import pytest

from tests.processes import loaded
from tests.serving.servers import (
    PATIENCE,
    b64,
    command,
    false_server,
    free_port,
    number,
    photograph,
    refuses,
    serving,
    until,
)
from tfxai.errors import InvalidInputError
from tfxai.serving.limits import ServerLimits
from tfxai.serving.models.upstream import Upstream
from tfxai.serving.transport import running
from tfxai.serving.transport.app import Server
from tfxai.serving.transport.listening import listen

PREDICT = "/v1/models/cifar10_cnn:predict"
EXPLAIN = "/v1/models/cifar10_cnn:explain"
BODY = {"instances": [b64(photograph())], "method": "saliency"}


@contextlib.contextmanager
def in_front_of(url, names=(), **limits):
    """A client of a sidecar."""
    with (
        serving(Upstream(url, names), ServerLimits(**limits)) as address,
        httpx.Client(base_url=address, timeout=PATIENCE, trust_env=False) as client,
    ):
        yield client


def failed(client, status, said, path=EXPLAIN):
    """Asks, and expects that error."""
    answer = client.post(path, json=BODY)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert said in answer.json()["error"]


def answering(status, body, media="application/json", length=None):
    """What a false server does."""

    def answer(request):
        request.send_response(status)
        request.send_header("content-type", media)
        request.send_header("content-length", str(len(body) if length is None else length))
        request.end_headers()
        request.wfile.write(body)
        if length is not None:
            request.close_connection = True

    return answer


@pytest.mark.parametrize("path", [EXPLAIN, PREDICT])
def test_a_server_behind_that_is_down_is_503(path):
    with in_front_of(f"http://127.0.0.1:{free_port()}", ["cifar10_cnn"]) as client:
        failed(client, 503, "cannot be reached", path)
        assert client.post(path, json=BODY).headers["retry-after"] == "1"
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "cannot be reached" in ready.json()["reason"]
        assert client.get("/healthz").status_code == 200


def test_a_slow_server_behind_is_504_in_time():
    with (
        false_server(lambda request: time.sleep(3)) as url,
        in_front_of(url, seconds=0.4) as client,
    ):
        began = time.perf_counter()
        failed(client, 504, "0.4 s")
        assert time.perf_counter() - began < 2


def test_a_server_behind_that_trickles_is_504_in_time():
    def answer(request):
        request.send_response(200)
        request.send_header("content-length", "1000")
        request.end_headers()
        for _ in range(100):
            request.wfile.write(b" ")
            request.wfile.flush()
            time.sleep(0.05)

    with false_server(answer) as url, in_front_of(url, seconds=0.5) as client:
        began = time.perf_counter()
        failed(client, 504, "took more than 0.5 s")
        assert time.perf_counter() - began < 3


GARBAGE = {
    "no JSON": (200, b"<html>"),
    "nothing": (200, b""),
    "a list": (200, b"[]"),
    "another object": (200, b'{"model_spec": 5}'),
    "no numbers": (200, b'{"metadata": {"signature_def": {"signature_def": {"serve": 7}}}}'),
    "no text": (200, b"\xff\xfe\x00"),
    "a page of a proxy": (502, b"<html>Bad gateway</html>"),
    "a failure": (500, b'{"error": "the graph is broken"}'),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_nonsense_from_behind_is_502(kind):
    with false_server(answering(*GARBAGE[kind])) as url, in_front_of(url) as client:
        answer = client.post(EXPLAIN, json=BODY)
        assert answer.status_code == 502, answer.text
        said = answer.json()["error"]
        assert "The server behind this one" in said
        if kind == "another object":
            assert "TensorFlow Serving's: it has no 'metadata'." in said
        if kind == "a page of a proxy":
            assert "gave status 502 and no JSON object" in said
        if kind not in ("another object", "no numbers"):
            assert client.post(PREDICT, json=BODY).status_code == 502


def test_an_answer_that_is_cut_short_is_503():
    with false_server(answering(200, b'{"half', length=100)) as url, in_front_of(url) as client:
        failed(client, 503, "broke its answer off")


@pytest.mark.parametrize("value", [None, "a", [1], {"output_0": "x"}, [[float("nan")]]])
def test_an_answer_of_another_form_is_502(behind, value):
    """Its metadata are right, and its answers are not."""

    def answer(request):
        if request.command == "GET":
            content = httpx.get(f"{behind}{request.path}", trust_env=False).content
        else:
            content = json.dumps({"outputs": value}).encode()
        answering(200, content)(request)

    with false_server(answer) as url, in_front_of(url) as client:
        failed(client, 502, "The server behind this one gave")


def twice(numbers):
    """An answer for more examples than were asked about."""
    return 2 * numbers


def not_a_number(numbers):
    """The same answer without a finite number."""
    return np.full(np.shape(numbers), np.nan).tolist()


@pytest.mark.parametrize("method", ["saliency", "occlusion"])
@pytest.mark.parametrize(
    ("change", "said"),
    [(twice, "another number of answers"), (not_a_number, "these instances is NaN or infinite")],
)
def test_an_answer_that_cannot_be_is_502(behind, method, change, said):
    def answer(request):
        url = f"{behind}{request.path}"
        if request.command == "GET":
            content = httpx.get(url, trust_env=False).content
        else:
            given = httpx.post(url, content=request.body, trust_env=False).json()["outputs"]
            if isinstance(given, dict):
                given |= {k: change(v) for k, v in given.items() if k in ("score", "attributions")}
            elif not isinstance(given[0], str):  # the record stays as it is
                given = change(given)
            content = json.dumps({"outputs": given}).encode()
        answering(200, content)(request)

    with false_server(answer) as url, in_front_of(url) as client:
        failed = client.post(EXPLAIN, json={**BODY, "method": method})
        assert failed.status_code == 502, failed.text
        assert said in failed.json()["error"]


def test_errors_of_the_server_behind_are_passed_on_with_their_status(sidecar):
    for path, status in (
        ("/v1/models/none:explain", 404),
        ("/v1/models/none:predict", 404),
        ("/v1/models/cifar10_cnn/versions/9:explain", 404),
        ("/v1/models/cifar10_cnn/labels/x:explain", 400),
    ):
        answer = sidecar.post(path, json=BODY)
        assert answer.status_code == status, answer.text
        assert "ervable" in answer.json()["error"]


def test_requests_of_tensorflow_serving_pass_as_they_are(sidecar, server):
    for path in ("/v1/models/pair", "/v1/models/pair/metadata"):
        assert sidecar.get(path).content == server.get(path).content
    body = '{"instances": [{"left": [1, 2], "right": [3, 4]}]}'
    answers = [c.post("/v1/models/pair:predict", content=body).content for c in (sidecar, server)]
    assert answers[0] == answers[1]


def test_a_connection_that_was_kept_may_end_with_a_restart(behind):
    """The server behind closes each connection after one answer, without saying so."""

    def answer(request):
        url, length = f"{behind}{request.path}", request.headers.get("content-length")
        assert length is None or request.command == "POST"
        content = httpx.get(url, trust_env=False).content
        answering(200, content)(request)
        request.close_connection = True

    with false_server(answer) as url, in_front_of(url) as client:
        for _ in range(20):
            assert client.get("/v1/models/pair").status_code == 200


def test_a_server_behind_that_restarts_is_waited_for_by_readiness(base):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with in_front_of(url, ["documented"]) as client:
        assert client.get("/readyz").status_code == 503
        for _ in range(2):
            words = ("--model-base-path", str(base / "documented"), "--port", str(port))
            with command(*words) as started:
                until(lambda: client.get("/readyz").status_code == 200)
                body = {"instances": [1.0], "method": "occlusion"}
                answer = client.post("/v1/models/documented:explain", json=body)
                assert answer.status_code == 400  # a number is nothing to occlude
                assert started.end() == 0
            until(lambda: client.get("/readyz").status_code == 503)


@pytest.mark.slow
@pytest.mark.parametrize("kept", [True, False], ids=["kept connections", "new connections"])
def test_nothing_that_was_begun_is_lost_when_it_is_told_to_end(base, kept):
    words = ("--model-base-path", str(base), "--drain", "1.5", "--concurrency", "2")
    answered, lost, refused = [], [], []
    ended = threading.Event()

    def client(url):
        session = httpx.Client(base_url=url, timeout=60, trust_env=False)
        while not ended.is_set():
            if not kept:
                session.close()
                session = httpx.Client(base_url=url, timeout=60, trust_env=False)
            try:
                answered.append(session.post(EXPLAIN, json=BODY).status_code)
            except httpx.ConnectError:
                refused.append(1)
                break
            except httpx.HTTPError as error:
                lost.append(repr(error))
                break
        session.close()

    with command(*words) as started:
        threads = [threading.Thread(target=client, args=(started.url,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        until(lambda: len(answered) > 20)
        before = len(answered)
        assert started.end(signal.SIGTERM) == 0
        ended.set()
        for thread in threads:
            thread.join()
        assert "requests that have begun are finished" in started.log
    assert lost == []
    assert set(answered) == {200}
    assert len(answered) >= before + 8
    assert len(refused) <= 8


HEALTH = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


def connected(address):
    """A connection of its own."""
    return socket.create_connection(address, timeout=PATIENCE)


def test_a_connection_that_the_server_has_not_yet_accepted_is_answered(base):
    """The process stands still while the time to end comes and a client connects."""
    with command("--model-base-path", str(base / "pair"), "--drain", "0.3") as started:
        url = httpx.URL(started.url)
        started.process.send_signal(signal.SIGTERM)
        until(lambda: "ending" in started.log)
        started.process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        with connected((url.host, url.port)) as client:
            client.sendall(HEALTH)
            started.process.send_signal(signal.SIGCONT)
            assert client.recv(15) == b"HTTP/1.1 200 OK"
        assert started.end() == 0


@pytest.mark.parametrize("speaks", [True, False])
def test_a_first_request_that_comes_late_is_answered_and_waited_for_a_while(monkeypatch, speaks):
    monkeypatch.setattr(running, "_SILENT", PATIENCE if speaks else 0.1)
    with contextlib.ExitStack() as stack:
        listening = listen("127.0.0.1", 0)
        address = listening.getsockname()
        uvicorn = running.runner(Server(Upstream("http://127.0.0.1:1"), ServerLimits()))
        thread = threading.Thread(target=uvicorn.run, kwargs={"sockets": [listening]})
        thread.start()
        client = stack.enter_context(connected(address))
        until(lambda: uvicorn.server_state.connections)
        uvicorn.should_exit = True
        until(lambda: refuses(address))
        if speaks:
            client.sendall(HEALTH)
            assert client.recv(15) == b"HTTP/1.1 200 OK"
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_request_in_flight_ends_though_it_takes_longer_than_the_drain(base):
    words = ("--model-base-path", str(base), "--drain", "0")
    body = {**BODY, "method": "rise", "options": {"samples": 3000}, "outputs": ["heatmap_png"]}
    result = []
    with command(*words) as started:

        def ask():
            result.append(
                httpx.post(started.url + EXPLAIN, json=body, timeout=60, trust_env=False)
            )

        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: number(httpx.get(f"{started.url}/metrics").text, "explain") == 1)
        assert started.end(signal.SIGTERM) == 0
        thread.join()
    assert result[0].status_code == 200


def test_a_sidecar_loads_neither_tensorflow_nor_keras(behind):
    """Not even for pictures in base64 and methods by predictions."""
    code = f"""
import threading, httpx
from tests.serving.servers import serving, b64
from tfxai.serving.models.upstream import Upstream
body = {{"instances": [{json.dumps(BODY["instances"][0])}], "outputs": ["heatmap_png", "heatmap"]}}
with serving(Upstream({behind!r})) as url:
    for method in ("saliency", "occlusion", "kernel_shap"):
        answer = httpx.post(url + {EXPLAIN!r}, json=body | {{"method": method}}, timeout=60)
        assert answer.status_code == 200, answer.text
"""
    light = code.replace("from tests.serving.servers import serving, b64", SERVING)
    assert not {"tensorflow", "keras", "sklearn", "h5py"} & set(loaded(light, "h5py"))


SERVING = """
import contextlib
from tfxai.serving.transport.app import Server
from tfxai.serving.limits import ServerLimits
from tfxai.serving.transport.listening import listen
from tfxai.serving.transport.running import runner
@contextlib.contextmanager
def serving(models):
    listening = listen("127.0.0.1", 0)
    uvicorn = runner(Server(models, ServerLimits()))
    thread = threading.Thread(target=uvicorn.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    uvicorn.should_exit = True
    thread.join()
"""


@pytest.mark.parametrize("url", ["localhost:8501", "ftp://a", "http://", "", "http://[", "\x00"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(InvalidInputError, match="is no address of a server"):
        Upstream(url)


def test_a_name_that_looks_like_a_path_stays_a_name(behind):
    """The server behind gets it quoted."""
    asked = []

    def answer(request):
        asked.append(request.path)
        answering(404, b'{"error": "Servable not found"}')(request)

    with false_server(answer) as url, in_front_of(url) as client:
        client.post("/v1/models/..%2F..%2Fadmin%3Fx:explain", json=BODY)
        for name in ("%2e%2e", "%2e"):
            assert client.get(f"/v1/models/{name}/metadata").status_code == 400
    assert asked == ["/v1/models/..%2F..%2Fadmin%3Fx/metadata"]
    assert np.all([path.count("/") == 4 for path in asked])
