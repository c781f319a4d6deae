"""DeepLIFT: by hand, in loops of NumPy, and its completeness on real networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tests.contract.case import EXACT_ON_PHOTOGRAPHS, Case
from tests.methods.slow_rules import SHAPE, SlowResidual
from tfxai.core.inputs.baseline_records import Samples
from tfxai.errors import UnsupportedModelError
from tfxai.methods import DeepLIFT, DeepSHAP, IntegratedGradients, Saliency

CASES = (
    Case(
        method=DeepLIFT,
        linear=lambda s: s.w * (s.x - s.b),
        others={"baseline": 0.5},
        refuses={"volumes with channels first": "compiled call"},
        gap=EXACT_ON_PHOTOGRAPHS,
    ),
    Case(
        method=DeepSHAP,
        linear=lambda s: s.w * (s.x - s.b),
        others={"background": np.full((1, 6, 5, 2), 0.25)},
        options={"background": builders.images(3, seed=2)},
        refuses={"volumes with channels first": "compiled call"},
        gap=EXACT_ON_PHOTOGRAPHS,
    ),
)


EXACT = {"rtol": 1e-12, "atol": 1e-13}


def assert_complete(a, tolerance=1e-10):
    size = np.abs(a.values).reshape(len(a.values), -1).sum(axis=1)
    assert (np.abs(a.completeness_gap) <= tolerance * size).all()
    assert np.abs(a.values).max() > 0


def test_rescale_rule_by_hand():
    # u = x0 - 2 x1 - 1: 6 at (9, 1), -1 at zero; m = 6 / 7
    model = builders.formula(lambda x: keras.ops.relu(x[:, :1] - 2.0 * x[:, 1:] - 1.0))
    a = DeepLIFT()(model, [[9.0, 1.0]])
    np.testing.assert_allclose(a.values, [[9 * 6 / 7, -2 * 6 / 7]], **EXACT)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-14)


def test_saturation_of_the_papers_figure_1():
    # y = 1 - ReLU(1 - i1 - i2): the gradient is 0 at (1, 1), each input earns half
    model = builders.formula(lambda x: 1.0 - keras.ops.relu(1.0 - x[:, :1] - x[:, 1:]))
    np.testing.assert_array_equal(Saliency()(model, [[1.0, 1.0]]).values, [[0, 0]])
    np.testing.assert_allclose(DeepLIFT()(model, [[1.0, 1.0]]).values, [[0.5, 0.5]], **EXACT)


def test_discontinuity_of_the_papers_figure_2():
    # y = ReLU(x - 10): at 10 + e the contribution is e and not (10 + e)
    model = builders.formula(lambda x: keras.ops.relu(x - 10.0), size=1)
    for excess in (0.5, 1e-9):
        a = DeepLIFT()(model, [[10 + excess]])
        np.testing.assert_allclose(a.values, [[excess]], rtol=1e-6)
        np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-15)


def test_maximum_is_shared_by_the_part_of_the_line_on_which_each_is_largest():
    # candidates at x' (2, 0), at x (3, 5): 5 t exceeds 2 + t on the last half of the line
    model = builders.formula(lambda x: keras.ops.max(x, axis=1, keepdims=True))
    a = DeepLIFT(baseline=[2.0, 0.0])(model, [[3.0, 5.0]])
    np.testing.assert_allclose(a.values, [[1 / 2, 5 / 2]], **EXACT)
    assert a.completeness_gap == 0
    ig = IntegratedGradients(steps=1000, rule="riemann_middle", baseline=[2.0, 0.0])
    np.testing.assert_allclose(a.values, ig(model, [[3.0, 5.0]]).values, rtol=1e-12)


def test_ties_and_equal_inputs_stay_finite():
    model = builders.formula(lambda x: keras.ops.max(keras.ops.tanh(x), axis=1, keepdims=True), 3)
    x = [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0]]
    a = DeepLIFT()(model, x)
    assert_complete(a[[0, 2]])
    np.testing.assert_array_equal(a.values[1], [0, 0, 0])


def test_equals_the_papers_rule_in_numpy():
    network, rng = SlowResidual(2), np.random.default_rng(3)
    x, x0 = rng.normal(size=(2, 4, *SHAPE))
    model = network.keras_model()
    for target in range(3):
        a = DeepLIFT(baseline=x0)(model, x, target=target)
        expected = [network.deep_lift(*pair, target) for pair in zip(x, x0, strict=True)]
        np.testing.assert_allclose(a.values, expected, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(a.score, [network.forward(one)[-1][target] for one in x])
        assert_complete(a)


def test_deep_shap_is_the_mean_of_deep_lift_over_the_background():
    network, rng = SlowResidual(2), np.random.default_rng(4)
    x, background = rng.normal(size=(3, *SHAPE)), rng.normal(size=(5, *SHAPE))
    model = network.keras_model()
    expected = np.mean([[network.deep_lift(one, x0, 2) for one in x] for x0 in background], axis=0)
    for chunk_size in (50, 4, 1):
        a = DeepSHAP(background=background)(model, x, target=2, chunk_size=chunk_size)
        np.testing.assert_allclose(a.values, expected, rtol=1e-9, atol=1e-10)
        scores = [network.forward(x0)[-1][2] for x0 in background]
        np.testing.assert_allclose(a.baseline_score, np.mean(scores), rtol=1e-12)
        assert_complete(a)
    b = DeepLIFT(baseline=Samples(background))(model, x, target=2)
    np.testing.assert_allclose(b.values, expected, rtol=1e-9, atol=1e-10)


def test_deep_shap_of_a_sum_of_functions_is_its_shapley_values():
    # x0 and x1 do not interact: each earns its own function less the background's mean of it
    model = builders.formula(
        lambda x: keras.ops.tanh(x[:, :1]) + keras.ops.relu(2.0 * x[:, 1:] - 1.0)
    )
    background = np.random.default_rng(5).normal(size=(7, 2))
    x = np.array([[0.7, 1.4], [-1.0, 0.2]])

    def parts(x):
        return np.stack([np.tanh(x[:, 0]), np.maximum(2 * x[:, 1] - 1, 0)], axis=1)

    a = DeepSHAP(background=background)(model, x)
    np.testing.assert_allclose(a.values, parts(x) - parts(background).mean(axis=0), rtol=1e-12)


def test_is_gradient_times_input_without_biases_from_zero():
    network = SlowResidual(5, has_bias=False)
    model, x = network.keras_model(), np.random.default_rng(6).normal(size=(3, *SHAPE))
    expected = x * Saliency(absolute=False)(model, x, target=1).values
    a = DeepLIFT()(model, x, target=1)
    np.testing.assert_allclose(a.values, expected, rtol=1e-9, atol=1e-11)


def test_is_integrated_gradients_of_one_activation():
    # one neuron: the mean slope on the line is the quotient of the differences
    weights = np.array([0.7, -1.1, 0.4])
    for name in ("tanh", "sigmoid", "softplus", "elu", "gelu", "silu"):
        act = layers.Activation(name, dtype="float64")
        model = builders.formula(
            lambda x, act=act: act(keras.ops.sum(x * weights, axis=1, keepdims=True)), 3
        )
        x = np.array([[1.0, 0.5, -2.0]])
        expected = IntegratedGradients(steps=60, baseline=0.1)(model, x).values
        values = DeepLIFT(baseline=0.1)(model, x).values
        np.testing.assert_allclose(values, expected, rtol=1e-8)


ACTIVATIONS = [
    *["relu", "relu6", "leaky_relu", "elu", "selu", "celu", "sigmoid", "tanh", "softplus"],
    *["softsign", "silu", "gelu", "mish", "hard_silu", "hard_sigmoid", "hard_tanh"],
    *["exponential", "tanh_shrink", "log_sigmoid", "squareplus", "soft_shrink", "sparse_plus"],
]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_completes_with_every_activation(name):
    x = keras.Input((4,), dtype="float64")
    parts = [
        layers.Dense(6, bias_initializer="random_normal", dtype="float64"),
        layers.Activation(name, dtype="float64"),
        layers.Dense(3, activation="softmax", dtype="float64"),
    ]
    model = keras.Model(x, builders.chain(x, parts))
    a = DeepLIFT(baseline=0.3)(model, builders.images(4, (4,)).astype(float), target=1)
    assert_complete(a)


IMAGE_LAYERS = {
    "gelu, tanh form": lambda: layers.Activation(lambda x: keras.ops.gelu(x, approximate=True)),
    "prelu": lambda: layers.PReLU(alpha_initializer="random_normal"),
    "relu of all kinds": lambda: layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2),
    "thresholded": lambda: layers.ReLU(threshold=0.3),
    "batch normalisation": lambda: layers.BatchNormalization(beta_initializer="random_normal"),
    "depthwise": lambda: layers.DepthwiseConv2D(2, depth_multiplier=2),
    "separable": lambda: layers.SeparableConv2D(3, 2),
    "transposed": lambda: layers.Conv2DTranspose(3, 2, strides=2),
    "dilated": lambda: layers.Conv2D(3, 2, dilation_rate=2),
    "zero padding": lambda: layers.ZeroPadding2D(2),
    "cropping": lambda: layers.Cropping2D(1),
    "nearest": lambda: layers.UpSampling2D(2),
    "bilinear": lambda: layers.UpSampling2D(2, interpolation="bilinear"),
    "max pool": lambda: layers.MaxPooling2D(2),
    "overlapping max pool": lambda: layers.MaxPooling2D(3, strides=2, padding="same"),
    "average pool": lambda: layers.AveragePooling2D(2, padding="same"),
    "global average": lambda: layers.GlobalAveragePooling2D(keepdims=True),
    "global max": lambda: layers.GlobalMaxPooling2D(keepdims=True),
    "dense on maps": lambda: layers.Dense(3),
    "einsum": lambda: layers.EinsumDense("abcd,de->abce", output_shape=(6, 5, 3)),
    "rescaling": lambda: layers.Rescaling(0.1, offset=-1.0),
    "normalization": lambda: layers.Normalization(mean=[1.0, 2.0], variance=[2.0, 3.0]),
    "permute": lambda: layers.Permute((2, 1, 3)),
    "dropout": lambda: layers.Dropout(0.5),
    "series": lambda: keras.Sequential([layers.Reshape((30, 2)), layers.Conv1D(3, 3),
                                        layers.MaxPooling1D(2), layers.ReLU()]),
    "causal": lambda: keras.Sequential([layers.Reshape((30, 2)),
                                        layers.Conv1D(3, 2, padding="causal", dilation_rate=2)]),
    "time distributed": lambda: layers.TimeDistributed(layers.Dense(2, activation="tanh")),
}  # fmt: skip


@pytest.mark.parametrize("kind", IMAGE_LAYERS)
@pytest.mark.usefixtures("float64")
def test_completes_with_every_layer(kind):
    model = keras.Sequential(
        [
            keras.Input(builders.IMAGE),
            IMAGE_LAYERS[kind](),
            layers.Activation("tanh"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    x, x0 = builders.images(6).astype(float).reshape(2, 3, *builders.IMAGE)
    # TensorFlow's bilinear resize computes in float32
    tolerance = 1e-6 if kind == "bilinear" else 1e-10
    assert_complete(DeepLIFT(baseline=x0)(model, x, target=2), tolerance)


@pytest.mark.parametrize("kind", builders.KINDS)
def test_kind_of_model_changes_nothing(kind):
    like, x = builders.functional(), builders.images()
    expected = DeepLIFT(baseline=0.5)(like, x, target=[0, 1, 2])
    model = builders.same_weights(builders.KINDS[kind], like)
    a = DeepLIFT(baseline=0.5)(model, x, target=[0, 1, 2])
    np.testing.assert_allclose(a.values, expected.values, rtol=1e-4, atol=1e-6)
    assert_complete(a, 1e-5)


def test_shared_layers_several_inputs_and_layers_complete():
    assert_complete(DeepLIFT()(builders.shared(), builders.images()), 1e-5)
    for at in ("backbone/conv1", "backbone"):
        a = DeepLIFT(baseline=0.2)(builders.nested(), builders.images(), at=at)
        assert_complete(a, 1e-5)
    a, b = keras.Input((2,), dtype="float64"), keras.Input((3,), dtype="float64")
    both = layers.Concatenate(dtype="float64")([a, b])
    model = keras.Model([a, b], layers.Dense(2, "tanh", dtype="float64")(both))
    x = [np.array([[1.0, 2.0]]), np.array([[3.0, -1.0, 0.5]])]
    answer = DeepLIFT()(model, x, target=1)
    total = sum(values.sum() for values in answer.values.values())
    np.testing.assert_allclose(total, answer.score - answer.baseline_score, rtol=1e-12)


def test_mixed_precision_is_close():
    like, x = builders.functional(), keras.Input(builders.IMAGE)
    h = builders.chain(x, builders.conv_parts("mixed_float16"))
    model = keras.Model(x, layers.Dense(3, activation="softmax", dtype="float32")(h))
    model.set_weights(like.get_weights())
    expected = DeepLIFT()(like, builders.images(), target=1).values
    a = DeepLIFT()(model, builders.images(), target=1)
    assert a.values.dtype == np.float32
    np.testing.assert_allclose(a.values, expected, atol=0.02 * np.abs(expected).max())


def ending_in(layer, shape=(4,)):
    return lambda: keras.Sequential([keras.Input(shape), layer, layers.Flatten(), layers.Dense(2)])


def comparison():
    x = keras.Input((4,))
    chosen = layers.Lambda(lambda x: keras.ops.where(x > keras.ops.mean(x), x, -x), name="choice")
    return keras.Model(x, layers.Dense(2)(chosen(x)))


def compiled():
    call = tf.function(tf.nn.relu, autograph=False)
    return ending_in(layers.Lambda(call, name="call"))()


REFUSED = {
    "comparison": (comparison, r"operation (SelectV2|Greater) in '.*choice.*': it (takes|has)"),
    "compiled call": (compiled, r"operation \w+ in '.*call.*': it runs inside a"),
    "log softmax": (
        ending_in(layers.Activation("log_softmax", name="inner")),
        r"operation LogSoftmax in '.*inner.*': it has no rule",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_rule_is_refused_by_name(case):
    build, sentence = REFUSED[case]
    model = build()
    with pytest.raises(UnsupportedModelError, match=sentence) as caught:
        DeepLIFT()(model, builders.images(2, model.input_shape[1:]), target=1)
    assert "IntegratedGradients" in str(caught.value)


def test_the_logit_is_explained_and_the_probability_where_it_is_asked_for():
    model = builders.functional()
    assert DeepLIFT()(model, builders.images()).score_name == "logit"
    a = DeepLIFT(baseline=0.5)(model, builders.images(), score="probability")
    assert_complete(a, 1e-5)
    assert ((a.score > 0) & (a.score < 1)).all()


@pytest.mark.slow
def test_completes_on_the_cifar10_networks(test_data):
    import tfxai
    from tfxai.data import load_cifar10

    pixels, _ = load_cifar10("test", test_data / "data" / "tensorflow_datasets")
    for name in ("cifar10_cnn", "cifar10_resnet18w16"):
        assert_complete(DeepLIFT()(tfxai.load(name), pixels[:8]), 1e-6)


@pytest.mark.slow
def test_completes_on_efficientnet(test_data):
    model = keras.models.load_model(test_data / "models" / "efficientnet_lite0.keras")
    x = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 3)).astype(np.float32)
    assert_complete(DeepLIFT()(model, x), 1e-6)
