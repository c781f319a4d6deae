"""What is kept about a model for as long as it lives and stays as it is."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import keras

from tfxai.core.model.state import state, state_after

Make: TypeAlias = Callable[[], Any]


class ModelCache:
    """A cache with one compartment a model, which it does not keep alive.

    A compartment is emptied when its model has become another one, as `state` sees it: layers
    added (`Sequential.pop`, `enable_lora`), an activation exchanged, an attribute changed. New
    values of the variables change nothing.

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
        parts = state(model)
        with self._lock:
            before, known = self._compartments.get(model, (None, OrderedDict()))
            if before != parts:
                known = OrderedDict()
                self._compartments[model] = (parts, known)
            if key in known:
                known.move_to_end(key)
                return known[key]
        made = make()  # not under the lock: a trace takes seconds
        after = state_after(model, parts)
        with self._lock:
            known[key] = made
            if self._compartments.get(model, (None, None))[1] is known:
                self._compartments[model] = (after, known)
            while len(known) > self._most:
                known.popitem(last=False)
        return made
