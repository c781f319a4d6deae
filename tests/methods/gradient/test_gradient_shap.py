"""Expected gradients: closed forms, the definition draw by draw, and their convergence."""

import numpy as np
import pytest

import tfxai
from tests import builders
from tests.contract.case import Case
from tests.methods.noise import uniforms
from tfxai.errors import InvalidInputError
from tfxai.methods import GradientSHAP, IntegratedGradients
from tfxai.methods.base import AttributionMethod

CASES = (
    Case(
        method=GradientSHAP,
        adds_up_on_relus=False,
        linear=lambda s: s.w * (s.x - s.b),
        within={"several baselines": 0.02},
        linear_options={"samples": 2000},
        others={"background": np.full((1, 6, 5, 2), 0.25), "samples": 3, "seed": 1}
        | {"tolerance": 10.0},
        options={"background": builders.images(3, seed=2)},
        gap={"cifar10_cnn": 1.5, "efficientnet_lite0": 1.5},  # a Monte Carlo error
    ),
)


BACKGROUND = np.array([[0.0, 0.0], [1.0, -1.0], [2.0, 0.5]])
X = np.array([[3.0, 4.0], [-2.0, 5.0]])


def test_linear_model_gives_weight_times_difference_to_the_mean_exactly():
    weights = np.array([[2.0], [-3.0]])
    a = GradientSHAP(background=BACKGROUND, samples=6)(builders.linear(weights), X)
    expected = weights.T * (X - BACKGROUND.mean(axis=0))  # 6 draws take each baseline twice
    np.testing.assert_allclose(a.values, expected, rtol=1e-12)
    np.testing.assert_allclose(a.baseline_score, [(BACKGROUND @ weights).mean()] * 2, rtol=1e-12)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)


@pytest.mark.parametrize("chunk_size", ["auto", 1])
def test_definition_draw_by_draw(chunk_size):
    samples, seed = 7, 4
    expected = np.zeros_like(X)
    for k in range(samples):
        alpha = uniforms(seed, samples, (1,))[k]
        x0 = BACKGROUND[k % 3]
        expected += (X - x0) * (x0 + alpha * (X - x0))[:, ::-1] / samples  # f = x0 x1
    method = GradientSHAP(background=BACKGROUND, samples=samples, seed=seed)
    a = method(builders.product(), X, chunk_size=chunk_size)
    np.testing.assert_allclose(a.values, expected, rtol=1e-12)


def test_many_samples_come_to_integrated_gradients_over_the_background():
    ig = IntegratedGradients(steps=2, baseline=tfxai.baselines.Samples(BACKGROUND))(
        builders.product(), X
    )
    shap = GradientSHAP(background=BACKGROUND, samples=30000)(builders.product(), X)
    # each share has a standard deviation below 12: 5 sigma of the mean of 30,000 draws
    np.testing.assert_allclose(shap.values, ig.values, atol=5 * 12 / np.sqrt(30000))
    np.testing.assert_allclose(shap.baseline_score, ig.baseline_score, rtol=1e-12)


def test_background_of_another_shape_is_refused():
    for background, sentence in (
        (np.zeros((3, 5)), r"The baselines have shape \(3, 5\), and \(R, 2\) was expected"),
        (np.full((3, 2), np.nan), "expected to be finite numbers"),
        (np.zeros((0, 2)), r"shape \(0, 2\), and \(R, ...\) was expected"),
        (1.0, r"shape \(\), and \(R, ...\) was expected"),
    ):
        with pytest.raises(InvalidInputError, match=sentence):
            GradientSHAP(background=background)(builders.product(), X)


def test_background_survives_json():
    method = GradientSHAP(background=BACKGROUND.astype(np.float32))
    back = AttributionMethod.from_config(method.to_config())
    assert back == method
    assert hash(back) == hash(method)
