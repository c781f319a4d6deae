"""Which patch of an image each token is: grids that are known, and those that are refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfxai
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import model_structure
from tfxai.errors import InvalidInputError
from tfxai.patch_grid import PatchGrid

IMAGE = (8, 12, 3)


def places(model):
    layout, _ = read_inputs(model, np.zeros((1, *model.input_shape[1:]), np.float32))
    return model_structure(model, layout).tokens


def attended(image, tokens):
    h = layers.MultiHeadAttention(2, 3)(tokens, tokens)
    return keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling1D()(h)))


def by_convolution(image):
    return layers.Reshape((6, 4))(layers.Conv2D(4, 4, 4)(image))


def by_stem(image):
    for _ in range(2):
        image = layers.BatchNormalization()(layers.Conv2D(4, 3, 2, padding="same")(image))
    return layers.Reshape((-1, 4))(image)


def by_extraction(image):
    return layers.Reshape((6, 48))(ops.image.extract_patches(image, (4, 4)))


def by_hand(image):
    parts = ops.reshape(image, (-1, 2, 4, 3, 4, 3))
    return ops.reshape(ops.transpose(parts, (0, 1, 3, 2, 4, 5)), (-1, 6, 48))


def in_a_dense_layer(image):
    return layers.Dense(5, activation="gelu")(layers.Dense(7)(by_hand(image)))


@pytest.mark.parametrize(
    "cut", [by_convolution, by_stem, by_extraction, by_hand, in_a_dense_layer],
    ids=lambda cut: cut.__name__,
)  # fmt: skip
def test_patches_lie_in_rows_and_columns_however_they_are_cut(cut):
    image = keras.Input(IMAGE)
    (one,) = places(attended(image, cut(image)))
    assert one.grid == PatchGrid(2, 3)
    assert not one.in_windows


def test_channels_that_come_first_make_no_difference():
    image = keras.Input((3, 8, 12))
    cut = layers.Conv2D(4, 4, 4, data_format="channels_first")(image)
    tokens = ops.transpose(ops.reshape(cut, (-1, 4, 6)), (0, 2, 1))
    assert places(attended(image, tokens))[0].grid == PatchGrid(2, 3)


def with_front(read, count=2, behind=0):
    """A model with tokens in front of its patches and behind them."""
    image = keras.Input(IMAGE)
    tokens = layers.ZeroPadding1D((count, behind))(by_convolution(image))
    h = layers.MultiHeadAttention(2, 3)(tokens, tokens)
    return keras.Model(image, read(h))


@pytest.mark.parametrize(
    ("read", "class_token"),
    [
        (lambda h: h[:, 0], 0),
        (lambda h: h[:, 1], 1),
        (lambda h: ops.take(h, 0, axis=1), 0),
        (lambda h: ops.mean(h, axis=1), None),
        (lambda h: ops.mean(h[:, 2:], axis=1), None),
        (lambda h: h, 0),
    ],
    ids=["first", "second", "taken", "pooled", "patches alone", "backbone"],
)
def test_the_class_token_is_the_one_that_is_read_alone(read, class_token):
    grid = places(with_front(read))[0].grid
    assert grid == PatchGrid(2, 3, first=2, class_token=class_token)


def test_tokens_behind_the_patches_are_counted():
    grid = places(with_front(lambda h: ops.mean(h, axis=1), 1, 3))[0].grid
    assert grid == PatchGrid(2, 3, first=1, behind=3)
    assert grid.tokens == 10


def test_patches_that_leave_a_rest_cover_less():
    image = keras.Input((9, 13, 3))
    tokens = layers.Reshape((6, 4))(layers.Conv2D(4, 4, 4)(image))
    grid = places(attended(image, tokens))[0].grid
    np.testing.assert_allclose(grid.covers, (8 / 9, 12 / 13))


def rows(image):
    return layers.Reshape((6, 48))(image)


def turned(image):
    return layers.Reshape((6, 4))(layers.Permute((2, 1, 3))(layers.Conv2D(4, 4, 4)(image)))


def rolled(image):
    return layers.Reshape((6, 4))(ops.roll(layers.Conv2D(4, 4, 4)(image), 1, axis=1))


def padded(image):
    return layers.Reshape((12, 4))(
        layers.ZeroPadding2D(((0, 1), (0, 1)))(layers.Conv2D(4, 4, 4)(image))
    )


def reversed_(image):
    return ops.flip(by_convolution(image), axis=1)


@pytest.mark.parametrize(
    "cut", [rows, turned, rolled, padded, reversed_], ids=lambda c: c.__name__
)
def test_what_is_no_grid_row_by_row_has_none(cut):
    image = keras.Input(IMAGE)
    (one,) = places(attended(image, cut(image)))
    assert one.grid is None


def windows(image):
    """Four windows of 2 x 2 patches on an axis of their own."""
    cut = layers.Conv2D(4, 2, 2)(image)
    parts = ops.transpose(ops.reshape(cut, (-1, 2, 2, 3, 2, 4)), (0, 1, 3, 2, 4, 5))
    return ops.reshape(parts, (-1, 6, 4, 4))


def test_windows_are_told_from_the_whole_image():
    image = keras.Input(IMAGE)
    tokens = windows(image)
    h = layers.MultiHeadAttention(1, 3, attention_axes=(2,), name="look")(tokens, tokens)
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(h)))
    (one,) = places(model)
    assert one.grid is None
    assert one.in_windows
    with pytest.raises(InvalidInputError, match=r"'look'.*windows"):
        tfxai.attention(model, np.zeros((1, *IMAGE), np.float32))


def test_a_text_has_no_places():
    x = keras.Input((5, 4))
    assert places(attended(x, x)) == ()


def hub(name):
    models = pytest.importorskip("keras_hub").models
    small = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "patch_size": 4}
    if name == "vit":
        return models.ViTBackbone(image_shape=(8, 12, 3), mlp_dim=12, **small)
    small |= {"image_shape": (8, 8, 3), "intermediate_dim": 12}
    if name == "deit":
        return models.DeiTBackbone(**small)
    return models.DINOV2Backbone(num_register_tokens=4 if name == "registers" else 0, **small)


@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("vit", PatchGrid(2, 3, first=1, class_token=0)),
        ("dino", PatchGrid(2, 2, first=1, class_token=0)),
        ("registers", PatchGrid(2, 2, first=5, class_token=0)),
        ("deit", PatchGrid(2, 2, first=2, class_token=0)),
    ],
)
def test_backbones_of_keras_hub(name, grid):
    found = places(hub(name))
    assert [one.grid for one in found] == [grid, grid]


def test_each_token_is_the_patch_that_its_place_says():
    """One pixel after the other: the token that changes is the one of the pixel's patch."""
    image = keras.Input(IMAGE)
    model = keras.Model(image, by_hand(image))
    grid = places(attended(image, by_hand(image)))[0].grid
    x = np.random.default_rng(0).random((1, *IMAGE), np.float32)
    before = np.asarray(model(x))[0]
    for row, column in ((0, 0), (3, 11), (4, 4), (7, 0)):
        moved = x.copy()
        moved[0, row, column] += 1
        (changed,) = np.flatnonzero(np.any(np.asarray(model(moved))[0] != before, axis=1))
        assert grid.place(int(changed)) == (row // 4, column // 4)
        assert grid.token(row // 4, column // 4) == changed


@pytest.mark.filterwarnings("ignore:Layer .* looks like it has unbuilt state:UserWarning")
@pytest.mark.filterwarnings("ignore:Layer 'attn' .* was passed an input with a mask:UserWarning")
def test_a_swin_transformer_is_refused_for_its_windows():
    models = pytest.importorskip("keras_hub").models
    model = models.SwinTransformerBackbone(
        image_shape=(32, 32, 3), patch_size=4, embed_dim=8, depths=[2, 2], num_heads=[2, 2],
        window_size=4,
    )  # fmt: skip
    assert all(one.grid is None for one in places(model))
    with pytest.raises(InvalidInputError, match="looks at windows of an input by themselves"):
        tfxai.attention(model, np.zeros((1, 32, 32, 3), np.float32))
