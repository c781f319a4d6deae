"""Options of layers that earlier versions of Keras wrote otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tfxai.inspection.names.outside import OUTSIDE

Config: TypeAlias = dict[str, Any]

ONE_GROUP = """
Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1DTranspose Convolution2DTranspose
Convolution3DTranspose
""".split()  # noqa: SIM905
SEPARATE = """
DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D SeparableConvolution1D
SeparableConvolution2D
""".split()  # noqa: SIM905
CONV_LSTM = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]
RECURRENT = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "SimpleRNN", "SimpleRNNCell"]
RANDOM = """
RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight RandomRotation
RandomTranslation RandomWidth RandomZoom
""".split()  # noqa: SIM905
SPATIAL = ["SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"]
BUILT_OTHERWISE = {"Bidirectional", "MultiHeadAttention", *RECURRENT, *CONV_LSTM}
"""Layers whose `build_config` Keras 3 does not take; they are built by their first call."""

ANY = object()
ALIKE: list[tuple[list[str], Config]] = [
    (ONE_GROUP, {"groups": 1}),
    (
        SEPARATE,  # which have a depthwise and a pointwise kernel
        {
            "groups": 1,
            "kernel_constraint": ANY,
            "kernel_initializer": ANY,
            "kernel_regularizer": ANY,
        },
    ),
    (RECURRENT, {"time_major": False, "implementation": ANY}),
    (CONV_LSTM, {"time_major": False, "implementation": ANY, "unroll": ANY}),
    (RANDOM, {"rng_type": ANY, "force_generator": ANY}),
    (SPATIAL, {"trainable": ANY, "noise_shape": ANY}),
    (["Attention", "AdditiveAttention"], {"causal": False}),
    (["IntegerLookup", "StringLookup", "TextVectorization"], {"vocabulary_size": ANY}),
    (
        ["BatchNormalization"],
        {
            "adjustment": None,
            "fused": ANY,
            "mode": 0,
            "renorm": False,
            "renorm_clipping": ANY,
            "renorm_momentum": ANY,
            "virtual_batch_size": None,
        },
    ),
    (["Discretization"], {"trainable": ANY}),
    (["Embedding"], {"input_length": ANY}),
    (["InputLayer"], {"type_spec": None}),
    (
        ["MultiHeadAttention"],
        {
            "key_shape": ANY,
            "query_shape": ANY,
            "softmax_robust_masking": False,
            "value_shape": ANY,
        },
    ),
]
DROPPED = {name: values for names, values in ALIKE for name in names}
"""Options that Keras 3 does not know, with the one value that means what Keras 3 does.

`ANY` where the value changes no answer of the model.
"""
RENAMED: dict[str, dict[str, str]] = {
    "CategoryEncoding": {"max_tokens": "num_tokens"},
    "Discretization": {"bins": "bin_boundaries"},
    "LeakyReLU": {"alpha": "negative_slope"},
}
KERAS_1 = {
    "border_mode": "padding",
    "length": "size",
    "nb_filter": "filters",
    "output_dim": "units",
    "pool_length": "pool_size",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
}
"""Options of Keras 1 that say the shape of an output, for those who only look at a file."""
FORMATS = {"tf": "channels_last", "th": "channels_first"}
LAMBDA_NOTES = ("module", "function_type", "output_shape_type", "output_shape_module")


def old_options(
    name: str, config: Config, inside: Callable[[Any, str], Any], unlike: dict[str, None]
) -> Config:
    """The options of a layer that a version below 3 wrote, as Keras 3 has them.

    Args:
        name: Name of its class.
        config: As the file has it.
        inside: Rewrites a value, given its key.
        unlike: Takes the options that Keras 3 does not know and that change the answer.
    """
    idle, renamed = DROPPED.get(name, {}), RENAMED.get(name, {})
    made: Config = {}
    for key, given in config.items():
        value = scalar(given)
        if key in idle:
            if idle[key] is not ANY and value != idle[key]:
                unlike[f"{name} layers with {key}={value!r:.80}"] = None
            continue
        if key == "batch_input_shape" and name != "InputLayer":
            continue  # of the first layer: an InputLayer says it
        key = "batch_shape" if key == "batch_input_shape" else renamed.get(key, key)
        made[key] = inside(value, key)
    if isinstance(made.get("name"), str) and not OUTSIDE.search(made["name"]):
        made["name"] = made["name"].replace("/", "_")
    if name in ("GRU", "GRUCell"):
        made.setdefault("reset_after", False)
    if name == "CategoryEncoding" and made.get("output_mode") == "binary":
        made["output_mode"] = "multi_hot"
    return made


def keras_1_options(name: str, config: Config) -> Config:
    """The options of a layer of Keras 1, as later versions call them."""
    kept = {"Embedding": ("output_dim",)}.get(name, ())
    made = {k if k in kept else KERAS_1.get(k, k): value for k, value in config.items()}
    kernel = [made[key] for key in ("filter_length", "nb_row", "nb_col") if key in made]
    if kernel:
        made.setdefault("kernel_size", kernel)
    order = made.get("dim_ordering")
    if isinstance(order, str) and order in FORMATS:
        made["data_format"] = FORMATS[order]
    return made


def scalar(value: Any) -> Any:
    """A number that Keras 2.0 wrote as an array: {"type": "ndarray", "value": 0.3}."""
    if isinstance(value, dict) and set(value) == {"type", "value"} and value["type"] == "ndarray":
        return value["value"]
    return value


def with_plain_axis(name: str, config: Config) -> Config:
    """Options in which a batch normalisation's axis is a number and no list of one."""
    axis = config.get("axis")
    if isinstance(axis, list) and len(axis) == 1 and name == "BatchNormalization":
        config["axis"] = axis[0]
    return config


def lambda_options(config: Config) -> Config:
    """The function of a Lambda layer: code, or a name that has to be supplied."""
    function, kind = config.get("function"), config.get("function_type")
    made = {key: value for key, value in config.items() if key not in LAMBDA_NOTES}
    if isinstance(function, list) and len(function) == 3:
        keys = ("code", "defaults", "closure")
        inner = dict(zip(keys, function, strict=True))
        made["function"] = {"class_name": "__lambda__", "config": inner}
    elif isinstance(function, str) and kind in ("function", None):
        record = {"module": None, "class_name": "function", "config": function}
        made["function"] = {**record, "registered_name": function}
    return made
