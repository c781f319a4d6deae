"""The blocks of docs/sanity.md run in their order, and give what they say."""

from __future__ import annotations

import numpy as np

from tests.docs.blocks import python_blocks


def test_every_block_runs_and_gives_what_its_comments_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in python_blocks("docs/sanity.md"):
        exec(block, names)
    found, a, b = names["found"], names["a"], names["b"]
    assert found.steps == ("head", "conv")
    assert found.spearman.shape == found.ssim.shape == found.entropy_rise.shape == (4, 2)
    assert names["other"].steps == ("another class",)
    error = a.details["standard_error"]
    assert error.shape == (4, 12, 12, 3)
    np.testing.assert_array_equal(a.certain(), np.abs(a.values) > 1.959964 * error)
    np.testing.assert_array_equal(a.details["certain_top"], a.certain_top(0.1))
    largest = np.abs(b.values).max(axis=(1, 2, 3))
    share = b.details["standard_error"].max(axis=(1, 2, 3)) / largest
    assert ((share <= 0.1) | (b.details["samples"] == 400)).all()
    assert set(np.unique(names["held"].values)) <= {-1, 0, 1}
    assert (tmp_path / "sanity.png").stat().st_size > 5_000
    assert (tmp_path / "certain.png").stat().st_size > 5_000
