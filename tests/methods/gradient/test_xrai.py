"""XRAI: the ranking written slowly, what its values are, and what they do not depend on."""

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tests.contract.case import Case
from tfxai.core.inputs.segmentations import regions
from tfxai.data import fit_image, sample_image
from tfxai.errors import InvalidInputError
from tfxai.methods import XRAI, GradientInput, IntegratedGradients, Saliency
from tfxai.methods.gradient.xrai import SCALES, ranking


def slowly(masks, attribution):
    """The ranking as the paper has it: loops over regions and the pixels that they would add."""
    taken = np.zeros(attribution.shape, bool)
    values, ranks = np.zeros(attribution.shape), np.zeros(attribution.shape, int)
    rank = 0
    while not taken.all():
        gains = [attribution[m & ~taken].mean() if (m & ~taken).any() else -np.inf for m in masks]
        best = masks[int(np.argmax(gains))] & ~taken
        values[best], ranks[best] = max(gains), rank
        taken |= best
        rank += 1
    return values, ranks


def on_linear(s):
    """The regions of each image, ranked by gradient times input."""
    return np.stack([slowly(regions(x, SCALES, 20, 5), (s.w * x).sum(axis=-1))[0] for x in s.x])


CASES = (
    Case(
        method=XRAI,
        linear=on_linear,
        linear_options={"of": GradientInput()},
        refuses=dict.fromkeys(("tables", "series", "volumes", "two inputs"), "segments one image")
        | {"tokens": "by the inputs"},
        others={
            "of": "gradient_input",
            "black_and_white": False,
            "scales": (5000.0,),
            "min_size": 9000,
            "dilation": 40,
        },
    ),
)


@pytest.mark.parametrize("seed", range(5))
def test_ranking_equals_the_one_written_slowly(seed):
    rng = np.random.default_rng(seed)
    masks = rng.random((12, 7, 9)) < 0.2
    masks[0] |= ~masks.any(axis=0)  # every pixel lies in one
    attribution = rng.normal(size=(7, 9))
    values, ranks = ranking(masks, attribution)
    expected, order = slowly(masks, attribution)
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    np.testing.assert_array_equal(ranks, order)


def test_an_empty_half_has_zeros_and_the_other_one_all_of_the_attribution():
    image = keras.Input((8, 8, 3), dtype="float64")
    weights = np.arange(8 * 8 * 3).reshape(8, 8, 3) / 100
    model = keras.Model(image, keras.ops.sum(image * weights, (1, 2, 3))[:, None])
    x = np.zeros((1, 8, 8, 3))
    x[:, 4:] = 1.0
    a = XRAI(of=GradientInput(), dilation=0)(model, x)
    assert np.abs(a.values[0, :4]).max() == 0
    np.testing.assert_allclose(a.values[0, 4:].sum(), weights[4:].sum(), rtol=1e-12)
    assert a.details["rank"][0, 4:].max() < a.details["rank"][0, :4].min()


def test_every_region_has_the_mean_attribution_of_the_pixels_that_it_adds():
    subject = tfxai.load("cifar10_cnn")
    pixels = np.stack([fit_image(sample_image(n), 32, 32) for n in ("chelsea", "astronaut")])
    a = XRAI()(subject, pixels, target=3)
    ends = [
        IntegratedGradients(baseline=end)(subject, pixels, target=3).values
        for end in ("black", "white")
    ]
    summed = (ends[0] + ends[1]).sum(axis=-1) / 2
    for values, ranks, base in zip(a.values, a.details["rank"], summed, strict=True):
        means = [base[ranks == r].mean() for r in range(ranks.max() + 1)]
        assert len(means) > 3
        np.testing.assert_allclose(values, np.array(means)[ranks], rtol=1e-4, atol=1e-6)
        assert np.isfinite(means).all()
    alone = XRAI()(subject, pixels[1:], target=3)
    np.testing.assert_allclose(alone.values[0], a.values[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(alone.details["rank"][0], a.details["rank"][1])


def test_the_last_region_of_a_batch_has_the_lowest_gain_among_those_left():
    # gains may rise again, for a region that overlaps with a better one waits for it
    rng = np.random.default_rng(3)
    masks = np.stack([np.arange(6) < n for n in (2, 4, 6)])[:, None]
    attribution = rng.normal(size=(1, 6))
    values, ranks = ranking(masks, attribution)
    whole = attribution[0, ranks[0] == ranks.max()]
    np.testing.assert_allclose(values[0, ranks[0] == ranks.max()], whole.mean(), rtol=1e-12)


def test_what_is_no_single_image_is_refused():
    with pytest.raises(InvalidInputError, match="xrai segments one image"):
        XRAI()(builders.product(), [[3.0, 4.0]])
    with pytest.raises(InvalidInputError, match="a baseline of its own"):
        XRAI(of=IntegratedGradients(baseline=0.5))
    with pytest.raises(InvalidInputError, match="gives the values of a layer"):
        XRAI(of=tfxai.GradCAM())
    with pytest.raises(InvalidInputError, match="on the host, after its program"):
        tfxai.SmoothGrad(of=XRAI())
    for options in ({"scales": ()}, {"scales": -1.0}, {"min_size": 0}, {"dilation": -1}):
        with pytest.raises(InvalidInputError, match=next(iter(options))):
            XRAI(**options)


def test_a_method_without_a_baseline_is_run_once():
    model, x = builders.functional(), builders.images(2, (6, 5, 2))
    a = XRAI(of=Saliency(absolute=False), dilation=0)(model, x, target=1)
    base = Saliency(absolute=False)(model, x, target=1).values.sum(-1)
    for values, ranks, one in zip(a.values, a.details["rank"], base, strict=True):
        means = np.array([one[ranks == r].mean() for r in range(ranks.max() + 1)])
        np.testing.assert_allclose(values, means[ranks], rtol=1e-5, atol=1e-8)
