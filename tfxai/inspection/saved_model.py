"""What a TensorFlow SavedModel says of itself, without TensorFlow, and what its graphs would do.

Nothing is executed. Field numbers are those of TensorFlow's `saved_model.proto`, `graph.proto`
and their kin.
"""

from __future__ import annotations

import dataclasses
import mmap
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeAlias, final

from tfxai.inspection import wire
from tfxai.inspection.archive import walked
from tfxai.inspection.jsons import parsed
from tfxai.inspection.limits import Limits
from tfxai.inspection.objects import ConfigScan
from tfxai.inspection.report import Findings
from tfxai.inspection.source import Malformed
from tfxai.inspection.wire import Bytes

INIT = "__saved_model_init_op"  # what runs when a server loads the model
DTYPES = "invalid float32 float64 int32 uint8 int16 int8 text complex64 int64 bool qint8 quint8 "
DTYPES += "qint32 bfloat16 qint16 quint16 uint16 complex128 float16 resource variant uint32 uint64"
DTYPE = dict(enumerate(DTYPES.split()))
OUTWARD = {
    "runs Python": "PyFunc PyFuncStateless EagerPyFunc",
    "reads files": "ReadFile MatchingFiles WholeFileReader WholeFileReaderV2 TextLineReader "
    "TextLineReaderV2 TFRecordReader TFRecordReaderV2 FixedLengthRecordReader LMDBReader "
    "FixedLengthRecordReaderV2 TextLineDataset TFRecordDataset TFRecordDatasetV2 SqlDataset "
    "FixedLengthRecordDataset FixedLengthRecordDatasetV2 LMDBDataset LoadDataset CSVDataset "
    "ImmutableConst Restore RestoreSlice LoadTPUEmbeddingAdagradParameters",
    "writes files": "WriteFile Save SaveSlices SaveDataset SaveDatasetV2 SnapshotDataset "
    "SnapshotDatasetV2 CreateSummaryFileWriter CreateSummaryDbWriter WriteRawProtoSummary "
    "WriteGraphSummary WriteImageSummary WriteScalarSummary WriteSummary DatasetToTFRecord "
    "DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummaryV2",
    "calls other machines": "RemoteCall RpcCall RpcClient TryRpc DataServiceDataset "
    "DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset "
    "BigQueryReader GenerateBigQueryReaderPartitions",
    "runs code outside TensorFlow": "XlaCustomCall XlaCustomCallV2 TRTEngineOp",
}
OUTWARD_OP = {op: what for what, ops in OUTWARD.items() for op in ops.split()}
CHECKPOINT = {"SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"}
PRINTS = {"Print", "PrintV2"}
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
        tags: Of its graphs.
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


@dataclasses.dataclass
class _Node:
    """One operation of a graph or function."""

    name: str
    op: str
    inputs: list[str]
    calls: list[str]
    file_output: bool


def read_saved_model(
    path: Path, supplied: Collection[str], limits: Limits, found: Findings
) -> SavedModel | None:
    """What lies in the folder of a SavedModel; None, with a finding, where it cannot be read."""
    names = dict(walked(path, limits, found))
    _check_files(names, found)
    if "saved_model.pb" not in names:
        found.refuse(
            "not read", "It has no saved_model.pb that could be read as an ordinary file."
        )
        return None
    if names["saved_model.pb"] > limits.graph_bytes or not names["saved_model.pb"]:
        found.refuse(
            "damaged",
            f"It has {names['saved_model.pb']:,} bytes; up to {limits.graph_bytes:,} are read.",
            "saved_model.pb",
        )
        return None
    if "keras_metadata.pb" in names:
        _check_keras(path / "keras_metadata.pb", supplied, limits, found)
    prints = _fingerprint(path / "fingerprint.pb") if "fingerprint.pb" in names else {}
    with (path / "saved_model.pb").open("rb") as file:
        # Closed when its last piece is forgotten: an exception may still hold some.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return _Reader(limits, found, names).model(data, prints)


def _check_files(names: dict[str, int], found: Findings) -> None:
    own = ("saved_model.pb", "saved_model.pbtxt", "fingerprint.pb", "keras_metadata.pb")
    for name in names:
        folder = name.partition("/")[0]
        if name not in own and folder not in ("variables", "assets", "assets.extra", "debug"):
            found.warn("extra file", "TensorFlow neither writes nor reads it.", name)


def _check_keras(path: Path, supplied: Collection[str], limits: Limits, found: Findings) -> None:
    """The configs that Keras 2 keeps beside the graphs, and makes layers of."""
    with path.open("rb") as file:
        data = memoryview(file.read(4 * limits.json_bytes))
    scan = ConfigScan(found, supplied, legacy=True)
    for node in wire.messages(data, 1):
        kind, text = wire.text(node, 4), wire.text(node, 5)
        config: Any = parsed(text, "keras_metadata.pb", limits, found) if text else None
        if isinstance(config, dict) and "class_name" in config:
            role = "metric" if "metric" in kind else "layer"
            scan.part(config, role, f"keras_metadata.pb/{wire.text(node, 3)}")


def _fingerprint(path: Path) -> dict[str, str]:
    names = ["saved_model_checksum", "graph_def_program_hash", "signature_def_hash"]
    names += ["saved_object_graph_hash", "checkpoint_hash"]
    with path.open("rb") as file:
        data = memoryview(file.read(1 << 16))
    try:
        made = {name: str(wire.number(data, at + 1)) for at, name in enumerate(names)}
        return {**made, "uuid": wire.text(data, 7)}
    except Malformed:
        return {}


@final
class _Reader:
    def __init__(self, limits: Limits, found: Findings, files: dict[str, int]) -> None:
        self._limits, self._found, self._files = limits, found, files
        self._ops: Counter[str] = Counter()

    def model(self, data: Bytes, fingerprint: dict[str, str]) -> SavedModel:
        tags: list[str] = []
        version = ""
        signatures: dict[str, Signature] = {}
        for meta in wire.messages(data, 2):
            info = wire.first(meta, 1)
            tags += wire.texts(info, 4)
            version = wire.text(info, 5) or version
            signatures.update(self._signatures(meta))
            self._check_graph(meta)
            self._check_assets(meta)
        if not tags and not signatures and not self._ops:
            self._found.refuse("no model", "Its saved_model.pb holds no graph.", "saved_model.pb")
        self._found.ok("graphs", f"{sum(self._ops.values()):,} operations were read.")
        return SavedModel(tuple(tags), version, signatures, dict(self._ops), fingerprint)

    def _signatures(self, meta: Bytes) -> Iterator[tuple[str, Signature]]:
        for entry in wire.messages(meta, 5):
            if wire.text(entry, 1) == INIT:  # of the saver, not to be called
                continue
            one = wire.first(entry, 2)
            ends = [tuple(_tensor(end) for end in wire.messages(one, at)) for at in (1, 2)]
            yield wire.text(entry, 1), (ends[0], ends[1], wire.text(one, 3))

    # Graphs.

    def _check_graph(self, meta: Bytes) -> None:
        graph = wire.first(meta, 2)
        main = list(self._nodes(wire.messages(graph, 1)))
        functions = {}
        for function in wire.messages(wire.first(graph, 2), 1):
            name = wire.text(wire.first(function, 1), 1)
            functions[name] = list(self._nodes(wire.messages(function, 3)))
        for where, nodes in {"": main, **functions}.items():
            for node in nodes:
                self._check_node(node, where)
        self._check_reach(meta, main, functions)

    def _nodes(self, messages: Iterator[Bytes]) -> Iterator[_Node]:
        for data in messages:
            node = _Node("", "", [], [], False)
            for at, value in wire.fields(data):
                if isinstance(value, int):
                    continue
                if at == 1:
                    node.name = bytes(value).decode("utf-8", "replace")
                elif at == 2:
                    node.op = bytes(value).decode("utf-8", "replace")
                elif at == 3:
                    node.inputs.append(bytes(value).decode("utf-8", "replace"))
                elif at == 5:
                    self._attribute(node, value)
            self._ops[node.op] += 1
            if sum(self._ops.values()) > self._limits.objects:
                raise Malformed(f"it has more than {self._limits.objects:,} operations")
            yield node

    def _attribute(self, node: _Node, entry: Bytes) -> None:
        value = wire.first(entry, 2)
        name = wire.text(entry, 1)
        if name == "output_stream":
            node.file_output = bytes(wire.first(value, 2)).startswith(b"file")
        for at, inner in wire.fields(value):
            if isinstance(inner, int):
                continue
            if at == 10:  # a function
                node.calls.append(wire.text(inner, 1))
            elif at == 1:  # a list, perhaps of functions
                node.calls += [wire.text(one, 1) for one in wire.messages(inner, 9)]

    def _check_node(self, node: _Node, function: str) -> None:
        where = f"{function}/{node.name}" if function else node.name
        what = OUTWARD_OP.get(node.op)
        if what is not None:
            self._found.refuse(
                f"operation that {what}",
                f"It has the operation {node.op}, which {what} when the model runs or loads.",
                where,
            )
        elif node.op in PRINTS and node.file_output:
            self._found.refuse(
                "operation that writes files",
                f"It has the operation {node.op}, which writes to a file.",
                where,
            )
        elif node.op in PRINTS:
            self._found.warn(
                "operation that prints",
                f"It has the operation {node.op}: what it is given is logged.",
                where,
            )

    def _check_reach(
        self, meta: Bytes, main: list[_Node], functions: dict[str, list[_Node]]
    ) -> None:
        """Checkpoints are read and written by the saver alone, never in answering a call."""
        by_name = {node.name: node for node in main}
        for entry in wire.messages(meta, 5):
            signature = wire.text(entry, 1)
            one = wire.first(entry, 2)
            ends = [wire.text(wire.first(end, 2), 1) for end in wire.messages(one, 2)]
            for node in _reached(ends, by_name, functions):
                if node.op in CHECKPOINT:
                    self._found.refuse(
                        "operation that reads or writes files",
                        f"Its signature {signature!r} runs a {node.op}, which is the saver's.",
                        node.name,
                    )

    def _check_assets(self, meta: Bytes) -> None:
        for asset in wire.messages(meta, 6):
            name = wire.text(asset, 2)
            if name.startswith("/") or ".." in name.split("/") or "\\" in name or "://" in name:
                self._found.refuse(
                    "file outside",
                    f"Its asset {name[:120]!r} lies outside the model.",
                    name,
                )
            elif f"assets/{name}" not in self._files:
                self._found.warn("missing asset", f"It needs the file assets/{name[:120]}.", name)


def _reached(
    ends: list[str], main: dict[str, _Node], functions: dict[str, list[_Node]]
) -> Iterator[_Node]:
    """All operations that run for some tensors of the main graph."""
    todo, seen, called = list(ends), set(), set()
    while todo:
        name = todo.pop().lstrip("^").partition(":")[0]
        if name in seen or name not in main:
            continue
        seen.add(name)
        node = main[name]
        yield node
        todo += node.inputs
        calls = list(node.calls)
        while calls:
            one = calls.pop()
            if one in called:
                continue
            called.add(one)
            for inner in functions.get(one, []):
                yield inner
                calls += inner.calls


def _tensor(entry: Bytes) -> Tensor:
    info = wire.first(entry, 2)
    return Tensor(wire.text(entry, 1), _shape(wire.first(info, 3)), _dtype(wire.number(info, 2)))


def _dtype(number: int) -> str:
    return DTYPE.get(number, f"type {number}")


def _shape(data: Bytes) -> tuple[int | None, ...] | None:
    if wire.number(data, 3):
        return None
    sizes = [wire.signed(wire.number(dim, 1)) for dim in wire.messages(data, 2)]
    return tuple(None if size < 0 else size for size in sizes)
