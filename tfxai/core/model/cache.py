"""What is kept about a model for as long as it lives and stays as it is."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import Any, TypeAlias

import keras

from tfxai.core.model.state import state, state_after

Make: TypeAlias = Callable[[], Any]
_looked: ContextVar[tuple[keras.Model, dict[str, Hashable]] | None] = ContextVar(
    "looked", default=None
)


@contextlib.contextmanager
def looked_at_once(model: keras.Model) -> Iterator[None]:
    """Within the block, the state of a model is looked at once: it is one call, and short."""
    before = _looked.set((model, {}))
    try:
        yield
    finally:
        _looked.reset(before)


def _state(model: keras.Model) -> Hashable:
    looked = _looked.get()
    if looked is None or looked[0] is not model:
        return state(model)
    if "state" not in looked[1]:
        looked[1]["state"] = state(model)
    return looked[1]["state"]


def _note(model: keras.Model, after: Hashable) -> None:
    """What is known of the model from here on, within a call."""
    looked = _looked.get()
    if looked is not None and looked[0] is model:
        looked[1]["state"] = after


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
        parts = _state(model)
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
        _note(model, after)
        with self._lock:
            known[key] = made
            if self._compartments.get(model, (None, None))[1] is known:
                self._compartments[model] = (after, known)
            while len(known) > self._most:
                known.popitem(last=False)
        return made
