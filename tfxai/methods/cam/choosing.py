"""The layer whose feature maps a class activation map weighs, unless the user names one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

from tfxai.arrangement import moved_shape, positions
from tfxai.core.model.map_layers import makes_maps
from tfxai.core.model.structure import LayerCall, ModelStructure
from tfxai.errors import InvalidInputError, LayerNotFoundError


def default_layers(body: ModelStructure) -> tuple[str, ...]:
    """The last layer with feature maps on which the outputs rest, outside of attention.

    Of a model from images to images it is the last of the layers with the fewest positions: its
    bottleneck. Of a layer that is called several times on the same inputs all calls count.

    Raises:
        LayerNotFoundError: There is none; the sentence says what to name instead.
        InvalidInputError: It is called several times, on different inputs.
    """
    body.require_layers()
    rank = max((positions(axes) for axes in body.axes), default=0) or 1  # 1: tokens by number
    found = [call for call in body.calls if _has_maps(call, rank)]
    tokens = _tokens(body)
    if not found or (tokens and _is_patches(found)):
        raise LayerNotFoundError(_no_maps(body, rank, found, tokens))
    chosen = found[-1]
    if any(len(shape) == rank + 1 and _several(shape) for shape in body.outputs):
        fewest = min(_positions(call) for call in found)
        chosen = [call for call in found if _positions(call) == fewest][-1]
    calls = [call for call in body.calls if call.path == chosen.path]
    if len(calls) == 1:
        return (chosen.path,)
    paths = tuple(f"{chosen.path}#{number}" for number in range(len(calls)))
    if len({call.rests_on for call in calls}) > 1:
        raise InvalidInputError(
            f"Layer {chosen.path!r}, the last one with feature maps, is called {len(calls)} "
            f"times, on different inputs. Choose one call: {' or '.join(map(repr, paths))}."
        )
    return tuple(path for path, call in zip(paths, calls, strict=True) if _has_maps(call, rank))


def token_layer(body: ModelStructure) -> str:
    """The last layer of tokens before the last attention.

    Behind it only the class token may count.

    Raises:
        InvalidInputError: No attention looks at tokens.
    """
    body.require_layers()
    tokens = _tokens(body)
    if not tokens:
        raise InvalidInputError(
            "reshape='auto' looks for the patches among the tokens of a vision transformer, and "
            "no attention of this model looks at any. Leave it out."
        )
    return _before_attention(body, tokens).path


def early_maps(name: str, paths: Sequence[str], body: ModelStructure) -> list[str]:
    """That attention comes behind the maps of these layers, where one may choose its patches.

    Args:
        name: The method.
        paths: Its layers.
        body: The model.
    """
    attention = [i for i, call in enumerate(body.calls) if call.is_in_attention]
    if not attention or not any(one.grid for one in body.tokens):
        return []
    calls = [body.find(path) for path in paths]
    if any(len(call.shape or ()) != 3 or body.calls.index(call) > attention[-1] for call in calls):
        return []
    which = " and ".join(map(repr, paths))
    return [
        f"{name} looks at {which}, in front of the model's attention: what the patches say to "
        "each other is not in its map. Pass reshape='auto' for the patches themselves."
    ]


def patch_grid(calls: Sequence[LayerCall], body: ModelStructure) -> tuple[int, int] | None:
    """Rows and columns of the patches among the tokens of layers; None of layers that have maps.

    Raises:
        InvalidInputError: The model does not tell.
    """
    if all(len(call.shape or ()) == 3 for call in calls):
        return None
    found = known_grids(calls, body)
    if len(found) == 1:
        return found.pop()
    paths = ", ".join(repr(call.path) for call in calls)
    raise InvalidInputError(
        f"reshape='auto': which patches of the image the {_positions(calls[0])} positions of "
        f"{paths} are cannot be told from the model. Pass reshape=(h, w), the rows and columns of "
        "its patches."
    )


def known_grids(calls: Sequence[LayerCall], body: ModelStructure) -> set[tuple[int, int]]:
    """Rows and columns of patches that the model is known to have among so many tokens."""
    counts = {_positions(call) for call in calls}
    grids = {one.grid for one in body.tokens if one.grid is not None and not one.grid.behind}
    return {(one.height, one.width) for one in grids if counts <= {one.size, one.tokens}}


def _has_maps(call: LayerCall, rank: int) -> bool:
    """Whether a call's output is feature maps over that many axes of positions."""
    if call.shape is None or not call.is_used or not call.rests_on or call.is_model:
        return False
    if call.is_in_attention or not makes_maps(call.kind):
        return False
    if not tf.as_dtype(call.dtype).is_floating:
        return False
    is_map = positions(call.axes) == rank and "C" in call.axes
    return is_map and _several(moved_shape(call.shape, call.axes)[:-1])


def _several(shape: Sequence[int | None]) -> bool:
    return math.prod(n or 2 for n in shape) > 1


def _positions(call: LayerCall) -> int:
    return math.prod(n or 1 for n in moved_shape(call.shape or (), call.axes)[:-1])


def _tokens(body: ModelStructure) -> list[LayerCall]:
    """The calls that make tokens (T, D), if attention looks at them."""
    if not any(call.is_in_attention for call in body.calls):
        return []
    return [
        call
        for call in body.calls
        if len(call.shape or ()) == 2
        and call.is_used
        and call.rests_on
        and not call.is_model
        and not call.is_in_attention
        and _several((call.shape or ())[:1])
    ]


def _is_patches(found: Sequence[LayerCall]) -> bool:
    """Whether the only feature maps are those that an image is cut into patches by."""
    last = [call for call in found if call.patch]
    return bool(last) and found.index(last[-1]) == 0 and len({_positions(c) for c in found}) == 1


def _no_maps(
    body: ModelStructure, rank: int, found: Sequence[LayerCall], tokens: Sequence[LayerCall]
) -> str:
    """Why there is no default, and what to name."""
    if not tokens and not any(positions(axes) for axes in body.axes):
        return (
            "The model has no layer with feature maps, such as (B, h, w, K) or (B, t, K), where "
            "class activation maps look. Use a gradient method."
        )
    if rank < 2 or not tokens:
        axes = {1: "a time axis", 2: "two spatial axes", 3: "three spatial axes"}[min(rank, 3)]
        return (
            f"The model has no layer with {axes}, where class activation maps look unless told "
            "otherwise. Name a layer with layer=, or use a gradient method."
        )
    grid, placed = "(h, w)", next((one.grid for one in body.tokens if one.grid), None)
    if placed is not None:
        grid = str((placed.height, placed.width))
    elif found:
        grid = str(tuple(moved_shape(found[-1].shape or (), found[-1].axes)[:-1]))
    advice = "Name a layer of tokens and their grid, such as"
    if placed is not None:
        advice = "Pass reshape='auto', here"
    return (
        "The model looks at an image as tokens, of which there is no default layer of feature "
        f"maps. {advice} layer={_before_attention(body, tokens).path!r}, reshape={grid}: "
        "before the last attention, for behind it only the class token may count."
    )


def _before_attention(body: ModelStructure, tokens: Sequence[LayerCall]) -> LayerCall:
    """The last of some calls before the last attention."""
    attention = next(i for i in reversed(range(len(body.calls))) if body.calls[i].is_in_attention)
    first = next(
        i for i in range(len(body.calls)) if body.calls[i].path.split("/")[0]
        == body.calls[attention].path.split("/")[0] and body.calls[i].is_in_attention
    )  # fmt: skip
    before = [call for call in tokens if body.calls.index(call) < first] or list(tokens)
    return before[-1]
