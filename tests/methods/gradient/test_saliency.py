import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.methods import Saliency

CASES = (
    Case(
        method=Saliency,
        linear=lambda s: np.abs(s.w) * s.ones,
        others={"absolute": False},
    ),
)


@pytest.mark.parametrize("seed", [0, 1])
def test_equals_the_papers_definition_in_numpy(seed):
    network = SlowNetwork(seed)
    x = np.random.default_rng(seed + 10).normal(size=(2, *network.shape))
    a = Saliency()(network.keras_model(), x, target=[2, 0])
    expected = [np.abs(network.gradients(x[i], t)[0]) for i, t in enumerate([2, 0])]
    np.testing.assert_allclose(a.values, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(a.score, network.outputs(x)[[0, 1], [2, 0]], rtol=1e-12)


def test_equals_finite_differences_of_the_logit():
    network, step = SlowNetwork(3), 1e-6
    x = np.random.default_rng(4).normal(size=(1, *network.shape))
    values = Saliency(absolute=False)(network.keras_model("softmax"), x, target=1).values
    expected = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[index] = step
        ends = network.outputs(x + shift) - network.outputs(x - shift)
        expected[index] = ends[0, 1] / (2 * step)
    # f is linear within the step: the error is the rounding of f, about 1e-15 |f| / step
    np.testing.assert_allclose(values, expected, atol=1e-7)
    assert np.abs(expected).max() > 1


def test_absolute_value_of_a_linear_model_is_that_of_its_weights():
    model = builders.linear([[3.0, 0.5], [-2.0, 7.0]])
    x = np.array([[10.0, -4.0]])
    np.testing.assert_array_equal(Saliency()(model, x, target=0).values, [[3.0, 2.0]])
    signed = Saliency(absolute=False)(model, x, target=0)
    np.testing.assert_array_equal(signed.values, [[3.0, -2.0]])
    assert signed.is_signed
    assert not Saliency()(model, x, target=0).is_signed


def test_hand_computed_convolution():
    x = keras.Input((3, 3, 1), dtype="float64")
    conv = layers.Conv2D(1, 2, activation="relu", use_bias=False, dtype="float64")
    dense = layers.Dense(1, use_bias=False, dtype="float64")
    model = keras.Model(x, dense(layers.Flatten(dtype="float64")(conv(x))))
    model.set_weights([np.array([[1.0, -1.0], [2.0, 0.0]]).reshape(2, 2, 1, 1),
                       np.array([[1.0], [10.0], [100.0], [1000.0]])])  # fmt: skip
    image = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 0.0], [2.0, 0.0, -9.0]]).reshape(1, 3, 3, 1)
    # conv: 1-0+0 = 1, 0-3+2 = -1 (cut by the ReLU), 0-1+4 = 3, 1-0+0 = 1
    a = Saliency(absolute=False)(model, image)
    assert a.score == [1 + 300 + 1000]
    # position 0 hands (1, -1, 2, 0) to its patch, position 2 that times 100, position 3 times 1000
    expected = [[1.0, -1.0, 0.0], [2.0 + 100.0, -100.0 + 1000.0, -1000.0], [200.0, 2000.0, 0.0]]
    np.testing.assert_array_equal(a.values[0, ..., 0], expected)


def test_saturated_softmax_still_gives_the_logits_gradient():
    model = builders.formula(
        lambda x: layers.Dense(2, activation="softmax", use_bias=False, name="d")(x),
        dtype="float32",
    )
    model.get_layer("d").set_weights([np.array([[60.0, -60.0], [30.0, -30.0]])])
    x = np.ones((1, 2), np.float32)
    a = Saliency()(model, x)
    assert a.probability == [1.0]  # exactly, in float32
    np.testing.assert_array_equal(a.values, [[60.0, 30.0]])
    assert Saliency()(model, x, score="probability").values.max() < 1e-6


def test_gradients_of_1e_minus_8_still_give_a_heatmap():
    def build(scale):
        x = keras.Input(builders.IMAGE)
        conv = layers.Conv2D(1, 3, use_bias=False, name="conv")
        model = keras.Model(x, layers.GlobalAveragePooling2D()(conv(x)))
        kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 1))
        conv.set_weights([kernel * scale])
        return model

    x = builders.images(1)
    small, large = (Saliency(absolute=False)(build(scale), x) for scale in (1e-8, 1.0))
    assert 0 < np.abs(small.values).max() < 1e-7
    np.testing.assert_allclose(small.heatmap(), large.heatmap(), rtol=1e-5, atol=1e-6)
    assert np.abs(small.heatmap()).max() == 1


def test_heatmap_takes_the_largest_magnitude_over_channels_or_the_signed_sum():
    model, x = builders.functional(), builders.images(2)
    for absolute in (True, False):
        a = Saliency(absolute=absolute)(model, x)
        reduced = np.abs(a.values).max(axis=-1) if absolute else a.values.sum(axis=-1)
        expected = reduced / np.abs(reduced).max(axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(a.heatmap(clip_percentile=100), expected, rtol=1e-6)
