"""Reading and replacing what happens inside a model, without touching the model.

One hook on Keras' layer call consults a context variable. Outside `observe` it costs
one look-up; inside, every layer call of this thread is reported to the observer, for
Sequential, Functional, nested, subclassed and layer-sharing models alike. Nothing is
ever assigned to a model or layer.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeAlias, TypeGuard

import keras
import tensorflow as tf

from tfxai.core.model.backend import require_tensorflow

Visit = Callable[[str, "keras.Layer", int, Any], Any]
"""(path, layer, how often this layer was called before, output) -> output to go on with."""
Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
"""What a layer is called with, by position and by name."""
Enter = Callable[["keras.Layer", Arguments], Arguments | None]
"""(layer, arguments) before the call -> arguments to go on with, or None for the same."""

_LayerRun: TypeAlias = Callable[[Arguments], Any]

_observer: ContextVar[_Observer | None] = ContextVar("tfxai_observer", default=None)
_in_loops: ContextVar[bool] = ContextVar("tfxai_in_loops", default=False)
_install_lock = threading.Lock()


class _Observer:
    """Follows one run of a model: the stack of open calls and the calls per layer."""

    def __init__(self, visit: Visit, outer: _Observer | None, enter: Enter | None) -> None:
        self._visit = visit
        self._outer = outer
        self._enter = enter
        self._stack: list[str] = []
        self._calls: Counter[int] = Counter()

    def call(self, run: _LayerRun, layer: keras.Layer, given: Arguments) -> Any:
        """Runs `layer` and reports its output, to the observer around this one too."""
        if self._outer is None:
            return self._call(run, layer, given)
        return self._outer.call(lambda given: self._call(run, layer, given), layer, given)

    def _call(self, run: _LayerRun, layer: keras.Layer, given: Arguments) -> Any:
        """Reports the output under the layer's path; the outermost model has none."""
        if self._enter is not None:
            given = self._enter(layer, given) or given
        self._stack.append(layer.name)
        try:
            output = run(given)
            path = "/".join(self._stack[1:])
        finally:
            self._stack.pop()
        if not path:
            return output
        index = self._calls[id(layer)]
        self._calls[id(layer)] += 1
        return _with_mask(self._visit(path, layer, index, output), output)


@contextlib.contextmanager
def recurrent_in_loops() -> Iterator[None]:
    """Until the block ends, recurrent layers that are observed run in a loop, as on a CPU.

    On a GPU an LSTM or GRU is one operation of cuDNN, which cannot be looked into.
    """
    token = _in_loops.set(True)
    try:
        yield
    finally:
        _in_loops.reset(token)


def _stand_in(layer: keras.Layer) -> keras.Layer:
    """The layer, or what shares everything with it but does without cuDNN."""
    if not _in_loops.get() or getattr(layer, "use_cudnn", False) is False:
        return layer
    other = object.__new__(type(layer))
    vars(other).update(vars(layer), use_cudnn=False)
    return other


@contextlib.contextmanager
def observe(visit: Visit, enter: Enter | None = None) -> Iterator[None]:
    """Reports each finished layer call of this thread to `visit` until the block ends.

    What a layer is called with is passed to `enter` beforehand, which may change it.

    Blocks nest: the outer one changes arguments first, and sees what the inner one put in the
    place of an output. What the
    calls would assign (a stateful RNN, a random seed) or add (an activity loss) is dropped.
    """
    _install()
    token = _observer.set(_Observer(visit, _observer.get(), enter))
    try:
        with keras.StatelessScope():
            yield
    finally:
        _observer.reset(token)


def _install() -> None:
    """Puts the hook on the class `keras.Layer`, once for the process."""
    require_tensorflow()
    with _install_lock:
        original = keras.Layer.__call__
        if hasattr(original, "_tfxai_hook"):
            return

        @functools.wraps(original)
        def call(self: keras.Layer, *args: Any, **kwargs: Any) -> Any:
            observer = _observer.get()
            if observer is None:
                return original(self, *args, **kwargs)
            return observer.call(
                lambda given: original(_stand_in(self), *given[0], **given[1]),
                self,
                (args, kwargs),
            )

        call._tfxai_hook = True  # type: ignore[attr-defined]
        keras.Layer.__call__ = call


def _with_mask(replacement: Any, output: Any) -> Any:
    """Carries a Keras mask from a layer's own output over to what replaces it."""
    mask = getattr(output, "_keras_mask", None)
    if replacement is not output and mask is not None:
        replacement._keras_mask = mask
    return replacement


def is_readable(output: Any) -> TypeGuard[tf.Tensor]:
    """Whether a layer's output is one tensor of the graph that is being traced."""
    return isinstance(output, tf.Tensor) and (
        getattr(output, "graph", None) is tf.compat.v1.get_default_graph()
    )


def unreadable(path: str) -> str:
    """Why a layer's output cannot be explained."""
    return (
        f"Layer {path!r} does not return one tensor that can be read: it returns several or none, "
        "or runs inside a loop or a tf.function. Choose a layer that does."
    )
