"""The blocks of docs/scores.md run in their order, and explain what they say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.docs.blocks import python_blocks
from tfxai.core.question import scores


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(scores, "_registered", {})


@pytest.mark.usefixtures("registered")
def test_every_block_runs_and_its_explanations_are_those_of_its_words():
    found = {}
    blocks = python_blocks("docs/scores.md")
    for block in blocks:
        exec(block, found)
        for name in ("a", "b", "pixel", "mean", "bound"):
            if name in found:
                assert np.isfinite(found[name].score).all()
    images, mask = found["images"], found["mask"]

    logits = found["segmenter"](images).numpy()
    np.testing.assert_allclose(found["pixel"].score, logits[:, 5, 5, 1], rtol=1e-5)
    a = found["a"]
    assert a.values.keys() == {"table", "picture"}
    np.testing.assert_allclose(a.details["features"].sum(1), a.score - a.baseline_score, rtol=1e-4)
    for feature, columns in ((4, [0, 1]), (5, [2, 3]), (6, [4])):
        share = a.details["features"][:, feature, None] / len(columns)
        np.testing.assert_allclose(a.values["table"][:, columns], share * np.ones(len(columns)))
    np.testing.assert_allclose(
        found["road_in_mask"](logits), (logits[..., 1] * mask).sum((1, 2)) / mask.sum(), rtol=1e-5
    )
    outputs = found["regressor"](images).numpy()
    np.testing.assert_allclose(found["mean"].score, outputs[:, 0], rtol=1e-5)
    bound = outputs[:, 0] + 2 * np.exp(outputs[:, 1] / 2)
    np.testing.assert_allclose(found["bound"].score, bound, rtol=1e-5)
    assert len(blocks) == 7
