"""alibi's explainer by gradients."""

from typing import NoReturn

from tfxai.compat.alibi.explainers.integrated_gradients import IntegratedGradients

__all__ = ["IntegratedGradients"]
_NOT_HERE = {
    "KernelShap": "Use tfxai.KernelSHAP.",
    **dict.fromkeys(
        [
            "ALE", "AnchorImage", "AnchorTabular", "AnchorText", "CEM", "Counterfactual",
            "CounterfactualProto", "CounterfactualRL", "CounterfactualRLTabular",
            "DistributedAnchorTabular", "GradientSimilarity", "PartialDependence",
            "PartialDependenceVariance", "PermutationImportance", "TreePartialDependence",
            "TreeShap", "plot_ale", "plot_pd", "plot_pd_variance", "plot_permutation_importance",
        ],
        "Keep alibi for it; docs/coming-from-alibi.md says what is replaced.",
    ),
}  # fmt: skip


def __getattr__(name: str) -> NoReturn:
    if name in _NOT_HERE:
        raise ImportError(f"tfxai does not replace alibi's {name!r}. {_NOT_HERE[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
