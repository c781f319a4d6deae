"""What a method returns: raw values, and all that is needed to judge, draw and store them."""

from __future__ import annotations

import dataclasses
import html
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution_files import PER_EXAMPLE, about, named, read, written
from tfxai.certainty import certain, certain_top
from tfxai.classes import class_name
from tfxai.columns import Column, Columns
from tfxai.core.inputs.frozen_arrays import listed
from tfxai.data.preprocessing import Preprocessing
from tfxai.differences import difference
from tfxai.errors import InvalidInputError
from tfxai.feature_groups import Groups
from tfxai.heatmaps import CLIP, heatmap, pixels
from tfxai.joining import joined
from tfxai.remarks import remarks
from tfxai.table_features import data_frame, features_of, has_features, masses
from tfxai.token_values import (
    has_token_values,
    token_frame,
    token_kinds,
    token_sums,
    token_values,
    words,
)
from tfxai.tokens import Tokens

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Values: TypeAlias = "Array | dict[str, Array]"

_FEW = 4  # names that are written out


@dataclasses.dataclass(frozen=True, eq=False)
class Attribution:
    """How much each element of a batch adds to the score that was explained.

    Args:
        values: (B, ...) raw, signed and unreduced, shaped like the inputs; (B, h, w) at the
            layer's resolution for class activation maps; one array per name for a model with
            named inputs. In score, or score per input unit for gradients, as the method says.
        inputs: (B, ...) what the model was given, in its own units; one array per name likewise.
        target: (B,) int32 output explained, or (B, r); -1 where the score is not of one output.
        score: (B,) the score at the inputs.
        method: Name and options of the method: `{"name": ..., "options": {...}}`; an option that
            is an array is one for `np.asarray`.
        score_name: `"logit"`, `"probability"`, `"output"`, or another score in words: the name of
            a registered one, `"Cat rather than Dog"`, `"neuron 5 of conv3"`.
        probability: (B,) probability of the target in [0, 1], where the model gives one.
        baseline_score: (B,) the score at the baseline, for methods that have one.
        completeness_gap: (B,) sum of the values minus (score - baseline_score), for methods
            whose values should add up to the difference.
        details: What else the method reports of each example, name to (B, ...), such as the
            `steps` that an integral took.
        prediction: (B,) int32 largest output, where the score is one of several.
        at: Path of the layer whose activations were explained, None for the input.
        is_map: Whether values are maps (B, h, w) over the image instead of one per element.
        is_signed: Whether values may be negative.
        channels: The method's own way to reduce channels in `heatmap`.
        class_names: Names in the order of the outputs, where they are known.
        preprocessing: How pixels became the inputs, where it is known.
        axes: What the axes of one input are, without the batch: letters such as `"HWC"`, `"CHW"`,
            `"HW"` (an image without a channel axis), `"TC"` (a series), `"CT"`, `"DHWC"`,
            `"CDHW"` (volumes) or `"F"` (features); one word per name for named inputs. Empty where
            it is not known: then by the number of axes, channels last.
        layer_axes: The same for the values where they are of a layer (`at`).
        map_input: Name of the input that maps lie over, for a model with named inputs.
        held: Names of the inputs that were held as they are and have no values.
        notes: What else to know before one believes the values, one sentence each.
        columns: Names, types and categories of the columns, where the inputs came as a DataFrame;
            those of each input by its name for named inputs. Empty where they did not.
        text: The texts and their tokens, where the inputs came as texts; the values then are
            (B, T), or (B, T, D) at a layer with D numbers for each token.
    """

    values: Values
    inputs: Values
    target: Array
    score: Array
    method: dict[str, Any]
    score_name: str
    probability: Array | None = None
    baseline_score: Array | None = None
    completeness_gap: Array | None = None
    prediction: Array | None = None
    details: dict[str, Array] = dataclasses.field(default_factory=dict)
    at: str | None = None
    is_map: bool = False
    is_signed: bool = True
    channels: str = "sum"
    class_names: tuple[str, ...] | None = None
    preprocessing: Preprocessing | None = None
    axes: str | dict[str, str] = ""
    layer_axes: str = ""
    map_input: str | None = None
    held: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    columns: Columns = ()
    text: Tokens | None = None

    def __len__(self) -> int:
        return len(self.score)

    def __getitem__(self, index: int | slice | Array | list[int]) -> Attribution:
        """Some of the examples; an int keeps the batch axis, with one example."""
        if isinstance(index, int | np.integer):
            if not -len(self) <= index < len(self):
                raise IndexError(f"example {index} of {len(self)}")
            index = [int(index) % len(self)]
        picked: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[index]
            for name in PER_EXAMPLE
        }
        for name in ("values", "inputs"):
            picked[name] = _map(lambda array: array[index], getattr(self, name))
        picked["details"] = {name: array[index] for name, array in self.details.items()}
        picked["text"] = None if self.text is None else self.text[index]
        return dataclasses.replace(self, **picked)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """The values, for `np.asarray` and what is built on it."""
        if isinstance(self.values, dict):
            raise InvalidInputError(
                f"The values are of the inputs {_few(list(self.values))}, and one array was asked "
                "for. Take one of them, attribution.values[name], or to_pandas() of a table."
            )
        return np.array(self.values, dtype) if copy else np.asarray(self.values, dtype)

    def __sub__(self, other: Attribution) -> Attribution:
        """Values, scores and gaps of this attribution minus those of another.

        The difference is signed, so its heatmap sums over the channels. Its method is
        `"difference"` with the options `of` and `minus`; a target that is not the same in both
        is -1.

        Raises:
            InvalidInputError: The values differ in shape, layer or unit, and have no difference.
        """
        if not isinstance(other, Attribution):
            return NotImplemented
        return difference(self, other)

    def __repr__(self) -> str:
        what = f"values {_map(np.shape, self.values)}"
        if isinstance(self.values, dict) and len(self.values) > _FEW:
            what = f"values of {len(self.values)} inputs"
        return (
            f"Attribution({self.method['name']}, {what}, score={self.score_name!r}, "
            f"target={_few(self.target_names)})"
        )

    @property
    def target_names(self) -> list[str]:
        """What is explained of each example: a class name, its number, or the score's name."""
        return [self._name(one) for one in self.target]

    @property
    def feature_names(self) -> list[str]:
        """The name of each feature of a table, as figures have them; empty for all else.

        Columns of a DataFrame and inputs of one number have their own name, others `"feature 0"`.
        """
        return [one.name for one in features_of(self)] if has_features(self) else []

    @property
    def remarks(self) -> list[str]:
        """What to know before one believes the values, one sentence each; empty where nothing is.

        Gaps over 10 % or over the tolerance, maps of zeros, inputs that are held, and `notes`.
        """
        return remarks(self)

    @property
    def prediction_names(self) -> list[str]:
        """The predicted class of each example, where there is one: its name or number."""
        return [] if self.prediction is None else [self._name(one) for one in self.prediction]

    @property
    def pixels(self) -> Array | None:
        """(B, H, W, 3) the inputs as images in true colours, in [0, 1]; None if they are none.

        Of named inputs it is the one that maps lie over, or the only one that is an image.
        """
        return pixels(self)

    def heatmap(
        self,
        size: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
        channels: str | None = None,
        clip_percentile: float = CLIP,
    ) -> Any:
        """The values of series, images and volumes as maps for display.

        Args:
            size: (steps,), (height, width) or (depth, height, width) to resize to, linearly along
                each axis; None keeps the resolution. One per name where sizes of named inputs
                differ.
            channels: `"sum"`, `"max_abs"`, `"sum_abs"` or `"l2"` over the channels; None is the
                method's own way. Maps have no channels to reduce.
            clip_percentile: Percentile in (0, 100] of the absolute values that becomes 1;
                larger values are clipped to it.

        Returns:
            (B, t), (B, h, w) or (B, d, h, w) float32 in [-1, 1] where values are signed, else in
            [0, 1]. A map that is zero everywhere stays zero. A dict of them where the values are
            of named inputs, for those that have places.

        Raises:
            InvalidInputError: The values are of no series, image or volume, or an argument is out
                of range.
        """
        return heatmap(self, size, channels, clip_percentile)

    @property
    def tokens(self) -> list[list[str]] | None:
        """The T tokens of each text as its vocabulary writes them, special and padding too."""
        return None if self.text is None else self.text.pieces.tolist()

    @property
    def token_kinds(self) -> list[list[str]] | None:
        """Of each token `"word"`, `"special"` or `"padding"`, as `tokens`."""
        return None if self.text is None else token_kinds(self.text)

    @property
    def token_values(self) -> Array:
        """(B, T) the value of each token, summed over its vector.

        Raises:
            InvalidInputError: The inputs were no texts, or the values are of no tokens.
        """
        return token_values(self)

    def words(self) -> list[list[tuple[str, float]]]:
        """The words of each text with the sums of their tokens; no special tokens, no padding.

        Raises:
            InvalidInputError: As for `token_values`.
        """
        return words(self)

    def token_sums(self) -> list[dict[str, float]]:
        """The sum of the values of each text by kind of token: they add up to the whole.

        Returns:
            A dict for each text, with the keys `"word"`, `"special"` and `"padding"`.

        Raises:
            InvalidInputError: As for `token_values`.
        """
        return token_sums(self)

    def by_token(self) -> Attribution:
        """The same with values (B, T), summed over the vectors: D times smaller to keep.

        Raises:
            InvalidInputError: As for `token_values`.
        """
        return dataclasses.replace(self, values=token_values(self), layer_axes="")

    def certain(self, confidence: float = 0.95) -> Array:
        """Which values their samples make certain not to be zero.

        Args:
            confidence: In (0, 1): at 0.95 a value of more than 1.96 standard errors is certain.

        Returns:
            Bool, shaped like the values.

        Raises:
            InvalidInputError: The method reports no `details["standard_error"]` of one array of
                values, or `confidence` is out of range.
        """
        return certain(self, confidence)

    def certain_top(self, share: float = 0.1, confidence: float = 0.95) -> Array:
        """How many of the largest values their samples make certain to be among the largest.

        A value counts whose magnitude exceeds that of the first one that is not among them by
        more than the error of the difference, the errors being taken as independent.

        Args:
            share: Share of the values, in (0, 1), that are the largest; one of them at least.
            confidence: In (0, 1), as for `certain`.

        Returns:
            (B,) int, at most `share` of the values of an example.

        Raises:
            InvalidInputError: As for `certain`, or `share` is out of range.
        """
        return certain_top(self, share, confidence)

    def with_feature_names(self, names: Sequence[str]) -> Attribution:
        """The same attribution with a name for each feature, where the inputs were an array.

        Args:
            names: One name for each of the F features of values (B, F).

        Raises:
            InvalidInputError: The values are of no one table (B, F), or names do not fit.
        """
        if isinstance(self.values, dict):
            raise InvalidInputError(
                "The inputs have names already. Rename features in a figure with feature_names=."
            )
        found = features_of(self, names)
        return dataclasses.replace(self, columns=tuple(Column(one.name) for one in found))

    def to_pandas(
        self, what: str = "values", *, groups: Groups | None = None, mask: Any = None
    ) -> Any:
        """A pandas DataFrame with a row for each example and a column for each feature.

        Args:
            what: `"values"`, or `"inputs"` for what the model was given, in the types of the
                DataFrame that it came from. Inputs that have no single number or text for each
                example have no column.
            groups: Columns whose values are summed: a dict from a name to its columns,
                `{"colour": ["colour_red", "colour_blue"]}`; a list of the names that they begin
                with, `["colour"]`; or `"one_hot"` for all that lie side by side, begin alike up
                to a separator and of which one is 1 in each example, as `pandas.get_dummies`
                makes them. None sums nothing. The input of a group is the name of the column that
                is 1, where one is.
            mask: Integers of regions, such as `tfxai.superpixels` gives: then the columns are
                the sums of the values over each region, for images, volumes and series.

        Raises:
            InvalidInputError: The values are of no table and there is no mask, an argument does
                not fit them, or there are no one-hot columns.
            UnknownNameError: A group names a column that is not there.
            MissingExtraError: pandas is not installed.
        """
        if what not in ("values", "inputs") or (mask is not None and what == "inputs"):
            raise InvalidInputError(
                f"what={what!r} was expected to be 'values' or 'inputs', and 'values' with a mask."
            )
        if mask is not None and groups:
            raise InvalidInputError("Pass groups of columns or a mask of regions, not both.")
        if has_token_values(self) and groups is None and mask is None and what == "values":
            return token_frame(self)
        features = features_of(self, None, groups) if mask is None else masses(self, mask)
        return data_frame(features, of_inputs=what == "inputs")

    @staticmethod
    def concat(several: Iterable[Attribution]) -> Attribution:
        """The examples of several batches as one attribution, in order.

        Args:
            several: One or more, made by one method with the same options and score.

        Returns:
            An attribution with all examples; each note of theirs once.

        Raises:
            InvalidInputError: There is none, or they differ in more than their examples.
        """
        found = list(several)
        if not found or not all(isinstance(one, Attribution) for one in found):
            raise InvalidInputError("Pass a list of one or more attributions to concat().")
        return joined(found)

    def plot(self, index: Any = 0, **options: Any) -> Figure:
        """A figure: original, heatmap and overlay; bars for tables, lines for series.

        Args:
            index: The example to draw, several indices or a slice for some, or None for all.
            **options: Passed to `tfxai.plotting.plot_attribution`.
        """
        from tfxai.plotting.attribution import plot_attribution

        return plot_attribution(self, index=index, **options)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes everything to one `.npz` file that holds no pickle.

        Raises:
            OutputError: The file cannot be written.
        """
        return written(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Attribution:
        """Reads what `save` wrote.

        Args:
            path: What was passed to `save`, or what it returned.

        Raises:
            DataNotFoundError: There is no such file.
            InvalidInputError: The file holds no attribution.
        """
        return cast(Attribution, read(path, cls))

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists and numbers, for JSON; None for a number that is not finite."""
        numbers = {
            name: None if getattr(self, name) is None else _finite(getattr(self, name))
            for name in PER_EXAMPLE
        }
        values = {name: array.tolist() for name, array in named(self.values).items()}
        return {
            **about(self),
            "method": listed(self.method),
            **numbers,
            "target_names": self.target_names,
            "values": values if isinstance(self.values, dict) else values[""],
            "details": {name: array.tolist() for name, array in self.details.items()},
            **({} if self.text is None else {"tokens": self.tokens, "kinds": self.token_kinds}),
        }

    def _name(self, target: Any) -> str:
        if np.ndim(target):
            return str(tuple(int(i) for i in target))
        if target < 0:
            return self.score_name
        return class_name(int(target), self.class_names) or str(int(target))

    def _repr_html_(self) -> str:
        """The figure of the first examples with a line of facts, for notebooks."""
        from tfxai.plotting.figures import figure_html
        from tfxai.plotting.token_html import tokens_html

        if self.text is not None and has_token_values(self):
            return f"<p><code>{html.escape(repr(self))}</code></p>{tokens_html(self)}"
        shown = self[:_FEW]
        try:
            picture = figure_html(shown.plot(index=None if len(shown) > 1 else 0))
        except InvalidInputError as error:  # values of another shape, or of no example
            picture = f"<p>{html.escape(str(error))}</p>"
        return f"<p><code>{html.escape(repr(self))}</code></p>{picture}"


def _finite(array: Any) -> list[Any]:
    """The array as lists, with None in the place of NaN and infinity, which JSON lacks."""
    numbers = np.asarray(array).astype(object)
    numbers[~np.isfinite(array)] = None
    return cast("list[Any]", numbers.tolist())


def _few(names: list[str]) -> str:
    """The names of a batch, of a large one the first and how many there are."""
    if len(names) <= _FEW:
        return str(names)
    return f"[{', '.join(map(repr, names[:3]))}, ... {len(names)} in all]"


def _map(function: Any, values: Values) -> Any:
    if isinstance(values, dict):
        return {name: function(array) for name, array in values.items()}
    return function(values)
