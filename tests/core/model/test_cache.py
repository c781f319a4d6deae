"""What is remembered of a model: as long as it lives, and as long as it stays what it is."""

import gc
import threading
import weakref

import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tests.contract.cases import every_method, make
from tfxai.core.model.cache import ModelCache
from tfxai.methods import Saliency
from tfxai.subject import Subject


def test_entry_is_made_once_and_the_least_used_is_dropped():
    kept, model, made = ModelCache(2), builders.linear([[1.0]]), []

    def get(key):
        return kept.get(model, key, lambda: made.append(key) or key)

    assert [get(key) for key in "aabab"] == list("aabab")
    assert made == ["a", "b"]
    get("a")
    get("c")  # b was not used for the longest time
    get("a")
    assert made == ["a", "b", "c"]
    get("b")
    assert made == ["a", "b", "c", "b"]


def test_failure_is_not_kept():
    kept, model = ModelCache(2), builders.linear([[1.0]])
    with pytest.raises(ZeroDivisionError):
        kept.get(model, "a", lambda: 1 / 0)
    assert kept.get(model, "a", lambda: 3) == 3


def test_models_do_not_share_entries():
    kept, models = ModelCache(2), [builders.linear([[1.0]]) for _ in range(2)]
    assert [kept.get(model, "a", lambda m=model: m.name) for model in models] == [
        model.name for model in models
    ]


def test_making_does_not_hold_up_other_threads():
    kept, model = ModelCache(4), builders.linear([[1.0]])
    inside, done = threading.Event(), threading.Event()

    def slow():
        inside.set()
        assert done.wait(60)
        return "slow"

    thread = threading.Thread(target=kept.get, args=(model, "a", slow))
    thread.start()
    assert inside.wait(60)
    assert kept.get(model, "b", lambda: "quick") == "quick"
    done.set()
    thread.join()
    assert kept.get(model, "a", lambda: "new") == "slow"


@every_method
@pytest.mark.parametrize(
    ("build", "path"),
    [
        (builders.functional, "conv1"),
        (builders.nested, "backbone/conv1"),
        (builders.subclassed, "conv1"),
    ],
)
def test_model_is_freed_after_it_was_explained(name, build, path):
    model = build()
    make(name, path)(model, builders.images())
    Subject(model).predict(builders.images())
    reference = weakref.ref(model)
    weight = weakref.ref(model.weights[0])
    del model
    gc.collect()
    assert reference() is None
    assert weight() is None


def logits(model, x):
    """|dS0/dx| of a model of dense layers without activations, in NumPy."""
    product = np.eye(x.shape[1])
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            product = product @ np.asarray(layer.kernel)
    return np.abs(product[:, 0])


def test_layers_added_and_taken_away_are_seen():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.Dense(2)])
    x = np.ones((1, 3), np.float32)
    for change in (
        lambda: None,
        lambda: model.add(layers.Dense(2)),
        lambda: model.add(layers.Softmax()),
        model.pop,
        model.pop,
        lambda: (model.pop(), model.add(layers.Dense(3))),
    ):
        change()
        a = Saliency()(model, x, target=0)
        np.testing.assert_allclose(a.values[0], logits(model, x), rtol=1e-5)
        np.testing.assert_allclose(Subject(model).predict(x), model(x), rtol=1e-5)
        assert a.score_name == (
            "logit" if isinstance(model.layers[-1], layers.Softmax) else "output"
        )


def test_adapters_added_after_the_first_call_are_seen():
    dense = layers.Dense(2, use_bias=False)
    model = keras.Sequential([keras.Input((3,)), dense])
    x = np.ones((1, 3), np.float32)
    Saliency()(model, x, target=0)
    dense.enable_lora(1)
    dense.lora_kernel_b.assign([[5.0, 7.0]])
    values = Saliency()(model, x, target=0).values
    np.testing.assert_allclose(values[0], np.abs(np.asarray(dense.kernel)[:, 0]), rtol=1e-5)
