"""What tells one trained model from another."""

from __future__ import annotations

import hashlib

import keras
import numpy as np


def fingerprint(model: keras.Model) -> str:
    """SHA-256 over path, type, shape and values of the model's weights, in their order.

    The seeds of its random layers are no part of it: they are drawn when a model is loaded.
    """
    digest = hashlib.sha256()
    for variable in model.weights:
        array = np.ascontiguousarray(variable.value.numpy())
        digest.update(f"{variable.path}\0{array.dtype.name}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
