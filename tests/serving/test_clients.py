"""Clients of other projects: NVIDIA's tritonclient and the SDK of KServe.

They need an environment of their own, which `make clients` makes: theirs is another protobuf.
"""

from __future__ import annotations

import json
import os
import subprocess

import numpy as np
import pytest

from tests.processes import ROOT
from tests.serving.servers import PATIENCE

PYTHON = os.environ.get("TFXAI_CLIENTS", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="TFXAI_CLIENTS names no Python with these clients"),
]
COLUMNS = {"left": [[1, 2], [0.5, 0]], "right": [[3, 4], [1, 1]]}


def ran(what: str, url: str, address: str = "") -> dict:
    """What a client says."""
    script = ROOT / "tests" / "serving" / "clients.py"
    done = subprocess.run(
        [PYTHON, str(script), what, url, address],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def expected(server) -> np.ndarray:
    """The answer of `pair`, (2, 3)."""
    answer = server.post("/v1/models/pair:predict", json={"inputs": COLUMNS})
    return np.array(answer.json()["outputs"], np.float32)


def check_answers(told: dict, expected: np.ndarray) -> None:
    """All roads lead to the same numbers."""
    for how, numbers in told["answers"].items():
        np.testing.assert_array_equal(np.float32(numbers), expected, err_msg=how)


def check_explained(told: dict, server) -> None:
    """The heatmap is that of `:explain`."""
    x = np.linspace(0, 1, 3072, dtype=np.float32).reshape(1, 32, 32, 3)
    question = {
        "instances": x.tolist(),
        "method": "grad_cam",
        "target": 3,
        "outputs": ["heatmap"],
    }
    answer = server.post("/v1/models/cifar10_cnn:explain", json=question).json()
    heatmap = answer["explanations"][0]["attributions"][0]["heatmap"]
    np.testing.assert_allclose(told["explained"]["heatmap"][0], heatmap, rtol=1e-5, atol=1e-6)
    assert told["explained"]["png"] == "89504e47"


def test_tritonclient_over_http(behind, server, expected):
    told = ran("triton_http", behind)
    assert [told[key] for key in ("live", "ready", "model")] == [True] * 3
    assert told["server"] == "tfxai"
    assert [one["name"] for one in told["metadata"]["inputs"]] == ["left", "right"]
    assert "Servable not found for request: Latest(none)" in told["refused"]
    assert set(told["answers"]) == {"default", "json", "gzip", "deflate"}
    check_answers(told, expected)
    check_explained(told, server)


def test_the_sdk_of_kserve_over_rest(behind, expected):
    told = ran("kserve_rest", behind)
    assert [told[key] for key in ("live", "ready", "model")] == [True] * 3
    assert told["first"] is True
    assert told["explained"] == "grad_cam"
    assert set(told["answers"]) == {"rows", "json", "bytes"}
    check_answers(told, expected)
