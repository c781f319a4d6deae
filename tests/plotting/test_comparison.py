"""Methods side by side: what each panel holds, what stands beside it, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plotting.examples import attribution, images, of_images, of_map, texts
from tests.plotting.gallery import regression
from tfxai.errors import InvalidInputError, OutputError
from tfxai.plotting import plot_comparison
from tfxai.plotting.colours import colour_map, overlay


def laid_over(one):
    signed = one.is_signed
    heat = one.heatmap(size=one.pixels.shape[1:3])[0]
    return overlay(np.asarray(one.pixels[0], float), heat, colour_map(None, signed), signed)


def test_each_row_is_an_image_and_each_method_over_it():
    methods = [of_images(3), of_map(3)]
    drawn = images(plot_comparison(methods))
    assert len(drawn) == 9
    for i in range(3):
        np.testing.assert_allclose(drawn[3 * i], methods[0].pixels[i], atol=1e-6)
        for column, method in enumerate(methods, start=1):
            np.testing.assert_allclose(drawn[3 * i + column], laid_over(method[i]), atol=1e-6)


def test_panels_stand_in_rows_and_columns_inside_the_page():
    figure = plot_comparison([of_images(3), of_map(3)])
    places = [axes.get_position() for axes in figure.axes]
    for i, place in enumerate(places):
        assert place.x0 == pytest.approx(places[i % 3].x0)
        assert place.y0 == pytest.approx(places[i - i % 3].y0)
        assert place.x0 > 0
        assert place.y0 > 0
        assert place.x1 < 1
        assert place.y1 < 1
    assert places[0].x1 < places[1].x0
    assert places[3].y1 < places[0].y0


def test_no_text_reaches_over_the_edge_or_into_a_panel():
    long = tuple("a very long name of a class that nobody reads to its end" for _ in range(2))
    others = {"class_names": long, "prediction": np.array([1, 1]), "target": np.array([0, 0])}
    method = {"name": "grad_cam", "options": {"layer": "a/rather/deep/path/of/a/layer", "k": 7}}
    drawn = [of_images(2, **others), of_images(2, **others, method=method)]
    figure = plot_comparison(drawn, names=["folder/" * 9 + "photo.png\nlabelled Automobile"] * 2)
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    panels = [axes.get_window_extent() for axes in figure.axes]
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
        for panel in panels:
            assert not panel.overlaps(box), text.get_text()


def test_words_name_methods_class_probability_and_image():
    one = of_images(2, prediction=np.array([0, 0]))
    words = texts(plot_comparison([one, of_map(2)], names=["a.png\nlabelled Lynx", "b.png"]))
    assert {"Image", "Integrated Gradients", "Grad-CAM", "steps=50", "layer=conv"} <= set(words)
    assert "predicted, probability 75.0%\na.png\nlabelled Lynx" in words
    assert "probability 50.0%\nthe model predicts Cat\nb.png" in words
    assert {"Cat", "Dog"} <= set(words)
    assert any("99th percentile" in text and "Red supports" in text for text in words)


def test_an_option_that_all_have_is_said_once():
    other = {"name": "score_cam", "options": {"layer": "conv", "channels": 9, "reshape": None}}
    maps = [
        of_map(),
        of_images(values=of_map().values, is_map=True, is_signed=False, method=other),
    ]
    words = texts(plot_comparison(maps))
    assert "channels=9" in words
    assert [text for text in words if "layer" in text] == [
        "All with layer=conv. Each map is scaled by the 99th percentile of its own absolute "
        "values."
    ]


def test_images_of_different_sizes_come_one_by_one():
    wide = attribution(np.ones((1, 4, 8, 3)), np.zeros((1, 4, 8, 3)))
    high = attribution(np.ones((1, 9, 3, 3)), np.zeros((1, 9, 3, 3)))
    drawn = images(plot_comparison([[wide, high], [wide, high]]))
    assert [one.shape[:2] for one in drawn] == [(4, 8)] * 3 + [(9, 3)] * 3


def test_the_figure_is_written(tmp_path):
    plot_comparison([of_map()], path=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(OutputError, match="Cannot write"):
        plot_comparison([of_map()], path=tmp_path / "a.png" / "b.png")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "There is no attribution to compare"),
        (of_map(2), "A single attribution"),
        ([of_map(2), of_map(3)], r"attributions of \[2, 3\] examples"),
        ([of_map(41)], "41 examples are too many"),
        (
            [of_map(), attribution(np.ones((1, 4)), np.ones((1, 4)))],
            r"inputs of integrated_gradients have shape \(1, 4\), and those of grad_cam \(1, 4, 6",
        ),
        (
            [of_map(), of_images(target=np.array([1]))],
            "integrated_gradients explains 'Dog' and grad_cam 'Cat'",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(given, said):
    with pytest.raises(InvalidInputError, match=said):
        plot_comparison(given)


def test_a_name_is_wanted_for_each_image():
    with pytest.raises(InvalidInputError, match="1 names for 2 examples"):
        plot_comparison([of_map(2)], names=["a"])


def test_headings_stand_above_heatmaps_with_what_each_model_says():
    sure = of_images(probability=np.array([0.9]))
    unsure = of_images(probability=np.array([0.2]), prediction=np.array([1]))
    words = texts(plot_comparison([sure, unsure], headings=["old model", "new model"]))
    assert {"old model", "new model", "probability 90.0%"} <= set(words)
    assert any("20.0%" in text and "predicts" in text for text in words)
    assert "Integrated Gradients" not in words
    with pytest.raises(InvalidInputError, match="There are 1 headings for 2 attributions"):
        plot_comparison([sure, unsure], headings=["old model"])


def of_rows(name="integrated_gradients", scale=1.0, **others):
    values = scale * np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
    method = {"name": name, "options": {}}
    given = {"target": np.zeros(2, int), "method": method, **others}
    return attribution(values, np.arange(6.0).reshape(2, 3), **given)


def bars_of(figure):
    """Of each chart the lengths of the bars by their names."""
    return [
        dict(
            zip(
                [label.get_text().split(" = ")[0] for label in axes.get_yticklabels()],
                [patch.get_width() for patch in axes.patches],
                strict=True,
            )
        )
        for axes in figure.axes
        if axes.patches
    ]


def test_tables_are_compared_as_bars_with_the_names_of_their_columns():
    lime = of_rows("lime", 2.0)
    figure = plot_comparison([of_rows(), lime], feature_names=["age", "height", "weight"])
    expected = [np.asarray(one.values)[i] for i in range(2) for one in (of_rows(), lime)]
    for found, values in zip(bars_of(figure), expected, strict=True):
        assert found == dict(zip(["age", "height", "weight"], values, strict=True))
    words = texts(figure)
    assert words.count("LIME") == words.count("Integrated Gradients") == 2
    assert {"Example 1 of 2", "Example 2 of 2"} <= set(words)


def test_rows_of_a_table_have_the_names_that_are_given_and_summed_columns():
    groups = {"both": ["feature 0", "feature 2"]}
    figure = plot_comparison([of_rows()], names=["Ann", "Bob"], groups=groups)
    assert bars_of(figure)[0] == {"feature 1": -2.0, "both": 1.5}
    assert {"Ann", "Bob"} <= set(texts(figure))
    split = [of_rows()[0], of_rows()[1]]  # one attribution of each row
    assert bars_of(plot_comparison([split], groups=groups)) == bars_of(figure)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"feature_names": ["age"]}, "holds 1 names, and there are 3 features"),
        ({"columns": 2}, "columns=2 breaks lines of images, and tables, series"),
        ({"names": ["Ann"]}, "There are 1 names for 2 examples"),
    ],
    ids=["names of columns", "columns", "names of rows"],
)
def test_words_that_do_not_fit_a_table_are_refused(words, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        plot_comparison([of_rows()], **words)


def test_tables_about_other_targets_are_refused_of_other_methods():
    other = of_rows("lime", target=np.ones(2, int))
    with pytest.raises(InvalidInputError, match="of the same input"):
        plot_comparison([of_rows(), other])
    same = of_rows(target=np.ones(2, int))  # by one method they may
    words = texts(plot_comparison([of_rows(), same]))
    assert {"Integrated Gradients", "Cat", "Dog"} <= set(words)


def test_a_regressor_s_value_is_no_prediction_of_a_class():
    words = texts(plot_comparison([regression(), regression("lime")], names=["a.png"]))
    assert {"Output", "value 2.5\na.png"} <= set(words)
    assert not any("predict" in text or "class" in text for text in words)
    assert "raises" in words


def test_each_target_of_a_regressor_has_its_value():
    ones = [
        of_images(
            score_name="output", class_names=None, probability=None, prediction=np.array([1]),
            target=np.array([i]), score=np.array([value]),
        )
        for i, value in enumerate((2.5, 40.0))
    ]  # fmt: skip
    words = texts(plot_comparison(ones))
    assert {"Output 0", "Output 1", "value 2.5", "value 40", "output 1 is the largest"} <= set(
        words
    )


def test_headings_take_the_place_of_what_one_model_says():
    words = texts(
        plot_comparison([of_images(), of_map()], headings=["old", "new"], names=["a.png"])
    )
    assert "a.png" in words  # beside the image: nothing of the first model alone
    assert "Cat" in words


def test_remarks_name_the_target_that_they_are_about():
    far = {"completeness_gap": np.array([2.0]), "baseline_score": np.array([0.0])}
    ones = [of_images(**far), of_images(target=np.array([1]))]
    said = [text for text in texts(plot_comparison(ones)) if "miss the" in text]
    assert said
    assert said[0].startswith("Image 1, Cat: ")


def test_masks_have_no_red_and_no_blue():
    words = texts(plot_comparison([of_images(), of_map()], style="mask"))
    assert not any("Red" in text for text in words)
