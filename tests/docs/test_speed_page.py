"""The blocks of docs/speed.md run in their order, and a chunk changes nothing."""

from __future__ import annotations

import numpy as np

import tfxai
from tests.docs.blocks import python_blocks, run


def test_every_block_runs(monkeypatch):
    monkeypatch.setattr(tfxai.config, "memory_budget", tfxai.config.memory_budget)
    names = {}
    for block in python_blocks("docs/speed.md"):
        run(block, names)
    whole, small = names["whole"], names["small"]
    np.testing.assert_allclose(small.values, whole.values, rtol=0, atol=1e-6)
    assert names["cam"].values.shape == (4, 30, 30)
