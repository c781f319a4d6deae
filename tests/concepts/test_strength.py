"""The strength of a concept as a score that other methods explain."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy.optimize import nnls

import tfxai
from tests import builders
from tfxai.concepts import ConceptStrength
from tfxai.core.inputs.frozen_arrays import FrozenArray
from tfxai.errors import InvalidInputError

BANK = np.array([[0.6, 0.8, 0.0], [0.0, 0.6, 0.8]])


def network(*, first=False, seed=0):
    """A convolution of three channels and a head, with the channels in either place."""
    keras.utils.set_random_seed(seed)
    where = "channels_first" if first else "channels_last"
    x = keras.Input((2, 6, 5) if first else (6, 5, 2))
    y = layers.Conv2D(3, 3, activation="relu", data_format=where, name="conv")(x)
    y = layers.GlobalAveragePooling2D(data_format=where)(y)
    return keras.Model(x, layers.Dense(2, activation="softmax")(y))


def score(number=0, bank=BANK, layer="conv"):
    return ConceptStrength(layer, FrozenArray(bank), number)


def expected(model, x):
    """(B, h, w, M) by SciPy, one position after the other."""
    seen = keras.Model(model.inputs, model.get_layer("conv").output).predict(x, verbose=0)
    rows = [nnls(BANK.T, row)[0] for row in seen.reshape(-1, 3).astype(np.float64)]
    return np.reshape(rows, (*seen.shape[:3], 2))


def test_maps_are_the_coefficient_at_each_position():
    # u is linear in A where the same concepts are there, so that A du/dA is u itself
    model, x = network(), builders.images(4)
    wanted = expected(model, x)
    for number in (0, 1):
        found = tfxai.HiResCAM(layer="conv")(model, x, score=score(number))
        np.testing.assert_allclose(found.values * 12, wanted[..., number], atol=1e-5)
        np.testing.assert_allclose(found.score, wanted[..., number].mean(axis=(1, 2)), atol=1e-6)
        assert found.score_name == f"concept {number + 1} of conv"
        assert found.target.tolist() == [-1] * 4


def test_the_gradient_by_pixels_is_that_of_small_steps():
    model, x = network(), builders.images(1)
    found = tfxai.GradientInput()(model, x, score=score())
    rng = np.random.default_rng(0)
    direction = rng.normal(size=x.shape).astype(np.float32)
    ahead, back = (
        tfxai.GradientInput()(model, x + step * direction, score=score()).score
        for step in (1e-2, -1e-2)
    )
    gradient = found.values / x
    assert (gradient * direction).sum() == pytest.approx((ahead - back)[0] / 2e-2, rel=0.03)


def test_a_layer_with_its_channels_first_gives_the_same():
    last, first = network(), network(first=True)
    first.set_weights(last.get_weights())
    x = builders.images(3)
    one = tfxai.GradientInput()(last, x, score=score())
    other = tfxai.GradientInput()(first, np.moveaxis(x, -1, 1), score=score())
    np.testing.assert_allclose(other.score, one.score, rtol=1e-5)
    np.testing.assert_allclose(np.moveaxis(other.values, 1, -1), one.values, atol=1e-6)


@pytest.mark.parametrize(
    "method",
    [
        tfxai.SmoothGrad(samples=3),
        tfxai.IntegratedGradients(steps=8),
        tfxai.Occlusion(window=2, stride=2),
        tfxai.RISE(samples=16, cells=2),
    ],
    ids=lambda method: method.name,
)
def test_other_methods_explain_it(method, tmp_path):
    found = method(network(), builders.images(2), score=score(1))
    assert np.abs(found.values).max() > 0
    found.save(tmp_path / "a.npz")
    assert tfxai.Attribution.load(tmp_path / "a.npz").score_name == "concept 2 of conv"


def test_a_path_from_zero_adds_up_to_the_strength():
    found = tfxai.IntegratedGradients(steps=300)(network(), builders.images(2), score=score())
    np.testing.assert_allclose(found.completeness_gap, 0, atol=0.02 * np.abs(found.score).max())


def test_a_second_concept_traces_anew_and_the_same_one_does_not():
    assert score(0) == score(0)
    assert hash(score(0)) == hash(score(0))
    assert score(0) != score(1)
    assert score(0) != score(0, bank=BANK[::-1])


def test_what_is_no_concept_of_the_layer_is_refused():
    model, x = network(), builders.images(1)
    with pytest.raises(InvalidInputError, match=r"concepts have 2 channels, and layer 'conv'"):
        tfxai.Saliency()(model, x, score=score(bank=np.eye(2)))
    with pytest.raises(InvalidInputError, match="number=2 is none of the 2 concepts"):
        score(2)
    with pytest.raises(InvalidInputError, match="numbers of at least 0"):
        score(bank=-BANK)
    with pytest.raises(InvalidInputError, match="numbers of at least 0"):
        score(bank=BANK[0])
    with pytest.raises(InvalidInputError, match="target=1 came with score="):
        tfxai.Saliency()(model, x, 1, score=score())
