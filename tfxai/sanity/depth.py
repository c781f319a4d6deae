"""The layers that hold weights, from the one next to the output down to the inputs."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import keras
import numpy as np

from tfxai.core.inputs.layout import Layout
from tfxai.core.model.structure import model_structure
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.model_copies import Copy

_FEW = 4  # names that are written out


@dataclasses.dataclass(frozen=True, eq=False)
class Weighted:
    """One layer with weights of its own.

    Args:
        path: Its path, as an explanation names it.
        variables: Its weights and state, those of layers inside it only where nothing calls them.
    """

    path: str
    variables: tuple[keras.Variable, ...]


def top_down(copy: Copy, layout: Layout) -> list[Weighted]:
    """The layers of a copy that its initialisers change, the one nearest to the output first.

    A layer that is called several times stands where it is called last. Normalization layers,
    whose numbers are of the data, are left out.

    Raises:
        LayerNotFoundError: Nobody can look into the model.
        InvalidInputError: No initialiser changes anything.
    """
    body = model_structure(copy.model, layout)
    body.require_layers()
    turns = {call.layer_id: turn for turn, call in enumerate(body.calls)}
    paths = {call.layer_id: call.path for call in body.calls}
    held: dict[int, list[keras.Variable]] = {}
    _collect(copy.model, None, turns, held, set())
    whole = [
        Weighted(paths.get(owner, copy.model.name), tuple(held[owner]))
        for owner in sorted(held, key=lambda owner: -turns.get(owner, -1))
    ]
    kept = [one.path for one in whole if _is_kept(one, copy)]
    found = [one for one in whole if one.path not in kept]
    if not found:
        raise InvalidInputError(
            "No layer of the model has weights that its initialisers would change, so there is "
            "nothing to randomise. Pass a trained model, whose layers say how they start."
        )
    if kept:
        names = ", ".join(kept[:_FEW]) + (", ..." if len(kept) > _FEW else "")
        warnings.warn(
            f"{len(kept)} of {len(whole)} layers keep their weights, since their initialisers "
            f"give the very same: {names}. Similarity below them says less.",
            TfxaiWarning,
            stacklevel=4,
        )
    return found


def _collect(
    layer: Any,
    owner: int | None,
    turns: dict[int, int],
    held: dict[int, list[keras.Variable]],
    seen: set[int],
) -> None:
    """Puts each variable below the innermost layer that is called and holds it."""
    if id(layer) in seen or isinstance(layer, keras.layers.Normalization):
        return
    seen.add(id(layer))
    if owner is None or id(layer) in turns:
        owner = id(layer)
    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    if own:
        held.setdefault(owner, []).extend(own)
    for inner in layer._layers:
        _collect(inner, owner, turns, held, seen)


def _is_kept(one: Weighted, copy: Copy) -> bool:
    """Whether weights that differ from one another stay as they are."""
    pairs = [
        (copy.trained[id(v)], copy.fresh[id(v)]) for v in one.variables if id(v) in copy.fresh
    ]
    same = [np.array_equal(trained, fresh) for trained, fresh in pairs]
    has_pattern = [trained.size > 1 and np.ptp(trained) > 0 for trained, _ in pairs]
    return any(a and b for a, b in zip(same, has_pattern, strict=True)) or (
        all(same) and any(trained.ndim > 1 for trained, _ in pairs)
    )
