"""Which rule which layer has: composites, and the words that stand for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, final

from tfxai.core.options import Kind
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.methods.propagation.rules import (
    AlphaBeta,
    Epsilon,
    Flat,
    Gamma,
    Rule,
    ZBox,
    ZPlus,
)

RULES: dict[str, type[Any]] = {
    rule.name: rule for rule in (Epsilon, Gamma, AlphaBeta, ZPlus, Flat, ZBox)
}


SOFTMAX_RULES = ("held", "taylor")


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Composite:
    """A rule for each kind of layer.

    Args:
        dense: For dense layers: matrix products.
        convolution: For convolutions.
        first: For the layers that read the input; None for the rule of their kind.
        softmax: For the weights of attentions: `"held"`, as constants, which conserves the score,
            or `"taylor"`, half of it on to keys and queries by their first order (AttnLRP).
    """

    name: ClassVar[str] = "composite"
    dense: Rule = dataclasses.field(default_factory=Epsilon)
    convolution: Rule = dataclasses.field(default_factory=Epsilon)
    first: Rule | None = None
    softmax: str = "held"

    def __post_init__(self) -> None:
        if self.softmax not in SOFTMAX_RULES:
            raise UnknownNameError.of("rule of a softmax", str(self.softmax), SOFTMAX_RULES)
        for kind in ("dense", "convolution", "first"):
            given = getattr(self, kind)
            rule = None if given is None and kind == "first" else _record(given, Rule.known)
            if isinstance(rule, ZBox) and kind != "first":
                raise InvalidInputError(
                    f"{kind}={rule} is a rule for inputs of a known range, and expected to be "
                    "the rule of the first layer: Composite(first=ZBox(...))."
                )
            object.__setattr__(self, kind, rule)


def check_rule(rule: Any) -> str | Rule | Composite:
    """A `rule` option in its stored form: the name of a preset, a rule or a composite.

    Raises:
        InvalidInputError: It is none of these, nor what `to_config` made of one.
    """
    if isinstance(rule, str):
        if rule not in PRESETS:
            raise UnknownNameError.of("rule", rule, PRESETS)
        return rule
    record = _record(rule, {**Rule.known, Composite.name: Composite})
    composite(record)  # checks that the rule fits every layer
    return record


def composite(rule: str | Rule | Composite) -> Composite:
    """The rule of each kind of layer that `rule` stands for."""
    if isinstance(rule, str):
        return PRESETS[rule]
    return rule if isinstance(rule, Composite) else Composite(dense=rule, convolution=rule)


def _record(rule: Any, known: Mapping[str, type[Any]]) -> Any:
    """The record itself, or the one that `to_config` described."""
    if isinstance(rule, Rule) or (isinstance(rule, Composite) and Composite.name in known):
        if "name" not in vars(type(rule)) or not _is_frozen(type(rule)):
            raise InvalidInputError(
                f"The rule {type(rule).__name__} was expected to be a frozen dataclass with a "
                "name. Write @dataclasses.dataclass(frozen=True) above it, and name = '...' in it."
            )
        return rule
    if not isinstance(rule, Mapping) or "name" not in rule:
        raise InvalidInputError(
            f"rule={rule!r} was expected to be {', '.join(map(repr, PRESETS))}, or a record such "
            "as Gamma(gamma=0.5)."
        )
    if rule["name"] not in known:
        raise UnknownNameError.of("rule", rule["name"], known)
    cls, options = known[rule["name"]], rule.get("options", {})
    names = [field.name for field in dataclasses.fields(cls)]
    for option in options:
        if option not in names:
            raise UnknownNameError.of("option", option, names, owner=rule["name"])
    return cls(**options)


def _is_frozen(cls: type[Any]) -> bool:
    return "__dataclass_params__" in vars(cls) and bool(cls.__dataclass_params__.frozen)


PRESETS: dict[str, Composite] = {
    **{
        name: Composite(dense=RULES[name](), convolution=RULES[name]())
        for name in ("epsilon", "gamma", "alpha_beta", "z_plus", "flat")
    },
    "attn_lrp": Composite(softmax="taylor"),
    "epsilon_plus": Composite(convolution=ZPlus()),
    "epsilon_gamma_box": Composite(convolution=Gamma(), first=ZBox()),
}
"""What a word stands for."""
RULE = Kind("a rule of LRP, by its name or as a record", lambda _, rule: check_rule(rule))
