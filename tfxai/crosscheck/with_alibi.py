"""alibi's Integrated Gradients beside tfxai's."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.crosscheck.checking import Case
from tfxai.crosscheck.setting import Setting

RULES = {
    "gausslegendre": "gauss_legendre",
    "riemann_left": "riemann_left",
    "riemann_right": "riemann_right",
    "riemann_middle": "riemann_middle",
    "riemann_trapezoid": "riemann_trapezoid",
}
"""alibi's names of the rules, and tfxai's."""
TRAPEZOID = (
    "The weights of its trapezoid rule are 1 / n where n nodes leave n - 1 intervals, so they add "
    "up to (n - 1) / n, and so does every value."
)


def cases(alibi: Any, setting: Setting) -> list[Case]:
    """One case for each rule.

    Args:
        alibi: The module `alibi.explainers`.
        setting: Model, image and class to explain.
    """
    return [_case(alibi, setting, rule) for rule in RULES]


def _case(alibi: Any, setting: Setting, rule: str) -> Case:
    explainer = alibi.IntegratedGradients(setting.model, method=rule, n_steps=setting.steps)
    baseline = np.zeros_like(setting.x)

    def theirs() -> Array:
        found = explainer.explain(setting.x, baselines=baseline, target=setting.target)
        return np.asarray(found.attributions[0])

    def narrowed(ours: Array, theirs: Array) -> tuple[Array, Array]:
        return ours * (setting.steps - 1) / setting.steps, theirs

    departs = rule == "riemann_trapezoid"
    return Case(
        peer="alibi",
        method=f"IG {rule}",
        ours=partial(setting.integral, RULES[rule]),
        theirs=theirs,
        departure=TRAPEZOID if departs else "",
        reconcile=narrowed if departs else None,
    )
