"""The model is as it was, whatever happens; one trace serves every call of a kind."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tests.contract.cases import TARGET, doubles, every_method, make, options_of
from tfxai import methods
from tfxai.core import program


def everything(model, x):
    """All that could be seen to change: weights, outputs, config, attributes, graph nodes."""
    parts = [model, *model._flatten_layers(include_self=False)]
    with keras.StatelessScope():
        outputs = model(x).numpy().tobytes()
    return {
        "outputs": outputs,
        "weights": [weight.tobytes() for weight in model.get_weights()],
        "config": str(model.get_config()),
        "nodes": [(len(part._inbound_nodes), len(part._outbound_nodes)) for part in parts],
        "attributes": [{name: id(value) for name, value in vars(part).items()} for part in parts],
        "trainable": [part.trainable for part in parts],
        "losses": [float(loss) for loss in model.losses],
        "class": [type(part) for part in parts],
    }


class Assigning(layers.Layer):
    """Counts its runs in a variable, unless somebody keeps it from that."""

    def build(self, shape):
        self.runs = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.runs.assign_add(1.0)
        return x


def regularised():
    """With layers that would leave something behind: losses, variables, random seeds."""
    x = keras.Input(builders.IMAGE)
    h = Assigning()(x)
    h = layers.Conv2D(3, 2, activation="tanh", activity_regularizer="l2", name="conv1")(h)
    h = layers.Dropout(0.5)(layers.BatchNormalization()(layers.GaussianNoise(1.0)(h)))
    h = layers.Conv2D(2, 2, activation="relu", name="conv2")(h)
    return keras.Model(x, layers.Dense(3, activation="softmax")(layers.Flatten()(h)))


CONV1 = {"nested": "backbone/conv1"}
MODELS = {
    "functional": builders.functional,
    "nested": builders.nested,
    "subclassed": builders.subclassed,
    "regularised": regularised,
}


@every_method
@pytest.mark.parametrize("kind", MODELS)
def test_model_is_unchanged(name, kind):
    model, x = MODELS[kind](), builders.images()
    before = everything(model, x)
    make(name, CONV1.get(kind, "conv1"))(model, x, target=TARGET)
    if methods.get(name).takes_at:
        path = CONV1.get(kind, "conv1")
        make(name, path.replace("conv1", "conv2"))(model, x, at=path)
    assert everything(model, x) == before


@every_method
def test_model_is_unchanged_after_an_exception_in_mid_trace(name, monkeypatch):
    model, x = builders.nested(), builders.images()
    method = make(name, "backbone/conv1")
    expected = method(builders.same_weights(builders.nested, model), x).values
    before = everything(model, x)
    cls = methods.get(name)

    def broken(self, f, inputs):
        f.gradient(inputs)
        raise RuntimeError("in mid-trace")

    with monkeypatch.context() as patch:
        patch.setattr(cls, "_attribute", broken)
        with pytest.raises(RuntimeError, match="in mid-trace"):
            method(model, x)
    assert everything(model, x) == before
    np.testing.assert_allclose(method(model, x).values, expected, rtol=1e-5, atol=1e-7)


@every_method
def test_model_is_unchanged_after_an_exception_in_a_layer(name):
    class Fuse(layers.Layer):
        blown = False

        def call(self, x):
            if self.blown:
                raise RuntimeError("blown")
            return x

    fuse = Fuse()
    inner = builders.sequential()
    model = keras.Sequential([inner, fuse])
    method = make(name, f"{inner.name}/conv1")
    x = builders.images()
    model(x)
    before = everything(model, x)
    Fuse.blown = True
    with pytest.raises(RuntimeError, match="blown"):
        method(model, x)
    Fuse.blown = False
    assert everything(model, x) == before
    assert np.isfinite(method(model, x).values).all()


class Traces:
    """Counts how often Python runs a layer of `model`: once for each forward pass traced."""

    def __init__(self, dtype="float64"):
        traces = self

        class Counting(layers.Layer):
            def call(self, x):
                traces.count += 1
                return x

        self.count = 0
        x = keras.Input(builders.IMAGE, dtype=dtype)
        h = builders.chain(Counting(dtype=dtype)(x), builders.conv_parts(dtype))
        self.model = keras.Model(x, layers.Dense(3, activation="softmax", dtype=dtype)(h))


@pytest.fixture
def traced():
    return Traces()


@every_method
def test_second_call_traces_nothing(name, traced):
    x = doubles(8)
    make(name)(traced.model, x[:3])
    count = traced.count
    assert count > 0
    make(name)(traced.model, x[3:6])  # other images
    make(name)(traced.model, x[:1])  # other batch sizes, one of them above a chunk
    make(name)(traced.model, np.concatenate([x] * 9))
    make(name)(traced.model, x[:2], target=2)  # other targets
    make(name)(traced.model, x[:2], target=[0, 1])
    make(name)(traced.model, x[:3].astype("float32"))
    if "baseline" in options_of(name):
        make(name, baseline=0.7)(traced.model, x[:3])
        make(name, baseline=x[0])(traced.model, x[:3])
        make(name, baseline=x[:3])(traced.model, x[:3])
    assert traced.count == count


@every_method
def test_changed_weights_change_the_values_and_trace_nothing(name, traced):
    x = doubles()
    before = make(name)(traced.model, x, target=TARGET)
    count = traced.count
    traced.model.set_weights([weight * 1.5 for weight in traced.model.get_weights()])
    after = make(name)(traced.model, x, target=TARGET)
    assert traced.count == count
    assert not np.allclose(before.values, after.values)
    fresh = builders.functional(dtype="float64")
    fresh.set_weights(traced.model.get_weights())
    np.testing.assert_allclose(
        after.values, make(name)(fresh, x, target=TARGET).values, rtol=1e-10, atol=1e-13
    )


@every_method
def test_training_in_between_traces_nothing_and_is_seen(name):
    traced = Traces("float32")
    x = builders.images(4)
    traced.model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = make(name)(traced.model, x, target=TARGET)
    traced.model.fit(x, np.array([0, 1, 2, 0]), verbose=0)
    count = traced.count
    after = make(name)(traced.model, x, target=TARGET)
    assert traced.count == count
    assert not np.array_equal(before.values, after.values)


def reached(graph_def, outputs):
    """(type, attributes) of every operation that a program runs to give `outputs`.

    TensorFlow prunes the rest of a function before it runs it. Functions of the library that are
    reached (loop bodies, branches, calls) are followed from what they return.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    found, done = [], set()

    def follow(nodes, names):
        by_name = {node.name: node for node in nodes}
        seen, todo = set(), [name.lstrip("^").split(":")[0] for name in names]
        while todo:
            node = by_name.get(todo.pop())
            if node is None or node.name in seen:
                continue
            seen.add(node.name)
            found.append((node.op, dict(node.attr)))
            todo += [name.lstrip("^").split(":")[0] for name in node.input]
            for attribute in node.attr.values():
                for called in [attribute.func.name, *[f.name for f in attribute.list.func]]:
                    if called in functions and called not in done:
                        done.add(called)
                        function = functions[called]
                        ends = [*function.ret.values(), *function.control_ret.values()]
                        follow(function.node_def, ends)

    follow(graph_def.node, outputs)
    return found


def is_weight_gradient(kind, attributes):
    if kind == "MatMul":  # x^T g is a kernel's gradient; g W^T the input's
        return attributes["transpose_a"].b
    return "BackpropFilter" in kind or kind == "BiasAddGrad"


@every_method
def test_no_weight_gradient_is_computed(name, monkeypatch):
    programs = []
    compiled = program.compiled

    def recorded(*args, **kwargs):
        programs.append(compiled(*args, **kwargs))
        return programs[-1]

    monkeypatch.setattr(program, "compiled", recorded)
    x = keras.Input(builders.IMAGE)
    h = builders.chain(x, [layers.DepthwiseConv2D(2), *builders.conv_parts()])
    h = layers.Dense(5, activation="tanh")(h)
    model = keras.Model(x, layers.Dense(3, activation="softmax")(h))
    make(name)(model, builders.images(), target=TARGET)
    (made,) = programs
    operations = reached(made.graph.as_graph_def(), [tensor.name for tensor in made.outputs])
    kinds = {kind for kind, _ in operations}
    assert {"Conv2D", "MatMul"} <= kinds
    assert [kind for kind, given in operations if is_weight_gradient(kind, given)] == []


def test_weight_gradients_would_be_found():
    model = builders.functional()

    @tf.function(input_signature=[tf.TensorSpec((None, *builders.IMAGE))])
    def gradients(x):
        with tf.GradientTape() as tape:
            score = tf.reduce_sum(model(x)[:, 0])
        return tape.gradient(score, model.trainable_variables)

    made = gradients.get_concrete_function()
    operations = reached(made.graph.as_graph_def(), [tensor.name for tensor in made.outputs])
    found = {kind for kind, given in operations if is_weight_gradient(kind, given)}
    assert found == {"Conv2DBackpropFilter", "BiasAddGrad", "MatMul"}


@every_method
def test_record_is_frozen(name):
    method = make(name)
    for option in options_of(name):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(method, option, None)
