"""The blocks of docs/text.md run, and give what their comments say."""

from __future__ import annotations

import numpy as np

from tests.docs.blocks import python_blocks, run


def test_every_block_runs_and_gives_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {}
    for block in python_blocks("docs/text.md"):
        run(block, found)
    a = found["a"]
    assert a.at == "words"
    assert a.token_values.shape == (2, 6)
    assert [word for word, _ in a.words()[1]] == ["a", "bad", "film"]
    assert (tmp_path / "small.npz").is_file()
    np.testing.assert_allclose(a.token_values.sum(1), a.score - a.baseline_score, atol=1e-5)
    weights = found["weights"]["look"]
    _, expected = found["look"](found["inputs"], found["inputs"], return_attention_scores=True)
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    assert (tmp_path / "heads.html").is_file()
    halves = 0.5 * weights.mean(axis=1)[:, 0] + 0.5 * np.eye(5)[0]
    np.testing.assert_allclose(found["rollout"].values, halves, atol=1e-6)
    assert (found["towards"].values >= 0).all()
    owen = found["owen"]
    np.testing.assert_allclose(owen.completeness_gap, 0, atol=1e-6)
    for name in ("drops", "fair", "mine"):
        assert [word for word, _ in found[name].words()[0]] == ["a", "fine", "film"]
        assert np.abs(found[name].token_values[0, :3]).min() > 0
