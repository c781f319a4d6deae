"""Heatmaps by hand, slices, differences, and what is shown of the inputs."""

import dataclasses
import json

import numpy as np
import pytest

from tests import builders
from tests.attributions import VALUES, attribution, full
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.heatmaps import CHANNELS
from tfxai.methods import GradCAM, IntegratedGradients, Saliency

REDUCED = {
    "sum": [[[-2, 0], [4, -2]], [[1, 0], [1, 3]]],
    "max_abs": [[[3, 0], [2, 1]], [[0.5, 4], [1, 3]]],
    "sum_abs": [[[4, 0], [4, 2]], [[1, 8], [1, 3]]],
    "l2": [[[10**0.5, 0], [8**0.5, 2**0.5]], [[0.5**0.5, 32**0.5], [1, 3]]],
}


@pytest.mark.parametrize("how", CHANNELS)
def test_channels_are_reduced_as_asked_and_each_map_scaled_by_its_peak(how):
    reduced = np.array(REDUCED[how])
    peaks = np.abs(reduced).max(axis=(1, 2), keepdims=True)
    shown = attribution().heatmap(channels=how, clip_percentile=100)
    np.testing.assert_allclose(shown, reduced / peaks, rtol=1e-6)
    assert shown.dtype == np.float32
    default = attribution(channels=how).heatmap(clip_percentile=100)
    np.testing.assert_array_equal(default, shown)


def test_values_beyond_the_percentile_are_clipped_to_it():
    values = np.arange(-50.0, 51.0).reshape(1, 101, 1, 1)
    shown = attribution(values).heatmap(clip_percentile=80)[0, :, 0]
    # |v| is 0, and 1 to 50 twice: the 80th percentile of 101 numbers is the 81st, 40
    np.testing.assert_allclose(shown, np.clip(np.arange(-50, 51) / 40, -1, 1), rtol=1e-6)
    values[0, 0] = -1e6  # one wild pixel leaves the rest visible
    wild = attribution(values).heatmap(clip_percentile=80)[0, :, 0]
    np.testing.assert_allclose(wild, shown, rtol=1e-6)


def test_zero_map_stays_zero_and_a_lonely_point_is_shown():
    values = np.zeros((2, 20, 20, 1))
    values[1, 3, 4] = -2e-8
    shown = attribution(values).heatmap()
    assert (shown[0] == 0).all()
    assert shown[1, 3, 4] == -1  # its 99th percentile is 0
    assert np.count_nonzero(shown[1]) == 1


@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1.0, 1e30])
def test_scale_of_the_values_does_not_matter(scale):
    a, b = attribution(), attribution(VALUES * scale)
    for size in (None, (4, 4)):
        np.testing.assert_allclose(a.heatmap(size), b.heatmap(size), rtol=1e-5)


def test_resize_by_hand():
    values = np.array([[0.0, 4.0], [8.0, 16.0]]).reshape(1, 2, 2)
    shown = attribution(values, is_map=True).heatmap(size=(4, 4), clip_percentile=100)
    # centres of the small pixels lie at -1/4, 1/4, 3/4, 5/4 of the large ones; ends are held
    share = np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    np.testing.assert_allclose(shown[0], share @ values[0] @ share.T / 16, rtol=1e-6)
    wide = attribution(values, is_map=True).heatmap(size=(2, 4), clip_percentile=100)
    np.testing.assert_allclose(wide[0], values[0] @ share.T / 16, rtol=1e-6)
    # at half the size, shares fall from 1 to 0 over two pixels: 3/4, 3/4, 1/4 at the border
    large = np.array([[0.0, 4, 8, 3], [5, 1, 0, 2], [7, 6, 9, 0], [1, 0, 2, 8]])
    share = np.array([[3, 3, 1, 0], [0, 1, 3, 3]]) / 7
    expected = share @ large @ share.T
    small = attribution(large[None], is_map=True).heatmap(size=(2, 2), clip_percentile=100)
    np.testing.assert_allclose(small[0], expected / expected.max(), rtol=1e-6)


@pytest.mark.parametrize("size", [(0, 4), (4,), 4, (4.5, 4), "44", (2, 3, 4), (-1, 2)])
def test_bad_size_is_refused(size):
    with pytest.raises(InvalidInputError, match=r"size=.* was expected to be \(height, width\)"):
        attribution().heatmap(size=size)


def test_bad_heatmaps_are_refused():
    for percentile in (0, -1, 101, float("nan")):
        with pytest.raises(InvalidInputError, match=r"clip_percentile=.* is outside \(0, 100\]"):
            attribution().heatmap(clip_percentile=percentile)
    with pytest.raises(UnknownNameError, match=r"channel reduction 'mean'. Known: sum, max_abs"):
        attribution().heatmap(channels="mean")
    for values in (np.ones((2, 3)), {"a": np.ones((2, 2))}):
        with pytest.raises(InvalidInputError, match=r"needs images: \(B, H, W, C\).*plot\(\)"):
            attribution(values, inputs=values).heatmap()


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (0, [0]),
        (-1, [1]),
        (np.int64(1), [1]),
        (slice(1, None), [1]),
        ([1, 0], [1, 0]),
        (np.array([False, True]), [1]),
        (slice(2, 2), []),
    ],
)
def test_slice_takes_all_fields_of_some_examples(index, rows):
    a = full()
    part = a[index]
    assert len(part) == len(rows)
    for name in ("values", "inputs", "target", "score", "probability", "baseline_score"):
        np.testing.assert_array_equal(getattr(part, name), getattr(a, name)[rows])
    np.testing.assert_array_equal(part.completeness_gap, a.completeness_gap[rows])
    np.testing.assert_array_equal(part.prediction, a.prediction[rows])
    np.testing.assert_array_equal(part.details["num_steps"], a.details["num_steps"][rows])
    for name in ("method", "score_name", "at", "channels", "class_names", "preprocessing"):
        assert getattr(part, name) == getattr(a, name)


def test_slice_of_named_inputs_and_out_of_range():
    a = attribution({"a": VALUES, "b": VALUES[..., 0]}, inputs={"a": VALUES, "b": VALUES[..., 0]})
    np.testing.assert_array_equal(a[1].values["b"], VALUES[1:, ..., 0])
    np.testing.assert_array_equal(a[1].inputs["a"], VALUES[1:])
    for index in (2, -3):
        with pytest.raises(IndexError, match=f"example {index} of 2"):
            full()[index]
    assert [len(one) for one in full()] == [1, 1]  # iteration ends


def test_difference_subtracts_values_scores_and_gaps():
    other = dataclasses.replace(full(), values=VALUES / 4, score=np.array([1.0, 1.0]))
    difference = dataclasses.replace(full(), is_signed=False) - other
    np.testing.assert_allclose(difference.values, VALUES * 0.75)
    np.testing.assert_allclose(difference.score, [-0.5, 0.5])
    np.testing.assert_allclose(difference.completeness_gap, [0, 0])
    assert difference.is_signed
    assert difference.probability is None
    assert difference.method == {
        "name": "difference",
        "options": {"of": full().method, "minus": other.method},
    }
    assert repr(difference).startswith("Attribution(difference, values")
    plain = attribution()
    assert (plain - dataclasses.replace(full(), at=None)).baseline_score is None
    named = attribution({"a": VALUES})
    np.testing.assert_array_equal((named - named).values["a"], 0 * VALUES)
    for unlike in (attribution(VALUES[..., :1]), attribution(VALUES[:1]), named):
        with pytest.raises(InvalidInputError, match="Subtract attributions of the same shape"):
            plain - unlike


def test_difference_of_unlike_things_is_refused_or_says_so():
    with pytest.raises(InvalidInputError, match=r"of layer 'conv1' and of the input"):
        full() - attribution()
    with pytest.raises(TypeError, match="unsupported operand"):
        attribution() - 1
    other = attribution(score_name="probability", target=np.array([0, 2]))
    difference = attribution() - other
    assert difference.score_name == "logit minus probability"
    np.testing.assert_array_equal(difference.target, [0, -1])
    wider = attribution(target=np.array([[0, 1], [1, 1]]))
    np.testing.assert_array_equal((attribution() - wider).target, [-1, -1])


def test_difference_of_magnitudes_keeps_its_sign_in_the_heatmap():
    magnitudes = {"is_signed": False, "channels": "max_abs"}
    difference = attribution(VALUES * 0, **magnitudes) - attribution(VALUES**2, **magnitudes)
    lost = -(VALUES**2).sum(axis=-1)
    peak = np.abs(lost).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(difference.heatmap(clip_percentile=100), lost / peak, rtol=1e-6)


def test_names_of_targets():
    assert full().target_names == ["Cat", "Frog"]
    assert full().prediction_names == ["Frog", "Frog"]
    assert attribution().prediction_names == []
    assert attribution().target_names == ["0", "1"]
    assert attribution(class_names=("Cat",)).target_names == ["Cat", "1"]
    axes = attribution(target=np.array([[1, 2], [0, 3]]))
    assert axes.target_names == ["(1, 2)", "(0, 3)"]
    assert attribution(target=np.array([-1, -1])).target_names == ["logit", "logit"]


def test_repr_says_what_was_explained():
    text = "Attribution(saliency, values (2, 2, 2, 2), score='logit', target=['Cat', 'Frog'])"
    assert repr(full()) == text
    many = attribution(target=np.arange(2))[[0, 1, 0, 1, 0]]
    assert repr(many).endswith("target=['0', '1', '0', ... 5 in all])")
    assert "values {'a': (2, 2, 2, 2)}" in repr(attribution({"a": VALUES}))


PHOTOGRAPHS = np.random.default_rng(3).integers(0, 256, (2, 3, 4, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ["none", "unit", "tf", "torch", "caffe"])
def test_pixels_are_true_colours_whatever_the_preprocessing(name):
    preprocessing = Preprocessing(name)
    a = attribution(inputs=preprocessing.apply(PHOTOGRAPHS), preprocessing=preprocessing)
    np.testing.assert_allclose(a.pixels, PHOTOGRAPHS / 255, atol=1e-6)


def test_pixels_without_preprocessing_are_guessed_from_their_range():
    unit = np.linspace(0, 1, 24).reshape(2, 2, 2, 3)
    np.testing.assert_allclose(attribution(inputs=unit).pixels, unit, rtol=1e-6)
    np.testing.assert_allclose(attribution(inputs=unit * 255).pixels, unit, rtol=1e-6)
    stretched = np.linspace(0, 1, 12).reshape(1, 2, 2, 3).repeat(2, axis=0)
    np.testing.assert_allclose(attribution(inputs=unit * 6 - 3).pixels[0], stretched[0], atol=1e-6)
    wide = attribution(inputs=unit * 600 - 300)
    np.testing.assert_allclose(wide.pixels, stretched, atol=1e-6)
    np.testing.assert_array_equal(wide[1].pixels, wide.pixels[1:])  # judged by itself
    grey = attribution(inputs=unit[..., :1]).pixels
    np.testing.assert_allclose(grey, np.repeat(unit[..., :1], 3, axis=-1), rtol=1e-6)
    for constant in (-1.0, 0.0, 0.5, 200.0, 300.0):  # nothing to stretch
        pixels = attribution(inputs=np.full((2, 2, 2, 3), constant)).pixels
        assert np.isfinite(pixels).all()
        assert 0 <= pixels.min() <= pixels.max() <= 1
    for inputs in (np.ones((2, 5)), np.ones((2, 3, 3, 2)), {"a": unit, "b": unit}):
        assert attribution(inputs=inputs).pixels is None


def test_dict_is_json_and_says_everything():
    record = json.loads(json.dumps(full().to_dict()))
    assert record["values"] == VALUES.tolist()
    assert record["target_names"] == ["Cat", "Frog"]
    assert record["completeness_gap"] == [1e-3, -1e-3]
    assert record["method"] == full().method
    assert json.loads(json.dumps(attribution({"a": VALUES}).to_dict()))["values"] == {
        "a": VALUES.tolist()
    }


def test_a_number_that_is_not_finite_is_null_in_json():
    one = attribution(baseline_score=np.array([np.nan, 0.5]), score=np.array([1.0, np.inf]))
    record = json.loads(json.dumps(one.to_dict(), allow_nan=False))
    assert (record["baseline_score"], record["score"]) == ([None, 0.5], [1.0, None])
    assert record["target"] == [0, 1]


def test_html_shows_a_picture_and_escapes_names():
    a = Saliency()(builders.functional(), builders.images(2))
    shown = dataclasses.replace(a, class_names=("<b>Cat</b>", "Dog", "Frog"), target=0 * a.target)
    text = shown._repr_html_()
    assert 'src="data:image/png;base64,iVBORw0KGgo' in text
    assert "<b>" not in text
    assert "&lt;b&gt;Cat" in text


def test_methods_choose_their_own_reduction():
    model, x = builders.functional(), builders.images(1)
    assert Saliency()(model, x).channels == "max_abs"
    assert IntegratedGradients(steps=2)(model, x).channels == "sum"
    a = IntegratedGradients(steps=2)(model, x)
    summed = a.values.sum(axis=-1)
    np.testing.assert_allclose(
        a.heatmap(clip_percentile=100), summed / np.abs(summed).max(), rtol=1e-5
    )
    cam = GradCAM()(model, x)
    np.testing.assert_allclose(
        cam.heatmap(channels="l2", clip_percentile=100), cam.values / cam.values.max(), rtol=1e-5
    )
