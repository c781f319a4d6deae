"""Well-behaved clients beside hostile ones: the server's memory, threads, descriptors and times.

`tfxai serve --model-base-path` runs in a process of its own, and so do the hostile clients. Both
kinds of client ask over HTTP and gRPC in turns. The number of requests is bounded. The exit status
is 1 where the server does not hold.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import dataclasses
import http.client
import io
import json
import multiprocessing
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
from PIL import Image
from rich.console import Console
from rich.table import Table

import tfxai
from benchmarks import attacks, grpc_attacks
from benchmarks.attacks import Seen
from benchmarks.serving import server
from tfxai.data import sample_image
from tfxai.export import save

REQUESTS, HOSTILE, ALONE, CLIENTS, HOSTILE_CLIENTS = 10_000, 3_333, 2_000, 4, 2
MODEL = "/v1/models/cifar10_cnn"
MOST_MEMORY, MOST_MORE, MOST_TIME = 1.25, 8, 2.0  # ratio, threads and descriptors, ratio
_QUIET = 15.0  # seconds in which what hostile clients left open is closed


@dataclasses.dataclass(frozen=True)
class Ports:
    """Where a server answers, on this machine.

    Args:
        http: Port of HTTP.
        grpc: Port of gRPC.
    """

    http: int
    grpc: int


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a run gave.

    Args:
        alone: p99 of the well-behaved clients without hostile ones, s.
        beside: p99 beside them, s.
        memory: Resident bytes after over before.
        descriptors: More of them after than before.
        threads: More of them after than before.
        honest: Statuses of the well-behaved requests.
        hostile: Kinds of hostile requests and their statuses.
        wrong: Those of either that are not meant.
    """

    alone: float
    beside: float
    memory: float
    descriptors: int
    threads: int
    honest: Seen
    hostile: Seen
    wrong: list[str]


def main() -> None:
    """Prints what a run of ten thousand requests gave."""
    with tempfile.TemporaryDirectory() as folder:
        save(tfxai.load("cifar10_cnn"), Path(folder) / "cifar10_cnn" / "1", ["saliency"])
        ports, asked = Ports(0, free_port()), ("--model-base-path", folder)
        with server(*asked, "--grpc-port", str(ports.grpc)) as (port, process):
            ports = dataclasses.replace(ports, http=port)
            found = measured(ports, process, REQUESTS, HOSTILE, ALONE)
    console = Console(width=None if sys.stdout.isatty() else 100)
    table = Table(title=f"{REQUESTS:,} requests, {HOSTILE:,} of them hostile")
    for name in ("what", "measured", "at most"):
        table.add_column(name)
    for row in rows(found):
        table.add_row(*row[:3])
    console.print(table)
    console.print("hostile requests:", dict(sorted(found.hostile.items())))
    failed = [row[0] for row in rows(found) if not row[3]]
    if failed:
        console.print("the server does not hold:", ", ".join(failed), found.wrong[:5])
    sys.exit(bool(failed))


def rows(found: Measured) -> list[tuple[str, str, str, bool]]:
    """What is measured, the value, its bound, and whether it holds."""
    ratio = found.beside / found.alone
    return [
        ("answers that are not meant", str(len(found.wrong)), "0", not found.wrong),
        ("p99 alone, ms", f"{1e3 * found.alone:.1f}", "", True),
        ("p99 beside hostile clients, ms", f"{1e3 * found.beside:.1f}", "", True),
        ("ratio", f"{ratio:.2f}", str(MOST_TIME), ratio <= MOST_TIME),
        ("memory after over before", f"{found.memory:.3f}", str(MOST_MEMORY),
         found.memory <= MOST_MEMORY),
        ("more descriptors", str(found.descriptors), str(MOST_MORE),
         found.descriptors <= MOST_MORE),
        ("more threads", str(found.threads), str(MOST_MORE), found.threads <= MOST_MORE),
    ]  # fmt: skip


def measured(
    ports: Ports, process: psutil.Process, requests: int, hostile: int, alone: int
) -> Measured:
    """Runs well-behaved clients alone, then beside hostile ones.

    Args:
        ports: Of the server.
        process: The server.
        requests: In all, when both are there.
        hostile: How many of them are hostile.
        alone: Requests of the well-behaved ones alone.
    """
    attacked(ports, 2 * max(attacks.KINDS, grpc_attacks.KINDS))  # makes all that is made once
    honest(ports, alone // 4)
    before, _ = honest(ports, alone)
    settle(process)
    memory, descriptors, threads = held(process)
    spawned = multiprocessing.get_context("spawn")
    results = spawned.Queue()
    share = -(-hostile // HOSTILE_CLIENTS)
    others = [
        spawned.Process(target=attack, args=(ports, share, results), daemon=True)
        for _ in range(HOSTILE_CLIENTS)
    ]
    for one in others:
        one.start()
    took, statuses = honest(ports, requests - hostile)
    seen: Seen = collections.Counter()
    for _ in others:
        seen.update(results.get(timeout=600))
    for one in others:
        one.join()
    settle(process)
    after = held(process)
    wrong = [f"honest {status}" for status in statuses if status != "200"]
    wrong += [kind for kind in seen if not _is_meant(kind)]
    return Measured(
        float(np.percentile(before, 99)),
        float(np.percentile(took, 99)),
        after[0] / memory,
        after[1] - descriptors,
        after[2] - threads,
        statuses,
        seen,
        wrong,
    )


def attack(ports: Ports, count: int, results: Any) -> None:
    """Puts into a queue what `attacked` gives: for a process of its own."""
    results.put(attacked(ports, count))


def attacked(ports: Ports, count: int) -> Seen:
    """Hostile requests of all kinds, half of them over gRPC, both at a time."""
    seen: list[Seen] = []
    calls = (
        lambda: attacks.attacked(ports.http, count - count // 2),
        lambda: grpc_attacks.attacked(ports.grpc, count // 2),
    )
    threads = [threading.Thread(target=lambda call=call: seen.append(call())) for call in calls]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sum(seen, collections.Counter())


def _is_meant(kind: str) -> bool:
    return (grpc_attacks if kind.startswith("gRPC, ") else attacks).is_meant(kind)


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def held(process: psutil.Process) -> tuple[int, int, int]:
    """Resident bytes, descriptors and threads."""
    return process.memory_info().rss, process.num_fds(), process.num_threads()


def settle(process: psutil.Process) -> None:
    """Waits until connections that nobody uses are closed."""
    end = time.monotonic() + _QUIET
    while time.monotonic() < end and process.net_connections():
        if all(one.status == psutil.CONN_LISTEN for one in process.net_connections()):
            return
        time.sleep(0.2)


def honest(ports: Ports, count: int) -> tuple[list[float], Seen]:
    """Seconds and statuses of well-behaved requests, shared among clients."""
    took: list[float] = []
    seen: Seen = collections.Counter()
    left, lock = iter(range(count)), threading.Lock()
    questions = [*_questions(), *_calls()]

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", ports.http, timeout=120)
        with contextlib.closing(connection), grpc_attacks.channel(ports.grpc) as channel:
            while True:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                question = questions[number % len(questions)]
                began = time.perf_counter()
                status = _asked(connection, channel, *question)
                took.append(time.perf_counter() - began)
                with lock:
                    seen[status] += 1

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return took, seen


def _asked(
    connection: http.client.HTTPConnection,
    channel: grpc.Channel,
    method: str,
    path: str,
    body: bytes | None,
) -> str:
    """The status of an answer; 200 for gRPC's OK."""
    if method != "gRPC":
        connection.request(method, path, body)
        answer = connection.getresponse()
        answer.read()
        return str(answer.status)
    try:
        grpc_attacks.ask(channel, path, body or b"")
    except grpc.RpcError as error:
        return f"{path}: {error.code().name}, {error.details()}"
    return "200"


def _calls() -> list[tuple[str, str, bytes | None]]:
    """The same over gRPC."""
    predict, infer = grpc_attacks.PREDICT.path, grpc_attacks.INFER.path
    requests = [
        (predict, grpc_attacks.predict_request()),
        (predict, grpc_attacks.predict_request(grpc_attacks.SALIENCY, outputs=("attributions",))),
        (infer, grpc_attacks.infer_request()),
    ]
    return [("gRPC", path, one.SerializeToString()) for path, one in requests]


def _questions() -> list[tuple[str, str, bytes | None]]:
    """Method, path and body of what well-behaved clients ask."""
    stream = io.BytesIO()
    Image.fromarray(sample_image("chelsea")).resize((64, 64)).save(stream, "JPEG")
    picture = {"b64": base64.b64encode(stream.getvalue()).decode()}
    numbers = np.full((1, 32, 32, 3), 0.5).tolist()
    explain = {"instances": [picture], "outputs": ["heatmap_png"], "method": "saliency"}
    tensor = {"name": "Input_Layer", "shape": [1, 32, 32, 3], "datatype": "FP32", "data": numbers}
    return [
        ("POST", f"{MODEL}:predict", json.dumps({"instances": numbers}).encode()),
        ("POST", f"{MODEL}:explain", json.dumps(explain).encode()),
        ("POST", "/v2/models/cifar10_cnn/infer", json.dumps({"inputs": [tensor]}).encode()),
        ("GET", MODEL, None),
        ("GET", "/readyz", None),
    ]


if __name__ == "__main__":
    main()
