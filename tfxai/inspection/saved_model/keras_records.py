"""What Keras 2 says of its layers in a SavedModel, which TensorFlow does not run.

It lies in `keras_metadata.pb`, before TensorFlow 2.5 among the objects of the graph itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, final

from tfxai.inspection.limits import Limits
from tfxai.inspection.readers import protobuf
from tfxai.inspection.readers.json_files import parsed
from tfxai.inspection.readers.protobuf import Bytes
from tfxai.inspection.report import Findings

METADATA = "keras_metadata.pb"
_TUPLES = ("__tuple__", "TensorShape")  # how JSON of Keras 2 has what it has no form for
_MODELS = ("_tf_keras_model", "_tf_keras_network", "_tf_keras_sequential")


@final
@dataclasses.dataclass(frozen=True)
class RecordedModel:
    """One object that Keras 2 saved.

    Args:
        path: From the model down: "root", "root.layer-1".
        identifier: What kind of object it is to Keras.
        record: Its class, its config and more.
    """

    path: str
    identifier: str
    record: dict[str, Any]


@final
@dataclasses.dataclass(frozen=True)
class KerasRecord:
    """What Keras 2 says of a model.

    Args:
        config: Its class and config, as an .h5 file has them.
        training: What it was compiled with.
        version: Version of Keras.
    """

    config: dict[str, Any]
    training: Any
    version: Any


def described(data: Bytes, limits: Limits, found: Findings) -> list[RecordedModel]:
    """The objects in a `keras_metadata.pb`.

    Raises:
        Malformed: It is damaged or ambiguous.
    """
    protobuf.check(data, "SavedMetadata", limits.objects)
    nodes = [(protobuf.text(one, 3), protobuf.text(one, 4), protobuf.text(one, 5))
             for one in protobuf.messages(data, 1)]  # fmt: skip
    return read_texts(nodes, METADATA, limits, found)


def read_texts(
    nodes: Iterable[tuple[str, str, str]], where: str, limits: Limits, found: Findings
) -> list[RecordedModel]:
    """Path, identifier and JSON of objects, read within the limits of one document in all."""
    made, left = [], limits.json_bytes
    for path, identifier, text in nodes:
        left -= len(text)
        if left < 0:
            found.refuse(
                "JSON out of bounds",
                f"It has more than {limits.json_bytes:,} bytes of JSON.",
                where,
            )
            break
        record = _unwrapped(parsed(text, where, limits, found)) if text else None
        if isinstance(record, dict):
            made.append(RecordedModel(path, identifier, record))
    return made


def record_of(objects: list[RecordedModel]) -> KerasRecord | None:
    """The model among the objects; None where there is none."""
    root = next((one for one in objects if one.path == "root"), None)
    if root is None or root.identifier not in _MODELS:
        return None
    kind, config = root.record.get("class_name"), root.record.get("config")
    if not isinstance(kind, str):
        return None
    config = dict(config) if isinstance(config, dict) else {}
    config.setdefault("name", root.record.get("name"))
    if not isinstance(config.get("layers"), list):  # a class of somebody's own
        config["layers"] = list(_below(objects))
    return KerasRecord(
        {"class_name": kind, "config": config},
        root.record.get("training_config"),
        root.record.get("keras_version"),
    )


def _below(objects: list[RecordedModel]) -> Iterable[dict[str, Any]]:
    """The layers that are attributes of a model, each once."""
    names = set()
    for one in objects:
        record = one.record
        name, config = record.get("name"), record.get("config")
        is_layer = one.path.count(".") == 1 and one.identifier.startswith("_tf_keras")
        if not is_layer or not isinstance(name, str) or name in names:
            continue
        names.add(name)
        config = {"name": name, **(config if isinstance(config, dict) else {})}
        yield {"class_name": record.get("class_name"), "config": config, "name": name}


def _unwrapped(value: Any) -> Any:
    """JSON with lists in the place of the records that stand for tuples and shapes."""
    if isinstance(value, list):
        return [_unwrapped(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in _TUPLES and isinstance(value.get("items"), list):
        return [_unwrapped(one) for one in value["items"]]
    return {key: _unwrapped(one) for key, one in value.items()}
