"""A convolutional network and its derivatives by hand, in loops of NumPy, for comparison."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers


class SlowNetwork:
    """conv (valid) - ReLU - conv (valid) - ReLU - flatten - dense, in float64.

    Its pieces are written as the sums that define them; `keras_model` is the same in Keras.
    """

    def __init__(self, seed: int, shape=(5, 6, 2), filters=(3, 4), classes=3) -> None:
        rng = np.random.default_rng(seed)
        self.shape = shape
        self.kernels = [rng.normal(size=(3, 2, shape[2], filters[0]))]
        self.kernels.append(rng.normal(size=(2, 3, filters[0], filters[1])))
        self.biases = [rng.normal(size=count) for count in filters]
        features = (shape[0] - 3) * (shape[1] - 3) * filters[1]
        self.weights = rng.normal(size=(features, classes))
        self.offsets = rng.normal(size=classes)

    def keras_model(self, activation: str | None = None) -> keras.Model:
        x = keras.Input(self.shape, dtype="float64")
        parts: list[Any] = [
            layers.Conv2D(3, (3, 2), activation="relu", dtype="float64", name="first"),
            layers.Conv2D(4, (2, 3), activation="relu", dtype="float64", name="second"),
            layers.Flatten(dtype="float64"),
            layers.Dense(3, activation=activation, dtype="float64"),
        ]
        h = x
        for part in parts:
            h = part(h)
        model = keras.Model(x, h)
        pairs = zip([*self.kernels, self.weights], [*self.biases, self.offsets], strict=True)
        model.set_weights([array for pair in pairs for array in pair])
        return model

    def forward(self, x):
        """Both feature maps before and after their ReLU, and the outputs, for one image."""
        z1 = convolve(x, self.kernels[0], self.biases[0])
        z2 = convolve(np.maximum(z1, 0), self.kernels[1], self.biases[1])
        outputs = np.maximum(z2, 0).reshape(-1) @ self.weights + self.offsets
        return z1, z2, outputs

    def outputs(self, x):
        return np.array([self.forward(one)[2] for one in x])

    def gradients(self, x, target: int):
        """dS/dx, dS/dA1 and dS/dA2 of S = outputs[target] for one image."""
        z1, z2, _ = self.forward(x)
        d2 = self.weights[:, target].reshape(z2.shape)
        d1 = convolve_back(d2 * (z2 > 0), self.kernels[1], z1.shape)
        return convolve_back(d1 * (z1 > 0), self.kernels[0], x.shape), d1, d2


def convolve(x, kernel, bias):
    """z[i, j, k] = b[k] + sum over p, q, c of kernel[p, q, c, k] x[i + p, j + q, c]."""
    height, width = kernel.shape[:2]
    z = np.zeros((x.shape[0] - height + 1, x.shape[1] - width + 1, kernel.shape[3]))
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            patch = x[i : i + height, j : j + width]
            for k in range(z.shape[2]):
                z[i, j, k] = bias[k] + (patch * kernel[..., k]).sum()
    return z


def convolve_back(d, kernel, shape):
    """dS/dx of `convolve` from d = dS/dz: each z[i, j, k] hands its share to its patch."""
    height, width = kernel.shape[:2]
    back = np.zeros(shape)
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            for k in range(d.shape[2]):
                back[i : i + height, j : j + width] += d[i, j, k] * kernel[..., k]
    return back
