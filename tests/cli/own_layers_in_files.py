"""Models with layers of a module that nobody has imported."""

from __future__ import annotations

import json
import zipfile

import keras

OWN_LAYER = """
import keras


@keras.saving.register_keras_serializable("own")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


class Plain(keras.layers.Layer):
    def call(self, x):
        return x
"""


def save_as_own(path, kinds):
    """A model with layers of a module that this process has not imported."""
    steps = [keras.layers.Identity(name=name) for name in kinds]
    steps += [keras.layers.GlobalAveragePooling2D(), keras.layers.Softmax()]
    keras.Sequential([keras.Input((32, 32, 3)), *steps]).save("identity.keras")
    with zipfile.ZipFile("identity.keras") as made:
        content = {name: made.read(name) for name in made.namelist()}
    config = json.loads(content["config.json"])
    for layer in config["config"]["layers"]:
        if (name := layer["config"]["name"]) in kinds:
            layer |= {"class_name": name, "module": "own_layers", "registered_name": kinds[name]}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**content, "config.json": json.dumps(config)}.items():
            archive.writestr(name, data)
