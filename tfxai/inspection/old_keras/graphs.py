"""How the layers of an earlier version's model are connected, rewritten as Keras 3 writes it.

Earlier versions refer to a tensor as [layer, call, output] or [layer, call, output, arguments],
count the calls of a model inside a model from 1, since the first one is the model's own, and hand
the states of a recurrent layer to it as further inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from tfxai.inspection.names.keras_names import OPERATIONS
from tfxai.inspection.names.outside import OUTSIDE
from tfxai.inspection.old_keras.operations import JOINS, LAYERS, operation

Config: TypeAlias = dict[str, Any]

CONSTANT = "_CONSTANT_VALUE"  # stands for a layer where the input is no tensor
STATEFUL = {"Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "GRU", "LSTM", "RNN"}
STATEFUL |= {"SimpleRNN"}
TEXTS = ("StringLookup", "TextVectorization")


def rewire(name: str, model: Config, renamed: dict[str, str]) -> None:
    """Rewrites, in place, names, calls and ends of a model whose layers are in the new form.

    Args:
        name: "Functional" or "Sequential".
        model: Its config, with the layers rewritten but not their calls.
        renamed: Takes the names that Keras 3 does not have, by the new ones.
    """
    layers = [one for one in model["layers"] if isinstance(one, dict)]
    names = _names(layers, renamed)
    if isinstance(model.get("name"), str) and not OUTSIDE.search(model["name"]):
        model["name"] = model["name"].replace("/", "_")
    if name != "Functional":
        return
    for key in ("input_layers", "output_layers"):
        model[key] = _single(model.get(key))
    shift = _from_one(layers, model)
    for layer in layers:
        calls = layer.get("inbound_nodes")
        kind = str(layer.get("class_name"))
        if isinstance(calls, list) and not _as_operation(layer, calls, names, shift):
            layer["inbound_nodes"] = [_call(kind, call, names, shift) for call in calls]
    sequential = {_name(one) for one in layers if one.get("class_name") == "Sequential"}
    for key in ("input_layers", "output_layers"):
        model[key] = _ends(model[key], names, shift & sequential)


def first_shape(layer: Any) -> tuple[list[Any] | None, str]:
    """What the first layer of a Sequential takes: its shape, None if not said, and its dtype."""
    while isinstance(layer, dict):
        config = layer.get("config")
        if isinstance(config, list):  # a Sequential of old
            layer = config[0] if config else None
            continue
        if not isinstance(config, dict):
            break
        for key in ("batch_input_shape", "batch_shape"):
            if isinstance(config.get(key), list):
                return config[key], _dtype(layer, config)
        inner = config.get("layers")
        layer = _input_of(config, inner) if isinstance(inner, list) else None
    return None, "float32"


def _input_of(config: Config, layers: list[Any]) -> Any:
    """The layer of a model inside that says what it takes, where it takes one tensor."""
    if "input_layers" not in config:
        return layers[0] if layers else None
    names = [ref[0] for ref in _references(config["input_layers"])]
    found = [one for one in layers if isinstance(one, dict) and _name(one) in names]
    return found[0] if len(found) == 1 == len(names) else None


def _dtype(layer: Config, config: Config) -> str:
    if str(layer.get("class_name")).rpartition(">")[2] in TEXTS:
        return "string"
    given = config.get("dtype")
    return given if isinstance(given, str) and not given.startswith("mixed_") else "float32"


# Names.


def _name(layer: Config) -> str | None:
    config = layer.get("config")
    name = layer.get("name") or (config.get("name") if isinstance(config, dict) else None)
    return name if isinstance(name, str) else None


def _names(layers: list[Config], renamed: dict[str, str]) -> dict[str, str]:
    """Gives every layer a name that Keras 3 takes; old names to new ones."""
    found: dict[str, str] = {}
    taken = {name for name in map(_name, layers) if name is not None and "/" not in name}
    numbers: Counter[str] = Counter()
    for layer in layers:
        name = _name(layer)
        if name is None or OUTSIDE.search(name):
            continue
        new = name.replace("/", "_")
        if "/" in name:
            stem = new
            while new in taken:
                numbers[stem] += 1
                new = f"{stem}_{numbers[stem]}"
            taken.add(new)
            renamed[new] = name
        found[name] = new
        config = layer.get("config")
        if isinstance(config, dict) and "name" in config:
            config["name"] = new
        if "name" in layer:
            layer["name"] = new
    return found


# Calls.


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(isinstance(n, int) and not isinstance(n, bool) for n in value[1:3])
    )


def _references(value: Any) -> Iterator[list[Any]]:
    """Every reference to a tensor in a call or in the ends of a model, arguments included."""
    todo = [value]
    while todo:
        one = todo.pop()
        if _is_reference(one):
            yield one
            todo.extend(one[3:])
        elif isinstance(one, dict):
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)


def _from_one(layers: list[Config], model: Config) -> set[str | None]:
    """Names of the models inside whose calls are counted from 1."""
    inner = {_name(one) for one in layers if one.get("class_name") in ("Functional", "Sequential")}
    first: dict[str, int] = {}
    calls = [one.get("inbound_nodes") for one in layers]
    for ref in _references([calls, model.get("output_layers")]):
        first[ref[0]] = min(ref[1], first.get(ref[0], ref[1]))
    return {name for name in inner if name is not None and first.get(name, 0) >= 1}


def _call(kind: str, call: Any, names: dict[str, str], shift: set[str | None]) -> Any:
    """A call in the form of Keras 3; one that already has it stays as it is."""
    if isinstance(call, dict) and "args" in call:
        return call
    made = {
        key: _arguments(value, names, shift)
        for key, value in _keywords(call).items()
        if value is not None
    }
    given = _given(call, names, shift)
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if kind in STATEFUL and isinstance(given, list) and len(given) > 1:
        made["initial_state"] = given[1:]
        given = given[0]
    return {"args": [given], "kwargs": made}


def _as_operation(
    layer: Config, calls: list[Any], names: dict[str, str], shift: set[str | None]
) -> bool:
    """Makes an operation of a TensorFlow function that Keras 2 kept as a layer, where it can."""
    config = layer.get("config")
    known = layer.get("class_name") in LAYERS and isinstance(config, dict)
    if not known or len(calls) != 1 or not isinstance(config, dict):
        return False
    keywords = _keywords(calls[0])
    made = operation(config.get("function"), keywords)
    if made is None:
        return False
    first = _given(calls[0], names, shift)
    if isinstance(first, list) and len(first) == 1 and made.kind not in JOINS:
        first = first[0]
    others = [_arguments(one, names, shift) for one in made.others]
    layer |= {"class_name": made.kind, "module": _home(made.kind), "registered_name": made.kind}
    layer.pop("build_config", None)
    layer["config"] = {"name": config.get("name"), **made.options}
    layer["inbound_nodes"] = [{"args": [first, *others], "kwargs": {}}]
    return True


def _home(name: str) -> str:
    return next(module for module, names in OPERATIONS.items() if name in names)


def _keywords(call: Any) -> Config:
    """The arguments by name of a call as earlier versions have it."""
    if isinstance(call, list) and len(call) == 4 and call[0] == CONSTANT:
        found = call[3]
    else:
        found = next((ref[3] for ref in _references(call) if len(ref) == 4), None)
    return found if isinstance(found, dict) else {}


def _given(value: Any, names: dict[str, str], shift: set[str | None]) -> Any:
    """What a layer is called on."""
    if _is_reference(value):
        return value[2] if value[0] == CONSTANT else _tensor(value, names, shift)
    if isinstance(value, dict):
        return {key: _given(one, names, shift) for key, one in value.items()}
    if isinstance(value, list):
        if len(value) >= 3 and value[0] == CONSTANT:
            return value[2]
        return [_given(one, names, shift) for one in value]
    return value


def _arguments(value: Any, names: dict[str, str], shift: set[str | None]) -> Any:
    """Arguments by name, in which only what names a layer of the model is a tensor."""
    if _is_reference(value) and len(value) == 3 and value[0] in names:
        return _tensor(value, names, shift)
    if isinstance(value, dict):
        return {key: _arguments(one, names, shift) for key, one in value.items()}
    if isinstance(value, list):
        return [_arguments(one, names, shift) for one in value]
    return value


def _tensor(ref: list[Any], names: dict[str, str], shift: set[str | None]) -> Config:
    name, call, output = ref[:3]
    history = [names.get(name, name), call - (name in shift), output]
    inner = {"shape": [], "dtype": "float32", "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": inner}


# Ends.


def _single(value: Any) -> Any:
    """The ends of a model; of a list of one end, as earlier versions mean it, that end."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return value


def _ends(value: Any, names: dict[str, str], shift: set[str | None]) -> Any:
    if _is_reference(value):
        name, call, output = value[:3]
        return [names.get(name, name), call - (name in shift), output]
    if isinstance(value, dict):
        return {key: _ends(one, names, shift) for key, one in value.items()}
    if isinstance(value, list):
        return [_ends(one, names, shift) for one in value]
    return value
