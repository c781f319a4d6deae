"""`make precision`: what explanations of a model in bfloat16 lose and gain."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from skimage import data, transform

METHODS = ("saliency", "grad_cam", "integrated_gradients", "smooth_grad", "occlusion")


def main(paths: list[str]) -> None:
    """Prints a row for each model and method, on one photograph.

    Args:
        paths: Models of the registry, files, or names of `keras.applications` (random weights).
    """
    import keras

    import tfxai

    table = Table(title="bfloat16 beside float32")
    for column in ("model", "method", "largest difference", "correlation", "time ratio"):
        table.add_column(column, justify="left" if column in ("model", "method") else "right")
    for path in paths or ("cifar10_cnn", "cifar10_resnet18w16", "ResNet50", *_efficientnet()):
        known = getattr(keras.applications, path, None)
        subject = tfxai.Subject(known(weights=None)) if known else tfxai.load(path)
        image = _photograph(subject.model.input_shape[1])
        inputs = subject.prepare(image) if subject.preprocessing else image.astype(np.float32)
        for name in METHODS:
            tried = tfxai.in_bfloat16(subject, inputs, name)
            table.add_row(
                path.rsplit("/", 1)[-1],
                name,
                f"{tried.error[0]:.1%}",
                f"{tried.correlation[0]:.3f}",
                f"{tried.time_ratio:.2f}",
            )
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def _efficientnet() -> list[str]:
    """The larger trained model, where it is at hand."""
    path = Path(os.environ.get("TFXAI_TEST_DATA", ""), "models/efficientnet_lite0.keras")
    return [str(path)] if path.is_file() else []


def _photograph(size: int) -> np.ndarray:
    """A cat, (1, size, size, 3) uint8."""
    image = transform.resize(data.chelsea()[:, 80:380], (size, size), anti_aliasing=True)
    return (image[None] * 255).astype(np.uint8)


if __name__ == "__main__":
    main(sys.argv[1:])
