"""What was found about one image: the model's answer and the attributions of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tfxai.cli.classifier import Rank
from tfxai.cli.sources import Source

if TYPE_CHECKING:
    from tfxai.attribution import Attribution


@dataclasses.dataclass(frozen=True)
class ExplainedImage:
    """One image, what the model says, and why.

    Args:
        source: The image.
        best: The five best classes.
        attributions: One for each method, each of this image alone.
    """

    source: Source
    best: list[Rank]
    attributions: list[Attribution]
