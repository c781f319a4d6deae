"""All attribution methods, by class and by registry name."""

from tfxai.methods.base import AttributionMethod, create, get, names
from tfxai.methods.cam.grad_cam import GradCAM
from tfxai.methods.gradient.integrated_gradients import IntegratedGradients
from tfxai.methods.gradient.saliency import Saliency

__all__ = [
    "AttributionMethod",
    "GradCAM",
    "IntegratedGradients",
    "Saliency",
    "create",
    "get",
    "names",
]
