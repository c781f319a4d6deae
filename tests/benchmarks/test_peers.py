"""The table of other libraries: its ratios, its page, and who loses where."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.pages import marks
from benchmarks.peers.cells import CELLS
from benchmarks.peers.report import NAME, Found, agreement, tables, written

LIBRARIES = ["tfxai", "shap", "captum"]


@pytest.fixture
def found():
    one = Found(CELLS[0])
    one.seconds = {"tfxai": [2.0, 4.0, 6.0], "shap": [4.0, 4.0, 4.0], "captum": [1.0, 4.0, 1.0]}
    one.peaks = {"tfxai": 200.0, "shap": 300.0, "captum": 100.0}
    one.agreements = {"shap": 0.5}
    return one


def test_ratios_are_of_rounds(found):
    assert found.ratio("shap") == (1.0, 0.5, 1.5)
    assert found.ratio("captum") == (2.0, 1.0, 6.0)
    assert found.ratio("alibi") is None


def test_keys_of_cells_are_names_of_files():
    keys = [cell.key for cell in CELLS]
    assert len(set(keys)) == len(keys)
    assert not any(set(key) & set(" /") for key in keys)


def test_agreement_is_that_of_maps_without_channels_and_signs():
    ours = np.random.default_rng(0).normal(size=(2, 4, 4, 3))
    assert agreement(ours, -3 * ours) == pytest.approx(1)
    assert agreement(ours, np.abs(ours).sum(axis=-1)) == pytest.approx(1)
    assert np.isnan(agreement(ours, ours[:, :2, :2]))


def test_page_keeps_what_lies_around_the_marks_and_says_who_loses(found):
    found.errors = {"alibi": "no"}
    versions = {"tfxai": "1", "shap": "2", "captum": "3"}
    start, end = marks(NAME)
    page = f"before\n{start}\nold\n{end}\nafter\n"
    new = written(page, [found], LIBRARIES, versions)
    assert new.startswith("before\n")
    assert new.endswith("\nafter\n")
    assert "old" not in new
    assert "tfxai 1, shap 2, Captum 3" in new
    assert "- cnn-1-saliency against Captum: 2.00" in new
    assert "against shap" not in new  # neither slower nor larger
    assert "- cnn-1-saliency: 100 MiB more than Captum" in new
    assert written(new, [found], LIBRARIES, versions) == new
    with pytest.raises(ValueError, match="between which"):
        written("no marks", [found], LIBRARIES, versions)


def test_table_says_what_fails_and_what_is_missing(found):
    found.errors = {"alibi": "no"}
    (table,) = tables([found], [*LIBRARIES, "alibi", "xplique"])
    cells = [next(iter(column.cells)) for column in table.columns]
    assert cells[-2:] == ["fails", "-"]
    assert cells[3] == "1.00 (0.50-1.50), 300 MiB"
