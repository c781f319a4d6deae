"""What is asked of a model: the score that is explained, and the target of each example."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxai.arrangement import moved_shape
from tfxai.arrays import Array
from tfxai.classes import both_classes
from tfxai.core.model.head import answered, is_two_classes
from tfxai.core.model.structure import ModelStructure
from tfxai.core.question.scores import Contrast, LayerScore, Question, name_of, registered_score
from tfxai.core.question.targets import PREDICTED, read_target
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.subject import Subject


def read_question(score: Any, default: str, subject: Subject, body: ModelStructure) -> Question:
    """What is explained, checked, class names turned into indices."""
    if score is None:
        kind = "output" if body.closed else answered(default, body.ending, explicit=False)
        return Question(kind)
    score = name_of(score)
    if isinstance(score, str):
        if body.closed and score in ("logit", "probability"):
            raise UnsupportedModelError(
                f"score={score!r} was asked for, and nobody knows whether the outputs of this "
                "model are logits or probabilities. Pass score='output' to explain them as they "
                "are, or the Keras model itself."
            )
        function = registered_score(score)
        if function is None and len(body.outputs) == 1 and not body.closed:
            score = answered(score, body.ending, explicit=True)
        return Question(score, function)
    if isinstance(score, Contrast):
        of = Question(contrasted(body))
        axes, names = outputs_of(of, body), classes_of(of, subject, body)
        a, b = (int(read_target(c, 1, axes, names)[0]) for c in (score.a, score.b))
        return Question(Contrast(a, b))
    if not isinstance(score, LayerScore):
        raise InvalidInputError(
            f"score={score!r} is a {type(score).__name__}. Pass 'logit', 'probability', 'output', "
            "the name (a str) given to tfxai.register_score, Contrast(a, b) or "
            "Neuron(layer, index)."
        )
    call = body.find(score.layer)
    is_moved = score.of_channels and call.shape is not None
    score.check(moved_shape(call.shape, call.axes) if is_moved and call.shape else call.shape)
    return Question(score)


def read_targets(
    target: Any, batch: int, question: Question, subject: Subject, body: ModelStructure
) -> Array:
    """The target of each example, checked; the first class of a contrast, -1 where none is."""
    if not chooses(question):
        classes = classes_of(question, subject, body)
        return read_target(target, batch, outputs_of(question, body), classes)
    if target is not None:
        raise InvalidInputError(
            f"target={target!r} came with score={question.kind!r}, which chooses by itself what "
            "is explained. Leave target out."
        )
    return np.full((batch,), first_target(question), np.int32)


def chooses(question: Question) -> bool:
    """Whether the score says by itself which output is explained."""
    return not isinstance(question.kind, str) or question.function is not None


def first_target(question: Question) -> int:
    """The target that is reported where none is given."""
    return int(question.kind.a) if isinstance(question.kind, Contrast) else PREDICTED


def contrasted(body: ModelStructure) -> str:
    """What a contrast is the difference of: logits, or the outputs where there are none."""
    return "output" if body.closed else answered("logit", body.ending, explicit=False)


def outputs_of(question: Question, body: ModelStructure) -> tuple[int | None, ...]:
    """Shape of the outputs that a target chooses from, without the batch axis."""
    axes = body.outputs[0] or (1,)
    kind = contrasted(body) if isinstance(question.kind, Contrast) else question.kind
    return (2,) if isinstance(kind, str) and is_two_classes(axes, kind, body.ending) else axes


def classes_of(
    question: Question, subject: Subject, body: ModelStructure
) -> tuple[str, ...] | None:
    """Names of the outputs that a target chooses from; one unit stands for the second of two.

    One name for the one unit is that of the second class.
    """
    names = subject.classes
    if not names or len(body.outputs) != 1 or body.outputs[0] not in ((), (1,)):
        return names
    if outputs_of(question, body)[-1] == 2:
        return both_classes(names)
    return names if chooses(question) else names[-1:]
