"""Layers observed and replaced for one thread and one block, and left alone otherwise."""

import importlib
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tfxai.core.model import layer_calls
from tfxai.core.model.layer_calls import observe

X = builders.images(2)


def seen(model, x=X):
    """(path, number of the call) in the order in which the calls end."""
    calls = []

    def visit(path, layer, index, output):
        calls.append((path, index))
        return output

    with observe(visit):
        model(x)
    return calls


def test_layers_are_reported_under_their_path():
    assert seen(builders.functional()) == [(n, 0) for n in ("conv1", "conv2", "flat", "head")]
    inner = [f"outer/backbone/{name}" for name in ("conv1", "conv2", "flat")]
    expected = [*inner, "outer/backbone", "outer", "head"]
    assert [path for path, _ in seen(builders.doubly_nested())] == expected
    assert ("conv", 1) in seen(builders.shared())


def test_output_is_replaced_and_the_next_run_is_as_before():
    model = builders.functional(None)
    before = model(X).numpy()

    def visit(path, layer, index, output):
        return tf.zeros_like(output) if path == "flat" else output

    with observe(visit):
        replaced = model(X).numpy()
    np.testing.assert_allclose(replaced, [model.get_layer("head").bias.numpy()] * 2)
    np.testing.assert_array_equal(model(X).numpy(), before)


def test_outer_observer_sees_what_the_inner_one_put_there():
    model, calls = builders.nested(None), {}

    def outer(path, layer, index, output):
        calls[path] = output
        return output

    def inner(path, layer, index, output):
        return output + 1 if path == "backbone/conv2" else output

    with observe(outer):
        plain = model(X).numpy()
        outputs = dict(calls)
        with observe(inner):
            shifted = model(X).numpy()
    np.testing.assert_allclose(calls["backbone/conv2"], outputs["backbone/conv2"] + 1)
    np.testing.assert_allclose(calls["backbone/conv1"], outputs["backbone/conv1"])
    np.testing.assert_allclose(shifted - plain, calls["head"] - outputs["head"])
    assert np.abs(shifted - plain).max() > 1e-3


def test_other_threads_see_nothing_of_an_observer():
    model, inside, done = builders.functional(None), threading.Event(), threading.Event()
    before, results = model(X).numpy(), {}

    def replace(path, layer, index, output):
        return tf.zeros_like(output) if path == "flat" else output

    def observing():
        with observe(replace):
            inside.set()
            assert done.wait(60)
            results["observing"] = model(X).numpy()

    thread = threading.Thread(target=observing)
    thread.start()
    assert inside.wait(60)
    results["other"] = model(X).numpy()  # while the other thread's block is open
    assert seen(builders.sequential())[0] == ("conv1", 0)
    done.set()
    thread.join()
    np.testing.assert_array_equal(results["other"], before)
    assert not np.allclose(results["observing"], before)


def test_exception_in_a_layer_or_a_visit_ends_the_observation():
    class Failing(layers.Layer):
        fails = False

        def call(self, x):
            if self.fails:
                raise RuntimeError("layer")
            return x

    model, calls = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="d")]), []
    failing = keras.Sequential([model, failing_layer := Failing(name="f")])

    def visit(path, layer, index, output):
        calls.append(path)
        if path == "d":
            raise KeyError("visit")
        return output

    x = np.ones((1, 3), np.float32)
    failing_layer.fails = True
    for block_model, error in ((failing, RuntimeError), (model, KeyError)):
        with pytest.raises(error), observe(visit):
            block_model(x)
    before = list(calls)
    failing_layer.fails = False
    failing(x)
    assert calls == before  # nothing is observed any more
    assert seen(failing, x) == [(f"{model.name}/d", 0), (model.name, 0), ("f", 0)]


def test_outside_a_block_no_observer_runs(monkeypatch):
    model = builders.functional()
    seen(model)  # the hook is in place

    def refuse(*args):
        raise AssertionError("an observer ran outside a block")

    monkeypatch.setattr(layer_calls._Observer, "call", refuse)
    model(X)
    with pytest.raises(AssertionError), observe(lambda *args: args[-1]):
        model(X)


def test_hook_is_put_in_place_once_and_keeps_the_signature():
    hook = keras.Layer.__call__
    seen(builders.functional())
    assert keras.Layer.__call__ is hook
    assert hook.__name__ == "__call__"
    assert hook.__qualname__ == "Layer.__call__"


def test_mask_is_carried_over_to_a_replacement():
    class Masked(keras.Model):  # a Functional model carries its masks itself
        def __init__(self):
            super().__init__()
            self.mask = layers.Masking(0.0, name="mask")
            self.pool = layers.GlobalAveragePooling1D()

        def call(self, x):
            return self.pool(self.mask(x))

    model = Masked()
    series = np.array([[[1.0], [3.0], [0.0]]], np.float32)

    def visit(path, layer, index, output):
        return output * 10 if path == "mask" else output

    with observe(visit):
        np.testing.assert_allclose(model(series), [[20.0]])  # of two steps, not three


def test_nothing_is_assigned_to_the_model_inside_a_block():
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(), layers.Dropout(0.5)])
    before = [variable.numpy() for variable in model.variables]
    with observe(lambda *args: args[-1]):
        model(np.full((4, 3), 7.0), training=True)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    model(np.full((4, 3), 7.0), training=True)  # which does change them
    assert any((v.numpy() != b).any() for v, b in zip(model.variables, before, strict=True))


def test_arguments_are_changed_before_the_call_and_the_next_run_is_as_before():
    x = keras.Input((4, 6))
    attention = layers.MultiHeadAttention(2, 3, name="attention")
    model = keras.Model(x, attention(x, x))
    given = np.random.default_rng(3).normal(size=(2, 4, 6)).astype(np.float32)
    before = model(given).numpy()

    def masked(layer, arguments):
        if layer is not attention:
            return None
        args, kwargs = arguments
        return args, {**kwargs, "attention_mask": np.tri(4, dtype=bool)[None]}

    with observe(lambda *args: args[-1], masked):
        causal = model(given).numpy()
    np.testing.assert_allclose(causal, attention(given, given, use_causal_mask=True), rtol=1e-5)
    assert not np.allclose(causal, before)
    np.testing.assert_array_equal(model(given).numpy(), before)


def test_an_inner_observer_changes_what_the_outer_one_changed_already():
    model = builders.functional(None)

    def times(factor):
        def enter(layer, arguments):
            if layer.name != "flat":
                return None
            (first, *rest), kwargs = arguments
            return (first * factor, *rest), kwargs

        return enter

    def keep(*args):
        return args[-1]

    flat = model.get_layer("head").bias.numpy()
    plain = model(X).numpy() - flat
    with observe(keep, times(2.0)), observe(keep, times(3.0)):
        changed = model(X).numpy() - flat
    np.testing.assert_allclose(changed, 6 * plain, rtol=1e-5)


def operations(model, x):
    """Types of the operations of a pass that is observed."""

    def run(x):
        with observe(lambda path, layer, index, output: output):
            return model(x)

    graph = tf.function(run, autograph=False).get_concrete_function(tf.constant(x)).graph
    return {op.type for op in graph.get_operations()}


@pytest.fixture
def gpu(monkeypatch):
    """Keras takes the machine for one with a GPU, and traces operations of cuDNN."""
    rnn = importlib.import_module("keras.src.backend.tensorflow.rnn")
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_recurrent_layers_run_in_loops_where_that_is_asked_for(name):
    inputs = keras.Input((3, 2))
    layer = layers.Bidirectional(getattr(layers, name)(2))
    model, x = keras.Model(inputs, layer(inputs)), builders.images(1, (3, 2))
    assert "CudnnRNNV3" in operations(model, x)
    before = dict(vars(layer.forward_layer))
    with layer_calls.recurrent_in_loops():
        types = operations(model, x)
    assert "While" in types
    assert not any(one.startswith("Cudnn") for one in types)
    assert vars(layer.forward_layer) == before
    assert "CudnnRNNV3" in operations(model, x)
