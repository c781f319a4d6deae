"""A residual network as explicit matrices, and rules of propagation in their papers' sums."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

SHAPE = (4, 4, 2)


def conv_matrix(kernel, shape, padding):
    """(inputs, outputs) matrix of a convolution of flattened maps, and its output's shape."""
    p, q, _, k = kernel.shape
    height, width, _ = shape
    top, left = ((p - 1) // 2, (q - 1) // 2) if padding == "same" else (0, 0)
    out = (height, width, k) if padding == "same" else (height - p + 1, width - q + 1, k)
    matrix = np.zeros((*shape, *out))
    for i, j in np.ndindex(*out[:2]):
        for di, dj in np.ndindex(p, q):
            y, x = i + di - top, j + dj - left
            if 0 <= y < height and 0 <= x < width:
                matrix[y, x, :, i, j, :] += kernel[di, dj]
    return matrix.reshape(np.prod(shape), np.prod(out)), out


class SlowResidual:
    """conv - BN - ReLU = h; h + ReLU(BN(conv(h))) - max-pool - BN - conv - ReLU - dense.

    Batch normalisations are put into the matrix after them or before them, so that the network
    is: W1, ReLU, W2, ReLU, sum, pool, W3, ReLU, W4, with biases b1 to b4.
    """

    def __init__(self, seed: int, has_bias: bool = True) -> None:
        rng = np.random.default_rng(seed)
        self.has_bias = has_bias
        kernels = [rng.normal(size=(3, 3, 2, 3)), rng.normal(size=(2, 3, 3, 3))]
        kernels += [rng.normal(size=(2, 2, 3, 4))]
        biases = [rng.normal(size=n) * has_bias for n in (3, 3, 4)]
        norms = [(rng.normal(size=3), rng.normal(size=3) * has_bias) for _ in range(3)]
        self.last = rng.normal(size=(4, 3)), rng.normal(size=3) * has_bias
        self.kernels, self.given_biases, self.norms = kernels, biases, norms
        first, shape = conv_matrix(kernels[0], SHAPE, "same")
        second, _ = conv_matrix(kernels[1], shape, "same")
        third, _ = conv_matrix(kernels[2], (2, 2, 3), "valid")
        self.matrices, self.biases = [], []
        for matrix, bias, (scale, offset) in zip((first, second), biases, norms, strict=False):
            self.matrices.append(matrix * np.tile(scale, 16))
            self.biases.append(np.tile(bias * scale + offset, 16))
        scale, offset = (np.tile(part, 4) for part in norms[2])
        self.matrices += [scale[:, None] * third, self.last[0]]
        self.biases += [biases[2] + offset @ third, self.last[1]]

    def keras_model(self, activation: str | None = None) -> keras.Model:
        def norm(name: str) -> Any:
            return layers.BatchNormalization(epsilon=0.0, dtype="float64", name=name)

        def conv(n: int, size: tuple[int, int], padding: str, name: str) -> Any:
            return layers.Conv2D(n, size, padding=padding, dtype="float64", name=name)

        relu = keras.ops.relu
        x = keras.Input(SHAPE, dtype="float64")
        h = relu(norm("n1")(conv(3, (3, 3), "same", "c1")(x)))
        h = layers.Add(dtype="float64")([h, relu(norm("n2")(conv(3, (2, 3), "same", "c2")(h)))])
        h = norm("n3")(layers.MaxPooling2D(dtype="float64")(h))
        h = layers.Flatten(dtype="float64")(relu(conv(4, (2, 2), "valid", "c3")(h)))
        out = layers.Dense(3, activation=activation, dtype="float64", name="d")(h)
        model = keras.Model(x, out)
        for i in range(3):
            model.get_layer(f"c{i + 1}").set_weights([self.kernels[i], self.given_biases[i]])
            scale, offset = self.norms[i]
            # mean 0 and variance 1
            model.get_layer(f"n{i + 1}").set_weights(
                [scale, offset, np.zeros_like(scale), np.ones_like(scale)]
            )
        model.get_layer("d").set_weights(list(self.last))
        return model

    def forward(self, x):
        """All activations of one image, flattened, in the order of the class's sentence."""
        w, b = self.matrices, self.biases
        x = np.asarray(x, float).reshape(-1)
        z1 = x @ w[0] + b[0]
        h1 = np.maximum(z1, 0)
        z2 = h1 @ w[1] + b[1]
        h2 = np.maximum(z2, 0)
        joined = h1 + h2
        pooled = joined[self.windows()].max(axis=1)
        z3 = pooled @ w[2] + b[2]
        h3 = np.maximum(z3, 0)
        return x, z1, h1, z2, h2, joined, pooled, z3, h3, h3 @ w[3] + b[3]

    @staticmethod
    def windows():
        """(12, 4): which elements of the sum each output of the pooling chooses from."""
        index = np.arange(48).reshape(4, 4, 3)
        return np.array(
            [
                index[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, k].reshape(-1)
                for i, j, k in np.ndindex(2, 2, 3)
            ]
        )

    def deep_lift(self, x, x0, target):
        """Contributions by the rescale rule, differences written as in the paper."""
        now, then = self.forward(x), self.forward(x0)
        delta = [a - b for a, b in zip(now, then, strict=True)]
        x_, z1, h1, z2, h2, _, _, z3, h3, _ = delta
        w = self.matrices
        m3 = w[3][:, target] * h3 / z3
        pooled = w[2] @ m3
        m = np.zeros(48)
        for number, window in enumerate(self.windows()):
            a, a0 = now[5][window], then[5][window]
            i, j = a.argmax(), a0.argmax()
            if i == j:
                m[window[i]] += pooled[number]
                continue
            # the sum of both contributions is y - y', by two equations
            share = (a.max() - a0.max() - (a - a0)[j]) / ((a - a0)[i] - (a - a0)[j])
            m[window[i]] += share * pooled[number]
            m[window[j]] += (1 - share) * pooled[number]
        m1 = m + w[1] @ (m * h2 / z2)
        return ((w[0] @ (m1 * h1 / z1)) * x_).reshape(SHAPE)

    def lrp(self, x, target, rules, share):
        """Relevance with a rule (a, W, b, R) for each of the four matrices.

        Args:
            x: One image.
            target: The output explained.
            rules: Four functions.
            share: From two summands and R to the relevance of each.
        """
        x, _, h1, _, h2, joined, pooled, _, h3, out = self.forward(x)
        w, b = self.matrices, self.biases
        r = rules[3](h3, w[3], b[3], np.eye(3)[target] * out)
        r = rules[2](pooled, w[2], b[2], r)
        back = np.zeros(48)
        for number, window in enumerate(self.windows()):
            back[window[joined[window].argmax()]] += r[number]
        r1, r2 = share(h1, h2, back)
        r1 = r1 + rules[1](h1, w[1], b[1], r2)
        return rules[0](x, w[0], b[0], r1).reshape(SHAPE)
