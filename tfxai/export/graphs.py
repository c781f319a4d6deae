"""What a server would refuse in the graphs of a SavedModel, found without loading it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2

from tfxai.inspection.saved_model.meta_graphs import INIT
from tfxai.inspection.saved_model.operations import CHECKPOINT, FILE_TABLES, PRINTS, outward

GRAPH = "saved_model.pb"
_XLA_ATTRIBUTES = ("_XlaMustCompile", "jit_compile")
_XLA_OPS = {"XlaLaunch", "XlaLaunchV2", "_XlaCompile", "_XlaRun", "_XlaMerge"}
_SAVER = "the saver"


def read_graphs(folder: Path) -> Any:
    """The `SavedModel` message.

    Raises:
        ValueError: The file is missing, empty or damaged.
    """
    path = folder / GRAPH
    if not path.is_file():
        raise ValueError(f"It has no {GRAPH}.")
    message = saved_model_pb2.SavedModel()
    try:
        message.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's own, which moves between its versions
        raise ValueError(f"Its {GRAPH} is damaged: {error}.") from error
    if not message.meta_graphs or not message.meta_graphs[0].signature_def:
        raise ValueError(f"Its {GRAPH} holds no signature.")
    return message


def problems(folder: Path) -> list[str]:
    """A sentence for each kind of operation that no server should run, with where it is.

    Python operations, operations that read or write files or call other machines, and forced XLA.

    Raises:
        ValueError: As for `read_graphs`.
    """
    found: dict[str, None] = {}
    for meta in read_graphs(folder).meta_graphs:
        functions = {one.signature.name: one for one in meta.graph_def.library.function}
        signatures = {
            name: [info.name for info in one.outputs.values()]
            for name, one in meta.signature_def.items()
        }
        for name, ends in signatures.items():
            where = _SAVER if name == INIT else f"the signature {name!r}"
            for function, node in _reached(meta.graph_def.node, functions, ends):
                for problem in _of(node, functions, is_saver=False):
                    found[f"{where} has the operation {node.name!r} ({node.op}), {problem}."] = (
                        None
                    )
                if function is not None and _is_xla(function.attr):
                    found[f"{where} has a function that forces XLA, off in a stock server."] = None
        for node in meta.graph_def.node:
            for problem in _of(node, functions, is_saver=True):
                found.setdefault(f"the graph has the operation {node.op}, {problem}.")
    sentences = list(found)
    return [one[0].upper() + one[1:] for one in sentences]


def _of(node: Any, functions: dict[str, Any], *, is_saver: bool) -> Iterator[str]:
    idle = FILE_TABLES | PRINTS | (CHECKPOINT if is_saver else set())
    what = None if node.op in functions or node.op in idle else outward(node.op)
    if what is not None:
        yield f"which {what}"
    if node.op in _XLA_OPS or _is_xla(node.attr):
        yield "which forces XLA, off in a stock server"


def _is_xla(attributes: Any) -> bool:
    return any(name in attributes and attributes[name].b for name in _XLA_ATTRIBUTES)


def _reached(nodes: Any, functions: dict[str, Any], ends: list[str]) -> Iterator[tuple[Any, Any]]:
    """Every node that runs for some tensors, with the function it is in, or None."""
    by_name = {node.name: node for node in nodes}
    todo, seen, called = list(ends), set[str](), set[str]()
    while todo:
        name = todo.pop().lstrip("^").partition(":")[0]
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        node = by_name[name]
        yield None, node
        todo += node.input
        calls = list(_calls(node))
        while calls:
            one = functions.get(calls.pop())
            if one is None or one.signature.name in called:
                continue
            called.add(one.signature.name)
            for inner in one.node_def:
                yield one, inner
                calls += _calls(inner)


def _calls(node: Any) -> Iterator[str]:
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (one.name for one in value.list.func)
