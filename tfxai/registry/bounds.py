"""What making a model may cost, before its weights are read from the file.

Keras makes every weight that a config asks for, and fills it with random numbers, only to write
over them. A scan estimates that from the config; here it is counted as it happens, for layers of
any kind. An orthogonal start, which factorises a matrix (30 s for 4,000 x 4,000), is put off: it
is computed where the file turned out not to have the weight.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import keras
import tensorflow as tf

from tfxai.errors import ModelFileError

_build: ContextVar[_Build | None] = ContextVar("tfxai_build", default=None)
_install_lock = threading.Lock()


@dataclasses.dataclass
class _Build:
    """One model that is being made.

    Args:
        most: Bytes that its variables may take; no bound where None.
        taken: Bytes that they take so far.
        put_off: Variables whose start was put off, with what computes it.
    """

    most: int | None
    taken: int = 0
    put_off: list[tuple[Any, Callable[..., Any]]] = dataclasses.field(default_factory=list)

    def start(self, variable: Any, initializer: Callable[..., Any]) -> Callable[..., Any]:
        """Counts a variable; gives what fills it for now."""
        self.taken += math.prod(variable.shape) * max(1, tf.as_dtype(variable.dtype).size)
        if self.most is not None and self.taken > self.most:
            raise ModelFileError(
                f"Its layers ask for more than {self.most:,} bytes of weights, and the file holds "
                "less: making them would fill the memory. Load it with trust only if you know "
                "who made the file."
            )
        if not isinstance(initializer, keras.initializers.Orthogonal):
            return initializer
        self.put_off.append((variable, initializer))
        return _nan


@contextlib.contextmanager
def bounded(most: int | None) -> Iterator[None]:
    """Bounds what models that are loaded inside the block may take.

    Args:
        most: Bytes of all their variables; no bound where None.

    Raises:
        ModelFileError: They ask for more.
    """
    _install()
    build = _Build(most)
    token = _build.set(build)
    try:
        yield
    finally:
        _build.reset(token)
    for variable, initializer in build.put_off:
        if bool(keras.ops.any(keras.ops.isnan(variable.value))):
            variable.assign(initializer(variable.shape, dtype=variable.dtype))


def _nan(shape: Any, dtype: Any = None) -> Any:
    return keras.ops.full(shape, float("nan"), dtype=dtype)


def _install() -> None:
    """Puts a hook on the class of Keras' variables, once for the process."""
    with _install_lock:
        kind = keras.Variable
        original = kind._initialize_with_initializer
        if hasattr(original, "tfxai"):
            return

        @functools.wraps(original)
        def initialize(self: Any, initializer: Callable[..., Any]) -> Any:
            build = _build.get()
            return original(self, initializer if build is None else build.start(self, initializer))

        initialize.tfxai = True  # type: ignore[attr-defined]
        kind._initialize_with_initializer = initialize
