"""Bars and lines show the numbers they stand for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tests.plotting.examples import attribution, texts
from tests.plotting.gallery import long_names, of_targets, series, small_bars
from tfxai.errors import InvalidInputError
from tfxai.plotting import plot_attribution, style


def bars(figure):
    return [(patch.get_width(), to_hex(patch.get_facecolor())) for patch in figure.axes[0].patches]


def test_bars_are_the_values_strongest_first_coloured_by_sign():
    one = attribution([[0.5, -2.0, 1.0]], [[10.0, 20.0, -30.0]])
    figure = plot_attribution(one, feature_names=["age", "height", "weight"])
    assert bars(figure) == [
        (-2.0, style.SPEAKS_AGAINST),
        (1.0, style.SUPPORTS),
        (0.5, style.SUPPORTS),
    ]
    ticks = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert ticks == ["height = 20", "weight = \N{MINUS SIGN}30", "age = 10"]
    top, bottom = (figure.axes[0].transData.transform((0, place))[1] for place in (0, 2))
    assert top > bottom


def test_unsigned_bars_have_one_colour_and_no_legend():
    figure = plot_attribution(attribution([[0.5, 2.0]], [[1.0, 2.0]], is_signed=False))
    assert {colour for _, colour in bars(figure)} == {style.ACCENT}
    assert not any("supports" in text for text in texts(figure))


def test_only_the_strongest_twenty_of_many_features_are_drawn():
    values = np.arange(30.0)[None] * (-1) ** np.arange(30)
    figure = plot_attribution(attribution(values, np.ones((1, 30))))
    assert [abs(width) for width, _ in bars(figure)] == list(range(29, 9, -1))
    assert "the strongest 20 of 30 features" in texts(figure)


def test_units_of_a_layer_have_no_input_value():
    one = attribution([[0.5, -2.0]], np.ones((1, 4, 4, 3)), at="dense")
    figure = plot_attribution(one)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["unit 1", "unit 0"]


def test_zero_values_draw_without_a_scale():
    figure = plot_attribution(attribution([[0.0, 0.0]], [[1.0, 2.0]]))
    figure.canvas.draw()
    assert [width for width, _ in bars(figure)] == [0.0, 0.0]


def test_feature_names_must_fit():
    with pytest.raises(InvalidInputError, match="holds 1 names, and there are 2 features"):
        plot_attribution(attribution([[0.5, 2.0]], [[1.0, 2.0]]), feature_names=["age"])


def lines(axes):
    return [np.asarray(line.get_ydata()) for line in axes.lines if len(line.get_ydata()) > 2]


def test_series_show_the_input_over_its_attribution():
    inputs = np.array([[[1.0], [2.0], [4.0], [8.0]]])
    values = np.array([[[0.0], [1.0], [-1.0], [0.5]]])
    above, below = plot_attribution(attribution(values, inputs)).axes
    np.testing.assert_array_equal(lines(above)[0], inputs[0, :, 0])
    np.testing.assert_array_equal(lines(below)[0], values[0, :, 0])
    assert above.get_xlim() == below.get_xlim() == (0, 3)
    colours = {to_hex(area.get_facecolor()[0]) for area in below.collections}
    assert colours == {style.SUPPORTS, style.SPEAKS_AGAINST}


def test_an_unsigned_series_has_one_colour_and_no_legend():
    one = attribution(np.ones((1, 4, 1)), np.zeros((1, 4, 1)), is_signed=False)
    figure = plot_attribution(one)
    assert to_hex(figure.axes[1].collections[0].get_facecolor()[0]) == style.ACCENT
    assert not any("supports" in text for text in texts(figure))


def test_of_many_channels_the_six_strongest_are_drawn():
    strength = np.array([1.0, 9, 2, 8, 3, 7, 4, 6])
    values = np.ones((1, 5, 8)) * strength
    figure = plot_attribution(attribution(values, np.zeros((1, 5, 8))))
    assert [line[0] for line in lines(figure.axes[1])] == [9, 8, 3, 7, 4, 6]
    words = texts(figure)
    assert "the strongest 6 of 8 channels" in words
    assert [text for text in words if "channel " in text] == [
        f"\N{EM DASH} channel {channel}" for channel in (1, 3, 4, 5, 6, 7)
    ]


def test_series_at_a_layer_have_no_input_panel():
    one = attribution(np.ones((1, 5, 2)), np.zeros((1, 20, 3)), at="conv1d")
    assert len(plot_attribution(one).axes) == 1


def ticks(figure):
    return [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]


def test_a_number_beside_other_inputs_is_called_as_its_input():
    arrays = {"table": np.array([[1.0, 2.0]]), "age": np.array([[3.0]])}
    figure = plot_attribution(attribution(arrays, arrays))
    assert ticks(figure)[-1] == "age = 3"


def test_a_number_beside_held_inputs_is_called_as_its_input():
    inputs = {"hours": np.array([[40.0]]), "age": np.array([[39]]), "code": np.array([["x"]])}
    one = attribution({"hours": np.array([[0.5]])}, inputs, held=("age", "code"))
    figure = plot_attribution(one)
    assert ticks(figure) == ["hours = 40"]
    assert bars(figure) == [(0.5, style.SUPPORTS)]


@pytest.mark.parametrize("width", [3.3, 10.0])
def test_names_are_told_apart_at_any_width(width):
    one = long_names()
    figure = plot_attribution(one, figsize=width)
    order = np.argsort(-np.abs(one.values[0]), kind="stable")[:20]
    names = ticks(figure)
    assert len(set(names)) == 20
    for place, number in enumerate(order):
        given = one.columns[number].name
        assert names[place].startswith(given[:3])
        if given.startswith("a rather long"):
            assert f" {number - 3} = " in names[place] or names[place].endswith(f"{number - 3}")


def numbers_and_names(figure):
    """The boxes of the numbers at the bars and of the names beside them, in dots."""
    figure.canvas.draw()
    (axes,) = figure.axes
    numbers = [text.get_window_extent() for text in axes.texts]
    return numbers, [label.get_window_extent() for label in axes.get_yticklabels()]


@pytest.mark.parametrize("width", [3.3, None, 13.33])
def test_the_number_of_a_small_bar_ends_before_the_names(width):
    numbers, names = numbers_and_names(plot_attribution(small_bars(), figsize=width))
    assert min(box.x0 for box in numbers) > max(box.x1 for box in names)


def test_numbers_of_an_axis_have_room():
    one = attribution([[0.04, -0.2]], [[1.0, 2.0]])
    figure = plot_attribution(one, figsize=3.3)
    figure.canvas.draw()
    low, high = figure.axes[0].get_xlim()
    labels = [
        label.get_window_extent()
        for label in figure.axes[0].get_xticklabels()
        if low <= label.get_position()[0] <= high
    ]
    assert len(labels) >= 2
    for left, right in itertools.pairwise(labels):
        assert right.x0 - left.x1 > 4


def test_targets_of_a_table_share_the_scale_and_the_order_of_the_features():
    values = np.array([[1.0, -2.0, 0.5]])
    one = attribution(values, [[1.0, 2.0, 3.0]])
    figure = plot_attribution(of_targets(one, 1, 0.1, -4))
    charts = [axes for axes in figure.axes if axes.patches]
    assert len({axes.get_xlim() for axes in charts}) == 1
    for axes, scale in zip(charts, (1, 0.1, -4), strict=True):
        names = [label.get_text().split(" = ")[0] for label in axes.get_yticklabels()]
        assert names == ["feature 1", "feature 0", "feature 2"]
        found = [patch.get_width() for patch in axes.patches]
        np.testing.assert_allclose(found, scale * values[0, [1, 0, 2]])
    assert any("Charts of one example share a scale." in text for text in texts(figure))


def test_two_methods_of_a_table_keep_their_own_scales():
    one = attribution([[1.0, -2.0]], [[1.0, 2.0]])
    other = attribution([[4.0, 1.0]], [[1.0, 2.0]], method={"name": "lime", "options": {}})
    figure = plot_attribution([one, other])
    assert len({axes.get_xlim() for axes in figure.axes}) == 2
    assert not any("share a scale" in text for text in texts(figure))


def test_targets_of_a_series_share_a_scale():
    figure = plot_attribution(of_targets(series(), 1, 0.1, -2))
    above, *below = figure.axes  # the input is drawn once
    assert above.get_ylabel() == "input"
    assert [axes.get_ylabel() for axes in below] == ["attribution"] * 3
    assert len({axes.get_ylim() for axes in below}) == 1
    low, high = below[0].get_ylim()
    assert low < -2
    assert high > 2


def test_channels_of_other_ranges_are_each_drawn_over_the_whole_panel():
    steps = np.linspace(0, 1, 9)
    inputs = np.stack([100 + 40 * steps, 36 + steps**2, np.full(9, 5.0)], axis=-1)[None]
    figure = plot_attribution(attribution(inputs * 0.1, inputs, axes="TC"))
    above = figure.axes[0]
    assert above.get_ylabel() == "input, scaled"
    assert not len(above.get_yticks())
    for line, expected in zip(above.lines, (steps, steps**2, np.full(9, 0.5)), strict=True):
        np.testing.assert_allclose(line.get_ydata(), expected, atol=1e-12)
    assert any("from its own least to its greatest" in text for text in texts(figure))
    alike = plot_attribution(attribution(inputs, inputs / [4, 0.1, 1], axes="TC"))
    assert alike.axes[0].get_ylabel() == "input"


def test_a_name_of_a_channel_is_cut_only_where_there_is_no_room():
    names = ["respiration of the whole night", "pulse", "oxygen"]
    assert any(names[0] in text for text in texts(plot_attribution(series(), feature_names=names)))
    narrow = texts(plot_attribution(series(), feature_names=names, figsize=3.3))
    assert any(text.startswith("\N{EM DASH} respiration") and "…" in text for text in narrow)
