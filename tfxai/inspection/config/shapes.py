"""What shape a layer's output has, by arithmetic on its config.

A shape is a tuple with the batch first, None where a size is free; None as a whole where it is
not known. A layer that is not here is not guessed at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[int | None, ...] | None
Config: TypeAlias = dict[str, Any]
Rule: TypeAlias = Callable[[Config, list[Any]], Shape]

SAME = """
Activation ActivityRegularization AlphaDropout BatchNormalization Dropout ELU GaussianDropout
GaussianNoise GroupNormalization Identity LayerNormalization LeakyReLU Masking Normalization PReLU
RMSNormalization RandomBrightness RandomContrast RandomFlip RandomRotation RandomTranslation
RandomZoom ReLU Rescaling Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D
ThresholdedReLU UnitNormalization Relu Relu6 Sigmoid Silu Gelu Elu Selu LeakyRelu HardSigmoid
HardSilu Tanh LogSoftmax Softplus Softsign StopGradient Exp Negative Sqrt Square Absolute
""".split()  # noqa: SIM905
MERGES = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")


def output_shape(kind: str, config: Config, inputs: list[Any]) -> Shape:
    """The shape of a layer's output.

    Args:
        kind: Class of the layer.
        config: Its config.
        inputs: Shapes of its inputs, as far as they are known.
    """
    rule = RULES.get(kind)
    if rule is None or not inputs or any(shape is None for shape in inputs):
        return None
    try:
        return rule(config, [tuple(shape) for shape in inputs])
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None  # a config that does not fit its layer


def _same(config: Config, inputs: list[Any]) -> Shape:
    return inputs[0] if len(inputs) == 1 else None


def _merged(config: Config, inputs: list[Any]) -> Shape:
    """Broadcast shapes of one rank."""
    if len({len(shape) for shape in inputs}) != 1 or len(inputs) < 2:
        return None
    made = []
    for sizes in zip(*inputs, strict=True):
        more = {size for size in sizes if size != 1}
        if len(more) > 1:
            return None
        made.append(more.pop() if more else 1)
    return tuple(made)


def _concatenated(config: Config, inputs: list[Any]) -> Shape:
    axis = config.get("axis", -1) % len(inputs[0])
    sizes = [shape[axis] for shape in inputs]
    total = None if None in sizes else sum(sizes)
    return (*inputs[0][:axis], total, *inputs[0][axis + 1 :])


def _sizes(value: Any, rank: int) -> list[int]:
    return list(value) if isinstance(value, list | tuple) else [value] * rank


def _spatial(config: Config, shape: Any) -> tuple[slice, bool]:
    """Where the spatial axes are, and whether channels come before them."""
    first = config.get("data_format") == "channels_first"
    return (slice(2, len(shape)) if first else slice(1, len(shape) - 1)), first


def _with(config: Config, shape: Any, spatial: list[int | None], channels: Any = None) -> Shape:
    """A shape with other spatial sizes, and other channels where they are given."""
    _, first = _spatial(config, shape)
    kept = shape[1] if first else shape[-1]
    depth = kept if channels is None else channels
    return (shape[0], depth, *spatial) if first else (shape[0], *spatial, depth)


def _slid(config: Config, shape: Any, window: Any) -> list[int | None]:
    """Spatial sizes after a window has been slid over them."""
    axes, _ = _spatial(config, shape)
    sizes = shape[axes]
    rank = len(sizes)
    windows = _sizes(window, rank)
    strides = _sizes(config.get("strides") or window, rank)
    dilations = _sizes(config.get("dilation_rate") or 1, rank)
    made: list[int | None] = []
    for size, width, stride, dilation in zip(sizes, windows, strides, dilations, strict=True):
        reach = (width - 1) * dilation + 1
        if size is None:
            made.append(None)
        elif config.get("padding", "valid") == "valid":
            made.append((size - reach) // stride + 1)
        else:  # "same", and "causal" of series
            made.append(-(-size // stride))
    if any(size is not None and size < 1 for size in made):
        raise ValueError("the window is larger than the input")
    return made


def _conv(config: Config, inputs: list[Any]) -> Shape:
    sizes = _slid(config, inputs[0], config["kernel_size"])
    return _with(config, inputs[0], sizes, config["filters"])


def _depthwise(config: Config, inputs: list[Any]) -> Shape:
    shape = inputs[0]
    channels = shape[1] if _spatial(config, shape)[1] else shape[-1]
    sizes = _slid(config, shape, config["kernel_size"])
    return _with(config, shape, sizes, channels * config.get("depth_multiplier", 1))


def _transposed(config: Config, inputs: list[Any]) -> Shape:
    shape = inputs[0]
    sizes = shape[_spatial(config, shape)[0]]
    if config.get("output_padding") is not None or _sizes(
        config.get("dilation_rate", 1), len(sizes)
    ) != [1] * len(sizes):
        return None
    made: list[int | None] = []
    windows, strides = _sizes(config["kernel_size"], len(sizes)), _sizes(
        config.get("strides", 1), len(sizes)
    )  # fmt: skip
    for size, width, stride in zip(sizes, windows, strides, strict=True):
        more = max(width - stride, 0) if config.get("padding", "valid") == "valid" else 0
        made.append(None if size is None else size * stride + more)
    return _with(config, shape, made, config["filters"])


def _pool(config: Config, inputs: list[Any]) -> Shape:
    return _with(config, inputs[0], _slid(config, inputs[0], config["pool_size"]))


def _global_pool(config: Config, inputs: list[Any]) -> Shape:
    shape = inputs[0]
    axes, _ = _spatial(config, shape)
    ones: list[int | None] = [1] * len(shape[axes])
    if config.get("keepdims"):
        return _with(config, shape, ones)
    return _with(config, shape, [])


def _flatten(config: Config, inputs: list[Any]) -> Shape:
    sizes = inputs[0][1:]
    return (inputs[0][0], None if None in sizes else math.prod(sizes))


def _dense(config: Config, inputs: list[Any]) -> Shape:
    return (*inputs[0][:-1], config["units"])


def _reshape(config: Config, inputs: list[Any]) -> Shape:
    batch, *sizes = inputs[0]
    target = list(config["target_shape"])
    if -1 in target:
        if None in sizes:
            return (batch, *(None if size == -1 else size for size in target))
        known = math.prod(size for size in target if size != -1)
        target[target.index(-1)] = math.prod(sizes) // known
    return (batch, *target)


def _permuted(config: Config, inputs: list[Any]) -> Shape:
    return (inputs[0][0], *(inputs[0][axis] for axis in config["dims"]))


def _repeated(config: Config, inputs: list[Any]) -> Shape:
    return (inputs[0][0], config["n"], *inputs[0][1:])


def _edges(config: Config, key: str, rank: int) -> list[int]:
    """What is added to, or taken off, both ends of each axis together."""
    value = config[key]
    if isinstance(value, int):
        return [2 * value] * rank
    if rank == 1 and all(isinstance(one, int) for one in value):
        return [sum(value)]
    return [sum(one) if isinstance(one, list | tuple) else 2 * one for one in value]


def _padded(config: Config, inputs: list[Any]) -> Shape:
    sizes = inputs[0][_spatial(config, inputs[0])[0]]
    more = _edges(config, "padding", len(sizes))
    return _with(config, inputs[0], [_plus(n, m) for n, m in zip(sizes, more, strict=True)])


def _cropped(config: Config, inputs: list[Any]) -> Shape:
    sizes = inputs[0][_spatial(config, inputs[0])[0]]
    less = _edges(config, "cropping", len(sizes))
    return _with(config, inputs[0], [_plus(n, -m) for n, m in zip(sizes, less, strict=True)])


def _plus(size: int | None, more: int) -> int | None:
    return None if size is None else size + more


def _upsampled(config: Config, inputs: list[Any]) -> Shape:
    sizes = inputs[0][_spatial(config, inputs[0])[0]]
    factors = _sizes(config["size"], len(sizes))
    made = [None if n is None else n * f for n, f in zip(sizes, factors, strict=True)]
    return _with(config, inputs[0], made)


def _resized(config: Config, inputs: list[Any]) -> Shape:
    return _with(config, inputs[0], [config["height"], config["width"]])


def _embedded(config: Config, inputs: list[Any]) -> Shape:
    return (*inputs[0], config["output_dim"])


def _recurrent(config: Config, inputs: list[Any]) -> Shape:
    if config.get("return_state"):
        return None
    batch, steps = inputs[0][:2]
    units = config["units"]
    return (batch, steps, units) if config.get("return_sequences") else (batch, units)


def _both_ways(config: Config, inputs: list[Any]) -> Shape:
    inner = _inner(config, inputs[:1])
    if inner is None or config.get("merge_mode") is None:
        return None
    if config["merge_mode"] != "concat":
        return inner
    return (*inner[:-1], 2 * (inner[-1] or 0))


def _each_step(config: Config, inputs: list[Any]) -> Shape:
    batch, steps = inputs[0][:2]
    inner = _inner(config, [(batch, *inputs[0][2:])])
    return None if inner is None else (batch, steps, *inner[1:])


def _inner(config: Config, inputs: list[Any]) -> Shape:
    layer = config["layer"]
    return output_shape(layer["class_name"], layer["config"], inputs)


def _query(config: Config, inputs: list[Any]) -> Shape:
    given = config.get("output_shape")
    return None if given is not None else inputs[0]


def _attended(config: Config, inputs: list[Any]) -> Shape:
    return (*inputs[0][:-1], inputs[1][-1])


RULES: dict[str, Rule] = {
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys(MERGES, _merged),
    **{
        f"{kind}{n}D": _conv
        for kind in ("Conv", "Convolution", "SeparableConv")
        for n in (1, 2, 3)
    },
    **{f"DepthwiseConv{n}D": _depthwise for n in (1, 2)},
    **{f"Conv{n}DTranspose": _transposed for n in (1, 2, 3)},
    **{f"{kind}{n}D": _pool for kind in ("MaxPooling", "AveragePooling") for n in (1, 2, 3)},
    **{f"Global{kind}Pooling{n}D": _global_pool for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": _padded for n in (1, 2, 3)},
    **{f"Cropping{n}D": _cropped for n in (1, 2, 3)},
    **{f"UpSampling{n}D": _upsampled for n in (1, 2, 3)},
    **dict.fromkeys(("Resizing", "CenterCrop", "RandomCrop"), _resized),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), _recurrent),
    **dict.fromkeys(("Attention", "AdditiveAttention"), _attended),
    **dict.fromkeys(("MultiHeadAttention", "GroupedQueryAttention"), _query),
    "Bidirectional": _both_ways,
    "Concatenate": _concatenated,
    "Dense": _dense,
    "Embedding": _embedded,
    "Flatten": _flatten,
    "Permute": _permuted,
    "RepeatVector": _repeated,
    "Reshape": _reshape,
    "SpectralNormalization": _inner,
    "TimeDistributed": _each_step,
}
