"""Running exports as a server does, in a process that exported none of them."""

from __future__ import annotations

import atexit
import functools
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfxai.export import fresh
from tfxai.export.probes import read_cases, write_cases
from tfxai.methods import create

_LOOP = """
import runpy, sys
main = runpy.run_path(sys.argv[1])["main"]
for line in sys.stdin:
    main(*line.rstrip("\\n").split("\\t"))
    print("done", flush=True)
"""


@functools.cache
def _server() -> Any:
    """One process for all tests: importing TensorFlow takes seconds."""
    server = subprocess.Popen(
        [sys.executable, "-P", "-W", "ignore", "-c", _LOOP, fresh.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(_end, server)
    return server


def _end(server: Any) -> None:
    for stream in (server.stdin, server.stdout):
        stream.close()
    server.wait()


def serve(path: Path, cases: dict[str, Any], folder: Path) -> tuple[dict[str, Any], Any]:
    """What each case gives in a TF1 session, and what failed, by the name of the case."""
    given, made = folder / "cases.npz", folder / "answers.npz"
    write_cases(given, {name: (feeds, {}) for name, feeds in cases.items()})
    server = _server()
    server.stdin.write("\t".join(["session", *map(str, (path, given, made))]) + "\n")
    server.stdin.flush()
    assert server.stdout.readline() == "done\n"
    told = json.loads(Path(f"{made}.json").read_text())
    return {name: out for name, (_, out) in read_cases(made).items()}, told["failed"]


def assert_same(given: Any, attribution: Any, size: tuple[int, int] | None = None) -> None:
    """A signature gave what the call in this process gave, to 1e-5 of the largest value."""
    largest = np.abs(attribution.values).max()
    assert given["attributions"].shape == attribution.values.shape
    assert given["attributions"].dtype == attribution.values.dtype
    np.testing.assert_allclose(
        given["attributions"], attribution.values, rtol=0, atol=1e-5 * largest
    )
    np.testing.assert_array_equal(given["target"], attribution.target)
    scores = [attribution.score, attribution.baseline_score]
    most = max(np.abs(one).max() for one in scores if one is not None)
    for name in ("score", "baseline_score", "completeness_gap"):
        expected = getattr(attribution, name)
        assert (name in given) == (expected is not None), name
        if expected is not None:
            np.testing.assert_allclose(given[name], expected, rtol=0, atol=1e-5 * most)
    if size is not None:
        heat = attribution.heatmap(size=size)
        np.testing.assert_allclose(given["heatmap"], heat, rtol=0, atol=1e-5)


def picture(png: bytes) -> np.ndarray:
    """(h, w, 3) uint8."""
    return np.asarray(Image.open(io.BytesIO(png)))


def ig(**options: Any) -> Any:
    """Integrated Gradients in a few steps."""
    return create("integrated_gradients", **{"steps": 4, **options})
