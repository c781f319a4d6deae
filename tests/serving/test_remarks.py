"""Sentences that come with an explanation: what to know before one believes it."""

from __future__ import annotations

import numpy as np
import pytest

from tfxai.serving.explaining.answer import Explanation
from tfxai.serving.explaining.remarks import remarks


def explanation(values, *, gap=None, score="logit", tokens=None, texts=None, options=None):
    values = np.asarray(values, np.float32)
    count = len(values)
    return Explanation(
        name="ig",
        values={"x": values},
        target=np.zeros(count, np.int32),
        score=np.full(count, 3.0, np.float32),
        baseline_score=None if gap is None else np.full(count, 1.0, np.float32),
        completeness_gap=None if gap is None else np.asarray(gap),
        heatmaps=None,
        pngs=None,
        predictions=None,
        about={
            "method": {"name": "ig", "options": options or {}},
            "score": score,
            **({} if texts is None else {"texts": texts}),
        },
        tokens=tokens,
    )


def said(made, *, names_classes=True):
    return remarks(made, names_classes=names_classes)


def test_a_gap_over_a_tenth_of_the_difference_is_told():
    made = explanation([[1.0], [1.0], [1.0]], gap=[0.19, 0.5, -0.5])
    sentence = "The values of ig miss the score's difference to the baseline by 25%."
    assert said(made) == [[], [sentence], [sentence]]


def test_a_gap_over_the_tolerance_of_the_export_is_told():
    made = explanation([[1.0]], gap=[0.1], options={"tolerance": 0.01})
    assert said(made) == [
        ["The values of ig miss the score's difference to the baseline by 5.0%."]
    ]


@pytest.mark.parametrize(
    ("score", "names_classes", "reason"),
    [
        ("logit", False, "nothing that it looks at speaks for the target"),
        ("output", True, "nothing that it looks at speaks for the target"),
        ("output", False, "nothing that it looks at raises the score"),
    ],
)
def test_values_of_zero_are_told(score, names_classes, reason):
    made = explanation([[0.0, 0.0], [0.0, 1.0]], score=score)
    assert said(made, names_classes=names_classes) == [[f"ig is zero everywhere: {reason}."], []]


def test_zeros_of_a_method_that_adds_up_mean_that_the_score_is_the_same():
    (one,) = said(explanation([[0.0]], gap=[0.0]))
    assert one == [
        "ig is zero everywhere: the score is the same at the baseline and at the input."
    ]


def test_texts_that_are_full_or_unknown_are_told():
    words = np.array(
        [[b"a", b"b", b"c"], [b"[UNK]", b"[UNK]", b""], [b"[UNK]", b"a", b""]], object
    )
    tokens = words, np.ones((3, 3), np.float32)
    made = explanation(np.ones((3, 3)), tokens=tokens, texts={"limit": 3, "unknown": "[UNK]"})
    full, unknown, plain = said(made)
    assert full == [
        "The text takes all 3 places that the model has for words: any that come after them were "
        "cut."
    ]
    assert unknown == [
        "The text holds no word of the model's vocabulary: the model answers every such text of "
        "its length alike."
    ]
    assert plain == []
    assert said(explanation(np.ones((3, 3)), tokens=tokens)) == [[], [], []]  # nothing is recorded


def test_answers_have_them_beside_the_values(server):
    body = {"instances": ["unheard of", "a good bad film good", "a good film"], "target": 1}
    answer = server.post("/v1/models/text:explain", json=body).json()
    told = [one["attributions"][0].get("remarks") for one in answer["explanations"]]
    assert "no word of the model's vocabulary" in told[0][0]
    assert "all 4 places" in told[1][0]
    assert told[2] is None
    assert answer["texts"] == {"limit": 4, "unknown": "[UNK]"}


def test_a_map_of_zeros_is_told_with_its_picture(server):
    """Values are not asked for here, and the sentence needs them."""
    body = {
        "instances": np.zeros((1, 32, 32, 3)).tolist(),  # the baseline itself
        "method": "integrated_gradients",
        "outputs": ["heatmap_png"],
    }
    answer = server.post("/v1/models/cifar10_cnn:explain", json=body).json()
    (one,) = answer["explanations"][0]["attributions"]
    assert "featureAttributions" not in one
    assert one["remarks"] == [
        "integrated_gradients is zero everywhere: the score is the same at the baseline and at "
        "the input."
    ]
