"""The figure of an attribution shows its values, in true colours, and says what they are."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from tests.plotting.examples import attribution, images, of_images, of_map, texts
from tests.processes import loaded
from tfxai.errors import InvalidInputError, OutputError, UnknownNameError
from tfxai.plotting import plot_attribution
from tfxai.plotting.figures import rendered


def test_panels_hold_the_true_colours_and_the_heatmap():
    one = of_images()
    original, heat, laid_over = images(plot_attribution(one))
    np.testing.assert_allclose(original, one.pixels[0], atol=1e-6)
    np.testing.assert_array_equal(heat, one.heatmap()[0])
    assert (heat[1, 2], heat[3, 5], heat[0, 0]) == (1.0, -0.5, 0.0)
    assert np.ptp(laid_over[0, 0]) == 0  # grey where nothing counts
    assert laid_over[1, 2, 0] > laid_over[1, 2, 2] + 0.3  # red where it supports
    assert laid_over[3, 5, 2] > laid_over[3, 5, 0] + 0.1  # blue where it speaks against


def test_zero_is_drawn_neutral_and_the_strongest_pixel_red():
    figure = plot_attribution(of_images())
    shown = figure.axes[1].images[0]
    colours = shown.to_rgba(shown.get_array())
    np.testing.assert_allclose(colours[0, 0, :3], np.full(3, 0xF7 / 255), atol=1e-7)
    np.testing.assert_allclose(colours[1, 2, :3], shown.cmap(1.0)[:3])
    assert shown.get_clim() == (-1, 1)


def test_drawn_dots_have_the_image_s_colours():
    figure = plot_attribution(of_images())
    figure.canvas.draw()
    dots = np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255
    left, bottom, width, height = figure.axes[0].get_position().bounds
    rows, columns = dots.shape[:2]
    for row, column in np.ndindex(4, 6):
        across = int((left + width * (column + 0.5) / 6) * columns)
        down = int((1 - bottom - height + height * (row + 0.5) / 4) * rows)
        np.testing.assert_allclose(
            dots[down, across], of_images().pixels[0, row, column], atol=1.5 / 255
        )


def test_a_map_is_resized_to_the_image_and_sequential():
    one = of_map()
    figure = plot_attribution(one)
    heat = images(figure)[1]
    np.testing.assert_array_equal(heat, one.heatmap(size=(4, 6))[0])
    assert heat.shape == (4, 6)
    assert figure.axes[1].images[0].get_clim() == (0, 1)
    assert "supports" not in texts(figure)


def test_magnitudes_of_signed_values_get_the_sequential_map():
    figure = plot_attribution(of_images(channels="max_abs"))
    assert figure.axes[1].images[0].get_clim() == (0, 1)
    assert images(figure)[1][3, 5] == 0.5


def test_words_say_class_probability_score_and_gap():
    words = texts(plot_attribution(of_images(), title="cat.png"))
    assert {"cat.png", "Cat", "probability 75.0%", "Integrated Gradients"} <= set(words)
    assert {"supports", "speaks against", "Image", "Attribution", "Overlay"} <= set(words)
    facts = next(text for text in words if "logit" in text).splitlines()
    assert facts == [
        "logit 2.5 (baseline \N{MINUS SIGN}0.5)",
        "completeness gap \N{MINUS SIGN}0.003 (0.10%)",
        "steps=50",
    ]


def test_one_row_for_each_method_with_its_own_label():
    figure = plot_attribution([of_images(), of_map()])
    assert len(images(figure)) == 5  # the photograph stands there once
    words = texts(figure)
    assert words.count("Cat") == 1
    assert words.count("Image") == 1
    assert {"Integrated Gradients", "Grad-CAM", "logit 2.5\nlayer=conv"} <= set(words)


def test_panels_of_the_rows_stand_under_each_other():
    figure = plot_attribution([of_images(), of_map()])
    panels = [axes.get_position() for axes in figure.axes if axes.images]
    for above, below in zip(panels[1:3], panels[3:], strict=True):
        assert above.x0 == pytest.approx(below.x0)
        assert above.width == pytest.approx(below.width)
        assert above.y0 > below.y1


def test_another_class_in_a_later_row_is_named():
    other = of_images(target=np.array([1]), probability=np.array([0.2]))
    words = texts(plot_attribution([of_images(), other]))
    assert any(text.startswith("probability 20.0%\n") for text in words)
    assert {"Integrated Gradients", "Cat", "Dog"} <= set(words)
    lime = dataclasses.replace(other, method={"name": "lime", "options": {}})
    words = texts(plot_attribution([of_images(), lime]))
    assert any(text.startswith("explains Dog, probability 20.0%\n") for text in words)


def test_a_batch_shows_each_example_and_says_what_is_left_out():
    batch = of_images(3)
    words = texts(plot_attribution(batch, index=None, limit=2))
    assert {"Cat", "Dog", "Example 1 of 3", "Example 2 of 3"} <= set(words)
    assert any(text.startswith("The first 2 of 3 examples.") for text in words)
    drawn = images(plot_attribution(batch, index=None))
    np.testing.assert_allclose(drawn[6], batch.pixels[2], atol=1e-6)


def test_index_picks_the_example():
    batch = of_images(3)
    for index in (1, -2, np.int64(1)):
        np.testing.assert_allclose(
            images(plot_attribution(batch, index))[0], batch.pixels[1], atol=1e-6
        )


@pytest.mark.parametrize(
    ("index", "shown"),
    [
        ([0, 3], [0, 3]),
        ((3, -4), [3, 0]),
        ([2], [2]),
        (np.array([1, 2]), [1, 2]),
        (np.array([3], np.uint8), [3]),
        (slice(1, 3), [1, 2]),
        (slice(None, None, -2), [3, 1]),
        (range(2), [0, 1]),
        (np.array([False, True, False, True]), [1, 3]),
        ([True, False, False, True], [0, 3]),
    ],
    ids=str,
)
def test_index_picks_some_examples(index, shown):
    batch = of_images(4)
    figure = batch.plot(index=index)
    for i, drawn in zip(shown, images(figure)[::3], strict=True):
        np.testing.assert_allclose(drawn, batch.pixels[i], atol=1e-6)
    numbered = [text for text in texts(figure) if text.startswith("Example ")]
    assert numbered == [f"Example {i + 1} of 4" for i in shown]


def test_of_many_examples_asked_for_the_first_are_drawn():
    figure = plot_attribution(of_images(4), [3, 2, 1], limit=2)
    assert any(text.startswith("The first 2 of 3 examples.") for text in texts(figure))
    assert {"Example 4 of 4", "Example 3 of 4"} <= set(texts(figure))
    assert "Example 2 of 4" not in texts(figure)


def test_images_of_many_channels_are_shown_in_grey_levels():
    inputs = np.zeros((1, 2, 2, 5))
    inputs[0, 1, 1] = 8.0
    original = images(plot_attribution(attribution(np.zeros((1, 2, 2, 5)), inputs)))[0]
    np.testing.assert_array_equal(original[..., 0], [[0, 0], [0, 1]])


def test_a_layer_s_attribution_is_drawn_over_the_image():
    values = np.zeros((1, 2, 3, 7))
    values[0, 0, 0] = 1.0
    one = of_images(values=values, at="conv")
    heat = images(plot_attribution(one))[1]
    assert heat.shape == (4, 6)
    assert heat[0, 0] == 1.0
    assert heat[3, 5] == 0.0


@pytest.mark.parametrize(("ratio", "panel"), [(0.2, 0.66), (1.0, 2.2), (8.0, 3.3)])
def test_the_width_of_a_figure_is_bounded_whatever_the_image_s_shape(ratio, panel):
    height, width = (8, max(1, int(8 * ratio)))
    one = attribution(np.ones((1, height, width, 1)), np.ones((1, height, width, 1)))
    figure = plot_attribution(one)
    beside = 2 * 0.25 + 2.15 + 3 * 0.14 + 0.085 + 0.95  # margins, labels, gaps, colour bar
    assert figure.get_figwidth() == pytest.approx(beside + 3 * panel)
    assert figure.get_figheight() < 6


def test_named_inputs_get_a_row_each():
    arrays = {"left": np.array([[1.0, 2.0]]), "right": np.array([[3.0]])}
    words = texts(plot_attribution(attribution(arrays, arrays)))
    assert any(text.startswith("input left\n") for text in words)
    assert any(text.startswith("input right\n") for text in words)


def test_a_dollar_sign_is_no_mathematics():
    figure = plot_attribution(of_images(class_names=("a $ b $ c_d", "Dog")))
    figure.canvas.draw()
    assert "a $ b $ c_d" in texts(figure)


def test_the_figure_is_written_where_asked(tmp_path):
    plot_attribution(of_images(), path=tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_failed_figure_leaves_no_file(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="Cannot write"):
        plot_attribution(of_images(), path=tmp_path / "file" / "figure.png")
    with pytest.raises(UnknownNameError, match="no colour map 'nope'"):
        plot_attribution(of_images(), cmap="nope", path=tmp_path / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("given", "index", "options", "sentence"),
    [
        ([], 0, {}, r"There are no attribution to draw\. Pass"),
        ([of_images(1), of_images(2)], 0, {}, r"attributions of \[1, 2\] examples"),
        (of_images(2), 2, {}, r"index=2 is outside the 2 examples\. Pass an index in \[0, 2\)"),
        (of_images(2), -3, {}, "index=-3 is outside"),
        (of_images(2), [0, 5, -9], {}, r"index=\[0, 5, -9\] holds 5, which is outside the 2 ex"),
        (of_images(2), np.array([-3]), {}, r"index=\[-3\] holds -3, which is outside the 2 ex"),
        (of_images(2), [], {}, r"index=\[\] picks none of the 2 examples\. Pass one or more"),
        (of_images(2), slice(2, None), {}, r"slice\(2, None, None\) picks none of the 2"),
        (of_images(2), 1.0, {}, r"index=1\.0 was expected to be an integer, several of them, a"),
        (of_images(2), "0", {}, "index='0' was expected to be an integer"),
        (of_images(2), True, {}, "index=True was expected to be an integer"),
        (of_images(2), [True], {}, r"index=\[True\] was expected .*a boolean for each of the 2"),
        (of_images(2), [[0], [1, 0]], {}, r"index=\[\[0\], \[1, 0\]\] was expected"),
        (of_images(2), [[0, 1]], {}, r"index=\[\[0, 1\]\] was expected"),
        (of_images(2), None, {"limit": 0}, "limit=0 draws no example"),
    ],
)
def test_what_cannot_be_drawn_is_said(given, index, options, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        plot_attribution(given, index, **options)


def test_values_of_another_shape_are_refused():
    one = attribution(np.ones((1, 2, 2, 2, 2, 1)), np.ones((1, 2, 2, 2, 2, 1)))
    with pytest.raises(InvalidInputError, match=r"\(1, 2, 2, 2, 2, 1\).*images \(B, H, W, C\)"):
        plot_attribution(one)


def test_pyplot_is_never_loaded():
    code = (
        "from tests.plotting.examples import of_images\n"
        "from tfxai.plotting import plot_attribution\n"
        "plot_attribution(of_images())"
    )
    found = loaded(code, "matplotlib.pyplot")
    assert "matplotlib" in found
    assert "matplotlib.pyplot" not in found


@pytest.mark.slow
def test_two_threads_draw_the_same_figure_as_one():
    one = of_images()
    drawn: dict[int, bytes] = {}

    def work(number: int) -> None:
        figure = plot_attribution(one)
        figure.set_dpi(40)
        drawn[number] = rendered(figure, "png")

    work(-1)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) == 3
    assert len(set(drawn.values())) == 1
