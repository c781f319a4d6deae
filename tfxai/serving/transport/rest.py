"""The routes under /v1: TensorFlow Serving's, KServe's first protocol, and `:explain`."""

from __future__ import annotations

import dataclasses
import re
from typing import Any
from urllib.parse import unquote

from tfxai.serving.admission import WorkKind, check_kind, kind_of
from tfxai.serving.explaining import answer, explain
from tfxai.serving.explaining.calling import (
    LARGE,
    check_cost,
    check_size,
    count_of,
)
from tfxai.serving.explaining.remarks import remarks
from tfxai.serving.explaining.request import ExplainRequest
from tfxai.serving.explaining.signature_calls import SignatureCalls
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import encodings, json_codec
from tfxai.serving.messages.problems import RequestError, bad
from tfxai.serving.messages.signatures import to_metadata
from tfxai.serving.messages.tensors import read_feeds, signature_of, write_answer
from tfxai.serving.models.model import Deadline, Model, Models, State, Which
from tfxai.serving.sampling import Sample

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>\d+))?(?:/labels/(?P<label>[^/:]+))?"
    r"(?:(?P<metadata>/metadata)|(?P<methods>/explainers)"
    r"|:(?P<verb>classify|regress|predict|explain))?",
    re.IGNORECASE,
)
_MOST = 2**63 - 1  # a version is an int64
PNG = "image/png"
JSON = "application/json"


@dataclasses.dataclass(frozen=True)
class Call:
    """A request, away from the server that it came to.

    Args:
        method: HTTP method.
        path: As it was sent, still quoted.
        body: What came with it.
        accept: The types that the client takes.
        deadline: When the answer is due.
        kind: The kind of place that it has been given.
        encoding: How the body is compressed, the header Content-Encoding.
        json_length: How many bytes of the body are JSON, where binary tensors follow them: the
            header Inference-Header-Content-Length.
    """

    method: str
    path: str
    body: bytes
    accept: str
    deadline: Deadline
    kind: WorkKind
    encoding: str = ""
    json_length: str | None = None

    def decoded(self, most: int) -> Call:
        """The same with its body as it was before it was compressed, of so many bytes at most.

        Raises:
            RequestError: It cannot be decompressed, or is larger.
        """
        if not self.encoding:
            return self
        body = encodings.decoded(self.body, self.encoding, most)
        return dataclasses.replace(self, body=body, encoding="")


@dataclasses.dataclass(frozen=True)
class Reply:
    """What is sent back.

    Args:
        status: HTTP status.
        body: Body, of the type `media`.
        media: Its type.
        headers: More of them.
        about: What is written to the log: names alone.
    """

    status: int
    body: bytes
    media: str = JSON
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    about: dict[str, Any] = dataclasses.field(default_factory=dict)


def reply(content: Any, **about: Any) -> Reply:
    """An answer in JSON."""
    return Reply(200, json_codec.write(content), about=about)


class Rest:
    """Answers what comes under /v1.

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
        if call.method == "GET" and call.path.rstrip("/") == "/v1/models":
            return reply({"models": self._models.names()})
        found = _PATH.fullmatch(call.path)
        verb = (found["verb"] or "").lower() if found is not None else ""
        if verb == "explain" and call.method == "GET":
            raise RequestError(405, "Send the question as a POST: a JSON object with 'instances'.")
        if found is None or not self._is_known(call.method, found):
            raise bad(f"Malformed request: {call.method} {call.path[:500]}")
        which = _which(found)
        self._check_size(which, call)
        if verb == "explain":
            return self._explain(which, call)
        if found["methods"]:
            return self._methods(which, call)
        if self._models.forwards:
            is_status = not verb and not found["metadata"]
            passed_on = self._passed_on(which, call, verb, is_status=is_status)
            if passed_on is not None:
                return passed_on
        if verb == "predict":
            return self._predict(which, call)
        if verb:
            return self._classify(verb)
        return self._metadata(which, call) if found["metadata"] else self._status(which, call)

    def _check_size(self, which: Which, call: Call) -> None:
        if len(call.body) > LARGE:
            self._models.use_known(
                which, call.deadline, lambda model: check_size(call.body, model, self._limits)
            )

    def _is_known(self, method: str, found: re.Match[str]) -> bool:
        return method == ("POST" if found["verb"] else "GET")

    def _passed_on(self, which: Which, call: Call, verb: str, *, is_status: bool) -> Reply | None:
        """What the server behind answers; None for explanations, which are asked for anew."""
        bounded = self._bounded(which, call) if verb == "predict" else call
        if bounded is None:
            return None
        forward = self._models.forward  # type: ignore[attr-defined]
        status, body = forward(call.method, call.path, bounded.body, call.deadline)
        about = {"verb": verb} if verb else {}
        if is_status and status == 200:
            told = json_codec.read(body)
            versions = told.get("model_version_status")
            states = [one.get("state") for one in versions or [] if isinstance(one, dict)]
            return reply({**told, **_readiness(which, states)}, **about)
        return Reply(status, body, about=about)

    def _bounded(self, which: Which, call: Call) -> Call | None:
        """A `:predict` for the server behind, where it is within the limits.

        It is written anew, so that the server behind reads the very question that was looked at.
        None where it asks for an explanation.
        """
        body = json_codec.read(call.body)
        if not isinstance(body, dict):
            return call
        with self._models.model(which, call.deadline) as model:
            name = body.get("signature_name") or model.serve
            if isinstance(name, str) and name in model.signatures:
                check_kind(name, call.kind)
                if kind_of(name) is WorkKind.EXPLAIN:
                    return None
                check_cost(model, name, count_of(body, model.signatures[name]), self._limits)
        return dataclasses.replace(call, body=json_codec.rewritten(call.body, body))

    def _status(self, which: Which, call: Call) -> Reply:
        states = self._models.states(which, call.deadline)
        content = {"model_version_status": [_shown(one) for one in states]}
        content |= _readiness(which, [one.state for one in states])
        return reply(content, model=which.name)

    def _metadata(self, which: Which, call: Call) -> Reply:
        with self._models.model(which, call.deadline) as model:
            spec = {"name": which.name, "signature_name": "", "version": str(model.version)}
            defined = {"signature_def": to_metadata(model.signatures)}
            content = {"model_spec": spec, "metadata": {"signature_def": defined}}
            return reply(content, model=which.name)

    def _methods(self, which: Which, call: Call) -> Reply:
        """What a page or a person can ask this model for."""

        def methods(model: Model) -> Reply:
            record = model.record or {}
            content = {
                "model": which.name,
                "version": None if model.version is None else str(model.version),
                "methods": explain.methods(model),
                "classNames": record.get("class_names"),
                "preprocessing": record.get("preprocessing"),
                "inputRange": record.get("input_range"),
                "takesImages": explain.has_images(model),
                "takesTexts": explain.has_texts(model),
                "inputs": to_metadata(model.signatures).get(model.serve, {}).get("inputs", {}),
            }
            return reply(content, model=which.name)

        return self._models.use_known(which, call.deadline, methods)

    def _predict(self, which: Which, call: Call) -> Reply:
        body = json_codec.read(call.body)

        def predict(model: Model) -> Reply:
            name, signature = signature_of(body, model.signatures)
            if name.startswith("__"):
                raise bad(f'Serving signature name: "{name}" cannot be called.')
            check_kind(name, call.kind)
            check_cost(model, name, count_of(body, signature), self._limits)
            feeds, rows = read_feeds(body, signature)
            outputs = self._calls(model, name, feeds, None, call.deadline)
            about = {"model": which.name, "version": model.version, "signature": name}
            return reply(write_answer(outputs, rows=rows), verb="predict", **about)

        return self._models.use(which, call.deadline, predict)

    def _classify(self, verb: str) -> Reply:
        method = {"classify": "classification", "regress": "regression"}[verb]
        raise bad(
            f"Expected {method} signature method_name to be tensorflow/serving/{verb}. Was: "
            "tensorflow/serving/predict. Call :predict."
        )

    def _explain(self, which: Which, call: Call) -> Reply:
        is_picture = _prefers_png(call.accept)
        question = ExplainRequest.read(json_codec.read(call.body), self._limits)
        if is_picture:
            question = _one_picture(question)
        return self._models.use_known(
            which, call.deadline, lambda model: self._explained(model, question, is_picture, call)
        )

    def _explained(
        self, model: Model, question: ExplainRequest, is_picture: bool, call: Call
    ) -> Reply:
        question = explain.resolved(question, model)
        made = self._calls.explain(question, model, call.deadline)
        about = {
            "model": model.which.name,
            "version": model.version,
            "verb": "explain",
            "explainer": made.name,
            "instances": len(made.score),
        }
        if not is_picture:
            named = bool((model.record or {}).get("class_names"))
            told = remarks(made, names_classes=named)
            return reply(answer.answer(made, question, model, told), **about)
        if made.pngs is None:
            raise RequestError(
                406, f"{made.name} gives no picture for this model. Accept application/json."
            )
        headers = {
            "X-Explained-Output": ",".join(str(int(n)) for n in made.target[:1].ravel()),
            "X-Explained-Score": repr(float(made.score[0])),
        }
        return Reply(200, made.pngs[0], PNG, headers, about)


def _one_picture(question: ExplainRequest) -> ExplainRequest:
    if len(question.instances) != 1:
        raise bad(
            f"{len(question.instances)} instances make as many pictures, and a PNG is one. Send "
            "one instance, or accept application/json."
        )
    return dataclasses.replace(question, outputs=frozenset(["heatmap_png"]))


def _prefers_png(accept: str) -> bool:
    """Whether a client would rather have a PNG than JSON; a page's */* would not."""
    weights = {}
    for part in accept.lower().split(","):
        media, *parameters = (word.strip() for word in part.split(";"))
        weights[media] = _weight(parameters)
    return weights.get(PNG, 0.0) > max(weights.get(JSON, 0.0), 0.0)


def _weight(parameters: list[str]) -> float:
    for one in parameters:
        if one.startswith("q="):
            try:
                return float(one[2:])
            except ValueError:
                return 0.0
    return 1.0


def _which(found: re.Match[str]) -> Which:
    if found["version"] and found["label"]:
        raise bad("Both version number and label are set. Send one of them.")
    version = int(found["version"]) if found["version"] else None
    if version is not None and version > _MOST:
        raise bad(f"The version {found['version'][:50]} is larger than any version can be.")
    label = None if found["label"] is None else unquote(found["label"])
    name = unquote(found["name"])
    if name in (".", ".."):  # which whoever reads the path of a URL takes for a place
        raise bad(f"There is no model {name!r}.")
    return Which(name, version, label)


def _readiness(which: Which, states: list[Any]) -> dict[str, Any]:
    """What KServe's first protocol has in an answer of a model's status."""
    return {"name": which.name, "ready": "AVAILABLE" in states}


def _shown(state: State) -> dict[str, Any]:
    status = {"error_code": state.code, "error_message": state.message}
    return {"version": str(state.version), "state": state.state, "status": status}
