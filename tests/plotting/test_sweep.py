"""Panels of one option's values: what is drawn in each, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

import tfxai
from tests import builders
from tests.plotting.examples import images
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.methods import IntegratedGradients, Saliency
from tfxai.plotting import compare_baselines, sweep


@pytest.fixture(scope="module")
def model():
    import keras

    keras.utils.set_random_seed(0)
    x = keras.Input((6, 5, 3))
    return keras.Model(x, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(x)))


X = np.random.default_rng(0).uniform(0, 1, (2, 6, 5, 3)).astype(np.float32)


def texts(figure):
    return [text.get_text() for text in figure.texts]


def heats(figure):
    return images(figure)[1:]


def test_each_panel_holds_the_heatmap_of_its_value(model, tmp_path):
    figure = sweep(
        IntegratedGradients(baseline=0.5), "steps", (1, 9), model, X, 1, path=tmp_path / "a.png"
    )
    for heat, steps in zip(heats(figure), (1, 9), strict=True):
        a = IntegratedGradients(baseline=0.5, steps=steps)(model, X, 1)
        np.testing.assert_allclose(heat, a.heatmap()[0], atol=1e-6)
    found = texts(figure)
    assert {"Image", "steps=1", "steps=9", "Integrated Gradients"} <= set(found)
    assert sum(text.startswith("gap ") for text in found) == 2
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_baselines_stand_side_by_side(model):
    assert {"baseline=0.0", "baseline=blur", "baseline=noise"} <= set(
        texts(compare_baselines(model, X, 1))
    )
    card = tfxai.Card(name="m", preprocessing=Preprocessing("unit"))
    figure = compare_baselines(tfxai.Subject(model, card), X, 1, score="probability")
    assert [t for t in texts(figure) if re.fullmatch(r"baseline=\w+", t)] == [
        "baseline=black",
        "baseline=white",
        "baseline=blur",
        "baseline=noise",
    ]
    white = IntegratedGradients(baseline=1.0)(model, X, 1, score="probability")
    np.testing.assert_allclose(heats(figure)[1], white.heatmap()[0], atol=1e-5)


def test_unsigned_maps_are_sequential(model):
    figure = sweep(Saliency(), "absolute", (True,), model, X, 1)
    assert figure.axes[1].images[0].norm.vmin == 0


def test_what_cannot_be_swept_is_refused(model):
    with pytest.raises(
        UnknownNameError, match=r"no option 'step' of integrated_gradients.*'steps'"
    ):
        sweep(IntegratedGradients(), "step", (1,), model, X)
    with pytest.raises(InvalidInputError, match="no value to sweep"):
        sweep(IntegratedGradients(), "steps", (), model, X)
    of_a_table = (IntegratedGradients(), "steps", (1,), builders.product(), np.ones((1, 2)))
    with pytest.raises(InvalidInputError, match="columns=2 breaks lines of images"):
        sweep(*of_a_table, columns=2)
    with pytest.raises(InvalidInputError, match="style='mask' is of images and volumes"):
        sweep(*of_a_table, style="mask")


def test_a_table_is_swept_as_bars_on_one_axis():
    x = np.array([[3.0, 4.0]])
    figure = sweep(IntegratedGradients(), "steps", (1, 50), builders.product(), x)
    charts = [axes for axes in figure.axes if axes.patches]
    for axes, steps in zip(charts, (1, 50), strict=True):
        values = IntegratedGradients(steps=steps)(builders.product(), x).values[0]
        order = [int(label.get_text()[8]) for label in axes.get_yticklabels()]
        found = [patch.get_width() for patch in axes.patches]
        np.testing.assert_allclose(found, values[order], rtol=1e-6)
    assert len({axes.get_xlim() for axes in charts}) == 1
    assert {"steps=1", "steps=50"} <= set(texts(figure))
