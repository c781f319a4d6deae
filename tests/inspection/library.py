"""What the libraries that load a model make of a file, each read in a process that may crash.

A process is asked for one file after the other and answers in JSON: what it read, or its error.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.processes import ROOT

HDF5 = """
import h5py, numpy as np
def plain(value):
    if isinstance(value, np.ndarray):
        return [plain(one) for one in value.ravel()] if value.dtype.kind in "SO" else None
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else None
def read(path):
    found = {}
    def visit(name, item):
        attributes = {key: plain(value) for key, value in item.attrs.items()}
        found[name] = ["group", attributes]
        if isinstance(item, h5py.Dataset):
            kind = "text" if item.dtype.kind in "SO" else item.dtype.name
            shape = [0] if item.shape is None else list(item.shape)
            found[name] = [kind, attributes, shape, item.id.get_storage_size()]
    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)
        seen = set()
        def links(group, above):
            place = h5py.h5o.get_info(group.id).addr
            if place in seen:
                return
            seen.add(place)
            for name in group:
                link = group.get(name, getlink=True)
                if not isinstance(link, h5py.HardLink):
                    found[above + name] = ["link", {}]
                elif isinstance(group[name], h5py.Group):
                    links(group[name], above + name + "/")
        links(file, "")
    return found
"""

SAVED_MODEL = """
import collections, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from tensorflow.core.protobuf import saved_model_pb2
def read(path):
    proto = saved_model_pb2.SavedModel.FromString(open(path, "rb").read())
    ops, signatures, assets, tags = collections.Counter(), {}, [], []
    for meta in proto.meta_graphs:
        tags += meta.meta_info_def.tags
        nodes = [meta.graph_def.node, *(f.node_def for f in meta.graph_def.library.function)]
        ops.update(node.op for some in nodes for node in some)
        for name, one in meta.signature_def.items():
            if name == "__saved_model_init_op":  # the loader's, which is not told of
                continue
            ends = [sorted((key, end.dtype) for key, end in some.items())
                    for some in (one.inputs, one.outputs)]
            signatures[name] = [*ends, one.method_name]
        assets += [asset.filename for asset in meta.asset_file_def]
    return {"ops": dict(ops), "signatures": signatures, "tags": tags}
"""

LOOP = """
import json, sys
for line in sys.stdin:
    try:
        answer = {"read": read(json.loads(line))}
    except BaseException as error:
        answer = {"error": type(error).__name__ + ": " + str(error)[:200]}
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
"""


_SECONDS = 20.0  # until an answer is not waited for


class Library:
    """A library in a process of its own, started again where a file made it crash.

    Args:
        code: Defines `read(path)`.
    """

    def __init__(self, code: str) -> None:
        self._code, self._process = code + LOOP, None

    def read(self, path: Path) -> Any:
        """What it makes of a file; None where it refuses it or crashes."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", self._code], cwd=ROOT, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(str(path)) + "\n")
        self._process.stdin.flush()
        ready = select.select([self._process.stdout], [], [], _SECONDS)[0]
        answer = self._process.stdout.readline() if ready else ""
        if not answer:
            self._process.kill()
            self._process.wait()
            return None
        return json.loads(answer).get("read")

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process.wait()
