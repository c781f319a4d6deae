import keras
import numpy as np
import pytest

from tfxai.data.preprocessing import CIFAR10_MEAN, CIFAR10_STD
from tfxai.errors import InvalidInputError
from tfxai.models import resnet18, three_block_cnn, vision_transformer


@pytest.fixture(scope="module")
def cnn():
    return three_block_cnn()


@pytest.fixture(scope="module")
def small_resnet():
    return resnet18(width=4)


@pytest.fixture(scope="module")
def transformer():
    return vision_transformer()


def parameters(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def test_three_block_cnn_has_the_parameters_of_its_definition(cnn):
    blocks = 3 * 32 * 9 + 32 * 32 * 9 + 32 * 64 * 9 + 64 * 64 * 9 + 64 * 128 * 9 + 128 * 128 * 9
    filters = 2 * (32 + 64 + 128)  # a bias and batch normalisation's four numbers each
    dense = (4 * 4 * 128 * 1024 + 1024) + (1024 * 10 + 10)
    assert cnn.count_params() == blocks + 5 * filters + dense == 2_397_226
    assert parameters(cnn.trainable_weights) == blocks + 3 * filters + dense


def test_three_block_cnn_has_its_names(cnn):
    blocks = [
        name
        for block in (1, 2, 3)
        for name in (
            f"Conv2D_Block{block}_Layer1",
            f"BatchNorm_Block{block}_Layer1",
            f"Conv2D_Block{block}_Layer2",
            f"BatchNorm_Block{block}_Layer2",
            f"MaxPool_Block{block}",
        )
    ]
    head = ["Flatten", "Dropout_Flatten", "Dense_Hidden", "Dropout_Hidden", "Output_Layer"]
    assert [layer.name for layer in cnn.layers] == ["Input_Layer", *blocks, *head]
    assert cnn.name == "CIFAR10_CNN_Model"


def test_three_block_cnn_has_its_shapes(cnn):
    assert cnn.get_layer("MaxPool_Block3").output.shape == (None, 4, 4, 128)
    assert cnn.get_layer("Dropout_Flatten").rate == cnn.get_layer("Dropout_Hidden").rate == 0.2
    for block, filters in ((1, 32), (2, 64), (3, 128)):
        for layer in (1, 2):
            convolution = cnn.get_layer(f"Conv2D_Block{block}_Layer{layer}")
            assert (convolution.filters, convolution.kernel_size) == (filters, (3, 3))
            assert (convolution.padding, convolution.activation.__name__) == ("same", "relu")


def test_outputs_are_probabilities(cnn, small_resnet, transformer):
    images = np.random.default_rng(0).random((3, 32, 32, 3), np.float32)
    for model in (cnn, small_resnet, transformer):
        outputs = np.asarray(model(images))
        assert outputs.shape == (3, 10)
        assert outputs.min() >= 0
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)


def test_other_shapes_and_numbers_of_classes():
    assert three_block_cnn((16, 24, 1), 3).output_shape == (None, 3)
    assert resnet18((16, 16, 1), 2, width=1).output_shape == (None, 2)
    assert vision_transformer((16, 24, 1), 3, dim=8, blocks=1).output_shape == (None, 3)


@pytest.mark.slow
def test_resnet18_has_the_parameters_of_its_definition():
    # He et al., Table 1, with a 3x3 stem: by hand for a width of 64
    def normalised(inputs, filters, size):
        return inputs * filters * size**2 + 4 * filters  # and batch normalisation's four

    expected, inputs = normalised(3, 64, 3), 64
    for filters in (64, 128, 256, 512):
        expected += normalised(inputs, filters, 3) + 3 * normalised(filters, filters, 3)
        expected += normalised(inputs, filters, 1) if filters != inputs else 0
        inputs = filters
    model = resnet18()
    counted = parameters(model.trainable_weights) + parameters(
        weight for weight in model.non_trainable_weights if "moving" in weight.path
    )
    assert counted == expected + 512 * 10 + 10


def test_images_in_0_to_1_are_taken(small_resnet, transformer):
    image = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    for layer in (small_resnet.get_layer("Normalisation"), transformer.get_layer("normalisation")):
        np.testing.assert_allclose(layer(image), (image - CIFAR10_MEAN) / CIFAR10_STD, rtol=1e-5)


def test_resnet18_adds_what_came_in(small_resnet):
    block = "Stage2_Block2"
    middle = small_resnet.get_layer(f"{block}_Add")
    assert middle.input[1] is small_resnet.get_layer("Stage2_Block1_ReLU_Layer2").output
    assert middle.input[0] is small_resnet.get_layer(f"{block}_BatchNorm_Layer2").output


def test_resnet18_keeps_small_images_large_and_shrinks_large_ones(small_resnet):
    assert small_resnet.get_layer("Stem_ReLU").output.shape == (None, 32, 32, 4)
    assert small_resnet.get_layer("Stage4_Block2_Add").output.shape == (None, 4, 4, 32)
    large = resnet18((64, 64, 3), width=1, small_images=False)
    assert large.get_layer("Stem_MaxPool").output.shape == (None, 16, 16, 1)
    assert large.get_layer("Stem_Conv2D").kernel_size == (7, 7)


def test_vision_transformer_has_the_parameters_of_its_definition(transformer):
    stem = 9 * (3 * 32 + 32 * 64 + 64 * 64) + 2 * (32 + 64 + 64)
    attention = 4 * (64 * 64 + 64)
    dense = (64 * 128 + 128) + (128 * 64 + 64)
    norms = 2 * (2 * 64)
    places, last = 64 * 64, 2 * 64 + 64 * 10 + 10
    expected = stem + 3 * (attention + dense + norms) + places + last
    assert parameters(transformer.trainable_weights) == expected


def test_vision_transformer_makes_a_token_of_four_by_four_pixels():
    model = vision_transformer((16, 24, 3), 3, dim=8, blocks=2)
    assert model.get_layer("tokens").output.shape == (None, 4 * 6, 8)
    assert model.get_layer("places").input_dim == 24
    assert model.get_layer("block1_look").num_heads == 4


def test_vision_transformer_knows_places():
    """Without its vectors of places, the same tokens in another order have the same mean."""
    model = vision_transformer((16, 16, 3), 3, dim=8, blocks=1)
    behind = keras.Model(model.get_layer("tokens").output, model.output)
    tokens = np.random.default_rng(0).normal(size=(1, 16, 8)).astype("float32")
    assert not np.allclose(behind(tokens), behind(tokens[:, ::-1]), atol=1e-6)
    places = model.get_layer("places")
    places.set_weights([np.zeros_like(places.get_weights()[0])])
    np.testing.assert_allclose(behind(tokens), behind(tokens[:, ::-1]), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("small_resnet", "keras"), ("small_resnet", "h5"), ("transformer", "keras")],
)
def test_models_load_without_custom_objects(tmp_path, request, kind, suffix):
    from tfxai.models import save_model

    model = request.getfixturevalue(kind)
    save_model(model, tmp_path / f"a.{suffix}")
    loaded = keras.models.load_model(tmp_path / f"a.{suffix}", compile=False, safe_mode=True)
    images = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5)


@pytest.mark.parametrize("architecture", [three_block_cnn, resnet18, vision_transformer])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (((7, 32, 3), 10), r"input_shape=\(7, 32, 3\) .* at least 8"),
        (((32, 32), 10), r"input_shape=\(32, 32\)"),
        (((None, None, 3), 10), r"input_shape=\(None, None, 3\)"),
        (((32, 32, 3), 1), "classes=1 is too few"),
    ],
)
def test_what_cannot_be_built_is_refused(architecture, arguments, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        architecture(*arguments)


def test_resnet18_refuses_a_width_of_none():
    with pytest.raises(InvalidInputError, match=r"width=0 is not a number of filters"):
        resnet18(width=0)


@pytest.mark.parametrize(
    ("shape", "options", "sentence"),
    [
        ((32, 30, 3), {}, r"input_shape=\(32, 30, 3\) .* multiples of 4"),
        ((32, 32, 3), {"dim": 30}, "dim=30, heads=4 .* multiple of heads"),
        ((32, 32, 3), {"heads": 0}, "heads=0"),
        ((32, 32, 3), {"blocks": 0}, "blocks=0"),
    ],
)
def test_vision_transformer_refuses_what_does_not_divide(shape, options, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        vision_transformer(shape, **options)
