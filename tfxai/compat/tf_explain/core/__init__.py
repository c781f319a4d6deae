"""tf-explain's explainers. Each makes one uint8 picture, a grid of the explained images."""

from tfxai.compat.tf_explain.core.activations import ExtractActivations
from tfxai.compat.tf_explain.core.grad_cam import GradCAM
from tfxai.compat.tf_explain.core.gradients_inputs import GradientsInputs
from tfxai.compat.tf_explain.core.integrated_gradients import IntegratedGradients
from tfxai.compat.tf_explain.core.occlusion_sensitivity import OcclusionSensitivity
from tfxai.compat.tf_explain.core.smoothgrad import SmoothGrad
from tfxai.compat.tf_explain.core.vanilla_gradients import VanillaGradients

__all__ = [
    "ExtractActivations",
    "GradCAM",
    "GradientsInputs",
    "IntegratedGradients",
    "OcclusionSensitivity",
    "SmoothGrad",
    "VanillaGradients",
]
