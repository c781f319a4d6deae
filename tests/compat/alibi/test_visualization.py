"""Figures of an image's attributions: which numbers are drawn, and in which colours."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from tfxai.compat.alibi.utils import visualize_image_attr
from tfxai.errors import InvalidInputError, TfxaiWarning, UnknownNameError

ATTRIBUTIONS = np.array([[[3.0, 1.0], [-2.0, 0.0]], [[0.5, -0.5], [-1.0, 2.0]]])
SUMS = np.array([[4.0, -2.0], [0.0, 1.0]])
IMAGE = np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20
STRENGTH = {  # nothing is cut off: the largest of the sign becomes 1
    "all": SUMS / 4,
    "absolute_value": np.abs(SUMS) / 4,
    "positive": np.array([[1, 0], [0, 0.25]]),
    "negative": np.array([[0, 1], [0, 0]]),
}


def draw(*args, **options):
    _, axes = visualize_image_attr(ATTRIBUTIONS, *args, use_pyplot=False, **options)
    return axes, [np.asarray(one.get_array()) for one in axes.get_images()]


@pytest.mark.parametrize(
    ("sign", "colours", "low"),
    [
        ("all", "red_white_green", -1),
        ("absolute_value", "Blues", 0),
        ("positive", "Greens", 0),
        ("negative", "Reds", 0),
    ],
)
def test_heat_is_the_sum_over_the_channels_of_the_sign(sign, colours, low):
    axes, (heat,) = draw(sign=sign, outlier_perc=0)
    np.testing.assert_allclose(heat, STRENGTH[sign])
    (image,) = axes.get_images()
    assert (image.cmap.name, image.get_clim()) == (colours, (low, 1))
    axes, (grey, heat) = draw(IMAGE, "blended_heat_map", sign, alpha_overlay=0.3, outlier_perc=0)
    np.testing.assert_allclose(grey, IMAGE.mean(axis=-1))
    np.testing.assert_allclose(heat, STRENGTH[sign])
    assert axes.get_images()[1].get_alpha() == 0.3


@pytest.mark.parametrize("sign", ["absolute_value", "positive", "negative"])
@pytest.mark.parametrize("image", [IMAGE, IMAGE / 255], ids=["integers", "fractions"])
def test_masks_and_opacities_are_the_strengths(sign, image):
    strength = STRENGTH[sign][..., None]
    _, (masked,) = draw(image, "masked_image", sign, outlier_perc=0)
    assert np.abs(masked - strength * IMAGE).max() < 2.01
    _, (faded,) = draw(image, "alpha_scaling", sign, outlier_perc=0)
    assert np.abs(faded[..., :3].astype(int) - IMAGE).max() <= 1
    np.testing.assert_array_equal(faded[..., 3:], (255 * strength).astype(int))


def test_image_alone_is_drawn_as_it_is():
    _, (image,) = draw(IMAGE, "original_image")
    np.testing.assert_array_equal(image, IMAGE)
    _, (grey,) = draw(IMAGE[..., :1], "original_image")
    np.testing.assert_array_equal(grey, np.repeat(IMAGE[..., :1], 3, axis=-1))
    _, axes = visualize_image_attr(None, IMAGE, "original_image", use_pyplot=False)
    np.testing.assert_array_equal(axes.get_images()[0].get_array(), IMAGE)
    with pytest.raises(InvalidInputError, match=r"attr has shape \(\)"):
        visualize_image_attr(None, IMAGE, "blended_heat_map", use_pyplot=False)


def test_largest_values_that_make_up_the_share_are_cut_off():
    values = np.array([[1.0, 2.0], [3.0, 4.0]])[..., None]  # sums 1, 3, 6 and 10 of 10
    for share, scale in ((0, 4), (30, 4), (41, 3), (75, 2), (95, 1)):
        figure, axes = visualize_image_attr(values, outlier_perc=share, use_pyplot=False)
        (image,) = axes.get_images()
        np.testing.assert_allclose(image.get_array(), np.minimum(values[..., 0] / scale, 1))
    assert figure.get_size_inches().tolist() == [6, 6]


def test_figure_is_given_or_made_with_title_and_bar():
    figure = Figure(figsize=(2, 3))
    axes = figure.add_subplot()
    found = visualize_image_attr(
        ATTRIBUTIONS, cmap="magma", plt_fig_axis=(figure, axes), title="Why", show_colorbar=True,
        use_pyplot=False,
    )  # fmt: skip
    assert found == (figure, axes)
    assert axes.get_title() == "Why"
    assert axes.get_images()[0].cmap.name == "magma"
    assert [one.get_visible() for one in figure.axes] == [True, True]
    figure, _ = visualize_image_attr(
        ATTRIBUTIONS, IMAGE, "original_image", show_colorbar=True, use_pyplot=False
    )
    assert [one.get_visible() for one in figure.axes] == [True, False]


def test_pyplot_keeps_the_figure_and_needs_no_display():
    assert matplotlib.get_backend().lower() == "agg"
    figure, axes = visualize_image_attr(ATTRIBUTIONS, fig_size=(3, 3))
    assert plt.gcf() is figure
    assert axes in figure.axes
    plt.close(figure)


def test_attributions_close_to_zero_are_told():
    with pytest.warns(TfxaiWarning, match="close to 0"):
        _, axes = visualize_image_attr(np.zeros((2, 2, 1)), use_pyplot=False)
    np.testing.assert_array_equal(axes.get_images()[0].get_array(), 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros((2, 2)),), r"attr has shape \(2, 2\)"),
        ((ATTRIBUTIONS, IMAGE[:1], "masked_image"), "original_image has shape"),
        ((ATTRIBUTIONS, None, "masked_image"), "needs original_image"),
        ((ATTRIBUTIONS, IMAGE, "masked_image", "all"), "cannot show both signs"),
        ((ATTRIBUTIONS, IMAGE, "alpha_scaling", "all"), "cannot show both signs"),
        ((ATTRIBUTIONS, IMAGE, "heat_map", "all", None, 100), "outlier_perc=100"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, words):
    with pytest.raises(InvalidInputError, match=words):
        visualize_image_attr(*arguments, use_pyplot=False)


@pytest.mark.parametrize("options", [{"method": "heatmap"}, {"sign": "abs"}, {"cmap": "blues2"}])
def test_unknown_names_are_refused(options):
    with pytest.raises(UnknownNameError, match=f"There is no .*{next(iter(options.values()))}"):
        visualize_image_attr(ATTRIBUTIONS, use_pyplot=False, **options)
