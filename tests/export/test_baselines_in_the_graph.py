"""Baselines that are made from the input, or kept beside the weights, are those of the call."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import builders
from tests.export.serving import assert_same, ig, serve
from tfxai import Card, Subject, baselines
from tfxai.core.inputs.baselines import read_baseline
from tfxai.core.inputs.reading import read_inputs
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError
from tfxai.export import save
from tfxai.export.baselines import Baselines
from tfxai.methods import GradientSHAP

COLOURED = Preprocessing("standardise", (0.4, 0.6), (0.2, 0.3))
ARRAY = builders.images(1, seed=3)[0]
KINDS = {
    "black": ig(),
    "white": ig(baseline="white"),
    "number": ig(baseline=0.25),
    "array": ig(baseline=ARRAY),
    "blur": ig(baseline="blur"),
    "soft": ig(baseline=baselines.Blur(sigma=2.0)),
    "uniform": ig(baseline="noise"),
    "noisy": ig(baseline=baselines.Noise(noise=0.3, seed=5)),
    "mean": ig(baseline="mean"),
    "samples": ig(baseline=baselines.Samples(builders.images(3, seed=4))),
    "background": GradientSHAP(background=builders.images(3, seed=4), samples=5),
}


@pytest.fixture(scope="module", params=["card", "bare"])
def subject(request):
    card = Card(name="small", preprocessing=COLOURED)
    return Subject(builders.functional(), card if request.param == "card" else None)


@pytest.mark.slow
def test_every_kind_of_baseline_is_that_of_the_call(subject, tmp_path):
    of_cards = ("black", "uniform", "noisy")  # what else there is does not look at the card
    kinds = KINDS if subject.card is not None else {kind: KINDS[kind] for kind in of_cards}
    path = save(subject, tmp_path / "base", kinds)
    x = builders.images(3)
    feeds = {subject.model.inputs[0].name: x, "target": np.array([-1, 0, 1], np.int32)}
    answers, failed = serve(path, {f"explain_{kind}": feeds for kind in kinds}, tmp_path)
    assert failed == {}
    predicted = int(subject.model(x[:1]).numpy().argmax())
    scores = set()
    for kind, method in kinds.items():
        a = method(subject, x, target=[predicted, 0, 1])
        assert_same(answers[f"explain_{kind}"], a, size=builders.IMAGE[:2])
        scores.add(tuple(answers[f"explain_{kind}"]["baseline_score"].tolist()))
    assert len(scores) >= len(kinds) - 1  # the background is that of samples


@pytest.mark.parametrize(
    "baseline", [baselines.Noise(), baselines.Noise(noise=0.3), baselines.Blur(), baselines.Mean()]
)
@pytest.mark.parametrize("is_first", [False, True])
@pytest.mark.parametrize("card", [None, Card(name="small", preprocessing=COLOURED)])
def test_what_the_graph_makes_is_what_a_call_makes_wherever_channels_lie(baseline, is_first, card):
    shape = (2, 6, 5) if is_first else (6, 5, 2)
    x = keras.Input(shape)
    image = keras.layers.Permute((2, 3, 1))(x) if is_first else x
    y = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 2)(image))
    subject = Subject(keras.Model(x, y), card)
    inputs = builders.images(2, shape)
    layout, leaves = read_inputs(subject.model, inputs)
    ready = ig(baseline=baseline).prepared(subject, layout)
    assert ready.layout.axes == ("CHW" if is_first else "HWC",)
    (found,) = Baselines(ready)([tf.constant(inputs)])
    (expected,) = read_baseline(baseline, ready.layout, leaves, subject.preprocessing)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_one_baseline_for_each_example_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match=r"integrated_gradients cannot be .*one for each"):
        save(builders.functional(), tmp_path / "m", [ig(baseline=builders.images(2))])
