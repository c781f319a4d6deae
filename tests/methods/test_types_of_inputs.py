"""Integers, booleans and texts as inputs, alone and beside floats; inputs of several types."""

import itertools
import math

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tests.contract.cases import NAMES, case_of, make
from tfxai import baselines, methods
from tfxai.errors import InvalidInputError, TfxaiError
from tfxai.methods import (
    LIME,
    RISE,
    Conductance,
    DeepLIFT,
    FeatureAblation,
    GradientSHAP,
    IntegratedGradients,
    InternalInfluence,
    KernelSHAP,
    Occlusion,
    Saliency,
    ShapleySampling,
)

TABLE = np.array([[0.0, 0.0], [1.0, -2.0], [0.5, 3.0], [-1.0, 1.0]])
IDS = np.array([[1, 2, 3], [3, 0, 2]])
NUMBERS = np.array([[0.5, -1.0], [2.0, 0.25]])
SHAPLEY = {"kernel_shap": KernelSHAP(), "shapley_sampling": ShapleySampling(samples=200)}


def mixed(dtype="int32"):
    """Words and numbers: sum over words of v(w) times the sum of the numbers, plus a number."""
    words = keras.Input((3,), dtype=dtype, name="words")
    numbers = keras.Input((2,), dtype="float32", name="numbers")
    embedding = layers.Embedding(4, 2, name="embedding", weights=None)
    vectors = embedding(words)
    total = keras.ops.sum(vectors, axis=(1, 2))[:, None]
    out = total * keras.ops.sum(numbers, axis=1, keepdims=True) + numbers[:, :1]
    model = keras.Model([words, numbers], out)
    embedding.set_weights([TABLE])
    return model


def shapley(value, size):
    """Shapley values of a game by its definition."""
    result = np.zeros(size)
    for i in range(size):
        rest = [j for j in range(size) if j != i]
        for count in range(size):
            for others in itertools.combinations(rest, count):
                share = math.factorial(count) * math.factorial(size - count - 1)
                gain = value({*others, i}) - value({*others})
                result[i] += share / math.factorial(size) * gain
    return result


def score(words, numbers):
    return TABLE[words].sum() * numbers.sum() + numbers[0]


def games():
    """Shapley values of words and numbers against padding and zeros, and drops of each."""
    values, drops = [], []
    for words, numbers in zip(IDS, NUMBERS, strict=True):

        def value(shown, words=words, numbers=numbers):
            w = [word if i in shown else 0 for i, word in enumerate(words)]
            n = np.array([n if 3 + i in shown else 0 for i, n in enumerate(numbers)])
            return score(np.array(w), n)

        values.append(shapley(value, 5))
        whole = set(range(5))
        drops.append([value(whole) - value(whole - {i}) for i in range(5)])
    return np.array(values), np.array(drops)


def side_by_side(values):
    return np.concatenate([values["words"], values["numbers"]], axis=1)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("name", SHAPLEY)
def test_shapley_values_of_words_and_numbers_are_those_of_the_definition(name, dtype):
    a = SHAPLEY[name](mixed(dtype), [IDS, NUMBERS])
    np.testing.assert_allclose(side_by_side(a.values), games()[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-5)
    assert a.held == ()


def test_ablation_and_lime_see_words_too():
    a = FeatureAblation()(mixed(), [IDS, NUMBERS])
    np.testing.assert_allclose(side_by_side(a.values), games()[1], rtol=1e-4, atol=1e-5)
    lime = LIME(alpha=0.0)(mixed(), [IDS, NUMBERS])
    assert np.abs(lime.values["words"]).max() > 0.1


@pytest.mark.parametrize("method", [Occlusion(window=1), RISE(samples=50)])
def test_each_input_is_swept_by_itself(method):
    a = method(mixed(), [IDS, NUMBERS])
    assert {name: one.shape for name, one in a.values.items()} == {
        "words": (2, 3),
        "numbers": (2, 2),
    }
    if isinstance(method, Occlusion):
        np.testing.assert_allclose(side_by_side(a.values), games()[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "method",
    [
        IntegratedGradients(steps=4),
        DeepLIFT(),
        KernelSHAP(mask=np.arange(3)[:, None]),
        FeatureAblation(mask=np.arange(3)[:, None]),
    ],
    ids=lambda method: method.name,
)
def test_an_embedding_is_compared_with_that_of_padding(method):
    if isinstance(method, DeepLIFT):  # of a sum: both factors of a product have their share
        words = keras.Input((3,), dtype="int32", name="words")
        numbers = keras.Input((2,), name="numbers")
        embedding = layers.Embedding(4, 2, name="embedding")
        out = keras.ops.sum(embedding(words), axis=(1, 2))[:, None] + numbers[:, :1]
        model = keras.Model([words, numbers], out)
        embedding.set_weights([TABLE])
        factor = np.ones((2, 1, 1))
    else:
        model, factor = mixed(), NUMBERS.sum(axis=1)[:, None, None]
    a = method(model, [IDS, NUMBERS], at="embedding")
    # linear in the vectors: their difference to that of padding, id 0
    expected = (TABLE[IDS] - TABLE[0]) * factor
    values = a.values
    if "mask" in a.method["options"]:
        values = values.sum(axis=-1)
        expected = expected.sum(axis=-1)
        if isinstance(method, FeatureAblation):
            values = values / 2  # at each element the drop without the word
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


def test_numbers_are_compared_too_where_the_layer_rests_on_them():
    numbers = keras.Input((2,), name="numbers")
    words = keras.Input((1,), dtype="int32", name="words")
    vectors = layers.Embedding(4, 2, name="embedding")
    joined = layers.Concatenate(name="joined")([layers.Flatten()(vectors(words)), numbers])
    model = keras.Model([words, numbers], keras.ops.sum(joined, axis=1, keepdims=True))
    vectors.set_weights([TABLE + 1])
    a = IntegratedGradients(steps=2)(model, [IDS[:, :1], NUMBERS], at="joined")
    expected = np.concatenate([TABLE[IDS[:, 0]] - TABLE[0], NUMBERS], axis=1)
    np.testing.assert_allclose(a.values, expected, rtol=1e-5, atol=1e-6)


def test_a_dict_says_which_ids_are_the_baseline():
    base = {"words": np.array([3, 3, 3]), "numbers": np.zeros(2)}
    model = mixed()
    a = IntegratedGradients(steps=2, baseline=base)(model, [IDS, NUMBERS], at="embedding")
    expected = (TABLE[IDS] - TABLE[3]) * NUMBERS.sum(axis=1)[:, None, None]
    np.testing.assert_allclose(a.values, expected, rtol=1e-4, atol=1e-5)
    drop = FeatureAblation(baseline=base)(model, [IDS, NUMBERS]).values["words"]
    one = (TABLE[IDS] - TABLE[3]).sum(axis=-1) * NUMBERS.sum(axis=1)[:, None]
    np.testing.assert_allclose(drop, one, rtol=1e-4, atol=1e-5)
    as_list = [np.array([3, 3, 3]), np.zeros(2)]
    same = FeatureAblation(baseline=as_list)(model, [IDS, NUMBERS]).values["words"]
    np.testing.assert_allclose(same, one, rtol=1e-4, atol=1e-5)


def test_activations_are_a_baseline_of_a_layer():
    model = mixed()
    total = NUMBERS.sum(axis=1)[:, None, None]
    for baseline, start in (
        (baselines.Activations(0.0), 0.0),
        (baselines.Activations(np.full((3, 2), 0.5)), 0.5),
        (np.full((3, 2), 0.5), 0.5),
        (np.full((2, 3, 2), 0.5), 0.5),
    ):
        method = IntegratedGradients(steps=2, baseline=baseline)
        a = method(model, [IDS, NUMBERS], at="embedding")
        expected = (TABLE[IDS] - start) * total
        np.testing.assert_allclose(a.values, expected, rtol=1e-4, atol=1e-5)
        again = methods.create(**{"name": method.name, **method.to_config()["options"]})
        assert again == method
    # a number is of the inputs: padding everywhere
    zero = IntegratedGradients(steps=2, baseline=0.0)(model, [IDS, NUMBERS], at="embedding")
    np.testing.assert_allclose(zero.values, (TABLE[IDS] - TABLE[0]) * total, rtol=1e-4, atol=1e-5)
    with pytest.raises(InvalidInputError, match="of a layer's output, and the input is explained"):
        IntegratedGradients(baseline=baselines.Activations(0.0))(model, [IDS, NUMBERS])
    method = IntegratedGradients(baseline=baselines.Activations(np.zeros((4, 2))))
    with pytest.raises(InvalidInputError, match=r"shape \(4, 2\), and the layer's output has"):
        method(model, [IDS, NUMBERS], at="embedding")


def test_what_gradients_do_not_explain_is_named():
    sentence = "Input 'words' was held fast by saliency and got no values"
    with pytest.warns(tfxai.TfxaiWarning, match=sentence):
        a = Saliency(absolute=False)(mixed(), [IDS, NUMBERS])
    assert a.held == ("words",)
    assert list(a.values) == ["numbers"]
    total = TABLE[IDS].sum(axis=(1, 2))
    np.testing.assert_allclose(a.values["numbers"], np.stack([total + 1, total], 1), rtol=1e-4)


@pytest.mark.parametrize("steps", [3, 8])
def test_the_path_of_conductance_may_run_between_embeddings(steps):
    tokens = keras.Input((3,), dtype="int32")
    vectors = layers.Embedding(4, 2, name="embedding")(tokens)
    hidden = layers.Dense(3, activation="tanh", name="hidden")(layers.Flatten()(vectors))
    model = keras.Model(tokens, layers.Dense(1)(hidden))
    options = {"steps": steps, "baseline": baselines.Activations(0.25)}
    a = Conductance(layer="hidden", **options)(model, IDS, at="embedding")
    whole = IntegratedGradients(**options)(model, IDS, at="embedding")
    np.testing.assert_allclose(a.values.sum(1), whole.values.sum((1, 2)), rtol=1e-4, atol=1e-6)
    influence = InternalInfluence(layer="hidden", **options)(model, IDS, at="embedding")
    head = model.layers[-1].kernel.numpy()[:, 0]
    np.testing.assert_allclose(influence.values, [head, head], rtol=1e-5)
    for method in (Conductance(layer="hidden"), InternalInfluence(layer="hidden")):
        a, b = method(model, IDS), method(model, IDS, at="embedding")
        np.testing.assert_array_equal(a.values, b.values)  # ids have no path of their own


def pixels(dtype):
    image = keras.Input((6, 5, 2), dtype=dtype)
    floats = keras.ops.cast(image, "float32") / 255.0
    conv = layers.Conv2D(3, 3, activation="relu", name="conv1")(floats)
    return keras.Model(image, layers.Dense(2)(layers.Flatten()(conv)))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "uint16"])
@pytest.mark.parametrize("name", [n for n in NAMES if methods.get(n).takes_any_input])
def test_images_of_integers_are_explained_as_those_of_floats(name, dtype):
    model = pixels(dtype)
    x = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 2))
    floats = builders.same_weights(lambda _: pixels("float32"), model)
    method = make(name)
    a, b = method(model, x, 1), method(floats, x.astype("float32"), 1)
    if dtype == "int32" and case_of(name).blends:  # taken for words: shown or not
        assert np.isfinite(a.values).all()
        return
    tolerance = 0.02 if case_of(name).blends else 1e-5  # pixels are rounded
    np.testing.assert_allclose(a.values, b.values, rtol=tolerance, atol=tolerance)


def test_booleans_are_explained():
    flags = keras.Input((3,), dtype="bool", name="flags")
    out = keras.ops.cast(flags, "float32") @ np.array([[1.0], [2.0], [4.0]], "f4")
    x = np.array([[True, False, True]])
    a = KernelSHAP()(keras.Model(flags, out), x)
    np.testing.assert_allclose(a.values, [[1, 0, 4]], atol=1e-5)
    with pytest.raises(InvalidInputError, match="neither 0 nor 1"):
        KernelSHAP()(keras.Model(flags, out), [[0, 2, 1]])


def text_model(several=False):
    text = keras.Input((), dtype="string", name="text")
    lookup = layers.TextVectorization(vocabulary=["good", "bad", "film"], output_sequence_length=3)
    vectors = layers.Embedding(5, 1, name="embedding")
    total = keras.ops.sum(vectors(lookup(text)), axis=1)
    number = keras.Input((1,), name="number")
    out = total + (number if several else 0.0)
    model = keras.Model([text, number] if several else text, out)
    vectors.set_weights([np.array([[0.0], [0.5], [2.0], [-3.0], [0.25]])])
    return model


def test_texts_are_explained_by_word_or_behind_their_look_up():
    model, x = text_model(), np.array(["good film", "bad"])
    a = FeatureAblation()(model, x)
    np.testing.assert_allclose(a.values, [[2, 0.25, 0], [-3, 0, 0]], rtol=1e-6)
    whole = FeatureAblation(mask=[0, 0, 0])(model, x)
    np.testing.assert_allclose(whole.values.sum(axis=1), [2.25, -3.0], rtol=1e-6)
    at = IntegratedGradients(steps=1)(model, x, at="embedding")
    np.testing.assert_allclose(at.values[..., 0], [[2, 0.25, 0], [-3, 0, 0]], rtol=1e-6)
    unsaid = IntegratedGradients(steps=1)(model, x)
    assert unsaid.at == "embedding"
    np.testing.assert_array_equal(unsaid.values, at.values)
    assert list(a.inputs) == ["good film", "bad"]


def test_texts_beside_numbers(tmp_path):
    model, x = text_model(several=True), [["good film", b"bad"], [[1.0], [2.0]]]
    x[0] = np.array(["good film", "bad"], object)
    a = KernelSHAP()(model, x)
    np.testing.assert_allclose(a.values["text"], [2.25, -3.0], rtol=1e-5)
    np.testing.assert_allclose(a.values["number"], [[1.0], [2.0]], rtol=1e-5)
    other = {"text": "film", "number": np.zeros(1)}
    b = FeatureAblation(baseline=other)(model, x)
    np.testing.assert_allclose(b.values["text"], [2.0, -3.25], rtol=1e-5)
    with pytest.warns(tfxai.TfxaiWarning, match="'text' was held fast"):
        c = Saliency(absolute=False)(model, x)
    np.testing.assert_allclose(c.values["number"], [[1.0], [1.0]])
    for one in (a, b, c):
        again = type(one).load(one.save(tmp_path / "one"))
        np.testing.assert_array_equal(again.inputs["text"], ["good film", "bad"])


def test_a_text_of_a_table_has_a_baseline_of_its_own_or_a_remark():
    pandas = pytest.importorskip("pandas")
    model = text_model(several=True)
    x = [np.array(["good film", "bad"], object), [[1.0], [2.0]]]
    with pytest.warns(tfxai.TfxaiWarning, match="compared with the empty text"):
        KernelSHAP()(model, x)
    given = {
        "numbers": {"text": "film", "number": 0.0},
        "arrays": {"text": np.array(["film"]), "number": np.zeros(1)},
        "lists": {"text": ["film"], "number": [0.0]},
        "row": pandas.DataFrame({"text": ["film"], "number": [0.0]}),
    }
    for kind, baseline in given.items():
        a = FeatureAblation(baseline=baseline)(model, x)
        np.testing.assert_allclose(a.values["text"], [2.0, -3.25], rtol=1e-5, err_msg=kind)
        assert not any("empty text" in remark for remark in a.remarks)
        again = tfxai.methods.AttributionMethod.from_config(
            FeatureAblation(baseline=baseline).to_config()
        )
        np.testing.assert_array_equal(again(model, x).values["text"], a.values["text"])


@pytest.mark.parametrize("wanted", ["texts", "numbers"])
def test_texts_and_numbers_are_told_apart(wanted):
    model = text_model() if wanted == "texts" else mixed()
    x = np.ones(2) if wanted == "texts" else [np.array([["a"] * 3] * 2), NUMBERS]
    with pytest.raises(InvalidInputError, match=f"and {wanted} were expected"):
        FeatureAblation()(model, x)


def test_whole_numbers_too_large_to_tell_apart_are_refused():
    x = keras.Input((1,), dtype="int64")
    model = keras.Model(x, keras.ops.cast(x % 7, "float32"))
    np.testing.assert_allclose(FeatureAblation()(model, [[2**40 + 5]]).values, [[(2**40 + 5) % 7]])
    with pytest.raises(InvalidInputError, match=r"told apart up to 2\*\*53"):
        FeatureAblation()(model, [[2**60]])
    small = keras.Input((1,), dtype="uint8")
    with pytest.raises(InvalidInputError, match="outside the range of uint8"):
        FeatureAblation()(keras.Model(small, keras.ops.cast(small, "float32")), [[300]])


DTYPES = [("float32", "float64"), ("float64", "float32"), ("float16", "float32")]


@pytest.mark.parametrize("dtypes", DTYPES, ids="-".join)
@pytest.mark.parametrize("name", NAMES)
def test_inputs_of_two_floating_types_are_explained(name, dtypes):
    a = keras.Input((6, 5, 2), dtype=dtypes[0], name="a")
    b = keras.Input((2,), dtype=dtypes[1], name="b")
    conv = layers.Conv2D(3, 2, activation="relu", name="conv1")(keras.ops.cast(a, "float32"))
    joined = layers.Concatenate()([layers.Flatten()(conv), keras.ops.cast(b, "float32")])
    model = keras.Model([a, b], layers.Dense(2)(joined))
    x = [builders.images(2), np.array([[1.0, -1.0], [0.5, 2.0]])]
    options = {}
    if "background" in methods.get(name).__dataclass_fields__:
        options = {"background": [one[:1] for one in x]}
    refuses = case_of(name).refuses
    if "two inputs" in refuses:
        with pytest.raises(TfxaiError, match=refuses["two inputs"]):
            make(name)(model, x, 1)
        return
    found = make(name, **options)(model, x, 1)
    values = found.values.values() if isinstance(found.values, dict) else [found.values]
    assert all(np.isfinite(one).all() for one in values)
    if methods.get(name).completes and case_of(name).adds_up_on_relus:
        np.testing.assert_allclose(found.completeness_gap, 0, atol=1e-3)


def test_one_float64_input_of_a_float32_network_is_as_exact_as_the_network():
    x = keras.Input((3,), dtype="float64")
    model = keras.Model(x, layers.Dense(2, dtype="float32")(x))
    a = IntegratedGradients(steps=2)(model, np.ones((1, 3)), 1)
    np.testing.assert_allclose(a.values, model.layers[-1].kernel.numpy()[None, :, 1], rtol=1e-5)


def test_a_list_is_a_background_as_it_is_an_input():
    i, t = keras.Input((2,), name="i"), keras.Input((3,), name="t")
    model = keras.Model([i, t], layers.Dense(1)(layers.Concatenate()([i, t])))
    inputs = [np.ones((2, 2)), np.ones((2, 3))]
    as_dict = dict(zip("it", inputs, strict=True))
    for method, option in ((GradientSHAP, "background"), (methods.DeepSHAP, "background")):
        one = method(**{option: inputs})(model, inputs)
        other = method(**{option: as_dict})(model, inputs)
        np.testing.assert_array_equal(one.values["i"], other.values["i"])
    two = keras.Input((2,), name="j")
    same = keras.Model([i, two], layers.Dense(1)(layers.Concatenate()([i, two])))
    pair = [np.zeros((4, 2)), np.ones((4, 2))]  # of one shape: NumPy makes one array of it
    a = GradientSHAP(background=pair)(same, [np.ones((2, 2)), np.ones((2, 2))])
    np.testing.assert_allclose(a.values["j"], 0, atol=1e-6)
    assert np.abs(a.values["i"]).max() > 0


def test_windows_and_cells_for_an_image_leave_a_table_beside_it_its_own():
    image, table = keras.Input((8, 8, 1), name="image"), keras.Input((3,), name="table")
    joined = layers.Concatenate()([layers.Flatten()(image), table])
    model = keras.Model([image, table], layers.Dense(1, kernel_initializer="ones")(joined))
    x = [builders.images(2, (8, 8, 1)), np.array([[1.0, 2.0, 3.0], [0.0, 5.0, -1.0]])]
    for method in (Occlusion(window=(4, 4), stride=4), Occlusion(window=4, stride=4)):
        a = method(model, x)
        corner = x[0][:, :4, :4].sum(axis=(1, 2, 3))
        np.testing.assert_allclose(a.values["image"][:, 0, 0], corner, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(a.values["table"], x[1], rtol=1e-4, atol=1e-5)
    assert RISE(samples=10, cells=(3, 4))(model, x).values["table"].shape == (2, 3)
