"""Explanations while a model is trained: what it looks at after each epoch."""

from tfxai.callbacks.explain import Explain as Explain
from tfxai.callbacks.sinks import to_png as to_png
from tfxai.callbacks.sinks import to_tensorboard as to_tensorboard

__all__ = ["Explain", "to_png", "to_tensorboard"]
