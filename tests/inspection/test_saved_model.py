"""SavedModels: what TensorFlow says of them, and what they must not do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import keras
import pytest
import tensorflow as tf

import tfxai
from tests.inspection import honest, tensorflow_api
from tests.inspection import saved_model_attacks as attacks
from tests.inspection.honest_saved_models import SAVED, called
from tests.inspection.saved_model_attacks import field
from tests.inspection.test_attacks import WATCHED
from tests.processes import ROOT
from tfxai.errors import DataNotFoundError, ModelFileError, UnsafeModelError
from tfxai.inspection import Limits, inspect, scan
from tfxai.inspection.names import tensorflow_names


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


# Where TensorFlow does not know how many axes the output has, as behind a table of any keys.
UNRANKED = {"table_that_changes", "examples", "of_tensorflow_1", "of_tensorflow_1_with_savers"}


SLOW = pytest.param("loops", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [SLOW if name == "loops" else name for name in SAVED])
def test_what_honest_people_save_is_let_through_and_loads(tmp_path, name):
    SAVED[name](tmp_path / "m")
    assert scan(tmp_path / "m").level == "ok", scan(tmp_path / "m").findings
    if name in UNRANKED:
        with pytest.raises(ModelFileError, match=r"any number of axes.*tf\.ensure_shape"):
            tfxai.load(tmp_path / "m")
    else:
        assert tfxai.load(tmp_path / "m").model.inputs


@pytest.mark.parametrize("name", attacks.BODIES)
def test_an_operation_that_reaches_outside_is_refused(tmp_path, name):
    marker = tmp_path / "marker"
    path = attacks.saved(name, marker, tmp_path / "m")
    report = scan(path)
    assert attacks.BODIES[name][1] in {finding.what for finding in report.at("refuse")}
    with pytest.raises(UnsafeModelError, match="trust=True"):
        tfxai.load(path)
    assert not marker.exists()


@pytest.fixture(scope="module")
def with_variable(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "base"
    weight = tf.Variable([2.0])
    called(lambda x: x * weight, path, weight=weight)
    return path


@pytest.mark.parametrize("name", attacks.CHANGES)
def test_a_graph_with_something_harmful_anywhere_is_refused(with_variable, tmp_path, name):
    change, what = attacks.CHANGES[name]
    path, marker = copied(with_variable, tmp_path / "m"), tmp_path / "marker"
    proto = attacks.proto_of(path)
    change(proto, str(marker))
    (path / "saved_model.pb").write_bytes(attacks.bytes_of(proto))
    assert what in {finding.what for finding in scan(path).at("refuse")}, scan(path).findings
    with pytest.raises(ModelFileError):
        tfxai.load(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", attacks.MESSAGES)
def test_what_two_readers_understand_differently_is_refused(with_variable, tmp_path, name):
    path, marker = copied(with_variable, tmp_path / "m"), tmp_path / "marker"
    evil, good = attacks.proto_of(path), attacks.proto_of(path)
    attacks.as_init(evil, str(marker))
    (path / "saved_model.pb").write_bytes(attacks.MESSAGES[name](evil, good))
    with pytest.raises(ModelFileError):
        tfxai.load(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", attacks.TABLES)
def test_a_table_of_a_file_that_is_no_asset_is_refused(tmp_path, name):
    attacks.TABLES[name](tmp_path / "m")
    found = scan(tmp_path / "m").at("refuse")
    assert {finding.what for finding in found} == {attacks.READS}


@pytest.mark.parametrize("name", ["write", "cache", "print-to-file"])
def test_the_payloads_of_operations_are_live(tmp_path, name):
    """Without which the tests above would prove nothing."""
    path = attacks.saved(name, tmp_path / "marker", tmp_path / "m")
    loaded = tf.saved_model.load(str(path))
    loaded.signatures["serving_default"](x=tf.ones(2))
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("marker")]


def test_the_payload_of_a_hidden_graph_is_live(with_variable, tmp_path):
    """What protobuf makes of two graphs in one runs the first one's operations."""
    path, marker = copied(with_variable, tmp_path / "m"), tmp_path / "marker"
    evil, good = attacks.proto_of(path), attacks.proto_of(path)
    attacks.as_init(evil, str(marker))
    del good.meta_graphs[0].graph_def.node[:]
    del good.meta_graphs[0].graph_def.library.function[:]
    (path / "saved_model.pb").write_bytes(attacks.hidden_graph(evil, good))
    merged = attacks.proto_of(path)
    assert "WriteFile" in {node.op for node in merged.meta_graphs[0].graph_def.node}
    with pytest.raises(ModelFileError):
        tfxai.load(path)


@pytest.mark.slow
def test_looking_at_attacks_executes_nothing_and_reads_nothing_outside(with_variable, tmp_path):
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in ("write", "csv", "graph-in-a-string"):
        attacks.saved(name, tmp_path / "marker", folder / name)
    for name, (change, _) in attacks.CHANGES.items():
        path = copied(with_variable, folder / name)
        proto = attacks.proto_of(path)
        change(proto, str(tmp_path / "marker"))
        (path / "saved_model.pb").write_bytes(attacks.bytes_of(proto))
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(folder)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    levels, peak, heavy, events = json.loads(done.stdout)
    assert set(levels.values()) == {"refuse"}
    assert (heavy, events) == ([], [])
    assert peak < 50 << 20
    assert not (tmp_path / "marker").exists()


def lattice() -> bytes:
    """Functions that each call the next one twice: 2^300 ways from the first to the last."""

    def call(name: bytes, function: bytes) -> bytes:
        given = field(5, field(1, b"f") + field(2, field(10, field(1, function))))
        return field(1, name) + field(2, b"PartitionedCall") + field(3, b"a") + given

    def function(name: bytes, *nodes: bytes) -> bytes:
        signature = field(1, field(1, name) + field(2, field(1, b"a")))
        return field(1, signature + b"".join(field(3, node) for node in nodes))

    last = field(1, b"t") + field(2, b"InitializeTableFromTextFileV2") + field(3, b"h")
    made = [function(b"f300", last + field(3, b"a"))]
    for number in range(300):
        inner = b"f%d" % (number + 1)
        made.append(function(b"f%d" % number, call(b"one", inner), call(b"two", inner)))
    return field(2, field(2, field(1, call(b"m", b"f0")) + field(2, b"".join(made))))


def many_harmful() -> bytes:
    nodes = (field(1, field(1, b"n%d" % n) + field(2, b"WriteFile")) for n in range(20_000))
    return field(2, field(2, b"".join(nodes)))


@pytest.mark.parametrize("make", [lattice, many_harmful])
def test_a_graph_that_is_made_to_keep_a_scan_busy_is_refused_in_time(tmp_path, make):
    (tmp_path / "saved_model.pb").write_bytes(make())
    started = time.process_time()
    report = scan(tmp_path)
    assert time.process_time() - started < 60  # 0.4 s; each of 2^300 ways would take for ever
    assert report.refused
    assert len(report.findings) <= 201


def test_every_operation_of_the_installed_tensorflow_is_judged():
    for table, names in tensorflow_api.judged().items():
        new = names - getattr(tensorflow_names, table)
        assert not new, (
            f"{table}: judge {sorted(new)}, then run tests/inspection/tensorflow_api.py"
        )


def test_the_messages_are_those_of_the_installed_tensorflow():
    known = set(tensorflow_names.MESSAGES.replace("\n ", " ").strip().split("\n"))
    now = {f"{name} {fields}".strip() for name, fields in tensorflow_api.messages().items()}
    assert {" ".join(line.split()) for line in known} == now, (
        "run tests/inspection/tensorflow_api.py"
    )


def test_nothing_that_reaches_outside_is_allowed():
    """Names that have been read elsewhere, so that the rule cannot let them through unseen."""
    outward = (
        "ReadFile WriteFile PyFunc DatasetFromGraph CSVDatasetV2 CacheDatasetV2 SaveV2 RestoreV2"
    )
    outward += (
        " DebugIdentityV2 Copy CopyHost DecodeProtoV2 XlaCallModule RemoteCall Abort MatchingFiles"
    )
    outward += (
        " ImmutableConst GenerateVocabRemapping DataServiceDatasetV4 QueueDequeueV2 BatchFunction"
    )
    assert not set(outward.split()) & tensorflow_names.ALLOWED
    of_data = {n for n in tensorflow_names.ALLOWED if "Dataset" in n or "Iterator" in n}
    assert of_data == {"IteratorGetNext", "IteratorGetNextAsOptional"}


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


LAMBDA = {"class_name": "Lambda", "config": {"name": "f", "function": ["4wE=", None, None]}}
NODE = field(3, b"root.layer-1") + field(4, b"_tf_keras_layer")


def with_symlink(path: Path) -> None:
    (path / "assets" / "vocabulary.txt").symlink_to("/etc/passwd")


def with_linked_graph(path: Path) -> None:
    (path / "saved_model.pb").rename(path / "variables" / "graph")
    (path / "saved_model.pb").symlink_to(path / "variables" / "graph")


def with_pipe(path: Path) -> None:
    os.mkfifo(path / "assets" / "pipe")


def with_asset(name: str):
    def change(path: Path) -> None:
        proto = attacks.proto_of(path)
        proto.meta_graphs[0].asset_file_def.add(filename=name)
        (path / "saved_model.pb").write_bytes(attacks.bytes_of(proto))

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
    "climbing-asset": (with_asset("../../../etc/passwd"), "file outside", None),
    "absolute-asset": (with_asset("/etc/passwd"), "file outside", None),
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
    with_asset("vocabulary.txt")(path)
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
