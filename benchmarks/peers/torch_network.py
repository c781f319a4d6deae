"""A Keras network rebuilt in PyTorch from its configuration and the same weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn


def rebuilt(model_file: Path, *, is_logit: bool = False) -> Network:
    """The network of a `.keras` file, whose configuration and weights were written beside it.

    Args:
        model_file: The file.
        is_logit: Whether its last activation is left out.

    Raises:
        NotImplementedError: It has a layer that is not known here.
    """
    config = json.loads(model_file.with_suffix(".config.json").read_text())
    weights = np.load(model_file.with_suffix(".weights.npz"))
    if is_logit:
        config["layers"][-1]["config"]["activation"] = "linear"
    return Network(config, weights).eval()


class Network(nn.Module):
    """Layers called in the order in which Keras has them, on channels first."""

    def __init__(self, config: dict[str, Any], weights: Any) -> None:
        super().__init__()
        self._order: list[tuple[str, list[str]]] = []
        self.named = nn.ModuleDict()
        for layer in config["layers"]:
            name = layer["config"]["name"]
            count = sum(1 for key in weights.files if key.startswith(f"{name}:"))
            own = [weights[f"{name}:{i}"] for i in range(count)]
            self.named[name] = _layer(layer["class_name"], layer["config"], own)
            self._order.append((name, list(_sources(layer["inbound_nodes"]))))

    def of(self, name: str) -> nn.Module:
        """The module of a layer, with its activation."""
        return self.named[name]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From images, channels first, to probabilities."""
        found: dict[str, torch.Tensor] = {}
        last = x
        for name, sources in self._order:
            module = self.named[name]
            last = module(*(found[one] for one in sources)) if sources else module(x)
            found[name] = last
        return last


def _sources(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "keras_history" in node:
            yield node["keras_history"][0]
            return
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from _sources(one)


def _layer(kind: str, config: dict[str, Any], weights: list[np.ndarray]) -> nn.Module:
    if kind not in _LAYERS:
        raise NotImplementedError(f"Layer {config['name']!r} is of an unknown kind, {kind}.")
    module = _LAYERS[kind](config, [torch.from_numpy(one.copy()) for one in weights])
    activation = config.get("activation")
    if activation in (None, "linear"):
        return module
    after = _activation(activation)
    return after if isinstance(module, nn.Identity) else nn.Sequential(module, after)


def _activation(name: str) -> nn.Module:
    return {"relu": nn.ReLU, "relu6": nn.ReLU6, "softmax": lambda: nn.Softmax(-1)}[name]()


class _Same(nn.Module):
    """Zeros around an image as TensorFlow's padding "same" has them: one more at the end."""

    def __init__(self, size: list[int], stride: list[int], value: float = 0.0) -> None:
        super().__init__()
        self._size, self._stride, self._value = size, stride, value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        margins: list[int] = []
        for side, size, stride in zip(x.shape[2:], self._size, self._stride, strict=True):
            whole = max((-(-side // stride) - 1) * stride + size - side, 0)
            margins = [whole // 2, whole - whole // 2, *margins]
        return nn.functional.pad(x, margins, value=self._value) if any(margins) else x


class _Add(nn.Module):
    def forward(self, *terms: torch.Tensor) -> torch.Tensor:
        return sum(terms[1:], start=terms[0])


class _Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class _Flat(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x.flatten(1)


class _Scaled(nn.Module):
    def __init__(self, scale: Any, offset: Any) -> None:
        super().__init__()
        self._scale, self._offset = float(scale), float(offset)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self._scale + self._offset


def _conv(config: dict[str, Any], weights: list[torch.Tensor]) -> nn.Module:
    kernel = weights[0].permute(3, 2, 0, 1)
    return _convolution(config, kernel, weights[1:], groups=1)


def _depthwise(config: dict[str, Any], weights: list[torch.Tensor]) -> nn.Module:
    height, width, channels, times = weights[0].shape
    kernel = weights[0].permute(2, 3, 0, 1).reshape(channels * times, 1, height, width)
    return _convolution(config, kernel, weights[1:], groups=channels)


def _convolution(
    config: dict[str, Any], kernel: torch.Tensor, bias: list[torch.Tensor], groups: int
) -> nn.Module:
    size, stride = list(kernel.shape[2:]), list(config["strides"])
    module = nn.Conv2d(
        kernel.shape[1] * groups, kernel.shape[0], size, stride, groups=groups, bias=bool(bias)
    )
    module.weight = nn.Parameter(kernel.contiguous())
    if bias:
        module.bias = nn.Parameter(bias[0])
    if config["padding"] == "valid":
        return module
    if stride == [1, 1] and all(side % 2 for side in size):
        module.padding = (size[0] // 2, size[1] // 2)
        return module
    return nn.Sequential(_Same(size, stride), module)


def _normalisation(config: dict[str, Any], weights: list[torch.Tensor]) -> nn.Module:
    left = list(weights)
    gamma = left.pop(0) if config["scale"] else torch.ones_like(left[-1])
    beta = left.pop(0) if config["center"] else torch.zeros_like(left[-1])
    module = nn.BatchNorm2d(len(gamma), eps=config["epsilon"])
    module.weight, module.bias = nn.Parameter(gamma), nn.Parameter(beta)
    module.running_mean, module.running_var = left
    return module


def _dense(config: dict[str, Any], weights: list[torch.Tensor]) -> nn.Module:
    module = nn.Linear(*weights[0].shape, bias=len(weights) > 1)
    module.weight = nn.Parameter(weights[0].T.contiguous())
    if len(weights) > 1:
        module.bias = nn.Parameter(weights[1])
    return module


def _max_pooling(config: dict[str, Any], weights: list[torch.Tensor]) -> nn.Module:
    size, stride = list(config["pool_size"]), list(config["strides"])
    pool = nn.MaxPool2d(size, stride)
    if config["padding"] == "valid":
        return pool
    return nn.Sequential(_Same(size, stride, -float("inf")), pool)


def _padding(config: dict[str, Any], weights: list[torch.Tensor]) -> nn.Module:
    (top, bottom), (left, right) = config["padding"]
    return nn.ZeroPad2d((left, right, top, bottom))


def _relu(config: dict[str, Any], weights: list[torch.Tensor]) -> nn.Module:
    return nn.ReLU6() if config.get("max_value") == 6 else nn.ReLU()


_LAYERS: dict[str, Callable[[dict[str, Any], list[torch.Tensor]], nn.Module]] = {
    "Activation": lambda config, weights: nn.Identity(),
    "Add": lambda config, weights: _Add(),
    "BatchNormalization": _normalisation,
    "Conv2D": _conv,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise,
    "Dropout": lambda config, weights: nn.Identity(),
    "Flatten": lambda config, weights: _Flat(),
    "GlobalAveragePooling2D": lambda config, weights: _Mean(),
    "InputLayer": lambda config, weights: nn.Identity(),
    "MaxPooling2D": _max_pooling,
    "ReLU": _relu,
    "Rescaling": lambda config, weights: _Scaled(config["scale"], config["offset"]),
    "ZeroPadding2D": _padding,
}
