"""What to do instead, with the layers and methods of the model at hand."""

from __future__ import annotations

from tfxai.core.inputs.layout import Layout
from tfxai.core.model.structure import ModelStructure


def no_gradient(name: str, layout: Layout, body: ModelStructure, *, takes_at: bool) -> str:
    """Why a method of gradients has nothing to explain, and where it has."""
    types = " and ".join(
        f"{name!r} ({dtype})" for name, dtype in zip(layout.names, layout.dtypes, strict=True)
    )
    path = body.first_floating() if takes_at else None
    advice = f"Explain a layer behind them with at={path!r}" if path else "Take"
    either = ", or take" if path else ""
    return (
        f"{name} takes gradients by the inputs, and {types} have none. {advice}{either} a method "
        "that needs no gradient, such as KernelSHAP or Occlusion."
    )
