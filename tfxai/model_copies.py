"""A copy of a model, with the weights that its initialisers would give it now."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import random
import types
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.core.inputs.layout import Layout
from tfxai.core.model.cut import runs_its_graph
from tfxai.core.program import forward
from tfxai.errors import TfxaiError, UnsupportedModelError

_OBJECTS = (keras.Layer, keras.initializers.Initializer, keras.regularizers.Regularizer)


@dataclasses.dataclass(frozen=True, eq=False)
class Copy:
    """A model of its own that answers as another one does.

    Args:
        model: The copy.
        fresh: The value that an initialiser gave each of its variables, by the variable's `id`.
        trained: The value that it has in the model that was copied, likewise.
    """

    model: keras.Model
    fresh: dict[int, Array]
    trained: dict[int, Array]


def copy_of(model: keras.Model, layout: Layout, leaves: list[Array], seed: int) -> Copy:
    """A copy of a model; the model itself is only read.

    Args:
        model: The model.
        layout: How its inputs are laid out.
        leaves: A batch of inputs, by whose answers the copy is checked.
        seed: Seed of the initialisers, whatever seed they have of their own.

    Raises:
        UnsupportedModelError: A layer cannot be made again from its config, or answers otherwise.
    """
    first = [leaf[:1] for leaf in leaves]
    with _seeded(seed), keras.saving.custom_object_scope(_own_objects(model)):
        try:
            pairs, copy = _made_again(model)
            copy(layout.structure([tf.convert_to_tensor(leaf) for leaf in first]), training=False)
        except TfxaiError:
            raise
        except Exception as error:  # of a layer's or model's own code
            what = f"cannot be built from its config ({type(error).__name__}: {error})"
            raise _refused(model, what) from error
    fresh, trained = {}, {}
    for old, new in pairs:
        olds, news = old.variables, new.variables
        if [tuple(one.shape) for one in olds] != [tuple(one.shape) for one in news]:
            raise _refused(old, "has other weights when it is made again from its config")
        for before, variable in zip(olds, news, strict=True):
            fresh[id(variable)] = variable.numpy()
            trained[id(variable)] = before.numpy()
            variable.assign(trained[id(variable)])
    _check_answers(model, copy, layout, first)
    return Copy(copy, fresh, trained)


def _made_again(model: keras.Model) -> tuple[list[tuple[Any, Any]], keras.Model]:
    """Pairs of a layer and its copy, which hold all variables; and the copy of the model."""
    if not runs_its_graph(model):
        copy = _remade(model)
        return [(model, copy)], copy
    pairs: list[tuple[Any, Any]] = []

    def clone(layer: Any) -> Any:
        made = _remade(layer)
        if isinstance(layer, keras.Layer):  # else an operation, which has no weights
            pairs.append((layer, made))
        return made

    ends = (model.inputs[0], model.outputs[0]) if isinstance(model, keras.Sequential) else None
    bare = keras.Model(*(ends or (model.input, model.output)))  # without what training needs
    return pairs, keras.models.clone_model(bare, clone_function=clone, recursive=True)


def _remade(layer: Any) -> Any:
    """A layer of the same config, whose initialisers draw anew."""
    if isinstance(layer, keras.layers.Lambda):  # its function may not survive a config
        return keras.layers.Lambda(
            layer.function,
            layer._output_shape,
            layer.mask,
            layer.arguments,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
    try:
        config = _reseeded(layer.get_config())
        if _takes_less(layer, config):
            return type(layer)(**{name: config[name] for name in _arguments(layer)})
        return type(layer).from_config(config)
    except Exception as error:
        what = f"cannot be made again from its config ({type(error).__name__}: {error})"
        raise _refused(layer, what) from error


def _takes_less(layer: Any, config: dict[str, Any]) -> bool:
    """Whether the config is Keras' own and has more words than the class takes, as `trainable`.

    That is so of models whose `__init__` has no `**kwargs`, and Keras cannot make them again.
    """
    own = type(layer)
    parameters = inspect.signature(own.__init__).parameters.values()
    is_of_keras = own.get_config.__module__.partition(".")[0] == "keras"
    has_rest = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
    is_known = all(name in config for name in _arguments(layer))
    return is_of_keras and not has_rest and is_known and set(config) > set(_arguments(layer))


def _arguments(layer: Any) -> list[str]:
    """Names of what the class is made with."""
    return list(inspect.signature(type(layer).__init__).parameters)[1:]


def _reseeded(config: Any) -> Any:
    """A config in which every initialiser has a new seed of Python's random numbers."""
    if isinstance(config, list | tuple):
        return type(config)(map(_reseeded, config))
    if not isinstance(config, dict):
        return config
    found = {key: _reseeded(value) for key, value in config.items()}
    inner = found.get("config")
    is_initialiser = "initializers" in str(found.get("module") or "")
    if is_initialiser and isinstance(inner, dict) and isinstance(inner.get("seed"), int):
        found["config"] = {**inner, "seed": random.randint(1, 2**31 - 1)}
    return found


def _own_objects(model: keras.Model) -> dict[str, Any]:
    """Functions that the layers use, and classes that are not of Keras, by their names."""
    found: dict[str, Any] = {}
    for layer in (model, *model._flatten_layers()):
        for one in (type(layer), *vars(layer).values()):
            if isinstance(one, types.FunctionType):
                found[one.__name__] = one
                continue
            cls = one if isinstance(one, type) else type(one)
            if issubclass(cls, _OBJECTS) and cls.__module__.partition(".")[0] != "keras":
                found[cls.__name__] = cls
    return found


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Python's and NumPy's random numbers follow the seed, and go on afterwards as before."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what layers draw
    random.seed(f"sanity check {seed}")  # other draws than those the model may have started from
    np.random.seed(random.getrandbits(32))  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def _check_answers(
    model: keras.Model, copy: keras.Model, layout: Layout, leaves: list[Array]
) -> None:
    tensors = [tf.convert_to_tensor(leaf) for leaf in leaves]
    one, other = (
        [np.asarray(out) for out in tf.nest.flatten(forward(each, layout)(tensors))]
        for each in (model, copy)
    )
    for a, b in zip(one, other, strict=True):
        if not np.allclose(a, b, rtol=1e-3, atol=1e-5 * max(1.0, float(np.abs(a).max()))):
            raise UnsupportedModelError(
                "A copy of the model with the same weights answers otherwise, so something that "
                "it does is not in its config. Write get_config() of its own layers so that "
                "from_config() gives the same layer."
            )


def _refused(layer: Any, what: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{type(layer).__name__} {layer.name!r} {what}, and only a copy of the model is "
        "changed, never the model. Write get_config() and from_config() of that class."
    )
