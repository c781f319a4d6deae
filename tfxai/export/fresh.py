"""Runs the signatures of a SavedModel as a program of its own that knows nothing of tfxai.

python fresh.py session|eager FOLDER CASES.npz ANSWERS.npz: `session` loads as TensorFlow Serving
does (`Session::Run` over the restored graph), `eager` as Python does. CASES holds `CASE/in/NAME`,
ANSWERS gets `CASE/out/NAME`; CASE is a signature's name, or that and `@` and anything. What fails
and how long each took goes to ANSWERS.npz.json.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Feeds = dict[str, Any]
Run = Callable[[str, Feeds], Feeds]


def main(mode: str, folder: str, cases: str, answers: str) -> None:
    """Loads the model once and runs every case."""
    import tensorflow as tf

    began = time.perf_counter()
    failed: dict[str, str] = {}
    seconds: dict[str, float] = {}
    arrays: Feeds = {}
    try:
        run = {"session": _session, "eager": _eager}[mode](tf, folder)
    except Exception as error:  # whatever TensorFlow makes of a bad file
        failed[""] = _sentence(error)
    seconds[""] = time.perf_counter() - began
    for case, feeds in {} if failed else _read(cases).items():
        began = time.perf_counter()
        try:
            given = run(case.partition("@")[0], feeds)
            arrays |= {f"{case}/out/{name}": _storable(array) for name, array in given.items()}
        except Exception as error:
            failed[case] = _sentence(error)
        seconds[case] = time.perf_counter() - began
    np.savez(answers, **arrays)
    Path(f"{answers}.json").write_text(json.dumps({"failed": failed, "seconds": seconds}))


def _session(tf: Any, folder: str) -> Run:
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta = tf.compat.v1.saved_model.load(session, ["serve"], folder)

    def run(name: str, feeds: Feeds) -> Feeds:
        signature = meta.signature_def[name]
        fetches = {key: info.name for key, info in signature.outputs.items()}
        return session.run(fetches, {signature.inputs[k].name: v for k, v in feeds.items()})

    return run


def _eager(tf: Any, folder: str) -> Run:
    loaded = tf.saved_model.load(folder)

    def run(name: str, feeds: Feeds) -> Feeds:
        given = loaded.signatures[name](**{k: tf.constant(v) for k, v in feeds.items()})
        return {key: tensor.numpy() for key, tensor in given.items()}

    return run


def _read(path: str) -> dict[str, Feeds]:
    cases: dict[str, Feeds] = {}
    with np.load(path, allow_pickle=False) as file:
        for place in file.files:
            case, end, name = place.split("/", 2)
            if end == "in":
                cases.setdefault(case, {})[name] = file[place]
    return cases


def _storable(array: Any) -> Any:
    array = np.asarray(array)
    if array.dtype != object:
        return array
    return np.array([bytes(one) for one in array.ravel()]).reshape(array.shape)


def _sentence(error: Exception) -> str:
    """The first lines of an error that say something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("Graph execution error", "[["))]
    return f"{type(error).__name__}: {' '.join(lines[:3])[:400]}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
