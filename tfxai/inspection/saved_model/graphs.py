"""The graphs of a SavedModel: its operations, what calls what, and where a file's name comes from.

A scope is the main graph, whose name is empty, or a function. Field numbers are those of
TensorFlow's `graph.proto`, `function.proto`, `attr_value.proto` and `saved_object_graph.proto`.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias, final

from tfxai.inspection.limits import Limits
from tfxai.inspection.readers import protobuf
from tfxai.inspection.readers.protobuf import Bytes
from tfxai.inspection.readers.source import Malformed
from tfxai.inspection.saved_model.operations import is_primitive

Place: TypeAlias = tuple[str, str]  # scope, name of the node
DTYPES = "invalid float32 float64 int32 uint8 int16 int8 text complex64 int64 bool qint8 quint8 "
DTYPES += "qint32 bfloat16 qint16 quint16 uint16 complex128 float16 resource variant uint32 uint64"
DTYPE = dict(enumerate(DTYPES.split()))
BYTES = {"float64": 8, "int64": 8, "uint64": 8, "complex64": 8, "complex128": 16, "text": 24}
BYTES |= {"uint8": 1, "int8": 1, "bool": 1, "qint8": 1, "quint8": 1}
BYTES |= {"int16": 2, "uint16": 2, "qint16": 2, "quint16": 2, "float16": 2, "bfloat16": 2}
_PASSES = {"Identity", "PlaceholderWithDefault", "StopGradient", "GuaranteeConst", "Snapshot"}
_AT_LOAD = {"_create_resource", "_initialize", "_destroy_resource"}
_STEPS = 20_000  # from tensor to tensor, in finding where the names of files come from
_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}  # whose inputs are the function's


@dataclasses.dataclass
class GraphNode:
    """One operation.

    Args:
        name: In its scope.
        op: Its kind, or the name of the function that it calls.
        inputs: Tensors that it takes, and nodes that run before it ("^name").
        calls: Functions among its attributes.
        file_output: Whether it prints to a file.
        unstored: Bytes of its constants that the file does not hold.
    """

    name: str = ""
    op: str = ""
    inputs: list[str] = dataclasses.field(default_factory=list)
    calls: list[str] = dataclasses.field(default_factory=list)
    file_output: bool = False
    unstored: int = 0

    @property
    def tensors(self) -> list[str]:
        """Its inputs but for what only runs before it."""
        return [one for one in self.inputs if not one.startswith("^")]


@final
@dataclasses.dataclass
class Objects:
    """What Python makes of a SavedModel.

    Args:
        assets: Numbers of the objects that stand for a file of the model.
        bound: Function to the objects that are its last inputs.
        metadata: Number, identifier and description of the objects that Keras 2 saved.
        registered: Names of classes that objects ask for.
        special: Attributes with a meaning to Python that objects other than models are given.
        at_load: Functions that run when they are made: tables are created, filled, restored.
    """

    assets: set[int] = dataclasses.field(default_factory=set)
    bound: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    metadata: list[tuple[int, str, str]] = dataclasses.field(default_factory=list)
    registered: set[str] = dataclasses.field(default_factory=set)
    special: set[str] = dataclasses.field(default_factory=set)
    at_load: set[str] = dataclasses.field(default_factory=set)


@final
class Graph:
    """The main graph and the functions of one meta graph.

    Args:
        data: A `GraphDef`.
        limits: How many operations it may have.
        count: Operations that were read so far, by kind.

    Raises:
        Malformed: Two of its parts have one name, or it has too many.
    """

    def __init__(self, data: Bytes, limits: Limits, count: Counter[str]) -> None:
        self._limits, self._count = limits, count
        self.scopes: dict[str, dict[str, GraphNode]] = {
            "": self._nodes(protobuf.messages(data, 1), "")
        }
        self._args: dict[str, list[str]] = {"": []}
        library = protobuf.first(data, 2)
        for function in protobuf.messages(library, 1):
            signature = protobuf.first(function, 1)
            name = protobuf.text(signature, 1)
            if name in self.scopes:
                raise Malformed(f"it has two functions called {name[:80]!r}")
            if is_primitive(name):
                raise Malformed(f"it has a function with the name of the operation {name!r}")
            self._args[name] = [protobuf.text(arg, 1) for arg in protobuf.messages(signature, 2)]
            self.scopes[name] = self._nodes(protobuf.messages(function, 3), name)
        self.gradients = {protobuf.text(one, 2) for one in protobuf.messages(library, 2)}
        self.gradients |= {protobuf.text(one, 1) for one in protobuf.messages(library, 3)}
        self._steps = _STEPS
        self._users: defaultdict[str, list[GraphNode]] = defaultdict(list)
        for node in self.scopes[""].values():
            for name in set(map(_leaf, node.tensors)):
                self._users[name].append(node)
        self._callers: defaultdict[str, list[Place]] = defaultdict(list)
        for scope, nodes in self.scopes.items():
            for node in nodes.values():
                for called in self.called(node):
                    self._callers[called].append((scope, node.name))

    def _nodes(self, messages: Iterator[Bytes], scope: str) -> dict[str, GraphNode]:
        found: dict[str, GraphNode] = {}
        for data in messages:
            node = _node(data)
            self._count[node.op] += 1
            if self._count.total() > self._limits.objects:
                raise Malformed(f"it has more than {self._limits.objects:,} operations")
            if node.name in found:
                where = f"its function {scope[:80]!r}" if scope else "its graph"
                raise Malformed(f"{where} has two operations called {node.name[:80]!r}")
            found[node.name] = node
        return found

    def every(self) -> Iterator[tuple[str, GraphNode]]:
        """Scope and operation of all that there are."""
        for scope, nodes in self.scopes.items():
            for node in nodes.values():
                yield scope, node

    def called(self, node: GraphNode) -> list[str]:
        """The functions that an operation calls."""
        own = [node.op] if node.op in self.scopes and node.op else []
        return [*own, *(name for name in node.calls if name in self.scopes)]

    def reached(self, ends: Iterable[str], functions: Iterable[str] = ()) -> set[Place]:
        """What runs for some tensors or nodes of the main graph, and in some functions."""
        main, seen = self.scopes[""], set[Place]()
        todo, entered = [_leaf(end) for end in ends], set[str]()
        calls = [name for name in functions if name in self.scopes]
        while todo or calls:
            if todo:
                name = todo.pop()
                if name in main and ("", name) not in seen:
                    seen.add(("", name))
                    todo += [_leaf(one) for one in main[name].inputs]
                    calls += self.called(main[name])
                continue
            function = calls.pop()
            if function in entered:
                continue
            entered.add(function)
            for node in self.scopes[function].values():
                seen.add((function, node.name))
                calls += self.called(node)
        return seen

    def recursive(self, functions: Iterable[str]) -> str | None:
        """A function that calls itself, by way of others or not; None where none does."""
        done, path = set[str](), dict[str, list[str]]()
        for start in functions:
            todo = [start] if start in self.scopes else []
            while todo:
                name = todo[-1]
                if name not in path and name not in done:
                    nodes = self.scopes[name].values()
                    path[name] = [called for node in nodes for called in self.called(node)]
                if name in done or not path[name]:
                    done.add(todo.pop())
                    path.pop(name, None)
                elif (inner := path[name].pop()) in path:
                    return inner
                elif inner not in done:
                    todo.append(inner)
        return None

    def comes_from(
        self, tensor: str, scope: str, named: set[str], objects: Objects | None
    ) -> bool:
        """Whether a tensor is, whatever way it is run, one of some nodes of the main graph.

        Args:
            tensor: Name of a tensor of the scope.
            scope: The function in which it is, or the main graph.
            named: Names of the nodes.
            objects: Whose assets count as well, where a function is called from Python.
        """
        return self._from(tensor, scope, named, objects, set())

    def _from(
        self,
        tensor: str,
        scope: str,
        named: set[str],
        objects: Objects | None,
        above: set[tuple[str, str]],
    ) -> bool:
        name = _leaf(tensor)
        self._steps -= 1
        if (scope, name) in above or len(above) > 50 or self._steps < 0:
            return False
        above = {*above, (scope, name)}
        if not scope and name in named:
            return True
        if scope and name in self._args[scope]:
            return self._from_callers(name, scope, named, objects, above)
        node = self.scopes[scope].get(name)
        if node is None or not node.tensors:
            return False
        if node.op == "ReadVariableOp" and not scope:  # how TensorFlow 2 keeps a file's name
            written = self._written(_leaf(node.tensors[0]))
            return bool(written) and all(self._from(w, "", named, objects, above) for w in written)
        return node.op in _PASSES and self._from(node.tensors[0], scope, named, objects, above)

    def _from_callers(
        self,
        name: str,
        scope: str,
        named: set[str],
        objects: Objects | None,
        above: set[tuple[str, str]],
    ) -> bool:
        place, known = self._args[scope].index(name), False
        for other, caller in self._callers[scope]:
            node = self.scopes[other][caller]
            passed = node.op in _CALLS or node.op == scope
            if not passed or place >= len(node.tensors):
                return False
            known = True
            if not self._from(node.tensors[place], other, named, objects, above):
                return False
        if objects is not None and scope in objects.bound:
            bound = objects.bound[scope]
            at = place - (len(self._args[scope]) - len(bound))
            return at >= 0 and bound[at] in objects.assets
        return known

    def _written(self, handle: str) -> list[str]:
        """What is assigned to a variable of the main graph; empty where that is not all known."""
        found = []
        for node in self._users[handle]:
            if node.op == "AssignVariableOp" and len(node.tensors) > 1:
                found.append(node.tensors[1])
            elif node.op not in ("ReadVariableOp", "VarIsInitializedOp", "DestroyResourceOp"):
                return []
        return found


def _leaf(tensor: str) -> str:
    """The name of a tensor's operation."""
    return tensor.lstrip("^").partition(":")[0]


def _node(data: Bytes) -> GraphNode:
    node = GraphNode()
    for at, value in protobuf.fields(data):
        if isinstance(value, int):
            continue
        if at == 1:
            node.name = str(value, "utf-8", "replace")
        elif at == 2:
            node.op = str(value, "utf-8", "replace")
        elif at == 3:
            node.inputs.append(str(value, "utf-8", "replace"))
        elif at == 5:
            _read_attribute(node, value)
    return node


def _read_attribute(node: GraphNode, entry: Bytes) -> None:
    value = protobuf.first(entry, 2)
    if protobuf.text(entry, 1) == "output_stream":
        node.file_output = bytes(protobuf.first(value, 2)).startswith(b"file")
    for at, inner in protobuf.fields(value):
        if isinstance(inner, int):
            continue
        if at == 8:
            node.unstored += _unstored(inner)
        elif at == 10:
            node.calls += _named(inner)
        elif at == 1:  # a list, perhaps of tensors or functions
            for kind, one in protobuf.fields(inner):
                if kind == 8 and not isinstance(one, int):
                    node.unstored += _unstored(one)
                elif kind == 9 and not isinstance(one, int):
                    node.calls += _named(one)


def _named(function: Bytes) -> list[str]:
    """The name of a function and of those among its own attributes."""
    node = GraphNode()
    for entry in protobuf.messages(function, 2):
        _read_attribute(node, entry)
    return [protobuf.text(function, 1), *node.calls]


def _unstored(tensor: Bytes) -> int:
    """Bytes of a constant that its few stored values are repeated to fill."""
    kind = DTYPE.get(protobuf.number(tensor, 1), "")
    if kind in ("resource", "variant"):
        raise Malformed(f"it has a constant of type {kind}, whose value is no number and no text")
    sizes = shape(protobuf.first(tensor, 2))
    if sizes is None or None in sizes:
        raise Malformed("it has a constant without a shape")
    count = math.prod(size for size in sizes if size is not None)
    return max(0, count * BYTES.get(kind, 4) - len(tensor))


def shape(data: Bytes) -> tuple[int | None, ...] | None:
    """A `TensorShapeProto`; None where the rank is free, None for a size that is."""
    if protobuf.number(data, 3):
        return None
    sizes = [protobuf.signed(protobuf.number(dim, 1)) for dim in protobuf.messages(data, 2)]
    return tuple(None if size < 0 else size for size in sizes)


def read_objects(data: Bytes) -> Objects:
    """A `SavedObjectGraph`."""
    found, functions, runs = Objects(), dict[int, list[str]](), set[int]()
    for number, saved in enumerate(protobuf.messages(data, 1)):
        runs.update(_run_at_load(saved))
        functions[number] = protobuf.texts(protobuf.first(saved, 6), 1)
        functions[number] += protobuf.texts(protobuf.first(saved, 8), 1)
        _read_object(found, number, saved)
    found.at_load = {name for number in runs for name in functions.get(number, [])}
    for entry in protobuf.messages(data, 2):
        found.bound[protobuf.text(entry, 1)] = protobuf.numbers(protobuf.first(entry, 2), 2)
    return found


def _read_object(found: Objects, number: int, saved: Bytes) -> None:
    names = {protobuf.text(child, 2) for child in protobuf.messages(saved, 1)}
    callable_ = {"__call__"} if any(at == 4 for at, _ in protobuf.fields(saved)) else set[str]()
    found.special |= {name for name in names if name.startswith("__")} - callable_
    for at, value in protobuf.fields(saved):
        if isinstance(value, int):
            continue
        if at == 4 and protobuf.text(value, 3):
            found.metadata.append((number, protobuf.text(value, 1), protobuf.text(value, 3)))
        elif at == 5:
            found.assets.add(number)
        elif at == 13:
            found.registered.add(str(value, "utf-8", "replace"))


def _run_at_load(saved: Bytes) -> Iterator[int]:
    """Numbers of the functions that run when an object is made."""
    for child in protobuf.messages(saved, 1):
        if protobuf.text(child, 2) in _AT_LOAD:
            yield protobuf.number(child, 1)
    for entry in protobuf.messages(saved, 11):  # how what it keeps is restored
        yield protobuf.number(protobuf.first(entry, 2), 3)
