"""alibi's explainer by gradients."""

from tfxai.compat.alibi.explainers.integrated_gradients import IntegratedGradients

__all__ = ["IntegratedGradients"]
