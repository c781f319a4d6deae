"""The layers of a config, nested models included, with the shapes that it states or implies."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, final

from tfxai.inspection.config.shapes import Shape, output_shape

MODELS = ("Functional", "Sequential", "Model")
ARITHMETIC = {"Add", "Divide", "Maximum", "Minimum", "Multiply", "Power", "Subtract", "TrueDivide"}
MOST_SIZES = 16  # axes of a shape


@final
@dataclasses.dataclass
class LayerNode:
    """One layer of a model.

    Args:
        path: Names from the outermost model down, as in "backbone/conv5".
        kind: Its class.
        config: Its config.
        shape: Shape of its output.
        trainable: Whether it, and every model around it, is to be trained.
        group: Where its variables lie in a `.keras` file's weights.
        inner: The layers of a nested model.
        outputs: Outputs of a nested model: the layers whose outputs are its own.
        fed: Shapes of its inputs.
    """

    path: str
    kind: str
    config: dict[str, Any]
    shape: Shape
    trainable: bool
    group: str
    inner: list[LayerNode] = dataclasses.field(default_factory=list)
    outputs: list[LayerNode] = dataclasses.field(default_factory=list)
    fed: list[Shape] = dataclasses.field(default_factory=list)


def tree(config: Any) -> LayerNode | None:
    """The model as a node, whose `inner` are its layers; None where it is no model of layers."""
    node = _object(config)
    if node is None:
        return None
    top = LayerNode("", node[0], node[1], None, True, "")
    if isinstance(_layers(node[1]), list):
        _fill(top, [])
    return top


def flat(node: LayerNode) -> Iterator[LayerNode]:
    """All layers below a node, in order; a nested model comes before its layers."""
    for one in node.inner:
        yield one
        yield from flat(one)


def leaf(node: LayerNode) -> str:
    """The layer's own name."""
    return node.path.rpartition("/")[2]


def _fill(model: LayerNode, inputs: list[Shape]) -> None:
    """Reads the layers of a model, and from them its own shape."""
    raw = _layers(model.config) or []
    recorded = dict(_recorded(raw))
    followed = _followed(model.kind, raw)
    names: dict[str, LayerNode] = {}
    used: Counter[str] = Counter()
    last: list[Shape] = list(inputs)
    for number, item in enumerate(raw):
        found = _object(item)
        if found is None:
            continue
        kind, config = found
        name = str(item.get("name") or config.get("name") or kind.lower())[:200]
        path = f"{model.path}/{name}" if model.path else name
        group = "" if _is_operation(item) else _group(model, kind, used)
        trains = model.trainable and config.get("trainable") is not False
        node = LayerNode(path, kind, config, None, trains, group)
        fed = _inputs(item, names, recorded, last if model.kind == "Sequential" else [])
        fed = _built(item) if not fed or None in fed else fed
        if isinstance(_layers(config), list) and kind in MODELS:
            _fill(node, fed)
        node.fed = fed
        computed = node.shape or _input_shape(config, kind) or output_shape(kind, config, fed)
        computed = computed or _with_number(item, kind, fed)
        node.shape = recorded.get(name) or followed.get(number) or computed
        names[name] = node
        model.inner.append(node)
        last = [node.shape]
    ends = _ends(model, names)
    model.outputs = ends
    model.shape = ends[0].shape if len(ends) == 1 else None


def _object(item: Any) -> tuple[str, dict[str, Any]] | None:
    if not isinstance(item, dict) or not isinstance(item.get("class_name"), str):
        return None
    config = item.get("config")
    if isinstance(config, list):  # a Sequential of old
        config = {"layers": config}
    return (item["class_name"], config) if isinstance(config, dict) else None


def _layers(config: dict[str, Any]) -> Any:
    return config.get("layers")


def _is_operation(item: dict[str, Any]) -> bool:
    module = item.get("module")
    return isinstance(module, str) and ".ops" in module


def _group(model: LayerNode, kind: str, used: Counter[str]) -> str:
    """Where Keras puts a layer's variables: by its class, numbered, not by its name."""
    if model.kind == "Sequential" and kind == "InputLayer":
        return ""
    snake = re.sub(r"\W+", "", kind.rpartition(">")[2])
    snake = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", snake)
    snake = re.sub(r"([a-z])([A-Z])", r"\1_\2", snake).lower()
    number = used[snake]
    used[snake] += 1
    above = f"{model.group}/" if model.group else ""
    return f"{above}layers/{snake}_{number}" if number else f"{above}layers/{snake}"


# Shapes that the file states.


def shape_of(value: Any) -> Shape:
    """A shape in JSON, if it is one."""
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MOST_SIZES:
        return None
    if all(size is None or (isinstance(size, int) and size >= 0) for size in value):
        return tuple(value)
    return None


def _tensors(value: Any) -> Iterator[tuple[str, int, Shape]]:
    """Layer, number of the output and shape of each tensor in the arguments of a call."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo.extend(reversed(one))
        elif isinstance(one, dict):
            inner = one.get("config")
            if one.get("class_name") == "__keras_tensor__" and isinstance(inner, dict):
                history = inner.get("keras_history")
                if isinstance(history, list) and len(history) == 3:
                    number = history[2] if isinstance(history[2], int) else 0
                    yield str(history[0]), number, shape_of(inner.get("shape"))
            else:
                todo.extend(reversed(one.values()))


def _recorded(raw: list[Any]) -> Iterator[tuple[str, Shape]]:
    """Outputs as Keras 3 records them where they are used, of layers with one output."""
    found: dict[str, set[Shape]] = {}
    several = set()
    for item in raw:
        calls = item.get("inbound_nodes") if isinstance(item, dict) else None
        for name, number, shape in _tensors(calls):
            found.setdefault(name, set()).add(shape)
            if number:
                several.add(name)
    for name, shapes in found.items():
        if len(shapes) == 1 and name not in several:
            yield name, shapes.pop()


def _built(item: dict[str, Any]) -> list[Shape]:
    """The inputs for which a layer was built."""
    built = item.get("build_config")
    given = built.get("input_shape") if isinstance(built, dict) else None
    one = shape_of(given)
    if one is not None:
        return [one]
    if isinstance(given, list) and given and all(isinstance(inner, list) for inner in given):
        return [shape_of(inner) for inner in given]
    return []


def _followed(kind: str, raw: list[Any]) -> dict[int, Shape]:
    """In a Sequential, what the next layer was built for is the output of this one."""
    if kind != "Sequential":
        return {}
    found = {}
    for number, item in enumerate(raw[1:]):
        built = _built(item) if isinstance(item, dict) else []
        if len(built) == 1:
            found[number] = built[0]
    return found


def _with_number(item: dict[str, Any], kind: str, fed: list[Shape]) -> Shape:
    """Of arithmetic on one tensor and a number, or a number for each channel."""
    calls = item.get("inbound_nodes")
    call = calls[0] if isinstance(calls, list) and calls else None
    given = call.get("args") if isinstance(call, dict) else None
    if kind not in ARITHMETIC or not isinstance(given, list) or len(fed) != 1 or not fed[0]:
        return None
    sizes = [_size(one) for one in given]
    fits = len(given) == 2 and sizes.count(None) == 1
    return fed[0] if fits and {*sizes} <= {None, 1, fed[0][-1]} else None


def _size(given: Any) -> int | None:
    """Number of numbers in an operand; None for a tensor."""
    if isinstance(given, dict) and given.get("class_name") == "__numpy__":
        value = given["config"].get("value") if isinstance(given.get("config"), dict) else None
        return len(value) if isinstance(value, list) else 0
    return None if isinstance(given, dict | list) else 1


def _input_shape(config: dict[str, Any], kind: str) -> Shape:
    if kind != "InputLayer":
        return None
    return shape_of(config.get("batch_shape")) or shape_of(config.get("batch_input_shape"))


def _inputs(
    item: dict[str, Any],
    names: dict[str, LayerNode],
    recorded: dict[str, Shape],
    last: list[Shape],
) -> list[Shape]:
    """Shapes of what a layer is called on first: recorded, or those of the layers before it."""
    own = item.get("config")
    if last == [] or last == [None]:
        given = shape_of(own.get("batch_input_shape")) if isinstance(own, dict) else None
        last = [given] if given else last
    calls = item.get("inbound_nodes")
    if not isinstance(calls, list) or not calls:
        return last
    if isinstance(calls[0], dict):
        called = [(name, shape) for name, _, shape in _tensors(calls[0].get("args"))]
    else:
        called = [(name, None) for name in _old_names(calls[0]) if name in names]
    return [
        shape or recorded.get(name) or (names[name].shape if name in names else None)
        for name, shape in called
    ]


def _old_names(call: Any) -> Iterator[str]:
    """Names in a call as Keras 2 has it: [["conv", 0, 0, {}], ...], or one of them alone."""
    if isinstance(call, list) and call and isinstance(call[0], str):
        yield call[0]
    elif isinstance(call, list):
        for one in call:
            if isinstance(one, list) and one and isinstance(one[0], str):
                yield one[0]


def _ends(model: LayerNode, names: dict[str, LayerNode]) -> list[LayerNode]:
    """The layers whose outputs are the model's."""
    if model.kind == "Sequential" or "output_layers" not in model.config:
        return model.inner[-1:] if model.kind == "Sequential" else []
    return [names[name] for name in end_names(model.config["output_layers"]) if name in names]


def end_names(value: Any) -> list[str]:
    """Names of layers in `input_layers` or `output_layers`: one, a list, or a dict of them."""
    todo, made = [value], []
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            todo.extend(reversed(one.values()))
        elif isinstance(one, list) and len(one) == 3 and isinstance(one[0], str):
            made.append(one[0])
        elif isinstance(one, list):
            todo.extend(reversed(one))
    return made
