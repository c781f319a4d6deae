"""Influences of training examples, against gradients of the cross-entropy by TensorFlow itself."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxai
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.influence import Gradients, influences, suspects

RNG = np.random.default_rng(0)
TRAINING, LABELS = RNG.normal(size=(7, 5)).astype("float32"), np.array([0, 1, 2, 0, 1, 2, 1])
X, TRUE = RNG.normal(size=(3, 5)).astype("float32"), np.array([2, 0, 1])


def network(units, activation, classes, *, build="dense", bias=True):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((5,))
    a = keras.layers.Dense(4, activation="tanh")(inputs)
    last = keras.layers.Dense(units, activation if build == "dense" else None, use_bias=bias)
    y = last(a)
    if build == "prior":  # a shift that is no weight
        y = keras.ops.softmax(y + np.arange(units, dtype="float32"))
    if build == "layer":
        y = keras.layers.Activation(activation)(y)
    elif build == "operation":
        y = getattr(keras.ops, activation)(keras.layers.Dropout(0.5)(y))
    names = tuple(f"c{i}" for i in range(classes))
    return tfxai.Subject(keras.Model(inputs, y), tfxai.Card(name="n", classes=names)), last


def by_tape(subject, last, x, labels, loss):
    """The gradients of each example's loss by the weights of the last layer, as rows."""
    rows = []
    for one, label in zip(x, labels, strict=True):
        with tf.GradientTape() as tape:
            value = loss(label, subject.model(one[None]))
        gradients = tape.gradient(value, [v.value for v in last.trainable_weights])
        rows.append(np.concatenate([np.ravel(g) for g in gradients]))
    return np.array(rows)


def softmax_loss(label, y):
    return -tf.math.log(y[0, label])


def logit_loss(label, y):
    return -tf.nn.log_softmax(y)[0, label]


def sigmoid_loss(label, y):
    return -tf.math.log(y[0, 0] if label else 1 - y[0, 0])


CASES = {
    "softmax": (3, "softmax", 3, "dense", softmax_loss),
    "softmax as a layer": (3, "softmax", 3, "layer", softmax_loss),
    "softmax without a bias": (3, "softmax", 3, "no bias", softmax_loss),
    "softmax with a prior, without a bias": (3, None, 3, "prior", softmax_loss),
    "softmax after dropout": (3, "softmax", 3, "operation", softmax_loss),
    "logits": (3, None, 3, "dense", logit_loss),
    "two softmax units": (2, "softmax", 2, "dense", softmax_loss),
    "one sigmoid unit": (1, "sigmoid", 2, "dense", sigmoid_loss),
}


@pytest.mark.parametrize("case", CASES)
def test_influences_are_products_of_gradients(case):
    units, activation, classes, build, loss = CASES[case]
    subject, last = network(
        units,
        activation,
        classes,
        build="dense" if build == "no bias" else build,
        bias=build not in ("no bias", "prior"),
    )
    labels, true = LABELS % classes, TRUE % classes
    training, examples = Gradients(subject, TRAINING, labels), Gradients(subject, X, true)
    theirs = by_tape(subject, last, TRAINING, labels, loss)
    own = by_tape(subject, last, X, true, loss)
    np.testing.assert_allclose(examples.products(training), own @ theirs.T, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(training.squares(), (theirs**2).sum(axis=1), rtol=1e-4)


def test_the_most_influential_are_told_in_order():
    subject, _ = network(3, "softmax", 3)
    training, examples = Gradients(subject, TRAINING, LABELS), Gradients(subject, X, TRUE)
    products, cosines = examples.products(training), examples.cosines(training)
    for i, one in enumerate(influences(examples, training, 3)):
        rising = np.sort(products[i])
        assert [o.influence for o in one.opponents] == rising[rising < 0][:3].tolist()
        assert [p.influence for p in one.proponents] == rising[::-1][rising[::-1] > 0][:3].tolist()
        assert [n.similarity for n in one.nearest] == np.sort(cosines[i])[::-1][:3].tolist()
        for each in (*one.opponents, *one.proponents, *one.nearest):
            assert each.label == LABELS[each.index]
            assert each.influence == products[i, each.index]
    assert np.abs(cosines).max() <= 1 + 1e-12


def test_an_example_is_nearest_to_itself():
    subject, _ = network(3, "softmax", 3)
    training = Gradients(subject, TRAINING, LABELS)
    (first, *_) = influences(training, training, 1)
    assert first.nearest[0].index == 0
    assert first.nearest[0].similarity == pytest.approx(1)
    assert first.proponents[0].influence > 0


def blobs(n, seed):
    """Two classes that a straight line parts, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return (rng.normal(size=(n, 2)) * 0.4 + 2 * labels[:, None]).astype("float32"), labels


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(hidden))
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    x, labels = blobs(200, 0)
    flipped = labels.copy()
    flipped[[10, 50, 120]] ^= 1
    model.fit(x, flipped, epochs=15, verbose=0)
    return tfxai.Subject(model, tfxai.Card(name="t", classes=("Low", "High"))), x, flipped


def test_wrong_labels_are_suspected_first(trained):
    subject, x, labels = trained
    found = suspects(Gradients(subject, x, labels), 3)
    assert sorted(one.index for one in found) == [10, 50, 120]
    assert all(one.label == labels[one.index] != one.predicted for one in found)


def test_debug_tells_what_training_says(trained):
    subject, x, labels = trained
    own = np.array([[2.0, 2.0], [0.0, 0.0]], "float32")
    found = tfxai.debug(subject, own, [0, 0], "gradient_input", training=(x, labels), most=3)
    (mistake,) = found.mistakes
    assert sorted(one.index for one in found.suspects) == [10, 50, 120]
    assert [one.label for one in mistake.training.nearest] == [1] * 5
    assert "nearest to it by the activations before the last layer are labelled High (5)." in (
        mistake.diagnosis()
    )
    assert "weigh most against Low are labelled High" in mistake.diagnosis()
    record = found.to_json()
    assert record["suspects"][0].keys() == {"index", "label", "predicted", "self_influence"}
    assert len(record["mistakes"][0]["training"]["nearest"]) == 5
    assert tfxai.debug(subject, own, [0, 0], "gradient_input").mistakes[0].training is None


def test_what_has_no_influences_is_refused(trained):
    subject, x, labels = trained
    with pytest.raises(InvalidInputError, match="pair of inputs and labels, and a ndarray came"):
        tfxai.debug(subject, x, labels, training=x)
    with pytest.raises(InvalidInputError, match="200 integers were expected"):
        tfxai.debug(subject, x, labels, training=(x, labels[:5]))
    unknown = tfxai.Subject(network(3, None, 3)[0].model)
    with pytest.raises(InvalidInputError, match="Give the model's card class names"):
        Gradients(unknown, TRAINING, LABELS)
    inputs = keras.Input((3,))
    bare = keras.Model(inputs, keras.ops.softmax(3 * inputs))
    with pytest.raises(UnsupportedModelError, match="does not end in a dense layer"):
        Gradients(tfxai.Subject(bare), np.ones((2, 3), "float32"), np.array([0, 1]))
