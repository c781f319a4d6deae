"""Figures of metrics show the numbers of the measurement."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plotting.examples import texts
from tfxai.errors import InvalidInputError
from tfxai.metrics import Measurement

RNG = np.random.default_rng(0)


def of(values, better=True, name="insertion", **details):
    about = {"name": name, "options": {}}
    method = {"name": "integrated_gradients", "options": {}}
    return Measurement(np.asarray(values, float), about, method, better, details)


def test_the_line_is_the_mean_curve_with_its_interval():
    curve = RNG.random((30, 6))
    curve[3] = np.nan
    (axes,) = of(RNG.random(30), curve=curve).plot().axes
    share, mean = axes.lines[0].get_data()
    np.testing.assert_allclose(share, np.linspace(0, 1, 6))
    known = np.delete(curve, 3, axis=0)
    np.testing.assert_allclose(mean, known.mean(axis=0))
    band = axes.collections[0].get_paths()[0].vertices
    half = 1.96 * known.std(axis=0, ddof=1) / np.sqrt(29)
    np.testing.assert_allclose(band[:, 1].max(), (known.mean(axis=0) + half).max())
    assert {"share that is shown", "score"} <= set(texts(axes.figure))


def test_srg_has_a_line_for_each_order():
    both = {"most_first": RNG.random((4, 3)), "least_first": RNG.random((4, 3))}
    figure = of(RNG.random(4), name="srg", **both).plot()
    lines = {line.get_color(): line.get_ydata() for line in figure.axes[0].lines}
    legend = {t.get_text()[2:]: t.get_color() for t in figure.texts if t.get_text()[0] == "—"}
    for name, words in (
        ("most_first", "most relevant first"),
        ("least_first", "least relevant first"),
    ):
        np.testing.assert_allclose(lines[legend[words]], both[name].mean(axis=0))
    assert "SRG of Integrated Gradients" in texts(figure)


def test_bars_are_the_values_from_high_to_low():
    found = of([0.25, np.nan, 1.0, -0.5], better=False, name="entropy")
    figure = found.plot(figsize=3.3)
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches[:3]] == [1.0, 0.25, -0.5]
    assert axes.lines[0].get_ydata() == [found.mean, found.mean]
    assert any("3 of 4 examples; low is good" in " ".join(texts(figure)) for _ in [0])


@pytest.mark.parametrize("size", [2.0, 3.3, 9.0, (3.3, 2.5)])
def test_the_figure_has_the_size_asked_for_and_all_lies_on_it(size, tmp_path):
    figure = of(RNG.random(12), curve=RNG.random((12, 21))).plot(tmp_path / "a.png", figsize=size)
    width, height = figure.get_size_inches()
    assert width == pytest.approx(size[0] if isinstance(size, tuple) else size)
    if isinstance(size, tuple):
        assert height == pytest.approx(size[1])
    assert (tmp_path / "a.png").is_file()
    renderer = figure.canvas.get_renderer()
    for part in (*figure.texts, figure.axes[0].xaxis.label, *figure.axes[0].get_yticklabels()):
        box = part.get_window_extent(renderer)
        assert box.x0 >= -1
        assert box.x1 <= width * figure.dpi + 1
        assert box.y0 >= -1
        assert box.y1 <= height * figure.dpi + 1


def test_nothing_to_draw_and_no_room_are_refused():
    with pytest.raises(InvalidInputError, match="no value for any of 2 examples"):
        of([np.nan, np.nan]).plot()
    with pytest.raises(InvalidInputError, match="too small"):
        of([1.0, 2.0]).plot(figsize=(3.3, 1.0))
    with pytest.raises(InvalidInputError, match="figsize"):
        of([1.0, 2.0]).plot(figsize="wide")
