"""The summary of a run has room for what is drawn, and says what its maps run from."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plotting.examples import texts
from tfxai.batch.summary import MethodSummary
from tfxai.plotting.run_summary import plot_run_summary

MASSES = {0: (4, 2.0, 1.5), 1: (2, 3.0, 5.0)}
MAPS = {0: (2, np.arange(12.0).reshape(3, 4))}
GAPS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("maps", [MAPS, {}], ids=["maps", "no maps"])
@pytest.mark.parametrize("gaps", [GAPS, []], ids=["gaps", "no gaps"])
def test_panels_fill_the_page(maps, gaps):
    method = MethodSummary(masses=MASSES, maps=maps, gaps=gaps)
    figure = plot_run_summary({"saliency": method, "occlusion": method}, ("Cat", "Dog"))
    figure.canvas.draw()
    places = [axes.get_position() for axes in figure.axes]
    assert len(places) == 2 * (1 + bool(maps) + bool(gaps))
    margin = (1 - max(place.x1 for place in places)) * figure.get_figwidth()
    assert margin == pytest.approx(0.2, abs=0.01)
    assert any("from 0, dark" in text for text in texts(figure)) == bool(maps)
    for text in figure.texts:
        assert text.get_window_extent().y0 >= 0
