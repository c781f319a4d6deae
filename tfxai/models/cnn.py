"""Three blocks of two convolutions: small enough to train on two cores."""

from __future__ import annotations

import keras

from tfxai.models._parts import check_architecture

FILTERS = (32, 64, 128)


def three_block_cnn(
    input_shape: tuple[int, int, int] = (32, 32, 3), classes: int = 10
) -> keras.Model:
    """A convolutional classifier for small images, untrained.

    Each block has two 3x3 same-padded ReLU convolutions (32, 64 and 128 filters), each
    followed by batch normalisation, and a 2x2 max-pooling. Then follow a hidden layer of
    1,024 and the softmax, with a dropout of 0.2 before each. For (32, 32, 3) and 10
    classes it has 2,397,226 parameters, 2,396,330 of them trainable. A good layer for
    Grad-CAM is `"Conv2D_Block3_Layer1"`.

    Args:
        input_shape: (height, width, channels), height and width at least 8: three
            poolings halve them.
        classes: Number of classes, at least 2.

    Returns:
        A Functional model named `"CIFAR10_CNN_Model"`: inputs (B, H, W, C) in [0, 1],
        outputs (B, `classes`), probabilities.

    Raises:
        InvalidInputError: The shape or the number of classes cannot be used.
    """
    check_architecture(input_shape, classes, smallest=8)
    inputs = keras.Input(input_shape, name="Input_Layer")
    x = inputs
    for block, filters in enumerate(FILTERS, start=1):
        for layer in (1, 2):
            x = keras.layers.Conv2D(
                filters,
                3,
                padding="same",
                activation="relu",
                name=f"Conv2D_Block{block}_Layer{layer}",
            )(x)
            x = keras.layers.BatchNormalization(name=f"BatchNorm_Block{block}_Layer{layer}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"MaxPool_Block{block}")(x)
    x = keras.layers.Flatten(name="Flatten")(x)
    x = keras.layers.Dropout(0.2, name="Dropout_Flatten")(x)
    x = keras.layers.Dense(1024, activation="relu", name="Dense_Hidden")(x)
    x = keras.layers.Dropout(0.2, name="Dropout_Hidden")(x)
    outputs = keras.layers.Dense(classes, activation="softmax", name="Output_Layer")(x)
    return keras.Model(inputs, outputs, name="CIFAR10_CNN_Model")
