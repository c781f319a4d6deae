"""SmoothGrad and its kin: closed forms, the definition in NumPy, and what seeds do."""

from __future__ import annotations

import numpy as np
import pytest

from tests import builders
from tests.contract.case import Case
from tests.methods.noise import normals as draws
from tests.methods.slow_network import SlowNetwork
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.methods import (
    GradCAM,
    IntegratedGradients,
    Saliency,
    SmoothGrad,
    SquaredSmoothGrad,
    VarGrad,
)

CASES = (
    Case(
        method=SmoothGrad,
        linear=lambda s: s.w * s.ones,
        others={"of": IntegratedGradients(steps=4), "samples": 7, "noise": 0.4, "seed": 1}
        | {"tolerance": 10.0},
    ),
    Case(
        method=SquaredSmoothGrad,
        linear=lambda s: s.w**2 * s.ones,
        others={"of": IntegratedGradients(steps=4), "samples": 7, "noise": 0.4, "seed": 1}
        | {"tolerance": 10.0},
    ),
    Case(
        method=VarGrad,
        linear=lambda s: 0 * s.x,
        others={"of": IntegratedGradients(steps=4), "samples": 7, "noise": 0.4, "seed": 1}
        | {"tolerance": 10.0},
    ),
)


CLASSES = (SmoothGrad, SquaredSmoothGrad, VarGrad)
every_class = pytest.mark.parametrize("cls", CLASSES)
SIGNED = Saliency(absolute=False)


def quadratic():
    """f(x) = x0^2 - 3 x1^2: the gradient is (2 x0, -6 x1), linear in the noise."""
    return builders.formula(lambda x: x[:, :1] ** 2 - 3 * x[:, 1:] ** 2)


@pytest.mark.parametrize("samples", [2, 5, 60])
def test_moments_of_a_linear_gradient_are_those_of_the_noise(samples):
    x = np.array([[1.0, 4.0], [-2.0, 0.5]])
    options = {"samples": samples, "noise": 0.2, "seed": 3}
    noise = draws(3, samples, (2,))  # (S, 2), the same for both examples
    spread = np.array([[3.0], [2.5]])  # max - min of each example
    gradients = np.array([2.0, -6.0]) * (x[:, None] + 0.2 * spread[:, None] * noise)  # (B, S, 2)
    expected = {
        SmoothGrad: gradients.mean(axis=1),
        SquaredSmoothGrad: (gradients**2).mean(axis=1),
        VarGrad: gradients.var(axis=1),
    }
    for cls, values in expected.items():
        a = cls(**options)(quadratic(), x)
        np.testing.assert_allclose(a.values, values, rtol=1e-10, atol=1e-12)
        b = cls(**options)(quadratic(), x, chunk_size=1)
        np.testing.assert_allclose(b.values, values, rtol=1e-10, atol=1e-12)


@every_class
def test_linear_score_has_the_same_gradient_everywhere(cls):
    weights = np.array([[2.0], [-1.0], [0.5]])
    expected = {SmoothGrad: weights, SquaredSmoothGrad: weights**2, VarGrad: 0 * weights}[cls]
    a = cls(samples=7)(builders.linear(weights), np.array([[1.0, 2.0, 3.0]]))
    np.testing.assert_allclose(a.values, expected.T, rtol=1e-13, atol=1e-15)


def test_variance_keeps_its_digits_beside_a_large_mean():
    # gradient 1e6 + x: float32 squares of it know no 1, and their difference is noise
    model = builders.formula(lambda x: 1e6 * x + x**2 / 2, size=2, dtype="float32")
    x = np.array([[0.0, 1.0]], np.float32)
    noise = draws(0, 50, (2,))
    a = VarGrad(noise=1.0)(model, x, target=0)
    expected = noise.var(axis=0) * [1, 0]
    np.testing.assert_allclose(a.values[0], expected, rtol=0.1)  # 1e6 in float32 has steps of 1/16


def test_definition_on_a_convolutional_network():
    network = SlowNetwork(4)
    model = network.keras_model()
    x = np.random.default_rng(2).normal(size=(2, *network.shape))
    noise = draws(5, 4, network.shape)
    for i, one in enumerate(x):
        noisy = one + 0.3 * (one.max() - one.min()) * noise
        gradients = np.stack([network.gradients(copy, 1)[0] for copy in noisy])
        options = {"samples": 4, "noise": 0.3, "seed": 5}
        for cls, values in (
            (SmoothGrad, gradients.mean(axis=0)),
            (SquaredSmoothGrad, (gradients**2).mean(axis=0)),
            (VarGrad, gradients.var(axis=0)),
        ):
            a = cls(**options)(model, x, target=1)
            np.testing.assert_allclose(a.values[i], values, rtol=1e-9, atol=1e-10)


def test_of_another_method_averages_that_method():
    model, x = builders.product(), np.array([[3.0, 4.0]])
    of = IntegratedGradients(steps=2, baseline=1.0)
    noisy = x + 0.15 * 1.0 * draws(0, 50, (2,))
    expected = [of(model, one[None]).values[0] for one in noisy]
    a = SmoothGrad(of=of)(model, x)
    np.testing.assert_allclose(a.values[0], np.mean(expected, axis=0), rtol=1e-10)
    np.testing.assert_allclose(a.baseline_score, [1.0])
    assert a.method["options"]["of"] == of.to_config()


def test_absolute_gradient_gives_the_mean_magnitude():
    x = np.array([[0.05, 1.0]])
    noise = draws(0, 50, (2,))
    expected = np.abs([2.0, -6.0] * (x + 0.15 * 0.95 * noise)).mean(axis=0)
    a = SmoothGrad(of=Saliency())(quadratic(), x)
    np.testing.assert_allclose(a.values[0], expected, rtol=1e-10)
    assert (a.is_signed, a.channels) == (False, "max_abs")
    assert SmoothGrad().is_signed
    assert not SquaredSmoothGrad().is_signed
    assert not VarGrad().is_signed


@every_class
def test_seeds_give_other_values_and_the_same_seed_the_same(cls):
    model, x = builders.functional(dtype="float64"), builders.images().astype(np.float64)
    first, again, other = (cls(seed=seed)(model, x, target=0).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_noise_of_each_input_is_a_share_of_its_own_range():
    import keras

    a, b = (keras.Input((2,), name=name, dtype="float64") for name in "ab")
    model = keras.Model({"a": a, "b": b}, keras.ops.sum(a**2 + b**2, axis=1, keepdims=True))
    inputs = {"a": np.array([[0.0, 1.0]]), "b": np.array([[0.0, 100.0]])}
    noise = draws(0, 50, (4,))  # both inputs side by side
    found = SmoothGrad()(model, inputs).values
    np.testing.assert_allclose(found["a"][0], 2 * ([0, 1] + 0.15 * noise[:, :2].mean(0)))
    np.testing.assert_allclose(found["b"][0], 2 * ([0, 100] + 15 * noise[:, 2:].mean(0)))


@every_class
def test_bad_options_are_refused(cls):
    for options, sentence in (
        ({"samples": 0}, "samples=0 was expected to be an integer of at least"),
        ({"samples": 1.5}, "samples=1.5 was expected"),
        ({"noise": 0}, "noise=0 was expected to be a number above 0"),
        ({"noise": float("nan")}, "noise=nan was expected"),
        ({"seed": -1}, r"seed=-1 was expected to be an integer in \[0, 2147483648\)"),
        ({"of": GradCAM()}, "of='grad_cam' gives the values of a layer"),
        ({"of": 3}, "of=3 was expected to be a method"),
    ):
        with pytest.raises(InvalidInputError, match=sentence):
            cls(**options)
    with pytest.raises(UnknownNameError, match=r"no method 'salience'. Did you mean 'saliency'"):
        cls(of="salience")
    assert cls(of="integrated_gradients").of == IntegratedGradients()


def test_variance_of_one_sample_is_refused():
    with pytest.raises(
        InvalidInputError, match="samples=1 was expected to be an integer of at least 2"
    ):
        VarGrad(samples=1)
