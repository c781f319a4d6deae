"""Which methods follow the model: the tables of docs/sanity.md.

Prints and writes a row for each method on two trained networks: on test images of CIFAR-10, and on
photographs in the sizes and the pixels that an ImageNet network takes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data
from sklearn.datasets import load_sample_images

import tfxai
from benchmarks.pages import replaced
from tfxai import metrics, sanity
from tfxai.data import load_cifar10
from tfxai.data.images import fit_image

PAGE = Path(__file__).parents[1] / "docs" / "sanity.md"
IMAGES = 32  # of CIFAR-10
GROUPS = 8  # of layers of the larger network
METHODS: tuple[Any, ...] = (
    metrics.EdgeMap(),
    tfxai.GuidedBackprop(),
    tfxai.Saliency(),
    tfxai.GradientInput(),
    tfxai.IntegratedGradients(steps=10),
    tfxai.SmoothGrad(samples=10),
    tfxai.DeconvNet(),
    tfxai.DeepLIFT(),
    tfxai.LRP(),
    tfxai.GradCAM(),
    tfxai.LayerCAM(),
    tfxai.GuidedGradCAM(),
    tfxai.Occlusion(window=8, stride=4),
)
LARGE: tuple[Any, ...] = (
    metrics.EdgeMap(),
    tfxai.GuidedBackprop(),
    tfxai.Saliency(),
    tfxai.GradientInput(),
    tfxai.IntegratedGradients(steps=5),
    tfxai.LRP(),
    tfxai.GradCAM(),
)
HEADINGS = (
    "method",
    "mean rank correlation (95 %)",
    "first step",
    "last step",
    "SSIM",
    "entropy rise",
    "verdict",
    "another class",
)


def main() -> None:
    """Measures both networks, and writes the tables that could be made."""
    pixels = load_cifar10("test")[0]
    few = pixels[np.linspace(0, len(pixels) - 1, IMAGES).round().astype(int)]
    write("cifar10_cnn", table(tfxai.load("cifar10_cnn"), few, METHODS, most_steps=None))
    large = Path(os.environ.get("TFXAI_TEST_DATA", ""), "models/efficientnet_lite0.keras")
    if large.is_file():
        photographs = mirrored(224).astype(np.float32)  # it takes 0..255, and scales them itself
        subject = tfxai.load(large)
        write("efficientnet_lite0", table(subject, photographs, LARGE, most_steps=GROUPS))


def write(name: str, text: str) -> None:
    """Prints a table and puts it into the page."""
    print(text, flush=True)
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def mirrored(side: int) -> np.ndarray:
    """(10, side, side, 3) uint8: five photographs, each also from right to left."""
    pictures = [data.astronaut(), data.chelsea(), data.coffee(), *load_sample_images().images]
    return np.stack(
        [fit_image(np.asarray(one)[:, ::way], side, side) for one in pictures for way in (1, -1)]
    )


def table(
    subject: tfxai.Subject, images: np.ndarray, methods: Sequence[Any], *, most_steps: int | None
) -> str:
    """A row for each method, those whose maps change least first."""
    rows = []
    for method in methods:
        found = sanity.ParameterRandomisation(most_steps=most_steps)(subject, images, method)
        other = sanity.RandomLogit()(subject, images, method)
        low, high = found.overall.interval()
        spearman = found.means()
        cells = [
            f"`{method.name}`",
            f"{found.overall.mean:.2f} ({low:.2f} to {high:.2f})",
            f"{spearman[0]:.2f}",
            f"{spearman[-1]:.2f}",
            f"{found.means('ssim').mean():.2f}",
            f"{found.means('entropy_rise')[-1]:+.0%}",
            "passes" if found.passes else "fails",
            f"{other.overall.mean:.2f}",
        ]
        rows.append((found.overall.mean, cells))
        print(*cells, flush=True)
    rows.sort(reverse=True)
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(cells for _, cells in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
