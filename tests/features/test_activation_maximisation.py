"""Pictures whose best is known by hand, and what they rest on."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import tfxai
from tests.features.filters import filters, kernels, slopes
from tfxai.errors import InvalidInputError, LayerNotFoundError, TfxaiWarning, UnsupportedModelError
from tfxai.features import (
    L2,
    ActivationMaximisation,
    Blur,
    Channel,
    ClassLogit,
    Direction,
    Fourier,
    Layer,
    Neuron,
    PhaseOnly,
    Pixels,
    TotalVariation,
    Transformations,
    ascent,
)
from tfxai.subject import Subject

PLAIN = {"parameterisation": Pixels(), "transformations": None, "learning_rate": 0.3}
WAYS = {"pixels": Pixels(), "fourier": Fourier(), "phase": PhaseOnly()}


def ascended(subject, objective, steps=60, **options):
    return ActivationMaximisation(objective, steps=steps, **{**PLAIN, **options})(subject)


@pytest.mark.parametrize("preprocessing", ["unit", "tf", "none", "torch", "caffe"])
def test_a_linear_filter_reaches_its_known_optimum(preprocessing):
    weights = kernels()
    found = ascended(filters(weights, preprocessing=preprocessing), Channel("conv", 1))
    slope = slopes(weights[..., 1])
    if preprocessing == "caffe":
        slope = slope[..., ::-1]  # the model takes blue first, the picture is red first
    np.testing.assert_array_equal(found.pictures[0], np.where(slope > 0, 255, 0))


def test_value_is_that_of_the_picture_in_uint8():
    weights = kernels()
    found = ascended(filters(weights), [Channel("conv", i) for i in range(3)], steps=5)
    expected = [
        np.sum(picture / 255 * slopes(weights[..., i])) for i, picture in enumerate(found.pictures)
    ]
    np.testing.assert_allclose(found.values, expected, rtol=1e-4)
    assert found.history.shape == (5, 3)
    assert (found.values > found.history[0]).all()


def test_pictures_of_first_layer_neurons_correlate_with_their_filters_and_no_others():
    weights = kernels(count=6, side=5)
    found = ascended(filters(weights, (11, 11, 3)), [Neuron("conv", i) for i in range(6)])
    patches = found.pictures[:, 3:8, 3:8].reshape(6, -1)
    table = np.corrcoef(patches, weights.reshape(-1, 6).T)[:6, 6:]
    assert np.diag(table).min() > 0.7  # a sign and a normal number correlate by 0.8
    assert np.abs(table[~np.eye(6, dtype=bool)]).max() < 0.45


def test_sums_differences_and_numbers_weigh_objectives():
    subject, a, b = filters(), Channel("conv", 0), Channel("conv", 2)
    whole = ascended(subject, 2 * a - b / 4, steps=8)
    first, second = (ascended(subject, one, steps=1) for one in (a, b))
    assert whole.labels == ("2 conv channel 0 - 0.25 conv channel 2",)
    slope = 2 * slopes(kernels()[..., 0]) - slopes(kernels()[..., 2]) / 4
    np.testing.assert_allclose(whole.values[0], np.sum(whole.pictures[0] / 255 * slope), rtol=1e-4)
    assert sum([a, b]) == a + b
    assert (-a).terms == ((-1.0, a),)
    assert first.history[0, 0] != second.history[0, 0]


def test_a_direction_is_a_weighted_mean_of_channels_whatever_its_length():
    @dataclasses.dataclass
    class Concept:
        vector: np.ndarray

    subject = filters()
    whole = ascended(subject, [Direction("conv", [0, 7, 0]), Channel("conv", 1)], steps=9)
    np.testing.assert_array_equal(*whole.pictures)
    long = Direction("conv", Concept(np.array([3.0, 0, 4.0])))
    assert long == Direction("conv", (0.6, 0, 0.8))
    both = ascended(subject, [long, 0.6 * Channel("conv", 0) + 0.8 * Channel("conv", 2)], steps=9)
    np.testing.assert_allclose(both.values[0], both.values[1], rtol=1e-4)


def test_layer_is_the_mean_square_of_its_activations():
    subject = filters()
    found = ascended(subject, Layer("conv"), steps=4)
    conv = keras.Model(subject.model.inputs, subject.model.get_layer("conv").output)
    square = np.mean(np.square(conv.predict(found.pictures / 255, verbose=0)))
    np.testing.assert_allclose(found.values, square, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_same_seed_gives_the_same_picture_also_under_xla(way, monkeypatch):
    asked = ActivationMaximisation(
        [Channel("conv", 0), ClassLogit("b")], steps=6, parameterisation=way, seed=3
    )
    subject = filters(shape=(12, 12, 3))
    first, second = asked(subject), asked(filters(shape=(12, 12, 3)))
    other = dataclasses.replace(asked, seed=4)(subject)
    monkeypatch.setattr(tfxai.config, "jit_compile", True)
    compiled = asked(subject)
    np.testing.assert_array_equal(first.pictures, second.pictures)
    difference = np.abs(first.pictures.astype(int) - compiled.pictures)
    assert difference.max() <= 2
    assert np.abs(first.pictures.astype(int) - other.pictures).max() > 10


def test_a_picture_is_the_same_alone_and_beside_others_in_chunks_of_any_size(monkeypatch):
    subject, asked = filters(), [Channel("conv", i) for i in (2, 0, 1)]
    options = {"steps": 5, "copies": 2, "transformations": Transformations()}
    whole = ascended(subject, asked, **options)
    alone = np.concatenate([ascended(subject, one, **options).pictures for one in asked])
    monkeypatch.setattr(tfxai.config, "memory_budget", 1)
    chunks = ascended(subject, asked, frames_every=2, **options)
    assert np.abs(whole.pictures.astype(int) - alone).max() <= 1
    assert np.abs(whole.pictures.astype(int) - chunks.pictures).max() <= 1
    assert chunks.frames.shape == (3, 6, 8, 8, 3)
    assert chunks.steps == (2, 4, 5)
    np.testing.assert_array_equal(chunks.frames[-1], chunks.pictures)


def test_a_second_call_traces_nothing_whatever_the_channel_and_the_number(monkeypatch):
    subject = filters()
    ascended(subject, Channel("conv", 0), steps=2)
    monkeypatch.setattr(ascent, "compiled", None)
    before = subject.model.get_weights()
    found = ascended(subject, [Channel("conv", 1), Direction("conv", [1, 1, 0])], steps=2)
    assert found.pictures.shape == (2, 8, 8, 3)
    for one, other in zip(before, subject.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_diversity_makes_pictures_of_an_objective_less_alike():
    subject = filters(activation="relu", shape=(10, 10, 3), bias=1.0)
    options = {"steps": 40, "copies": 3, "learning_rate": 0.1}

    def likeness(found):
        conv = keras.Model(subject.model.inputs, subject.model.get_layer("conv").output)
        maps = conv.predict(found.pictures / 255, verbose=0).reshape(3, -1, 3)
        gram = np.einsum("bpc,bpd->bcd", maps, maps).reshape(3, -1)
        gram /= np.linalg.norm(gram, axis=1, keepdims=True)
        return (np.sum(gram @ gram.T) - 3) / 6

    plain = ascended(subject, Channel("conv", 0), **options)
    diverse = ascended(subject, Channel("conv", 0), diversity=20.0, **options)
    assert likeness(diverse) < likeness(plain) - 0.05


@pytest.mark.parametrize(
    ("regulariser", "measure"),
    [
        (L2(50.0), lambda p: np.mean((p / 255 - 0.5) ** 2)),
        (TotalVariation(20.0), lambda p: np.abs(np.diff(p / 255.0, axis=1)).mean()),
        (Blur(50.0, 1.0), lambda p: np.abs(np.diff(p / 255.0, n=2, axis=1)).mean()),
    ],
    ids=["l2", "total_variation", "blur"],
)
def test_a_regulariser_lowers_what_it_penalises(regulariser, measure):
    subject, steps = filters(), 30
    plain = ascended(subject, Channel("conv", 0), steps=steps)
    held = ascended(subject, Channel("conv", 0), steps=steps, regularisers=regulariser)
    assert measure(held.pictures[0]) < 0.7 * measure(plain.pictures[0])


def test_a_relu_that_is_shut_at_the_start_is_opened():
    subject = filters(activation="relu", bias=-1.0)
    found = ascended(subject, Channel("conv", 0))
    assert (found.history[0] == 0).all()
    assert found.values[0] > 0.1


def test_an_objective_that_nothing_moves_is_said_to_be_stuck():
    subject = filters(activation="relu", bias=-100.0)
    with pytest.warns(TfxaiWarning, match="stayed at 0 for conv channel 1: nothing on"):
        found = ascended(subject, Channel("conv", 1), steps=2)
    assert found.values.tolist() == [0]


def test_frames_become_an_animation(tmp_path):
    found = ascended(filters(), Channel("conv", 0), steps=6, frames_every=2)
    path = found.save_animation(tmp_path / "a.gif")
    with Image.open(path) as animation:
        assert animation.n_frames == 3
        animation.seek(2)
        last = np.asarray(animation.convert("RGB")).astype(int)
    assert np.abs(last - found.pictures[0]).mean() < 12  # of 256 colours
    with pytest.raises(InvalidInputError, match=r"ends in '\.bmp'"):
        found.save_animation(tmp_path / "a.bmp")
    with pytest.raises(InvalidInputError, match="frames_every=10"):
        ascended(filters(), Channel("conv", 0), steps=1).save_animation(tmp_path / "a.gif")


def test_contact_sheet_has_a_panel_for_each_picture(tmp_path):
    found = ascended(filters(), [Channel("conv", i) for i in range(3)], steps=2)
    figure = found.plot(tmp_path / "sheet.png", title="Filters")
    assert len(figure.axes) == 3
    assert {"Filters", "conv channel 2"} <= {text.get_text() for text in figure.texts}
    assert (tmp_path / "sheet.png").stat().st_size > 2_000


def two_outputs():
    x = keras.Input((8, 8, 3))
    flat = layers.Flatten()(x)
    scalar = keras.layers.Lambda(lambda x: x[:, 0], name="scalar", output_shape=())(flat)
    return Subject(keras.Model(x, [flat, scalar]), filters().card)


def test_a_layer_without_channels_is_refused():
    with pytest.raises(InvalidInputError, match="'scalar' returns no one tensor for a picture"):
        ascended(two_outputs(), Channel("scalar", 0))


BAD = {
    "no channel": (Channel("conv", 3), "channel=3 is outside the 3 channels of layer 'conv'"),
    "position": (Neuron("conv", 0, (0, 6)), r"position=\(0, 6\) is outside the 36 positions"),
    "length": (Direction("conv", [1, 2]), "has 2 numbers, and layer 'conv' has 3 channels"),
    "class": (ClassLogit(3), "target=3 is outside the model's 3 outputs"),
    "class name": (ClassLogit("frog"), "no class 'frog'"),
    "no objective": ([], "no objective"),
    "a word": ("conv", "objective='conv' was expected"),
}


@pytest.mark.parametrize(("objective", "sentence"), BAD.values(), ids=BAD)
def test_what_does_not_fit_the_model_is_refused(objective, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        ascended(filters(), objective)


def test_numbers_that_are_none_are_refused_where_they_are_written():
    with pytest.raises(InvalidInputError, match="channel=-1"):
        Channel("conv", -1)
    with pytest.raises(InvalidInputError, match="0 in every channel"):
        Direction("conv", np.zeros(3))
    with pytest.raises(InvalidInputError, match="finite numbers"):
        Direction("conv", [np.nan, 1])
    with pytest.raises(InvalidInputError, match="multiplied by 0"):
        0 * Channel("conv", 0)
    with pytest.raises(InvalidInputError, match="one copy"):
        ActivationMaximisation(Channel("conv", 0), diversity=1.0)
    with pytest.raises(InvalidInputError, match="ClassLogit has none"):
        ActivationMaximisation(ClassLogit(0), diversity=1.0, copies=2)
    with pytest.raises(InvalidInputError, match="steps=0"):
        ActivationMaximisation(Channel("conv", 0), steps=0)
    with pytest.raises(InvalidInputError, match="parameterisation='fourier'"):
        ActivationMaximisation(Channel("conv", 0), parameterisation="fourier")


def test_models_of_which_no_picture_can_be_made_are_refused():
    subject = filters()
    with pytest.raises(LayerNotFoundError, match="'conv2'"):
        ascended(subject, Channel("conv2", 0))
    with pytest.raises(InvalidInputError, match="no card that says how pixels"):
        ascended(subject.model, Channel("conv", 0))
    with pytest.raises(InvalidInputError, match=r"Pass size=\(H, W\)"):
        ascended(filters(shape=(None, None, 3)), Channel("conv", 0))
    table = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    with pytest.raises(UnsupportedModelError, match="one image"):
        ascended(Subject(table, subject.card), Channel("dense", 0))


def test_a_model_of_any_size_gets_pictures_of_the_size_that_is_asked_for():
    weights = kernels(channels=1)
    subject = filters(weights, shape=(None, None, 1))
    found = ascended(subject, Channel("conv", 0), size=(9, 7))
    slope = slopes(weights[..., 0], 9, 7)
    np.testing.assert_array_equal(found.pictures[0], np.where(slope > 0, 255, 0))


class Own(keras.Model):
    """A model with a `call` of its own, whose convolution is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(3, 3, padding="same", name="conv")

    def call(self, x):
        return keras.ops.mean(self.conv(self.conv(x)), axis=(1, 2))


def test_layers_of_models_of_every_kind_are_reached():
    plain = filters()
    inner, outer = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    backbone = keras.Model(inner, plain.model.get_layer("conv")(inner), name="backbone")
    nested = Subject(keras.Model(outer, layers.Flatten()(backbone(outer))), None)
    nested = dataclasses.replace(nested, card=tfxai.Card(name="nested", preprocessing="unit"))
    expected = ascended(plain, Channel("conv", 1), steps=3)
    found = ascended(nested, Channel("backbone/conv", 1), steps=3)
    np.testing.assert_array_equal(found.pictures, expected.pictures)

    own = Own()
    own(np.zeros((1, 8, 8, 3), np.float32))
    card = tfxai.Card(name="own", preprocessing="unit", input_shape=(8, 8, 3))
    first = ascended(Subject(own, card), Channel("conv#0", 0), steps=3)
    second = ascended(Subject(own, card), Channel("conv#1", 0), steps=3)
    maps = own.conv(first.pictures / np.float32(255)).numpy()
    np.testing.assert_allclose(first.values, maps[..., 0].mean(), rtol=1e-4)
    maps = own.conv(own.conv(second.pictures / np.float32(255))).numpy()
    np.testing.assert_allclose(second.values, maps[..., 0].mean(), rtol=1e-3)
    with pytest.raises(InvalidInputError, match="called 2 times"):
        ascended(Subject(own, card), Channel("conv", 0))


def test_both_classes_of_one_unit_have_a_picture():
    x = keras.Input((8, 8, 3))
    unit = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(x, unit)
    model.layers[-1].set_weights([np.array([[9.0], [9.0], [9.0]]), np.array([-13.0])])
    card = tfxai.Card(name="light", classes=("light",), preprocessing="unit")
    found = ascended(Subject(model, card), [ClassLogit(0), ClassLogit(1)])
    np.testing.assert_allclose(found.values, [13, 14], rtol=1e-3)
    assert found.trust.probability.min() > 0.99
    assert found.pictures[0].max() == 0
    assert found.pictures[1].min() == 255
