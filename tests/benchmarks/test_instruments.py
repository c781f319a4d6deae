"""The measured table of docs/trust.md, and how it is measured."""

from __future__ import annotations

import numpy as np

from benchmarks import instruments
from benchmarks.pages import part
from tfxai.metrics import fitness


def test_the_page_has_the_numbers_that_tables_go_by():
    text = instruments.PAGE.read_text(encoding="utf-8")
    found = part(text, instruments.NAME)
    assert found.strip() == instruments.table(fitness.RECOVERS).strip()


def test_copies_have_that_share_of_their_parts_moved():
    maps = np.arange(400.0).reshape(2, 200)
    before = np.zeros(maps.shape, bool)
    for share in (0.0, 0.3, 1.0):
        copy = instruments.shuffled(maps, share, seed=0)
        np.testing.assert_array_equal(np.sort(copy, axis=1), maps)
        moved = copy != maps
        np.testing.assert_allclose(moved.mean(axis=1), share)
        assert (moved | ~before).all()  # what a small share moves is moved by a larger one
        before = moved
    assert (instruments.shuffled(maps, 0.3, seed=1) != copy).any()


def test_the_order_of_copies_is_recovered_by_what_follows_it():
    rng = np.random.default_rng(0)
    falls = 1 - instruments.SHARES + np.zeros((10, 1))
    noise = rng.normal(size=(10, len(instruments.SHARES)))
    assert instruments.recovered(falls, higher_is_better=True) == 1.0
    assert instruments.recovered(falls, higher_is_better=False) == 0.0
    assert instruments.recovered(noise, higher_is_better=True) < 0.2
    half = np.concatenate([falls[:5], noise[:5]])
    assert instruments.recovered(half, higher_is_better=True) == 0.5
