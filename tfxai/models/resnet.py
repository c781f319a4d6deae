"""ResNet-18 (He et al. 2016), with a stem for small images."""

from __future__ import annotations

import keras

from tfxai.errors import InvalidInputError
from tfxai.models._parts import check_architecture, normalisation

BLOCKS = (2, 2, 2, 2)


def resnet18(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    width: int = 64,
    small_images: bool = True,
) -> keras.Model:
    """A residual image classifier, untrained.

    Four stages of two basic blocks with `width`, 2, 4 and 8 times `width` filters; each
    stage but the first halves the image. The first layer, `"Normalisation"`, subtracts
    CIFAR-10's mean and divides by its standard deviation, so that the model takes images
    in [0, 1]. For (32, 32, 3) and 10 classes it has 11.2 million parameters at a width
    of 64 and 0.7 million at 16. A good layer for Grad-CAM is
    `"Stage4_Block2_Conv2D_Layer2"`, 4x4 for images of 32x32, or
    `"Stage3_Block2_Conv2D_Layer2"`, 8x8.

    Args:
        input_shape: (height, width, channels). With other than 3 channels, mean
            and standard deviation are 0.5 and 0.25.
        classes: Number of classes, at least 2.
        width: Number of filters of the first stage, at least 1.
        small_images: The stem: a 3x3 convolution with stride 1 and no pooling, for images
            of about 32x32, or (False) the paper's 7x7 convolution with stride 2 and 3x3
            max-pooling, for images of about 224x224.

    Returns:
        A Functional model named `"ResNet18"`: inputs (B, H, W, C) in [0, 1], outputs
        (B, `classes`), probabilities.

    Raises:
        InvalidInputError: The shape, the number of classes or the width cannot be used.

    Reference:
        He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, Table 1.
        arXiv:1512.03385. Departure: the stem for small images, and the normalisation.
    """
    check_architecture(input_shape, classes, smallest=8 if small_images else 32)
    if not isinstance(width, int) or width < 1:
        raise InvalidInputError(f"width={width!r} is not a number of filters. Pass at least 1.")
    inputs = keras.Input(input_shape, name="Input_Layer")
    x = _stem(normalisation(input_shape[-1], "Normalisation")(inputs), width, small_images)
    for stage, blocks in enumerate(BLOCKS, start=1):
        for block in range(1, blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            x = _basic_block(x, width * 2 ** (stage - 1), stride, f"Stage{stage}_Block{block}")
    x = keras.layers.GlobalAveragePooling2D(name="GlobalAveragePool")(x)
    outputs = keras.layers.Dense(classes, activation="softmax", name="Output_Layer")(x)
    return keras.Model(inputs, outputs, name="ResNet18")


def _stem(x: keras.KerasTensor, width: int, small_images: bool) -> keras.KerasTensor:
    if small_images:
        x = _convolution(x, width, 3, 1, "Stem_Conv2D")
    else:
        x = _convolution(x, width, 7, 2, "Stem_Conv2D")
    x = keras.layers.BatchNormalization(name="Stem_BatchNorm")(x)
    x = keras.layers.ReLU(name="Stem_ReLU")(x)
    if small_images:
        return x
    return keras.layers.MaxPooling2D(3, strides=2, padding="same", name="Stem_MaxPool")(x)


def _basic_block(x: keras.KerasTensor, filters: int, stride: int, name: str) -> keras.KerasTensor:
    """ReLU(F(x) + x), with a 1x1 convolution of x where the shapes differ (Fig. 2)."""
    shortcut = x
    for layer, step in ((1, stride), (2, 1)):
        x = _convolution(x, filters, 3, step, f"{name}_Conv2D_Layer{layer}")
        x = keras.layers.BatchNormalization(name=f"{name}_BatchNorm_Layer{layer}")(x)
        if layer == 1:
            x = keras.layers.ReLU(name=f"{name}_ReLU_Layer1")(x)
    if stride != 1 or shortcut.shape[-1] != filters:
        shortcut = _convolution(shortcut, filters, 1, stride, f"{name}_Conv2D_Shortcut")
        shortcut = keras.layers.BatchNormalization(name=f"{name}_BatchNorm_Shortcut")(shortcut)
    x = keras.layers.Add(name=f"{name}_Add")([x, shortcut])
    return keras.layers.ReLU(name=f"{name}_ReLU_Layer2")(x)


def _convolution(
    x: keras.KerasTensor, filters: int, size: int, stride: int, name: str
) -> keras.KerasTensor:
    return keras.layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding="same",
        use_bias=False,  # the batch normalisation after it has one
        kernel_initializer="he_normal",
        name=name,
    )(x)
