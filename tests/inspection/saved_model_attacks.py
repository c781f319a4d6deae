"""Harmful SavedModels: operations that reach outside, and files that two readers read differently.

Every payload that can run would write the file that `marker` names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.inspection.honest_saved_models import called, of_tensorflow_1, with_table_of_a_file

raw = tf.raw_ops
READS, WRITES = "operation that reads files", "operation that writes files"
UNKNOWN = "operation that is not on the list of those that only compute"
SAVER = "operation that reads or writes files"


def after(run: Callable[[], Any], x: tf.Tensor) -> tf.Tensor:
    """x, once something has run."""
    with tf.control_dependencies([run()]):
        return x + 1


def writes(marker: str) -> tf.Operation:
    return raw.WriteFile(filename=marker, contents="x")


# Operations. Each takes the path of the marker and x.


def write(marker: str, x: tf.Tensor) -> tf.Tensor:
    return after(lambda: writes(marker), x)


def write_in_a_branch(marker: str, x: tf.Tensor) -> tf.Tensor:
    return tf.cond(tf.reduce_sum(x) < 1e9, lambda: write(marker, x), lambda: x)


def write_in_a_loop(marker: str, x: tf.Tensor) -> tf.Tensor:
    return tf.while_loop(lambda i, y: i < 1, lambda i, y: (i + 1, write(marker, y)), (0, x))[1]


def print_to_file(marker: str, x: tf.Tensor) -> tf.Tensor:
    return after(lambda: raw.PrintV2(input="x", output_stream=f"file://{marker}"), x)


def save(marker: str, x: tf.Tensor) -> tf.Tensor:
    return after(
        lambda: raw.SaveV2(prefix=marker, tensor_names=["x"], shape_and_slices=[""], tensors=[x]),
        x,
    )


def restore(marker: str, x: tf.Tensor) -> tf.Tensor:
    (value,) = raw.RestoreV2(
        prefix=marker, tensor_names=["v"], shape_and_slices=[""], dtypes=[tf.float32]
    )
    return x + tf.reduce_sum(value)


def merge(marker: str, x: tf.Tensor) -> tf.Tensor:
    return after(
        lambda: raw.MergeV2Checkpoints(checkpoint_prefixes=["a"], destination_prefix=marker), x
    )


def debug(marker: str, x: tf.Tensor) -> tf.Tensor:
    return raw.DebugIdentity(input=x, debug_urls=[f"file://{marker}"])


def debug_v2(marker: str, x: tf.Tensor) -> tf.Tensor:
    return raw.DebugIdentityV2(input=x, debug_urls=[f"file://{marker}"])


def read(_: str, x: tf.Tensor) -> tf.Tensor:
    return x + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)


def match(_: str, x: tf.Tensor) -> tf.Tensor:
    return x + tf.cast(tf.size(raw.MatchingFiles(pattern="/etc/*")), tf.float32)


def table_of_a_file(_: str, x: tf.Tensor) -> tf.Tensor:
    table = raw.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
    fill = raw.InitializeTableFromTextFileV2(
        table_handle=table, filename="/etc/hostname", key_index=-2, value_index=-1
    )
    return after(lambda: fill, x)


def lines(_: str, x: tf.Tensor) -> tf.Tensor:
    data = tf.data.TextLineDataset("/etc/hostname").map(tf.strings.length)
    return x + tf.cast(data.reduce(0, lambda a, b: a + b), tf.float32)


def csv(_: str, x: tf.Tensor) -> tf.Tensor:
    data = tf.data.experimental.CsvDataset("/etc/passwd", [""])
    return x + tf.cast(data.reduce(0, lambda a, b: a + 1), tf.float32)


def cache(marker: str, x: tf.Tensor) -> tf.Tensor:
    data = tf.data.Dataset.range(2).cache(marker)
    return x + tf.cast(data.reduce(tf.constant(0, tf.int64), lambda a, b: a + b), tf.float32)


def graph_in_a_string(marker: str, x: tf.Tensor) -> tf.Tensor:
    with tf.init_scope():
        numbers = tf.data.Dataset.range(2)
        kept = raw.CacheDataset(
            input_dataset=numbers._variant_tensor, filename=marker,
            output_types=[tf.int64], output_shapes=[()],
        )  # fmt: skip
        inner = raw.DatasetToGraphV2(input_dataset=kept).numpy()
    made = raw.DatasetFromGraph(graph_def=tf.constant(inner))
    data = tf.data.experimental.from_variant(made, tf.TensorSpec([], tf.int64))
    return x + tf.cast(data.reduce(tf.constant(0, tf.int64), lambda a, b: a + b), tf.float32)


def python(_: str, x: tf.Tensor) -> tf.Tensor:
    return tf.numpy_function(lambda v: v, [x], tf.float32)


def proto(_: str, x: tf.Tensor) -> tf.Tensor:
    sizes, _ = raw.DecodeProtoV2(
        bytes=tf.as_string(x), message_type="A", field_names=[], output_types=[],
        descriptor_source="/etc/hostname",
    )  # fmt: skip
    return x + tf.cast(tf.size(sizes), tf.float32)


def summary(marker: str, x: tf.Tensor) -> tf.Tensor:
    writer = raw.SummaryWriter()
    return after(
        lambda: raw.CreateSummaryFileWriter(
            writer=writer, logdir=marker, max_queue=1, flush_millis=1, filename_suffix="x"
        ), x,
    )  # fmt: skip


def queue(_: str, x: tf.Tensor) -> tf.Tensor:
    waits = raw.FIFOQueueV2(component_types=[tf.float32])
    return x + raw.QueueDequeueV2(handle=waits, component_types=[tf.float32])[0]


def abort(_: str, x: tf.Tensor) -> tf.Tensor:
    return after(lambda: raw.Abort(error_msg="x"), x)


def sampler_of_a_file(_: str, x: tf.Tensor) -> tf.Tensor:
    found = raw.FixedUnigramCandidateSampler(
        true_classes=tf.constant([[1]], tf.int64), num_true=1, num_sampled=1, unique=True,
        range_max=5, vocab_file="/etc/hostname",
    )  # fmt: skip
    return x + tf.cast(found[0][0], tf.float32)


BODIES: dict[str, tuple[Callable[[str, tf.Tensor], tf.Tensor], str]] = {
    "write": (write, WRITES),
    "write-in-a-branch": (write_in_a_branch, WRITES),
    "write-in-a-loop": (write_in_a_loop, WRITES),
    "print-to-file": (print_to_file, WRITES),
    "save": (save, SAVER),
    "restore": (restore, SAVER),
    "merge": (merge, SAVER),
    "debug": (debug, WRITES),
    "debug-v2": (debug_v2, WRITES),
    "read": (read, READS),
    "match": (match, READS),
    "table-of-a-file": (table_of_a_file, READS),
    "lines": (lines, READS),
    "csv": (csv, READS),
    "cache": (cache, WRITES),
    "graph-in-a-string": (graph_in_a_string, "operation that holds a graph of its own"),
    "python": (python, "operation that runs Python"),
    "proto": (proto, READS),
    "summary": (summary, WRITES),
    "queue": (queue, UNKNOWN),
    "abort": (abort, "operation that ends the process"),
    "sampler-of-a-file": (sampler_of_a_file, READS),
}


def saved(name: str, marker: Path, path: Path) -> Path:
    called(lambda x: BODIES[name][0](str(marker), x), path)
    return path


# What a file can say. Each changes the message of an honest SavedModel.


def proto_of(path: Path) -> Any:
    return saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())


def bytes_of(proto: Any) -> bytes:
    return bytes(proto.SerializeToString(deterministic=True))


def varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])


def field(number: int, value: bytes) -> bytes:
    """A field of a protocol buffer that holds bytes, text or a message."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def evil_nodes(graph: Any, marker: str) -> str:
    """Adds what writes the marker to a graph; gives the name of the operation."""
    with tf.Graph().as_default() as made:
        where, what = tf.constant(marker, name="evil/n"), tf.constant("x", name="evil/c")
        raw.WriteFile(filename=where, contents=what, name="evil/w")
    graph.node.extend(made.as_graph_def().node)
    return "evil/w"


def in_the_main_graph(saved_model: Any, marker: str) -> None:
    evil_nodes(saved_model.meta_graphs[0].graph_def, marker)


def as_init(saved_model: Any, marker: str) -> None:
    meta = saved_model.meta_graphs[0]
    name = evil_nodes(meta.graph_def, marker)
    meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name = name


def as_main_op(saved_model: Any, marker: str) -> None:
    meta = saved_model.meta_graphs[0]
    del meta.signature_def["__saved_model_init_op"]
    name = evil_nodes(meta.graph_def, marker)
    meta.collection_def["saved_model_main_op"].node_list.value.append(name)


def in_a_dead_function(saved_model: Any, marker: str) -> None:
    library = saved_model.meta_graphs[0].graph_def.library
    function = library.function.add()
    function.signature.name = "never_called"
    evil_nodes(saved_model.meta_graphs[0].graph_def, marker)
    function.node_def.extend(saved_model.meta_graphs[0].graph_def.node[-3:])
    del saved_model.meta_graphs[0].graph_def.node[-3:]


def saver_that_writes(saved_model: Any, marker: str) -> None:
    """What restores saves first, over a file of the attacker's choice."""
    meta = saved_model.meta_graphs[0]
    with tf.Graph().as_default() as made:
        where = tf.constant(marker, name="evil/n")
        names, slices = (tf.constant([t], name=f"evil/{n}") for n, t in (("t", "x"), ("s", "")))
        raw.SaveV2(prefix=where, tensor_names=names, shape_and_slices=slices,
                   tensors=[tf.constant(1.0, name="evil/x")], name="evil/save")  # fmt: skip
    meta.graph_def.node.extend(made.as_graph_def().node)
    restore = next(n for n in meta.graph_def.node if n.name == meta.saver_def.restore_op_name)
    restore.input.append("^evil/save")


def saver_of_another_file(saved_model: Any, marker: str) -> None:
    meta = saved_model.meta_graphs[0]
    node = meta.graph_def.node.add(name="evil/n", op="Const")
    node.attr["dtype"].type = tf.string.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto("/etc/passwd"))
    restore = next(n for n in meta.graph_def.node if n.name == meta.saver_def.restore_op_name)
    restore.input[0] = "evil/n"


def saver_called_from_python(saved_model: Any, marker: str) -> None:
    """The function that restores is made an initializer of an object."""
    meta = saved_model.meta_graphs[0]
    names = [f.signature.name for f in meta.graph_def.library.function]
    name = next(n for n in names if "traced_restore" in n)
    meta.object_graph_def.concrete_functions[name].bound_inputs.extend([])


def function_called_like_an_operation(saved_model: Any, marker: str) -> None:
    function = saved_model.meta_graphs[0].graph_def.library.function.add()
    function.signature.name = "ReadFile"


def operation_elsewhere(saved_model: Any, marker: str) -> None:
    saved_model.meta_graphs[0].graph_def.node.add(name="evil", op="RemoteCall")


def operation_of_a_library(saved_model: Any, marker: str) -> None:
    saved_model.meta_graphs[0].graph_def.node.add(name="evil", op="Mine>Evil")


def two_nodes_of_one_name(saved_model: Any, marker: str) -> None:
    nodes = saved_model.meta_graphs[0].graph_def.node
    nodes.add().CopyFrom(nodes[0])


def two_functions_of_one_name(saved_model: Any, marker: str) -> None:
    functions = saved_model.meta_graphs[0].graph_def.library.function
    functions.add().CopyFrom(functions[0])


def two_graphs_of_one_tag(saved_model: Any, marker: str) -> None:
    saved_model.meta_graphs.add().CopyFrom(saved_model.meta_graphs[0])


def constant_bomb(saved_model: Any, marker: str) -> None:
    node = saved_model.meta_graphs[0].graph_def.node.add(name="bomb", op="Const")
    node.attr["dtype"].type = tf.float32.as_datatype_enum
    tensor = node.attr["value"].tensor
    tensor.dtype = node.attr["dtype"].type
    tensor.float_val.append(1.0)
    for _ in range(2):
        tensor.tensor_shape.dim.add(size=1 << 20)


def many_constant_bombs(saved_model: Any, marker: str) -> None:
    """Each within any bound, all of them together not."""
    for number in range(50):
        constant_bomb(saved_model, marker)
        node = saved_model.meta_graphs[0].graph_def.node[-1]
        node.name = f"bomb{number}"
        for dim in node.attr["value"].tensor.tensor_shape.dim:
            dim.size = 2048


def constant_handle(saved_model: Any, marker: str) -> None:
    node = saved_model.meta_graphs[0].graph_def.node.add(name="handle", op="Const")
    node.attr["value"].tensor.dtype = tf.resource.as_datatype_enum
    node.attr["value"].tensor.resource_handle_val.add(name="other")


def variables_that_can_be_called(saved_model: Any, marker: str) -> None:
    """TensorFlow would set `__call__` on the class of all variables of the process."""
    nodes = saved_model.meta_graphs[0].object_graph_def.nodes
    variable = next(node for node in nodes if node.WhichOneof("kind") == "variable")
    function = next(i for i, node in enumerate(nodes) if node.WhichOneof("kind") == "function")
    variable.children.add(node_id=function, local_name="__call__")


def adds_and_runs(saved_model: Any, node: Any) -> None:
    """Makes an operation one of those that run when the model is loaded."""
    meta = saved_model.meta_graphs[0]
    init = meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name
    next(n for n in meta.graph_def.node if n.name == init.partition(":")[0]).input.append(
        f"^{node.name}"
    )


def large_at_load(saved_model: Any, marker: str) -> None:
    graph = saved_model.meta_graphs[0].graph_def
    with tf.Graph().as_default() as made:
        tf.fill(tf.constant([1 << 20, 1 << 20], name="evil/dims"), tf.constant(1.0, name="evil/v"),
                name="evil/fill")  # fmt: skip
    graph.node.extend(made.as_graph_def().node)
    adds_and_runs(saved_model, next(n for n in graph.node if n.name == "evil/fill"))


def endless_at_load(saved_model: Any, marker: str) -> None:
    """Functions that call each other when the model is loaded."""
    graph = saved_model.meta_graphs[0].graph_def
    for name, other in (("ping", "pong"), ("pong", "ping")):
        function = graph.library.function.add()
        function.signature.name = name
        inner = function.node_def.add(name="call", op="StatefulPartitionedCall")
        inner.attr["f"].func.name = other
    node = graph.node.add(name="evil/call", op="StatefulPartitionedCall")
    node.attr["f"].func.name = "ping"
    adds_and_runs(saved_model, node)


def call_of_an_operation(saved_model: Any, marker: str) -> None:
    node = saved_model.meta_graphs[0].graph_def.node.add(name="evil", op="SymbolicGradient")
    node.attr["f"].func.name = "ReadFile"


def object_of_another_package(saved_model: Any, marker: str) -> None:
    saved_model.meta_graphs[0].object_graph_def.nodes[0].registered_name = "evil.Loader"


def old_asset(saved_model: Any, marker: str) -> None:
    asset = field(2, b"../../../etc/passwd")
    one = saved_model.meta_graphs[0].collection_def["saved_model_assets"].any_list.value.add()
    one.type_url, one.value = "type.googleapis.com/tensorflow.AssetFileDef", asset


def new_asset(saved_model: Any, marker: str) -> None:
    saved_model.meta_graphs[0].asset_file_def.add(filename="/etc/passwd")


CHANGES: dict[str, tuple[Callable[[Any, str], None], str]] = {
    "main-graph": (in_the_main_graph, WRITES),
    "init": (as_init, WRITES),
    "main-op": (as_main_op, WRITES),
    "dead-function": (in_a_dead_function, WRITES),
    "saver-that-writes": (saver_that_writes, SAVER),
    "saver-of-another-file": (saver_of_another_file, SAVER),
    "saver-called-from-python": (saver_called_from_python, SAVER),
    "function-like-an-operation": (function_called_like_an_operation, "damaged"),
    "operation-elsewhere": (operation_elsewhere, "operation that calls other machines"),
    "operation-of-a-library": (
        operation_of_a_library, "operation that is not one of TensorFlow's own"),
    "two-nodes": (two_nodes_of_one_name, "damaged"),
    "two-functions": (two_functions_of_one_name, "damaged"),
    "two-graphs": (two_graphs_of_one_tag, "damaged"),
    "constant-bomb": (constant_bomb, "shape bomb"),
    "many-constant-bombs": (many_constant_bombs, "shape bomb"),
    "constant-handle": (constant_handle, "damaged"),
    "variables-that-can-be-called": (variables_that_can_be_called, "object out of place"),
    "large-at-load": (large_at_load, "computes when it is loaded"),
    "endless-at-load": (endless_at_load, "computes when it is loaded"),
    "call-of-an-operation": (call_of_an_operation, "operation that calls ReadFile"),
    "object-of-another-package": (object_of_another_package, "object of another package"),
    "old-asset": (old_asset, "file outside"),
    "new-asset": (new_asset, "file outside"),
}  # fmt: skip


# Bytes that two readers understand differently, made of two messages: an evil and an honest one.


def hidden_graph(evil: Any, honest: Any) -> bytes:
    """Two graphs in one meta graph: protobuf runs both, a reader of the last one sees it alone."""
    metas = [bytes_of(one.meta_graphs[0]) for one in (evil, honest)]
    graph = field(2, bytes_of(honest.meta_graphs[0].graph_def))
    return field(2, metas[0] + graph)


def hidden_info(evil: Any, honest: Any) -> bytes:
    return field(2, bytes_of(honest.meta_graphs[0]) + field(1, field(4, b"other")))


def unknown_field(evil: Any, honest: Any) -> bytes:
    return bytes_of(honest) + field(99, bytes_of(evil))


def wrong_kind(evil: Any, honest: Any) -> bytes:
    return bytes_of(honest) + b"\x10\x01"  # meta_graphs as a number


def overlong_number(evil: Any, honest: Any) -> bytes:
    return b"\x08\x81\x00" + field(2, bytes_of(honest.meta_graphs[0]))


def number_cut(evil: Any, honest: Any) -> bytes:
    """A type of 2^32 + 1, which is cut to 1."""
    node = field(1, b"n") + field(2, b"NoOp")
    attribute = field(1, b"T") + field(2, b"\x30" + varint((1 << 32) + 1))
    return field(
        2, bytes_of(honest.meta_graphs[0])[:0] + field(2, field(1, node + field(5, attribute)))
    )


def two_entries(evil: Any, honest: Any) -> bytes:
    attributes = b"".join(
        field(5, field(1, b"f") + field(2, field(10, field(1, name)))) for name in (b"a", b"b")
    )
    node = field(1, b"n") + field(2, b"PartitionedCall") + attributes
    return field(2, field(2, field(1, node)))


def two_of_a_choice(evil: Any, honest: Any) -> bytes:
    value = field(2, b"text") + field(10, field(1, b"function"))
    node = field(1, b"n") + field(2, b"NoOp") + field(5, field(1, b"f") + field(2, value))
    return field(2, field(2, field(1, node)))


def not_utf8(evil: Any, honest: Any) -> bytes:
    return field(2, field(2, field(1, field(1, b"\xff\xfe") + field(2, b"NoOp"))))


def trailing(evil: Any, honest: Any) -> bytes:
    return bytes_of(honest) + b"\x00\x00"


def nested(evil: Any, honest: Any) -> bytes:
    function = b""
    for _ in range(80):
        function = field(2, field(1, b"x") + field(2, field(10, field(1, b"g") + function)))
    return field(
        2,
        field(
            2, field(1, field(1, b"n") + field(5, field(1, b"f") + field(2, field(10, function))))
        ),
    )


MESSAGES: dict[str, Callable[[Any, Any], bytes]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        hidden_graph, hidden_info, unknown_field, wrong_kind, overlong_number, number_cut,
        two_entries, two_of_a_choice, not_utf8, trailing, nested,
    )
}  # fmt: skip


# Files, as they lie in a table's folder.


def asset_bound_to_a_constant(path: Path) -> None:
    """The table's file is a constant of the graph: an object that is no asset."""
    with_table_of_a_file(path)
    proto = proto_of(path)
    meta = proto.meta_graphs[0]
    node = meta.graph_def.node.add(name="evil/n", op="Const")
    node.attr["dtype"].type = tf.string.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto("/etc/hostname"))
    for saved_object in meta.object_graph_def.nodes:
        if saved_object.WhichOneof("kind") == "asset":
            saved_object.constant.operation = "evil/n"
    (path / "saved_model.pb").write_bytes(bytes_of(proto))


def asset_assigned_twice(path: Path) -> None:
    """The variable that holds the file's name is given another one, too."""
    with_table_of_a_file(path)
    proto = proto_of(path)
    nodes = proto.meta_graphs[0].graph_def.node
    assign = next(node for node in nodes if node.op == "AssignVariableOp")
    constant = nodes.add(name="evil/n", op="Const")
    constant.attr["dtype"].type = tf.string.as_datatype_enum
    constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto("/etc/hostname"))
    second = nodes.add()
    second.CopyFrom(assign)
    second.name, second.input[1] = "evil/assign", "evil/n"
    (path / "saved_model.pb").write_bytes(bytes_of(proto))


def table_filled_in_a_call(path: Path) -> None:
    """An asset's constant still holds a path of its own where no loader feeds it."""
    of_tensorflow_1(path)
    proto = proto_of(path)
    meta = proto.meta_graphs[0]
    fill = next(n for n in meta.graph_def.node if n.op == "InitializeTableFromTextFileV2")
    meta.signature_def["serving_default"].outputs["z"].name = f"{fill.name}:0"
    (path / "saved_model.pb").write_bytes(bytes_of(proto))


TABLES = {
    "asset-bound-to-a-constant": asset_bound_to_a_constant,
    "asset-assigned-twice": asset_assigned_twice,
    "table-filled-in-a-call": table_filled_in_a_call,
}
