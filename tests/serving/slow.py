"""A model that answers when the test lets it, behind a server of its own."""

from __future__ import annotations

import contextlib
import threading

import httpx
import numpy as np

from tests.serving.servers import PATIENCE, number, serving
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages.signatures import End, Signature
from tfxai.serving.models.model import Model, Models, State

ENDS = {"x": End("float32", (None, 2))}, {"y": End("float32", (None, 2))}
SIGNATURES = {
    "serving_default": Signature(*ENDS),
    "explain_slow": Signature(
        {**ENDS[0], "target": End("int32", (None,))},
        {
            "attributions": End("float32", (None, 2)),
            "score": End("float32", (None,)),
            "target": End("int32", (None,)),
        },
    ),
}
RECORD = {"signatures": {"explain_slow": {}}}


class Slow(Models):
    """A model that predicts when it `go`es, and explains when it is `explained`.

    `runs` has the signature, the rows and the thread of each run.
    """

    def __init__(self):
        self.go = threading.Event()
        self.explained = threading.Event()
        self.runs = []

    @property
    def begun(self):
        return len(self.runs)

    def names(self):
        return ["slow"]

    def states(self, which, deadline):
        return [State(1, "AVAILABLE")]

    def waits_for(self):
        return None

    @contextlib.contextmanager
    def model(self, which, deadline):
        yield SlowModel(self, which)


class SlowModel(Model):
    def __init__(self, models, which):
        super().__init__(which, 1, SIGNATURES, RECORD)
        self._models = models

    def run(self, signature, feeds, outputs, deadline):
        deadline.check()
        x = feeds["x"]
        self._models.runs.append((signature, len(x), threading.current_thread().name))
        if signature == "explain_slow":
            self._models.explained.wait(PATIENCE)
            return {"attributions": x, "score": x.sum(axis=1), "target": feeds["target"]}
        self._models.go.wait(PATIENCE)
        if np.isnan(x).any():
            raise ZeroDivisionError("a defect of the server")
        return {"y": x}


PREDICT = "/v1/models/slow:predict"
EXPLAIN = "/v1/models/slow:explain"
BODY = {"instances": [[1.0, 2.0]]}


@contextlib.contextmanager
def slow(**limits):
    """The models, and a client of their server."""
    models, options = Slow(), {}
    if "token" in limits:
        options["token"] = limits.pop("token")
    with (
        serving(models, ServerLimits(**limits), **options) as url,
        httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client,
    ):
        try:
            yield models, client
        finally:
            models.go.set()
            models.explained.set()


def inside(client, kind):
    """How many requests of a kind run or wait."""
    return number(client.get("/metrics").text, kind)


def refused(answer, status, said):
    """An answer with that status and a sentence."""
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert said in answer.json()["error"]


def in_threads(count, call):
    """What the calls of so many threads at a time give."""
    results = [None] * count

    def run(i):
        results[i] = call()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    return threads, results
