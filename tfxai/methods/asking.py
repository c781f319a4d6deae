"""What is asked of a model: the score that is explained, and the target of each example."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxai.core.anatomy import Anatomy
from tfxai.core.inputs import Array
from tfxai.core.scores import Contrast, Neuron, Question, name_of, registered_score
from tfxai.core.targets import PREDICTED, read_target
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.subject import Subject


def read_question(score: Any, default: str, subject: Subject, body: Anatomy) -> Question:
    """What is explained, checked, class names turned into indices."""
    if score is None:
        return Question("output" if body.closed else default, explicit=False)
    score = name_of(score)
    if isinstance(score, str):
        if body.closed and score in ("logit", "probability"):
            raise UnsupportedModelError(
                f"score={score!r} was asked for, and nobody knows whether the outputs of this "
                "model are logits or probabilities. Pass score='output' to explain them as they "
                "are, or the Keras model itself."
            )
        return Question(score, explicit=True, function=registered_score(score))
    if isinstance(score, Contrast):
        axes = outputs_of(Question("logit", explicit=True), body)
        a, b = (int(read_target(c, 1, axes, subject.classes)[0]) for c in (score.a, score.b))
        return Question(Contrast(a, b), explicit=True)
    if not isinstance(score, Neuron):
        raise InvalidInputError(
            f"score={score!r} is a {type(score).__name__}. Pass 'logit', 'probability', 'output', "
            "the name (a str) given to tfxai.register_score, Contrast(a, b) or "
            "Neuron(layer, index)."
        )
    score.check(body.find(score.layer).shape)
    return Question(score, explicit=True)


def read_targets(
    target: Any, batch: int, question: Question, subject: Subject, body: Anatomy
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


def outputs_of(question: Question, body: Anatomy) -> tuple[int | None, ...]:
    """Shape of the outputs that a target chooses from, without the batch axis."""
    axes = body.outputs[0] or (1,)
    one_unit = axes[-1] == 1 and question.kind in ("logit", "probability")
    as_probability = question.kind == "probability" and question.explicit
    if one_unit and (body.activation == "sigmoid" or (body.activation is None and as_probability)):
        return (*axes[:-1], 2)
    return axes


def classes_of(question: Question, subject: Subject, body: Anatomy) -> tuple[str, ...] | None:
    """Names of the outputs that a target chooses from; one unit stands for the second of two."""
    names = subject.classes
    if names and len(names) == 2 and not chooses(question) and outputs_of(question, body)[-1] == 1:
        return names[1:]
    return names
