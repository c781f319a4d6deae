"""The blocks of the pages for users of other libraries run in their order."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.docs.blocks import python_blocks, run


def test_blocks_for_users_of_tf_explain(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in python_blocks("docs/coming-from-tf-explain.md"):
        run(block, names)
    grid, a = names["grid"], names["a"]
    assert (grid.shape, grid.dtype) == ((64, 64), np.uint8)
    with Image.open(tmp_path / "out/gradients.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), grid)
    assert len(list((tmp_path / "logs/grad_cam").rglob("events.out.tfevents.*"))) == 1
    gap = a.values.sum(axis=(1, 2, 3)) - (a.score - a.baseline_score)
    np.testing.assert_allclose(a.completeness_gap, gap, atol=1e-5)


def test_blocks_for_users_of_alibi(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in python_blocks("docs/coming-from-alibi.md"):
        run(block, names)
    explanation, a = names["explanation"], names["a"]
    np.testing.assert_allclose(a.values, explanation.attributions[0], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(explanation.deltas, a.completeness_gap, atol=1e-6)
    assert names["layer"].explain(names["images"]).attributions[0].shape == (4, 30, 30, 8)
    back = type(explanation).from_json(names["stored"])
    np.testing.assert_allclose(back.attributions[0], explanation.attributions[0])
    assert len(names["axes"].get_images()) == 2
    assert (tmp_path / "values.png").stat().st_size > 10_000
