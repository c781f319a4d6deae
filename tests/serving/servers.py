"""Servers to ask: in this process over a socket, as a command of its own, and false ones."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

import tfxai
from tests.processes import ROOT
from tfxai.serving.limits import ServerLimits
from tfxai.serving.models.model import Models
from tfxai.serving.transport.app import Server
from tfxai.serving.transport.listening import listen
from tfxai.serving.transport.running import runner

START = "from tfxai.cli import main; main()"
PATIENCE = 300.0  # seconds that anything may take here before a test fails


@contextlib.contextmanager
def serving(models: Models, limits: ServerLimits | None = None, **options: Any) -> Iterator[str]:
    """The address of a server in a thread of this process."""
    listening = listen("127.0.0.1", 0)
    uvicorn = runner(Server(models, limits or ServerLimits(), **options))
    thread = threading.Thread(target=uvicorn.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        until(lambda: uvicorn.started)
        yield url
    finally:
        uvicorn.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


class Command:
    """`tfxai serve` in a process of its own."""

    def __init__(self, *words: str, waits: bool = True, **environment: str) -> None:
        self._log = io.StringIO()
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, "serve", "--port", "0", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "TF_CPP_MIN_LOG_LEVEL": "3",
                **environment,
            },
        )
        line = self.process.stdout.readline()
        assert " at http://" in line, line + self.process.stderr.read()
        self.url = line.split(" at ")[1].strip().rstrip("/")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if waits:
            until(lambda: is_ready(self.url))

    def _read(self) -> None:
        for line in self.process.stderr:
            self._log.write(line)

    @property
    def log(self) -> str:
        """What it wrote to its standard error."""
        return self._log.getvalue()

    def end(self, how: int = signal.SIGTERM) -> int:
        """Its exit status after a signal."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return status


@contextlib.contextmanager
def command(*words: str, waits: bool = True, **environment: str) -> Iterator[Command]:
    """`tfxai serve`, ready unless it is not waited for; ended with the block."""
    started = Command(*words, waits=waits, **environment)
    try:
        yield started
    finally:
        started.end(signal.SIGKILL)


def number(metrics: str, kind: str) -> int:
    """How many requests of a kind run or wait, by the text of `/metrics`."""
    found = re.search(rf'tfxai_requests_inside{{kind="{kind}"}} (\d+)', metrics)
    assert found is not None, metrics
    return int(found[1])


def until(holds: Callable[[], Any]) -> None:
    """Waits until it holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.02)


def refuses(address: tuple[str, int]) -> bool:
    """Whether nothing listens there."""
    try:
        socket.create_connection(address, timeout=0.1).close()
    except ConnectionRefusedError:
        return True
    except TimeoutError:  # it begins no more
        pass
    return False


def is_ready(url: str) -> bool:
    """Whether a server says that it is ready."""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    return False


@contextlib.contextmanager
def false_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server behind that does as the test says."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0))
            self.body = self.rfile.read(length)
            with contextlib.suppress(OSError):
                answer(self)

        do_POST = do_GET

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def photograph() -> bytes:
    """A JPEG of a cat."""
    stream = io.BytesIO()
    Image.fromarray(tfxai.data.sample_image("chelsea")).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def b64(data: bytes) -> dict[str, str]:
    """Bytes as they are sent."""
    return {"b64": base64.b64encode(data).decode()}


def pixels(data: bytes) -> np.ndarray:
    """(H, W, 3) uint8 of an image file."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(one.name for one in folder.iterdir())
