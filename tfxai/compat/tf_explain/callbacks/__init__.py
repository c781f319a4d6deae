"""tf-explain's callbacks: a picture for TensorBoard after each epoch."""

from tfxai.compat.tf_explain.callbacks.activations_visualization import (
    ActivationsVisualizationCallback,
)
from tfxai.compat.tf_explain.callbacks.grad_cam import GradCAMCallback
from tfxai.compat.tf_explain.callbacks.gradients_inputs import GradientsInputsCallback
from tfxai.compat.tf_explain.callbacks.integrated_gradients import IntegratedGradientsCallback
from tfxai.compat.tf_explain.callbacks.occlusion_sensitivity import OcclusionSensitivityCallback
from tfxai.compat.tf_explain.callbacks.smoothgrad import SmoothGradCallback
from tfxai.compat.tf_explain.callbacks.vanilla_gradients import VanillaGradientsCallback

__all__ = [
    "ActivationsVisualizationCallback",
    "GradCAMCallback",
    "GradientsInputsCallback",
    "IntegratedGradientsCallback",
    "OcclusionSensitivityCallback",
    "SmoothGradCallback",
    "VanillaGradientsCallback",
]
