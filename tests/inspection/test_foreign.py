"""Files that are no whole models are recognised as what they are, by scan, inspect and load."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxai
from tests.builders import KERAS_SAVES
from tests.inspection.honest_saved_models import called
from tests.inspection.saved_model_attacks import field, varint
from tfxai.errors import ModelFileError
from tfxai.inspection import inspect, scan
from tfxai.inspection.saved_model import checkpoints

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return stream.getvalue()


def weights() -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_group("layers/dense/vars")["0"] = np.ones((2, 2), "f4")
    return stream.getvalue()


def old_weights() -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        file["dense/kernel:0"] = np.ones((2, 2), "f4")
    return stream.getvalue()


ONNX = b"\x08\x07" + field(2, b"pytorch") + field(3, b"1.13")
SAFETENSORS = (60).to_bytes(8, "little") + b'{"weight": {"dtype": "F32", "shape": [1]}}'
FILES = {
    "lfs.keras": (POINTER, "pointer of Git LFS"),
    "lfs.h5": (POINTER, "git lfs pull"),
    "m.tflite": (b"\x1c\0\0\0TFL3\x14\0", "TensorFlow Lite"),
    "m.pkl": (pickle.dumps({"a": [1, 2]}), "pickle of Python"),
    "old.pkl": (pickle.dumps({"a": [1, 2]}, protocol=0), "pickle of Python"),
    "m.pt": (zipped("m/data.pkl", "m/data/0"), "model of PyTorch"),
    "m.onnx": (ONNX, "ONNX model"),
    "m.safetensors": (SAFETENSORS, "safetensors"),
    "m.npz": (zipped("a.npy", "b.npy"), "arrays of NumPy"),
    "m.npy": (b"\x93NUMPY\x01\0", "array of NumPy"),
    "m.zip": (zipped("m/saved_model.pb", "m/variables/variables.index"), "packed SavedModel"),
    "m.gguf": (b"GGUF\x03\0\0\0", "GGUF"),
    "m.keras": (b"<!DOCTYPE html><html>", "page of the web"),
    "config.json": (b'{"class_name": "Functional"}', "JSON text and has no weights"),
    "m.gz": (b"\x1f\x8b\x08", "gzip"),
    "m.weights.h5": (weights(), "weights alone"),
    "weights.h5": (old_weights(), r"weights alone.*load_weights\(path\)"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_kind_is_recognised_by_all(tmp_path, name):
    content, sentence = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    (finding,) = scan(path).at("refuse")
    assert finding.what == "no model"
    assert inspect(path).report.at("refuse") == (finding,)
    with pytest.raises(ModelFileError, match=sentence) as caught:
        tfxai.load(path)
    assert finding.why.rstrip(".") in str(caught.value) or path.suffix not in (".keras", ".h5")


def test_a_folder_of_a_checkpoint_is_recognised(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    kernel = tf.Variable(model.layers[0].kernel.value)
    tf.train.Checkpoint(kernel=kernel).save(str(tmp_path / "m" / "ckpt"))
    (finding,) = scan(tmp_path / "m").at("refuse")
    assert "a checkpoint, weights alone" in finding.why


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "m"
    weight = tf.Variable(np.arange(1000, dtype=np.float32))
    other = tf.Variable("text")
    called(lambda x: x * tf.reduce_sum(weight), path, weight=weight, other=other)
    return path


def without_index(path: Path) -> None:
    (path / checkpoints.INDEX).unlink()


def without_folder(path: Path) -> None:
    shutil.rmtree(path / "variables")


def without_values(path: Path) -> None:
    (path / "variables" / "variables.data-00000-of-00001").unlink()


def pointer_to_values(path: Path) -> None:
    (path / "variables" / "variables.data-00000-of-00001").write_bytes(POINTER)


def pointer_to_index(path: Path) -> None:
    (path / checkpoints.INDEX).write_bytes(POINTER)


def pointer_to_graph(path: Path) -> None:
    (path / "saved_model.pb").write_bytes(POINTER)


def values_cut_short(path: Path) -> None:
    file = path / "variables" / "variables.data-00000-of-00001"
    file.write_bytes(file.read_bytes()[:100])


def index_cut_short(path: Path) -> None:
    data = (path / checkpoints.INDEX).read_bytes()
    (path / checkpoints.INDEX).write_bytes(data[: len(data) // 2] + data[-8:])


def shape_that_grows(path: Path) -> None:
    """The shape (1000,) of a variable becomes (1015,), its bytes stay."""
    data = (path / checkpoints.INDEX).read_bytes()
    size = varint(1000)
    assert data.count(b"\x08" + size) == 1
    (path / checkpoints.INDEX).write_bytes(data.replace(b"\x08" + size, b"\x08" + varint(1015)))


PARTS = {
    without_index: ("no model", "there is no variables/variables.index"),
    without_folder: ("no model", "Copy the whole folder"),
    without_values: ("no model", "should lie in variables/variables.data-00000-of-00001"),
    pointer_to_values: ("no model", "pointer of Git LFS"),
    pointer_to_index: ("no model", "pointer of Git LFS"),
    pointer_to_graph: ("no model", "pointer of Git LFS"),
    values_cut_short: ("damaged", "goes past the end of its file"),
    index_cut_short: ("damaged", "list of its variables is damaged"),
    shape_that_grows: ("damaged", r"4,000 bytes and a shape of 4,060"),
}


@pytest.mark.parametrize("change", PARTS, ids=lambda change: change.__name__)
def test_a_saved_model_that_is_not_whole_is_told_of_before_it_is_loaded(
    whole, tmp_path, monkeypatch, change
):
    what, sentence = PARTS[change]
    path = Path(shutil.copytree(whole, tmp_path / "m"))
    assert scan(path).level == "ok"
    change(path)
    (finding,) = scan(path).at("refuse")
    assert finding.what == what
    monkeypatch.setattr(tf.saved_model, "load", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(ModelFileError, match=sentence):
        tfxai.load(path)


def test_a_graph_without_variables_needs_none(tmp_path):
    """Frozen by TensorFlow 1: everything is a constant, and there is no folder of variables."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        y = tf.matmul(x, tf.constant([[1.0], [2.0]]))
        builder = v1.saved_model.Builder(str(tmp_path / "m"))
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    shutil.rmtree(tmp_path / "m" / "variables", ignore_errors=True)
    assert scan(tmp_path / "m").level == "ok", scan(tmp_path / "m").findings
    subject = tfxai.load(tmp_path / "m")
    np.testing.assert_allclose(subject.predict(np.ones((2, 2), np.float32)), [[3.0], [3.0]])


# What Keras 2 saved.


def of_keras_2(path: Path) -> np.ndarray:
    """A SavedModel with an optimizer's moments, as Keras 2 describes it; gives its weight."""
    from tensorflow.python.keras.optimizer_v2.adam import Adam  # what Keras 2 used

    weight = np.arange(10, dtype=np.float32).reshape(5, 2) / 10
    module = tf.Module()
    module.w = tf.Variable(weight)
    module.optimizer = Adam()
    module.optimizer.apply_gradients([(tf.zeros((5, 2)), module.w)])
    spec = [tf.TensorSpec((None, 5), tf.float32, name="x")]
    serve = tf.function(lambda x: {"y": tf.nn.softmax(x @ module.w)}, input_signature=spec)
    tf.saved_model.save(module, str(path), signatures=serve)
    file = path / "saved_model.pb"
    proto = checkpoints_proto(file)
    renamed = 0
    for node in proto.meta_graphs[0].object_graph_def.nodes:
        if node.user_object.identifier == "tf_deprecated_optimizer":
            node.user_object.identifier = "optimizer"
            renamed += len(node.slot_variables)
    assert renamed == 2
    file.write_bytes(proto.SerializeToString())
    return weight


def checkpoints_proto(file: Path):
    from tensorflow.core.protobuf import saved_model_pb2

    return saved_model_pb2.SavedModel.FromString(file.read_bytes())


def test_the_moments_of_an_optimizer_that_is_gone_are_forgotten(tmp_path):
    weight = of_keras_2(tmp_path / "m")
    assert scan(tmp_path / "m").level == "ok", scan(tmp_path / "m").findings
    before = (tmp_path / "m" / "saved_model.pb").read_bytes()
    subject = tfxai.load(tmp_path / "m")
    x = np.linspace(0, 1, 15, dtype=np.float32).reshape(3, 5)
    expected = np.exp(x @ weight) / np.exp(x @ weight).sum(-1, keepdims=True)
    np.testing.assert_allclose(subject.predict(x), expected, rtol=1e-5)
    assert (tmp_path / "m" / "saved_model.pb").read_bytes() == before


def shaped(*sizes):
    return {"class_name": "__tuple__", "items": list(sizes)}


DENSE = {"class_name": "Dense", "config": {"name": "out", "units": 2, "activation": "softmax"}}
START = {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": shaped(None, 5)}}
SEQUENTIAL = {"class_name": "Sequential", "config": {"name": "old", "layers": [START, DENSE]}}
TRAINED = {"optimizer_config": {"class_name": "Adam", "config": {}}, "loss": "mse"}


def described(*objects: tuple[str, str, dict]) -> bytes:
    """A `keras_metadata.pb`."""
    return b"".join(
        field(1, field(3, path.encode()) + field(4, kind.encode())
              + field(5, json.dumps(record).encode()))
        for path, kind, record in objects
    )  # fmt: skip


ROOT = {**SEQUENTIAL, "name": "old", "keras_version": "2.11.0", "training_config": TRAINED}


@pytest.mark.parametrize("where", ["keras_metadata.pb", "saved_model.pb"])
def test_layers_that_keras_2_describes_are_seen(whole, tmp_path, where):
    path = Path(shutil.copytree(whole, tmp_path / "m"))
    if where == "keras_metadata.pb":
        (path / where).write_bytes(described(("root", "_tf_keras_sequential", ROOT)))
    else:  # before TensorFlow 2.5
        proto = checkpoints_proto(path / where)
        root = proto.meta_graphs[0].object_graph_def.nodes[0].user_object
        root.identifier, root.metadata = "_tf_keras_sequential", json.dumps(ROOT)
        (path / where).write_bytes(proto.SerializeToString())
    found = inspect(path)
    assert found.report.level == "ok", found.report.findings
    assert (found.model_class, found.name, found.keras_version) == ("Sequential", "old", "2.11.0")
    layers = [(one.path, one.kind, one.shape) for one in found.layers]
    assert layers == [("x", "InputLayer", (None, 5)), ("out", "Dense", (None, 2))]
    assert {one.parameters for one in found.layers} == {None}  # not known is not nothing
    assert (found.optimizer, found.loss, found.final_activation) == ("Adam", "mse", ("softmax",))
    assert [one.name for one in found.inputs] == ["x"]  # those of the signature
    assert found.cam_layers == ()  # nobody can look into a signature


def test_layers_of_a_class_of_somebodys_own_are_its_attributes(whole, tmp_path):
    path = Path(shutil.copytree(whole, tmp_path / "m"))
    root = {"class_name": "Mine", "name": "mine", "config": {}}
    inner = {**DENSE, "name": "out"}
    objects = [
        ("root", "_tf_keras_model", root),
        ("root.dense", "_tf_keras_layer", inner),
        ("root.dense.inner", "_tf_keras_layer", {**inner, "name": "inner"}),
        ("root.keras_api.metrics.0", "_tf_keras_metric", {"class_name": "Mean", "config": {}}),
    ]
    (path / "keras_metadata.pb").write_bytes(described(*objects))
    found = inspect(path)
    assert found.report.level == "ok", found.report.findings  # TensorFlow needs no class
    assert [(one.path, one.kind) for one in found.layers] == [("out", "Dense")]
    assert found.model_class == "Mine"
    tfxai.load(path)
