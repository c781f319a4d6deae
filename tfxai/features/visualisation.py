"""Pictures of what a network looks for, with what was measured of them."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.features.trust import Trust
from tfxai.files import replacing
from tfxai.reprs import listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tfxai.features.paths import PathSimilarity

_SHOWN = 8  # pictures in a notebook
_MILLISECONDS = 80  # of each frame of an animation


@dataclasses.dataclass(frozen=True, eq=False)
class Visualisation:
    """Pictures, in the order of the objectives; several of one objective lie side by side.

    Args:
        pictures: (K, H, W, C) uint8.
        labels: What each picture is of.
        values: (K,) objective of each picture as it is, in uint8.
        history: (steps, K) objective that each step started from, of the changed picture.
        trust: Probability of the class of each picture, also where fine detail is lost; None
            where no picture is of a class.
        paths: How like natural images the pictures pass through the network; None where no
            natural images were given.
        frames: (F, K, H, W, C) uint8, the pictures on the way; none unless asked for.
        steps: Number of the step after which each frame was kept.
        remarks: What to know before one believes the pictures, one sentence each.
    """

    pictures: Array
    labels: tuple[str, ...]
    values: Array
    history: Array
    trust: Trust | None = None
    paths: PathSimilarity | None = None
    frames: Array | None = None
    steps: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        names = listed([repr(one) for one in self.labels], _SHOWN)
        return f"Visualisation({len(self.pictures)} pictures: {names})"

    def _repr_html_(self) -> str:
        from tfxai.plotting.contact_sheet import plot_sheet
        from tfxai.plotting.figures import record_html

        first = slice(_SHOWN)
        more = len(self.pictures) - _SHOWN
        facts = [("Not shown", f"{more} more pictures, in plot()" if more > 0 else "")]
        facts += [("Remark", remark) for remark in self.remarks]
        return record_html(
            repr(self),
            facts,
            lambda: plot_sheet(self.pictures[first], self.labels[first], self.notes()[first]),
        )

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        title: str = "",
        *,
        figsize: Any = None,
    ) -> Figure:
        """The pictures as a contact sheet, each with its label and how far to trust it.

        Args:
            path: File to write the figure to as well; its suffix names the format.
            title: Title of the sheet.
            figsize: Width in inches, or (width, height); None is what the pictures need, 10 at
                most.

        Raises:
            InvalidInputError: The sheet does not fit `figsize`.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.contact_sheet import plot_sheet

        notes = self.notes()
        return plot_sheet(
            self.pictures, self.labels, notes, path=path, title=title, figsize=figsize
        )

    def notes(self) -> list[str]:
        """A line for each picture: its objective, its probabilities, its path."""
        lines = []
        for i, value in enumerate(self.values):
            said = [f"objective {value:.3g}"] if self.trust is None else [self.trust.sentence(i)]
            if self.paths is not None:
                said.append(f"path {self.paths.mean[i]:.2f}")
            lines.append(", ".join(filter(None, said)))
        return lines

    def save_animation(self, path: str | os.PathLike[str], picture: int = 0) -> Path:
        """Writes how one picture came about, as an animated file.

        Args:
            path: A file that ends in .gif, .png or .webp.
            picture: Number of the picture.

        Returns:
            The path.

        Raises:
            InvalidInputError: No frames were kept, there is no such picture, or the suffix names
                no animated format.
            OutputError: The file cannot be written.
        """
        if self.frames is None:
            raise InvalidInputError(
                "No frames were kept. Pass frames_every=10, say, to ActivationMaximisation."
            )
        if not 0 <= picture < len(self.pictures):
            raise InvalidInputError(
                f"picture={picture} came, and there are {len(self.pictures)}, counted from 0."
            )
        final = Path(path)
        kind = {".gif": "GIF", ".png": "PNG", ".webp": "WEBP"}.get(final.suffix.lower())
        if kind is None:
            raise InvalidInputError(
                f"The file {str(final)!r} ends in {final.suffix!r}. End it in .gif, .png or .webp."
            )
        first, *others = [_image(one) for one in self.frames[:, picture]]
        with replacing(final) as beside:
            options: dict[str, Any] = {"duration": _MILLISECONDS, "loop": 0}
            first.save(beside, kind, save_all=True, append_images=others, **options)
        return final

    def to_dict(self) -> dict[str, Any]:
        """The numbers beside the pictures as plain JSON types."""
        records = []
        for i, label in enumerate(self.labels):
            record: dict[str, Any] = {"label": label, "value": float(self.values[i])}
            if self.trust is not None and not np.isnan(self.trust.probability[i]):
                record["probability"] = float(self.trust.probability[i])
                record["probability_after_blur"] = float(self.trust.after_blur[i])
                record["probability_after_half_size"] = float(self.trust.after_half_size[i])
                record["holds"] = bool(self.trust.holds[i])
            if self.paths is not None:
                record["path_similarity"] = float(self.paths.mean[i])
                record["takes_another_path"] = bool(self.paths.is_other[i])
            records.append(record)
        return {"pictures": records, "remarks": list(self.remarks)}


def _image(pixels: Array) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
