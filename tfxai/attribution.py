"""What a method returns: raw values, and all that is needed to judge, draw and store them."""

from __future__ import annotations

import dataclasses
import html
import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from tfxai.arrays import Array
from tfxai.classes import class_name
from tfxai.core.inputs.frozen_arrays import FrozenArray, listed, replaced
from tfxai.data.preprocessing import Preprocessing
from tfxai.differences import difference
from tfxai.errors import DataNotFoundError, InvalidInputError
from tfxai.files import replacing
from tfxai.heatmaps import CLIP, heatmap, pixels
from tfxai.remarks import remarks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Values: TypeAlias = "Array | dict[str, Array]"

_PER_EXAMPLE = (
    "target", "score", "probability", "baseline_score", "completeness_gap", "prediction"
)  # fmt: skip
_FORMAT = 1
_APART = "array kept as"
"""The key in a file's JSON whose value names the array that stands there."""
_UNREADABLE = (
    AttributeError, EOFError, KeyError, OSError, RuntimeError, TypeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy, zipfile, json and this module raise on a file of other content."""


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
            for name in _PER_EXAMPLE
        }
        for name in ("values", "inputs"):
            picked[name] = _map(lambda array: array[index], getattr(self, name))
        picked["details"] = {name: array[index] for name, array in self.details.items()}
        return dataclasses.replace(self, **picked)

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
        shape = _map(np.shape, self.values)
        return (
            f"Attribution({self.method['name']}, values {shape}, score={self.score_name!r}, "
            f"target={_few(self.target_names)})"
        )

    @property
    def target_names(self) -> list[str]:
        """What is explained of each example: a class name, its number, or the score's name."""
        return [self._name(one) for one in self.target]

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
        target = Path(path)
        if target.suffix != ".npz":
            target = target.with_name(target.name + ".npz")
        arrays: dict[str, Array] = {}
        for field in ("values", "inputs", "details"):
            for name, array in _named(getattr(self, field)).items():
                arrays[f"{field}/{name}" if name else field] = array
        for name in _PER_EXAMPLE:
            if getattr(self, name) is not None:
                arrays[name] = np.asarray(getattr(self, name))

        def apart(content: FrozenArray) -> dict[str, str]:
            key = f"option/{content.digest}"
            arrays[key] = content.array
            return {_APART: key}

        about = {**self._about(), "method": replaced(self.method, apart)}
        arrays["about"] = np.array(json.dumps(about))
        with replacing(target) as beside, beside.open("wb") as file:
            np.savez_compressed(file, **cast(Any, arrays))
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Attribution:
        """Reads what `save` wrote.

        Args:
            path: What was passed to `save`, or what it returned.

        Raises:
            DataNotFoundError: There is no such file.
            InvalidInputError: The file holds no attribution.
        """
        if not Path(path).is_file() and Path(f"{path}.npz").is_file():
            path = f"{path}.npz"
        if not Path(path).is_file():
            raise DataNotFoundError(f"There is no file {str(path)!r}. Pass a .npz file of save().")
        try:
            # opened here: NumPy leaves a file open that turns out to be no archive
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}

            def put_back(stored: dict[str, Any]) -> Any:
                return FrozenArray(arrays[stored[_APART]]) if _APART in stored else stored

            about = json.loads(str(arrays.pop("about")), object_hook=put_back)
            return cls._from(arrays, about)
        except _UNREADABLE as error:
            raise InvalidInputError(
                f"{str(path)!r} holds no attribution, or not the whole of one. "
                "Pass a file that save() wrote."
            ) from error

    @classmethod
    def _from(cls, arrays: dict[str, Array], about: dict[str, Any]) -> Attribution:
        if (version := about.pop("format")) != _FORMAT:
            raise ValueError(f"format {version}, and {_FORMAT} was expected")
        preprocessing = about.pop("preprocessing")
        names = about.pop("class_names")
        about.pop("remarks", None)  # they follow from the rest
        for name in ("held", "notes"):
            about[name] = tuple(about.get(name, ()))
        return cls(
            values=_gathered(arrays, "values"),
            inputs=_gathered(arrays, "inputs"),
            details={
                name.removeprefix("details/"): array
                for name, array in arrays.items()
                if name.startswith("details/")
            },
            preprocessing=preprocessing and Preprocessing.from_dict(preprocessing),
            class_names=names and tuple(names),
            target=arrays.pop("target"),
            score=arrays.pop("score"),
            **{name: arrays.get(name) for name in _PER_EXAMPLE[2:]},  # type: ignore[arg-type]
            **about,
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists and numbers, for JSON; None for a number that is not finite."""
        numbers = {
            name: None if getattr(self, name) is None else _finite(getattr(self, name))
            for name in _PER_EXAMPLE
        }
        values = {name: array.tolist() for name, array in _named(self.values).items()}
        return {
            **self._about(),
            "method": listed(self.method),
            **numbers,
            "target_names": self.target_names,
            "values": values if isinstance(self.values, dict) else values[""],
            "details": {name: array.tolist() for name, array in self.details.items()},
        }

    def _about(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "score_name": self.score_name,
            "at": self.at,
            "is_map": self.is_map,
            "is_signed": self.is_signed,
            "channels": self.channels,
            "class_names": self.class_names and list(self.class_names),
            "preprocessing": self.preprocessing and self.preprocessing.to_dict(),
            "axes": self.axes,
            "layer_axes": self.layer_axes,
            "map_input": self.map_input,
            "held": list(self.held),
            "notes": list(self.notes),
            "remarks": self.remarks,
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

        shown = self[:4]
        figure = shown.plot(index=None if len(shown) > 1 else 0)
        return f"<p><code>{html.escape(repr(self))}</code></p>{figure_html(figure)}"


def _named(values: Values) -> dict[str, Array]:
    return values if isinstance(values, dict) else {"": values}


def _finite(array: Any) -> list[Any]:
    """The array as lists, with None in the place of NaN and infinity, which JSON lacks."""
    numbers = np.asarray(array).astype(object)
    numbers[~np.isfinite(array)] = None
    return cast("list[Any]", numbers.tolist())


def _few(names: list[str]) -> str:
    """The names of a batch, of a large one the first and how many there are."""
    if len(names) <= 4:
        return str(names)
    return f"[{', '.join(map(repr, names[:3]))}, ... {len(names)} in all]"


def _map(function: Any, values: Values) -> Any:
    if isinstance(values, dict):
        return {name: function(array) for name, array in values.items()}
    return function(values)


def _gathered(arrays: dict[str, Array], field: str) -> Values:
    if field in arrays:
        return arrays[field]
    head = f"{field}/"
    found = {name[len(head) :]: array for name, array in arrays.items() if name.startswith(head)}
    if not found:
        raise KeyError(field)
    return found
