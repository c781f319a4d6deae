"""The routes under /v2: the Open Inference Protocol, KServe's second one."""

from __future__ import annotations

import base64
import importlib.metadata
import math
import re
from typing import Any
from urllib.parse import unquote

import numpy as np

from tfxai.arrays import Array
from tfxai.serving.admission import check_kind
from tfxai.serving.explaining.calling import LARGE, call_signature, check_size
from tfxai.serving.limits import Limits
from tfxai.serving.messages import json_codec
from tfxai.serving.messages.problems import RequestError, bad
from tfxai.serving.messages.signatures import End
from tfxai.serving.messages.tensors import Feeds, check_shape, read_array
from tfxai.serving.models.model import Deadline, Model, Models, Which
from tfxai.serving.transport.rest import Call, Reply, reply

_PATH = re.compile(
    r"/v2/models/(?P<name>[^/]+)(?:/versions/(?P<version>\d{1,18}))?(?P<end>/ready|/infer)?"
)
_DATATYPES = {
    "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64",
    "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64", "float16": "FP16",
    "float32": "FP32", "float64": "FP64", "string": "BYTES", "bfloat16": "BF16",
}  # fmt: skip
_SIGNATURE = "signature_name"


class OpenInference:
    """Answers what comes under /v2. `parameters.signature_name` of a request picks a signature.

    Args:
        models: Where answers come from.
        limits: What a request may ask for.
    """

    def __init__(self, models: Models, limits: Limits) -> None:
        self._models = models
        self._limits = limits

    def __call__(self, call: Call) -> Reply:
        """The answer.

        Raises:
            RequestError: There is none.
        """
        path = call.path.rstrip("/")
        if call.method == "GET" and path == "/v2":
            version = importlib.metadata.version("tfxai")
            return reply({"name": "tfxai", "version": version, "extensions": []})
        found = _PATH.fullmatch(path)
        wanted = "POST" if found is not None and found["end"] == "/infer" else "GET"
        if found is None or call.method != wanted:
            raise RequestError(404, f"There is no {call.method} {call.path[:500]}.")
        number = int(found["version"]) if found["version"] else None
        which = Which(unquote(found["name"]), number)
        if found["end"] == "/infer":
            return self._infer(which, call)
        if found["end"] == "/ready":
            return self._ready(which, call.deadline)
        with self._models.model(which, call.deadline) as model:
            return reply(_metadata(model), model=which.name)

    def _ready(self, which: Which, deadline: Deadline) -> Reply:
        states = self._models.states(which, deadline)
        is_ready = any(one.state == "AVAILABLE" for one in states)
        content = {"name": which.name, "ready": is_ready}
        return Reply(200 if is_ready else 503, json_codec.write(content))

    def _infer(self, which: Which, call: Call) -> Reply:
        if len(call.body) > LARGE:
            self._models.use(
                which, call.deadline, lambda model: check_size(call.body, model, self._limits)
            )
        body = json_codec.read(call.body)
        if not isinstance(body, dict) or not isinstance(body.get("inputs"), list):
            raise bad("The body was expected to be an object with 'inputs', a list of tensors.")
        parameters = body.get("parameters", {})
        if not isinstance(parameters, dict):
            raise bad("'parameters' was expected to be an object.")

        def infer(model: Model) -> Reply:
            name = parameters.get(_SIGNATURE, model.serve)
            known = [one for one in model.signatures if not one.startswith("__")]
            if name not in known:
                raise bad(f"There is no signature {str(name)[:100]!r}. Known: {', '.join(known)}.")
            check_kind(name, call.kind)
            signature = model.signatures[name]
            feeds = _feeds(body["inputs"], signature.inputs)
            wanted = _wanted(body.get("outputs"), signature.outputs)
            given = call_signature(model, name, feeds, wanted, self._limits, call.deadline)
            content: dict[str, Any] = {"model_name": which.name}
            if model.version is not None:
                content["model_version"] = str(model.version)
            if isinstance(body.get("id"), str):
                content["id"] = body["id"]
            content["outputs"] = [
                _written(one, given[one], signature.outputs[one]) for one in wanted
            ]
            about = {"model": which.name, "version": model.version, "signature": name}
            return reply(content, verb="infer", **about)

        return self._models.use(which, call.deadline, infer)


def _metadata(model: Model) -> dict[str, Any]:
    signature = model.signatures.get(model.serve)
    ends = (signature.inputs, signature.outputs) if signature is not None else ({}, {})
    return {
        "name": model.which.name,
        "versions": [] if model.version is None else [str(model.version)],
        "platform": "tensorflow_savedmodel",
        "inputs": [_end(name, end) for name, end in ends[0].items()],
        "outputs": [_end(name, end) for name, end in ends[1].items()],
    }


def _end(name: str, end: End) -> dict[str, Any]:
    sizes = [-1 if n is None else n for n in end.shape or ()]
    return {"name": name, "datatype": _DATATYPES.get(end.dtype, end.dtype), "shape": sizes}


def _feeds(tensors: list[Any], ends: dict[str, End]) -> Feeds:
    feeds: Feeds = {}
    for one in tensors:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise bad("Each of 'inputs' was expected to be an object with a 'name'.")
        name = one["name"]
        if name not in ends or name in feeds:
            raise bad(f"Input {name[:100]!r} is not one of {', '.join(ends)}, each of them once.")
        feeds[name] = _tensor(name, one, ends[name])
    missing = [name for name in ends if name not in feeds]
    if missing:
        raise bad(f"Missing input {missing[0]!r}: {', '.join(ends)} are expected.")
    return feeds


def _tensor(name: str, tensor: dict[str, Any], end: End) -> Array:
    shape, data = tensor.get("shape"), tensor.get("data")
    is_shape = isinstance(shape, list) and all(
        isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**40 for n in shape
    )
    if not isinstance(shape, list) or not is_shape or not isinstance(data, list):
        raise bad(f"Input {name!r} was expected to have a 'shape' and 'data', both lists.")
    wanted = _DATATYPES.get(end.dtype, end.dtype)
    if tensor.get("datatype") != wanted:
        raise bad(f"Input {name!r} was expected to have the datatype {wanted}.")
    check_shape(name, tuple(shape), end)
    flat = _flat(name, data, end)
    if flat.size != math.prod(shape):
        raise bad(f"Input {name!r} has {flat.size} numbers, and its shape {math.prod(shape)}.")
    return flat.reshape(shape)


def _flat(name: str, data: list[Any], end: End) -> Array:
    """Data in any nesting, which the protocol allows, as one axis."""
    return read_array(name, data, End(end.dtype, None)).ravel()


def _wanted(asked: Any, ends: dict[str, End]) -> list[str]:
    if asked is None:
        return list(ends)
    if not isinstance(asked, list) or not asked:
        raise bad("'outputs' was expected to be a list of objects with a 'name'.")
    names = [one.get("name") if isinstance(one, dict) else None for one in asked]
    for name in names:
        if name not in ends or names.count(name) > 1:
            raise bad(
                f"Output {str(name)[:100]!r} is not one of {', '.join(ends)}, each of them once."
            )
    return [str(name) for name in names]


def _written(name: str, array: Array, end: End) -> dict[str, Any]:
    array = np.asarray(array)
    flat: Any = array.ravel()
    if end.dtype == "string":
        flat = [_text(bytes(one)) for one in flat]
    datatype = _DATATYPES.get(end.dtype, end.dtype)
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": flat}


def _text(data: bytes) -> str:
    """BYTES in JSON are texts: those that are none are sent in base64."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
