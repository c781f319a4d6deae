"""The attention weights of a model, found in its traced program: every layer and head."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfxai.arrangement import array_channels_last, positions
from tfxai.arrays import Array
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import ModelStructure, model_structure
from tfxai.core.program import attention_program
from tfxai.errors import InvalidInputError, LayerNotFoundError, TfxaiWarning
from tfxai.heatmaps import colours
from tfxai.patch_grid import PatchGrid, Query
from tfxai.subject import Subject
from tfxai.tokens import PADDING, Tokens

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WINDOWS = (
    "it looks at windows of an input by themselves. Take a model whose layers attend to all "
    "tokens."
)


@dataclasses.dataclass(frozen=True, eq=False)
class AttentionWeights:
    """The attention of a model to its own tokens, layer by layer.

    `weights["path"]` or `weights[-1]` has one layer; to iterate gives the paths.

    Args:
        layers: Path of the layer of each attention, in the order of computation; several of one
            path have `#0`, `#1` behind it.
        weights: (B, heads, T, S) of each layer, in [0, 1]: how much of each key each query takes.
            They add up to 1 over the keys, masked ones being 0.
        text: The texts and their tokens, where the inputs came as texts.
        grids: The patches of each layer's tokens, where the model looks at one image and they are
            known; else None for a layer.
        images: (B, H, W, 3) in [0, 1] the images, where there are any that can be shown.
    """

    layers: tuple[str, ...]
    weights: tuple[Array, ...]
    text: Tokens | None = None
    grids: tuple[PatchGrid | None, ...] = ()
    images: Array | None = None

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __contains__(self, layer: object) -> bool:
        return layer in self.layers

    def __repr__(self) -> str:
        shapes = sorted({one.shape for one in self.weights})
        return f"AttentionWeights({len(self)} layers, weights {', '.join(map(str, shapes))})"

    def __getitem__(self, layer: int | str) -> Array:
        """The weights of one layer, (B, heads, T, S).

        Args:
            layer: Its number, negative from the end, or its path.

        Raises:
            LayerNotFoundError: No attention has that path or number.
        """
        return self.weights[self.number(layer)]

    def number(self, layer: int | str) -> int:
        """The number of a layer, from 0.

        Raises:
            LayerNotFoundError: No attention has that path or number.
        """
        if isinstance(layer, str):
            if layer not in self.layers:
                raise LayerNotFoundError.of("layer with attention", layer, self.layers)
            return self.layers.index(layer)
        if not -len(self) <= layer < len(self):
            raise LayerNotFoundError(
                f"There is no attention number {layer} among {len(self)}. Pass a number from 0 to "
                f"{len(self) - 1}, or a path."
            )
        return int(layer) % len(self)

    def mean(self) -> Array:
        """(B, T, S) the mean over all layers and heads.

        Raises:
            InvalidInputError: The layers look at different numbers of tokens.
        """
        shapes = {one.shape[2:] for one in self.weights}
        if len(shapes) > 1:
            raise InvalidInputError(
                f"The attentions have {sorted(shapes)} queries and keys, which have no mean. Take "
                "the layers one by one."
            )
        return np.asarray(np.mean([one.mean(axis=1) for one in self.weights], axis=0))

    def labels(self, index: int = 0) -> list[str]:
        """A name for each token of an example: the token itself, its patch, or its number.

        Patches have names such as `"row 2, column 5"`, counted from 0; beside them there may be
        the `"class token"` and tokens such as `"extra token 1"`.
        """
        if self.text is not None:
            return [str(piece) for piece in self.text.pieces[index]]
        count, grid = self.weights[0].shape[-1], self.grid(0)
        return [str(i) if grid is None else grid.name(i) for i in range(count)]

    def grid(self, layer: int | str = -1) -> PatchGrid | None:
        """The patches among the tokens of a layer; None where they are not known.

        Raises:
            LayerNotFoundError: No attention has that path or number.
        """
        number = self.number(layer)
        return self.grids[number] if self.grids else None

    @property
    def remark(self) -> str:
        """Why the tokens of an image have numbers and no places; empty where there is nothing."""
        if self.images is None or self.grid(0) is not None:
            return ""
        return "Which patch each token is cannot be told from the model: tokens have numbers."

    def patch_map(
        self,
        layer: int | str = -1,
        head: int | Literal["mean"] = "mean",
        index: int = 0,
        *,
        query: Query | None = None,
    ) -> Array:
        """How much of each patch of an image a token takes, (h, w).

        Args:
            layer: Number or path of the layer.
            head: Number of the head, or `"mean"` for the mean over the heads.
            index: The example.
            query: (row, column) of the patch that attends, `"class"` for the class token, the
                number of any token, or `"mean"` for the mean over all tokens; None is the class
                token where there is one, else the mean.

        Returns:
            Weights in [0, 1]; they add up to 1 together with those of tokens that are no patches.

        Raises:
            InvalidInputError: The patches are not known, or there is no such query, head or
                example.
            LayerNotFoundError: There is no such layer.
        """
        number = self.number(layer)
        self.check(number, None if head == "mean" else head, index)
        grid = self.required_grid(number)
        heads = self.weights[number][index]
        chosen = heads.mean(axis=0) if head == "mean" else heads[head]
        which = grid.query(query)
        return grid.on_patches(chosen.mean(axis=0) if which is None else chosen[which])

    def required_grid(self, layer: int | str) -> PatchGrid:
        """As `grid`; `InvalidInputError` where it is not known."""
        grid = self.grid(layer)
        if grid is None:
            name = self.layers[self.number(layer)]
            what = self.remark or f"The tokens of layer {name!r} are no patches of an image."
            raise InvalidInputError(
                f"{what} Leave query= out, and take the rows of weights[layer]."
            )
        return grid

    def kept(self, index: int = 0) -> Array:
        """Positions of the tokens of an example that are no padding."""
        if self.text is None:
            return np.arange(self.weights[0].shape[-1])
        return np.flatnonzero(self.text.kinds[index] != PADDING)

    def most_attended(
        self, index: int = 0, layer: int | str | None = None, head: int | None = None
    ) -> list[tuple[str, str, float]]:
        """Each token of an example, the other token that it attends to most, and how much.

        Args:
            index: The example.
            layer: Number or path of a layer; the mean over all layers where None.
            head: Number of a head; the mean over the heads of the layer or layers where None.

        Returns:
            A token, the other token and the weight in [0, 1], for each token that is no padding.

        Raises:
            InvalidInputError: There is no such head or example, or the tokens that attend are
                others than those that are attended to.
            LayerNotFoundError: There is no such layer.
        """
        mean = self._mean_of(index, layer, head)
        labels, kept = self.labels(index), self.kept(index)
        if mean.shape != (len(labels), len(labels)):
            raise InvalidInputError(
                f"The attention is of {mean.shape[0]} tokens to {mean.shape[1]} others, and one "
                "of tokens to themselves was expected. Take weights[layer] in its place."
            )
        found = []
        for i in kept:
            others = [int(j) for j in kept if j != i]
            if others:
                best = max(others, key=lambda j: float(mean[i, j]))
                found.append((labels[i], labels[best], float(mean[i, best])))
        return found

    def _mean_of(self, index: int, layer: int | str | None, head: int | None) -> Array:
        """(T, S) of an example, over what is not named."""
        numbers = range(len(self)) if layer is None else [self.number(layer)]
        for number in numbers:
            self.check(number, head, index)
        if layer is None and head is None:
            return np.asarray(self.mean()[index])
        chosen = [self.weights[number][index] for number in numbers]
        if len({one.shape[1:] for one in chosen}) > 1:
            self.mean()  # which says so
        by_layer = [one.mean(axis=0) if head is None else one[head] for one in chosen]
        return np.asarray(np.mean(by_layer, axis=0))

    def plot(
        self,
        layer: int | str = -1,
        head: int | Literal["mean"] | None = None,
        index: int = 0,
        *,
        query: Query | Literal["all"] | None = None,
        path: str | os.PathLike[str] | None = None,
        figsize: Any = None,
    ) -> Figure:
        """One head, or the mean of all, or all heads of a layer in a grid.

        Of an image they are maps over the picture of where one token attends; of other inputs, and
        with `query="all"`, heatmaps of all tokens by all tokens.

        Args:
            layer: Number or path of the layer.
            head: Number of the head, or `"mean"` for the mean over the heads; None draws all of
                them.
            index: The example.
            query: The token of an image that attends, as for `patch_map`; `"all"` for heatmaps.
            path: File to write the figure to as well; its suffix names the format.
            figsize: Width in inches, or (width, height); None is what the maps need.

        Raises:
            InvalidInputError: There is no such head, example or query, or `figsize` does not fit.
            LayerNotFoundError: There is no such layer.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.attention import plot_heads

        words: dict[str, Any] = {"query": query, "path": path, "figsize": figsize}
        return plot_heads(self, layer, head, index, **words)

    def save_html(self, path: str | os.PathLike[str], index: int = 0) -> Path:
        """Writes a page that needs nothing else: choose layers and heads, see where tokens look.

        It shows one example, whose number it says where there are several; an image with its
        patches over the picture.

        Args:
            path: The file.
            index: The example.

        Raises:
            InvalidInputError: There is no such example.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.attention_page import write_page

        return write_page(self, path, index)

    def check(self, number: int, head: int | None, index: int) -> None:
        """Raises `InvalidInputError` where there is no such head or example."""
        batch, heads = self.weights[number].shape[:2]
        for what, given, count in (("head", head, heads), ("example", index, batch)):
            is_number = isinstance(given, int | np.integer)
            if given is not None and not (is_number and 0 <= given < count):
                raise InvalidInputError(
                    f"There is no {what} {given!r}: layer {self.layers[number]!r} has {count}. "
                    f"Pass a number from 0 to {count - 1}."
                )

    def _repr_html_(self) -> str:
        """The grid of the last layer's heads, for notebooks."""
        from tfxai.plotting.figures import figure_html

        return figure_html(self.plot())


def attention(model: Any, inputs: Any, *, chunk_size: int = 16) -> AttentionWeights:
    """The weights of every attention that the model's output rests on.

    An attention is a softmax by whose result values that depend on the input are added up,
    whatever the layer is called and whoever wrote it; the model is not touched. Keys that a mask
    hides have weight 0. Rows of tokens that are padding are as the model computes them.

    Args:
        model: A built Keras 3 model, or a `Subject`.
        inputs: A batch (B, ...) as for a method, or texts where the model takes them.
        chunk_size: Most examples that run at once, at least 1.

    Returns:
        `AttentionWeights`, (B, heads, T, S) for each layer.

    Warns:
        TfxaiWarning: Texts were cut, or hold no word of the model's vocabulary.

    Raises:
        InvalidInputError: The inputs do not fit the model, or it attends within windows.
        UnsupportedModelError: There is no attention that can be seen.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> x = keras.Input((3, 4))
        >>> model = keras.Model(x, keras.layers.MultiHeadAttention(2, 4, name="look")(x, x))
        >>> tfxai.attention(model, np.ones((1, 3, 4)))["look"][0, 0].round(3)
        array([[0.333, 0.333, 0.333],
               [0.333, 0.333, 0.333],
               [0.333, 0.333, 0.333]], dtype=float32)
    """
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
        raise InvalidInputError(f"chunk_size={chunk_size!r} was expected to be 1 or more.")
    subject = Subject.of(model)
    texts, tokens, network = subject.texts(inputs), None, subject.model
    if texts is not None and subject.encoder is not None:
        encoded = subject.encoder.encode(texts)
        if encoded.notes:
            warnings.warn(" ".join(encoded.notes), TfxaiWarning, stacklevel=2)
        network, tokens, inputs = subject.of_ids, encoded.tokens, encoded.given()
    layout, leaves = read_inputs(network, subject.prepare(inputs))
    structure = model_structure(network, layout)
    run, paths = attention_program(network, layout, structure)
    for path, one in zip(paths, structure.tokens, strict=False):
        if one.in_windows:
            raise InvalidInputError(
                f"The attention of layer {path!r} has several parts: {_WINDOWS}"
            )
    batch, parts = len(leaves[0]), []
    for start in range(0, batch, chunk_size):
        part = [tf.convert_to_tensor(leaf[start : start + chunk_size]) for leaf in leaves]
        count = len(part[0])
        found = zip(run(part), paths, strict=True)
        parts.append([_as_heads(weights, count, path) for weights, path in found])
    whole = tuple(np.concatenate(several) for several in zip(*parts, strict=True))
    grids = _grids(structure, whole)
    return AttentionWeights(
        _told_apart(list(paths)), whole, tokens, grids, _images(subject, structure, leaves)
    )


def _grids(structure: ModelStructure, weights: Sequence[Array]) -> tuple[PatchGrid | None, ...]:
    """The patches of each layer; nothing where no image is looked at."""
    found = [one.grid for one in structure.tokens]
    if len(found) != len(weights):
        return ()
    return tuple(
        grid if grid is not None and one.shape[2:] == (grid.tokens, grid.tokens) else None
        for grid, one in zip(found, weights, strict=True)
    )


def _images(subject: Subject, structure: ModelStructure, leaves: Sequence[Array]) -> Array | None:
    """(B, H, W, 3) in [0, 1] of the only image among the inputs, where it can be shown."""
    found = [i for i, axes in enumerate(structure.axes) if positions(axes) == 2]
    if len(found) != 1:
        return None
    images = array_channels_last(np.asarray(leaves[found[0]]), structure.axes[found[0]])
    return colours(images, subject.preprocessing)


def _told_apart(paths: list[str]) -> tuple[str, ...]:
    """The paths, those that come several times with their number behind."""
    seen: dict[str, int] = {}
    found = []
    for path in paths:
        number = seen[path] = seen.get(path, -1) + 1
        found.append(f"{path}#{number}" if paths.count(path) > 1 else path)
    return tuple(found)


def _as_heads(weights: Any, batch: int, layer: str) -> Array:
    """The weights of an attention as (B, heads, T, S); heads in groups are laid side by side.

    Raises:
        InvalidInputError: They are of windows, or have a row for something else than examples.
    """
    array = np.asarray(weights, np.float32)
    if array.ndim < 3 or array.shape[0] != batch:
        raise InvalidInputError(
            f"The attention of layer {layer!r} has weights of shape {array.shape} for {batch} "
            f"examples: {_WINDOWS}"
        )
    return array.reshape(batch, -1, *array.shape[-2:])
