"""Small pictures of figures that were looked at, which later ones are compared with.

`python -m tests.plotting.references` draws them anew: look at the figures before you keep them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from tests.plotting.gallery import FIGURES

FILE = Path(__file__).with_name("references.npz")
UNSEEN = (
    "table", "long names", "magnitudes", "small bars", "table of targets", "series of targets",
    "series of models", "tiny series", "large series", "masks of volumes", "regression", "models",
)  # fmt: skip
"""Figures whose marks and texts are measured instead."""
LOOKED_AT = {name: draw for name, draw in FIGURES.items() if name not in UNSEEN}
"""Without charts of tables, whose bars are proved by their values."""
WIDTHS = (3.3, 13.33)
_COLUMNS = 56


def small(figure: Figure) -> np.ndarray[Any, Any]:
    """(H, 56, 3) uint8: the figure, each dot the mean of what it covers."""
    figure.canvas.draw()
    dots = np.asarray(figure.canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]
    rows = round(len(dots) * _COLUMNS / dots.shape[1])
    return np.asarray(Image.fromarray(dots).resize((_COLUMNS, rows), Image.Resampling.BOX))


def drawn() -> dict[str, np.ndarray[Any, Any]]:
    """Every figure that was looked at, at both widths."""
    return {
        f"{name} {width}": small(draw(figsize=width))
        for name, draw in LOOKED_AT.items()
        for width in WIDTHS
    }


if __name__ == "__main__":
    np.savez_compressed(FILE, **drawn())  # type: ignore[arg-type]
