"""What the graphs of a SavedModel say of themselves, without TensorFlow, and what they would do.

Nothing is executed. Field numbers are those of TensorFlow's `saved_model.proto`, `graph.proto`
and their kin.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias, final

from tfxai.inspection.limits import Limits
from tfxai.inspection.readers import protobuf
from tfxai.inspection.readers.protobuf import Bytes
from tfxai.inspection.readers.source import Malformed
from tfxai.inspection.report import Findings
from tfxai.inspection.saved_model.graphs import (
    DTYPE,
    Graph,
    GraphNode,
    Objects,
    read_objects,
    shape,
)
from tfxai.inspection.saved_model.keras_records import (
    RecordedModel,
    read_texts,
)
from tfxai.inspection.saved_model.operations import (
    AT_LOAD,
    CHECKPOINT,
    FILE_TABLES,
    PRINTS,
    is_primitive,
    outward,
)

INIT = "__saved_model_init_op"  # what runs when a server loads the model
# Classes that TensorFlow registers, and no others, make objects of what a file describes.
REGISTERED = {"", "tf.StaticHashTable", "tf.TrackableConstant"}
SIGNATURES_OF_TFXAI = "explain_"


@final
@dataclasses.dataclass(frozen=True)
class Tensor:
    """One input or output of a signature; a size that is free is None."""

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str


Signature: TypeAlias = tuple[tuple[Tensor, ...], tuple[Tensor, ...], str]


@final
@dataclasses.dataclass(frozen=True)
class SavedModel:
    """What a SavedModel says of itself.

    Args:
        tags: Tags of its graphs.
        tensorflow_version: That wrote it.
        signatures: Name to (inputs, outputs, method).
        ops: Kind of operation to how often it occurs, functions included.
        fingerprint: Names to numbers, as TensorFlow wrote them; empty where it did not.
    """

    tags: tuple[str, ...]
    tensorflow_version: str
    signatures: dict[str, Signature]
    ops: dict[str, int]
    fingerprint: dict[str, str]


@final
class Reader:
    """Reads a `SavedModel` message.

    Args:
        limits: How much is read.
        found: Where it is told what is wrong.
        files: Sizes of the files of the folder by name.
    """

    def __init__(self, limits: Limits, found: Findings, files: dict[str, int]) -> None:
        self._limits, self._found, self._files = limits, found, files
        self._ops: Counter[str] = Counter()
        self.described: list[RecordedModel] = []
        """What Keras 2 says in the objects of the graphs, once they are read."""
        self.needs_variables = False
        """Whether a graph restores variables, once they are read."""

    def model(self, data: Bytes, fingerprint: dict[str, str]) -> SavedModel:
        """What the graphs say, those of all tags."""
        tags: list[str] = []
        version = ""
        signatures: dict[str, Signature] = {}
        protobuf.check(data, "SavedModel", 10 * self._limits.objects)
        every: list[frozenset[str]] = []
        for meta in protobuf.messages(data, 2):
            info = protobuf.first(meta, 1)
            every.append(frozenset(protobuf.texts(info, 4)))
            tags += protobuf.texts(info, 4)
            version = protobuf.text(info, 5) or version
            signatures.update(self._signatures(meta))
            self._check_graph(meta)
        if len(set(every)) < len(every):
            raise Malformed("two of its graphs have the same tags")
        if not tags and not signatures and not self._ops:
            self._found.refuse("no model", "Its saved_model.pb holds no graph.", "saved_model.pb")
        self._found.ok("graphs", f"{sum(self._ops.values()):,} operations were read.")
        return SavedModel(tuple(tags), version, signatures, dict(self._ops), fingerprint)

    def _signatures(self, meta: Bytes) -> Iterator[tuple[str, Signature]]:
        for entry in protobuf.messages(meta, 5):
            if protobuf.text(entry, 1) == INIT:  # of the saver, not to be called
                continue
            one = protobuf.first(entry, 2)
            ends = [tuple(_tensor(end) for end in protobuf.messages(one, at)) for at in (1, 2)]
            yield protobuf.text(entry, 1), (ends[0], ends[1], protobuf.text(one, 3))

    # Graphs.

    def _check_graph(self, meta: Bytes) -> None:
        graph = Graph(protobuf.first(meta, 2), self._limits, self._ops)
        objects = read_objects(protobuf.first(meta, 7))
        texts = [("" if n else "root", kind, text) for n, kind, text in objects.metadata]
        self.described += read_texts(texts, "saved_model.pb", self._limits, self._found)
        ends = list(self._entries(meta))
        runs = graph.reached(
            [end for _, some in ends for end in some], {*objects.bound, *graph.gradients}
        )
        called = graph.reached([end for name, some in ends if name != INIT for end in some])
        saver = _Saver(protobuf.first(meta, 3), graph)
        self.needs_variables |= bool(
            protobuf.first(meta, 7) or protobuf.text(protobuf.first(meta, 3), 3)
        )
        assets = set(self._assets(meta))
        for scope, node in graph.every():
            where = f"{scope}/{node.name}" if scope else node.name
            place = (scope, node.name)
            if node.op in CHECKPOINT:
                self._check_checkpoint(node, where, place in runs, saver.fault(scope, node))
            elif node.op in FILE_TABLES and place not in called:
                self._check_table(node, where, scope, graph, assets, objects)
            elif node.op not in graph.scopes:
                self._check_node(node, where)
        started = [end for name, some in ends if name == INIT for end in some]
        self._check_start(graph, objects, started)
        unstored = sum(node.unstored for _, node in graph.every())
        if unstored > self._limits.unstored_bytes:
            self._found.refuse(
                "shape bomb",
                f"Its constants take {unstored:,} bytes of memory that the file does not hold.",
            )
        for name in sorted(objects.special):  # which TensorFlow would set on classes of its own
            self._found.refuse(
                "object out of place",
                f"An object is given the attribute {name[:80]!r}, which changes what Python makes "
                "of all objects of its kind.",
            )
        for name in sorted(objects.registered - REGISTERED):
            self._found.refuse(
                "object of another package",
                f"An object of the class {name[:80]!r} is made when it is loaded, which is none "
                "of TensorFlow's own.",
            )

    def _check_start(self, graph: Graph, objects: Objects, ends: list[str]) -> None:
        """What runs merely by loading ends soon, and fills no memory: little may run there."""
        places = graph.reached(ends, objects.at_load)
        functions = {scope for scope, _ in places if scope}
        found = {graph.scopes[scope][name].op for scope, name in places}
        for op in sorted(found - AT_LOAD - FILE_TABLES - PRINTS - graph.scopes.keys()):
            if outward(op) is None:
                self._found.refuse(
                    "computes when it is loaded",
                    f"It runs the operation {op} when it is loaded, which could take any time and "
                    "memory. Where nothing is called yet, tables and variables are filled.",
                )
        name = graph.recursive(functions)
        if name is not None:
            self._found.refuse(
                "computes when it is loaded",
                f"Its function {name[:80]!r}, which runs when it is loaded, calls itself.",
            )

    def _entries(self, meta: Bytes) -> Iterator[tuple[str, list[str]]]:
        """What a loader or a caller runs: tensors and operations of signatures, by name."""
        for entry in protobuf.messages(meta, 5):
            one = protobuf.first(entry, 2)
            ends = [protobuf.first(end, 2) for end in protobuf.messages(one, 2)]
            yield protobuf.text(entry, 1), [name for end in ends for name in _names(end)]
        for entry in protobuf.messages(meta, 4):  # operations that TensorFlow 1 keeps by purpose
            yield INIT, protobuf.texts(protobuf.first(protobuf.first(entry, 2), 1), 1)

    def _check_node(self, node: GraphNode, where: str) -> None:
        reason = outward(node.op)
        for name in node.calls:  # of a function, where it is none
            if reason is None and is_primitive(name):
                reason = outward(name) and f"calls {name[:80]}, which {outward(name)}"
        if reason is None:
            return
        if node.op in PRINTS and not node.file_output:
            self._found.warn(
                "operation that prints",
                f"It has the operation {node.op}: what it is given is logged.",
                where,
            )
            return
        reason = "writes files" if node.op in PRINTS else reason
        self._found.refuse(
            f"operation that {reason.partition(', which')[0]}",
            f"It has the operation {node.op[:80]}, which {reason}.",
            where,
        )

    def _check_checkpoint(
        self, node: GraphNode, where: str, runs: bool, fault: str | None
    ) -> None:
        """Checkpoints are read and written by the saver alone, never in answering a call."""
        reason = "runs in a signature or function, and is the saver's" if runs else fault
        if reason is not None:
            self._found.refuse(
                "operation that reads or writes files",
                f"It has a {node.op} that {reason}.",
                where,
            )

    def _check_table(
        self,
        node: GraphNode,
        where: str,
        scope: str,
        graph: Graph,
        assets: set[str],
        objects: Objects,
    ) -> None:
        """A table is filled from a file that the model brings along."""
        if len(node.tensors) != 2 or not graph.comes_from(node.tensors[1], scope, assets, objects):
            self._found.refuse(
                "operation that reads files",
                f"Its {node.op} fills a table from a file that is none of the model's assets.",
                where,
            )

    def _assets(self, meta: Bytes) -> Iterator[str]:
        """Names of the operations that stand for assets; the files are looked at."""
        for asset in self._asset_messages(meta):
            name = protobuf.text(asset, 2)
            yield protobuf.text(protobuf.first(asset, 1), 1).partition(":")[0]
            if name.startswith("/") or ".." in name.split("/") or "\\" in name or "://" in name:
                self._found.refuse(
                    "file outside",
                    f"Its asset {name[:120]!r} lies outside the model.",
                    name,
                )
            elif f"assets/{name}" not in self._files:
                self._found.warn("missing asset", f"It needs the file assets/{name[:120]}.", name)

    def _asset_messages(self, meta: Bytes) -> Iterator[Bytes]:
        yield from protobuf.messages(meta, 6)
        for entry in protobuf.messages(meta, 4):  # as TensorFlow 1 kept them
            for one in protobuf.messages(protobuf.first(protobuf.first(entry, 2), 5), 1):
                if protobuf.text(one, 1).rpartition("/")[2] == "tensorflow.AssetFileDef":
                    asset = protobuf.first(one, 2)
                    protobuf.check(asset, "AssetFileDef", self._limits.objects)
                    yield asset


class _Saver:
    """What TensorFlow runs to restore a model: it may read the model's own checkpoint only.

    Args:
        data: A `SaverDef`.
        graph: Graph of the same meta graph.
    """

    def __init__(self, data: Bytes, graph: Graph) -> None:
        self._graph = graph
        self._file = protobuf.text(data, 1).partition(":")[0]
        self._restoring = graph.reached([protobuf.text(data, 3)])

    def fault(self, scope: str, node: GraphNode) -> str | None:
        """Why this operation on checkpoints is none of an honest saver; None where it is."""
        place = (scope, node.name)
        if place in self._restoring and node.op != "RestoreV2":
            return "writes when the model is loaded"
        if place in self._restoring and not (
            node.tensors and self._graph.comes_from(node.tensors[0], scope, {self._file}, None)
        ):
            return "reads another file than the model's own variables when it is loaded"
        return None


def _names(end: Bytes) -> list[str]:
    """The tensors of a `TensorInfo`, sparse and composite ones included."""
    sparse = protobuf.first(end, 4)
    found = [protobuf.text(end, 1), *(protobuf.text(sparse, at) for at in (1, 2, 3))]
    for inner in protobuf.messages(protobuf.first(end, 5), 2):
        found += _names(inner)
    return found


def _tensor(entry: Bytes) -> Tensor:
    info = protobuf.first(entry, 2)
    return Tensor(
        protobuf.text(entry, 1), shape(protobuf.first(info, 3)), _dtype(protobuf.number(info, 2))
    )


def _dtype(number: int) -> str:
    return DTYPE.get(number, f"type {number}")
