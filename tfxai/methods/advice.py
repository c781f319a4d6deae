"""What to do instead, with the layers and methods of the model at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfxai.core.inputs.baseline_records import Activations
from tfxai.core.inputs.layout import Layout
from tfxai.core.model.structure import ModelStructure
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.methods.prepared import Prepared


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


def check_start(baseline: Any, ready: Prepared) -> None:
    """Raises `InvalidInputError` where an integral from zero cannot add up.

    What a normalisation of layers alone sees can be stretched without a change of the score. On
    the line from zero the score then jumps at zero and stays as it is.
    """
    is_zero = isinstance(baseline, Activations) and baseline.value == 0.0
    if not is_zero or not ready.method.completes or ready.at is None:
        return
    if ready.body.find(ready.at).is_normalised:
        embedding = ready.body.token_embedding()
        other = f" or at={embedding!r}" if embedding not in (None, ready.at) else ""
        raise InvalidInputError(
            f"The integral of {ready.method.name} was to start from zeros at layer {ready.at!r}, "
            "which only a layer normalisation sees: the score does not change along that line, "
            f"and the values cannot add up to its difference. Pass baseline='pad'{other}."
        )
