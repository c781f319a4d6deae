"""Charts of tables: what each mark stands for is the attribution's number, and texts are apart."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tests.plotting.examples import attribution, texts
from tests.processes import loaded
from tfxai.columns import Column
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.plotting import (
    plot_attribution,
    plot_bars,
    plot_beeswarm,
    plot_dependence,
    plot_importance,
    plot_waterfall,
    style,
)

MINUS = "\N{MINUS SIGN}"
NAMES = ("age", "colour_red", "colour_blue", "hours per week, of all the jobs of one year")
GROUPS = {"colour": ["colour_red", "colour_blue"]}
COLUMN, SLIDE = (3.3, 2.4), (10.0, 5.6)


def table(batch=60, seed=0):
    """Values that miss the score's difference to the baseline by 0.25 in each example."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(batch, 4))
    inputs[:, 1:3] = np.eye(2)[rng.integers(0, 2, batch)]
    values = rng.normal(size=(batch, 4)) * [2.0, 1.0, 0.5, 0.1]
    return attribution(
        values,
        inputs,
        columns=tuple(map(Column, NAMES)),
        target=np.zeros(batch, int),
        score=-1.0 + values.sum(axis=1) + 0.25,
        baseline_score=np.full(batch, -1.0),
        completeness_gap=np.full(batch, -0.25),
    )


def of_columns():
    """One input a column, a text among them."""
    return attribution(
        {"age": np.array([[0.5], [1.0]]), "colour": np.array([-2.0, 3.0])},
        {"age": np.array([[39], [61]]), "colour": np.array(["red", "blue"])},
        columns={"colour": (Column("colour", "category", ("red", "blue")),)},
    )


CHARTS = {
    "bars": lambda one, **look: plot_bars(one, 3, groups=GROUPS, **look),
    "waterfall": lambda one, **look: plot_waterfall(one, 3, **look),
    "importance": plot_importance,
    "beeswarm": plot_beeswarm,
    "dependence": lambda one, **look: plot_dependence(one, "age", **look),
    "categories": lambda one, **look: plot_dependence(one, "colour", groups=GROUPS, **look),
}


def rows(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def dots(figure):
    return [np.asarray(area.get_offsets()) for area in figure.axes[0].collections]


def test_a_waterfall_leads_from_the_baseline_to_the_score():
    one = table()
    figure = plot_waterfall(one, 3, groups={})
    values = np.asarray(one.values)[3]
    order = np.argsort(-np.abs(values))
    bars = figure.axes[0].patches
    np.testing.assert_allclose([bar.get_width() for bar in bars], [*values[order], 0.25])
    starts = [bar.get_x() for bar in bars]
    assert starts[-1] == pytest.approx(-1.0)
    for above, below in itertools.pairwise(bars):
        assert above.get_x() == pytest.approx(below.get_x() + below.get_width())
    assert bars[0].get_x() + bars[0].get_width() == pytest.approx(one.score[3])
    signs = {True: style.SUPPORTS, False: style.SPEAKS_AGAINST}
    colours = [to_hex(bar.get_facecolor()) for bar in bars]
    assert colours == [*(signs[bool(value >= 0)] for value in values[order]), style.MUTED]
    assert rows(figure)[-1] == "not explained"
    assert f"{values[order][0]:.4g}".replace("-", MINUS) in texts(figure)


def test_bars_are_the_values_strongest_first():
    one = table()
    values = np.asarray(one.values)[5]
    order = np.argsort(-np.abs(values))[:3]
    figure = plot_bars(one, 5, groups={}, limit=3)
    bars = figure.axes[0].patches
    np.testing.assert_allclose([bar.get_width() for bar in bars], values[order])
    signs = [style.SUPPORTS if value >= 0 else style.SPEAKS_AGAINST for value in values[order]]
    assert [to_hex(bar.get_facecolor()) for bar in bars] == signs
    written = {f"{value:.4g}".replace("-", MINUS) for value in values[order]}
    assert written <= set(texts(figure))
    assert any("The strongest 3 of 4 features." in text for text in texts(figure))


def test_magnitudes_have_one_colour():
    one = attribution([[1.0, 2.0]], [[1.0, 2.0]], is_signed=False)
    figure = plot_bars(one)
    assert {to_hex(bar.get_facecolor()) for bar in figure.axes[0].patches} == {style.ACCENT}
    assert not any("supports" in text for text in texts(figure))


def test_features_left_out_of_a_waterfall_are_one_bar():
    one = table()
    values = np.asarray(one.values)[3]
    figure = plot_waterfall(one, -57, groups={}, limit=2)
    weakest = np.argsort(-np.abs(values))[2:]
    assert rows(figure)[2] == "2 other features"
    assert figure.axes[0].patches[2].get_width() == pytest.approx(values[weakest].sum())


def test_groups_are_one_bar_with_the_category():
    one = table()
    figure = plot_waterfall(one, 3, groups=GROUPS)
    which = "red" if one.inputs[3, 1] else "blue"
    place = rows(figure).index(f"colour = {which}")
    total = np.asarray(one.values)[3, 1:3].sum()
    assert figure.axes[0].patches[place].get_width() == pytest.approx(total)


def test_a_long_name_is_cut_and_its_value_kept():
    one = table()
    cut = next(text for text in rows(plot_waterfall(one, 3, figsize=COLUMN)) if "hours" in text)
    assert "…" in cut
    assert cut.endswith(f" = {one.inputs[3, 3]:.4g}".replace("-", MINUS))


def test_importance_is_the_mean_of_absolute_values():
    one = table()
    means = np.abs(one.values).mean(axis=0)
    figure = plot_importance(one, groups={}, limit=3)
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    np.testing.assert_allclose(widths, np.sort(means)[::-1][:3])
    assert rows(figure)[0] == NAMES[int(np.argmax(means))]
    assert "The strongest 3 of 4 features." in texts(figure)


def test_a_beeswarm_has_a_dot_at_each_value():
    one = table()
    figure = plot_beeswarm(one, groups={})
    order = np.argsort(-np.abs(one.values).mean(axis=0))
    for row, (i, found) in enumerate(zip(order, dots(figure), strict=True)):
        np.testing.assert_allclose(found[:, 0], np.asarray(one.values)[:, i])
        assert (np.abs(found[:, 1] - row) <= 0.4).all()
        assert len(np.unique(found, axis=0)) == len(one)  # none hides another


def test_dots_are_dark_for_low_inputs_and_grey_for_texts():
    one = table()
    colours = plot_beeswarm(one).axes[0].collections[0].get_facecolor()
    light = colours[:, :3] @ [0.2126, 0.7152, 0.0722]
    strongest = int(np.argmax(np.abs(one.values).mean(axis=0)))
    order = np.argsort(one.inputs[:, strongest])
    assert (np.diff(light[order]) > -0.02).all()
    assert light[order[-1]] > light[order[0]] + 0.4
    grey = plot_beeswarm(of_columns()).axes[0].collections[0].get_facecolor()
    assert {to_hex(colour) for colour in grey} == {style.MUTED}


def test_dependence_is_the_values_over_the_inputs():
    one = table()
    (found,) = dots(plot_dependence(one, "age", colour_by="colour_red"))
    np.testing.assert_allclose(found, np.stack([one.inputs[:, 0], one.values[:, 0]], axis=1))


def test_texts_stand_side_by_side_in_the_order_of_their_categories():
    figure = plot_dependence(of_columns(), "colour")
    assert [one.get_text() for one in figure.axes[0].get_xticklabels()] == ["red", "blue"]
    (found,) = dots(figure)
    np.testing.assert_allclose(found[:, 1], [-2, 3])
    np.testing.assert_allclose(found[:, 0], [0, 1], atol=0.2)


def test_one_input_a_column_is_one_chart_on_one_axis():
    figure = plot_attribution(of_columns(), 1)
    assert len(figure.axes) == 1
    assert rows(figure) == ["colour = blue", "age = 61"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [3.0, 1.0]
    named = plot_attribution(of_columns(), 1, feature_names=["years", "paint"])
    assert rows(named) == ["paint = blue", "years = 61"]


def test_columns_are_one_chart_beside_another_input():
    values = {"a": np.ones((1, 1)), "image": np.ones((1, 4, 4, 1)), "b": np.full((1, 1), 2.0)}
    figure = plot_attribution(attribution(values, values))
    assert rows(figure) == ["b = 2", "a = 1"]
    assert sum(bool(axes.images) for axes in figure.axes) == 3


@pytest.mark.parametrize("size", [COLUMN, SLIDE, None], ids=["column", "slide", "default"])
@pytest.mark.parametrize("name", CHARTS)
def test_texts_lie_inside_and_never_on_each_other(name, size):
    figure = CHARTS[name](table(), figsize=size, title="What counts")
    figure.canvas.draw()
    page = figure.bbox
    boxes = []
    for text in _drawn(figure):
        if text.get_text().strip():
            box = text.get_window_extent()
            assert box.x0 >= -1, text.get_text()
            assert box.x1 <= page.x1 + 1, text.get_text()
            assert box.y0 >= -1, text.get_text()
            assert box.y1 <= page.y1 + 1, text.get_text()
            boxes.append((text.get_text(), box.shrunk(0.9, 0.8)))
    assert len(boxes) > 5
    for i, (text, box) in enumerate(boxes):
        on = [other for other, its in boxes[:i] if box.overlaps(its)]
        assert not on, f"{text!r} lies on {on}"


def _drawn(figure):
    """The texts of a chart; of the ticks those within the limits."""
    (axes,) = figure.axes
    yield from (*figure.texts, *axes.texts, axes.xaxis.label, axes.yaxis.label)
    sides = ((axes.get_xticklabels(), axes.get_xlim()), (axes.get_yticklabels(), axes.get_ylim()))
    for place, (labels, limits) in enumerate(sides):
        low, high = sorted(limits)
        yield from (one for one in labels if low <= one.get_position()[place] <= high)


@pytest.mark.parametrize("width", [3.3, 6.5, 10.0])
def test_a_chart_without_rows_is_as_high_as_its_width_asks_for(width):
    figure = plot_dependence(table(), "age", figsize=width)
    assert 0.6 < figure.get_figheight() / width < 1.0


def test_texts_keep_a_margin():
    figure = plot_waterfall(table(), 3, figsize=3.3)
    figure.canvas.draw()
    (axes,) = figure.axes
    boxes = [one.get_window_extent() for one in (*axes.get_yticklabels(), axes.xaxis.label)]
    assert min(box.x0 for box in boxes) > 0.05 * figure.dpi
    assert max(box.x1 for box in boxes) < (3.3 - 0.05) * figure.dpi


def test_text_grows_with_the_width():
    assert plot_importance(table(), figsize=3.3).get_size_inches()[0] == 3.3
    sizes = [plot_importance(table(), figsize=size) for size in (COLUMN, SLIDE)]
    found = [figure.axes[0].get_yticklabels()[0].get_fontsize() for figure in sizes]
    assert found[0] == style.SMALL
    assert found[1] == pytest.approx(style.SMALL * 10 / 6.5)


@pytest.mark.parametrize("name", CHARTS)
def test_axes_of_one_s_own_are_drawn_in(name):
    figure = Figure(figsize=(8, 4))
    left, right = figure.subplots(1, 2)
    assert CHARTS[name](table(), ax=right, title="Mine") is figure
    assert right.get_title(loc="left") == "Mine"
    assert right.has_data()
    assert not left.has_data()


def test_the_chart_is_written_where_asked(tmp_path):
    plot_beeswarm(table(), path=tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_remark_stands_below():
    words = " ".join(texts(plot_waterfall(table(), 3))).replace("\n", " ")
    assert "Red raises the score" in words
    assert table()[3].remarks[0].split(".")[0] in words


@pytest.mark.parametrize(
    ("draw", "error", "sentence"),
    [
        (
            lambda: plot_waterfall(attribution([[1.0]], [[1.0]])),
            InvalidInputError,
            "no score at a",
        ),
        (lambda: plot_waterfall(table(), 60), InvalidInputError, r"index=60 .* in \[0, 60\)"),
        (lambda: plot_waterfall(table(), True), InvalidInputError, "index=True"),
        (lambda: plot_waterfall(table(), limit=0), InvalidInputError, "limit=0 draws no feature"),
        (lambda: plot_importance(table(), figsize=(3, 2, 1)), InvalidInputError, "a width and a"),
        (lambda: plot_importance(table(), figsize=(3, 1e9)), InvalidInputError, "1, 100"),
        (lambda: plot_importance(table(), feature_names=["a"]), InvalidInputError, "1 names, and"),
        (lambda: plot_dependence(table(), "aeg"), UnknownNameError, "Did you mean 'age'"),
        (
            lambda: plot_dependence(table(), "g", groups={"g": ["age", "colour_red"]}),
            InvalidInputError,
            "'g' has no input of one number",
        ),
        (
            lambda: plot_beeswarm(attribution(np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1)))),
            InvalidInputError,
            "those of a table were expected",
        ),
        (
            lambda: plot_importance(table(), figsize=(3, 2), ax=Figure().subplots()),
            InvalidInputError,
            "figsize= for a new figure or ax=",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(draw, error, sentence):
    with pytest.raises(error, match=sentence):
        draw()


def test_too_many_texts_are_refused():
    given = np.array([[f"word {i}"] for i in range(41)])
    one = attribution({"a": np.ones((41, 1)), "b": np.ones((41, 1))}, {"a": given, "b": given})
    with pytest.raises(InvalidInputError, match="'a' has 41 different texts, and up to 40"):
        plot_dependence(one, "a")


def test_pyplot_is_never_loaded():
    code = (
        "from tests.plotting.test_feature_charts import table\n"
        "from tfxai.plotting import plot_beeswarm\n"
        "plot_beeswarm(table())"
    )
    assert "matplotlib.pyplot" not in loaded(code, "matplotlib.pyplot")


@pytest.mark.parametrize("size", [COLUMN, SLIDE, None])
def test_the_scores_below_a_waterfall_are_whole_and_on_the_page(size):
    values = {name: np.full((1, 1), value) for name, value in (("age", 0.3), ("colour", -0.1))}
    inputs = {"age": np.array([[40980.0]]), "colour": np.ones((1, 1))}
    one = dataclasses.replace(
        attribution(values, inputs), baseline_score=np.array([-0.2272]), score=np.array([-0.0272])
    )
    figure = plot_waterfall(one, 0, figsize=size)
    figure.canvas.draw()
    label = figure.axes[0].xaxis.label
    said = " ".join(label.get_text().split())
    assert "from \N{MINUS SIGN}0.2272 (baseline) to \N{MINUS SIGN}0.0272" in said
    box = label.get_window_extent()
    assert box.x0 >= -1
    assert box.x1 <= figure.bbox.x1 + 1
    assert box.y0 >= -1
    assert "age = 40980" in rows(figure)
