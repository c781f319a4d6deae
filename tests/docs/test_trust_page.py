"""The blocks of docs/trust.md run in their order, and find what the page says."""

from __future__ import annotations

import numpy as np

from tests import builders
from tests.docs.blocks import ROOT, python_blocks
from tfxai.metrics.catalogue import METRICS


def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tfxai.registry.load", lambda name: builders.functional())
    images = builders.images(8)
    names = {"images": images, "labels": np.arange(8) % 3}
    for block in python_blocks("docs/trust.md"):
        exec(block, names)
    found = names["found"]
    assert found.methods == ("saliency", "integrated_gradients")
    assert [one.fill for one in found.columns] == ["blur", "mean"]
    for file in ("evaluate.png", "evaluate.csv", "road.png", "mistakes.png"):
        assert (tmp_path / file).stat().st_size > 500
    assert np.isfinite(names["a"].values).all()
    assert names["mistakes"].wrong == sum(one[2] for one in names["mistakes"].confusions) > 0


def test_every_metric_is_named():
    text = (ROOT / "docs/trust.md").read_text()
    assert [cls.__name__ for cls in METRICS.values() if f"`{cls.__name__}`" not in text] == []
