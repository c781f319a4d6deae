"""One small model of colour images with its card, and data in every form that is read."""

from __future__ import annotations

import base64
import json
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from tests.builders import chain, conv_parts
from tfxai.card import Card, card_path
from tfxai.data.preprocessing import Preprocessing

SHAPE = (6, 5, 3)
CLASSES = ("Red", "Green", "Blue")
COUNT = 23
LABELS = np.arange(COUNT) % 3
PIXELS = np.random.default_rng(5).integers(0, 256, (COUNT, *SHAPE), np.uint8)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> str:
    """A model file with the names of its classes, which takes pixels divided by 255."""
    keras.utils.set_random_seed(3)
    x = keras.Input(SHAPE)
    made = keras.Model(x, layers.Dense(3, name="head")(chain(x, conv_parts())))
    path = tmp_path_factory.mktemp("models") / "colours.keras"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as KERAS_SAVES
        made.save(path)
    card = Card(name="colours", classes=CLASSES, preprocessing=Preprocessing("unit"))
    card.write(card_path(path))
    return str(path)


def _png(pixels) -> bytes:
    import io

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def write_images(folder: Path) -> str:
    """PNG files in a folder for each class; a glob of them, in the order of their names."""
    for i, pixels in enumerate(PIXELS):
        path = folder / CLASSES[LABELS[i]] / f"{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_png(pixels))
    return str(folder / "*" / "*.png")


def write_records(folder: Path, compression: str = "") -> str:
    """TFRecords of encoded images in two files; a glob of them."""
    parts = np.array_split(np.arange(COUNT), 2)
    for number, part in enumerate(parts):
        path = str(folder / f"data.tfrecord-{number:05d}")
        with tf.io.TFRecordWriter(path, compression) as file:
            for i in part:
                features = {
                    "image/encoded": _bytes(_png(PIXELS[i])),
                    "label": tf.train.Feature(
                        int64_list=tf.train.Int64List(value=[int(LABELS[i])])
                    ),
                    "id": _bytes(f"example {i}".encode()),
                }
                example = tf.train.Example(features=tf.train.Features(feature=features))
                file.write(example.SerializeToString())
    return str(folder / "data.tfrecord-*")


def write_parquet(folder: Path) -> str:
    """A table with tensors of pixels, in row groups of four."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table(
        {
            "image": pyarrow.FixedShapeTensorArray.from_numpy_ndarray(PIXELS),
            "label": pyarrow.array([CLASSES[one] for one in LABELS]),
            "id": pyarrow.array([f"example {i}" for i in range(COUNT)]),
        }
    )
    path = folder / "data.parquet"
    pyarrow.parquet.write_table(table, path, row_group_size=4, write_page_checksum=True)
    return str(folder / "data.parquet")


def write_lines(folder: Path) -> str:
    """Instances as Vertex AI takes them: encoded and as nested lists by turns, an empty line."""
    lines = []
    for i, pixels in enumerate(PIXELS):
        image = {"b64": base64.b64encode(_png(pixels)).decode()} if i % 2 else pixels.tolist()
        lines.append(json.dumps({"image": image, "label": int(LABELS[i]), "id": f"example {i}"}))
    lines.insert(3, "")
    (folder / "data.jsonl").write_text("\n".join(lines))
    return str(folder / "data.jsonl")


def _bytes(value: bytes):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
