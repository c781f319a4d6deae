"""The code in the documents does what they say."""

import importlib
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tfxai.methods import base

ROOT = Path(__file__).parents[2]


@pytest.fixture
def contributed(monkeypatch, tmp_path):
    """The method that CONTRIBUTING.md writes, registered for one test."""
    monkeypatch.setattr(base, "METHODS", dict(base.METHODS))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
    source = next(block for block in blocks if "class GradientInput" in block)
    assert len(source.splitlines()) <= 40
    (tmp_path / "contributed_gradient_input.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("contributed_gradient_input")
    yield base.METHODS["gradient_input"]
    del sys.modules["contributed_gradient_input"]


def test_method_of_the_contributing_guide_splits_a_quadratic_by_hand(contributed):
    x = keras.Input((2,), dtype="float64")
    first, second = x[:, :1], x[:, 1:]
    model = keras.Model(x, first * first + 3.0 * first * second)
    a = contributed()(model, np.array([[2.0, 5.0]]))
    # x0 (2 x0 + 3 x1) and x1 (3 x0) at (2, 5)
    np.testing.assert_allclose(a.values, [[38.0, 30.0]], rtol=1e-12)


def test_every_relative_link_of_the_documents_leads_somewhere():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    for document in documents:
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


@pytest.mark.slow
def test_first_example_of_the_readme_explains_the_photograph(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(blocks[0], "README.md", "exec", dont_inherit=True), names)
    a = names["a"]
    assert a.target_names == ["Cat"]
    total = float(a.score[0] - a.baseline_score[0] + a.completeness_gap[0])
    assert float(a.values.sum(dtype="float64")) == pytest.approx(total, rel=1e-5)
    assert (tmp_path / "cat.png").stat().st_size > 10_000
    assert (tmp_path / "cat.npz").is_file()
