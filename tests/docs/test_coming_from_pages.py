"""The blocks of the pages for users of other libraries run in their order."""

from __future__ import annotations

import operator
import re

import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.builders import KERAS_SAVES
from tests.docs.blocks import ROOT, python_blocks, run
from tfxai.cli.app import app


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
    row = next(one for one in (ROOT / "docs/coming-from-tf-explain.md").read_text().splitlines()
               if "core.OcclusionSensitivity" in one)  # fmt: skip
    (call,) = re.findall(r"class\}`(tfxai\.Occlusion\(.*?\)) <", row)
    assert np.isfinite(eval(call)(names["model"], names["images"]).values).all()
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


def test_blocks_for_users_of_other_libraries():
    names = {}
    for block in python_blocks("docs/coming-from-others.md"):
        run(block, names)
    a, sampled = names["a"], names["sampled"]
    assert a.values.shape == (10, 4)
    expected = names["model"](names["x"][:10]).numpy()[:, 1].mean()
    np.testing.assert_allclose(sampled.baseline_score, np.full(10, expected), rtol=1e-5)
    np.testing.assert_allclose(a.values.sum(axis=1), a.score - a.baseline_score, atol=1e-5)


@pytest.mark.filterwarnings(KERAS_SAVES)
def test_blocks_for_users_of_vertex(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = python_blocks("docs/coming-from-vertex.md")
    found = run(block, {})["attribution"]
    change = found["instanceOutputValue"] - found["baselineOutputValue"]
    assert sum(found["featureAttributions"]["columns"]) == pytest.approx(change, abs=1e-5)


@pytest.mark.parametrize("page", ["tf-explain", "alibi", "others", "vertex"])
def test_every_name_of_a_page_is_there(page):
    text = (ROOT / f"docs/coming-from-{page}.md").read_text(encoding="utf-8")
    names = {one.removesuffix(".core") for one in re.findall(r"tfxai((?:\.[A-Za-z_]+)+)", text)}
    for name in sorted(names):
        operator.attrgetter(name[1:])(tfxai)
    words = {one for line in re.findall(r"`tfxai (.*?)`", text) for one in line.split()[:1]}
    commands = {one.name or one.callback.__name__ for one in app.registered_commands}
    assert {one for one in words if one.isalpha()} <= {one.replace("_", "-") for one in commands}
