"""Models, images and facts that all environments read, written by that of tfxai."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfxai
from benchmarks.peers.cells import BACKGROUND, NOISE
from tfxai.data import sample_image
from tfxai.data.images import fit_image

LAYERS = {"cnn": "Conv2D_Block3_Layer1", "resnet50": "conv5_block3_out"}
"""The last maps of each."""
PHOTOGRAPHS = ("chelsea", "rocket", "motorcycle_left", "coffee")


def write(folder: Path) -> None:
    """Writes every model, its images and what is asked of them."""
    (folder / "values").mkdir()
    keras.utils.set_random_seed(0)
    _write(folder, "cnn", tfxai.load("cifar10_cnn"))
    large = tfxai.Subject(keras.applications.ResNet50(weights=None))
    _write(folder, "resnet50", large)


def _write(folder: Path, name: str, subject: tfxai.Subject) -> None:
    model: Any = subject.model
    side = model.input_shape[1]
    pixels = np.stack([fit_image(sample_image(one), side, side) for one in PHOTOGRAPHS])
    if subject.preprocessing is None:
        photographs = (pixels / 255).astype(np.float32)
    else:
        photographs = np.asarray(subject.prepare(pixels), np.float32)
    images = np.concatenate([np.roll(photographs, i, axis=2) for i in range(8)])  # 32
    np.save(folder / f"{name}.npy", images)
    np.save(folder / f"{name}-background.npy", images[-BACKGROUND:] * 0.5)
    model.save(folder / f"{name}.keras")
    (folder / f"{name}.config.json").write_text(json.dumps(model.get_config()))
    arrays = {
        f"{layer.name}:{i}": weight
        for layer in model.layers
        for i, weight in enumerate(layer.get_weights())
    }
    np.savez(folder / f"{name}.weights.npz", **arrays)
    outputs = np.asarray(model.predict(images[:1], verbose=0))
    np.save(folder / f"{name}-outputs.npy", outputs)
    facts = {
        "target": int(outputs[0].argmax()),
        "layer": LAYERS[name],
        "noise": NOISE * float(images[0].max() - images[0].min()),
    }
    (folder / f"{name}-facts.json").write_text(json.dumps(facts))
