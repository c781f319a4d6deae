"""A model as bytes, without the state of its training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def write_model(model: keras.Model, path: Path) -> None:
    """Write the architecture and the weights of a model to a file, without its optimiser.

    A compiled model that cannot be made again from its config is written as it is, so its
    optimiser comes along.
    """
    _bare(model).save(path)


def _bare(model: keras.Model) -> keras.Model:
    if getattr(model, "optimizer", None) is None:
        return model
    try:
        bare = model.__class__.from_config(model.get_config())  # not compiled: no optimiser
        bare.set_weights(model.get_weights())
    except (NotImplementedError, TypeError, ValueError):  # layers of one's own, most often
        return model
    return bare
