"""Digests of arrays and models: the same content, the same digest."""

from __future__ import annotations

import hashlib

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


def array_digest(array: Array) -> str:
    """A digest of an array's type, shape and content."""
    found = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
    found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
