"""What a discovery found: concepts without names, the one that matters most first."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.concepts.result_table import ResultTable
from tfxai.concepts.strength import ConceptStrength
from tfxai.errors import InvalidInputError
from tfxai.methods.cam.hires_cam import HiResCAM
from tfxai.plotting.concepts import plot_discovered

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEW = 8  # crops that a notebook shows
COLUMNS = ("layer", "concept", "importance", "error", "drop", "similarity", "comes_back")
"""What is said of each concept, in order."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DiscoveredConcept:
    """A direction among the channels of a layer that the crops of a class are made of.

    Args:
        number: Which concept it is, from 0, the one that matters most first.
        score: How strongly it shows in an image: pass it as `score=` of any method.
        importance: Total-order Sobol index, at least 0: the share of the score's variance that
            goes with it, alone or together with others, the mean over images.
        error: Standard error of that mean over images, 0 for one; that of the masks is not in it.
        drop: How much the score falls where this concept alone is taken out, the mean over
            images: signed, in units of the score.
        similarity: Correlation in [-1, 1], over the crops, of its strength with that of its
            partner in a second run with other crops and another start.
        comes_back: Whether it is as similar as the option `alike` asks.
        images: (n,) number of the image of each of the crops in which it is strongest, one an
            image, the strongest first.
        boxes: (n, 4) top, left, bottom and right of these crops in pixels.
        strengths: (n,) its coefficient there, in units of the activations.
        crops: (n, h, w, 3) in [0, 1] the crops in true colours; None where images have no colours.
    """

    number: int
    score: ConceptStrength
    importance: float
    error: float
    drop: float
    similarity: float
    comes_back: bool
    images: Array
    boxes: Array
    strengths: Array
    crops: Array | None

    def __repr__(self) -> str:
        return (
            f"DiscoveredConcept({self.name!r} of {self.score.layer!r}: importance "
            f"{self.importance:.2f}, similarity {self.similarity:.2f})"
        )

    def _repr_html_(self) -> str:
        """The crops in which it is strongest."""
        from tfxai.plotting import sample_grid
        from tfxai.plotting.figures import record_html

        def draw() -> Figure:
            if self.crops is None:
                raise no_colours()
            return sample_grid(self.crops[:_FEW], rows=1, columns=_FEW)

        facts = [
            ("Layer", self.score.layer),
            ("Importance", f"{self.importance:.3g}, standard error {self.error:.2g}"),
            ("Drop of the score without it", f"{self.drop:.3g}"),
            ("Similarity in a second run", f"{self.similarity:.2f}"),
            ("Comes back", "yes" if self.comes_back else "no: do not build on it"),
        ]
        return record_html(repr(self), facts, draw)

    @property
    def name(self) -> str:
        """Such as `"concept 1"`."""
        return f"concept {self.number + 1}"

    @property
    def vector(self) -> Array:
        """(K,) how much of each channel it is, at least 0, of length 1."""
        vector: Array = self.score.bank.array[self.score.number]
        return vector

    def maps(self, model: Any, images: Any, **asked: Any) -> Attribution:
        """Where in images the concept is: the gradient through the factorisation, by activation.

        At each position that is exactly its coefficient there, over the number of positions.

        Args:
            model: The model that it was found in.
            images: (B, ...) images.
            **asked: `chunk_size` and `progress`, as for a method.

        Returns:
            Maps (B, h, w), non-negative, that add up to the concept's strength.
            Other methods, such as `SmoothGrad()(model, images, score=concept.score)`, show pixels.

        Raises:
            InvalidInputError: The layer has no positions, or the images do not fit.
        """
        return HiResCAM(layer=self.score.layer)(model, images, score=self.score, **asked)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class DiscoveredConcepts(ResultTable):
    """The concepts of a run, those that do not come back included.

    Args:
        rows: The concepts, the one that matters most first.
        layer: Path of the layer.
        target: Name of the class, or of the concept that these are parts of.
        count: Number of images.
        crops: Number of crops that were factorised.
        left_over: Share in [0, 1] of the length of their activations that no concept gives.
        alike: From which similarity a concept counts as coming back.
    """

    rows: tuple[DiscoveredConcept, ...]
    layer: str
    target: str
    count: int
    crops: int
    left_over: float
    alike: float

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[DiscoveredConcept]:
        return iter(self.rows)

    def __getitem__(self, number: int) -> DiscoveredConcept:
        return self.rows[number]

    def __repr__(self) -> str:
        stable = sum(row.comes_back for row in self.rows)
        return (
            f"DiscoveredConcepts({self.target!r}, {self.count} images at {self.layer!r}: {stable} "
            f"of {len(self)} concepts come back)"
        )

    @property
    def remark(self) -> str:
        """Which concepts do not come back in the second run; empty where all do."""
        lost = [f"{row.name} ({row.similarity:.2f})" for row in self.rows if not row.comes_back]
        if not lost:
            return ""
        return (
            f"Not found again in a second run, with the similarity of the nearest: "
            f"{', '.join(lost)}. Do not build on them; pass more images, or fewer concepts."
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys of each row."""
        return COLUMNS

    def table(self) -> list[dict[str, Any]]:
        """A dict for each concept, with the keys `COLUMNS`."""
        return [
            {
                "layer": self.layer,
                "concept": row.name,
                **{name: getattr(row, name) for name in COLUMNS[2:]},
            }
            for row in self.rows
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON takes it, with the boxes of the crops and without their pixels."""
        about = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        rows = [
            {
                **row,
                "images": concept.images.tolist(),
                "boxes": concept.boxes.tolist(),
                "strengths": concept.strengths.tolist(),
            }
            for row, concept in zip(self.table(), self.rows, strict=True)
        ]
        return {**about, "rows": rows, "remark": self.remark}

    def plot(self, path: str | os.PathLike[str] | None = None, *, figsize: Any = None) -> Figure:
        """Draws the crops in which each concept is strongest; see `plot_discovered`.

        Raises:
            InvalidInputError: The images have no colours: their channels are neither 1 nor 3; or
                `figsize` does not fit.
            OutputError: The file cannot be written.
        """
        if any(row.crops is None for row in self.rows):
            raise no_colours()
        return plot_discovered(self, path=path, figsize=figsize)


def no_colours() -> InvalidInputError:
    """The error of crops that cannot be drawn."""
    return InvalidInputError(
        "The images have no colours that can be drawn: they have neither 1 nor 3 channels. Cut "
        "the crops out of them by the boxes of each concept."
    )
