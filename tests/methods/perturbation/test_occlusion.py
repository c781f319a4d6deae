"""Occlusion against a loop over windows, and by hand."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.methods import Occlusion
from tfxai.plotting import plot_attribution
from tfxai.plotting.labels import facts

CASES = (
    Case(
        method=Occlusion,
        linear=lambda s: s.effects,
        linear_options={"window": 1},
        others={"window": 3, "stride": 2, "baseline": 0.5, "reduce": "max"},
        beside={"stride": {"window": 2}, "reduce": {"window": 2}},
    ),
)


X = np.random.default_rng(12).normal(size=(3, 5, 6, 2))


def starts(side, window, stride):
    """0, stride, ... as long as the window fits, and the last place where it does."""
    found = [start for start in range(side) if start % stride == 0 and start + window <= side]
    return found if found[-1] == side - window else [*found, side - window]


def slow(f, x, window, stride, baseline, reduce):
    """For each window a prediction; at each pixel the mean or maximum of its windows' drops."""
    drops = [[[] for _ in range(x.shape[1])] for _ in range(x.shape[0])]
    places = [starts(*one) for one in zip(x.shape, window, stride, strict=False)]
    for top, left in itertools.product(*places):
        rows, columns = slice(top, top + window[0]), slice(left, left + window[1])
        covered = x.copy()
        covered[rows, columns] = np.broadcast_to(baseline, x.shape)[rows, columns]
        drop = f(x) - f(covered)
        for i in range(top, top + window[0]):
            for j in range(left, left + window[1]):
                drops[i][j].append(drop)
    join = {"mean": np.mean, "max": np.max}[reduce]
    return np.array([[join(one) for one in row] for row in drops])


@pytest.mark.parametrize("reduce", ["mean", "max"])
@pytest.mark.parametrize(
    ("window", "stride"),
    [((2, 3), (1, 2)), ((2, 4), (2, 3)), ((5, 6), (1, 1)), ((3, 3), (3, 3)), ((1, 1), (1, 1))],
)
def test_equals_the_loop_over_windows(window, stride, reduce):
    network = SlowNetwork(11)
    baseline = np.random.default_rng(1).normal(size=(5, 6, 2))
    method = Occlusion(window=window, stride=stride, baseline=baseline, reduce=reduce)
    values = method(network.keras_model("softmax"), X, target=[2, 0, 1]).values

    def probability(target):
        def f(x):
            logits = network.forward(x)[2]
            return (np.exp(logits) / np.exp(logits).sum())[target]

        return f

    for x, target, found in zip(X, [2, 0, 1], values, strict=True):
        expected = slow(probability(target), x, window, stride, baseline, reduce)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_single_pixels_of_a_linear_model_are_gradient_times_input():
    weights = np.random.default_rng(2).normal(size=(2, 3, 2))
    model = builders.formula(
        lambda x: keras.ops.sum(x * weights.reshape(-1), axis=1, keepdims=True), size=12
    )
    x = keras.Input((2, 3, 2), dtype="float64")
    model = keras.Model(x, model(layers.Flatten(dtype="float64")(x)))
    images = X[:, :2, :3]
    a = Occlusion(window=1, baseline=0.0)(model, images)
    np.testing.assert_allclose(a.values, (images * weights).sum(axis=-1), rtol=1e-12)
    np.testing.assert_allclose(a.values.sum(axis=(1, 2)), a.score, rtol=1e-12)


def test_edges_that_no_whole_stride_reaches_are_covered():
    x = keras.Input((5, 7, 1), dtype="float64")
    model = keras.Model(x, layers.Flatten(dtype="float64")(x)[:, -1:])  # the last pixel alone
    values = Occlusion(window=3, stride=3, baseline=0.0)(model, np.ones((1, 5, 7, 1))).values
    expected = np.zeros((5, 7))  # windows at 0, 2 and at 0, 3, 4: one of them has the pixel
    expected[2:, 4:] = [[1 / 2, 1 / 2, 1], [1, 1, 1], [1, 1, 1]]
    expected[2] = [0, 0, 0, 0, 0.25, 0.25, 0.5]
    expected[3:, 4:] = [[0.5, 0.5, 1], [0.5, 0.5, 1]]
    np.testing.assert_allclose(values[0], expected)


def test_series_and_tables():
    x = keras.Input((6, 2), dtype="float64")
    weights = np.arange(12.0).reshape(6, 2)
    model = keras.Model(x, keras.ops.sum(x * weights, axis=(1, 2), keepdims=True)[..., 0])
    a = Occlusion(window=2, stride=2, baseline=0.0)(model, np.ones((2, 6, 2)))
    sums = weights.sum(axis=1).reshape(3, 2).sum(axis=1)
    np.testing.assert_allclose(a.values, [np.repeat(sums, 2)] * 2)
    table = Occlusion()(builders.linear([[1.0], [2.0], [5.0]]), np.array([[1.0, 10.0, 100.0]]))
    np.testing.assert_allclose(table.values, [[1, 20, 500]])
    for one in (a, table):
        assert one.plot().axes


def test_several_baselines_are_averaged():
    network, method = SlowNetwork(11), {"window": 2, "stride": 1}
    model = network.keras_model("softmax")
    several = np.random.default_rng(4).normal(size=(3, 5, 6, 2))
    a = Occlusion(baseline=tfxai.baselines.Samples(several), **method)(model, X, target=1)
    each = [Occlusion(baseline=one, **method)(model, X, target=1).values for one in several]
    np.testing.assert_allclose(a.values, np.mean(each, axis=0), rtol=1e-10, atol=1e-13)


def test_defaults_are_an_eighth_and_half_of_it():
    model = builders.formula(lambda x: keras.ops.sum(x**3, axis=1, keepdims=True), size=32)
    x = np.random.default_rng(0).normal(size=(1, 32))
    a, b = Occlusion()(model, x), Occlusion(window=4, stride=2)(model, x)
    np.testing.assert_array_equal(a.values, b.values)


def test_score_is_the_probability_unless_another_one_is_asked_for():
    model, x = builders.functional(), builders.images()
    a = Occlusion()(model, x, target=1)
    np.testing.assert_allclose(a.score, model(x).numpy()[:, 1], rtol=1e-5)
    assert (a.score_name, a.is_map, a.is_signed) == ("probability", True, True)
    assert Occlusion()(model, x, target=1, score="logit").score_name == "logit"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 6}, r"window=\(6, 6\) is larger than the input, whose axes are \(6, 5\)"),
        ({"window": 2, "stride": 3}, r"stride=\(3, 3\) is larger than window=\(2, 2\)"),
        ({"window": (2, 2, 2)}, r"window=\(2, 2, 2\) has 3 numbers, and the input has 2 axes"),
    ],
)
def test_windows_that_do_not_fit_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        Occlusion(**options)(builders.functional(), builders.images())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "window=0 was expected to be an integer of at least 1"),
        ({"stride": 1.5}, r"stride=1.5 was expected"),
        ({"window": ()}, r"window=\(\) was expected"),
        ({"reduce": "maximum"}, "no reduction 'maximum'"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises((InvalidInputError, UnknownNameError), match=message):
        Occlusion(**options)


def test_each_of_several_inputs_is_covered_by_itself():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    product = keras.ops.sum(a, axis=1, keepdims=True) * keras.ops.sum(b, axis=1, keepdims=True)
    given = {"a": np.array([[1.0, 2.0, 3.0]], "f4"), "b": np.array([[4.0, -1.0]], "f4")}
    found = Occlusion(window=1, baseline=0.0)(keras.Model({"a": a, "b": b}, product), given)
    np.testing.assert_allclose(found.values["a"], [[3.0, 6.0, 9.0]], rtol=1e-6)
    np.testing.assert_allclose(found.values["b"], [[24.0, -6.0]], rtol=1e-6)
    assert found.baseline_score == 0.0


def test_the_window_and_stride_taken_from_the_input_are_said_with_the_answer():
    inputs = keras.Input((16, 24, 1))
    model = keras.Model(inputs, layers.GlobalMaxPooling2D()(inputs))
    x = np.random.default_rng(0).normal(size=(1, 16, 24, 1))
    own = Occlusion(baseline=0.0)(model, x)
    assert tuple(own.method["options"]["window"]) == (2, 3)
    assert tuple(own.method["options"]["stride"]) == (1, 1)
    wide = Occlusion(window=(8, 6))(model, x).method["options"]
    assert (tuple(wide["window"]), tuple(wide["stride"])) == ((8, 6), (4, 3))
    told = Occlusion(window=(2, 3), baseline=0.0)(model, x)
    np.testing.assert_array_equal(own.values, told.values)


def test_windows_that_were_chosen_for_a_layer_are_in_the_details():
    inputs = keras.Input((32, 48, 1))
    hidden = layers.Conv2D(3, 3, padding="same", name="conv")(inputs)
    model = keras.Model(inputs, layers.GlobalMaxPooling2D()(hidden))
    x = np.random.default_rng(0).normal(size=(2, 32, 48, 1))
    own = Occlusion()(model, x, at="conv")
    np.testing.assert_array_equal(own.details["window"], [[4, 6]] * 2)
    np.testing.assert_array_equal(own.details["stride"], [[2, 3]] * 2)
    told = Occlusion(window=(4, 6), stride=(2, 3))(model, x, at="conv")
    assert not told.details
    np.testing.assert_array_equal(own.values, told.values)
    assert ", ".join(facts(own[0], 200)) == ", ".join(facts(told[0], 200))


def test_the_window_of_each_of_several_inputs_is_in_the_details():
    photo, age = keras.Input((16, 16, 3), name="photo"), keras.Input((9,), name="ages")
    joined = layers.Concatenate()([layers.Flatten()(photo), age])
    model = keras.Model({"photo": photo, "ages": age}, layers.Dense(1)(joined))
    given = {"photo": np.ones((2, 16, 16, 3), "f4"), "ages": np.ones((2, 9), "f4")}
    own = Occlusion(window=4)(model, given)
    np.testing.assert_array_equal(own.details["stride/photo"], [[2, 2]] * 2)
    assert "window/photo" not in own.details  # it is what was asked for
    wide = Occlusion(window=(8, 4), stride=(4, 4))(model, given)
    assert set(wide.details) == {"window/ages", "stride/ages"}
    np.testing.assert_array_equal(wide.details["window/ages"], [[1]] * 2)
    said = {name: ", ".join(facts(wide[0], 200, part=name)) for name in given}
    assert "window=(8, 4), stride=(4, 4)" in said["photo"]
    assert "window=(1,), stride=(1,)" in said["ages"]
    words = "".join(text.get_text() for text in plot_attribution(wide[0]).texts)
    assert "window=(8, 4), stride=(4, 4)" in words.replace("\n", " ")
    assert "window=(1,), stride=(1,)" in words.replace("\n", " ")
