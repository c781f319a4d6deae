"""Models of texts as models of numbers, without touching them: behind their look-up, by token.

Each stands around a model that it does not keep alive, and runs it as it is: layers keep their
paths.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any, cast

import keras
import tensorflow as tf

from tfxai.core.model.layer_calls import observe
from tfxai.errors import UnsupportedModelError
from tfxai.text.vectorization import vectorization_of

SHOWN, GROUPS, OTHERS = "shown", "groups", "others"
"""Inputs of `ByToken` beside those of the model."""


class Around(keras.Model):
    """What stands around a model. It has the model's layers and variables, and is called like it.

    Args:
        model: The model.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name=model.name)
        self._around: weakref.ref[keras.Model] = weakref.ref(model)
        self.built = True

    @property
    def model(self) -> keras.Model:
        """The model itself, which the caller holds."""
        return cast(keras.Model, self._around())

    @property
    def layers(self) -> Any:
        """Those of the model."""
        return self.model.layers

    @property
    def variables(self) -> Any:
        """Those of the model."""
        return self.model.variables

    @property
    def compute_dtype(self) -> str:
        """That of the model."""
        return str(self.model.compute_dtype)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> Any:
        return self.model._flatten_layers(include_self, recursive)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """What the model returns."""
        raise NotImplementedError

    def __call__(self, inputs: Any, training: bool = False) -> Any:
        """As `call`."""
        return self.call(inputs, training)  # not by Keras, which would count a layer more


class BehindLookup(Around):
    """A model that takes strings, as a model of the ids of their words, (B, T)."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """What the model returns for ids in the place of those that its look-up gives."""
        layer, seen = vectorization_of(self.model), list[Any]()

        def visit(path: str, one: keras.Layer, index: int, output: Any) -> Any:
            if one is not layer:
                return output
            seen.append(path)
            return tf.cast(inputs, tf.int64)

        declared = getattr(self.model, "inputs", None)
        rank = len(declared[0].shape) if declared else 1
        shape = [tf.shape(inputs)[0], *[1] * (rank - 1)]
        with observe(visit):
            raw = self.model(tf.fill(shape, ""), training=False)
        if len(seen) != 1:
            raise UnsupportedModelError(
                f"The model looks words up {len(seen)} times, and once was expected. Pass a model "
                "behind the look-up, and its TextVectorization as tokenizer= of a Subject."
            )
        return raw


class ByToken(Around):
    """A model of ids, as a model of which tokens are there.

    It takes a dict: `shown`, (B, G) floating-point numbers, of which a group of tokens is there
    from 0.5 on; `groups`, (B, T) int32, the group of each token, -1 for one that always is there;
    `others`, (B, T), what stands in the place of a token that is not; and the model's own inputs
    under their names. Without `others` such a token is dropped: those behind it move up.

    Args:
        model: The model.
        ids: Name of the input with ids; `""` where there is one input only.
        mask: Name of the input that says which tokens are there.
        pad_id: Id that fills up.
    """

    def __init__(self, model: keras.Model, ids: str, mask: str, pad_id: int) -> None:
        super().__init__(model)
        self._ids, self._mask, self._pad_id = ids, mask, pad_id

    def call(self, inputs: Any, training: bool = False) -> Any:
        """What the model returns for the tokens that are there."""
        given = dict(inputs)
        shown, groups = given.pop(SHOWN), given.pop(GROUPS)
        others = given.pop(OTHERS, None)
        by_group = tf.gather(shown, tf.maximum(groups, 0), batch_dims=1)
        is_there = (groups < 0) | (by_group >= 0.5)
        if others is not None:
            given[self._ids] = tf.where(is_there, given[self._ids], others)
        else:
            given = self._dropped(given, is_there)
        return self.model(given[""] if set(given) == {""} else given, training=False)

    def _dropped(self, given: dict[str, Any], is_there: tf.Tensor) -> dict[str, Any]:
        """The inputs without the tokens that are not there, filled up where the model fills up."""
        before = tf.cast(given[self._mask], tf.bool)
        is_there &= before
        length = tf.shape(before)[1]
        places = tf.range(length)[None]
        fills_left = ~before[:, :1] & before[:, -1:]
        late = tf.where(fills_left, is_there, ~is_there)  # what comes behind the others
        order = tf.argsort(places + tf.where(late, length, 0), axis=1)
        count = tf.reduce_sum(tf.cast(is_there, tf.int32), axis=1, keepdims=True)
        is_token = tf.where(fills_left, places >= length - count, places < count)
        gone = tf.reduce_sum(tf.cast(before, tf.int32), axis=1, keepdims=True) - count
        slots = tf.maximum(places - tf.where(fills_left, gone, 0), 0)
        moved = {}
        for name, array in given.items():
            if "position" in name:  # of the shorter text: those that are left close up
                moved[name] = tf.gather(array, slots, batch_dims=1)
                continue
            fill = tf.cast(self._pad_id if name == self._ids else 0, array.dtype)
            one = tf.gather(array, order, batch_dims=1)
            moved[name] = tf.where(is_token, one, fill)
        moved[self._mask] = tf.cast(is_token, given[self._mask].dtype)
        return moved


_lock = threading.Lock()
_known: weakref.WeakKeyDictionary[keras.Model, dict[Hashable, keras.Model]] = (
    weakref.WeakKeyDictionary()
)


def around(model: keras.Model, key: Hashable, make: Callable[[], keras.Model]) -> keras.Model:
    """What stands around a model, the same one for as long as the model lives."""
    with _lock:
        known = _known.setdefault(model, {})
        if key not in known:
            known[key] = make()
        return known[key]
