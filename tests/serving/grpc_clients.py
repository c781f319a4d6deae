"""A server that answers gRPC, and a client of TensorFlow Serving's own classes."""

from __future__ import annotations

import contextlib

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.serving.servers import PATIENCE, free_port, serving, until
from tfxai.serving.messages import protos
from tfxai.serving.models.versions import VersionFolder


@contextlib.contextmanager
def front(models, limits=None, **options):
    """The gRPC address of a server, and its HTTP one."""
    port = free_port()
    with serving(models, limits, grpc_at=("127.0.0.1", port), **options) as url:
        until(lambda: models.waits_for() is None)
        if isinstance(models, VersionFolder):
            until(lambda: set(models.names()) >= {"cifar10_cnn", "documented", "pair"})
        yield f"127.0.0.1:{port}", url


class Client:
    """TensorFlow Serving's client, made of the classes that its package brings."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(
            address, options=[("grpc.max_receive_message_length", -1)]
        )
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def predict(self, name, feeds, signature="", version=None, outputs=(), **options):
        request = predict_pb2.PredictRequest(output_filter=outputs)
        _spec(request.model_spec, name, version)
        request.model_spec.signature_name = signature
        for key, value in feeds.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        answer = self._predictions.Predict(request, timeout=PATIENCE, **options)
        return answer.model_spec, {k: tf.make_ndarray(v) for k, v in answer.outputs.items()}

    def metadata(self, name, version=None, fields=("signature_def",)):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        _spec(request.model_spec, name, version)
        answer = self._predictions.GetModelMetadata(request, timeout=PATIENCE)
        defined = get_model_metadata_pb2.SignatureDefMap()
        assert answer.metadata["signature_def"].Unpack(defined)
        return answer.model_spec, dict(defined.signature_def)

    def status(self, name, version=None):
        request = get_model_status_pb2.GetModelStatusRequest()
        _spec(request.model_spec, name, version)
        return list(self._models.GetModelStatus(request, timeout=PATIENCE).model_version_status)

    def ask(self, service, method, **fields):
        """An answer of a service by our own messages."""
        one = protos.methods(service)[method]
        call = self.channel.unary_unary(
            one.path,
            request_serializer=one.request.SerializeToString,
            response_deserializer=one.response.FromString,
        )
        return call(one.request(**fields), timeout=PATIENCE)


def _spec(spec, name, version):
    spec.name = name
    if version is not None:
        spec.version.value = version


@contextlib.contextmanager
def refused(code, said):
    """Expects an error of gRPC."""
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert (caught.value.code(), said in caught.value.details()) == (code, True), caught.value
