"""The Open Inference Protocol over gRPC, which calls the signatures of explanations as well."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.serving.admission import WorkKind, check_kind
from tfxai.serving.explaining.signature_calls import SignatureCalls
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import protos
from tfxai.serving.messages.binary import datatype, is_possible, read_binary, write_binary
from tfxai.serving.messages.problems import bad
from tfxai.serving.messages.signatures import End
from tfxai.serving.messages.tensors import Feeds, check_shape
from tfxai.serving.models.model import Deadline, Model, Models, Which
from tfxai.serving.sampling import Sample
from tfxai.serving.transport import open_inference

_FIELDS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents",
    "INT32": "int_contents", "INT64": "int64_contents", "UINT8": "uint_contents",
    "UINT16": "uint_contents", "UINT32": "uint_contents", "UINT64": "uint64_contents",
    "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip
"""Where a tensor's entries are that are not sent as bytes; half precision always is."""


class Inference:
    """Answers of `GRPCInferenceService` that look at models. Called by many threads.

    Args:
        models: Where answers come from.
        limits: What a request may ask for.
        sample: What keeps some of the explanations, None where nothing does.
    """

    def __init__(self, models: Models, limits: ServerLimits, sample: Sample | None = None) -> None:
        self._models = models
        self._calls = SignatureCalls(limits, sample)
        self._methods = protos.methods(protos.INFERENCE)

    def server(self, request: Any, deadline: Deadline, kind: WorkKind) -> Any:
        """What this server is."""
        return self._methods["ServerMetadata"].response(**open_inference.server_metadata())

    def ready(self, request: Any, deadline: Deadline, kind: WorkKind) -> Any:
        """Whether a version of a model is available.

        Raises:
            RequestError: There is no such model.
        """
        states = self._models.states(_which(request.name, request.version), deadline)
        is_ready = any(one.state == "AVAILABLE" for one in states)
        return self._methods["ModelReady"].response(ready=is_ready)

    def metadata(self, request: Any, deadline: Deadline, kind: WorkKind) -> Any:
        """Inputs and outputs of a model.

        Raises:
            RequestError: There is no such model.
        """
        with self._models.model(_which(request.name, request.version), deadline) as model:
            return self._methods["ModelMetadata"].response(**open_inference.metadata(model))

    def infer(self, request: Any, deadline: Deadline, kind: WorkKind) -> Any:
        """The outputs of a signature, by default of the model's own answer.

        Raises:
            RequestError: There are none.
        """
        which = _which(request.model_name, request.model_version)

        def infer(model: Model) -> Any:
            asked = request.parameters[open_inference.SIGNATURE].string_param or model.serve
            name = open_inference.known_signature(asked, model)
            check_kind(name, kind)
            signature = model.signatures[name]
            feeds = _feeds(request, signature.inputs)
            names = [{"name": one.name} for one in request.outputs] or None
            wanted = open_inference.wanted_outputs(names, signature.outputs)
            given = self._calls(model, name, feeds, wanted, deadline)
            answer = self._methods["ModelInfer"].response(model_name=which.name, id=request.id)
            if model.version is not None:
                answer.model_version = str(model.version)
            ends = {key: signature.outputs[key] for key in wanted}
            are_raw = bool(request.raw_input_contents) or any(
                datatype(end) not in _FIELDS for end in ends.values()
            )
            for key, end in ends.items():
                _write(answer, key, np.asarray(given[key]), end, are_raw)
            return answer

        return self._models.use_known(which, deadline, infer)


def _which(name: str, version: str) -> Which:
    if not name:
        raise bad("The name of a model was expected.")
    if not version:
        return Which(name)
    if not version.isascii() or not version.isdecimal() or len(version) > 18:
        raise bad(f"The version {version[:50]!r} is none. Send its number.")
    return Which(name, int(version))


def _feeds(request: Any, ends: dict[str, End]) -> Feeds:
    raw = list(request.raw_input_contents)
    feeds: Feeds = {}
    if raw and len(raw) != len(request.inputs):
        raise bad(
            f"raw_input_contents has {len(raw)} entries, and there are {len(request.inputs)} "
            "inputs. Send the bytes of each of them, or of none."
        )
    for number, one in enumerate(request.inputs):
        end = open_inference.end_of(one.name, ends, feeds)
        if one.datatype != datatype(end):
            raise bad(f"Input {one.name!r} was expected to have the datatype {datatype(end)}.")
        shape = list(one.shape)
        if any(size < 0 for size in shape) or not is_possible(shape):
            raise bad(f"Input {one.name!r} has the shape {shape[:8]}, which no array has.")
        if raw:
            feeds[one.name] = read_binary(one.name, raw[number], shape, end)
        else:
            feeds[one.name] = _entries(one, shape, end)
    open_inference.check_missing(ends, feeds)
    return feeds


def _entries(tensor: Any, shape: list[int], end: End) -> Array:
    """The array of an input whose entries are sent one by one."""
    check_shape(tensor.name, tuple(shape), end)
    if datatype(end) not in _FIELDS:
        raise bad(f"Input {tensor.name!r} of {datatype(end)} has to be in raw_input_contents.")
    entries = getattr(tensor.contents, _FIELDS[datatype(end)])
    count = int(np.prod(shape, dtype=object))
    if len(entries) != count:
        raise bad(
            f"Input {tensor.name!r} has {len(entries)} entries in {_FIELDS[datatype(end)]}, and "
            f"its shape {count}."
        )
    if end.dtype == "string":
        made = np.empty(count, object)
        made[:] = list(entries)
        return made.reshape(shape)
    try:
        return np.array(entries, end.dtype).reshape(shape)
    except OverflowError as error:
        raise bad(f"Input {tensor.name!r} has a number that {end.dtype} cannot hold.") from error


def _write(answer: Any, name: str, array: Array, end: End, is_raw: bool) -> None:
    output = answer.outputs.add(name=name, datatype=datatype(end), shape=array.shape)
    if is_raw:
        answer.raw_output_contents.append(write_binary(array, end))
        return
    entries = getattr(output.contents, _FIELDS[datatype(end)])
    flat = array.ravel()
    entries.extend([bytes(one) for one in flat] if end.dtype == "string" else flat.tolist())
