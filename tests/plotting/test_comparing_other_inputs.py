"""Volumes, series, texts and several inputs side by side: what is drawn is what the values are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.plotting.examples import attribution, images, of_images, texts
from tests.plotting.gallery import of_targets, series, series_map
from tfxai.errors import InvalidInputError
from tfxai.plotting import plot_attribution, plot_comparison

NAMES = ["heart rate", "respiration", "blood pressure"]


def by(one, name, **others):
    return dataclasses.replace(one, method={"name": name, "options": {}}, **others)


def of_slices(*strengths, **others):
    """A volume whose slices have one hot voxel each, in another place, of those values."""
    values = np.zeros((1, len(strengths), 4, 5))
    for depth, strength in enumerate(strengths):
        values[0, depth, depth % 4, depth % 5] = strength
    volume = np.random.default_rng(0).random(values.shape)
    return attribution(values, volume, axes="DHW", **others)


def heats_of(figure, rows, photographs):
    """Of each row the heat of each column, without the volume above the first."""
    panels = images(figure)[photographs:]
    return np.array([panel for panel in panels if panel.ndim == 2]).reshape(rows, 5, 4, 5)


def headings(figure):
    return [text for text in texts(figure) if text.startswith("slice ")]


def test_volumes_are_the_slices_that_matter_to_all_methods_and_the_volume_once():
    first = of_slices(9.0, 0, 8, 0, 0, 1)
    other = by(of_slices(0, 9.0, 0, 0, 8, 0), "occlusion")
    figure = plot_comparison([first, other], style="heatmap", clip_percentile=100)
    slices = [0, 1, 2, 4]
    assert headings(figure) == [f"slice {i} of 0\N{EN DASH}5" for i in slices]
    drawn = images(figure)
    assert len([panel for panel in drawn if panel.ndim == 3]) == 5  # four slices and their mean
    heats = heats_of(figure, 2, 0)
    for one, found in zip((first, other), heats, strict=True):
        values = np.asarray(one.values[0]) / np.abs(one.values).max()
        np.testing.assert_allclose(found[:4], values[slices], atol=1e-6)
        np.testing.assert_allclose(found[4], values.max(axis=0), atol=1e-6)


def test_slices_weigh_each_method_alike_whatever_its_unit():
    small = of_slices(3e-6, 2e-6, 0, 0, 0, 0)
    large = by(of_slices(0, 0, 0, 1e6, 1e6, 1e6), "occlusion")
    assert len(headings(plot_comparison([small, large]))) == 4
    assert "slice 0 of 0\N{EN DASH}5" in headings(plot_comparison([small, large]))


def test_targets_of_a_volume_share_the_scale_and_its_bar():
    ones = of_targets(of_slices(0, 1.0, -2, 0, 0.5), 1.0, -0.5)
    figure = plot_comparison(ones, style="heatmap", clip_percentile=100)
    for one, found in zip(ones, heats_of(figure, 2, 0), strict=True):
        np.testing.assert_allclose(
            found[:4], np.asarray(one.values)[0, [0, 1, 2, 4]] / 2, atol=1e-6
        )
    words = texts(figure)
    assert [words.count(number) for number in ("2", "stays", "leaves")] == [0, 1, 1]
    assert sum(text.endswith("supports\n2") or text == "supports\n2" for text in words) == 1
    assert any("the strongest colour is 2 or more" in text for text in words)


def test_volumes_of_other_inputs_keep_their_own_slices():
    one = of_slices(9.0, 8, 7, 6, 0, 0)
    other = dataclasses.replace(of_slices(0, 0, 6.0, 7, 8, 9), inputs=np.ones((1, 6, 4, 5)))
    figure = plot_attribution([one, by(other, "occlusion")])
    assert headings(figure) == [f"slice {i} of 0\N{EN DASH}5" for i in (0, 1, 2, 3, 2, 3, 4, 5)]


def lines(axes):
    return [np.asarray(line.get_ydata()) for line in axes.lines if len(line.get_ydata()) > 2]


def test_series_are_lines_with_names_and_the_input_once():
    other = by(series(), "lime", values=2 * np.asarray(series().values))
    figure = plot_comparison([series(), other], feature_names=NAMES)
    above, first, second = figure.axes
    np.testing.assert_allclose(lines(above), series().inputs[0].T)
    np.testing.assert_allclose(lines(first), series().values[0].T)
    np.testing.assert_allclose(lines(second), other.values[0].T)
    words = texts(figure)
    assert {"Integrated Gradients", "LIME"} <= set(words)
    assert words.count("\N{EM DASH} heart rate") == 2
    assert first.get_ylim() != second.get_ylim()  # methods have units of their own


def test_methods_of_a_series_show_the_same_channels_in_the_same_colours():
    few, many = np.array([9.0, 8, 7, 6, 5, 4, 0, 0]), np.array([0, 0, 9.0, 8, 7, 6, 5, 4])
    of = [by(attribution(np.ones((1, 5, 8)) * s, np.zeros((1, 5, 8))), "a") for s in (few, many)]
    _, first, second = plot_comparison(of).axes
    chosen = np.sort(np.argsort(-(few + many), kind="stable")[:6])
    np.testing.assert_allclose([line[0] for line in lines(first)], few[chosen])
    np.testing.assert_allclose([line[0] for line in lines(second)], many[chosen])
    pairs = zip(first.lines[:6], second.lines[:6], strict=True)
    assert all(a.get_color() == b.get_color() for a, b in pairs)


def test_a_map_of_a_series_follows_its_values_without_names_of_lines_that_are_not_there():
    figure = plot_comparison([series(), series_map()], feature_names=NAMES)
    _, values, of_map = figure.axes
    assert len(lines(values)) == 3
    assert len(lines(of_map)) == 1
    assert texts(figure).count("\N{EM DASH} heart rate") == 1
    assert texts(plot_comparison([series_map()])).count("\N{EM DASH} channel 0") == 1


def test_each_target_of_a_series_is_named_above_its_lines_on_one_axis():
    ones = of_targets(series(probability=np.array([0.25])), 1.0, -2.0)
    figure = plot_comparison(ones)
    _, first, second = figure.axes
    assert first.get_ylim() == second.get_ylim()
    np.testing.assert_allclose(lines(second), -2 * np.asarray(series().values[0]).T)
    words = texts(figure)
    assert {"Integrated Gradients", "stays", "leaves"} <= set(words)
    assert sum(text.startswith("probability 25.0%") for text in words) == 2


def test_headings_name_models_of_a_series_with_what_each_says():
    sure, unsure = (
        series(probability=np.array([share]), prediction=np.array([0])) for share in (0.9, 0.2)
    )
    words = texts(
        plot_comparison([sure, unsure], headings=["old", "new"], names=["ward 3\nbed 9"])
    )
    assert {"old", "new", "ward 3", "bed 9"} <= set(words)
    assert "Integrated Gradients" not in words
    assert [text[:17] for text in words if text.startswith("probability")] == [
        "probability 90.0%",
        "probability 20.0%",
    ]
    alike = texts(plot_comparison([sure, sure], headings=["old", "new"]))
    assert alike.count("probability 90.0%") == 1  # once, in the header


def test_several_inputs_are_compared_by_input():
    values = {"pulse": np.arange(8.0).reshape(1, 4, 2), "age": np.array([[3.0]])}
    one = attribution(values, values, axes={"pulse": "TC", "age": "F"})
    double = {name: 2 * array for name, array in values.items()}
    figure = plot_comparison([one, by(one, "lime", values=double)])
    bars = [patch.get_width() for axes in figure.axes for patch in axes.patches]
    assert bars == [3.0, 6.0]
    charts = [axes for axes in figure.axes if axes.get_ylabel() == "attribution" and axes.lines]
    tops = [lines(axes)[1][-1] for axes in charts if len(lines(axes)) == 2]
    assert tops == [7.0, 14.0]


@pytest.mark.parametrize(
    ("index", "shown"), [([3, 0], [3, 0]), (-1, [3]), (slice(1, 3), [1, 2]), (None, [0, 1, 2, 3])]
)
def test_index_picks_rows_of_tables_with_their_names(index, shown):
    values = np.arange(1.0, 9).reshape(4, 2)
    one = attribution(values, values, target=np.zeros(4, int))
    figure = plot_comparison([one, by(one, "lime")], index, names=["a", "b", "c", "d"])
    bars = [sorted(p.get_width() for p in axes.patches) for axes in figure.axes if axes.patches]
    assert bars == [sorted(values[i]) for i in shown for _ in range(2)]
    words = texts(figure)
    assert [text for text in words if text in list("abcd")] == ["abcd"[i] for i in shown]


def test_index_picks_images_among_more_than_fit_a_figure():
    one = of_images(50)
    figure = plot_comparison([one], [41, 7], true_labels=list(range(50)))
    photographs = images(figure)[::2]
    np.testing.assert_allclose(photographs, one.pixels[[41, 7]], atol=1e-6)
    words = " ".join(texts(figure))
    assert "true label 41" in words
    assert "true label 7" in words
    with pytest.raises(InvalidInputError, match=r"50 examples are too many .* index="):
        plot_comparison([one])


@pytest.mark.parametrize("draw", [plot_attribution, plot_comparison])
@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("style", "mask"), ("cmap", "viridis"), ("vmax", 2.0), ("vmax", "shared"),
        ("alpha", 0.5), ("clip_percentile", 90), ("threshold", 0.3),
    ],
)  # fmt: skip
def test_options_of_pictures_are_refused_of_charts(draw, word, value):
    with pytest.raises(
        InvalidInputError, match=f"{word}=.* is of images and volumes.*Leave it out"
    ):
        draw([series()], **{word: value})


def test_options_of_pictures_hold_for_the_picture_beside_a_table():
    arrays = {"photo": np.random.default_rng(0).random((1, 4, 6, 3)), "age": np.array([[3.0]])}
    one = attribution(arrays, arrays, axes={"photo": "HWC", "age": "F"})
    assert any("Masks show" in text for text in texts(plot_comparison([one], style="mask")))
