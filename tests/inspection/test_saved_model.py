"""SavedModels: what TensorFlow says of them, and what they must not do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from tests.inspection import honest
from tests.processes import ROOT
from tfxai.errors import DataNotFoundError
from tfxai.inspection import Limits, inspect, scan


def program(body, **tracked):
    """A module whose one signature is `body`, of a float vector."""

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def __call__(self, x):
            return {"y": body(x)}

    module = Module()
    for name, value in tracked.items():
        setattr(module, name, value)
    return module


def saved(body, path: Path, **tracked) -> Path:
    module = program(body, **tracked)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.__call__})
    return path


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "victim"
    keras.utils.set_random_seed(1)
    honest.victim().export(str(path), verbose=False)
    return path


def test_an_exported_model_is_let_through(exported):
    assert scan(exported).level == "ok", scan(exported).findings


def test_what_is_read_is_what_tensorflow_reads(exported):
    found = inspect(exported)
    loaded = tf.saved_model.load(str(exported))
    signature = loaded.signatures["serving_default"]
    (name, spec), *_ = signature.structured_input_signature[1].items()
    (one,) = found.inputs
    assert (one.name, one.shape, one.dtype) == (name, tuple(spec.shape), spec.dtype.name)
    assert [end.name for end in found.outputs] == list(signature.structured_outputs)
    assert found.saved_model.tags == ("serve",)
    assert found.saved_model.tensorflow_version == tf.__version__
    print_ = tf.saved_model.experimental.read_fingerprint(str(exported))
    assert found.saved_model.fingerprint["saved_model_checksum"] == str(
        print_.saved_model_checksum
    )
    assert found.saved_model.fingerprint["checkpoint_hash"] == str(print_.checkpoint_hash)
    assert found.parameters is None


def test_every_operation_is_counted(exported):
    from tensorflow.core.protobuf import saved_model_pb2

    proto = saved_model_pb2.SavedModel.FromString((exported / "saved_model.pb").read_bytes())
    graph = proto.meta_graphs[0].graph_def
    expected = Counter(node.op for node in graph.node)
    for function in graph.library.function:
        expected.update(node.op for node in function.node_def)
    assert inspect(exported).saved_model.ops == expected


def test_a_vocabulary_is_an_honest_asset(tmp_path):
    file = tmp_path / "vocabulary.txt"
    file.write_text("a\nb\n")
    source = tf.lookup.TextFileInitializer(
        str(file), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
    )  # fmt: skip
    table = tf.lookup.StaticHashTable(source, -1)
    look = saved(lambda x: table.lookup(tf.as_string(x)), tmp_path / "m", table=table)
    assert scan(look).level == "ok", scan(look).findings


def test_signatures_that_explain_are_named(tmp_path):
    module = program(tf.nn.relu)
    call = module.__call__
    tf.saved_model.save(
        module, str(tmp_path / "m"), signatures={"serve": call, "explain_saliency": call}
    )
    assert inspect(tmp_path / "m").explained_by == ("explain_saliency",)


def read_file(x):
    text = tf.io.read_file("/etc/hostname")
    return x + tf.cast(tf.strings.length(text), tf.float32)


def write_file(x):
    with tf.control_dependencies([tf.io.write_file("/tmp/owned", "x")]):
        return x + 1


def print_to_file(x):
    tf.print(x, output_stream="file:///tmp/owned")
    return x + 1


def restore(x):
    (value,) = tf.raw_ops.RestoreV2(
        prefix="/tmp/other", tensor_names=["v"], shape_and_slices=[""], dtypes=[tf.float32]
    )
    return x + tf.reduce_sum(value)


def in_a_branch(x):
    return tf.cond(tf.reduce_sum(x) > 0, lambda: write_file(x), lambda: x)


def in_a_map(x):
    data = tf.data.TextLineDataset("/etc/hostname").map(tf.strings.length)
    return x + tf.cast(data.reduce(0, lambda a, b: a + b), tf.float32)


BODIES = {
    "py-function": (
        lambda x: tf.py_function(lambda v: v, [x], tf.float32), "operation that runs Python"),
    "numpy-function": (
        lambda x: tf.numpy_function(lambda v: v, [x], tf.float32), "operation that runs Python"),
    "read-file": (read_file, "operation that reads files"),
    "write-file": (write_file, "operation that writes files"),
    "in-a-branch": (in_a_branch, "operation that writes files"),
    "lines-of-a-file": (in_a_map, "operation that reads files"),
    "print-to-file": (print_to_file, "operation that writes files"),
    "another-checkpoint": (restore, "operation that reads or writes files"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_an_operation_that_reaches_outside_is_refused(tmp_path, name):
    body, what = BODIES[name]
    report = scan(saved(body, tmp_path / "m"))
    assert report.refused
    assert what in {finding.what for finding in report.at("refuse")}


def test_an_operation_that_prints_is_warned_of(tmp_path):
    def printing(x):
        tf.print(x)
        return x + 1

    report = scan(saved(printing, tmp_path / "m"))
    assert [finding.what for finding in report.at("warn")] == ["operation that prints"]
    assert not report.refused


def copied(exported: Path, path: Path) -> Path:
    for file in exported.rglob("*"):
        if file.is_file():
            (path / file.relative_to(exported)).parent.mkdir(parents=True, exist_ok=True)
            (path / file.relative_to(exported)).write_bytes(file.read_bytes())
    (path / "assets").mkdir(exist_ok=True)
    return path


def field(number: int, value: bytes) -> bytes:
    """A field of a protocol buffer, of fewer than 16,384 bytes."""
    size = len(value)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + value


LAMBDA = {"class_name": "Lambda", "config": {"name": "f", "function": ["4wE=", None, None]}}
NODE = field(3, b"root.layer-1") + field(4, b"_tf_keras_layer")


def with_symlink(path: Path) -> None:
    (path / "assets" / "vocabulary.txt").symlink_to("/etc/passwd")


def with_linked_graph(path: Path) -> None:
    (path / "saved_model.pb").rename(path / "variables" / "graph")
    (path / "saved_model.pb").symlink_to(path / "variables" / "graph")


def with_pipe(path: Path) -> None:
    os.mkfifo(path / "assets" / "pipe")


def with_asset(name: bytes):
    def change(path: Path) -> None:
        meta = field(6, field(2, name))
        with (path / "saved_model.pb").open("ab") as file:
            file.write(field(2, meta))

    return change


def with_lambda(path: Path) -> None:
    node = field(1, NODE + field(5, json.dumps(LAMBDA).encode()))
    (path / "keras_metadata.pb").write_bytes(node)


def cut_short(path: Path) -> None:
    data = (path / "saved_model.pb").read_bytes()
    (path / "saved_model.pb").write_bytes(data[: len(data) // 2])


def emptied(path: Path) -> None:
    (path / "saved_model.pb").write_bytes(b"")


FOLDERS = {
    "symlink": (with_symlink, "link", None),
    "linked-graph": (with_linked_graph, "link", None),
    "pipe": (with_pipe, "link", None),
    "climbing-asset": (with_asset(b"../../../etc/passwd"), "file outside", None),
    "absolute-asset": (with_asset(b"/etc/passwd"), "file outside", None),
    "lambda-of-keras-2": (with_lambda, "code in the file", "CVE-2025-9905"),
    "cut-short": (cut_short, "damaged", None),
    "empty": (emptied, "damaged", None),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_harmful_folder_is_refused(exported, tmp_path, name):
    change, what, cve = FOLDERS[name]
    path = copied(exported, tmp_path / "m")
    change(path)
    report = scan(path)
    assert (what, cve) in {(finding.what, finding.cve) for finding in report.at("refuse")}


def test_an_asset_that_is_not_there_is_warned_of(exported, tmp_path):
    path = copied(exported, tmp_path / "m")
    with_asset(b"vocabulary.txt")(path)
    assert [finding.what for finding in scan(path).at("warn")] == ["missing asset"]


def test_a_graph_beyond_the_limits_is_refused(exported):
    assert scan(exported, limits=Limits(objects=50)).refused
    assert scan(exported, limits=Limits(graph_bytes=1000)).refused


def test_tensorflow_is_not_loaded(exported):
    code = (
        "import sys; from tfxai.inspection import inspect; i = inspect(sys.argv[1]); "
        "print(i.report.level, *{'tensorflow', 'google', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(exported)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.split() == ["ok"], done.stderr


def test_an_empty_folder_and_no_folder(tmp_path):
    assert [finding.what for finding in scan(tmp_path).findings] == ["no model"]
    with pytest.raises(DataNotFoundError, match="There is no saved model"):
        scan(tmp_path / "gone")
