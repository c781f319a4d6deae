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
from tfxai.serving.explaining.calling import LARGE, check_size
from tfxai.serving.explaining.signature_calls import SignatureCalls
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import json_codec
from tfxai.serving.messages.binary import datatype, is_possible, read_binary, write_binary
from tfxai.serving.messages.problems import RequestError, bad
from tfxai.serving.messages.signatures import End
from tfxai.serving.messages.tensors import Feeds, check_shape, read_array
from tfxai.serving.models.model import Deadline, Model, Models, Which
from tfxai.serving.sampling import Sample
from tfxai.serving.transport.rest import Call, Reply, reply

_PATH = re.compile(
    r"/v2/models/(?P<name>[^/]+)(?:/versions/(?P<version>\d{1,18}))?(?P<end>/ready|/infer)?"
)
SIGNATURE = "signature_name"
_SIZE = "binary_data_size"
_HEADER = "inference-header-content-length"
_BINARY = "application/octet-stream"


class OpenInference:
    """Answers what comes under /v2. `parameters.signature_name` of a request picks a signature.

    Args:
        models: Where answers come from.
        limits: What a request may ask for.
        sample: What keeps some of the explanations, None where nothing does.
    """

    def __init__(self, models: Models, limits: ServerLimits, sample: Sample | None = None) -> None:
        self._models = models
        self._limits = limits
        self._calls = SignatureCalls(limits, sample)

    def __call__(self, call: Call) -> Reply:
        """The answer.

        Raises:
            RequestError: There is none.
        """
        path = call.path.rstrip("/")
        if call.method == "GET" and path == "/v2":
            return reply(server_metadata())
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
            return reply(metadata(model), model=which.name)

    def _ready(self, which: Which, deadline: Deadline) -> Reply:
        states = self._models.states(which, deadline)
        is_ready = any(one.state == "AVAILABLE" for one in states)
        content = {"name": which.name, "ready": is_ready}
        return Reply(200 if is_ready else 503, json_codec.write(content))

    def _infer(self, which: Which, call: Call) -> Reply:
        text, data = _parts(call)
        if len(text) > LARGE:
            self._models.use_known(
                which, call.deadline, lambda model: check_size(text, model, self._limits)
            )
        body = json_codec.read(text)
        if not isinstance(body, dict) or not isinstance(body.get("inputs"), list):
            raise bad("The body was expected to be an object with 'inputs', a list of tensors.")
        parameters = body.get("parameters", {})
        if not isinstance(parameters, dict):
            raise bad("'parameters' was expected to be an object.")

        def infer(model: Model) -> Reply:
            name = known_signature(parameters.get(SIGNATURE, model.serve), model)
            check_kind(name, call.kind)
            signature = model.signatures[name]
            feeds = _feeds(body["inputs"], signature.inputs, data)
            wanted = wanted_outputs(body.get("outputs"), signature.outputs)
            given = self._calls(model, name, feeds, wanted, call.deadline)
            content: dict[str, Any] = {"model_name": which.name}
            if model.version is not None:
                content["model_version"] = str(model.version)
            if isinstance(body.get("id"), str):
                content["id"] = body["id"]
            about = {"model": which.name, "version": model.version, "signature": name}
            are_binary = _are_binary(body, wanted)
            return _answer(
                content, given, signature.outputs, are_binary, {"verb": "infer", **about}
            )

        return self._models.use_known(which, call.deadline, infer)


def _parts(call: Call) -> tuple[bytes, bytes]:
    """The JSON of a request, and what follows it: the bytes of tensors, one after the other."""
    said = call.json_length
    if said is None:
        return call.body, b""
    length = int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else -1
    if not 0 <= length <= len(call.body):
        raise bad(
            f"Inference-Header-Content-Length is {said[:50]!r}. Send the number of bytes of JSON "
            f"with which the body begins, of {len(call.body)} that came."
        )
    return call.body[:length], call.body[length:]


def _are_binary(body: dict[str, Any], wanted: list[str]) -> dict[str, bool]:
    """Which outputs are sent as bytes behind the JSON: all, or those that say so themselves."""
    rest = body.get("parameters", {}).get("binary_data_output") is True
    said = {one["name"]: one.get("parameters") for one in body.get("outputs") or []}
    return {
        name: said[name].get("binary_data", rest) is True
        if isinstance(said.get(name), dict)
        else rest
        for name in wanted
    }


def _answer(
    content: dict[str, Any],
    given: Feeds,
    ends: dict[str, End],
    are_binary: dict[str, bool],
    about: dict[str, Any],
) -> Reply:
    """The answer with its outputs, in JSON or as bytes behind it."""
    parts, outputs = [], []
    for name, is_binary in are_binary.items():
        if is_binary:
            parts.append(write_binary(given[name], ends[name]))
            told = {"parameters": {_SIZE: len(parts[-1])}}
        else:
            told = {"data": _data(given[name], ends[name])}
        shape = list(np.shape(given[name]))
        outputs.append({"name": name, "datatype": datatype(ends[name]), "shape": shape, **told})
    text = json_codec.write({**content, "outputs": outputs})
    if not parts:
        return Reply(200, text, about=about)
    headers = {_HEADER: str(len(text))}
    return Reply(200, b"".join([text, *parts]), _BINARY, headers, about)


def server_metadata() -> dict[str, Any]:
    """What this server is."""
    version = importlib.metadata.version("tfxai")
    return {"name": "tfxai", "version": version, "extensions": ["binary_tensor_data"]}


def metadata(model: Model) -> dict[str, Any]:
    """Inputs and outputs of a model's own answer."""
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
    return {"name": name, "datatype": datatype(end), "shape": sizes}


def _feeds(tensors: list[Any], ends: dict[str, End], data: bytes) -> Feeds:
    feeds: Feeds = {}
    at = 0
    for one in tensors:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise bad("Each of 'inputs' was expected to be an object with a 'name'.")
        name = one["name"]
        end = end_of(name, ends, feeds)
        size = _binary_size(name, one)
        if size is None:
            feeds[name] = _tensor(name, one, end)
            continue
        _check_datatype(name, one, end)
        feeds[name] = read_binary(name, data[at : at + size], _shape(name, one), end)
        at += size
    if at != len(data):
        raise bad(f"{len(data)} bytes follow the JSON, and the inputs in it announce {at}.")
    check_missing(ends, feeds)
    return feeds


def end_of(name: str, ends: dict[str, End], feeds: Feeds) -> End:
    """The input of that name, which has not come before.

    Raises:
        RequestError: 400, there is none, or it came before.
    """
    if name not in ends or name in feeds:
        raise bad(f"Input {name[:100]!r} is not one of {', '.join(ends)}, each of them once.")
    return ends[name]


def check_missing(ends: dict[str, End], feeds: Feeds) -> None:
    """Raises `RequestError`, 400, where an input did not come."""
    missing = [name for name in ends if name not in feeds]
    if missing:
        raise bad(f"Missing input {missing[0]!r}: {', '.join(ends)} are expected.")


def _binary_size(name: str, tensor: dict[str, Any]) -> int | None:
    """The bytes of an input that follow the JSON, None where it is in the JSON."""
    parameters = tensor.get("parameters")
    size = parameters.get(_SIZE) if isinstance(parameters, dict) else None
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise bad(f"{_SIZE} of input {name!r} was expected to be a number of bytes.")
    if "data" in tensor:
        raise bad(f"Input {name!r} has both 'data' and {_SIZE}. Send one of them.")
    return size


def _shape(name: str, tensor: dict[str, Any]) -> list[int]:
    shape = tensor.get("shape")
    is_shape = isinstance(shape, list) and all(
        isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**40 for n in shape
    )
    if not isinstance(shape, list) or not is_shape or not is_possible(shape):
        raise bad(f"Input {name!r} was expected to have a 'shape' and 'data', both lists.")
    return shape


def _check_datatype(name: str, tensor: dict[str, Any], end: End) -> None:
    if tensor.get("datatype") != datatype(end):
        raise bad(f"Input {name!r} was expected to have the datatype {datatype(end)}.")


def _tensor(name: str, tensor: dict[str, Any], end: End) -> Array:
    shape, data = _shape(name, tensor), tensor.get("data")
    if not isinstance(data, list):
        raise bad(f"Input {name!r} was expected to have a 'shape' and 'data', both lists.")
    _check_datatype(name, tensor, end)
    check_shape(name, tuple(shape), end)
    flat = _flat(name, data, end)
    if flat.size != math.prod(shape):
        raise bad(f"Input {name!r} has {flat.size} numbers, and its shape {math.prod(shape)}.")
    return flat.reshape(shape)


def _flat(name: str, data: list[Any], end: End) -> Array:
    """Data in any nesting, which the protocol allows, as one axis."""
    return read_array(name, data, End(end.dtype, None)).ravel()


def known_signature(name: Any, model: Model) -> str:
    """The name of a signature that can be called.

    Raises:
        RequestError: 400, there is none of that name.
    """
    known = [one for one in model.signatures if not one.startswith("__")]
    if name not in known:
        raise bad(f"There is no signature {str(name)[:100]!r}. Known: {', '.join(known)}.")
    return str(name)


def wanted_outputs(asked: Any, ends: dict[str, End]) -> list[str]:
    """The outputs that are asked for, all of them where none is named.

    Raises:
        RequestError: 400, there is no such output, or one is named twice.
    """
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


def _data(array: Array, end: End) -> Any:
    flat = np.asarray(array).ravel()
    return [_text(bytes(one)) for one in flat] if end.dtype == "string" else flat


def _text(data: bytes) -> str:
    """BYTES in JSON are texts: those that are none are sent in base64."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
