"""Digests of arrays and models: the same content, the same digest."""

from __future__ import annotations

import hashlib

import keras
import numpy as np

from tfxai import __version__
from tfxai.arrays import Array
from tfxai.subject import Subject


def model_digest(subject: Subject) -> str | None:
    """A digest of a model's configuration, weights and preprocessing.

    None where the configuration cannot be written: then nothing says what the model computes.
    """
    try:
        config = subject.model.to_json()
    except (TypeError, ValueError, NotImplementedError):
        return None
    found = hashlib.sha256(f"{__version__}\n{config}\n{subject.preprocessing!r}".encode())
    for weight in subject.model.weights:
        array = np.ascontiguousarray(weight.numpy())
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def fingerprint(model: keras.Model) -> str:
    """SHA-256 over path, type, shape and values of the model's weights, in their order.

    Any library can compute it from the weights alone. The seeds of random layers are no part of
    it: they are drawn when a model is loaded.
    """
    digest = hashlib.sha256()
    for variable in model.weights:
        array = np.ascontiguousarray(variable.value.numpy())
        digest.update(f"{variable.path}\0{array.dtype.name}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def array_digest(array: Array) -> str:
    """A digest of an array's type, shape and content."""
    found = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
    found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
