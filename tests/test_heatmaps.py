"""Heatmaps and images of every kind of axes: the hot spot stays where it was put."""

from __future__ import annotations

import numpy as np
import pytest

from tests.attributions import VALUES, attribution
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError

SIDES = {"T": 5, "D": 3, "H": 4, "W": 6, "C": 2}
PLACE = {"T": 3, "D": 2, "H": 1, "W": 4}
WORDS = ["T", "TC", "CT", "HW", "HWC", "CHW", "DHW", "DHWC", "CDHW", "THWC"]


def hot(word, channel=1, height=2.0):
    """(1, ...) zeros of those axes but for one channel of one place."""
    values = np.zeros((1, *(SIDES[letter] for letter in word)))
    values[(0, *(channel if letter == "C" else PLACE[letter] for letter in word))] = height
    return values


def spot(maps):
    """Where the only element of a map that is not zero is, and what it is."""
    (place,) = np.argwhere(maps[0])
    return tuple(map(int, place)), float(maps[0][tuple(place)])


@pytest.mark.parametrize("word", WORDS)
def test_the_hot_spot_of_every_kind_of_axes_is_where_it_was(word):
    values = hot(word, height=-2.0)
    one = attribution(values, inputs=values, axes=word)
    expected = tuple(PLACE[letter] for letter in word if letter != "C")
    assert spot(one.heatmap()) == (expected, -1.0)
    assert spot(one.heatmap(channels="max_abs")) == (expected, 1.0)
    shape = tuple(SIDES[letter] for letter in word if letter != "C")
    assert one.heatmap().shape == (1, *shape)
    doubled = one.heatmap(size=[2 * side for side in shape], clip_percentile=100)
    strongest = np.unravel_index(np.argmin(doubled[0]), doubled[0].shape)
    assert tuple(int(i) // 2 for i in strongest) == expected


@pytest.mark.parametrize("word", ["CT", "CHW", "CDHW"])
def test_channels_first_gives_the_map_of_the_same_values_channels_last(word):
    rng = np.random.default_rng(1)
    first = rng.normal(size=[2, *(SIDES[letter] for letter in word)])
    last = np.moveaxis(first, 1, -1)
    for how in ("sum", "l2", "max_abs", "sum_abs"):
        np.testing.assert_allclose(
            attribution(first, inputs=first, axes=word).heatmap(channels=how),
            attribution(last, inputs=last, axes=word[1:] + "C").heatmap(channels=how),
        )


@pytest.mark.parametrize("word", WORDS)
def test_values_of_a_layer_have_the_layer_s_axes(word):
    values = hot(word)
    one = attribution(values, inputs=np.zeros((1, 7)), axes="F", layer_axes=word, at="conv")
    assert spot(one.heatmap()) == (tuple(PLACE[letter] for letter in word if letter != "C"), 1.0)


@pytest.mark.parametrize(("places", "inputs"), [("T", "CT"), ("HW", "HW"), ("DHW", "CDHW")])
def test_maps_stay_as_they_are(places, inputs):
    values = hot(places)
    one = attribution(values, inputs=hot(inputs), axes=inputs, is_map=True, channels="l2")
    assert spot(one.heatmap()) == (tuple(PLACE[letter] for letter in places), 1.0)


def test_a_line_is_resized_linearly_between_the_centres_of_its_steps():
    line = attribution(np.array([[0.0, 4.0, 8.0]]), inputs=np.zeros((1, 6, 1)), is_map=True)
    shown = line.heatmap(size=(6,), clip_percentile=100)
    # six centres lie at -1/4, 1/4, 3/4, 5/4, 7/4, 9/4 of the three; ends are held
    np.testing.assert_allclose(shown[0], np.array([0, 1, 3, 5, 7, 8]) / 8, rtol=1e-6)
    # at half the size, a step's share falls from 1 to 0 over two steps: 3/4, 3/4, 1/4 at the ends
    line = attribution(np.array([[3.0, 5, 8, 2]]), inputs=np.zeros((1, 4, 1)), is_map=True)
    halved = line.heatmap(size=(2,), clip_percentile=100)[0]
    ends = np.array([9 + 15 + 8, 5 + 24 + 6]) / 7
    np.testing.assert_allclose(halved, ends / ends.max(), rtol=1e-6)


def test_a_volume_is_resized_along_each_axis_as_a_line_is():
    rng = np.random.default_rng(2)
    axes = [rng.uniform(1, 2, size) for size in (3, 4, 6)]
    volume = np.einsum("d,h,w->dhw", *axes)[None]
    one = attribution(volume, inputs=volume, axes="DHW")
    shown = one.heatmap(size=(5, 2, 9), clip_percentile=100)
    lines = [
        attribution(line[None], inputs=line[None, :, None], is_map=True).heatmap(
            size=(size,), clip_percentile=100
        )[0]
        * line.max()
        for line, size in zip(axes, (5, 2, 9), strict=True)
    ]
    expected = np.einsum("d,h,w->dhw", *lines)
    np.testing.assert_allclose(shown[0], expected / expected.max(), rtol=1e-5)


def test_a_volume_s_scale_is_the_percentile_of_all_its_elements():
    values = np.arange(-50.0, 51.0).reshape(1, 101, 1, 1)
    one = attribution(values, inputs=values, axes="DHW")
    shown = one.heatmap(clip_percentile=80)[0, :, 0, 0]
    np.testing.assert_allclose(shown, np.clip(np.arange(-50, 51) / 40, -1, 1), rtol=1e-6)


def named(**others):
    values = {"image": hot("CHW"), "series": hot("TC"), "row": np.ones((1, 3))}
    axes = {"image": "CHW", "series": "TC", "row": "F"}
    return attribution(values, **{"inputs": values, "axes": axes, **others})


def test_named_inputs_get_a_map_each_but_tables_none():
    maps = named().heatmap()
    assert sorted(maps) == ["image", "series"]
    assert spot(maps["image"]) == ((1, 4), 1.0)
    assert spot(maps["series"]) == ((3,), 1.0)


def test_sizes_of_named_inputs_go_by_name():
    maps = named().heatmap(size={"image": (8, 6)})
    assert {name: one.shape for name, one in maps.items()} == {
        "image": (1, 8, 6),
        "series": (1, 5),
    }
    with pytest.raises(InvalidInputError, match=r"size=\(8, 6\) of input 'series' was expected"):
        named().heatmap(size=(8, 6))
    with pytest.raises(UnknownNameError, match=r"no map 'row'. Known: image, series"):
        named().heatmap(size={"row": (8, 6)})


@pytest.mark.parametrize(
    ("word", "size", "said"),
    [
        ("TC", 9, r"size=9 was expected to be \(steps,\), one integer of at least 1"),
        ("TC", (9, 9), r"\(steps,\), one integer"),
        ("DHW", (9, 9), r"\(depth, height, width\), three integers"),
        ("DHW", (9, 0, 9), r"\(depth, height, width\), three integers"),
        ("DHW", (9, 1.5, 9), r"\(depth, height, width\), three integers"),
    ],
)
def test_a_size_of_other_axes_is_refused(word, size, said):
    with pytest.raises(InvalidInputError, match=said):
        attribution(hot(word), inputs=hot(word), axes=word).heatmap(size=size)


def test_three_axes_of_unknown_meaning_are_not_guessed_at():
    values = np.ones((1, 4, 6))
    with pytest.raises(InvalidInputError, match=r"does not say which.*\(attribution, axes='TC'"):
        attribution(values, inputs=values).heatmap()
    with pytest.raises(InvalidInputError, match=r"does not say which.*layer_axes='TC'"):
        attribution(values, inputs=values, at="conv").heatmap()


@pytest.mark.parametrize("word", ["", "F", "C"])
def test_tables_have_no_heatmap(word):
    values = np.ones((2, 3))
    with pytest.raises(InvalidInputError, match=r"shape \(2, 3\), and a heatmap needs .*as bars"):
        attribution(values, inputs=values, axes=word).heatmap()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("CHW", r"'CHW' were expected to name each axis of the values .*shape \(1, 4, 6\)"),
        ("XY", r"'XY' of the values were expected to be letters"),
        ("CC", r"'CC' of the values were expected to be letters"),
        ("TF", r"'TF' of the values were expected to be letters"),
    ],
)
def test_axes_that_do_not_fit_the_values_are_refused(word, said):
    values = np.ones((1, 4, 6))
    with pytest.raises(InvalidInputError, match=said):
        attribution(values, inputs=values, axes=word).heatmap()


PIXELS = np.random.default_rng(3).integers(0, 256, (2, 3, 4, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ["unit", "caffe", "torch"])
def test_pixels_of_channels_first_are_true_colours(name):
    preprocessing = Preprocessing(name)
    inputs = np.moveaxis(preprocessing.apply(PIXELS), -1, 1)
    one = attribution(inputs=inputs, axes="CHW", preprocessing=preprocessing)
    np.testing.assert_allclose(one.pixels, PIXELS / 255, atol=1e-6)
    whole = attribution(inputs=np.moveaxis(PIXELS, -1, 1), axes="CHW")
    np.testing.assert_allclose(whole.pixels, PIXELS / 255, atol=1e-6)


def test_pixels_without_channels_are_grey():
    grey = PIXELS[..., 0] / 255
    expected = np.repeat(grey[..., None], 3, axis=-1)
    np.testing.assert_allclose(attribution(inputs=grey, axes="HW").pixels, expected, atol=1e-6)
    under = attribution(np.ones((2, 2, 2)), inputs=grey, is_map=True)  # the map tells it
    np.testing.assert_allclose(under.pixels, expected, atol=1e-6)
    assert attribution(inputs=grey, axes="TC").pixels is None
    assert attribution(inputs=grey).pixels is None


def test_pixels_of_named_inputs_are_the_only_image_or_the_one_under_the_map():
    inputs = {"a": PIXELS / 255, "b": 1 - PIXELS / 255, "row": np.ones((2, 3))}
    axes = {"a": "HWC", "b": "HWC", "row": "F"}
    assert attribution(inputs=inputs, axes=axes).pixels is None
    shown = attribution(
        VALUES[..., 0], inputs=inputs, axes=axes, is_map=True, map_input="b"
    ).pixels
    np.testing.assert_allclose(shown, inputs["b"], atol=1e-6)
    del inputs["a"]
    np.testing.assert_allclose(attribution(inputs=inputs, axes=axes).pixels, shown)
    held = attribution({"row": np.ones((2, 3))}, inputs=inputs, axes=axes, held=("b",))
    np.testing.assert_allclose(held.pixels, shown)


def test_a_preprocessing_of_other_channels_is_another_input_s():
    depth = attribution(inputs=PIXELS[..., :1] / 255, preprocessing=Preprocessing("torch"))
    np.testing.assert_allclose(depth.pixels, np.repeat(PIXELS[..., :1] / 255, 3, -1), atol=1e-6)


def test_four_axes_of_places_have_no_heatmap():
    values = np.ones((1, 2, 2, 2, 2, 1))
    with pytest.raises(InvalidInputError, match=r"2, 2, 1\), and a heatmap needs images"):
        attribution(values, inputs=values, axes="DDHWC").heatmap()


def test_integer_values_and_empty_batches_have_maps_too():
    values = np.array([[[[2], [-4]]]])
    whole = attribution(values, inputs=values, axes="HWC").heatmap(clip_percentile=100)
    assert whole.tolist() == [[[0.5, -1.0]]]
    none = attribution(values[:0], inputs=values[:0], axes="HWC").heatmap(size=(3, 5))
    assert none.shape == (0, 3, 5)
