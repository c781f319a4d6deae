"""Where a class activation map looks unless told otherwise."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import model_structure
from tfxai.errors import InvalidInputError, LayerNotFoundError
from tfxai.methods import (
    AttentionRollout,
    EigenCAM,
    GradCAM,
    GradientRollout,
    GuidedGradCAM,
    ScoreCAM,
    create,
    get,
)
from tfxai.methods.cam.base import ClassActivationMap
from tfxai.methods.cam.choosing import default_layers

IMAGE = (16, 16, 3)


def conv(filters, name, **options):
    return layers.Conv2D(filters, 3, padding="same", activation="relu", name=name, **options)


def attentive():
    """A convolution, attention over its positions, and a classifier."""
    x = keras.Input(IMAGE)
    maps = conv(4, "maps", strides=4)(x)
    tokens = layers.Reshape((16, 4))(maps)
    mixed = layers.MultiHeadAttention(2, 2, name="mha")(tokens, tokens)
    return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(mixed)))


def attention_between():
    """Attention on the maps themselves, then another convolution."""
    x = keras.Input(IMAGE)
    maps = conv(4, "first", strides=4)(x)
    mixed = layers.MultiHeadAttention(2, 2, attention_axes=(1, 2), name="mha")(maps, maps)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(conv(3, "last")(mixed))))


def side():
    """A convolution that no output rests on comes last."""
    x = keras.Input(IMAGE)
    main = conv(4, "main")(x)
    unused = conv(2, "unused")(main)
    pooled = layers.GlobalAveragePooling2D()(main)
    zero = keras.ops.zeros_like(layers.GlobalAveragePooling2D()(unused))
    return keras.Model(x, layers.Dense(2)(layers.Concatenate()([pooled, zero])))


def autoencoder():
    x = keras.Input(IMAGE)
    down = conv(8, "bottleneck", strides=4)(conv(4, "down", strides=2)(x))
    up = layers.UpSampling2D(8, name="up")(down)
    return keras.Model(x, layers.Conv2D(2, 1, activation="softmax", name="out")(up))


def unet():
    x = keras.Input(IMAGE)
    first = conv(4, "first")(x)
    low = conv(8, "low")(layers.MaxPooling2D(4, name="pool")(first))
    again = conv(8, "lowest")(low)
    joined = layers.Concatenate()([layers.UpSampling2D(4)(again), first])
    return keras.Model(x, layers.Conv2D(3, 1, name="out")(joined))


def prepared():
    x = keras.Input(IMAGE)
    scaled = layers.ZeroPadding2D()(layers.Rescaling(1 / 255)(x))
    dropped = layers.Dropout(0.5, name="drop")(conv(4, "maps")(scaled))
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(dropped)))


def series():
    x = keras.Input((20, 3))
    maps = layers.Conv1D(4, 3, activation="relu", name="maps")(x)
    return keras.Model(x, layers.Dense(2)(layers.GlobalMaxPooling1D()(maps)))


def volume():
    x = keras.Input((6, 6, 6, 2))
    maps = layers.Conv3D(4, 3, activation="relu", name="maps")(x)
    return keras.Model(x, layers.Dense(2)(layers.GlobalMaxPooling3D()(maps)))


def words():
    x = keras.Input((20,), dtype="int32")
    maps = layers.Conv1D(4, 3, activation="relu", name="maps")(layers.Embedding(9, 3)(x))
    return keras.Model(x, layers.Dense(2)(layers.GlobalMaxPooling1D()(maps)))


def film():
    x = keras.Input((5, 8, 8, 3))
    maps = layers.TimeDistributed(conv(4, "inner"), name="maps")(x)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(maps)))


def several_inputs():
    image, other = keras.Input(IMAGE, name="image"), keras.Input((3,), name="other")
    maps = layers.Flatten()(conv(4, "maps", strides=2)(image))
    return keras.Model([image, other], layers.Dense(2)(layers.Concatenate()([maps, other])))


MODELS = {
    attentive: "maps",
    attention_between: "last",
    side: "main",
    autoencoder: "bottleneck",
    unet: "lowest",
    prepared: "maps",
    series: "maps",
    volume: "maps",
    words: "maps",
    film: "maps",
    several_inputs: "maps",
    builders.nested: "backbone/conv2",
    builders.doubly_nested: "outer/backbone/conv2",
}


def inputs(model):
    rng = np.random.default_rng(0)
    found = [
        rng.integers(0, 9, (2, *t.shape[1:]))
        if t.dtype == "int32"
        else rng.uniform(size=(2, *t.shape[1:]))
        for t in model.inputs
    ]
    return found if len(found) > 1 else found[0]


def target(model):
    return 1 if len(model.output_shape) == 2 else [(1,) * (len(model.output_shape) - 1)] * 2


@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_the_last_feature_maps_are_chosen(build):
    model = build()
    a = GradCAM()(model, inputs(model), target(model))
    assert a.method["options"]["layer"] == MODELS[build]
    named = GradCAM(layer=MODELS[build])(model, inputs(model), target(model))
    np.testing.assert_array_equal(a.values, named.values)


@pytest.mark.filterwarnings(builders.KERAS_SAVES)
@pytest.mark.parametrize(
    "build",
    [one for one in MODELS if one not in (series, volume, words, film, side)],
    ids=lambda build: build.__name__,
)
def test_the_choice_is_the_one_that_inspect_names(build, tmp_path):
    path = tmp_path / "model.keras"
    build().save(path)
    found = tfxai.inspect_model(path)
    assert found.cam_layer is not None
    assert found.cam_layer[0] == MODELS[build]


def patches(has_class_token):
    """A vision transformer: patches, attention, and the class token or the mean."""
    x = keras.Input(IMAGE)
    cut = layers.Conv2D(8, 4, strides=4, name="patches")(x)
    tokens = layers.Reshape((16, 8))(cut)
    if has_class_token:
        tokens = layers.ZeroPadding1D((1, 0))(tokens)
    for i in range(2):
        normed = layers.LayerNormalization(name=f"norm{i}")(tokens)
        mixed = layers.MultiHeadAttention(2, 4, name=f"mha{i}")(normed, normed)
        tokens = layers.Add(name=f"add{i}")([tokens, mixed])
    out = tokens[:, 0] if has_class_token else layers.GlobalAveragePooling1D()(tokens)
    return keras.Model(x, layers.Dense(2)(out))


@pytest.mark.parametrize("has_class_token", [True, False])
def test_tokens_of_patches_have_no_default_but_a_layer_and_a_grid_that_work(has_class_token):
    model = patches(has_class_token)
    x = inputs(model)
    with pytest.raises(LayerNotFoundError) as found:
        GradCAM()(model, x, 1)
    assert "layer='norm1', reshape=(4, 4)" in str(found.value)
    a = GradCAM(layer="norm1", reshape=(4, 4))(model, x, 1)
    assert a.values.shape == (2, 4, 4)
    assert np.any(EigenCAM(layer="norm1", reshape=(4, 4))(model, x).values)
    for grid in ((3, 4), (4, 3), (4, 5), (2, 8 if has_class_token else 7)):
        if grid == (2, 8):
            continue
        with pytest.raises(
            InvalidInputError, match=r"Pass the grid of its patches, such as \(4, 4\)"
        ):
            GradCAM(layer="norm1", reshape=grid)(model, x, 1)


CAMS = [name for name in tfxai.methods.names() if issubclass(get(name), ClassActivationMap)]


@pytest.mark.parametrize("name", [name for name in CAMS if name != "guided_grad_cam"])
def test_the_grid_of_the_patches_is_read_from_the_model(name):
    model = patches(False)
    x = inputs(model)
    a = create(name, reshape="auto")(model, x, 1)
    expected = create(name, layer="norm1", reshape=(4, 4))(model, x, 1)
    np.testing.assert_array_equal(a.values, expected.values)
    assert (a.method["options"]["layer"], a.method["options"]["reshape"]) == ("norm1", [4, 4])
    named = create(name, layer="norm0", reshape="auto")(model, x, 1)
    expected = create(name, layer="norm0", reshape=(4, 4))(model, x, 1)
    np.testing.assert_array_equal(named.values, expected.values)


def test_maps_in_front_of_attention_are_told_of():
    model = attentive()
    x = inputs(model)
    said = "grad_cam looks at 'maps', in front of the model's attention"
    assert [note[: len(said)] for note in GradCAM()(model, x, 1).notes] == [said]
    assert GradCAM(reshape="auto")(model, x, 1).notes == ()
    between = attention_between()
    assert GradCAM()(between, inputs(between), 1).notes == ()


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 4])
def test_registers_stand_before_the_patches(number):
    backbone = pytest.importorskip("keras_hub").models.DINOV2Backbone(
        num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=12, patch_size=4,
        num_register_tokens=number, image_shape=(8, 8, 3),
    )  # fmt: skip
    model = keras.Model(backbone.input, layers.Dense(2)(backbone.output[:, 0]))
    x = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    a = create("hires_cam", reshape="auto")(model, x, 1)
    products = tfxai.GradientInput()(model, x, 1, at=a.method["options"]["layer"]).values
    assert products.shape == (2, 1 + number + 4, 8)
    expected = products.sum(axis=-1)[:, 1 + number :].reshape(2, 2, 2)
    np.testing.assert_allclose(a.values, expected, rtol=1e-5, atol=1e-7)
    assert np.any(expected)


@pytest.mark.parametrize("grid", [(2, 8), (8, 2), (1, 16)])
@pytest.mark.parametrize("method", [AttentionRollout, GradientRollout, GradCAM])
def test_another_grid_than_the_models_own_is_refused(method, grid):
    model = patches(False)
    words = {"layer": "norm1"} if method is GradCAM else {}
    with pytest.raises(InvalidInputError, match="the model's patches are 4 rows of 4"):
        method(reshape=grid, **words)(model, inputs(model), 1)
    assert method(reshape=(4, 4), **words)(model, inputs(model), 1).values.shape == (2, 4, 4)


def test_a_grid_that_the_model_does_not_tell_is_refused():
    cnn = builders.functional()
    with pytest.raises(InvalidInputError, match="no attention of this model looks at any"):
        GradCAM(reshape="auto")(cnn, inputs(cnn), 1)
    x = keras.Input(IMAGE)
    tokens = layers.Dense(8, name="embed")(layers.Reshape((16, 48))(x))  # pieces of rows
    mixed = layers.MultiHeadAttention(2, 4, name="mha")(tokens, tokens)
    model = keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(mixed)))
    with pytest.raises(InvalidInputError, match=r"16 positions of 'embed' are cannot be told"):
        GradCAM(reshape="auto")(model, inputs(model), 1)
    with pytest.raises(InvalidInputError, match="grid, 'auto', or None"):
        GradCAM(reshape="square")


def test_patches_cut_by_reshaping_are_told_of_too():
    x = keras.Input(IMAGE)
    tokens = layers.Dense(8, name="embed")(layers.Reshape((16, 48))(x))
    mixed = layers.MultiHeadAttention(2, 4, name="mha")(tokens, tokens)
    model = keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(mixed)))
    with pytest.raises(LayerNotFoundError, match=r"layer='embed', reshape=\(h, w\)"):
        GradCAM()(model, inputs(model), 1)


def siamese():
    a, b = keras.Input(IMAGE, name="a"), keras.Input(IMAGE, name="b")
    inner = keras.Input(IMAGE)
    backbone = keras.Model(inner, conv(4, "maps", strides=2)(inner), name="backbone")
    both = layers.Concatenate()([layers.Flatten()(backbone(one)) for one in (a, b)])
    return keras.Model([a, b], layers.Dense(2)(both))


def test_calls_of_a_shared_layer_on_different_images_are_asked_for():
    model = siamese()
    x = inputs(model)
    with pytest.raises(InvalidInputError, match=r"'backbone/maps#0' or 'backbone/maps#1'"):
        GradCAM()(model, x, 1)
    maps = [GradCAM(layer=f"backbone/maps#{number}")(model, x, 1) for number in range(2)]
    assert {one.map_input for one in maps} == {"a", "b"}
    for one in maps:
        assert one.heatmap((16, 16)).shape == (2, 16, 16)
        other = [
            image if name == one.map_input else image[::-1]
            for name, image in zip("ab", x, strict=True)
        ]
        method = GradCAM(layer=one.method["options"]["layer"])
        again = method(
            model, other, 1
        )  # linear behind the maps: the other image counts for nothing
        np.testing.assert_allclose(again.values, one.values, rtol=1e-5)


class Held(layers.Layer):
    """The other input as a constant."""

    def __init__(self, other):
        super().__init__()
        self.other = other

    def call(self, x):
        return keras.ops.repeat(self.other, keras.ops.shape(x)[0], axis=0)


@pytest.mark.parametrize("method", [ScoreCAM(), GuidedGradCAM()], ids=lambda m: m.name)
def test_maps_of_one_of_several_inputs_are_those_of_it_alone(method):
    """With the other input held, the model is one of the image alone."""
    model = several_inputs()
    image, other = inputs(model)
    x = keras.Input(IMAGE)
    alone = keras.Model(x, model([x, Held(other[:1].astype("float32"))(x)]))
    one = dataclasses.replace(method, layer=f"{model.name}/maps")(alone, image[:1], 1)
    found = method(model, [image[:1], other[:1]], 1)
    values = found.values["image"] if isinstance(found.values, dict) else found.values
    np.testing.assert_allclose(values, one.values, rtol=1e-4, atol=1e-7)
    assert found.map_input == "image"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "layer"), [("MobileNetV2", "out_relu"), ("VGG16", "block5_pool")]
)
def test_architectures_of_keras_have_their_last_activation(build, layer):
    cls = getattr(keras.applications, build)
    model = cls(weights=None, input_shape=(64, 64, 3), classes=3)
    layout, _ = read_inputs(model, np.zeros((1, 64, 64, 3)))
    assert default_layers(model_structure(model, layout)) == (layer,)
