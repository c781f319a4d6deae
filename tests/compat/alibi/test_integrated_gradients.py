"""alibi's IntegratedGradients: values by hand, on every kind of model, target and layer."""

from __future__ import annotations

import re
from functools import partial

import keras
import numpy as np
import pytest

import tfxai
from tests.compat import models
from tfxai.compat import departures
from tfxai.compat.alibi.api.defaults import DEFAULT_DATA_INTGRAD, DEFAULT_META_INTGRAD
from tfxai.compat.alibi.api.interfaces import Explanation
from tfxai.compat.alibi.explainers import IntegratedGradients
from tfxai.compat.alibi.explainers.integrated_gradients import (
    RULES,
    _check_target,
    _get_target_from_target_fn,
    _run_forward_from_layer,
    _run_forward_to_layer,
    _select_target,
)
from tfxai.errors import InvalidInputError, LayerNotFoundError, TfxaiWarning, UnsupportedModelError

X = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]], "float32")
KERNEL = np.array([[1.0, -2.0, 0.5], [0.5, 1.0, 2.0]])  # of two inputs, three outputs


def squares(kernel=KERNEL):
    """f_c(x) = (sum_i w_ic x_i)^2: IG from zeros is w_ic x_i times the sum."""
    inputs = keras.Input((2,))
    dense = keras.layers.Dense(kernel.shape[1], use_bias=False, name="dense")
    model = keras.Model(inputs, keras.layers.Lambda(keras.ops.square)(dense(inputs)))
    dense.set_weights([kernel])
    return model


def slow_squares(x, start, kernel):
    """(N, ...) attributions of one output: (x - x') times the mean gradient on a straight line."""
    middle = (x + start) / 2  # the gradient 2 (w x) w is linear in x
    return (x - start) * 2 * (middle @ kernel)[:, None] * kernel


@pytest.mark.parametrize("target", [1, [1, 1, 1], np.array([1, 1, 1], "int32"), np.int64(1)])
def test_target_is_one_index_or_one_for_each(target):
    found = IntegratedGradients(squares(), n_steps=5).explain(X, target=target)
    (values,) = found.attributions
    np.testing.assert_allclose(values, slow_squares(X, 0 * X, KERNEL[:, 1]), rtol=1e-5)
    np.testing.assert_array_equal(found.target, [1, 1, 1])
    np.testing.assert_allclose(found.deltas, 0, atol=1e-5)
    np.testing.assert_allclose(found.predictions, np.square(X @ KERNEL), rtol=1e-5)
    assert values.dtype == np.float64


def test_each_example_has_its_own_target():
    (values,) = IntegratedGradients(squares()).explain(X, target=[0, 2, 1]).attributions
    for one, c, x in zip(values, [0, 2, 1], X, strict=True):
        np.testing.assert_allclose(one, slow_squares(x[None], 0, KERNEL[:, c])[0], rtol=1e-5)


@pytest.mark.parametrize("baseline", [None, 1, 0.5, np.array([[1.0, 0], [0, 1], [2, 2]])])
def test_baseline_is_a_number_or_an_array(baseline):
    found = IntegratedGradients(squares()).explain(X, target=0, baselines=baseline)
    start = np.broadcast_to(np.asarray(0 if baseline is None else baseline), X.shape)
    expected = slow_squares(X, start, KERNEL[:, 0])
    np.testing.assert_allclose(found.attributions[0], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found.baselines, start)


def slow_rule(method, n):
    """Weights and nodes in [0, 1] as alibi has them."""
    if method == "gausslegendre":
        nodes, weights = np.polynomial.legendre.leggauss(n)
        return weights / 2, (nodes + 1) / 2
    nodes = {
        "riemann_left": np.arange(n) / n,
        "riemann_right": np.arange(1, n + 1) / n,
        "riemann_middle": (np.arange(n) + 0.5) / n,
        "riemann_trapezoid": np.arange(n) / (n - 1),
    }[method]
    weights = np.full(n, 1 / n)
    if method == "riemann_trapezoid":
        weights[[0, -1]] /= 2  # 1 / n where there are n - 1 intervals
    return weights, nodes


@pytest.mark.parametrize("method", sorted(RULES))
def test_each_rule_has_alibis_weights_and_nodes(method):
    kernel = KERNEL[:, 2]
    weights, nodes = slow_rule(method, 4)
    mean = sum(w * 2 * (a * X @ kernel) for w, a in zip(weights, nodes, strict=True))
    found = IntegratedGradients(squares(), method=method, n_steps=4).explain(X, target=2)
    expected = X * mean[:, None] * kernel
    np.testing.assert_allclose(found.attributions[0], expected, rtol=1e-5)
    gap = expected.sum(axis=1) - np.square(X @ kernel)
    np.testing.assert_allclose(found.deltas, gap, rtol=1e-4, atol=1e-5)


def test_trapezoid_tells_its_factor_once_and_exact_takes_it_away(monkeypatch, recwarn):
    monkeypatch.setattr(departures, "_told", set())

    def told():
        return [w for w in recwarn if "trapezoid" in str(w.message)]

    make = partial(IntegratedGradients, squares(), method="riemann_trapezoid", n_steps=5)
    (exact,) = make(exact=True).explain(X, target=0).attributions
    np.testing.assert_allclose(exact, slow_squares(X, 0 * X, KERNEL[:, 0]), rtol=1e-5)
    assert told() == []
    for _ in range(2):
        (values,) = make().explain(X, target=0).attributions
    np.testing.assert_allclose(values, exact * 4 / 5, rtol=1e-5)
    (one,) = told()
    assert "(n_steps - 1) / n_steps" in str(one.message)
    assert "exact=True" in str(one.message)


@pytest.mark.parametrize("shape", [(1,), ()])
def test_one_output_needs_no_target(shape):
    inputs = keras.Input((2,))
    dense = keras.layers.Dense(1, use_bias=False)
    outputs = keras.layers.Lambda(keras.ops.square)(dense(inputs))
    model = keras.Model(inputs, outputs if shape else keras.layers.Reshape(())(outputs))
    dense.set_weights([KERNEL[:, :1]])
    expected = slow_squares(X, 0 * X, KERNEL[:, 0])
    explainer = IntegratedGradients(model)
    for target, sign in ((None, 1), (1, 1), (0, -1), ([0, 1, 0], np.array([[-1], [1], [-1]]))):
        found = explainer.explain(X, target=target)
        np.testing.assert_allclose(found.attributions[0], sign * expected, rtol=1e-5)
        np.testing.assert_allclose(found.deltas, 0, atol=1e-5)
        assert found.predictions.shape == (3, *shape)
    assert found.target.tolist() == [0, 1, 0]
    assert explainer.explain(X).target is None


def test_outputs_with_several_axes_have_a_target_of_as_many_indices():
    model = squares(np.concatenate([KERNEL, -KERNEL], axis=1))
    model = keras.Model(model.inputs[0], keras.layers.Reshape((2, 3))(model.output))
    expected = slow_squares(X, 0 * X, KERNEL[:, 2])
    for target in ([[1, 2]] * 3, np.array([[1, 2]] * 3)):
        found = IntegratedGradients(model).explain(X, target=target)
        np.testing.assert_allclose(found.attributions[0], expected, rtol=1e-5)
        assert found.target.shape == (3, 2)
    with pytest.raises(InvalidInputError, match=r"shape \(3,\), and \(3, 2\) was expected"):
        IntegratedGradients(model).explain(X, target=1)


def test_function_of_the_predictions_chooses_the_target():
    explainer = IntegratedGradients(squares(), target_fn=partial(np.argmax, axis=1))
    found = explainer.explain(X)
    chosen = np.square(X @ KERNEL).argmax(axis=1)
    np.testing.assert_array_equal(found.target, chosen)
    for one, c, x in zip(found.attributions[0], chosen, X, strict=True):
        np.testing.assert_allclose(one, slow_squares(x[None], 0, KERNEL[:, c])[0], rtol=1e-5)
    with pytest.raises(InvalidInputError, match="Both target and the explainer's target_fn"):
        explainer.explain(X, target=1)
    with pytest.raises(InvalidInputError, match=r"target_fn returned shape \(3, 3\)"):
        IntegratedGradients(squares(), target_fn=lambda p: p).explain(X)


class Own(keras.Model):
    """(scale * sum_i w_i x_i)^2, whose scale is a keyword argument."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1, use_bias=False, name="dense")
        self.square = keras.layers.Lambda(keras.ops.square, name="square")

    def call(self, inputs, scale=None, training=None):
        sums = self.dense(inputs)
        return self.square(sums if scale is None else sums * keras.ops.cast(scale, sums.dtype))


def own():
    model = Own()
    model(X)
    model.dense.set_weights([KERNEL[:, :1]])
    return model


def test_subclassed_models_take_keyword_arguments_that_are_held():
    scale = np.array([[1.0], [2.0], [0.5]], "float32")
    plain = slow_squares(X, 0 * X, KERNEL[:, 0])
    explainer = IntegratedGradients(own())
    np.testing.assert_allclose(explainer.explain(X).attributions[0], plain, rtol=1e-5)
    found = explainer.explain(X, forward_kwargs={"scale": scale})
    (values,) = found.attributions
    np.testing.assert_allclose(values, scale**2 * plain, rtol=1e-5)
    np.testing.assert_allclose(found.deltas, 0, atol=1e-4)
    np.testing.assert_allclose(found.predictions[:, 0], (scale[:, 0] * (X @ KERNEL[:, 0])) ** 2,
                               rtol=1e-5)  # fmt: skip
    assert found.forward_kwargs == {"scale": scale}
    whole = np.array([[1], [2], [3]], "int32")
    (values,) = explainer.explain(X, forward_kwargs={"scale": whole}).attributions
    np.testing.assert_allclose(values, whole**2 * plain, rtol=1e-5)
    for given, words in (
        ([1], "a list, and a dict"),
        ({"scale": 0.5}, "shape ()"),
        ({"scale": scale[:2]}, "3 examples"),
    ):
        with pytest.raises(InvalidInputError) as error:
            explainer.explain(X, forward_kwargs=given)
        assert words in str(error.value)


def two_inputs(structure=list):
    a, b = keras.Input((2,), name="a"), keras.Input((1,), name="b")
    dense = keras.layers.Dense(3, use_bias=False, name="dense")
    sums = dense(keras.layers.Concatenate(name="both")([a, b]))
    model = keras.Model([a, b], keras.layers.Lambda(keras.ops.square)(sums))
    dense.set_weights([np.concatenate([KERNEL, [[1.0, 2.0, 3.0]]])])
    return model


def test_several_inputs_have_an_array_each():
    kernel = np.array([*KERNEL[:, 1], 2.0])
    y = np.array([[1.0], [0.0], [-2.0]], "float32")
    both = np.concatenate([X, y], axis=1)
    explainer = IntegratedGradients(two_inputs())
    for baselines, start in ((None, np.zeros(3)), ([None, 1], np.array([0, 0, 1.0])),
                             ([0 * X + 1, 0.5], np.array([1, 1, 0.5]))):  # fmt: skip
        found = explainer.explain([X, y], target=1, baselines=baselines)
        expected = slow_squares(both, start, kernel)
        assert [one.shape for one in found.attributions] == [(3, 2), (3, 1)]
        np.testing.assert_allclose(np.concatenate(found.attributions, axis=1), expected,
                                   rtol=1e-5, atol=1e-5)  # fmt: skip
        assert [one.shape for one in found.baselines] == [(3, 2), (3, 1)]
    assert found.X[1] is y
    with pytest.raises(InvalidInputError, match="a list of 2 arrays, and baselines"):
        explainer.explain([X, y], target=1, baselines=1)
    with pytest.raises(InvalidInputError, match=r"hold \[3, 2\] examples"):
        explainer.explain([X, y[:2]], target=1)


def test_layer_behind_several_inputs_is_explained():
    model, y = two_inputs(), np.array([[1.0], [0.0], [-2.0]], "float32")
    both = np.concatenate([X, y], axis=1)
    kernel = np.array([*KERNEL[:, 1], 2.0])
    explainer = IntegratedGradients(model, layer=model.get_layer("both"))
    found = explainer.explain([X, y], target=1, baselines=[None, 1])
    expected = slow_squares(both, np.array([0, 0, 1.0]), kernel)
    np.testing.assert_allclose(found.attributions[0], expected, rtol=1e-5, atol=1e-5)
    explainer = IntegratedGradients(model, layer=model.get_layer("dense"))
    inner = explainer.explain(
        [X, y], target=1, baselines=[None, 1], attribute_to_layer_inputs=True
    )
    np.testing.assert_allclose(inner.attributions[0], expected, rtol=1e-5, atol=1e-5)


def test_layer_of_a_model_with_keyword_arguments_is_explained():
    model, scale = own(), np.array([[1.0], [2.0], [0.5]], "float32")
    sums = X @ KERNEL[:, :1]
    for layer, of_inputs, expected in (
        (model.dense, False, (scale * sums) ** 2),
        (model.square, True, (scale * sums) ** 2),
        (model.dense, True, scale**2 * slow_squares(X, 0 * X, KERNEL[:, 0])),
    ):
        explainer = IntegratedGradients(model, layer=layer)
        found = explainer.explain(X, {"scale": scale}, attribute_to_layer_inputs=of_inputs)
        np.testing.assert_allclose(found.attributions[0], expected, rtol=1e-5)
        np.testing.assert_allclose(found.deltas, 0, atol=1e-4)


def test_one_input_may_come_as_a_list_of_one():
    explainer = IntegratedGradients(squares())
    alone = explainer.explain(X, target=0).attributions[0]
    np.testing.assert_allclose(explainer.explain([X], target=0).attributions[0], alone, rtol=1e-6)


def test_inputs_of_integers_beside_others_are_refused():
    a, b = keras.Input((2,), name="a"), keras.Input((1,), name="b", dtype="int32")
    both = keras.layers.Concatenate()([a, keras.ops.cast(b, "float32")])
    model = keras.Model([a, b], keras.layers.Dense(2)(both))
    with pytest.raises(UnsupportedModelError, match=r"\['b'\] hold no floating-point numbers"):
        IntegratedGradients(model).explain([X, np.ones((3, 1), "int32")], target=0)


def deep():
    """tanh of two layers, and a softmax: nothing about it is linear."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((2,))
    h = keras.layers.Dense(4, activation="tanh", name="first")(inputs)
    h = keras.layers.Dense(3, activation="tanh", name="second")(h)
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="last")(h))


def chained():
    model = deep()
    return keras.Sequential([keras.Input((2,)), *model.layers[1:]])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = deep().layers[1:]

    def call(self, inputs):
        return self.last(self.second(self.first(inputs)))


def subclassed():
    model = Subclassed()
    model(X)
    return model


@pytest.mark.parametrize("make", [deep, chained, subclassed])
@pytest.mark.parametrize("of_inputs", [False, True], ids=["outputs", "inputs"])
def test_layer_is_explained_between_its_values_at_the_ends(make, of_inputs):
    model = make()
    kernel, bias = model.get_layer("second").get_weights()
    last, last_bias = model.get_layer("last").get_weights()
    first, first_bias = model.get_layer("first").get_weights()

    def behind(a):
        """Probability of class 1, and its gradient, at the layer's output or input."""
        hidden = np.tanh(a @ kernel + bias) if of_inputs else a
        p = models.slow_softmax(hidden @ last + last_bias)
        gradient = p[1] * (last[:, 1] - last @ p)
        return p[1], kernel @ ((1 - hidden**2) * gradient) if of_inputs else gradient

    def before(x):
        a = np.tanh(x @ first + first_bias)
        return a if of_inputs else np.tanh(a @ kernel + bias)

    nodes, weights = np.polynomial.legendre.leggauss(30)
    expected = []
    for x in X.astype(float):
        end, start = before(x), before(0 * x)
        points = [start + (node + 1) / 2 * (end - start) for node in nodes]
        mean = sum(w / 2 * behind(p)[1] for w, p in zip(weights, points, strict=True))
        expected.append((end - start) * mean)
    explainer = IntegratedGradients(model, layer=model.get_layer("second"), n_steps=30)
    found = explainer.explain(X, target=1, attribute_to_layer_inputs=of_inputs)
    np.testing.assert_allclose(found.attributions[0], expected, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.deltas, 0, atol=1e-5)
    by_function = IntegratedGradients(model, layer=lambda m: m.get_layer("second"), n_steps=30)
    again = by_function.explain(X, target=1, attribute_to_layer_inputs=of_inputs)
    np.testing.assert_allclose(again.attributions[0], found.attributions[0], rtol=1e-5)


def test_embedding_is_explained_where_inputs_are_ids():
    ids = np.array([[1, 2], [3, 0], [2, 2]])
    inputs = keras.Input((2,), dtype="int32")
    embedding = keras.layers.Embedding(4, 3, name="embedding")
    dense = keras.layers.Dense(2, use_bias=False)
    model = keras.Model(inputs, dense(keras.layers.Flatten()(embedding(inputs))))
    table, kernel = (layer.get_weights()[0] for layer in (embedding, dense))
    found = IntegratedGradients(model, layer=embedding).explain(ids, target=1, baselines=3)
    expected = (table[ids] - table[3]) * kernel[:, 1].reshape(2, 3)
    np.testing.assert_allclose(found.attributions[0], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found.baselines, np.full((3, 2), 3))
    assert found.attributions[0].dtype == np.float32


def test_layers_that_cannot_be_explained_are_refused():
    model = two_inputs()
    y = np.ones((3, 1), "float32")
    explainer = IntegratedGradients(model, layer=model.get_layer("both"))
    with pytest.raises(UnsupportedModelError, match="'both' does not take one tensor"):
        explainer.explain([X, y], target=0, attribute_to_layer_inputs=True)
    for layer in ("dense", [model.layers[2]]):
        with pytest.raises(TypeError, match=r"layer is a (str|list), and a Keras layer"):
            IntegratedGradients(model, layer=layer)
    with pytest.raises(LayerNotFoundError, match="does not call layer 'other'"):
        IntegratedGradients(squares(), layer=keras.layers.Dense(2, name="other")).explain(
            X, target=0
        )
    shared, inputs = keras.layers.Dense(2, name="shared"), keras.Input((2,))
    twice = keras.Model(inputs, shared(shared(inputs)))
    with pytest.raises(InvalidInputError, match="calls layer 'shared' 2 times"):
        IntegratedGradients(twice, layer=shared).explain(X, target=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "outputs of shape (3,), and no target came"),
        ({"target": 3}, "Pass indices from 0 below 3"),
        ({"target": -1}, "Pass indices from 0 below 3"),
        ({"target": [0, 1]}, "target has shape (2,), and (3,) was expected"),
        ({"target": 1.0}, "type float64, and integers were expected"),
        ({"target": 0, "baselines": np.ones((1, 2))}, "baselines have shape (1, 2)"),
        ({"target": 0, "baselines": "white"}, "None, a number or an array"),
    ],
)
def test_questions_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        IntegratedGradients(squares()).explain(X, **options)


def test_options_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="There is no method 'simpson'"):
        IntegratedGradients(squares(), method="simpson")
    with pytest.raises(ValueError, match="steps=0"):
        IntegratedGradients(squares(), n_steps=0)
    with pytest.raises(ValueError, match="internal_batch_size=0"):
        IntegratedGradients(squares(), internal_batch_size=0)
    for x in (X.tolist(), "text", X[:0]):
        with pytest.raises(InvalidInputError, match="X"):
            IntegratedGradients(squares()).explain(x, target=0)


def test_batch_size_changes_no_value():
    model = deep()
    values = [
        IntegratedGradients(model, internal_batch_size=size).explain(X, target=0).attributions[0]
        for size in (1, 7, 100)
    ]
    np.testing.assert_allclose(values[1:], [values[0]] * 2, rtol=1e-5, atol=1e-7)


def test_another_model_is_explained_after_a_reset():
    explainer = IntegratedGradients(deep(), layer=lambda model: model.layers[1])
    explainer.reset_predictor(squares())
    (values,) = explainer.explain(X, target=0).attributions
    sums = X @ KERNEL
    expected = np.zeros_like(sums)
    expected[:, 0] = sums[:, 0] ** 2  # the layer's first unit has it all
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_explanation_says_what_was_asked_and_how():
    model = deep()
    explainer = IntegratedGradients(model, layer=model.layers[2], n_steps=3)
    found = explainer.explain(X, target=1)
    assert isinstance(found, Explanation)
    assert found.meta.keys() == DEFAULT_META_INTGRAD.keys()
    assert found.data.keys() == {*DEFAULT_DATA_INTGRAD, "target"}
    assert (found.name, found.type) == ("IntegratedGradients", ["whitebox"])
    assert found.version == tfxai.__version__
    assert found.params == {
        "target_fn": None,
        "method": "gausslegendre",
        "n_steps": 3,
        "internal_batch_size": 100,
        "layer": 2,
    }
    assert IntegratedGradients(model).meta["params"]["layer"] == "unspecified"
    by_function = IntegratedGradients(model, layer=lambda one: one.layers[1])
    assert by_function.meta["params"]["layer"] == "callable"
    found.meta["params"]["n_steps"] = 7
    assert explainer.meta["params"]["n_steps"] == 3
    assert DEFAULT_META_INTGRAD["params"] == {}
    shown = repr(explainer)
    assert shown.startswith("IntegratedGradients(meta={'explanations': ['local'],\n 'name': ")
    assert "'n_steps': 3" in shown


def test_explainers_are_not_saved_and_say_what_to_do():
    for name in ("save", "load"):
        with pytest.raises(AttributeError, match=f"replace alibi's '{name}'.*model with Keras"):
            getattr(IntegratedGradients(deep()), name)
    assert not hasattr(IntegratedGradients(deep()), "other")


@pytest.mark.parametrize("of_inputs", [False, True])
def test_passes_to_a_layer_and_from_it_make_a_whole_one(of_inputs):
    model = deep()
    layer = model.get_layer("second")
    call = layer.call
    at = _run_forward_to_layer(model, layer, call, X, run_to_layer_inputs=of_inputs)
    first, bias = model.get_layer("first").get_weights()
    hidden = np.tanh(X @ first + bias)
    np.testing.assert_allclose(at, hidden if of_inputs else layer(hidden),
                               rtol=1e-5)  # fmt: skip
    run = partial(_run_forward_from_layer, model, layer, call, np.zeros_like(X), at)
    np.testing.assert_allclose(
        run(None, None, of_inputs, select_target=False), model(X), rtol=1e-5
    )
    chosen = run(np.array([0, 1, 0]), run_from_layer_inputs=of_inputs)
    np.testing.assert_allclose(chosen, model(X).numpy()[[0, 1, 2], [0, 1, 0]], rtol=1e-5)
    assert layer.call == call
    with pytest.raises(LayerNotFoundError, match="does not call layer"):
        _run_forward_to_layer(model, keras.layers.Dense(1), None, X)


def test_without_a_layer_there_are_no_inputs_of_one():
    made = IntegratedGradients(squares()).explain(X, target=0, attribute_to_layer_inputs=True)
    plain = IntegratedGradients(squares()).explain(X, target=0)
    np.testing.assert_array_equal(made.attributions[0], plain.attributions[0])


def test_of_one_output_there_is_nothing_to_choose():
    x = keras.Input((2,))
    model = keras.Model(x, keras.layers.Dense(1)(x))
    inputs = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
    with pytest.warns(TfxaiWarning, match="nothing to choose"):
        chosen = IntegratedGradients(model, target_fn=partial(np.argmax, axis=1)).explain(inputs)
    plain = IntegratedGradients(model).explain(inputs)
    np.testing.assert_array_equal(chosen.attributions[0], plain.attributions[0])
    assert chosen.target is None


def test_targets_are_checked_chosen_and_selected_by_themselves():
    model = deep()
    chosen = _get_target_from_target_fn(partial(np.argmax, axis=1), model, X)
    np.testing.assert_array_equal(chosen, model(X).numpy().argmax(axis=1))
    plain = _get_target_from_target_fn(partial(np.argmax, axis=1), lambda x: x[:, ::-1], X)
    np.testing.assert_array_equal(plain, X[:, ::-1].argmax(axis=1))
    outputs = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(_select_target(outputs, np.array([[0, 1], [1, 2]])), [[1], [11]])
    np.testing.assert_array_equal(_select_target(outputs[0], [2, 0]), [2, 3])
    np.testing.assert_array_equal(_select_target(outputs, None), outputs)
    _check_target((None, 1), np.array([0, 1]), 2)
    _check_target((None, None, 3), np.array([[7, 2]]), 1)
    _check_target((None, 4), None, 2)
    with pytest.raises(ValueError, match="below 2"):
        _check_target((None, 1), np.array([0, 2]), 2)
    with pytest.raises(ValueError, match=r"and \(1, 2\) was expected"):
        _check_target((None, 2, 3), np.array([1]), 1)
