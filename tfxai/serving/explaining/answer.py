"""What an explanation is, and the body of its answer in the form of Vertex AI's explanations."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from tfxai.arithmetic import gap_shares
from tfxai.arrays import Array
from tfxai.classes import class_name
from tfxai.serving.explaining.request import ExplainRequest
from tfxai.serving.messages.signatures import End
from tfxai.serving.messages.tensors import Feeds
from tfxai.serving.models.model import Model


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What is known of a batch.

    Args:
        name: Name of the method, as it was asked for.
        values: (B, ...) by the name of the input that they belong to.
        target: (B,) or (B, axes).
        score: (B,).
        baseline_score: (B,), where the method has one.
        completeness_gap: (B,), where the values should add up.
        heatmaps: (B, h, w), where there are images and they were asked for.
        pngs: The same as files.
        predictions: What the model gives, where it was asked for.
        tokens: (B, T) words of texts and (B, T) their values, where there are such and they were
            asked for or come with the rest.
        about: What the export says of the method.
    """

    name: str
    values: Feeds
    target: Array
    score: Array
    baseline_score: Array | None
    completeness_gap: Array | None
    heatmaps: Array | None
    pngs: list[bytes] | None
    predictions: Any
    about: dict[str, Any]
    tokens: tuple[Array, Array] | None = None


def target_name(made: Explanation, i: int, model: Model) -> str | None:
    """What the class is called that was explained of an example, where the export says it."""
    names, index = (model.record or {}).get("class_names"), np.ravel(made.target[i])
    return (
        class_name(int(index[0]), names) if isinstance(names, list) and index.size == 1 else None
    )


def answer(
    made: Explanation, question: ExplainRequest, model: Model, remarks: list[list[str]]
) -> dict[str, Any]:
    """The body of an answer, as Vertex AI has it, with what it has no word for.

    Args:
        made: What is known of the batch.
        question: What of it is asked for.
        model: Which explained it.
        remarks: Sentences about each example.
    """
    body: dict[str, Any] = {
        "explanations": [
            {"attributions": [_attribution(made, question, i, model) | _told(remarks[i])]}
            for i in range(len(made.score))
        ],
        "model": model.which.name,
        "modelVersion": None if model.version is None else str(model.version),
        "explainer": made.name,
        **made.about,
    }
    if made.predictions is not None:
        outputs = made.predictions
        if len(outputs) == 1:
            body["predictions"] = next(iter(outputs.values()))
        else:
            body["predictions"] = [
                {name: array[i] for name, array in outputs.items()} for i in range(len(made.score))
            ]
    return body


def _attribution(
    made: Explanation, question: ExplainRequest, i: int, model: Model
) -> dict[str, Any]:
    score = float(made.score[i])
    found: dict[str, Any] = {
        "instanceOutputValue": score,
        "outputIndex": [int(one) for one in np.ravel(made.target[i])],
        "outputName": next(iter(_served(model)), ""),
    }
    name = target_name(made, i, model)
    if name is not None:
        found["outputDisplayName"] = name
    if made.baseline_score is not None:
        baseline = float(made.baseline_score[i])
        found["baselineOutputValue"] = baseline
        if made.completeness_gap is not None:
            gap = float(made.completeness_gap[i])
            found["completenessGap"] = gap
            error = float(gap_shares(gap, score, baseline))
            found["approximationError"] = error if math.isfinite(error) else None
    if "attributions" in question.outputs:
        found["featureAttributions"] = {name: array[i] for name, array in made.values.items()}
    if made.heatmaps is not None:
        found["heatmap"] = made.heatmaps[i]
    if made.pngs is not None:
        found["heatmapPng"] = made.pngs[i]
    if made.tokens is not None and "tokens" in question.outputs:
        words, values = (np.asarray(array[i]) for array in made.tokens)
        is_word = np.array([bool(word) for word in words], bool)
        found["tokens"] = [bytes(word).decode("utf-8", "replace") for word in words[is_word]]
        found["tokenValues"] = values[is_word]
        if values[~is_word].any():
            found["paddingValue"] = float(values[~is_word].sum())
    return found


def _told(sentences: list[str]) -> dict[str, Any]:
    return {"remarks": sentences} if sentences else {}


def _served(model: Model) -> dict[str, End]:
    """The outputs of the model's own answer."""
    signature = model.signatures.get(model.serve)
    return {} if signature is None else signature.outputs
