"""The callback: what it hands to its sinks, of which weights, and what training keeps."""

from __future__ import annotations

import csv

import keras
import numpy as np
import pytest
from PIL import Image

import tfxai
from tests import builders
from tfxai import metrics
from tfxai.callbacks import Explain, to_png, to_tensorboard
from tfxai.errors import InvalidInputError, OutputError, TfxaiWarning, UnknownNameError

X, Y = builders.images(8), np.arange(8) % 3


def classifier():
    keras.utils.set_random_seed(0)
    model = builders.functional()
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def fit(model, *callbacks, epochs=2):
    return model.fit(X, Y, epochs=epochs, verbose=0, callbacks=list(callbacks))


def test_each_sink_has_the_numbers_and_pictures_of_the_weights_of_the_moment():
    model, seen, others, weights = classifier(), [], [], []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append(model.get_weights())
    )
    watch = Explain(
        "integrated_gradients",
        X[:2],
        targets=[1, 2],
        sinks=[lambda *said: seen.append(said), lambda *said: others.append(said[1])],
        metric=metrics.Sparseness(),
    )
    fit(model, keep, watch)
    names = ["score", "completeness_gap", "sparseness", "0", "1"]
    assert [(step, name) for step, name, _ in seen] == [
        (step, f"integrated_gradients/{name}") for step in (1, 2) for name in names
    ]
    assert others == [name for _, name, _ in seen]
    told = {said[:2]: said[2] for said in seen}
    for step, state in zip((1, 2), weights, strict=True):
        model.set_weights(state)
        a = tfxai.IntegratedGradients()(model, X[:2], target=[1, 2])
        assert told[step, "integrated_gradients/score"] == pytest.approx(a.score.mean(), rel=1e-5)
        gap = told[step, "integrated_gradients/completeness_gap"]
        assert gap == pytest.approx(np.abs(a.completeness_gap).mean(), rel=1e-2, abs=1e-6)
        sparse = metrics.Sparseness()(model, X[:2], a).mean
        assert told[step, "integrated_gradients/sparseness"] == pytest.approx(sparse, rel=1e-4)
        picture = told[step, "integrated_gradients/0"]
        assert (picture.dtype, picture.shape) == (np.uint8, (*X.shape[1:3], 3))
        drawn = tfxai.plotting.pictures(a)[0]
        assert np.abs(picture / 255 - drawn).max() < 0.02
    first, second = (told[step, "integrated_gradients/score"] for step in (1, 2))
    assert first != second  # it has learned meanwhile
    np.testing.assert_array_equal(watch.last.target, [1, 2])


def test_training_is_as_it_would_be_without():
    plain, watched = classifier(), classifier()
    fit(plain)
    fit(watched, Explain("saliency", X[:1], sinks=[lambda *said: None]))
    for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Counting(keras.layers.Layer):
    """Counts how often it is traced."""

    count = 0

    def call(self, x):
        type(self).count += 1
        return x


def test_nothing_is_traced_after_the_first_epoch():
    counts = []
    x = keras.Input(builders.IMAGE)
    h = keras.layers.GlobalAveragePooling2D()(Counting()(keras.layers.Conv2D(3, 3)(x)))
    model = keras.Model(x, keras.layers.Softmax()(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    watch = Explain("smooth_grad", X[:2], sinks=[lambda *said: counts.append(Counting.count)])
    fit(model, watch, epochs=3)
    assert counts[0] > 0
    assert set(counts) == {counts[0]}


def test_it_explains_every_so_many_epochs():
    seen = []
    fit(
        classifier(),
        Explain("grad_cam", X[:1], every=2, sinks=[lambda *said: seen.append(said[0])]),
        epochs=5,
    )
    assert sorted(set(seen)) == [2, 4]


def test_pictures_and_numbers_as_files(tmp_path):
    fit(classifier(), Explain("saliency", X[:1], targets=0, sinks=to_png(tmp_path / "out")))
    with Image.open(tmp_path / "out/saliency/0-0002.png") as picture:
        assert picture.size == X.shape[2:0:-1]
    with (tmp_path / "out/numbers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["name"]) for row in rows] == [
        ("1", "saliency/score"),
        ("2", "saliency/score"),
    ]
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Choose another folder"):
        fit(classifier(), Explain("saliency", X[:1], sinks=to_png(tmp_path / "file")))


def test_an_event_file_holds_pictures_and_curves(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    numbers = []
    sinks = [to_tensorboard(tmp_path), lambda *said: numbers.append(said)]
    fit(classifier(), Explain("saliency", X[:1], targets=0, sinks=sinks))
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    events.Reload()
    assert set(events.Tags()["tensors"]) == {"saliency/score", "saliency/0"}
    scores = [said[2] for said in numbers if said[1] == "saliency/score"]
    read = events.Tensors("saliency/score")
    assert [one.step for one in read] == [1, 2]
    values = [float(tensor_util.make_ndarray(one.tensor_proto)) for one in read]
    np.testing.assert_allclose(values, scores, rtol=1e-6)


def test_rows_of_a_table_are_a_figure():
    seen = []
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    watch = Explain(
        "gradient_input", np.ones((2, 3), "float32"), sinks=[lambda *s: seen.append(s)]
    )
    model.fit(np.ones((4, 3)), np.array([0, 1, 0, 1]), verbose=0, callbacks=[watch])
    (picture,) = [said[2] for said in seen if said[1] == "gradient_input/figure"]
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.std() > 0


def test_weights_that_are_not_finite_end_no_training():
    model, seen = classifier(), []
    broken = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: (
            epoch == 0
            and model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
        )
    )
    watch = Explain("saliency", X[:1], targets=0, sinks=[lambda *said: seen.append(said)])
    with pytest.warns(TfxaiWarning, match="Epoch 1 is not explained"):
        fit(model, broken, watch, epochs=1)
    assert seen == []


@pytest.mark.filterwarnings("error")
def test_class_names_and_preprocessing_are_those_of_the_card():
    card = tfxai.Card(
        name="c", classes=("A", "B", "C"), preprocessing=tfxai.data.Preprocessing("unit")
    )
    pixels = (255 * np.clip(X[:1], 0, 1)).astype(np.uint8)
    watch = Explain("saliency", pixels, targets="B", sinks=[lambda *said: None], card=card)
    fit(classifier(), watch, epochs=1)
    assert watch.last.target_names == ["B"]


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"every": 0}, InvalidInputError, "every=0 was expected"),
        ({"every": True}, InvalidInputError, "every=True was expected"),
        ({"sinks": ()}, InvalidInputError, "one function"),
        ({"sinks": ["out"]}, InvalidInputError, "such as tfxai.callbacks.to_png"),
        ({"method": "salience"}, UnknownNameError, "Did you mean 'saliency'"),
    ],
    ids=["every 0", "every true", "no sink", "a path", "method"],
)
def test_what_does_not_fit_is_refused_before_training(options, error, sentence):
    given = {"method": "saliency", "data": X, "sinks": [print], **options}
    with pytest.raises(error, match=sentence):
        Explain(given.pop("method"), given.pop("data"), **given)
