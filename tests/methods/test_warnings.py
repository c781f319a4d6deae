"""What is told beside values that are as they should be, and what is refused beforehand."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfxai
from tests import builders
from tests.contract.cases import every_method, make
from tfxai.errors import InvalidInputError, NotFiniteError, TfxaiWarning, UnknownNameError
from tfxai.methods import (
    LIME,
    DeepLIFT,
    FeatureAblation,
    GradCAM,
    GradientSHAP,
    IntegratedGradients,
    Occlusion,
    Saliency,
    ShapleySampling,
    SmoothGrad,
)


def test_a_large_gap_is_told_once_a_call_and_a_small_one_is_not():
    model = builders.formula(lambda x: keras.ops.relu(x[:, :1] - 0.9))
    with pytest.warns(TfxaiWarning, match="by 900%.*Pass tolerance=0.01") as found:
        a = IntegratedGradients(steps=1, rule="riemann_right")(model, np.ones((3, 2)))
    assert len(found) == 1
    assert found[0].filename == __file__
    assert a.remarks
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        IntegratedGradients(tolerance=0.01)(model, np.ones((3, 2)))


def test_more_samples_are_advised_where_samples_are_what_is_taken():
    model = builders.formula(lambda x: keras.ops.relu(x[:, :1] - 0.9))
    with pytest.warns(TfxaiWarning, match="Pass more samples than 1"):
        GradientSHAP(background=np.zeros((2, 2)), samples=1)(model, np.ones((1, 2)))


def test_a_missed_tolerance_is_told():
    model = builders.formula(lambda x: keras.ops.relu(x[:, :1] - 0.93))
    with pytest.warns(TfxaiWarning, match=r"tolerance=0.001 was not reached with max_steps=9"):
        IntegratedGradients(tolerance=1e-3, max_steps=9)(model, np.ones((1, 2)))


class Jump(layers.Layer):
    def __init__(self, function):
        super().__init__(dtype="float64")
        self.function = function

    def call(self, x):
        return self.function(x)


JUMPS = {
    "Round": tf.round,
    "Floor": tf.floor,
    "Sign": tf.sign,
    "Cast": lambda x: tf.cast(tf.cast(x, tf.int32), x.dtype),
    "Greater": lambda x: tf.cast(x > 0.5, x.dtype),
}


@pytest.mark.parametrize("name", JUMPS)
def test_where_the_model_jumps_the_gap_is_said_to_be_the_models(name):
    model = builders.formula(lambda x: Jump(JUMPS[name])(x[:, :1]) * 3.0 + x[:, 1:])
    with pytest.warns(
        TfxaiWarning, match=r"The model jumps \(.*that part of the gap is the model"
    ):
        IntegratedGradients()(model, [[1.2, 1.0]])
    smooth = builders.formula(lambda x: keras.ops.relu(x[:, :1] - 0.9))
    with pytest.warns(TfxaiWarning) as found:
        IntegratedGradients(steps=1, rule="riemann_right")(smooth, [[1.0, 1.0]])
    assert "jumps" not in str(found[0].message)


def test_a_map_of_zeros_is_told():
    with pytest.warns(TfxaiWarning, match=r"saliency is zero everywhere \(example 1 of 2\)"):
        Saliency()(builders.formula(lambda x: keras.ops.relu(x[:, :1])), [[1.0, 0], [-1.0, 0]])


def rescaling(**options):
    x = keras.Input((6, 5, 3))
    first = layers.Rescaling(**options)(x)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.Conv2D(2, 2)(first))))


def normalising():
    norm = layers.Normalization(mean=[120.0] * 3, variance=[3600.0] * 3)
    x = keras.Input((6, 5, 3))
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(norm(x))))


EXPECTING = {
    "1 / 255": lambda: rescaling(scale=1 / 255),
    "1 / 127.5 - 1": lambda: rescaling(scale=1 / 127.5, offset=-1.0),
    "normalisation": normalising,
}


@pytest.mark.parametrize("name", EXPECTING)
def test_inputs_that_fill_next_to_nothing_of_the_expected_range_are_told(name):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3)).astype("f4")
    model = EXPECTING[name]()
    with pytest.warns(TfxaiWarning, match=r"fill 0.4% of the range that the model's first layers"):
        Saliency()(model, pixels / 255, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Saliency()(model, pixels, 1)
        Saliency()(model, pixels * 0.05, 1)


def test_the_range_of_the_card_counts_too():
    pixels = builders.images(1, (6, 5, 3))
    x = keras.Input((6, 5, 3))
    model = keras.Model(x, layers.Dense(2)(layers.Flatten()(x)))
    subject = tfxai.Subject(model, tfxai.Card(name="m", preprocessing="none"))
    shown = (pixels - pixels.min()) / (pixels.max() - pixels.min())
    with pytest.warns(TfxaiWarning, match="fill 0.4% of the range that the card's preprocessing"):
        Saliency()(subject, shown, 1)


LOGARITHM = builders.formula(lambda x: keras.ops.sum(keras.ops.log(x), axis=1, keepdims=True))


def test_a_score_that_is_not_finite_at_the_baseline_is_refused_where_values_complete():
    with pytest.raises(NotFiniteError, match=r"score at the baseline of example 0 is -inf"):
        IntegratedGradients(steps=4)(LOGARITHM, [[1.0, 2.0]])
    with pytest.raises(NotFiniteError, match="deep_lift gives NaN or infinity for example 0"):
        DeepLIFT()(LOGARITHM, [[1.0, 2.0]])
    one = IntegratedGradients(baseline=1.0)(LOGARITHM, [[3.0, 2.0]])
    np.testing.assert_allclose(one.values, np.log([[3.0, 2.0]]), rtol=1e-5)


def test_a_score_that_is_not_finite_at_the_baseline_is_told_where_it_is_only_reported():
    model = builders.formula(lambda x: keras.ops.log(x[:, :1] + x[:, 1:]))
    with pytest.warns(TfxaiWarning, match="The score at the baseline is -inf"):
        a = FeatureAblation()(model, [[1.0, 2.0]])
    np.testing.assert_allclose(a.values, [[np.log(1.5), np.log(3.0)]], rtol=1e-6)


def test_a_score_or_detail_that_is_not_finite_is_refused():
    model = builders.formula(lambda x: keras.ops.log(x[:, :1] - 5.0) * 0.0 + x[:, 1:])
    with pytest.raises(NotFiniteError, match="NaN or infinity for example 1"):
        Occlusion()(model, [[9.0, 2.0], [1.0, 2.0]])


@every_method
def test_a_model_or_a_value_without_a_name_is_met_with_the_right_call(name):
    cls = tfxai.methods.get(name)
    model = builders.functional()
    call = rf"{cls.__name__}\(\.\.\.\)\(model, inputs\)"
    for given in (model, tfxai.Subject(model)):
        with pytest.raises(InvalidInputError, match=rf"A model was passed to .*{call}"):
            cls(given)
        with pytest.raises(InvalidInputError, match=call):
            cls(given, 50)
    with pytest.raises(InvalidInputError, match=rf"takes options by name.*{call}"):
        cls(50)


def test_options_of_other_libraries_are_met_with_the_nearest_name():
    with pytest.raises(
        UnknownNameError, match=r"no option 'n_steps' of IntegratedGradients. .*'steps'"
    ):
        IntegratedGradients(n_steps=50)
    with pytest.raises(UnknownNameError, match=r"'nb_samples' of SmoothGrad. .*'samples'"):
        SmoothGrad(nb_samples=50)
    with pytest.raises(InvalidInputError, match="Conductance needs the option 'layer'"):
        tfxai.Conductance()


def test_too_few_samples_are_refused_before_anything_is_drawn():
    model = builders.linear(np.ones((3000, 1)))
    with pytest.raises(InvalidInputError, match="1000 samples came for 3000 features"):
        LIME()(model, np.ones((1, 3000)))


def test_more_coalitions_than_memory_holds_are_refused_beforehand():
    model = builders.linear(np.ones((20_000, 1)))
    with pytest.raises(InvalidInputError, match="24 orders of 20,000 features make 480,000 coal"):
        ShapleySampling()(model, np.ones((1, 20_000)))


def test_thousands_of_features_without_a_mask_are_refused_with_their_number():
    x = keras.Input((120,), dtype="int32")
    vectors = layers.Embedding(5, 100, name="embedding")(x)
    model = keras.Model(x, layers.Dense(1)(layers.GlobalAveragePooling1D()(vectors)))
    ids = np.ones((1, 120))
    with pytest.raises(InvalidInputError, match=r"each of 12,000 elements is a feature.*a word"):
        FeatureAblation()(model, ids, at="embedding")
    words = np.arange(120)[:, None]
    a = FeatureAblation(mask=words)(model, ids, at="embedding")
    assert a.values.shape == (1, 120, 100)


@every_method
def test_options_and_values_of_a_figure_are_those_of_the_call(name):
    a = make(name)(builders.functional(), builders.images(3), 1)
    figure = a.plot(index=[0, 2])
    assert figure is not None


def test_remarks_stand_in_the_record():
    with pytest.warns(TfxaiWarning):
        a = GradCAM()(builders.functional(), np.zeros((1, *builders.IMAGE)), 1)
    assert a.to_dict()["remarks"] == a.remarks
