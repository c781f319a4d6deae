"""What a saved model is, as its file says it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, final

from tfxai.core.model.map_layers import makes_maps
from tfxai.inspection.config.layers import MODELS, LayerNode, end_names, flat, leaf, shape_of, tree
from tfxai.inspection.config.shapes import Shape
from tfxai.inspection.counting import Parameters, counted, number_of, parameters
from tfxai.inspection.limits import Limits, chosen
from tfxai.inspection.notebook_tables import inspection_html
from tfxai.inspection.reading import Contents, read
from tfxai.inspection.report import Report
from tfxai.inspection.saved_model.meta_graphs import SIGNATURES_OF_TFXAI, SavedModel, Tensor
from tfxai.inspection.text_models import HubModel, hub_model
from tfxai.reprs import shown, size

FINAL = {"Softmax": "softmax", "Sigmoid": "sigmoid", "ReLU": "relu", "LogSoftmax": "log_softmax"}
PREPROCESSING = """
AugMix AutoContrast CategoryEncoding CenterCrop CutMix Discretization Equalization HashedCrossing
Hashing IntegerLookup MelSpectrogram MixUp Normalization RandAugment Rescaling Resizing
STFTSpectrogram Solarization StringLookup TextVectorization
""".split()  # noqa: SIM905
ATTENTION = ["AdditiveAttention", "Attention", "GroupQueryAttention", "GroupedQueryAttention"]
ATTENTION += ["MultiHeadAttention"]
EMBEDDINGS = ["Embedding", "ReversibleEmbedding"]
LISTS = {"preprocessing": PREPROCESSING, "attention": ATTENTION, "embeddings": EMBEDDINGS}


@final
@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer.

    Args:
        path: As Grad-CAM and `at=` take it: "conv5", or "backbone/conv5" in a nested model.
        kind: Its class.
        shape: Shape of its output, the batch first, None where a size is free; None if not known.
        parameters: Those of it and, for a nested model, of all its layers; None if not known.
        trainable: Whether it is to be trained.
    """

    path: str
    kind: str
    shape: Shape
    parameters: int | None
    trainable: bool


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a saved model is.

    Args:
        path: Path of the file or folder.
        format: "keras", "keras_folder", "keras_hub", "hdf5", "saved_model" or "unknown".
        size: Bytes, of all files of a folder together.
        sha256: Hash of the file; None for a folder.
        keras_version: That saved it; None where the file does not say.
        saved: When, as Keras wrote it.
        model_class: Class of the model.
        name: Name of the model.
        inputs: Name, shape and dtype of each.
        outputs: The same; names are those of layers.
        parameters: Parameters of the model, without the optimizer's; None for a SavedModel, whose
            objects name the same variable several times.
        optimizer: Its class, where the model was compiled.
        loss: As it was compiled.
        metrics: As they were compiled.
        layers: All of them, nested ones after the model that they lie in.
        final_activation: Activation of each output: "softmax", "linear", ...; None where it is not
            known.
        preprocessing: Paths of the layers that prepare inputs.
        cam_layers: Paths and resolution (h, w) of the layers that Grad-CAM can use.
        cam_layer: The one of them that it uses unless told otherwise.
        attention: Paths of attention layers.
        embeddings: Paths of embedding layers.
        custom_objects: Names of classes and functions that loading needs.
        saved_model: What a SavedModel says besides.
        hub: What a model of KerasHub says besides: vocabulary, layers, heads.
        report: What the scan found.
    """

    path: Path
    format: str
    size: int
    sha256: str | None
    keras_version: str | None = None
    saved: str | None = None
    model_class: str | None = None
    name: str | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    parameters: Parameters | None = None
    optimizer: str | None = None
    loss: str | None = None
    metrics: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    final_activation: tuple[str | None, ...] = ()
    preprocessing: tuple[str, ...] = ()
    cam_layers: tuple[tuple[str, tuple[int | None, int | None]], ...] = ()
    cam_layer: tuple[str, tuple[int | None, int | None]] | None = None
    attention: tuple[str, ...] = ()
    embeddings: tuple[str, ...] = ()
    custom_objects: tuple[str, ...] = ()
    saved_model: SavedModel | None = None
    hub: HubModel | None = None
    report: Report

    def __repr__(self) -> str:
        parts = [shown(self.path.name), self.format, size(self.size)]
        if self.model_class:
            parts.append(shown(self.model_class)[1:-1])
        if self.layers:
            parts.append(f"{len(self.layers)} layers")
        if self.parameters is not None:
            parts.append(f"{self.parameters.total:,} parameters")
        return f"Inspection({', '.join(parts)}, {self.report.level})"

    def _repr_html_(self) -> str:
        """What the file is, its layers and what was found, as small tables for notebooks."""
        return inspection_html(self)

    @property
    def compiled(self) -> bool:
        """Whether the file says how the model was trained."""
        return self.optimizer is not None

    @property
    def explained_by(self) -> tuple[str, ...]:
        """Signatures of a SavedModel that explain: `explain_grad_cam` and the like."""
        names = self.saved_model.signatures if self.saved_model else ()
        return tuple(name for name in names if name.startswith(SIGNATURES_OF_TFXAI))

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON types."""
        record = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("path", "report", "saved_model", "hub")
        }
        for name in ("inputs", "outputs", "layers"):
            record[name] = [dataclasses.asdict(one) for one in record[name]]
        record["parameters"] = dataclasses.asdict(self.parameters) if self.parameters else None
        record["cam_layers"] = [{"path": p, "resolution": list(r)} for p, r in self.cam_layers]
        if self.cam_layer is not None:
            path, size = self.cam_layer
            record["cam_layer"] = {"path": path, "resolution": list(size)}
        record |= {"path": str(self.path), "compiled": self.compiled}
        if self.saved_model is not None:
            record["saved_model"] = _plain(self.saved_model)
            record["explained_by"] = self.explained_by
        if self.hub is not None:
            record["hub"] = dataclasses.asdict(self.hub)
        return {**record, "safety": self.report.to_dict()}


def inspect(
    path: str | os.PathLike[str],
    *,
    custom_objects: Collection[str] = (),
    limits: Limits | None = None,
) -> Inspection:
    """Look into a saved model without loading it.

    Args:
        path: A `.keras` or `.h5` file, a folder that Keras or KerasHub wrote, or that of a
            SavedModel.
        custom_objects: Names that will be passed to Keras, as for `scan`.
        limits: As for `scan`.

    Returns:
        What the file says. Of a damaged or harmful file, as much as could be read, with the
        reasons in `report`.

    Raises:
        DataNotFoundError: There is nothing at that path, or it may not be read.
    """
    contents, report = read(path, custom_objects, chosen(limits))
    place = Path(path)
    size, digest = _measured(place)
    known = _of_config(contents) if contents.config else {}
    hub = hub_model(contents)
    if hub is not None:
        known |= _of_hub(hub)
    if contents.saved_model is not None:
        known |= {**_of_saved_model(contents.saved_model), "cam_layers": ()}  # nobody can look in
    return Inspection(
        path=place,
        format=contents.format,
        size=size,
        sha256=digest,
        keras_version=_text(contents.metadata.get("keras_version")),
        saved=_text(contents.metadata.get("date_saved")),
        custom_objects=contents.custom,
        saved_model=contents.saved_model,
        hub=hub,
        report=report,
        **known,
    )


def _measured(path: Path) -> tuple[int, str | None]:
    if path.is_file():
        with path.open("rb") as file:
            return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
    files = (one.lstat() for one in path.rglob("*") if not one.is_dir() or one.is_symlink())
    return sum(status.st_size for status in files), None


def _of_config(contents: Contents) -> dict[str, Any]:
    model = tree(contents.config)
    if model is None:
        return {}
    counts = counted(contents, model)
    nodes = list(flat(model))
    paths = {
        kind: tuple(n.path for n in nodes if n.kind in names) for kind, names in LISTS.items()
    }
    config = model.config
    ends = model.outputs
    optimizer, loss, metrics = _training(contents.training)
    return {
        "model_class": model.kind,
        "name": _text(config.get("name")),
        "inputs": tuple(_inputs(model)),
        "outputs": tuple(Tensor(leaf(n), n.shape, _dtype(n)) for n in ends),
        "parameters": parameters(contents, counts),
        "optimizer": optimizer,
        "loss": loss,
        "metrics": metrics,
        "layers": tuple(
            Layer(n.path, n.kind, n.shape, number_of(n, counts), n.trainable) for n in nodes
        ),
        "final_activation": tuple(_activation(node) for node in ends),
        "cam_layers": (maps := tuple(_cam(nodes))),
        "cam_layer": _default_cam(maps, ends),
        **paths,
    }


def _of_hub(hub: HubModel) -> dict[str, Any]:
    """A task with its preprocessor takes texts; its outputs are those of its classes."""
    known: dict[str, Any] = {"model_class": hub.task or hub.backbone, "name": hub.name}
    if hub.task is not None and hub.tokenizer is not None:
        known["inputs"] = (Tensor("texts", (None,), "string"),)
    if hub.classes is not None:
        known["outputs"] = (Tensor("classes", (None, hub.classes), "float32"),)
        known["final_activation"] = (hub.activation,)
    return known


def _of_saved_model(saved: SavedModel) -> dict[str, Any]:
    names = [name for name in saved.signatures if name in ("serving_default", "serve")]
    names += list(saved.signatures)
    inputs, outputs, _ = saved.signatures[names[0]] if names else ((), (), "")
    return {"inputs": inputs, "outputs": outputs}


# Inputs and outputs.


def _inputs(model: LayerNode) -> Iterator[Tensor]:
    if model.kind == "Sequential":
        yield from _sequential_input(model)
        return
    by_name = {leaf(node): node for node in model.inner}
    for name in end_names(model.config.get("input_layers")):
        if name in by_name:
            yield Tensor(name, by_name[name].shape, _dtype(by_name[name]))


def _sequential_input(model: LayerNode) -> Iterator[Tensor]:
    first = model.inner[0] if model.inner else None
    if first is not None and first.kind == "InputLayer":
        yield Tensor(leaf(first), first.shape, _dtype(first))
    elif first is not None:
        built = model.config.get("build_input_shape") or first.config.get("batch_input_shape")
        yield Tensor(leaf(first), shape_of(built), _dtype(first))


def _dtype(node: LayerNode) -> str:
    """What a layer computes in: that of its policy."""
    policy: Any = node.config.get("dtype")
    if isinstance(policy, dict) and isinstance(policy.get("config"), dict):
        policy = policy["config"].get("name")
    if node.kind in MODELS and node.outputs:
        return _dtype(node.outputs[0])
    text = policy if isinstance(policy, str) else "unknown"
    return text.removeprefix("mixed_")


def _activation(node: LayerNode) -> str | None:
    """The last thing that happens to an output."""
    if node.kind in MODELS:
        return _activation(node.outputs[0]) if len(node.outputs) == 1 else None
    given = node.config.get("activation")
    if isinstance(given, dict):
        named = given.get("config") if given.get("class_name") == "function" else None
        return named if isinstance(named, str) else _text(given.get("class_name"))
    if isinstance(given, str):
        return given
    return FINAL.get(node.kind)


def _cam(nodes: list[LayerNode]) -> Iterator[tuple[str, tuple[int | None, int | None]]]:
    skipped = {"InputLayer", *PREPROCESSING}
    data_format = "channels_last"
    for node in nodes:
        data_format = node.config.get("data_format") or data_format  # of the layers before it
        shape = node.shape
        if shape is None or len(shape) != 4 or node.kind in skipped or node.kind in MODELS:
            continue
        first = data_format == "channels_first"
        h, w = (shape[2], shape[3]) if first else (shape[1], shape[2])
        if (h, w) != (1, 1) and makes_maps(node.kind):
            yield node.path, (h, w)


def _default_cam(
    maps: Sequence[tuple[str, tuple[int | None, int | None]]], ends: Sequence[LayerNode]
) -> tuple[str, tuple[int | None, int | None]] | None:
    """The last of them; of a model from images to images the last of the fewest positions."""
    if not maps:
        return None
    shapes = [node.shape for node in ends if node.shape is not None]
    if any(len(shape) == 4 and shape[1:3] != (1, 1) for shape in shapes):
        fewest = min(_positions(size) for _, size in maps)
        return [one for one in maps if _positions(one[1]) == fewest][-1]
    return maps[-1]


def _positions(size: tuple[int | None, int | None]) -> int:
    return math.prod(n or 1 for n in size)


# Training.


def _training(config: Any) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Optimizer, loss and metrics, by name."""
    if not isinstance(config, dict):
        return None, None, ()
    optimizer = _called(config.get("optimizer_config") or config.get("optimizer"))
    losses = list(_names(config.get("loss")))
    return optimizer, ", ".join(losses) or None, tuple(_names(config.get("metrics")))


def _names(value: Any) -> Iterator[str]:
    called = _called(value)
    if called is not None:
        yield called
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _names(one)


def _called(value: Any) -> str | None:
    if isinstance(value, dict) and isinstance(value.get("class_name"), str):
        inner = value.get("config")
        return inner if isinstance(inner, str) else str(value["class_name"])
    return value if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _plain(saved: SavedModel) -> dict[str, Any]:
    signatures = {}
    for name, (inputs, outputs, method) in saved.signatures.items():
        ends = {"inputs": inputs, "outputs": outputs}
        lists = {key: [dataclasses.asdict(one) for one in some] for key, some in ends.items()}
        signatures[name] = {**lists, "method": method}
    return {
        "tags": list(saved.tags),
        "tensorflow_version": saved.tensorflow_version,
        "signatures": signatures,
        "ops": saved.ops,
        "fingerprint": saved.fingerprint,
    }
