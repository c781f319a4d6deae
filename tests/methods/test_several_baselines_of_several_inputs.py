"""Baselines and backgrounds of models with several inputs, and of pixels."""

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tfxai.baselines import Samples
from tfxai.data import Preprocessing
from tfxai.errors import InvalidInputError
from tfxai.methods import (
    RISE,
    AttributionMethod,
    Conductance,
    DeepLIFT,
    DeepSHAP,
    FeatureAblation,
    GradCAM,
    GradientSHAP,
    IntegratedGradients,
    KernelSHAP,
    Occlusion,
)


def two_inputs():
    """A table and a series, each through a layer of its own."""
    table = keras.Input((3,), name="table", dtype="float64")
    series = keras.Input((4, 2), name="series", dtype="float64")
    conv = layers.Conv1D(3, 2, activation="relu", name="conv", dtype="float64")(series)
    hidden = layers.Dense(4, activation="relu", name="hidden", dtype="float64")(table)
    both = layers.Concatenate(dtype="float64")([hidden, layers.Flatten(dtype="float64")(conv)])
    return keras.Model(
        {"table": table, "series": series}, layers.Dense(2, dtype="float64", name="out")(both)
    )


def given(count, seed):
    rng = np.random.default_rng(seed)
    return {"table": rng.normal(size=(count, 3)), "series": rng.normal(size=(count, 4, 2))}


X, BACKGROUND = given(2, 1), given(3, 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda b: IntegratedGradients(steps=7, baseline=b),
        lambda b: DeepLIFT(baseline=b),
        lambda b: FeatureAblation(baseline=b),
    ],
)
def test_set_of_baselines_is_the_mean_over_its_members(make):
    model = two_inputs()
    members = [{k: v[r] for k, v in BACKGROUND.items()} for r in range(3)]
    each = [make(one)(model, X, target=1) for one in members]
    a = make(Samples(BACKGROUND))(model, X, target=1)
    for name in X:
        expected = np.mean([one.values[name] for one in each], axis=0)
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(a.values[name], expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(a.baseline_score, np.mean([o.baseline_score for o in each], axis=0))


@pytest.mark.parametrize("method", [DeepSHAP, GradientSHAP])
def test_background_is_a_dict_of_arrays_and_is_stored_so(method, tmp_path):
    model, made = two_inputs(), method(background=BACKGROUND)
    a = made(model, X, target=1)
    total = sum(one.reshape(2, -1).sum(axis=1) for one in a.values.values())
    difference = a.score - a.baseline_score
    np.testing.assert_allclose(a.completeness_gap, total - difference, atol=1e-13)
    background = np.asarray(model(BACKGROUND))[:, 1].mean()
    np.testing.assert_allclose(a.baseline_score, background, rtol=1e-10)
    back = tfxai.Attribution.load(a.save(tmp_path / "a"))
    for record in (back.method, made.to_config()):
        assert AttributionMethod.from_config(record) == made
    assert hash(AttributionMethod.from_config(made.to_config())) == hash(made)
    assert back.plot().axes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b["table"], r"takes 2 inputs \(table, series\), and a dict with one array for"),
        (lambda b: {"table": b["table"]}, r"is of \['table'\], and \['series', 'table'\] were"),
        (lambda b: {**b, "table": b["table"][:2]}, "as many of each input were expected"),
        (
            lambda b: {**b, "table": b["table"][:, :2]},
            r"shape \(3, 2\), and \(R, 3\) was expected",
        ),
    ],
)
def test_background_that_does_not_fit_is_refused(change, message):
    with pytest.raises(InvalidInputError, match=message):
        DeepSHAP(background=change(BACKGROUND))(two_inputs(), X)


def test_baseline_of_other_inputs_is_refused():
    with pytest.raises(InvalidInputError, match=r"The baseline is of \['table'\], and \['series'"):
        IntegratedGradients(baseline={"table": np.zeros(3)})(two_inputs(), X)


@pytest.mark.parametrize("background", [None, "black"])
def test_what_is_no_background_is_named(background):
    with pytest.raises(
        InvalidInputError, match=f"background={background!r} was expected to be an"
    ):
        DeepSHAP(background=background)


def test_wrong_numbers_are_told_in_a_few_words():
    for numbers in (np.full((20, 24, 24, 3), np.nan), [[1.0] * 50, [2.0]]):
        with pytest.raises(InvalidInputError) as caught:
            Samples(numbers)
        assert len(str(caught.value)) < 300
    with pytest.raises(
        InvalidInputError, match=r"array of float64, shape \(2, 3\) with NaN or inf"
    ):
        IntegratedGradients(baseline=np.full((2, 3), np.nan))


@pytest.mark.parametrize(
    "make",
    [
        lambda pixels: DeepSHAP(background=pixels),
        lambda pixels: GradientSHAP(background=pixels),
        lambda pixels: IntegratedGradients(baseline=pixels[0]),
        lambda pixels: IntegratedGradients(baseline=float(pixels.max())),
        lambda pixels: Occlusion(window=2, baseline=tfxai.baselines.Constant(float(pixels.max()))),
        lambda pixels: RISE(samples=4, baseline=float(pixels.max())),
        lambda pixels: KernelSHAP(
            samples=64, mask=np.arange(30).reshape(6, 5) % 3, baseline=float(pixels.max())
        ),
    ],
)
def test_pixels_are_no_baseline_where_they_are_preprocessed(make):
    card = tfxai.Card(name="a", preprocessing="unit")
    assert card.preprocessing == Preprocessing("unit")
    subject = tfxai.Subject(builders.functional(), card)
    pixels = np.random.default_rng(0).integers(0, 256, (2, *builders.IMAGE)).astype(np.uint8)
    with pytest.raises(InvalidInputError, match=r"The baseline runs from \d+ to 25\d, and prepro"):
        make(pixels)(subject, pixels)
    a = make(subject.prepare(pixels))(subject, pixels)
    assert np.isfinite(a.values).all()


def test_more_rows_than_inputs_are_no_baseline_each_and_samples_are_named():
    model, x = builders.functional(), builders.images(2)
    for rows in (1, 2):
        a = IntegratedGradients(baseline=builders.images(rows))(model, x)
        assert np.isfinite(a.values).all()
    with pytest.raises(InvalidInputError, match=r"all of them, pass tfxai.baselines.Samples\(arr"):
        IntegratedGradients(baseline=builders.images(3))(model, x)
    a = IntegratedGradients(baseline=tfxai.baselines.Samples(builders.images(3)))(model, x)
    assert np.isfinite(a.values).all()
    with pytest.raises(InvalidInputError, match=r"or one per example\.$"):
        IntegratedGradients(baseline=np.zeros((3, 2, 2, 3)))(model, x)


@pytest.mark.parametrize("method", [GradCAM(layer="conv"), Conductance(layer="conv", steps=3)])
def test_layer_behind_several_inputs_is_drawn(method):
    assert method(two_inputs(), X, target=0).plot().axes


def test_tables_have_no_baselines_by_default():
    model = builders.linear([[1.0]] * 3)
    with pytest.raises(InvalidInputError, match=r"are of shape \(2, 3\), and the baselines that"):
        tfxai.compare_baselines(model, np.ones((2, 3)))
    assert tfxai.compare_baselines(model, np.ones((2, 3)), baselines=[0.0, 0.5]).axes
    with pytest.raises(InvalidInputError, match=r"are several, .*Pass baselines="):
        tfxai.compare_baselines(two_inputs(), X)


def test_what_is_meant_as_something_else_is_refused():
    with pytest.raises(InvalidInputError, match=r"Contrast\(1, 1\) sets a class against itself"):
        tfxai.Contrast(1, 1)
    with pytest.raises(InvalidInputError, match="register_score was used without a name"):
        tfxai.register_score(lambda outputs: outputs[:, 0])
    with pytest.raises(
        InvalidInputError, match="classes='ab' was expected to be a tuple of names"
    ):
        tfxai.Card(name="a", classes="ab")


def test_operation_without_a_rule_is_placed_by_the_path_of_its_layer():
    x = keras.Input((4,), name="in")
    gate = layers.Dense(4, activation="sigmoid", name="gate_1")(x)
    inner = keras.Model(x, layers.Maximum(name="larger_2")([x, gate]), name="inner")
    y = keras.Input((4,))
    model = keras.Model(y, layers.Dense(2, activation="softmax", name="out")(inner(y)))
    with pytest.raises(tfxai.TfxaiError, match=r"Maximum in 'inner/larger_2': it combines"):
        DeepLIFT()(model, np.ones((1, 4), np.float32))
    plain = keras.Model(x, layers.Dense(2, activation="log_softmax", name="out_3")(gate))
    with pytest.raises(tfxai.TfxaiError, match=r"in 'out_3': .* Explain the logit if that is the"):
        DeepLIFT()(plain, np.ones((1, 4), np.float32), score="output")
