"""Trained models by name: where they lie, and how they are loaded safely."""

from tfxai.registry.folders import find, names, roots
from tfxai.registry.loading import load

__all__ = ["find", "load", "names", "roots"]
