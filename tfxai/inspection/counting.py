"""How many numbers a model's weights are, whose they are, and which of them are trained."""

from __future__ import annotations

import dataclasses
from typing import final

from tfxai.inspection.config.layers import LayerNode, flat, leaf
from tfxai.inspection.names.keras_names import LAYERS
from tfxai.inspection.readers.hdf5 import Tree
from tfxai.inspection.readers.hdf5_arrays import Dataset
from tfxai.inspection.reading import Contents, major_version

# Layers of Keras whose variables are known by their class; these others hold layers of any kind.
OWN_KINDS = LAYERS - {"Layer", "Pipeline", "RNN", "StackedRNNCells", "Wrapper"}
FROZEN_NAMES = ("moving_mean", "moving_variance", "moving_stddev", "renorm_mean", "renorm_stddev")


@final
@dataclasses.dataclass(frozen=True)
class Parameters:
    """How many numbers a model's weights are; None where the kinds cannot be told apart."""

    total: int
    trainable: int | None
    non_trainable: int | None


@dataclasses.dataclass
class Count:
    """Numbers of one layer itself."""

    total: int = 0
    frozen: int = 0
    unknown: int = 0  # of which the file does not say whether they are trained


def counted(contents: Contents, model: LayerNode) -> dict[str, Count] | None:
    """Path of a layer to the count of its numbers; None where an array has no layer."""
    if contents.weights is None:
        return None
    hdf5 = contents.format == "hdf5"
    owner: _OwnersByName | _OwnersByGroup
    if hdf5:
        owner = _OwnersByName(model, contents.renamed)
    else:
        owner = _OwnersByGroup(model, contents.weights)
    counts: dict[str, Count] = {}
    for dataset in model_arrays(contents):
        node, rest = owner.of(dataset.path)
        if node is None:
            return None
        if node.kind == "SpectralNormalization" and rest == ["vars", "0"]:
            continue  # the kernel of the layer in it, stored a second time
        count = counts.setdefault(node.path, Count())
        frozen = _is_frozen(node, dataset, rest, hdf5=hdf5)
        count.total += dataset.elements
        count.frozen += dataset.elements if frozen else 0
        count.unknown += dataset.elements if frozen is None else 0
    return counts


def model_arrays(contents: Contents) -> list[Dataset]:
    """The arrays that are weights of the model itself, not of its optimizer or metrics."""
    if contents.weights is None:
        return []
    every = contents.weights.datasets.values()
    if contents.format == "hdf5":
        return [d for d in every if d.path.startswith("model_weights/")]
    other = ("optimizer/", "_compile_", "compile_", "loss", "metrics", "_metrics", "_optimizer")
    return [d for d in every if not d.path.startswith(other)]


class _OwnersByGroup:
    """Finds the layer of an array by the groups that Keras 3 names after classes."""

    def __init__(self, model: LayerNode, weights: Tree) -> None:
        self._by_group = {}
        for node in flat(model):
            stated = weights.attributes.get(f"{node.group}/vars", {}).get("name", leaf(node))
            if node.group and stated == leaf(node):
                self._by_group[node.group] = node

    def of(self, path: str) -> tuple[LayerNode | None, list[str]]:
        """The innermost layer whose group an array lies in, and the rest of the path."""
        parts = path.split("/")
        for end in range(len(parts), 0, -1):
            node = self._by_group.get("/".join(parts[:end]))
            if node is not None:
                return node, parts[end:]
        return None, parts


class _OwnersByName:
    """Finds the layer of an array by the names of layers in its path."""

    def __init__(self, model: LayerNode, renamed: dict[str, str]) -> None:
        self._model = model
        self._renamed = sorted(renamed.items(), key=lambda names: -len(names[1]))

    def of(self, path: str) -> tuple[LayerNode | None, list[str]]:
        """The innermost layer whose name, below those around it, the path has."""
        for new, old in self._renamed:
            path = path.replace(f"/{old}/", f"/{new}/")
        parts, node = path.split("/")[1:], self._model
        found: LayerNode | None = None
        while parts:
            below = {leaf(one): one for one in node.inner}
            place = next((i for i, part in enumerate(parts) if part in below), None)
            if place is None:
                break
            node = found = below[parts[place]]
            parts = parts[place + 1 :]
        return found, parts


def _is_frozen(node: LayerNode, dataset: Dataset, rest: list[str], *, hdf5: bool) -> bool | None:
    """Whether an array is none that is trained; None where the file does not say."""
    kind, config = node.kind, node.config
    while kind in ("TimeDistributed", "Bidirectional") and isinstance(config.get("layer"), dict):
        config = config["layer"]
        kind = str(config.get("class_name"))
        config = config["config"] if isinstance(config.get("config"), dict) else {}
    if not node.trainable or not dataset.kind.name.startswith(("float", "bfloat")):
        return True
    if hdf5 and rest:
        leaf = rest[-1].partition(":")[0]
        known = kind == "Normalization" and leaf in ("mean", "variance", "count")
        return known or leaf in FROZEN_NAMES or leaf.endswith(("seed_generator_state", "vector_u"))
    if kind == "Normalization":
        return True
    if kind not in OWN_KINDS:
        return None
    if kind == "BatchNormalization":
        trained = bool(config.get("scale", True)) + bool(config.get("center", True))
        return rest[-1:] != [] and rest[-1].isdigit() and int(rest[-1]) >= trained
    if kind == "SpectralNormalization":
        return rest[:1] == ["vars"]
    return False


def parameters(contents: Contents, counts: dict[str, Count] | None) -> Parameters | None:
    """Of a whole model; None where its weights could not be read."""
    if contents.weights is None:
        return None
    if counts is None:
        return Parameters(sum(dataset.elements for dataset in model_arrays(contents)), None, None)
    total = sum(count.total for count in counts.values())
    is_keras_1 = major_version(contents.metadata) == 1  # whose weights have other names
    if is_keras_1 or any(count.unknown for count in counts.values()):
        return Parameters(total, None, None)
    frozen = sum(count.frozen for count in counts.values())
    return Parameters(total, total - frozen, frozen)


def number_of(node: LayerNode, counts: dict[str, Count] | None) -> int | None:
    """Of one layer, with those in it; None where not every array has a layer."""
    if counts is None:
        return None
    paths = [node.path, *(inner.path for inner in flat(node))]
    return sum(counts[path].total for path in paths if path in counts)
