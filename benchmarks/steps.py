"""How many steps a tolerance takes, beside a fixed number."""

from __future__ import annotations

import numpy as np
from rich.table import Table

import tfxai

FIXED = 50
TOLERANCE = 0.01


def steps_table(subject: tfxai.Subject, images: np.ndarray, what: str) -> Table:
    """Steps and gaps of Integrated Gradients with a tolerance, and with 50 steps.

    Args:
        subject: The model.
        images: (B, H, W, C) as the model takes them.
        what: What they are, for the title.
    """
    table = Table(title=f"Completeness gap of {what}, as a share of the difference")
    for name in ("method", "steps", "mean steps", "median gap", "largest gap", "within 1 %"):
        table.add_column(name, justify="left" if name == "method" else "right")
    for label, method in (
        (f"{FIXED} Gauss-Legendre steps", tfxai.IntegratedGradients(steps=FIXED)),
        (f"tolerance={TOLERANCE}", tfxai.IntegratedGradients(tolerance=TOLERANCE)),
    ):
        a = method(subject, images)
        steps = a.details["steps"]
        gaps = np.abs(a.completeness_gap / (a.score - a.baseline_score))
        table.add_row(
            label,
            f"{steps.min()}-{steps.max()}" if np.ptp(steps) else str(steps[0]),
            f"{steps.mean():.0f}",
            f"{np.median(gaps):.2%}",
            f"{gaps.max():.2%}",
            f"{(gaps <= TOLERANCE).mean():.0%}",
        )
    return table
