"""What a saved KerasHub model says of itself: its task, vocabulary, layers and heads."""

from __future__ import annotations

import dataclasses
from typing import Any, final

from tfxai.inspection.presets import TASK, is_of_hub, tokenizer_of
from tfxai.inspection.reading import Contents

_HEADS = ("num_heads", "num_query_heads", "num_attention_heads")
_WIDTHS = ("hidden_dim", "hidden_size")
_LENGTHS = ("max_sequence_length", "context_length")


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class HubModel:
    """A model of KerasHub, as its configs say it; None for what they do not say.

    Args:
        name: Name of the model.
        task: Class of the task; None for a backbone alone.
        backbone: Class of the backbone.
        tokenizer: Class of the tokenizer.
        vocabulary: Number of tokens that the model has vectors for.
        layers: Number of transformer layers.
        heads: Heads of each of them.
        width: Numbers in the vector of a token.
        length: Tokens to which a text is cut, special ones included.
        classes: Number of outputs of a classifier.
        activation: What is done to the outputs last, such as "linear" or "softmax".
    """

    name: str | None = None
    task: str | None = None
    backbone: str | None = None
    tokenizer: str | None = None
    vocabulary: int | None = None
    layers: int | None = None
    heads: int | None = None
    width: int | None = None
    length: int | None = None
    classes: int | None = None
    activation: str | None = None


def hub_model(contents: Contents) -> HubModel | None:
    """What a saved model says of itself; None where it is none of KerasHub."""
    if not is_of_hub(contents.config):
        return None
    whole = contents.beside.get(TASK, contents.config)
    options = _options(whole)
    backbone = options.get("backbone", contents.config)
    sizes = _options(backbone)
    preprocessor = options.get("preprocessor") or contents.beside.get("preprocessor.json")
    prepared = _options(preprocessor)
    words = tokenizer_of(whole) or tokenizer_of(preprocessor or {})
    words = words or contents.beside.get("tokenizer.json")
    return HubModel(
        name=_named(options.get("name")),
        task=_class(whole) if "backbone" in options else None,
        backbone=_class(backbone),
        tokenizer=_class(words),
        vocabulary=_count(sizes.get("vocabulary_size")),
        layers=_count(sizes.get("num_layers")),
        heads=_first(sizes, _HEADS),
        width=_first(sizes, _WIDTHS),
        length=_count(prepared.get("sequence_length")) or _first(sizes, _LENGTHS),
        classes=_count(options.get("num_classes")),
        activation=_named(options.get("activation")),
    )


def _options(config: Any) -> dict[str, Any]:
    inner = config.get("config") if isinstance(config, dict) else None
    return inner if isinstance(inner, dict) else {}


def _class(config: Any) -> str | None:
    return _named(config.get("class_name")) if isinstance(config, dict) else None


def _named(value: Any) -> str | None:
    return value[:80] if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _first(options: dict[str, Any], names: tuple[str, ...]) -> int | None:
    found = (_count(options.get(name)) for name in names)
    return next((one for one in found if one is not None), None)
