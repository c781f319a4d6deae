"""Which models tfxai takes: Keras 3 models on the TensorFlow backend."""

from __future__ import annotations

from typing import Any

import keras

from tfxai.errors import UnsupportedModelError


def require_tensorflow() -> None:
    """Raises `UnsupportedModelError` where Keras runs on another backend."""
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise UnsupportedModelError(
            f"Keras runs on the {backend!r} backend here, and tfxai needs 'tensorflow'. "
            "Set the environment variable KERAS_BACKEND=tensorflow before Keras is imported."
        )


def require_model(model: Any) -> None:
    """Raises `UnsupportedModelError` unless `model` is a built Keras 3 model."""
    require_tensorflow()
    kind = type(model)
    if any(base.__module__.split(".")[0] == "tf_keras" for base in kind.__mro__):
        raise UnsupportedModelError(
            f"The model is a {kind.__name__} of tf-keras (Keras 2), and tfxai explains Keras 3 "
            "models. Save its weights and load them into the same architecture built with `keras`."
        )
    if isinstance(model, str):
        raise UnsupportedModelError(
            "Got a str where a keras.Model was expected. Load the model first: "
            f"tfxai.load({model!r})."
        )
    if not isinstance(model, keras.Model):
        raise UnsupportedModelError(
            f"Got a {kind.__name__} where a keras.Model was expected. "
            "Pass the model itself, a Subject that holds it, or, to a method that needs scores "
            "only, a function from a batch to its outputs such as its predict_proba."
        )
    if not model.built:
        raise UnsupportedModelError(
            f"The model {model.name!r} has no weights yet. Call it once on a batch of its inputs, "
            "or load trained weights."
        )
    for layer in model._flatten_layers(include_self=False):
        if getattr(layer, "stateful", False):
            raise UnsupportedModelError(
                f"Layer {layer.name!r} is stateful: what it returns depends on earlier batches. "
                "Build the model with stateful=False and load the same weights."
            )
