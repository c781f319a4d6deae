"""Standard errors of sampling methods: by hand, against the truth, and as a reason to stop."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tests.methods.noise import normals, uniforms
from tfxai.errors import InvalidInputError
from tfxai.methods import (
    LIME,
    RISE,
    GradientSHAP,
    IntegratedGradients,
    KernelSHAP,
    ShapleySampling,
    SmoothGrad,
    SquaredSmoothGrad,
    VarGrad,
)

BACKGROUND = np.array([[0.0, 0.0], [1.0, -1.0], [2.0, 0.5]])
X = np.array([[1.0, 4.0], [-2.0, 0.5]])


def quadratic():
    """f(x) = x0^2 - 3 x1^2: the gradient is (2 x0, -6 x1), linear in the noise."""
    return builders.formula(lambda x: x[:, :1] ** 2 - 3 * x[:, 1:] ** 2)


def noisy_gradients(samples, noise=0.2, seed=3):
    """(B, S, 2): what the noisy copies of X have for gradients."""
    spread = np.ptp(X, axis=1)[:, None, None]
    return np.array([2.0, -6.0]) * (X[:, None] + noise * spread * normals(seed, samples, (2,)))


def error(draws):
    """Of the mean of draws, (B, S, ...)."""
    return draws.std(axis=1, ddof=1) / np.sqrt(draws.shape[1])


@pytest.mark.parametrize("samples", [2, 7])
def test_errors_of_noisy_methods_are_those_of_their_samples(samples):
    gradients = noisy_gradients(samples)
    options = {"samples": samples, "noise": 0.2, "seed": 3}
    off = gradients - gradients.mean(axis=1, keepdims=True)
    variance, fourth = (off**2).mean(axis=1), (off**4).mean(axis=1)
    of_variance = (fourth - (samples - 3) / (samples - 1) * variance**2) / samples
    expected = {
        SmoothGrad: error(gradients),
        SquaredSmoothGrad: error(gradients**2),
        VarGrad: np.sqrt(np.maximum(of_variance, 0)),
    }
    for cls, errors in expected.items():
        for chunk_size in ("auto", 3):
            a = cls(**options)(quadratic(), X, chunk_size=chunk_size)
            found = a.details["standard_error"]
            np.testing.assert_allclose(found, errors, rtol=1e-8, atol=1e-12)


def test_error_of_draws_that_are_alike_is_zero_and_one_draw_has_none():
    model = builders.linear([[2.0], [-1.0]])
    a = SmoothGrad(samples=9)(model, X)
    np.testing.assert_array_equal(a.details["standard_error"], 0)
    assert "standard_error" not in SmoothGrad(samples=1)(model, X).details


def test_an_error_keeps_its_digits_beside_a_large_mean():
    # gradient 1e4 + x: the squares of it in float32 know nothing of a deviation of 1
    model = builders.formula(lambda x: 1e4 * x + x**2 / 2, size=2, dtype="float32")
    a = SmoothGrad(noise=1.0)(model, np.array([[0.0, 1.0]], np.float32), target=0)
    expected = normals(0, 50, (2,))[:, 0].std(ddof=1) / np.sqrt(50)
    np.testing.assert_allclose(a.details["standard_error"][0], [expected, 0], rtol=1e-2)


def shap_draws(x, background, gradient, samples, seed):
    """(B, S, F): the draws of GradientSHAP, the baselines in turn."""
    baseline = background[np.arange(samples) % len(background)]
    step = x[:, None] - baseline
    return step * gradient(baseline + uniforms(seed, samples, (1,)) * step)


def error_within(draws, strata):
    """Of the mean of draws of several strata in turn, (B, S, F)."""
    parts = [draws[:, r::strata] for r in range(strata)]
    within = sum(((part - part.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for part in parts)
    count = draws.shape[1]
    return np.sqrt(within / (count - strata) / count)


@pytest.mark.parametrize("samples", [5, 30, 31])
def test_error_of_gradient_shap_is_within_baselines_where_each_is_drawn_twice(samples):
    a = GradientSHAP(background=BACKGROUND, samples=samples, seed=2)(quadratic(), X)
    draws = shap_draws(X, BACKGROUND, lambda x: x * [2.0, -6.0], samples, 2)
    expected = error(draws) if samples < 6 else error_within(draws, 3)
    np.testing.assert_allclose(a.details["standard_error"], expected, rtol=1e-9)


def test_error_of_rise_is_that_of_masks_times_their_scores():
    shape = (4, 5, 2)
    w = np.random.default_rng(0).normal(size=shape)
    inputs = keras.Input(shape, dtype="float64")
    model = keras.Model(inputs, keras.ops.sum(inputs * w, (1, 2, 3))[:, None])
    x = np.random.default_rng(1).normal(size=(2, *shape))
    method = RISE(samples=25, cells=2, seed=4)
    a = method(model, x, score="output")
    design = method.design(shape)
    masks = design.masks(
        uniforms(4, 25, (design.draws,)), __import__("tfxai.arithmetic").arithmetic.HOST
    )
    scores = np.einsum("bhwc,khw,hwc->bk", x, masks, w)
    draws = scores[:, :, None, None] * masks / 0.5
    np.testing.assert_allclose(a.values, draws.mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose(a.details["standard_error"], error(draws), rtol=1e-8)


SAMPLING = {
    "smooth_grad": lambda **o: SmoothGrad(noise=0.6, **o),
    "squared_smooth_grad": lambda **o: SquaredSmoothGrad(noise=0.6, **o),
    "var_grad": lambda **o: VarGrad(noise=0.6, **o),
    "gradient_shap": lambda **o: GradientSHAP(
        background=np.random.default_rng(2).normal(size=(3, 6)), **o
    ),
    "rise": lambda **o: RISE(cells=3, **o),
}


@pytest.mark.parametrize("name", SAMPLING)
def test_values_to_a_tolerance_are_those_of_as_many_samples(name):
    model, made = interaction(6), SAMPLING[name]
    x = np.random.default_rng(1).normal(size=(2, 6)) * [[2.0], [0.1]]
    ask = {"score": "output"}
    most = made(samples=150)(model, x, **ask)
    shares = most.details["standard_error"].reshape(2, -1).max(1)
    shares /= np.abs(most.values).reshape(2, -1).max(1)
    tolerance = float(shares.mean())  # between the sure and the unsure
    a = made(samples=400, tolerance=tolerance)(model, x, **ask)
    first, second = a.details["samples"]
    assert first != second or name == "var_grad"  # whose share hardly depends on the example
    for i, count in enumerate(a.details["samples"]):
        b = made(samples=int(count))(model, x[i : i + 1], **ask)
        np.testing.assert_allclose(a.values[i], b.values[0], rtol=1e-8, atol=1e-12)
        found, expected = a.details["standard_error"][i], b.details["standard_error"][0]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-12)
        share = expected.max() / np.abs(b.values).max()
        assert share <= tolerance or count == 400
    i = int(np.argmax(a.details["samples"]))
    before = [n for n in schedule(400, 6) if n < a.details["samples"][i]]
    b = made(samples=before[-1])(model, x[i : i + 1], **ask)  # it stopped as soon as it could
    assert b.details["standard_error"].max() > tolerance * np.abs(b.values).max()
    alone = made(samples=400, tolerance=tolerance)(model, x[1:2], chunk_size=3, **ask)
    np.testing.assert_allclose(alone.values, a.values[1:2], rtol=1e-8, atol=1e-12)


def schedule(most, first):
    """The numbers of samples at which an example may stop."""
    found = [max(16, first)]
    while found[-1] < most:
        found.append(min(found[-1] + found[-1] // 2, most))
    return found


def test_examples_that_are_certain_run_no_more_and_nothing_is_traced_again():
    import tensorflow as tf

    noted, traced = [], []

    class Noting(keras.layers.Layer):
        def call(self, x):
            traced.append(x)
            seen = tf.numpy_function(lambda n: noted.append(int(n)), [tf.shape(x)[0]], [])
            with tf.control_dependencies([seen]):
                return tf.identity(x)

    inputs = keras.Input((2,), dtype="float64")
    h = Noting(dtype="float64")(inputs)
    model = keras.Model(inputs, keras.ops.sum(h**2, axis=1, keepdims=True))
    # a spread of 1e-3 beside 100 is certain at once; one of 1 around 0 is not by 40 samples
    x = np.array([[100.0, 100.001], [-0.5, 0.5]])
    method = SmoothGrad(samples=40, tolerance=0.01, noise=1.0)
    a = method(model, x, chunk_size=2)
    np.testing.assert_array_equal(a.details["samples"], [16, 40])
    gradients = sum(noted) - 2  # the score at x runs both examples once
    assert gradients == 16 + 40
    assert max(noted) <= 2
    before = len(traced)
    method(model, x[::-1], chunk_size=2)
    method(model, x[:1], chunk_size=2)
    assert len(traced) == before


def test_a_tolerance_of_what_nothing_moves_ends_at_once():
    a = SmoothGrad(samples=100, tolerance=1e-9)(builders.linear([[0.0], [0.0]]), X)
    np.testing.assert_array_equal(a.details["samples"], [16, 16])
    np.testing.assert_array_equal(a.values, 0)


COALITIONS = {
    "kernel_shap": (KernelSHAP, 400),
    "shapley_sampling": (ShapleySampling, 200),
    "lime": (LIME, 900),
}


@pytest.mark.parametrize(
    ("name", "several"), [("kernel_shap", 1), ("lime", 1), ("shapley_sampling", 2)]
)
def test_coalitions_are_drawn_until_their_values_are_certain(name, several):
    cls, samples = COALITIONS[name]
    model, scale = interaction(9), np.array([[3], [1], [0.3], [2]])
    x = np.random.default_rng(5).normal(size=(4, 9)) * scale
    baseline = tfxai.baselines.Samples(np.eye(9)[:2] * 0.2) if several > 1 else None
    made = {"samples": samples, "baseline": baseline, "seed": 3}
    ask = {"target": 0, "score": "output"}
    whole = cls(**made)(model, x, **ask)
    a = cls(**made, tolerance=1e-9)(model, x, **ask)  # never certain: all samples
    np.testing.assert_allclose(a.values, whole.values, rtol=1e-7, atol=1e-10)
    error = whole.details["standard_error"]
    np.testing.assert_allclose(a.details["standard_error"], error, rtol=1e-6, atol=1e-10)

    tolerance = 1.5 * float(np.median((error / np.abs(whole.values).max(axis=1)[:, None]).max(1)))
    b = cls(**made, tolerance=tolerance)(model, x, chunk_size=3, **ask)
    assert b.details["samples"].min() < a.details["samples"].max()
    largest = np.abs(b.values).max(axis=1)
    share = b.details["standard_error"].max(axis=1) / largest
    assert ((share <= tolerance) | (b.details["samples"] == a.details["samples"])).all()
    off = np.abs(b.values - whole.values)
    assert (off <= 4 * np.hypot(b.details["standard_error"], error) + 1e-9).all()
    if name != "kernel_shap":  # its coalitions depend on the most there may be
        for i, count in enumerate(b.details["samples"][:2]):
            fixed = cls(**made | {"samples": int(count)})(model, x[i : i + 1], **ask)
            np.testing.assert_allclose(b.values[i], fixed.values[0], rtol=1e-7, atol=1e-10)
    alone = cls(**made, tolerance=tolerance)(model, x[2:3], **ask)
    np.testing.assert_allclose(alone.values[0], b.values[2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "method",
    [
        GradientSHAP(background=BACKGROUND, samples=60, tolerance=0.1),
        VarGrad(samples=60, tolerance=0.5),
        LIME(samples=60, tolerance=0.1),
    ],
    ids=lambda method: method.name,
)
def test_a_compiled_loop_gives_the_same(method, monkeypatch):
    model = builders.formula(lambda x: keras.ops.sin(x[:, :1]) * x[:, 1:])
    plain = method(model, X, score="output")
    monkeypatch.setattr(tfxai.config, "jit_compile", True)
    a = method(model, X, score="output")
    np.testing.assert_array_equal(a.details["samples"], plain.details["samples"])
    for found, expected in (
        (a.values, plain.values),
        *((a.details[name], plain.details[name]) for name in ("standard_error", "certain_top")),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_bad_tolerances_are_refused():
    with pytest.raises(InvalidInputError, match="16 are taken before the first judgement"):
        SmoothGrad(samples=15, tolerance=0.1)
    with pytest.raises(InvalidInputError, match="tolerance=0"):
        RISE(tolerance=0.0)
    several = tfxai.baselines.Samples(np.zeros((2, 3)))
    with pytest.raises(InvalidInputError, match="Samples makes several"):
        RISE(tolerance=0.1, baseline=several)


def cubes(size=250):
    """f(x) = sum x^3 of that many numbers: each position has a gradient of its own, 3 x^2."""
    return builders.formula(lambda x: keras.ops.sum(x**3, axis=1, keepdims=True), size=size)


def covered(a, truth):
    """The share of positions whose interval at 95 % holds the truth."""
    return (np.abs(a.values - truth) <= 1.96 * a.details["standard_error"]).mean()


def test_errors_of_noisy_methods_cover_the_truth():
    # 1,000 positions: a share of 95 % has a standard error of 0.7 %
    x = np.random.default_rng(0).uniform(1, 2, size=(1, 250))
    sigma = 0.3 * np.ptp(x)
    mean = 3 * (x**2 + sigma**2)  # of 3 (x + sigma z)^2
    fourth = x**4 + 6 * x**2 * sigma**2 + 3 * sigma**4
    truths = {SmoothGrad: mean, SquaredSmoothGrad: 9 * fourth, VarGrad: 9 * fourth - mean**2}
    for cls, truth in truths.items():
        held = [
            covered(cls(samples=1000, noise=0.3, seed=seed)(cubes(), x), truth)
            for seed in range(1, 5)
        ]
        assert 0.93 <= np.mean(held) <= 0.97, cls.name


def test_errors_of_gradient_shap_cover_the_truth():
    # one place on the path for all positions of a draw: 500 seeds, 2 positions
    rng = np.random.default_rng(0)
    x, background = np.array([[1.0, -2.0]]), rng.uniform(-2, 1, size=(4, 2))
    truth = (x**3 - background**3).mean(axis=0)
    held = []
    for seed in range(500):
        draws = shap_draws(x, background, lambda x: 3 * x**2, 100, seed)
        held.append(np.abs(draws.mean(axis=1) - truth) <= 1.96 * error_within(draws, 4))
    assert 0.93 <= np.mean(held) <= 0.97
    a = GradientSHAP(background=background, samples=100, seed=499)(cubes(2), x)
    np.testing.assert_allclose(a.details["standard_error"], error_within(draws, 4), rtol=1e-9)


def test_errors_of_a_network_cover_a_long_run():
    model, x = builders.functional(), builders.images(6)  # 360 positions, of 3 seeds
    options = {"noise": 0.5}
    truth = SmoothGrad(samples=5000, seed=1, **options)(model, x, 1).values
    shares = [
        covered(SmoothGrad(samples=150, seed=seed, **options)(model, x, 1), truth)
        for seed in range(2, 5)
    ]
    assert 0.93 <= np.mean(shares) <= 0.97


def interaction(features):
    """Pairs that interact, so that what a coalition adds depends on the others."""
    rng = np.random.default_rng(3)
    w = rng.normal(size=(features, features))
    return builders.formula(
        lambda x: keras.ops.sum(keras.ops.tanh(x @ w), axis=1, keepdims=True), size=features
    )


BY_FEATURE = {
    "kernel_shap": (lambda s: KernelSHAP(samples=200, seed=s), KernelSHAP(samples=2**12 - 2)),
    "shapley_sampling": (
        lambda s: ShapleySampling(samples=120, seed=s),
        KernelSHAP(samples=2**12 - 2),
    ),
    "lime": (
        lambda s: LIME(samples=600, alpha=0.0, kernel_width=1.0, seed=s),
        LIME(samples=100_000, alpha=0.0, kernel_width=1.0, seed=10_000),
    ),
    "rise": (
        lambda s: RISE(samples=300, cells=12, seed=s),
        RISE(samples=30_000, cells=12, seed=10_000),
    ),
}


@pytest.mark.parametrize("name", BY_FEATURE)
def test_errors_of_methods_by_feature_cover_the_truth(name):
    # 4 draws of 12 features in 21 examples: 1,008 positions
    made, long_run = BY_FEATURE[name]
    model, x = interaction(12), np.random.default_rng(5).normal(size=(21, 12))
    truth = long_run(model, x, score="output").values
    held = [covered(made(seed)(model, x, score="output"), truth) for seed in range(4)]
    assert 0.93 <= np.mean(held) <= 0.97


def test_regressions_on_all_coalitions_have_no_error():
    model, x = interaction(5), np.random.default_rng(5).normal(size=(2, 5))
    a = KernelSHAP()(model, x, score="output")
    np.testing.assert_array_equal(a.details["standard_error"], 0)
    of_noise = IntegratedGradients(steps=3)
    found = SmoothGrad(of=of_noise, samples=5)(model, x, score="output")
    assert found.details["standard_error"].shape == x.shape
