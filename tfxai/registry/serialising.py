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
    check_form(model, path.suffix)
    _bare(model).save(path)


def check_form(model: keras.Model, suffix: str) -> None:
    """Raises where a file of that suffix could not hold the model.

    Raises:
        InvalidInputError: It ends in `.h5`, and a part of the graph is no layer.
    """
    import keras

    if suffix != ".h5":
        return
    parts = getattr(model, "operations", None) or getattr(model, "layers", [])
    loose = {type(one).__name__ for one in parts if not isinstance(one, keras.Layer)}
    if loose:
        raise InvalidInputError(
            f"The model computes {', '.join(sorted(loose))} outside of its layers, which Keras "
            "does not read back from an .h5 file. Save it as .keras."
        )
    for one in parts:
        check_form(one, suffix)


def _bare(model: keras.Model) -> keras.Model:
    if getattr(model, "optimizer", None) is None:
        return model
    try:
        bare = model.__class__.from_config(model.get_config())  # not compiled: no optimiser
        bare.set_weights(model.get_weights())
    except (NotImplementedError, TypeError, ValueError):  # layers of one's own, most often
        return model
    return bare
