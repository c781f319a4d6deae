"""Exports that the tests of the server share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import keras
import pytest
import tensorflow as tf

import tfxai
from tests.serving.grpc_clients import Client, front
from tests.serving.servers import PATIENCE, serving, until
from tfxai.export import save
from tfxai.serving.models.upstream import Upstream
from tfxai.serving.models.versions import VersionFolder

METHODS = {
    "integrated_gradients": tfxai.IntegratedGradients(steps=8),
    "grad_cam": tfxai.GradCAM(),
    "saliency": tfxai.Saliency(),
}


class Documented(tf.Module):
    """The signatures that TensorFlow Serving's documentation has in its examples."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def half_plus_two(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": 0.5 * x + 2}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "tag"),
            tf.TensorSpec([None, 5], tf.int64, "signal"),
            tf.TensorSpec([None, 2, 2], tf.float32, "sensor"),
        ]
    )
    def several(
        self, tag: tf.Tensor, signal: tf.Tensor, sensor: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return {
            "tag": tag,
            "sum": tf.reduce_sum(signal, axis=1),
            "mean": tf.reduce_mean(sensor, axis=[1, 2]),
            "tag_bytes": tf.strings.join(["<", tag, ">"]),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def length(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"length": tf.strings.length(image_bytes)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def reciprocal(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": 1 / x}


def documented(path: Path) -> Path:
    """Saves them as a version."""
    module = Documented()
    names = ("several", "length", "reciprocal")
    tf.saved_model.save(
        module,
        str(path),
        signatures={
            "serving_default": module.half_plus_two,
            **{name: getattr(module, name) for name in names},
        },
    )
    return path


def reader() -> keras.Model:
    """A model of texts of four words, its vocabulary inside."""
    words = ["film", "bad", "a", "good"]
    tokens = keras.layers.TextVectorization(vocabulary=words, output_sequence_length=4)
    text = keras.Input((1,), dtype="string", name="text")
    vectors = keras.layers.Embedding(6, 3, name="embedding")(tokens(text))
    mean = keras.layers.GlobalAveragePooling1D(name="mean")(vectors)
    return keras.Model(text, keras.layers.Dense(2, activation="softmax")(mean))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BASE: the network that ships, models of two inputs and of texts, the documented one."""
    folder = tmp_path_factory.mktemp("served")
    save(tfxai.load("cifar10_cnn"), folder / "cifar10_cnn" / "1", METHODS)
    left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
    joined = keras.layers.Concatenate()([left, right])
    pair = keras.Model([left, right], keras.layers.Dense(3, name="logits")(joined))
    save(pair, folder / "pair" / "7", ["integrated_gradients"])
    documented(folder / "documented" / "00000123")
    maps = tfxai.GradCAM(layer="embedding")
    save(reader(), folder / "text" / "2", ["integrated_gradients", maps])
    return folder


@pytest.fixture(scope="session")
def behind(base: Path) -> Iterator[str]:
    """The address of a server of BASE: what a TensorFlow Serving is to a sidecar."""
    models = VersionFolder(base)
    with serving(models) as url:
        until(lambda: len(models.names()) == len(list(base.iterdir())))  # the first is not all
        yield url


@pytest.fixture(scope="session")
def server(behind: str) -> Iterator[httpx.Client]:
    """A client of a server of BASE."""
    with httpx.Client(base_url=behind, timeout=PATIENCE, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def sidecar(behind: str) -> Iterator[httpx.Client]:
    """A sidecar in front of it."""
    with (
        serving(Upstream(behind, ["cifar10_cnn"])) as url,
        httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def addresses(base: Path) -> Iterator[tuple[str, str]]:
    """A server of BASE: where it answers gRPC and HTTP."""
    with front(VersionFolder(base)) as both:
        yield both


@pytest.fixture(scope="session")
def grpc_client(addresses: tuple[str, str]) -> Iterator[Client]:
    """A client of it."""
    made = Client(addresses[0])
    yield made
    made.channel.close()
