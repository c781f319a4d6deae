"""tfxai's call for a cell: its defaults, but for the probability, which the others explain.

DeepSHAP is of the logit, to which its rules lead, in every library.
"""

from __future__ import annotations

from typing import Any

import tfxai


def call(given: Any) -> Any:
    """The call, without its preparation."""
    cell = given.cell
    options: dict[str, Any] = dict(cell.options)
    if cell.method in ("grad_cam", "score_cam"):
        options["layer"] = given.layer
    if cell.method in ("gradient_shap", "deep_shap"):
        options["background"] = given.background
    method = tfxai.methods.create(cell.method, **options)
    subject = tfxai.Subject(tfxai.load(given.model_file).model)
    score = "logit" if cell.method == "deep_shap" else "output"
    return lambda: method(subject, given.x, given.target, score=score).values
