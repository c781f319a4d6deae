"""Whatever clients of gRPC do, others are answered: connections, calls, answers are bounded."""

from __future__ import annotations

import contextlib
import re
import socket
import time

import grpc
import httpx
import numpy as np
import psutil
import pytest
from tensorflow_serving.apis import predict_pb2

from benchmarks import http2
from tests.serving.grpc_clients import Client, front
from tests.serving.servers import PATIENCE, until
from tests.serving.slow import Slow
from tfxai.serving.limits import ServerLimits
from tfxai.serving.transport import grpc_front

X = np.float32([[1, 2]])


class Asked:
    """A server of gRPC, and a well-behaved client that has a connection."""

    def __init__(self, address, url, models):
        self.address, self.url, self.models = address, url, models
        self.client = Client(address)
        self.is_answered()

    def is_answered(self, client=None):
        """Whether a client gets what it should; else an error."""
        _, outputs = (client or self.client).predict("slow", {"x": X})
        np.testing.assert_array_equal(outputs["y"], X)
        return True

    def number(self, name):
        """A number of `/metrics`."""
        text = httpx.get(f"{self.url}/metrics", trust_env=False).text
        return int(float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1]))

    @property
    def calls(self):
        """Calls of gRPC that are not done."""
        return self.number("tfxai_grpc_calls")


@contextlib.contextmanager
def asked(**limits):
    """A server, which has no more descriptors and threads afterwards than before."""
    models = Slow()
    models.go.set()
    with front(models, ServerLimits(**limits)) as (address, url):
        made = Asked(address, url, models)
        ours = psutil.Process()
        descriptors, threads = ours.num_fds(), ours.num_threads()
        yield made
        until(lambda: made.calls == 0)
        until(lambda: made.number('tfxai_connections{protocol="grpc"}') == 0)
        until(lambda: ours.num_fds() <= descriptors + 2)
        until(lambda: ours.num_threads() <= threads + 8)
        made.client.channel.close()


@contextlib.contextmanager
def connections(address, count, sent=b""):
    """Sockets that have sent those bytes."""
    host, _, port = address.rpartition(":")
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection((host, int(port)), PATIENCE))
            with contextlib.suppress(ConnectionError):
                one.sendall(sent)
            made.append(one)
        yield made


def send(made, data):
    """Sends it, as far as the server takes it."""
    with contextlib.suppress(ConnectionError):
        made.sendall(data)


def until_closed(made):
    """The frames that come until the server closes the connection: kind, stream and content."""
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while part := made.recv(65536):
            data += part
    return http2.frames(bytes(data))


def message(rows=1):
    """A request that can be answered."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "slow"
    x = request.inputs["x"]
    x.dtype, x.tensor_content = 1, np.zeros((rows, 2), np.float32).tobytes()
    for size in (rows, 2):
        x.tensor_shape.dim.add().size = size
    return request.SerializeToString()


def test_connections_are_bounded_and_silent_ones_end(monkeypatch):
    monkeypatch.setattr(grpc_front, "_HANDSHAKE", 3000)
    with asked(connections=20) as server, connections(server.address, 60) as made:
        assert server.is_answered()
        assert httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200
        for one in made[-35:]:  # at once: there were twenty
            assert until_closed(one) == []
        for one in made[:-35]:
            assert all(kind != http2.HEADERS for kind, *_ in until_closed(one))
        new = Client(server.address)
        assert server.is_answered(new)
        new.channel.close()


@pytest.mark.parametrize(
    "sent",
    [b"", http2.frame(http2.HEADERS, 0, 1, http2.head()[:20])],
    ids=["nothing", "half a head"],
)
def test_connections_without_a_call_are_closed(monkeypatch, sent):
    monkeypatch.setattr(grpc_front, "_IDLE", 300)
    with asked() as server, connections(server.address, 5, http2.settings() + sent) as made:
        for one in made:
            found = until_closed(one)
            assert any(kind == http2.GOAWAY and b"idle" in text for kind, _, text in found)
        assert server.is_answered()


def test_calls_of_a_connection_are_bounded_and_keep_no_other_one_from_being_read():
    with asked(connections=50, body=2**20, bodies=2**21, receive=PATIENCE) as server:
        begin = http2.settings() + b"".join(http2.call(2 * i + 1) for i in range(300))
        with connections(server.address, 1, begin) as (made,):
            until(lambda: server.calls >= 30)
            for _ in range(3):
                assert server.is_answered()
            assert server.calls <= 100
            assert server.number('tfxai_connections{protocol="grpc"}') == 1
            made.settimeout(0.1)
            data = bytearray()
            with contextlib.suppress(TimeoutError):
                while True:
                    data += made.recv(65536)
            resets = [text for kind, _, text in http2.frames(bytes(data)) if kind == http2.RESET]
            assert sum(text[-1] in http2.TOO_MANY for text in resets) == 200


def test_many_connections_whose_messages_do_not_come_keep_no_other_one_from_being_read():
    with asked(connections=100, body=2**20, bodies=2**21, receive=PATIENCE) as server:
        begin = http2.settings() + b"".join(http2.call(2 * i + 1) for i in range(10))
        with connections(server.address, 40, begin):
            until(lambda: server.calls >= 100)
            for _ in range(3):
                assert server.is_answered()
            assert server.calls <= 200  # two hundred of four hundred have given way


def test_a_message_that_comes_byte_by_byte_is_given_up():
    with asked(receive=0.5) as server:
        begin = http2.settings() + http2.call(1) + http2.frame(http2.DATA, 0, 1, b"\0\0\1\0\0")
        with connections(server.address, 1, begin) as (made,):
            made.settimeout(0.02)
            data, ends = bytearray(), time.monotonic() + PATIENCE
            while b"within 0.5 s" not in data and time.monotonic() < ends:
                send(made, http2.frame(http2.DATA, 0, 1, b"\0"))
                with contextlib.suppress(TimeoutError):
                    data += made.recv(65536)
            assert b"within 0.5 s" in data
            assert server.is_answered()


def test_giant_metadata_is_refused():
    with asked() as server:
        metadata = [("large", "a" * 100_000)]
        with pytest.raises(grpc.RpcError) as caught:
            server.client.predict("slow", {"x": X}, metadata=metadata)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert server.is_answered()
        begun = server.models.begun
        more = http2.frame(http2.CONTINUATION, 0, 1, b"\0\1a\x7e" + b"b" * 126) * 1000
        begin = http2.settings() + http2.frame(http2.HEADERS, 0, 1, http2.head())
        with connections(server.address, 1, begin) as (made,):
            before = psutil.Process().memory_info().rss
            for _ in range(3000):
                send(made, more)
            assert server.is_answered()
            # of 400 MB of a head, as much stays as the allocator keeps at most
            assert psutil.Process().memory_info().rss - before < 250e6
        assert server.models.begun == begun + 1


def test_pings_without_end_close_the_connection():
    with asked() as server, connections(server.address, 1, http2.settings()) as (made,):
        send(made, http2.frame(http2.PING, 0, 0, b"12345678") * 1000)
        (*_, (kind, _, text)) = until_closed(made)
        assert kind == http2.GOAWAY
        assert text.endswith(b"too_many_pings")
        assert server.is_answered()


def test_calls_that_are_taken_back_at_once_leave_nothing():
    with asked() as server, connections(server.address, 2, http2.settings()) as made:
        back = (http2.CANCEL).to_bytes(4, "big")
        for i in range(5000):
            for one in made:
                stream = 2 * i + 1
                reset = http2.frame(http2.RESET, 0, stream, back)
                send(one, http2.call(stream, message() if i % 2 else None) + reset)
        assert server.is_answered()
        until(lambda: server.calls == 0)
        until(
            lambda: all(
                server.number(f'tfxai_requests_inside{{kind="{kind}"}}') == 0
                for kind in ("predict", "explain", "look")
            )
        )


def test_answers_that_are_not_read_end_with_their_connection(monkeypatch):
    monkeypatch.setattr(grpc_front, "_AGE", 2000)
    with asked(seconds=1.0, receive=1.0) as server:
        begin = http2.settings(window=0) + b"".join(
            http2.call(2 * i + 1, message()) for i in range(10)
        )
        with connections(server.address, 3, begin) as made:
            until(lambda: server.models.begun == 31)
            assert server.is_answered()
            assert server.calls == 30  # done, but for the reading
            assert server.number('tfxai_connections{protocol="grpc"}') == 3
            for one in made:
                assert any(kind == http2.GOAWAY for kind, *_ in until_closed(one))
