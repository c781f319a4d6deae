"""What is kept about a model for as long as it lives and stays as it is."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import keras

Make: TypeAlias = Callable[[], Any]


class Kept:
    """A cache with one compartment a model, which it does not keep alive.

    A compartment is emptied when layers or variables of its model were added, taken away or
    exchanged (`Sequential.pop`, `enable_lora`); new values of the variables change nothing.

    Args:
        most: Entries kept for one model; the least used ones are dropped.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._compartments: weakref.WeakKeyDictionary[
            keras.Model, tuple[Hashable, OrderedDict[Hashable, Any]]
        ] = weakref.WeakKeyDictionary()

    def get(self, model: keras.Model, key: Hashable, make: Make) -> Any:
        """The entry of `key`, made where it is not known."""
        parts = _parts(model)
        with self._lock:
            before, known = self._compartments.get(model, (None, OrderedDict()))
            if before != parts:
                known = OrderedDict()
                self._compartments[model] = (parts, known)
            if key in known:
                known.move_to_end(key)
                return known[key]
        made = make()  # not under the lock: a trace takes seconds
        with self._lock:
            known[key] = made
            while len(known) > self._most:
                known.popitem(last=False)
        return made


def _parts(model: keras.Model) -> Hashable:
    """The layers and variables that a model is made of, whatever the variables hold."""
    # Weak references: the id of a layer that is gone may come back.
    layers = tuple(weakref.ref(layer) for layer in model._flatten_layers(include_self=False))
    return layers, tuple(id(variable) for variable in model.variables)
