"""The measured table of docs/trust.md, and how it is measured."""

from __future__ import annotations

import numpy as np

from benchmarks import instruments
from tfxai.metrics import fitness


def test_the_page_has_the_numbers_that_tables_go_by():
    text = instruments.PAGE.read_text(encoding="utf-8")
    _, _, rest = text.partition(instruments.START)
    found, _, _ = rest.partition(instruments.END)
    assert found == instruments.table(fitness.RECOVERS)


def test_copies_have_that_share_of_their_parts_moved():
    maps = np.arange(400.0).reshape(2, 200)
    for share in (0.0, 0.3, 1.0):
        copy = instruments.shuffled(maps, share, np.random.default_rng(0))
        np.testing.assert_array_equal(np.sort(copy, axis=1), maps)
        moved = (copy != maps).mean(axis=1)
        assert (moved <= share).all()
        assert (moved >= 0.95 * share).all()
