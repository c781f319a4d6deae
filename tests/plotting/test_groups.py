"""Columns and regions that are summed before they are drawn."""

import numpy as np
import pytest

from tests.plotting.examples import attribution, of_images, texts
from tfxai.attribution import Attribution
from tfxai.columns import Column
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.plotting import (
    pictures,
    plot_attribution,
    plot_bars,
    plot_beeswarm,
    plot_comparison,
    plot_dependence,
    plot_importance,
    plot_waterfall,
)
from tfxai.table_features import by_region, one_hot_groups

NAMES = ("age", "color_red", "color_blue", "color_green", "size_big", "size_small", "has_dog")
INPUTS = np.array(
    [
        [30.0, 1, 0, 0, 1, 0, 1],
        [40.0, 0, 1, 0, 1, 0, 1],
        [50.0, 0, 0, 1, 0, 1, 0],
    ]
)
VALUES = np.arange(21.0).reshape(3, 7) - 8


def table(inputs=INPUTS, names=NAMES, dtype="float64", **others) -> Attribution:
    columns = tuple(Column(name, dtype) for name in names)
    values = VALUES[: len(inputs), : len(names)]
    given = {"columns": columns, "baseline_score": np.zeros(len(inputs)), **others}
    return attribution(values, inputs, **given)


def bars(figure):
    """The length of each bar by its label."""
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    return dict(zip(names, [patch.get_width() for patch in axes.patches], strict=False))


def test_one_hot_columns_are_found_by_their_names_and_inputs():
    assert one_hot_groups(table()) == {
        "color": ("color_red", "color_blue", "color_green"),
        "size": ("size_big", "size_small"),
    }


def test_one_hot_columns_are_summed_and_the_figure_says_so():
    figure = plot_attribution(table(), 1)
    found = bars(figure)
    assert found["color = blue"] == VALUES[1, 1:4].sum()
    assert found["size = big"] == VALUES[1, 4:6].sum()
    assert found["age = 40"] == VALUES[1, 0]
    assert len(found) == 4
    words = " ".join(" ".join(texts(figure)).split())
    assert "One-hot columns are summed: color (3), size (2); groups={} keeps them apart." in words


def test_no_groups_keep_every_column():
    figure = plot_attribution(table(), 1, groups={})
    assert len(bars(figure)) == 7
    assert "One-hot" not in " ".join(texts(figure))


def test_groups_of_columns_are_summed_as_they_are_given():
    figure = plot_attribution(table(), 0, groups={"both": ["age", "has_dog"]})
    assert bars(figure)["both"] == VALUES[0, 0] + VALUES[0, 6]
    assert "One-hot" not in " ".join(texts(figure))
    with pytest.raises(UnknownNameError, match="no column 'agee'"):
        plot_attribution(table(), 0, groups={"both": ["agee", "has_dog"]})


@pytest.mark.parametrize(
    "one",
    [
        table(baseline_score=None),
        table(is_signed=False),
        table(INPUTS * np.array([1, 1, 1, 2, 2, 2, 1])),
        table(np.ones((3, 7))),
        table(INPUTS[:, ::3], ("age", "color_red", "x_red")),
        table(INPUTS[:1, 4:], ("size_big", "size_small", "has_dog")),
    ],
    ids=[
        "values that do not add up",
        "magnitudes",
        "neither 0 nor 1",
        "several are 1",
        "one of each kind",
        "two of one example",
    ],
)
def test_other_columns_are_left_alone(one):
    assert one_hot_groups(one) == {}


def test_truths_of_a_single_row_are_one_hot():
    names = ("size_big", "size_small", "has_dog")
    one = table(INPUTS[:1, 4:], names, dtype="bool")
    assert one_hot_groups(one) == {"size": ("size_big", "size_small")}


def test_a_group_is_found_below_a_longer_name():
    names = ("home_color_red", "home_color_blue", "home_size_big", "home_size_small")
    inputs = np.array([[1.0, 0, 0, 1], [0, 1, 0, 1]])
    assert one_hot_groups(table(inputs, names)) == {
        "home_color": ("home_color_red", "home_color_blue"),
        "home_size": ("home_size_big", "home_size_small"),
    }


def test_a_column_with_the_name_of_the_group_keeps_its_place():
    names = ("color", "color_red", "color_blue")
    inputs = np.array([[7.0, 1, 0], [8, 0, 1]])
    assert one_hot_groups(table(inputs, names)) == {}


def test_columns_that_one_method_holds_are_not_grouped_for_it():
    one = table()
    held = attribution(VALUES[:, :2], INPUTS[:, :2], columns=one.columns[:2])
    figure = plot_attribution([one, held], 1)
    labels = [
        [label.get_text() for label in axes.get_yticklabels()]
        for axes in figure.axes
        if axes.patches
    ]
    assert "color = blue" in labels[0]
    assert sorted(labels[1]) == ["age = 40", "color_red = 0"]


MASK = np.array([[0, 0, 0, 1, 1, 1]] * 2 + [[2] * 6] * 2)


def test_regions_of_images_are_summed_over_their_places_and_channels():
    one = of_images(2)
    summed = by_region(one, MASK)
    for i in range(2):
        for region in range(3):
            expected = one.values[i][region == MASK].sum()
            np.testing.assert_allclose(summed.values[i][region == MASK], expected)
    every = by_region(one, np.stack([MASK, MASK.T.reshape(4, 6)]))
    np.testing.assert_array_equal(every.values[0], summed.values[0])
    assert summed.is_map
    assert summed.is_signed


def test_figures_of_regions_show_their_sums():
    one = of_images(2)
    expected = pictures(by_region(one, MASK), threshold=0)
    for given, made in zip(pictures(one, groups=MASK, threshold=0), expected, strict=True):
        np.testing.assert_array_equal(given, made)
    figure = plot_attribution(one, 1, groups=MASK)
    heat = np.asarray(figure.axes[1].images[0].get_array())
    for region in range(3):
        assert len(np.unique(heat[region == MASK])) == 1
    drawn = plot_comparison([one], groups=MASK, threshold=0)
    np.testing.assert_allclose(np.asarray(drawn.axes[1].images[0].get_array()), expected[0])


def test_regions_of_a_series_are_its_stretches():
    values = np.array([[[1.0], [2.0], [4.0], [8.0]]])
    summed = by_region(attribution(values, values), np.array([0, 0, 1, 1]))
    np.testing.assert_array_equal(summed.values, [[3.0, 3.0, 12.0, 12.0]])


@pytest.mark.parametrize(
    ("one", "groups", "sentence"),
    [
        (
            of_images(),
            {"a": ["b"]},
            "names columns such as 'a', and the values are not of a table",
        ),
        (of_images(), MASK[:2], r"groups has shape \(2, 6\), and the values lie over \(4, 6\)"),
        (of_images(), MASK * 1.0, "groups is ndarray, and was expected to be a dict"),
        (of_images(), "one_hot", "names columns such as 'one_hot', and the values are not of a"),
        (of_images(), ["a"], "names columns such as 'a', and the values are not of a table"),
        (of_images(), "slic", "groups is str, and was expected to be a dict"),
        (table(), np.arange(7), "not one array over places"),
    ],
    ids=[
        "columns of images",
        "shape",
        "floats",
        "one-hot columns of images",
        "names of images",
        "a word",
        "regions of a table",
    ],
)
def test_groups_of_another_kind_are_refused(one, groups, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        plot_attribution(one, groups=groups)


def labels_of(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def lengths(figure):
    """The length of each bar by what its row is called."""
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    return dict(zip(labels_of(figure), widths, strict=True))


CHARTS = {
    "bars": lambda **o: plot_bars(table(), 1, **o),
    "waterfall": lambda **o: plot_waterfall(table(score=VALUES.sum(axis=1)), 1, **o),
    "importance": lambda **o: plot_importance(table(), **o),
    "beeswarm": lambda **o: plot_beeswarm(table(), **o),
}


@pytest.mark.parametrize("name", CHARTS)
def test_charts_sum_one_hot_columns_and_say_so(name):
    named = [label.split(" = ")[0] for label in labels_of(CHARTS[name]())]
    assert sorted(named) == ["age", "color", "has_dog", "size"]
    said = " ".join(" ".join(texts(CHARTS[name]())).split())
    assert "One-hot columns are summed: color (3), size (2); groups={} keeps them" in said
    apart = CHARTS[name](groups={})
    assert len(labels_of(apart)) == 7
    assert "One-hot" not in " ".join(texts(apart))


def test_the_marks_of_found_groups_are_the_sums_of_their_columns():
    colour, size = VALUES[:, 1:4].sum(axis=1), VALUES[:, 4:6].sum(axis=1)
    found = lengths(CHARTS["bars"]())
    assert found["color = blue"] == colour[1]
    assert found["size = big"] == size[1]
    assert lengths(CHARTS["waterfall"]())["color = blue"] == colour[1]
    means = lengths(CHARTS["importance"]())
    assert means["color"] == np.abs(colour).mean()
    assert means["size"] == np.abs(size).mean()
    swarm = CHARTS["beeswarm"]()
    dots = swarm.axes[0].collections[labels_of(swarm).index("color")].get_offsets()
    np.testing.assert_allclose(dots[:, 0], colour)


def test_dependence_knows_the_groups_and_their_columns():
    figure = plot_dependence(table(), "color")
    np.testing.assert_allclose(
        np.asarray(figure.axes[0].collections[0].get_offsets())[:, 1], VALUES[:, 1:4].sum(axis=1)
    )
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["blue", "green", "red"]
    figure = plot_dependence(table(), "color_red")
    np.testing.assert_allclose(
        np.asarray(figure.axes[0].collections[0].get_offsets()),
        np.stack([INPUTS[:, 1], VALUES[:, 1]], axis=1),
    )
    with pytest.raises(UnknownNameError, match="no feature 'color'"):
        plot_dependence(table(), "color", groups={})


def test_dependence_names_the_columns_that_are_summed():
    def below(feature, **others):
        return plot_dependence(table(), feature, **others).axes[0].get_xlabel().replace("\n", " ")

    assert below("color") == "color: the sum of color_red, color_blue, color_green"
    assert below("color_red") == "color_red, one of the columns of color"
    assert below("age") == "age"
    assert below("color_red", groups={}) == "color_red"
    given = {"paint": ["color_red", "color_blue", "color_green"]}
    assert below("paint", groups=given).startswith("paint: the sum of color_red")


def test_of_many_summed_columns_some_are_named_on_the_page():
    names = [f"colour_of_a_long_name_{i}" for i in range(9)]
    columns = tuple(Column(name, "float64") for name in names)
    one = attribution(np.ones((9, 9)), np.eye(9), columns=columns, baseline_score=np.zeros(9))
    figure = plot_dependence(one, "colour_of_a_long_name", figsize=3.3)
    figure.canvas.draw()
    label = figure.axes[0].xaxis.label
    assert label.get_text().count("\n") == 1
    assert "colour_of_a_long_name_0" in label.get_text()
    box = label.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width


@pytest.mark.parametrize("draw", [plot_attribution, plot_bars], ids=["plot", "bars"])
def test_groups_are_named_by_how_their_columns_begin(draw):
    pairs = table(INPUTS[:1], baseline_score=None)  # nothing is found of these
    found = bars(draw(pairs, 0, groups=["size", "color"]))
    assert found["size = big"] == VALUES[0, 4:6].sum()
    assert found["color = red"] == VALUES[0, 1:4].sum()
    assert len(found) == 4
    with pytest.raises(InvalidInputError, match="'colour', and no column begins with it"):
        draw(pairs, 0, groups=["colour"])


@pytest.mark.parametrize("draw", [plot_attribution, plot_bars], ids=["plot", "bars"])
def test_one_hot_columns_of_any_method_are_summed_where_that_is_asked(draw):
    gradients = table(baseline_score=None)
    assert len(bars(draw(gradients, 1))) == 7
    found = bars(draw(gradients, 1, groups="one_hot"))
    assert found["color = blue"] == VALUES[1, 1:4].sum()
    assert len(found) == 4
    with pytest.raises(InvalidInputError, match="found no columns side by side"):
        draw(table(np.ones((3, 7))), 1, groups="one_hot")


@pytest.mark.parametrize("dtype", ["bool", "boolean", "bool[pyarrow]"])
def test_truths_of_every_library_are_one_hot_in_a_single_row(dtype):
    names = ("size_big", "size_small", "has_dog")
    one = table(INPUTS[:1, 4:], names, dtype=dtype)
    assert one_hot_groups(one) == {"size": ("size_big", "size_small")}
    assert "has_dog = True" in bars(plot_attribution(one))
