"""A SavedModel's signature as a Keras model: explained at its inputs, closed inside."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfxai.core.model.functions import ClosedLayer, errors_as_they_are
from tfxai.errors import ModelFileError, UnknownNameError

DEFAULT = "serving_default"
_KNOWN_OPTIMIZER = "tf_deprecated_optimizer"  # TensorFlow's own, which it makes again
_ADVICE = "Explain it at its inputs, or load the .keras file that it was exported from."


class SignatureLayer(ClosedLayer):
    """One signature of a SavedModel."""

    def __init__(self, loaded: Any, signature: Any, hidden_bytes: int) -> None:
        super().__init__("a SavedModel", _ADVICE, hidden_bytes, name="saved_model")
        self._keeps = lambda: (loaded, signature)  # its variables live as long as it does

    def call(self, inputs: dict[str, tf.Tensor]) -> Any:
        """What the signature returns: a tensor, or several by name."""
        with errors_as_they_are():
            outputs = self._keeps()[1](**inputs)
        return next(iter(outputs.values())) if len(outputs) == 1 else dict(outputs)


def saved_model(
    path: str | os.PathLike[str],
    signature: str | None = None,
    shown: str | os.PathLike[str] | None = None,
) -> keras.Model:
    """The model of one signature.

    Args:
        path: The folder in which `saved_model.pb` lies, a copy that may be written to. It is
            loaded: scan it first.
        signature: Its name; `"serving_default"`, or the only one there is, if left out.
        shown: The path that errors name, where `path` is a copy.

    Raises:
        ModelFileError: It has no signature, or one whose inputs are no batches or whose outputs
            have no known number of axes.
        UnknownNameError: It has no signature of that name.
    """
    lacks = _forgets_optimizers(Path(path))
    options = tf.saved_model.LoadOptions(allow_partial_checkpoint=lacks)
    loaded = tf.saved_model.load(os.fspath(path), options=options)
    shown = path if shown is None else shown
    chosen = _chosen(dict(loaded.signatures), signature, shown)
    specs: dict[str, tf.TensorSpec] = chosen.structured_input_signature[1]
    inputs = {}
    for name, spec in specs.items():
        if not spec.shape.rank:
            raise ModelFileError(
                f"Input {name!r} of {str(shown)!r} has no batch axis. Export the model with a "
                "signature that takes batches only."
            )
        inputs[name] = keras.Input(batch_shape=spec.shape, dtype=spec.dtype.name, name=name)
    for name, spec in chosen.structured_outputs.items():
        if spec.shape.rank is None:
            raise ModelFileError(
                f"Output {name!r} of {str(shown)!r} has any number of axes as far as TensorFlow "
                "knows. Export the model with a signature that sets its shape (tf.ensure_shape)."
            )
    outputs = SignatureLayer(loaded, chosen, _hidden_bytes(Path(path)))(inputs)
    given = next(iter(inputs.values())) if len(inputs) == 1 else inputs
    return keras.Model(given, outputs, name="saved_model")


def _chosen(known: dict[str, Any], name: str | None, path: str | os.PathLike[str]) -> Any:
    if not known:
        raise ModelFileError(
            f"{str(path)!r} has no signature to call. Export it with one: model.export(path)."
        )
    if name is None:
        name = next(iter(known)) if len(known) == 1 else DEFAULT
    if name not in known:
        error = UnknownNameError.of("signature", name, known, str(path))
        raise UnknownNameError(f"{error} Pass one to tfxai.load as signature=.")
    return known[name]


def _stored(path: Path) -> Any:
    """The graphs of a SavedModel as a message."""
    from tensorflow.core.protobuf import saved_model_pb2

    stored = saved_model_pb2.SavedModel()
    stored.ParseFromString((path / "saved_model.pb").read_bytes())
    return stored


def _forgets_optimizers(path: Path) -> bool:
    """Takes the variables of optimizers that nobody knows any more from their optimizers.

    TensorFlow asks the optimizer for the variables that it keeps beside a weight (Adam's moments).
    Those of Keras 2 are gone, and what they kept is of no use to an explanation. It stays among
    the objects, as plain variables.

    Returns:
        Whether there were such, so that a checkpoint holds more than the model.
    """
    stored, found = _stored(path), False
    for graph in stored.meta_graphs:
        for one in graph.object_graph_def.nodes:
            if one.user_object.identifier == "optimizer":  # TensorFlow would import tf_keras
                one.user_object.identifier = "_generic_user_object"
                found = True
            if one.slot_variables and one.user_object.identifier != _KNOWN_OPTIMIZER:
                del one.slot_variables[:]
                found = True
    if found:
        (path / "saved_model.pb").write_bytes(stored.SerializeToString())
    return found


def _hidden_bytes(path: Path) -> int:
    """Bytes of all tensors of the largest function, for one example: an estimate of a pass."""
    stored = _stored(path)
    functions = [f for graph in stored.meta_graphs for f in graph.graph_def.library.function]
    return max((sum(map(_bytes, f.node_def)) for f in functions), default=0)


def _bytes(node: Any) -> int:
    """Bytes of the floating outputs of a node whose batch axis is free."""
    kind = node.attr["T"].type if "T" in node.attr else 0
    if "_output_shapes" not in node.attr or not kind or not tf.as_dtype(kind).is_floating:
        return 0
    shapes = [[d.size for d in shape.dim] for shape in node.attr["_output_shapes"].list.shape]
    sizes = [math.prod(max(n, 1) for n in shape) for shape in shapes if shape and shape[0] == -1]
    return sum(sizes) * tf.as_dtype(kind).size
