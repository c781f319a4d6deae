import keras
import numpy as np
import pytest

from tfxai.data.preprocessing import CIFAR10_MEAN, CIFAR10_STD
from tfxai.errors import InvalidInputError
from tfxai.models import resnet18, three_block_cnn


@pytest.fixture(scope="module")
def cnn():
    return three_block_cnn()


@pytest.fixture(scope="module")
def small_resnet():
    return resnet18(width=4)


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


def test_outputs_are_probabilities(cnn, small_resnet):
    images = np.random.default_rng(0).random((3, 32, 32, 3), np.float32)
    for model in (cnn, small_resnet):
        outputs = np.asarray(model(images))
        assert outputs.shape == (3, 10)
        assert outputs.min() >= 0
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)


def test_other_shapes_and_numbers_of_classes():
    assert three_block_cnn((16, 24, 1), 3).output_shape == (None, 3)
    assert resnet18((16, 16, 1), 2, width=1).output_shape == (None, 2)


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


def test_resnet18_takes_images_in_0_to_1(small_resnet):
    image = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    normalised = np.asarray(small_resnet.get_layer("Normalisation")(image))
    np.testing.assert_allclose(normalised, (image - CIFAR10_MEAN) / CIFAR10_STD, rtol=1e-5)


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


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_resnet18_loads_without_custom_objects(tmp_path, small_resnet, suffix):
    from tfxai.models import save_model

    save_model(small_resnet, tmp_path / f"a.{suffix}")
    loaded = keras.models.load_model(tmp_path / f"a.{suffix}", compile=False, safe_mode=True)
    images = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    np.testing.assert_allclose(loaded(images), small_resnet(images), rtol=1e-5)


@pytest.mark.parametrize("architecture", [three_block_cnn, resnet18])
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
