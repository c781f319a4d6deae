"""The blocks of docs/features.md run in their order, and give what they say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.docs.blocks import python_blocks


@pytest.mark.slow
def test_every_block_runs_and_gives_what_its_comments_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in python_blocks("docs/features.md"):
        exec(block, names)
    found, trust, paths, dream = (names[one] for one in ("found", "trust", "paths", "dream"))
    assert found.pictures.shape == (3, 32, 32, 3)
    assert found.labels[:2] == ("class Frog", "class Frog - class Cat")
    assert np.isnan(trust.after_blur).tolist() == [False, False, True]
    assert trust.holds[:2].all()
    assert paths.mean.shape == paths.is_other.shape == (3,)
    assert (dream.norms[:, 1] > dream.norms[:, 0]).all()
    assert dream.image.shape == (64, 96, 3)
    assert (names["more"].values > names["more"].before).all()
    assert names["more"].distances.shape == (16,)
    for name in ("frogs.png", "more.png", "layer.png", "top.png"):
        assert (tmp_path / name).stat().st_size > 5_000
