"""Images of noise as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def picture(
    path: Any = "photo.png", size: tuple[int, int] = (32, 32), seed: int = 1
) -> np.ndarray:
    """Writes an image of noise, (height, width), and returns its pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels
