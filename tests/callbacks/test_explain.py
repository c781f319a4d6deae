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
from tfxai.errors import (
    InvalidInputError,
    OutputError,
    TfxaiError,
    TfxaiWarning,
    UnknownNameError,
)

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
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        for make in (to_png, to_tensorboard):
            with pytest.raises(OutputError, match=r"file' is no folder\. Choose another"):
                make(folder)
    sink = to_png(tmp_path / "gone")
    (tmp_path / "gone").write_text("")
    with pytest.raises(OutputError, match="Choose another folder"):
        fit(classifier(), Explain("saliency", X[:1], sinks=sink))


def written(folder):
    """The lines of the numbers, and the pictures."""
    with (folder / "numbers.csv").open(newline="") as file:
        rows = [(int(row["epoch"]), row["name"]) for row in csv.DictReader(file)]
    return rows, sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))


def test_a_run_takes_the_place_of_an_earlier_one_from_its_first_epoch_on(tmp_path):
    picture = np.zeros((2, 2, 3), np.uint8)

    def epochs(sink, numbers, method="saliency"):
        for epoch in numbers:
            sink(epoch, f"{method}/score", 0.5)
            sink(epoch, f"{method}/0", picture)

    def expected(*runs):
        return (
            [(epoch, f"{method}/score") for method, numbers in runs for epoch in numbers],
            sorted(f"{method}/0-{epoch:04d}.png" for method, numbers in runs for epoch in numbers),
        )

    epochs(to_png(tmp_path), range(1, 5))
    sink = to_png(tmp_path)
    epochs(sink, range(1, 3))
    assert written(tmp_path) == expected(("saliency", range(1, 3)))
    epochs(to_png(tmp_path), range(1, 2), "rise")  # beside it
    assert written(tmp_path) == expected(("saliency", range(1, 3)), ("rise", [1]))
    epochs(to_png(tmp_path), range(3, 5))  # goes on
    both = (("saliency", [1, 2]), ("rise", [1]), ("saliency", [3, 4]))
    assert written(tmp_path) == expected(*both)
    epochs(sink, [1])  # fit once more
    assert written(tmp_path) == expected(("rise", [1]), ("saliency", [1]))


@pytest.mark.parametrize(
    ("method", "data", "targets", "sentence"),
    [
        (tfxai.GradCAM(layer="none"), X[:2], 0, "none"),
        ("saliency", X[:2, :3], 0, "shape"),
        ("saliency", X[:2], 9, "target=9 is outside the model's 3 outputs"),
        ("saliency", X[:2], np.eye(3)[[0, 1]], r"np\.argmax\(target, axis=-1\) of one-hot"),
        ("saliency", X[:2], np.eye(3, dtype=int)[[0, 1]], "of one-hot labels"),
        ("saliency", X[:2], "Cat", "no card"),
    ],
)
def test_what_cannot_be_explained_is_refused_before_training(method, data, targets, sentence):
    model, seen = classifier(), []
    weights = model.get_weights()
    watch = Explain(method, data, targets, sinks=[lambda *said: seen.append(said)], every=5)
    with pytest.raises(TfxaiError, match=sentence):
        fit(model, watch, epochs=1)
    assert seen == []
    for one, other in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


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
        ({"method": ["saliency", "rise"]}, InvalidInputError, "2 methods, .* an Explain for each"),
        ({"method": tfxai.GradCAM}, InvalidInputError, r"It is a class: pass GradCAM\(\)\."),
        ({"method": 3}, InvalidInputError, "method=3 was expected to be a method such as"),
        ({"metric": "sparseness"}, InvalidInputError, "metric='sparseness' was expected"),
        ({"metric": metrics.Sparseness}, InvalidInputError, r"pass Sparseness\(\)\."),
    ],
)
def test_what_does_not_fit_is_refused_before_training(options, error, sentence):
    given = {"method": "saliency", "data": X, "sinks": [print], **options}
    with pytest.raises(error, match=sentence):
        Explain(given.pop("method"), given.pop("data"), **given)
