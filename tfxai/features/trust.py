"""How far a picture may be trusted: whether its class is still seen when fine detail is lost."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from tfxai.arrays import Array
from tfxai.class_outputs import class_outputs
from tfxai.errors import TfxaiWarning
from tfxai.subject import Subject

SIGMA = 1.5
"""Standard deviation in pixels of the blur that a picture has to stand."""
SEEN = 0.5
"""Probability from which a class is said to be seen."""


@dataclasses.dataclass(frozen=True, eq=False)
class Trust:
    """Probability of a picture's class, of the picture and of two smoother ones.

    Args:
        probability: (K,) of the picture in uint8; NaN where a picture is of no class.
        after_blur: (K,) after a Gaussian blur of `SIGMA` pixels.
        after_half_size: (K,) at half the size and back.
    """

    probability: Array
    after_blur: Array
    after_half_size: Array

    def __repr__(self) -> str:
        known = int((~np.isnan(self.probability)).sum())
        return f"Trust({int(self.holds.sum())} of {known} pictures of classes hold)"

    @property
    def holds(self) -> Array:
        """(K,) whether the class is seen, with at least 0.5, in the picture and in both others."""
        every = np.stack([self.probability, self.after_blur, self.after_half_size])
        return np.all(every >= SEEN, axis=0)

    def sentence(self, i: int) -> str:
        """What was measured of the i-th picture."""
        if np.isnan(self.probability[i]):
            return ""
        return (
            f"p {self.probability[i]:.2f}, blurred {self.after_blur[i]:.2f}, "
            f"half size {self.after_half_size[i]:.2f}"
        )


def measure_trust(subject: Subject, pixels: Any, targets: Sequence[int | None]) -> Trust | None:
    """The probability of each picture's class, before and after detail is lost.

    Args:
        subject: The model.
        pixels: (K, H, W, C) uint8.
        targets: Number of each picture's class, or None.

    Returns:
        None where no picture has a class, or the model gives no probabilities.
    """
    if all(one is None for one in targets):
        return None
    found = []
    for changed in (pixels, blurred(pixels), halved(pixels)):
        outputs = class_outputs(subject, changed)
        if not outputs.are_probabilities:
            return None
        found.append(
            [
                np.nan if target is None else float(row[target])
                for row, target in zip(outputs.values, targets, strict=True)
            ]
        )
    return Trust(*np.asarray(found))


def blurred(pixels: Array, sigma: float = SIGMA) -> Array:
    """Pictures (K, H, W, C) uint8 under a Gaussian blur."""
    smooth = ndimage.gaussian_filter(pixels.astype(np.float32), (0, sigma, sigma, 0))
    return np.asarray(np.round(smooth), np.uint8)


def halved(pixels: Array) -> Array:
    """Pictures (K, H, W, C) uint8 at half the size, each pixel the mean of four, and back."""
    _, height, width, _ = pixels.shape
    small = (max(width // 2, 1), max(height // 2, 1))
    pairs = []
    for picture in pixels:
        channels = [Image.fromarray(picture[..., i]) for i in range(picture.shape[-1])]
        less = [one.resize(small, Image.Resampling.BOX) for one in channels]
        back = [one.resize((width, height), Image.Resampling.BILINEAR) for one in less]
        pairs.append(np.stack([np.asarray(one) for one in back], axis=-1))
    return np.stack(pairs)


def warning_of(trust: Trust | None, labels: Sequence[str]) -> str:
    """What to know of pictures whose class is not seen without fine detail; empty for none."""
    if trust is None:
        return ""
    failed = [i for i, holds in enumerate(trust.holds) if not holds]
    failed = [i for i in failed if not np.isnan(trust.probability[i])]
    if not failed:
        return ""
    first = failed[0]
    many = "" if len(failed) == 1 else f" ({len(failed)} of {len(labels)} pictures fail)"
    return (
        f"The picture of {labels[first]} does not hold: {trust.sentence(first)}{many}. It rests "
        "on fine detail, or was not reached; use Fourier() or PhaseOnly() with "
        "Transformations(blur=...), and more steps."
    )


def warn(sentence: str) -> None:
    """Shows a sentence as a warning of the line that called the record."""
    warnings.warn(TfxaiWarning(sentence), stacklevel=4)
