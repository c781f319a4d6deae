"""Python's search for garbage, which would stop every request while it goes through TensorFlow."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


def settle() -> None:
    """Takes what is alive now for permanent, so that later searches pass over it.

    With TensorFlow and Keras loaded a whole search takes about 0.2 s, in which no thread of
    Python runs, and numbers read from JSON call for one every few hundred requests. What was
    taken for permanent earlier is searched once more, so that what has been unloaded is freed.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Inside the block what was alive before it is permanent; behind it nothing is."""
    settle()
    try:
        yield
    finally:
        gc.unfreeze()
