"""All attribution methods, by class and by registry name."""

from tfxai.methods.base import AttributionMethod, create, get, names, required
from tfxai.methods.cam.ablation_cam import AblationCAM
from tfxai.methods.cam.eigen_cam import EigenCAM
from tfxai.methods.cam.eigen_grad_cam import EigenGradCAM
from tfxai.methods.cam.grad_cam import GradCAM
from tfxai.methods.cam.grad_cam_pp import GradCAMPlusPlus
from tfxai.methods.cam.guided_grad_cam import GuidedGradCAM
from tfxai.methods.cam.hires_cam import HiResCAM
from tfxai.methods.cam.layer_cam import LayerCAM
from tfxai.methods.cam.score_cam import ScoreCAM
from tfxai.methods.cam.xgrad_cam import XGradCAM
from tfxai.methods.gradient.blur_integrated_gradients import BlurIntegratedGradients
from tfxai.methods.gradient.conductance import Conductance
from tfxai.methods.gradient.deconv_net import DeconvNet
from tfxai.methods.gradient.gradient_input import GradientInput
from tfxai.methods.gradient.gradient_shap import GradientSHAP
from tfxai.methods.gradient.guided_backprop import GuidedBackprop
from tfxai.methods.gradient.guided_integrated_gradients import GuidedIntegratedGradients
from tfxai.methods.gradient.integrated_gradients import IntegratedGradients
from tfxai.methods.gradient.internal_influence import InternalInfluence
from tfxai.methods.gradient.saliency import Saliency
from tfxai.methods.gradient.smooth_grad import SmoothGrad
from tfxai.methods.gradient.squared_smooth_grad import SquaredSmoothGrad
from tfxai.methods.gradient.var_grad import VarGrad
from tfxai.methods.gradient.xrai import XRAI
from tfxai.methods.perturbation.feature_ablation import FeatureAblation
from tfxai.methods.perturbation.hsic import HSIC
from tfxai.methods.perturbation.kernel_shap import KernelSHAP
from tfxai.methods.perturbation.lime import LIME
from tfxai.methods.perturbation.occlusion import Occlusion
from tfxai.methods.perturbation.rise import RISE
from tfxai.methods.perturbation.shapley_sampling import ShapleySampling
from tfxai.methods.perturbation.sobol import Sobol
from tfxai.methods.propagation.deep_lift import DeepLIFT
from tfxai.methods.propagation.deep_shap import DeepSHAP
from tfxai.methods.propagation.lrp import LRP

__all__ = [
    "HSIC",
    "LIME",
    "LRP",
    "RISE",
    "XRAI",
    "AblationCAM",
    "AttributionMethod",
    "BlurIntegratedGradients",
    "Conductance",
    "DeconvNet",
    "DeepLIFT",
    "DeepSHAP",
    "EigenCAM",
    "EigenGradCAM",
    "FeatureAblation",
    "GradCAM",
    "GradCAMPlusPlus",
    "GradientInput",
    "GradientSHAP",
    "GuidedBackprop",
    "GuidedGradCAM",
    "GuidedIntegratedGradients",
    "HiResCAM",
    "IntegratedGradients",
    "InternalInfluence",
    "KernelSHAP",
    "LayerCAM",
    "Occlusion",
    "Saliency",
    "ScoreCAM",
    "ShapleySampling",
    "SmoothGrad",
    "Sobol",
    "SquaredSmoothGrad",
    "VarGrad",
    "XGradCAM",
    "create",
    "get",
    "names",
    "required",
]
