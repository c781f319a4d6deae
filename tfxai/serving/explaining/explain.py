"""`:explain`: from a question to an explanation, by a signature or by predictions alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.errors import TfxaiError
from tfxai.export.names import EXPLAIN, TARGET, TOKEN_VALUES, TOKENS
from tfxai.heatmaps import has_signs
from tfxai.serving.explaining import fanout
from tfxai.serving.explaining.answer import Explanation
from tfxai.serving.explaining.calling import call_signature, check_cost, check_rows
from tfxai.serving.explaining.request import (
    ExplainRequest,
    check_baked,
    read_inputs,
    read_target,
    without_target,
)
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages.pictures import draw, preprocessing
from tfxai.serving.messages.problems import RequestError, bad, no_upstream, too_much
from tfxai.serving.messages.signatures import HEATMAP, PNG, VALUES, End, needed
from tfxai.serving.messages.tensors import Feeds
from tfxai.serving.models.model import Deadline, Model

_BATCH_BYTES = 4 * 2**20  # of the numbers in one request to a server behind this one
_BATCH = 64
_SCALARS = ("score", "baseline_score", "completeness_gap")  # outputs with a number an example
_REFUSED = re.compile(r"assertion failed: \[([^\]]*)\] \[([^\]]*)\]")  # by a check in the graph


def methods(model: Model) -> list[dict[str, Any]]:
    """The methods that a model can be asked for: its own signatures, then those by predictions."""
    told = (model.record or {}).get("signatures", {})
    own = []
    for name in model.explanations:
        about = told.get(f"{EXPLAIN}{name}", {})
        words = {"tokens": _gives_words(model, name)}
        own.append(
            {
                "name": name,
                "by": "signature",
                "signed": _is_signed(about),
                **words,
                **_about(about),
            }
        )
    if _asked_about(model) is None:
        return own
    taken = set(model.explanations)
    others = [
        {
            "name": name,
            "by": "predictions",
            "tokens": False,
            "signed": not fanout.KINDS[name].is_nonnegative,
            "method": {"name": name, "options": fanout.defaults(name)},
        }
        for name in fanout.METHODS
        if name not in taken
    ]
    return own + others


def _gives_words(model: Model, name: str) -> bool:
    """Whether a method has values for each word of a text."""
    signature = model.signatures.get(f"{EXPLAIN}{name}")
    return signature is not None and {TOKENS, TOKEN_VALUES} <= set(signature.outputs)


def _is_signed(told: dict[str, Any]) -> bool | None:
    """Whether heatmaps run from -1, where the record says it."""
    heatmaps = told.get("heatmaps")
    if not isinstance(heatmaps, dict) or not heatmaps:
        return None
    (one, *_) = heatmaps.values()
    ends = one.get("range") if isinstance(one, dict) else None
    return ends[0] == -1 if isinstance(ends, list) and ends else None


def _about(told: dict[str, Any]) -> dict[str, Any]:
    """What the record says of an explanation that is of use to a client."""
    keys = ("method", "score", "layers", "at", "texts")
    return {key: told[key] for key in keys if told.get(key) not in (None, [])}


def resolved(question: ExplainRequest, model: Model) -> ExplainRequest:
    """A question that names its method and what it asks for.

    Where it names no outputs they are words with their values, or raw values where the method
    gives none for words.

    Raises:
        RequestError: 400, it asks for words of a method that gives none.
    """
    name = question.method or _first(model)
    has_words = _gives_words(model, name)
    outputs = question.outputs or frozenset(["tokens" if has_words else VALUES])
    if "tokens" in outputs and not has_words and _is_known(name, model):
        raise bad(
            f"{name[:100]} gives no values of words for this model, and 'outputs' asks for "
            "'tokens'. Ask for 'attributions'."
        )
    return dataclasses.replace(question, method=name, outputs=outputs)


def _is_known(name: str, model: Model) -> bool:
    return name in model.explanations or name in fanout.METHODS


def explain(
    question: ExplainRequest, model: Model, limits: ServerLimits, deadline: Deadline
) -> Explanation:
    """The explanation that a question asks for.

    Raises:
        RequestError: There is none.
    """
    question = resolved(question, model)
    name = str(question.method)
    if name in model.explanations:
        made = _by_signature(name, question, model, limits, deadline)
    elif name in fanout.METHODS:
        made = _by_predictions(name, question, model, limits, deadline)
    else:
        known = ", ".join(one["name"] for one in methods(model))
        raise bad(
            f"There is no method {name[:100]!r} for this model. Known: {known or 'none'}. Any "
            "other has to be exported with the model: tfxai export --method."
        )
    if made.tokens is not None and not np.all([row.any() for row in made.tokens[0]]):
        raise bad("A text has no token: the model drops all of it. Send one with a word.")
    told = () if made.tokens is None else made.tokens[1:]
    for array in (made.score, *made.values.values(), *told):
        if not np.isfinite(array).all():
            raise no_upstream(f"What {name} gives for these instances is NaN or infinite.")
    return made


def _first(model: Model) -> str:
    known = methods(model)
    if not known:
        raise bad("This model has no signature that explains, and no inputs of one kind.")
    return str(known[0]["name"])


def _by_signature(
    name: str, question: ExplainRequest, model: Model, limits: ServerLimits, deadline: Deadline
) -> Explanation:
    key = f"{EXPLAIN}{name}"
    signature = model.signatures[key]
    check_baked(question, name, model)
    check_cost(model, key, len(question.instances), limits)
    ends = without_target(signature.inputs)
    feeds = read_inputs(question.instances, model, ends, limits)
    count = len(question.instances)
    feeds[TARGET] = read_target(question.target, count, model, signature.inputs[TARGET])
    wanted = needed(signature.outputs, question.outputs)
    try:
        given = call_signature(model, key, feeds, wanted, limits, deadline)
        given = _as_explained(check_rows(given, count), wanted)
    except RequestError as error:
        refused = _REFUSED.search(str(error))
        if refused is None:
            raise
        raise RequestError(error.status, " ".join(refused.groups()) + ".") from error
    predictions = None
    own = model.signatures.get(model.serve)
    if "predictions" in question.outputs and own is not None and set(own.inputs) == set(ends):
        asked = {name: feeds[name] for name in ends}
        given_too = call_signature(model, model.serve, asked, None, limits, deadline)
        predictions = check_rows(given_too, count)
    pngs = _one(given, HEATMAP, PNG) if "heatmap_png" in question.outputs else None
    return dataclasses.replace(
        of_outputs(key, given, model),
        heatmaps=_one(given, HEATMAP) if "heatmap" in question.outputs else None,
        pngs=None if pngs is None else [bytes(one) for one in pngs],
        predictions=predictions,
    )


def of_outputs(key: str, given: Feeds, model: Model) -> Explanation:
    """What a signature that explains gave, as an explanation without pictures or predictions.

    Args:
        key: Name of the signature.
        given: Its outputs; score, target and values are among them.
        model: Whose signature it is.
    """
    return Explanation(
        key.removeprefix(EXPLAIN),
        _values_of(given, without_target(model.signatures[key].inputs)),
        given["target"],
        given["score"],
        given.get("baseline_score"),
        given.get("completeness_gap"),
        None,
        None,
        None,
        _about((model.record or {}).get("signatures", {}).get(key, {})),
        _tokens_of(given),
    )


def _as_explained(given: Feeds, wanted: Collection[str]) -> Feeds:
    """The outputs of an explanation, where each is there and of the type that it has to be.

    Raises:
        RequestError: 502, one is missing or of another type.
    """
    for name in {*wanted, *given}:
        if name not in given:
            raise no_upstream(f"The model gave no {name!r}, which belongs to the explanation.")
        array = given[name]
        is_one = name in _SCALARS
        if name.endswith(PNG) or name == TOKENS:
            kinds = "O"
        elif name == TOKEN_VALUES or is_one or name.startswith((VALUES, HEATMAP)):
            kinds = "f"
        else:
            kinds = "iu" if name == TARGET else array.dtype.kind
        if array.dtype.kind not in kinds or (is_one and array.ndim != 1):
            raise no_upstream(
                f"The model gave {name!r} as {array.dtype} of the shape {array.shape}, which no "
                "explanation has."
            )
    return given


def _values_of(given: Feeds, ends: dict[str, End]) -> Feeds:
    """The attributions by input: one output, or one for each input."""
    found = {name: array for name, array in given.items() if name.startswith(VALUES)}
    if set(found) == {VALUES}:
        return {next(iter(ends)) if len(ends) == 1 else VALUES: found[VALUES]}
    return {name.removeprefix(f"{VALUES}_"): array for name, array in found.items()}


def _tokens_of(given: Feeds) -> tuple[Array, Array] | None:
    """The words of texts and their values, where they were asked for and the model has them.

    Raises:
        RequestError: 502, they are not as many.
    """
    if TOKENS not in given or TOKEN_VALUES not in given:
        return None
    words, values = given[TOKENS], given[TOKEN_VALUES]
    if words.ndim != 2 or words.shape != values.shape:
        raise no_upstream(
            f"The model gave tokens of the shape {words.shape} and values of {values.shape}."
        )
    return words, values


def _one(given: Feeds, head: str, tail: str = "") -> Array | None:
    """The heatmap of the one input that is an image."""
    found = [
        array
        for name, array in given.items()
        if name.startswith(head) and name.endswith(PNG) == bool(tail)
    ]
    return found[0] if len(found) == 1 else None


def _asked_about(model: Model) -> tuple[str, End, str] | None:
    """Input and output of a model that can be explained by its predictions alone."""
    signature = model.signatures.get(model.serve)
    if signature is None or len(signature.inputs) != 1 or len(signature.outputs) != 1:
        return None
    (name, end), (output, made) = (
        next(iter(ends.items())) for ends in (signature.inputs, signature.outputs)
    )
    is_open = end.shape is not None and len(end.shape) > 1
    are_numbers = end.dtype.startswith("float") and made.dtype.startswith("float")
    return (name, end, output) if is_open and are_numbers else None


def _by_predictions(
    name: str, question: ExplainRequest, model: Model, limits: ServerLimits, deadline: Deadline
) -> Explanation:
    asked = _asked_about(model)
    if asked is None:
        raise bad(
            f"{name} has no signature here, and without one it needs a model of one input and one "
            "output that are floating-point numbers."
        )
    key, end, output = asked
    x = read_inputs(question.instances, model, {key: end}, limits)[key]
    target = read_target(question.target, len(x), model, None)

    def predict(rows: Array) -> Array:
        given = model.run(model.serve, {key: rows.astype(end.dtype)}, None, deadline)
        return check_rows(given, len(rows))[output].reshape(len(rows), -1)

    try:
        how = preprocessing(model.record)
        method = fanout.method(name, question.options, x.shape[1:], how, limits.steps)
        batch = max(1, min(_BATCH, _BATCH_BYTES // max(1, x[0].nbytes)))
        made = method.explain(predict, x, target, batch, deadline.check)
    except RequestError:
        raise
    except fanout.TooManyRowsError as error:
        what = f"Runs of the model for {name}"
        raise too_much(what, error.rows, limits.steps, "--max-steps") from error
    except TfxaiError as error:
        raise bad(str(error)) from error
    heat, pngs = _drawn(method, made, x, question.outputs)
    return Explanation(
        name,
        {key: made.values},
        made.target,
        made.score,
        made.baseline_score,
        made.completeness_gap,
        heat,
        pngs,
        {output: made.predictions} if "predictions" in question.outputs else None,
        {"method": {"name": name, "options": method.options}, "score": "output"},
    )


def _drawn(
    method: Any, made: Any, x: Array, asked: Collection[str]
) -> tuple[Array | None, list[bytes] | None]:
    """Heatmaps and their pictures, where the values are of images and they are asked for."""
    if not {"heatmap", "heatmap_png"} & set(asked) or x.ndim != 4:
        return None, None
    attribution = Attribution(
        values=made.values,
        inputs=x,
        target=made.target,
        score=made.score,
        method={"name": method.name, "options": method.options},
        score_name="output",
        is_map=method.is_map,
        is_signed=method.is_signed,
        channels=method.reduction,
    )
    heat = attribution.heatmap(size=x.shape[1:3])
    is_signed = has_signs(
        is_signed=method.is_signed, is_map=method.is_map, channels=method.reduction
    )
    pngs = [draw(one, is_signed=is_signed) for one in heat] if "heatmap_png" in asked else None
    return heat if "heatmap" in asked else None, pngs


def has_texts(model: Model) -> bool:
    """Whether an instance is one text whose words can be shown with their values."""
    signature = model.signatures.get(model.serve)
    if signature is None or len(signature.inputs) != 1:
        return False
    (end,) = signature.inputs.values()
    own = [model.signatures[f"{EXPLAIN}{name}"].outputs for name in model.explanations]
    is_one = end.shape is not None and tuple(end.shape[1:]) in ((), (1,))
    return end.dtype == "string" and is_one and any(TOKENS in outputs for outputs in own)


def has_images(model: Model) -> bool:
    """Whether an instance may be a picture."""
    signature = model.signatures.get(model.serve)
    if signature is None or len(signature.inputs) != 1 or preprocessing(model.record) is None:
        return False
    (end,) = signature.inputs.values()
    return end.shape is not None and len(end.shape) == 4 and end.dtype != "string"
