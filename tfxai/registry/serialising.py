"""A model as bytes, without the state of its training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    import keras


def write_model(model: keras.Model, path: Path) -> None:
    """Write the architecture and the weights of a model to a file, without its optimiser.

    A compiled model that cannot be made again from its config is written as it is, so its
    optimiser comes along.

    Raises:
        InvalidInputError: The file ends in `.h5`, from which Keras would not read the model back.
    """
    if path.suffix == ".h5":
        _check_h5(model)
    _bare(model).save(path)


def _check_h5(model: keras.Model) -> None:
    """Raises `InvalidInputError` where a part of a graph is no layer, in whatever model inside."""
    import keras

    models = [one for one in (model, *model._flatten_layers()) if isinstance(one, keras.Model)]
    parts = [part for one in models for part in getattr(one, "operations", ())]
    loose = {type(part).__name__ for part in parts if not isinstance(part, keras.Layer)}
    if loose:
        raise InvalidInputError(
            f"The model computes {', '.join(sorted(loose))} outside of its layers, which Keras "
            "does not read back from an .h5 file. Save it as .keras."
        )


def _bare(model: keras.Model) -> keras.Model:
    if getattr(model, "optimizer", None) is None:
        return model
    try:
        bare = model.__class__.from_config(model.get_config())  # not compiled: no optimiser
        bare.set_weights(model.get_weights())
    except (NotImplementedError, TypeError, ValueError):  # layers of one's own, most often
        return model
    return bare
