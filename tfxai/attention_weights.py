"""The attention weights of a model, found in its traced program: every layer and head."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import model_structure
from tfxai.core.program import attention_program
from tfxai.errors import InvalidInputError, LayerNotFoundError
from tfxai.subject import Subject
from tfxai.tokens import PADDING, Tokens

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    """

    layers: tuple[str, ...]
    weights: tuple[Array, ...]
    text: Tokens | None = None

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
        """A name for each token of an example: the token itself, or its number."""
        if self.text is None:
            return [str(i) for i in range(self.weights[0].shape[-1])]
        return [str(piece) for piece in self.text.pieces[index]]

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
        path: str | os.PathLike[str] | None = None,
        figsize: Any = None,
    ) -> Figure:
        """One head, or the mean of all, as a heatmap, or all heads of a layer in a grid.

        Args:
            layer: Number or path of the layer.
            head: Number of the head, or `"mean"` for the mean over the heads; None draws all of
                them.
            index: The example.
            path: File to write the figure to as well; its suffix names the format.
            figsize: Width in inches, or (width, height); None is what the maps need.

        Raises:
            InvalidInputError: There is no such head or example, or `figsize` does not fit.
            LayerNotFoundError: There is no such layer.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.attention import plot_heads

        return plot_heads(self, layer, head, index, path=path, figsize=figsize)

    def save_html(self, path: str | os.PathLike[str], index: int = 0) -> Path:
        """Writes a page that needs nothing else: choose layers and heads, see where tokens look.

        It shows one example, whose number it says where there are several.

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
        network, tokens, inputs = subject.of_ids, encoded.tokens, encoded.given()
    layout, leaves = read_inputs(network, subject.prepare(inputs))
    structure = model_structure(network, layout)
    run, paths = attention_program(network, layout, structure)
    batch, parts = len(leaves[0]), []
    for start in range(0, batch, chunk_size):
        part = [tf.convert_to_tensor(leaf[start : start + chunk_size]) for leaf in leaves]
        count = len(part[0])
        found = zip(run(part), paths, strict=True)
        parts.append([_as_heads(weights, count, path) for weights, path in found])
    whole = tuple(np.concatenate(several) for several in zip(*parts, strict=True))
    return AttentionWeights(_told_apart(list(paths)), whole, tokens)


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
            "examples: it looks at windows of an input by themselves. Take a model whose layers "
            "attend to all tokens."
        )
    return array.reshape(batch, -1, *array.shape[-2:])
