"""The messages of gRPC: on the wire those of TensorFlow Serving and of the protocol of KServe."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2,
    predict_pb2,
    prediction_service_pb2,
)

from tests.processes import ROOT, loaded
from tfxai.serving.messages import protos

FOLDER = ROOT / "tfxai" / "serving" / "messages" / "protos"
WHOLE = descriptor_pb2.FieldDescriptorProto
AS_NUMBER = {WHOLE.TYPE_ENUM: WHOLE.TYPE_INT32}  # alike on the wire
MESSAGES = {
    one.full_name: one
    for module in (predict_pb2, get_model_metadata_pb2, get_model_status_pb2)
    for one in module.DESCRIPTOR.message_types_by_name.values()
}


def test_the_compiled_messages_are_those_of_the_sources(tmp_path):
    made = tmp_path / "messages.binpb"
    names = sorted(one.name for one in FOLDER.glob("*.proto"))
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", "--include_imports"),
            *(f"-I{FOLDER}", f"--descriptor_set_out={made}", *names),
        ],
        check=True,
    )
    files = [
        sorted(
            descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file,
            key=lambda file: file.name,
        )
        for path in (made, FOLDER / "messages.binpb")
    ]
    assert files[0] == files[1]


def same_on_the_wire(own, theirs, seen):
    """Each field of ours is one of theirs, of the same number and type."""
    if own.full_name in seen:
        return
    seen.add(own.full_name)
    for field in own.fields:
        other = theirs.fields_by_name[field.name]
        said = (field.number, field.is_repeated, field.is_packed, field.type)
        kind = AS_NUMBER.get(other.type, other.type)
        assert said == (other.number, other.is_repeated, other.is_packed, kind), field.full_name
        if field.message_type is not None:
            same_on_the_wire(field.message_type, other.message_type, seen)


@pytest.mark.parametrize(
    "name",
    [
        "tensorflow.serving.PredictRequest",
        "tensorflow.serving.PredictResponse",
        "tensorflow.serving.SignatureDefMap",
        "tensorflow.serving.GetModelMetadataRequest",
        "tensorflow.serving.GetModelMetadataResponse",
        "tensorflow.serving.GetModelStatusRequest",
        "tensorflow.serving.GetModelStatusResponse",
    ],
)
def test_fields_are_those_of_tensorflow_serving(name):
    same_on_the_wire(protos.message(name).DESCRIPTOR, MESSAGES[name], set())


@pytest.mark.parametrize(
    ("name", "module"),
    [(protos.PREDICTION, prediction_service_pb2), (protos.MODEL, model_service_pb2)],
)
def test_services_are_those_of_tensorflow_serving(name, module):
    (theirs,) = (
        one for one in module.DESCRIPTOR.services_by_name.values() if one.full_name == name
    )
    for key, method in protos.methods(name).items():
        other = theirs.methods_by_name[key]
        assert method.request.DESCRIPTOR.full_name == other.input_type.full_name
        assert method.response.DESCRIPTOR.full_name == other.output_type.full_name


def test_a_message_of_tensorflow_is_read_as_one_of_ours():
    theirs = predict_pb2.PredictRequest(output_filter=["y"])
    theirs.model_spec.name, theirs.model_spec.version.value = "m", 3
    theirs.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([1, 2])))
    ours = protos.message("tensorflow.serving.PredictRequest").FromString(
        theirs.SerializeToString()
    )
    assert (ours.model_spec.name, ours.model_spec.version.value) == ("m", 3)
    assert ours.inputs["x"].tensor_content == np.float32([1, 2]).tobytes()
    assert predict_pb2.PredictRequest.FromString(ours.SerializeToString()) == theirs


def test_a_message_in_another_is_told_from_a_stranger():
    name = "tensorflow.serving.SignatureDefMap"
    answer = protos.message("tensorflow.serving.GetModelMetadataResponse")()
    made = protos.message(name)()
    made.signature_def["one"].method_name = "predict"
    protos.pack(answer.metadata["a"], made)
    assert protos.unpack(answer.metadata["a"], name) == made
    assert protos.unpack(answer.metadata["a"], "tensorflow.serving.ModelSpec") is None
    assert protos.unpack(answer.metadata["none"], name) is None
    answer.metadata["a"].value += b"\xff"
    assert protos.unpack(answer.metadata["a"], name) is None


def test_the_messages_are_beside_those_of_tensorflow_in_either_order():
    ours = "from tfxai.serving.messages import protos\nprotos.message('tensorflow.TensorProto')\n"
    theirs = "import tensorflow as tf\nassert tf.make_tensor_proto(1).dtype == 3\n"
    assert not {"tensorflow", "keras"} & set(loaded(ours))
    assert "tensorflow" in loaded(ours + theirs)
    assert "tensorflow" in loaded(theirs + ours)
