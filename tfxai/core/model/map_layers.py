"""Which layers make feature maps of their own, by the names of their classes; no TensorFlow."""

from __future__ import annotations

_PREPARING = ("CenterCrop", "Dropout", "GaussianNoise", "InputLayer", "Normalization", "Random",
              "Rescaling", "Resizing", "ZeroPadding")  # fmt: skip
"""Beginnings of the names of layers that hand on what they are given."""


def makes_maps(kind: str) -> bool:
    """Whether a layer of that class may be where a class activation map looks by default."""
    return not kind.startswith(_PREPARING) and "Attention" not in kind and kind != "Embedding"
