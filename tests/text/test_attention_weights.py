"""The attention weights of models, whoever wrote their layers."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import tfxai
from tests.text.readers import bert, looked_up
from tfxai import Subject
from tfxai.errors import InvalidInputError, LayerNotFoundError, UnsupportedModelError
from tfxai.patch_grid import PatchGrid

IDS = np.array([[2, 5, 6, 7, 3, 0], [2, 8, 3, 0, 0, 0]])
MASK = (IDS > 0).astype(int)


def asked(model, **inputs):
    return tfxai.attention(model, {name: inputs[name] for name in sorted(inputs)})


def softmax(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_weights_are_those_that_keras_returns(dropout):
    x = keras.Input((5, 6))
    layer = keras.layers.MultiHeadAttention(3, 4, dropout=dropout, name="look")
    model = keras.Model(x, keras.layers.Flatten()(layer(x, x)))
    given = np.random.default_rng(1).normal(size=(4, 5, 6)).astype(np.float32)
    found = tfxai.attention(model, given)
    _, expected = layer(given, given, return_attention_scores=True)
    assert found.layers == ("look",)
    np.testing.assert_allclose(found["look"], expected, atol=1e-6)
    parts = tfxai.attention(model, given, chunk_size=3)
    np.testing.assert_allclose(parts[0], found[0], atol=1e-6)


def test_grouped_queries_have_their_own_heads():
    x = keras.Input((4, 8))
    layer = keras.layers.GroupQueryAttention(4, 4, 2, name="look")
    model = keras.Model(x, layer(x, x))
    given = np.random.default_rng(2).normal(size=(2, 4, 8)).astype(np.float32)
    _, expected = layer(given, given, return_attention_scores=True)
    np.testing.assert_allclose(tfxai.attention(model, given)[0], expected, atol=1e-6)


def test_attention_written_by_hand():
    x = keras.Input((4, 3))
    scores = keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1)))
    model = keras.Model(x, keras.ops.matmul(keras.ops.softmax(scores), x))
    given = np.random.default_rng(3).normal(size=(2, 4, 3))
    found = tfxai.attention(model, given)
    assert found[0].shape == (2, 1, 4, 4)
    np.testing.assert_allclose(found[0][:, 0], softmax(given @ given.swapaxes(1, 2)), atol=1e-6)


def backbone(name):
    models = pytest.importorskip("keras_hub").models
    keras.utils.set_random_seed(1)
    encoder = {"vocabulary_size": 11, "num_layers": 2, "num_heads": 2, "hidden_dim": 8,
               "intermediate_dim": 12, "max_sequence_length": 8}  # fmt: skip
    if name == "llama":
        return models.LlamaBackbone(
            vocabulary_size=11, num_layers=2, num_query_heads=4, num_key_value_heads=2,
            hidden_dim=8, intermediate_dim=12,
        )  # fmt: skip
    kinds = {"bert": "BertBackbone", "roberta": "RobertaBackbone", "gpt2": "GPT2Backbone"}
    return getattr(models, kinds[name])(**encoder)


@pytest.mark.parametrize("name", ["bert", "roberta", "gpt2", "llama"])
def test_backbones_of_keras_hub(name):
    model = backbone(name)
    inputs = {"token_ids": IDS, "padding_mask": MASK}
    if name == "bert":
        inputs["segment_ids"] = np.zeros_like(IDS)
    found = tfxai.attention(model, {one.name: inputs[one.name] for one in model.inputs})
    assert len(found) == 2
    for weights in found.weights:
        assert weights.shape == (2, 4 if name == "llama" else 2, 6, 6)
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
        hidden = np.broadcast_to(MASK[:, None, None] == 0, weights.shape)
        real = np.broadcast_to(MASK[:, None, :, None] == 1, weights.shape)
        np.testing.assert_array_equal(weights[hidden & real], 0)
        if name in ("gpt2", "llama"):
            assert not np.triu(weights[0, 0], 1)[:5].any()
    assert all("layer" in path for path in found.layers)


def test_a_vision_transformer():
    models = pytest.importorskip("keras_hub").models
    model = models.ViTBackbone(
        image_shape=(8, 8, 3), patch_size=4, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=12
    )
    found = tfxai.attention(model, np.random.default_rng(0).random((2, 8, 8, 3)))
    assert found[0].shape == (2, 2, 5, 5)
    np.testing.assert_allclose(found[0].sum(-1), 1, atol=1e-5)


def test_texts_bring_their_tokens():
    found = tfxai.attention(Subject(bert()), ["a fine film"])
    assert found.labels()[:5] == ["[CLS]", "a", "fine", "film", "[SEP]"]
    assert list(found.kept()) == [0, 1, 2, 3, 4]
    table = found.most_attended()
    mean = found.mean()[0]
    assert [row[0] for row in table] == found.labels()[:5]
    assert table[1][2] == max(float(mean[1, j]) for j in (0, 2, 3, 4))
    np.testing.assert_allclose(found.mean(), found[0].mean(1), atol=1e-7)


def test_figures_of_one_head_and_of_all():
    found = tfxai.attention(Subject(bert()), ["a fine film"])
    one = found.plot(head=1)
    (axes,) = one.axes
    np.testing.assert_array_equal(axes.images[0].get_array(), found[0][0, 1, :5, :5])
    assert [label.get_text() for label in axes.get_yticklabels()] == found.labels()[:5]
    grid = found.plot(0)
    assert len(grid.axes) == 2
    np.testing.assert_array_equal(grid.axes[0].images[0].get_array(), found[0][0, 0, :5, :5])
    assert "<img" in found._repr_html_()


def test_a_figure_of_the_mean_over_the_heads():
    found = tfxai.attention(Subject(bert()), ["a fine film"])
    (axes,) = found.plot(head="mean").axes
    expected = (found[0][0, 0, :5, :5] + found[0][0, 1, :5, :5]) / 2
    np.testing.assert_allclose(axes.images[0].get_array(), expected, rtol=1e-6)
    assert [label.get_text() for label in axes.get_xticklabels()] == found.labels()[:5]


def test_a_model_without_attention_is_refused():
    with pytest.raises(UnsupportedModelError, match="no attention that can be seen"):
        tfxai.attention(looked_up(), ["good film"])


def test_what_is_not_there_is_refused():
    found = tfxai.attention(Subject(bert()), ["a fine film"])
    for call, message in (
        (lambda: found["layer"], "layer"),
        (lambda: found[7], "no attention number 7"),
    ):
        with pytest.raises(LayerNotFoundError, match=message):
            call()
    for options, message in (
        ({"head": 9}, "no head 9"),
        ({"head": "max"}, "no head 'max'.*has 2"),
        ({"index": 3}, "no example 3"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            found.plot(**options)
    with pytest.raises(InvalidInputError, match="chunk_size"):
        tfxai.attention(Subject(bert()), ["a film"], chunk_size=0)


def seeing(has_class_token=True):
    """A vision transformer of 2 x 3 patches in two layers, and two images."""
    keras.utils.set_random_seed(4)
    image = keras.Input((8, 12, 3))
    tokens = keras.layers.Reshape((6, 8))(keras.layers.Conv2D(8, 4, 4)(image))
    if has_class_token:
        tokens = keras.layers.ZeroPadding1D((1, 0))(tokens)
    for i in range(2):
        tokens = tokens + keras.layers.MultiHeadAttention(2, 4, name=f"look{i}")(tokens, tokens)
    read = tokens[:, 0] if has_class_token else keras.layers.GlobalAveragePooling1D()(tokens)
    model = keras.Model(image, keras.layers.Dense(2)(read))
    return model, np.random.default_rng(6).random((2, 8, 12, 3)).astype(np.float32)


def test_tokens_of_an_image_are_named_after_their_patches():
    model, images = seeing()
    found = tfxai.attention(model, images)
    assert found.grid() == PatchGrid(2, 3, first=1, class_token=0)
    assert found.labels() == ["class token", *(f"row {i}, column {j}" for i in range(2)
                                               for j in range(3))]  # fmt: skip
    np.testing.assert_array_equal(found.images, images)
    assert found.remark == ""
    assert found.most_attended()[4][0] == "row 1, column 0"


@pytest.mark.parametrize("has_class_token", [True, False])
def test_maps_of_patches_are_rows_of_the_weights(has_class_token):
    model, images = seeing(has_class_token)
    found = tfxai.attention(model, images)
    front = int(has_class_token)
    heads = found[0][1]
    mean = heads[1].mean(axis=0)[front:].reshape(2, 3)
    read = heads[1][0][1:].reshape(2, 3) if has_class_token else mean
    for query, expected in (
        (None, read),
        ("mean", mean),
        ((1, 2), heads[1][front + 5][front:].reshape(2, 3)),
        (2, heads[1][2][front:].reshape(2, 3)),
    ):
        np.testing.assert_allclose(found.patch_map(0, 1, 1, query=query), expected, rtol=1e-6)
    both = heads.mean(axis=0)[front][front:].reshape(2, 3)
    np.testing.assert_allclose(found.patch_map(0, index=1, query=(0, 0)), both, rtol=1e-6)
    if has_class_token:
        np.testing.assert_array_equal(found.patch_map(query="class"), found.patch_map())


def test_a_head_of_an_image_is_drawn_over_the_picture():
    model, images = seeing()
    found = tfxai.attention(model, images)
    (axes,) = found.plot(0, 1, 1, query=(1, 2)).axes
    picture, heat = axes.images
    np.testing.assert_array_equal(heat.get_array(), found.patch_map(0, 1, 1, query=(1, 2)))
    assert picture.get_array().shape == (8, 12, 3)
    assert picture.get_extent() == heat.get_extent() == [0, 3, 2, 0]
    assert axes.patches[0].get_xy() == (2, 1)
    grid = found.plot(1)
    assert len(grid.axes) == 2
    for head, axes in enumerate(grid.axes):
        np.testing.assert_array_equal(axes.images[1].get_array(), found.patch_map(1, head))
        assert axes.images[1].norm.vmax == max(found.patch_map(1, h).max() for h in range(2))
    assert "the class token" in grid.get_label()


def test_patches_that_leave_a_rest_are_drawn_over_their_part_of_the_picture():
    image = keras.Input((9, 13, 3))
    tokens = keras.layers.Reshape((6, 4))(keras.layers.Conv2D(4, 4, 4)(image))
    h = keras.layers.MultiHeadAttention(2, 3)(tokens, tokens)
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(h)))
    (axes,) = tfxai.attention(model, np.ones((1, 9, 13, 3))).plot(head=0).axes
    np.testing.assert_allclose(axes.images[0].get_extent(), [0, 13 / 4, 9 / 4, 0])
    assert axes.images[1].get_extent() == [0, 3, 2, 0]


def test_heatmaps_say_which_axis_is_which():
    model, images = seeing()
    found = tfxai.attention(model, images)
    (axes,) = found.plot(0, 1, query="all").axes
    np.testing.assert_array_equal(axes.images[0].get_array(), found[0][0, 1])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("key", "query")
    ticks = [label.get_text() for label in axes.get_yticklabels()]
    assert ticks == ["class", "row 0", "row 1"]
    assert list(axes.get_yticks()) == [0, 1, 4]
    first, second = found.plot(query="all").axes
    assert (first.get_xlabel(), first.get_ylabel()) == ("key", "query")
    assert (second.get_xlabel(), second.get_ylabel()) == ("key", "")


def test_patches_whose_places_are_unknown_have_numbers_and_a_reason():
    image = keras.Input((8, 12, 3))
    tokens = keras.layers.Reshape((6, 48))(image)  # pieces of rows
    h = keras.layers.MultiHeadAttention(2, 3)(tokens, tokens)
    found = tfxai.attention(keras.Model(image, keras.layers.Flatten()(h)), np.ones((1, 8, 12, 3)))
    assert found.grid() is None
    assert found.labels() == list("012345")
    assert "cannot be told from the model" in found.remark
    np.testing.assert_array_equal(found.plot(head=0).axes[0].images[0].get_array(), found[0][0, 0])
    with pytest.raises(InvalidInputError, match="cannot be told from the model"):
        found.plot(query=(0, 0))
    with pytest.raises(InvalidInputError, match="are no patches of an image"):
        tfxai.attention(Subject(bert()), ["a fine film"]).patch_map()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ((2, 0), "no patch in row 2, column 0: the image has 2 rows and 3 columns"),
        ((0, -1), "no patch in row 0, column -1"),
        (6, "a number from 0 to 5"),
        ("class", "there is none here"),
        ("first", "query='first' was expected"),
        (True, "query=True was expected"),
    ],
)
def test_a_query_that_is_not_there_is_refused(query, sentence):
    model, images = seeing(has_class_token=False)
    with pytest.raises(InvalidInputError) as caught:
        tfxai.attention(model, images).plot(query=query)
    assert sentence in str(caught.value)
