"""TensorFlow Serving's own services over gRPC: predictions, metadata, states of models."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tfxai.serving.admission import WorkKind, check_kind
from tfxai.serving.explaining.signature_calls import SignatureCalls
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import protos
from tfxai.serving.messages.problems import RequestError, bad
from tfxai.serving.messages.signatures import End, Signature
from tfxai.serving.messages.tensors import DEFAULT, Feeds, check_shape
from tfxai.serving.models.model import Deadline, Model, Models, State, Which
from tfxai.serving.models.protos import CODES, NAMES, read_tensor, write_tensor
from tfxai.serving.sampling import Sample

FIELD, SIGNATURES = "signature_def", "tensorflow.serving.SignatureDefMap"
_STATES = {"START": 10, "LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50}
_ERRORS = {"OK": 0, "FAILED_PRECONDITION": 9}
_UNKNOWN = 2


class PreconditionError(RequestError):
    """What TensorFlow Serving calls FAILED_PRECONDITION: nothing is wrong but the model."""

    def __init__(self, sentence: str) -> None:
        super().__init__(400, sentence)


class Predictions:
    """Answers of `PredictionService` and `ModelService`. Called by many threads.

    Args:
        models: Where answers come from.
        limits: What a request may ask for.
        sample: What keeps some of the explanations, None where nothing does.
    """

    def __init__(self, models: Models, limits: ServerLimits, sample: Sample | None = None) -> None:
        self._models = models
        self._limits = limits
        self._calls = SignatureCalls(limits, sample)
        self._methods = protos.methods(protos.PREDICTION) | protos.methods(protos.MODEL)

    def predict(self, request: Any, deadline: Deadline, kind: WorkKind) -> Any:
        """The outputs of a signature.

        Raises:
            RequestError: There are none.
        """
        which, wanted = _which(request), list(request.output_filter)

        def predict(model: Model) -> Any:
            name = request.model_spec.signature_name or DEFAULT
            if name not in model.signatures or name.startswith("__"):
                raise PreconditionError(f'Serving signature key "{name[:100]}" not found.')
            check_kind(name, kind)
            signature = model.signatures[name]
            feeds = self._feeds(request.inputs, signature)
            _check_filter(wanted, signature)
            outputs = wanted or None
            given = self._calls(model, name, feeds, outputs, deadline)
            answer = self._methods["Predict"].response()
            _fill(answer.model_spec, which, model.version, name)
            for key in wanted or signature.outputs:
                write_tensor(given[key], answer.outputs[key])
            return answer

        return self._models.use(which, deadline, predict)

    def _feeds(self, inputs: Any, signature: Signature) -> Feeds:
        ends = signature.inputs
        if set(inputs) != set(ends):
            raise bad(
                f"input size does not match signature: {len(inputs)}!={len(ends)} "
                f"len({_set(inputs)}) != len({_set(ends)}). "
                f"Sent extra: {_set(set(inputs) - set(ends))}. "
                f"Missing but required: {_set(set(ends) - set(inputs))}."
            )
        return {key: self._feed(key, inputs[key], end) for key, end in ends.items()}

    def _feed(self, name: str, proto: Any, end: End) -> Any:
        came = NAMES.get(proto.dtype, f"type {proto.dtype}")
        if came != end.dtype:
            raise bad(f"Input {name!r} is of {came}, and {end.dtype} is expected.")
        sizes = tuple(dim.size for dim in proto.tensor_shape.dim)
        check_shape(name, sizes, end)
        try:
            return read_tensor(proto, self._limits.body)
        except (ValueError, OverflowError) as error:
            raise bad(f"Input {name!r} is none: {error}.") from error

    def metadata(self, request: Any, deadline: Deadline, kind: WorkKind) -> Any:
        """The signatures of a model.

        Raises:
            RequestError: The model is not there, or something else is asked for.
        """
        which, fields = _which(request), list(request.metadata_field)
        if not fields:
            raise bad("GetModelMetadataRequest must specify at least one metadata_field")
        for one in fields:
            if one != FIELD:
                raise bad(f"Metadata field {one[:100]} is not supported")

        def metadata(model: Model) -> Any:
            defined = protos.message(SIGNATURES)()
            for name, signature in model.signatures.items():
                made = defined.signature_def[name]
                made.method_name = signature.method
                for ends, into in (
                    (signature.inputs, made.inputs),
                    (signature.outputs, made.outputs),
                ):
                    for key, end in ends.items():
                        _describe(end, into[key])
            answer = self._methods["GetModelMetadata"].response()
            _fill(answer.model_spec, which, model.version, "")
            protos.pack(answer.metadata[FIELD], defined)
            return answer

        return self._models.use(which, deadline, metadata)

    def status(self, request: Any, deadline: Deadline, kind: WorkKind) -> Any:
        """The versions of a model.

        Raises:
            RequestError: There are none.
        """
        answer = self._methods["GetModelStatus"].response()
        for one in self._models.states(_which(request), deadline):
            _tell(one, answer.model_version_status.add())
        return answer


def _set(names: Collection[str]) -> str:
    return f"{{{','.join(sorted(names))[:500]}}}"


def _which(request: Any) -> Which:
    spec = request.model_spec
    if not spec.name:
        raise bad("Missing ModelSpec")
    choice = spec.WhichOneof("version_choice")
    version = spec.version.value if choice == "version" else None
    if version is not None and version < 0:
        raise bad(f"The version {version} is none: versions are 0 and more.")
    return Which(spec.name, version, spec.version_label if choice == "version_label" else None)


def _check_filter(wanted: list[str], signature: Signature) -> None:
    for name in wanted:
        if name not in signature.outputs:
            raise bad(
                f"output tensor alias not found in signature: {name[:100]} Outputs expected to be "
                f"in the set {_set(signature.outputs)}."
            )
        if wanted.count(name) > 1:
            raise bad(f"duplicate output tensor alias: {name}")


def _fill(spec: Any, which: Which, version: int | None, signature: str) -> None:
    spec.name, spec.signature_name = which.name, signature
    if version is not None:
        spec.version.value = version


def _describe(end: End, info: Any) -> None:
    info.name = end.tensor
    info.dtype = CODES.get(end.dtype, 0)
    info.tensor_shape.unknown_rank = end.shape is None
    for size in end.shape or ():
        info.tensor_shape.dim.add().size = -1 if size is None else size


def _tell(state: State, into: Any) -> None:
    into.version = state.version
    into.state = _STATES.get(state.state, 0)
    code = int(state.code) if state.code.isdigit() else _ERRORS.get(state.code, _UNKNOWN)
    into.status.error_code = code
    into.status.error_message = state.message
