"""Figures of every kind of axes show the hot spot where it is, and over the right input."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest

from tests.plotting.examples import attribution, images, texts
from tfxai.data.preprocessing import Preprocessing
from tfxai.plotting import plot_attribution, plot_comparison, sweep
from tfxai.plotting.colours import grey

PIXELS = np.random.default_rng(0).integers(0, 256, (1, 4, 6, 3))
CAM = {"is_map": True, "is_signed": False, "method": {"name": "grad_cam", "options": {}}}


def hot(shape, *place, value=1.0):
    values = np.zeros((1, *shape))
    values[(0, *place)] = value
    return values


def strongest(panel):
    return tuple(map(int, np.unravel_index(np.abs(panel).argmax(), panel.shape)))


def test_channels_first_is_drawn_in_true_colours_with_the_spot_in_its_place():
    preprocessing = Preprocessing("caffe")
    inputs = np.moveaxis(preprocessing.apply(PIXELS), -1, 1)
    one = attribution(hot((3, 4, 6), 2, 1, 4), inputs, axes="CHW", preprocessing=preprocessing)
    image, heat, laid_over = images(plot_attribution(one))
    np.testing.assert_allclose(image, PIXELS[0] / 255, atol=1e-6)
    np.testing.assert_array_equal(heat, hot((4, 6), 1, 4)[0])
    coloured = np.ptp(laid_over, axis=-1) > 1e-9
    np.testing.assert_array_equal(coloured, heat > 0)


def test_a_map_over_channels_first_is_resized_to_its_height_and_width():
    inputs = np.moveaxis(PIXELS, -1, 1)
    heat = images(plot_attribution(attribution(hot((2, 3), 1, 2), inputs, axes="CHW", **CAM)))[1]
    assert heat.shape == (4, 6)
    assert heat[3, 5] == 1
    assert heat[:2, :4].max() < 0.1


@pytest.mark.parametrize("axes", ["HW", ""])
def test_a_map_over_an_image_without_channels_is_drawn_over_it(axes):
    inputs = PIXELS[..., 0] / 255
    image, heat, _ = images(
        plot_attribution(attribution(hot((2, 3), 0, 2), inputs, axes=axes, **CAM))
    )
    np.testing.assert_allclose(image, np.repeat(inputs[0, ..., None], 3, -1), atol=1e-6)
    assert heat[0, 5] == 1


def test_values_of_an_image_without_channels_are_drawn_over_it():
    inputs = PIXELS[..., 0] / 255
    _, heat, _ = images(plot_attribution(attribution(hot((4, 6), 3, 1), inputs, axes="HW")))
    np.testing.assert_array_equal(heat, hot((4, 6), 3, 1)[0])


NAMED: dict[str, Any] = {
    "photo": np.moveaxis(PIXELS, -1, 1).astype(float),
    "other": 255 - np.moveaxis(PIXELS, -1, 1).astype(float),
    "age": np.array([[3.0]]),
}
AXES = {"photo": "CHW", "other": "CHW", "age": "F"}


@pytest.mark.parametrize("under", ["photo", "other"])
def test_a_map_of_several_inputs_lies_over_the_one_it_is_of(under):
    one = attribution(hot((2, 3), 1, 0), NAMED, axes=AXES, map_input=under, **CAM)
    figure = plot_attribution(one)
    image, heat, _ = images(figure)  # the other inputs get no row
    np.testing.assert_allclose(image, np.moveaxis(NAMED[under][0], 0, -1) / 255, atol=1e-6)
    assert heat[3, 0] == 1
    assert not any("input " in text for text in texts(figure))


def test_a_map_of_unsaid_input_lies_over_the_only_image_and_over_none_of_two():
    inputs = {name: NAMED[name] for name in ("photo", "age")}
    over = images(plot_attribution(attribution(hot((2, 3), 1, 0), inputs, axes=AXES, **CAM)))
    assert len(over) == 3
    (alone,) = images(plot_attribution(attribution(hot((2, 3), 1, 0), NAMED, axes=AXES, **CAM)))
    np.testing.assert_array_equal(alone, hot((2, 3), 1, 0)[0])


def test_a_map_over_no_image_is_drawn_alone():
    figure = plot_attribution(attribution(hot((2, 3), 1, 0), np.ones((1, 50)), **CAM))
    (heat,) = images(figure)
    np.testing.assert_array_equal(heat, hot((2, 3), 1, 0)[0])
    assert {"Attribution"} == {"Image", "Attribution", "Overlay"} & set(texts(figure))


def test_named_inputs_get_rows_of_their_kinds_and_held_ones_none():
    values = {
        "photo": hot((3, 4, 6), 0, 1, 4),
        "age": np.array([[2.0]]),
        "pulse": hot((2, 9), 1, 7, value=3.0),
    }
    inputs = {**values, "tokens": np.zeros((1, 4), int)}
    axes = {"photo": "CHW", "age": "F", "pulse": "CT", "tokens": "F"}
    figure = plot_attribution(attribution(values, inputs, axes=axes, held=("tokens",)))
    assert strongest(images(figure)[1]) == (1, 4)
    lines = [line.get_ydata() for axes in figure.axes for line in axes.lines]
    assert any(np.shape(line) == (9,) and line[7] == 3.0 for line in lines)
    words = texts(figure)
    rows = [text.split("\n")[0] for text in words if text.startswith("input ") and "\n" in text]
    assert rows == ["input photo", "input age", "input pulse"]
    assert "Input 'tokens' was held fast by integrated_gradients and got no values." in words


def test_a_map_over_a_series_with_channels_first_is_stretched_over_its_steps():
    inputs = np.stack([np.arange(8.0), -np.arange(8.0)])[None]
    above, below = plot_attribution(attribution(hot((4,), 3), inputs, axes="CT", **CAM)).axes
    drawn = [np.asarray(line.get_ydata()) for line in above.lines]
    np.testing.assert_array_equal(drawn, inputs[0])
    expected = [0, 0, 0, 0, 0, 0.25, 0.75, 1.0]
    np.testing.assert_allclose(below.lines[0].get_ydata(), expected)
    assert above.get_xlim() == below.get_xlim() == (0, 7)


def test_a_map_over_a_signal_without_channels_is_stretched_over_it():
    signal = np.arange(8.0)[None]
    above, below = plot_attribution(attribution(hot((4,), 0), signal, **CAM)).axes
    np.testing.assert_array_equal(above.lines[0].get_ydata(), signal[0])
    np.testing.assert_allclose(below.lines[0].get_ydata()[:3], [1.0, 0.75, 0.25])


def test_a_layer_s_series_with_channels_first_is_drawn_by_channel():
    one = attribution(hot((2, 5), 1, 3), np.zeros((1, 9)), axes="F", layer_axes="CT", at="conv")
    figure = plot_attribution(one)
    (below,) = figure.axes
    np.testing.assert_array_equal(below.lines[1].get_ydata(), [0, 0, 0, 1, 0])
    assert below.get_xlabel() == "step of the layer"


def test_a_layer_s_values_with_channels_first_are_drawn_over_the_image():
    values = hot((7, 2, 3), 6, 1, 0)
    one = attribution(values, PIXELS, axes="HWC", layer_axes="CHW", at="conv")
    image, heat, _ = images(plot_attribution(one))
    np.testing.assert_allclose(image, PIXELS[0] / 255, atol=1e-6)
    assert heat.shape == (4, 6)
    assert heat[3, 0] == 1


def scan(depth=9, height=5, width=7):
    return np.arange(depth * height * width, dtype=float).reshape(1, depth, height, width)


@pytest.mark.parametrize("axes", ["DHW", "DHWC", "CDHW"])
def test_the_slices_with_most_attribution_are_drawn_in_order_with_their_numbers(axes):
    values = np.zeros((1, 9, 5, 7))
    for depth, height in ((7, 3.0), (1, -4.0), (4, 2.0), (5, 1.0), (8, 0.5)):
        values[0, depth, depth % 5, 6] = height
    given = [array if axes == "DHW" else array[..., None] for array in (values, scan())]
    if axes == "CDHW":
        given = [np.moveaxis(array, -1, 1) for array in given]
    figure = plot_attribution(attribution(*given, axes=axes))
    named = [text for text in texts(figure) if text.startswith("slice ")]
    assert named == [f"slice {i} of 0\N{EN DASH}8" for i in (1, 4, 5, 7)]
    drawn = images(figure)
    levels = scan()[0] / scan().max()
    for column, depth in enumerate((1, 4, 5, 7)):
        np.testing.assert_allclose(drawn[2 * column][..., 0], levels[depth], atol=1e-6)
        coloured = np.ptp(drawn[2 * column + 1], axis=-1) > 1e-9
        np.testing.assert_array_equal(np.argwhere(coloured), [[depth % 5, 6]])
    projected, laid_over = drawn[8:10]
    np.testing.assert_allclose(projected[..., 0], levels.mean(axis=0), atol=1e-6)
    coloured = np.ptp(laid_over, axis=-1) > 1e-9
    assert sorted(map(tuple, np.argwhere(coloured))) == [(i, 6) for i in (0, 1, 2, 3, 4)]
    assert laid_over[1, 6, 2] > laid_over[1, 6, 0]  # blue: slice 1 speaks against
    assert laid_over[4, 6, 0] > laid_over[4, 6, 2]  # red: slice 4 supports


def test_a_film_is_drawn_in_colour_by_frames():
    film = np.random.default_rng(1).uniform(0, 1, (1, 3, 4, 6, 3))
    figure = plot_attribution(attribution(hot((3, 4, 6, 3), 2, 1, 4, 0), film, axes="THWC"))
    assert [text for text in texts(figure) if text.startswith("frame ")] == [
        f"frame {i} of 0\N{EN DASH}2" for i in range(3)
    ]
    drawn = images(figure)
    for column in range(3):
        np.testing.assert_allclose(drawn[2 * column], film[0, column], atol=1e-6)
    np.testing.assert_allclose(drawn[1], grey(film[0, 0]), atol=1e-6)
    np.testing.assert_array_equal(np.argwhere(np.ptp(drawn[5], axis=-1) > 1e-9), [[1, 4]])


def test_a_map_over_a_volume_is_resized_along_the_depth_too():
    values = hot((3, 2, 2), 2, 0, 1)
    figure = plot_attribution(attribution(values, scan(9, 4, 4), axes="DHW", **CAM))
    named = [text for text in texts(figure) if text.startswith("slice ")]
    assert named == [f"slice {i} of 0\N{EN DASH}8" for i in (5, 6, 7, 8)]


def test_a_layer_s_volume_over_no_volume_is_drawn_as_slices_alone():
    values = hot((3, 4, 6), 1, 2, 5, value=-1.0)
    one = attribution(values, np.ones((1, 8)), axes="F", layer_axes="DHW", at="conv")
    drawn = images(plot_attribution(one))
    assert [strongest(panel) for panel in (drawn[1], drawn[3])] == [(2, 5), (2, 5)]
    assert (drawn[1].min(), drawn[0].min(), drawn[3].min()) == (-1.0, 0.0, -1.0)


@pytest.mark.parametrize("shape", [(3, 90, 8), (3, 8, 90), (40, 20, 20)])
def test_volumes_of_any_shape_stay_on_the_page(shape):
    figure = plot_attribution(attribution(hot(shape, 1, 2, 3), hot(shape, 0, 0, 0), axes="DHW"))
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for part in [*figure.texts, *figure.axes]:
        box = part.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
    headings = [text.get_window_extent() for text in figure.texts if " of 0" in text.get_text()]
    for left, right in itertools.pairwise(headings):
        assert left.x1 < right.x0


def test_a_comparison_takes_channels_first_and_the_image_among_named_inputs():
    plain = attribution(hot((3, 4, 6), 0, 1, 4), NAMED["photo"], axes="CHW")
    cam = attribution(hot((2, 3), 1, 0), NAMED, axes=AXES, map_input="photo", **CAM)
    image, first, second = images(plot_comparison([plain, cam]))
    np.testing.assert_allclose(image, PIXELS[0] / 255, atol=1e-6)
    np.testing.assert_array_equal(np.argwhere(np.ptp(first, axis=-1) > 1e-9), [[1, 4]])
    assert strongest(np.ptp(second, axis=-1))[1] < 2
    (alone,) = images(plot_comparison([dataclasses.replace(cam, map_input=None)]))
    np.testing.assert_array_equal(alone, hot((2, 3), 1, 0)[0])  # over none of two images


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A method whose answers are known: `found` whatever the model is."""

    found: Any
    steps: int = 1
    name = "fixed"

    def __call__(self, model, inputs, target, **call):
        return dataclasses.replace(
            self.found, completeness_gap=np.array([1.0 / self.steps]), baseline_score=np.zeros(1)
        )


def test_a_sweep_takes_channels_first_and_says_what_is_remarkable_of_which_value():
    one = attribution(hot((3, 4, 6), 0, 1, 4), NAMED["photo"], axes="CHW", held=("age",))
    figure = sweep(Fixed(one), "steps", (1, 9), None, NAMED["photo"])
    image, *heats = images(figure)
    np.testing.assert_allclose(image, PIXELS[0] / 255, atol=1e-6)
    for heat in heats:
        np.testing.assert_array_equal(heat, hot((4, 6), 1, 4)[0])
    words = texts(figure)
    assert "Input 'age' was held fast by integrated_gradients and got no values." in words
    (gap,) = [text for text in words if "miss the" in text]
    assert gap.startswith("steps=1: The values of integrated_gradients miss")
    series = attribution(hot((2, 9), 1, 7), hot((2, 9), 1, 7), axes="CT")
    figure = sweep(Fixed(series), "steps", (1, 9), None, series.inputs)
    assert [axes.get_ylabel() for axes in figure.axes] == ["input", "attribution", "attribution"]
    assert all(axes.lines[1].get_ydata()[7] == 1.0 for axes in figure.axes)
    words = texts(figure)
    assert {"steps=1", "steps=9"} <= set(words)
    (gap,) = [text for text in words if "miss the" in text]
    assert gap.startswith("steps=1: The values of integrated_gradients miss")
