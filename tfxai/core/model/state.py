"""What a traced program of a model rests on besides the numbers in its variables.

A trace writes down everything that Python decided: which layers there are, which activation a
layer has, what a number in an attribute was. If any of it changes, the model is another one.
"""

from __future__ import annotations

import types
import weakref
import zlib
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeAlias, cast

import keras
import numpy as np

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_BY_VALUE = {int, float, complex, str, bytes, tuple, np.float32, np.float64, np.int32, np.int64}
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
_MAKERS = (keras.constraints.Constraint, keras.initializers.Initializer,
           keras.regularizers.Regularizer)  # fmt: skip
_DEEP = 3  # objects within objects
_LONG = 256  # elements of a list
_LARGE = 2**20  # bytes of an array


def state(model: keras.Model) -> Hashable:
    """A value that differs where the model has become another one, whatever its variables hold.

    Seen are layers and variables that are added, taken away or exchanged, and attributes of layers
    that are numbers, texts, functions, arrays, or lists, dicts and plain objects of these; of
    functions what they close over, and numbers among their globals.
    """
    layers, variables = list(model._flatten_layers()), tuple(map(id, model.variables))
    known = _states.get(model)
    if known is not None and known.is_of(layers, variables):
        return known.state
    seen = [(_reference(layer), _seen(layer)) for layer in layers]
    found = tuple(seen), variables
    if all(layer in _attributes_of or _is_model_of_keras(layer) for layer in layers):
        _states[model] = _Seen(_marks(layers), variables, found)
    return found


class _Seen:
    """A state, and what tells at a glance that it still is the same.

    Args:
        marks: Of the layers, none of which has anything inside that can change.
        variables: Ids of the variables.
        state: The state.
    """

    def __init__(self, marks: _Marks, variables: tuple[int, ...], state: Any) -> None:
        self._marks, self._variables, self.state = marks, variables, state

    def is_of(self, layers: list[keras.Layer], variables: tuple[int, ...]) -> bool:
        """Whether these are the same layers, with the same objects as their attributes."""
        if self._variables != variables or self._marks != _marks(layers):
            return False
        return all(one() is layer for (one, _), layer in zip(self.state[0], layers, strict=True))


def _marks(layers: list[keras.Layer]) -> _Marks:
    return [
        (type(layer).call,)
        if isinstance(layer, keras.Model)
        else (type(layer).call, *_told_apart(vars(layer).values()))
        for layer in layers
    ]


def _told_apart(values: Iterable[Any]) -> list[Any]:
    """What tells each of some attributes from another: plain ones by what they are.

    The id of a number, a text or a tuple that is gone is soon that of the next one.
    """
    return [
        id(one)
        if (kind := type(one)) not in _BY_VALUE
        else (kind, tuple(_told_apart(one)) if kind is tuple else one)
        for one in values
    ]


def state_after(model: keras.Model, before: Any) -> Hashable:
    """The state once the model was called; what the call itself wrote no longer counts.

    A layer may count its calls, or keep what it saw last: that does not make it another layer.

    Args:
        model: The model.
        before: Its state before the call.
    """
    if state(model) == before:
        return cast(Hashable, before)
    old = {reference(): dict(seen) for reference, seen in before[0]}
    for layer in model._flatten_layers():
        known, seen = old.get(layer, {}), dict(_seen(layer))
        written = {name for name in seen if name in known and seen[name] != known[name]}
        if written:
            _written[layer] = _written.get(layer, frozenset()) | written
            _states.pop(model, None)
    return state(model)


def _seen(layer: keras.Layer) -> tuple[tuple[str, Hashable], ...]:
    seen = _attributes(layer)
    skipped = _written.get(layer)
    return seen if skipped is None else tuple(one for one in seen if one[0] not in skipped)


_Marks: TypeAlias = list[tuple[Any, ...]]
_states: weakref.WeakKeyDictionary[keras.Model, _Seen] = weakref.WeakKeyDictionary()
_written: weakref.WeakKeyDictionary[keras.Layer, frozenset[str]] = weakref.WeakKeyDictionary()


_attributes_of: weakref.WeakKeyDictionary[keras.Layer, tuple[Any, Any]] = (
    weakref.WeakKeyDictionary()
)


def _attributes(layer: keras.Layer) -> tuple[tuple[str, Hashable], ...]:
    """Attributes of one layer by name; as before where none was exchanged and none can change."""
    cls = type(layer)
    of_keras = _is_of_libraries(cls)
    if _is_model_of_keras(layer):
        return (("call()", cls.call),)  # its layers are all of it
    own = vars(layer)
    now = (cls.call, *_told_apart(own.values()))
    before, known = _attributes_of.get(layer, (None, ()))
    if before == now:
        return cast(Any, known)
    skipped = _bookkeeping()
    seen = {name: own[name] for name in own if name not in skipped}
    key = (
        ("call()", cls.call if of_keras else _key(cls.call, 1)),
        ("class", _reference(cls) if of_keras else _of_class(cls)),
        ("dtype_policy", layer.dtype_policy.name),
        *((name, _key(value, 0)) for name, value in seen.items()),
    )
    if of_keras and all(_is_fixed(value) or name[0] == "_" for name, value in seen.items()):
        _attributes_of[layer] = now, key
    else:
        _attributes_of.pop(layer, None)
    return key


def _is_model_of_keras(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.Model) and _is_of_libraries(type(layer))


def _of_class(cls: type[Any]) -> Hashable:
    """The plain values among the attributes of a class and of those that it is derived from."""
    own = [base for base in cls.__mro__ if not _is_of_libraries(base) and base is not object]
    return tuple(
        (name, _key(value, 1))
        for base in own
        for name, value in vars(base).items()
        if isinstance(value, _PLAIN) and not name.startswith("__")
    )


def _is_fixed(value: Any) -> bool:
    """Whether nothing inside it can change."""
    if isinstance(value, tuple):
        return all(map(_is_fixed, value))
    if isinstance(value, types.FunctionType):
        return _is_of_libraries(value)
    fixed = (*_PLAIN, *_MAKERS, keras.Variable, keras.Layer, types.BuiltinFunctionType)
    return isinstance(value, (*fixed, keras.random.SeedGenerator))


def _key(value: Any, depth: int) -> Hashable:
    """What of an attribute a trace may have written down."""
    if isinstance(value, bool | float):  # 1 == True, and nan is no nan
        return type(value), repr(value)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, _MAKERS):
        return type(value).__name__  # of variables that are there already
    if isinstance(value, np.ndarray):
        return _array(value)
    if depth > _DEEP or isinstance(value, type | keras.Layer | keras.Variable):
        return id(value)
    if isinstance(value, _FUNCTIONS):
        return _function(value, depth)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        inside = value.items() if isinstance(value, Mapping) else value
        if len(value) > _LONG:
            return id(value), len(value)
        return tuple(_key(one, depth + 1) for one in inside)
    if not hasattr(value, "__dict__") or _is_of_libraries(type(value)):
        return id(value)
    return id(value), tuple((k, _key(v, depth + 1)) for k, v in vars(value).items())


def _is_of_libraries(one: Any) -> bool:
    return str(getattr(one, "__module__", "")).partition(".")[0] in ("keras", "tensorflow")


def _function(function: Any, depth: int) -> Hashable:
    if isinstance(function, types.MethodType):
        return id(function.__self__), _function(function.__func__, depth)
    if not isinstance(function, types.FunctionType):
        return id(function)
    if _is_of_libraries(function):
        return _reference(function)
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(_key(cell.cell_contents, depth + 1))
        except ValueError:  # not filled yet
            cells.append(None)
    given = function.__globals__
    used = [name for name in function.__code__.co_names if name in given]
    names = [name for name in used if isinstance(given[name], _PLAIN)]
    return (
        _reference(function),
        _key(function.__defaults__, depth + 1),
        tuple(cells),
        tuple((name, _key(given[name], depth + 1)) for name in names),
    )


def _array(array: np.ndarray[Any, Any]) -> Hashable:
    if array.dtype.hasobject:
        return id(array), array.shape
    seen = array.reshape(-1)[:: 1 + array.nbytes // _LARGE]  # of a large one some
    return id(array), array.dtype.str, array.shape, zlib.crc32(seen.tobytes())


def _reference(one: Any) -> Hashable:
    """It itself, not kept alive: the id of what is gone may come back."""
    return weakref.ref(one)


_known_bookkeeping: set[str] = set()


def _bookkeeping() -> set[str]:
    """Attributes that Keras keeps for itself in every layer and model, training included."""
    if not _known_bookkeeping:
        inputs = keras.Input((1,))
        model = keras.Model(inputs, inputs)
        model.compile(loss="mse", optimizer="sgd")
        names = {*vars(keras.layers.Layer()), *vars(model), "history", "stop_training"}
        _known_bookkeeping.update(names)
    return _known_bookkeeping
