"""`:explain` over HTTP on this machine beside the call in this process; the memory of a server.

`tfxai serve --model-base-path` runs in a process of its own. Questions are an image as numbers,
answers the raw values. The number of requests is bounded.
"""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil
import tensorflow as tf
from rich.console import Console
from rich.table import Table

import tfxai
from benchmarks.timing import interleaved, milliseconds, ratio
from tfxai.data import sample_image
from tfxai.data.images import fit_image
from tfxai.export import save

METHODS = {
    "saliency": tfxai.Saliency(),
    "grad_cam": tfxai.GradCAM(),
    "integrated_gradients": tfxai.IntegratedGradients(steps=50),
}
PATH = "/v1/models/cifar10_cnn"
PREDICT = "predict"  # the model's own answer, among the names of methods
RUNS = 100
CLIENTS = (1, 8, 32)
REQUESTS = {PREDICT: 1000, "saliency": 1000, "grad_cam": 1000, "integrated_gradients": 250}
MEMORY_REQUESTS, WARM, MEMORY_CLIENTS = 10_000, 1_000, 4


def main() -> None:
    """Prints the tables."""
    console = Console(width=None if sys.stdout.isatty() else 100)
    subject = tfxai.load("cifar10_cnn")
    pixels = fit_image(sample_image("chelsea"), 32, 32)[None]
    image = np.asarray(subject.prepare(pixels), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        save(subject, Path(folder) / "cifar10_cnn" / "1", METHODS)
        with server("--model-base-path", folder) as (port, process):
            with server("--upstream", f"http://127.0.0.1:{port}") as (sidecar, _):
                console.print(latency_table(subject, image, port, sidecar))
            console.print(load_table(subject, image, port))
            console.print(memory_table(image, port, process))


@contextlib.contextmanager
def server(*options: str) -> Iterator[tuple[int, psutil.Process]]:
    """Port and process of a server that is ready, with the logs of every request."""
    words = ["-c", "from tfxai.cli import main; main()", "serve", *options, "--port", "0"]
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101
        port = int(process.stdout.readline().rstrip("/\n").rpartition(":")[2])
        try:
            while http_get(port, "/readyz") != 200:
                time.sleep(0.1)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()


def http_get(port: int, path: str) -> int:
    """Status of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    return connection.getresponse().status


def asking(port: int, image: np.ndarray, method: str) -> Callable[[], Any]:
    """A client with a connection of its own: asks, and reads the values."""
    path, asked = f"{PATH}:predict", {"instances": image.tolist()}
    if method != PREDICT:
        path, asked = f"{PATH}:explain", {**asked, "method": method}
    body = orjson.dumps(asked)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask() -> Any:
        connection.request("POST", path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"status {answer.status}: {content[:200]!r}")
        return content

    return ask


def latency_table(subject: tfxai.Subject, image: np.ndarray, port: int, sidecar: int) -> Table:
    """One client beside the bare call in this process, in turns."""
    table = Table(title=f"One client, {RUNS} rounds: :explain over the call in this process")
    for name in ("method", "call, ms", "HTTP, ms", "ratio", "through a sidecar, ms", "ratio"):
        table.add_column(name, justify="left" if name == "method" else "right")
    for name, call in bare_calls(subject, image).items():
        ways: dict[str, Callable[[], object]] = {
            "call": call,
            "http": asking(port, image, name),
            "sidecar": asking(sidecar, image, name),
        }
        for way in ways.values():
            for _ in range(10):
                way()
        times = interleaved(ways, RUNS)
        cells = [name, milliseconds(times["call"])]
        for way in ("http", "sidecar"):
            cells += [milliseconds(times[way]), f"{ratio(times[way], times['call'])[0]:.2f}"]
        table.add_row(*cells)
    return table


def bare_calls(subject: tfxai.Subject, image: np.ndarray) -> dict[str, Callable[[], object]]:
    """The calls in this process: the compiled model, and each method."""
    model = tf.function(subject.model)
    calls: dict[str, Callable[[], object]] = {PREDICT: lambda: model(image).numpy()}
    for name, method in METHODS.items():
        calls[name] = lambda method=method: method(subject, image)
    return calls


def load_table(subject: tfxai.Subject, image: np.ndarray, port: int) -> Table:
    """Throughput and times of several clients at once, beside the call in this process."""
    table = Table(title="Clients at once, each of them waits for its answer before it asks again")
    names = (
        "method",
        "clients",
        "requests/s",
        "p50, ms",
        "p99, ms",
        "time a request over the call",
    )
    for name in names:
        table.add_column(name, justify="left" if name == "method" else "right")
    calls = bare_calls(subject, image)
    for name, count in REQUESTS.items():
        for _ in range(10):
            calls[name]()
        bare = np.median(interleaved({"call": calls[name]}, RUNS)["call"])
        for clients in CLIENTS:
            took, spent = load(lambda name=name: asking(port, image, name), clients, count)
            p50, p99 = np.percentile(took, [50, 99]) * 1e3
            table.add_row(
                name, str(clients), f"{count / spent:.0f}", f"{p50:.1f}", f"{p99:.1f}",
                f"{spent / count / bare:.2f}",
            )  # fmt: skip
    return table


def load(make: Callable[[], Callable[[], Any]], clients: int, count: int) -> tuple[Any, float]:
    """Seconds of each of `count` requests, shared among clients, and of all of them."""
    took: list[float] = []
    failed: list[BaseException] = []
    left = iter(range(count))
    lock = threading.Lock()

    def client() -> None:
        try:
            ask = make()
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                began = time.perf_counter()
                ask()
                took.append(time.perf_counter() - began)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return np.array(took), time.perf_counter() - began


def memory_table(image: np.ndarray, port: int, process: psutil.Process) -> Table:
    """Resident memory of the server after it is warm, and after ten thousand requests."""
    title = f"{MEMORY_REQUESTS:,} requests of {MEMORY_CLIENTS} clients: the server's memory"
    table = Table(title=title)
    for name in ("requests", "resident, MB", "over the warm server"):
        table.add_column(name, justify="right")
    done, warm = 0, 0.0
    for upto in (WARM, *range(2500, MEMORY_REQUESTS + 1, 2500)):
        load(lambda: asking(port, image, "grad_cam"), MEMORY_CLIENTS, upto - done)
        done, now = upto, process.memory_info().rss / 1e6
        warm = warm or now
        table.add_row(f"{done:,}", f"{now:.0f}", f"{now / warm:.3f}")
    return table


if __name__ == "__main__":
    main()
