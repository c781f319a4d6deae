"""Files that Keras 2 wrote: what Keras 3 still takes with a little help, and what it cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tfxai.inspection.keras_names import OPERATIONS

# Options that Keras 2 wrote for every such layer and Keras 3 does not know, with the one value
# that means what Keras 3 does.
_DROPPED: dict[str, dict[str, Any]] = {
    "DepthwiseConv2D": {"groups": 1},
    "DepthwiseConv1D": {"groups": 1},
    "SeparableConv1D": {"groups": 1},
    "SeparableConv2D": {"groups": 1},
    "Conv2DTranspose": {"groups": 1},
    "Conv3DTranspose": {"groups": 1},
    "GRU": {"time_major": False},
    "LSTM": {"time_major": False},
    "RNN": {"time_major": False},
    "SimpleRNN": {"time_major": False},
}
# Layers that Keras 2 kept in a package of its own.
_MOVED = "experimental.preprocessing>"
_UNKNOWN = re.compile(r"Unknown (layer|object|\w+ function): '?([^'.]+(?:\.[^'.]+)*)'?")
_OPERATIONS = frozenset({"TFOpLambda", "SlicingOpLambda", "ClassMethod", "TensorFlowOpLayer"})
_WAYS_OUT = (
    "Load it with tf-keras (Keras 2) and either build those steps with Keras 3 layers, or export "
    "it as a SavedModel, model.export(folder), which tfxai.load takes too."
)


def former_layers() -> dict[str, Any]:
    """Stand-ins for layers whose options have changed, to be passed as custom objects."""
    import keras

    found = {name: _reader(name, getattr(keras.layers, name)) for name in _DROPPED}
    for name, kind in vars(keras.layers).items():
        is_layer = isinstance(kind, type) and issubclass(kind, keras.layers.Layer)
        if is_layer and name.startswith(("Random", "Rescaling", "Resizing", "Center", "Normal")):
            found[_MOVED + name] = _reader(name, kind)
    return found


def obstacle(said: str) -> tuple[str, str] | None:
    """What in an old file Keras 3 cannot take, and what to do; None where that is not the reason.

    Args:
        said: The text of Keras' error.
    """
    unknown = _UNKNOWN.search(said)
    if unknown is None:
        return None
    name = unknown[2]
    if name in _OPERATIONS:
        return f"it has {name} layers, TensorFlow functions that only Keras 2 keeps", _WAYS_OUT
    if name in OPERATIONS:
        reason = f"it has the operation {name!r} on tensors, which Keras puts into .h5 files and"
        return f"{reason} cannot read from them", "Save the model as .keras."
    reason = f"it uses the {unknown[1]} {name!r}, which is not Keras' own"
    return reason, "Pass that to tfxai.load in custom_objects."


def _reader(name: str, kind: Any) -> Any:
    """What makes a layer from the config that Keras 2 wrote; the layer itself is Keras 3's."""

    def from_config(config: Mapping[str, Any], **_: Any) -> Any:
        idle = _DROPPED.get(name, {})
        kept = {k: v for k, v in config.items() if k not in idle or v != idle[k]}
        return kind.from_config(kept)

    return type(name, (), {"from_config": staticmethod(from_config)})
