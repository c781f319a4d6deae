"""The attribution methods there are, a line each: all else that knows of them reads it here.

It holds such imports only, for `tfxai/__init__.py` reads the names without running it.
"""

from tfxai.methods.attention.attention_rollout import AttentionRollout as AttentionRollout
from tfxai.methods.attention.gradient_rollout import GradientRollout as GradientRollout
from tfxai.methods.cam.ablation_cam import AblationCAM as AblationCAM
from tfxai.methods.cam.eigen_cam import EigenCAM as EigenCAM
from tfxai.methods.cam.eigen_grad_cam import EigenGradCAM as EigenGradCAM
from tfxai.methods.cam.grad_cam import GradCAM as GradCAM
from tfxai.methods.cam.grad_cam_pp import GradCAMPlusPlus as GradCAMPlusPlus
from tfxai.methods.cam.guided_grad_cam import GuidedGradCAM as GuidedGradCAM
from tfxai.methods.cam.hires_cam import HiResCAM as HiResCAM
from tfxai.methods.cam.layer_cam import LayerCAM as LayerCAM
from tfxai.methods.cam.score_cam import ScoreCAM as ScoreCAM
from tfxai.methods.cam.xgrad_cam import XGradCAM as XGradCAM
from tfxai.methods.gradient.blur_integrated_gradients import (
    BlurIntegratedGradients as BlurIntegratedGradients,
)
from tfxai.methods.gradient.certified import Certified as Certified
from tfxai.methods.gradient.conductance import Conductance as Conductance
from tfxai.methods.gradient.deconv_net import DeconvNet as DeconvNet
from tfxai.methods.gradient.gradient_input import GradientInput as GradientInput
from tfxai.methods.gradient.gradient_shap import GradientSHAP as GradientSHAP
from tfxai.methods.gradient.guided_backprop import GuidedBackprop as GuidedBackprop
from tfxai.methods.gradient.guided_integrated_gradients import (
    GuidedIntegratedGradients as GuidedIntegratedGradients,
)
from tfxai.methods.gradient.idgi import IDGI as IDGI
from tfxai.methods.gradient.integrated_gradients import IntegratedGradients as IntegratedGradients
from tfxai.methods.gradient.internal_influence import InternalInfluence as InternalInfluence
from tfxai.methods.gradient.saliency import Saliency as Saliency
from tfxai.methods.gradient.smooth_grad import SmoothGrad as SmoothGrad
from tfxai.methods.gradient.squared_smooth_grad import SquaredSmoothGrad as SquaredSmoothGrad
from tfxai.methods.gradient.var_grad import VarGrad as VarGrad
from tfxai.methods.gradient.xrai import XRAI as XRAI
from tfxai.methods.perturbation.feature_ablation import FeatureAblation as FeatureAblation
from tfxai.methods.perturbation.hierarchical_shapley import (
    HierarchicalShapley as HierarchicalShapley,
)
from tfxai.methods.perturbation.hsic import HSIC as HSIC
from tfxai.methods.perturbation.kernel_shap import KernelSHAP as KernelSHAP
from tfxai.methods.perturbation.lime import LIME as LIME
from tfxai.methods.perturbation.occlusion import Occlusion as Occlusion
from tfxai.methods.perturbation.rise import RISE as RISE
from tfxai.methods.perturbation.shapley_sampling import ShapleySampling as ShapleySampling
from tfxai.methods.perturbation.sobol import Sobol as Sobol
from tfxai.methods.propagation.deep_lift import DeepLIFT as DeepLIFT
from tfxai.methods.propagation.deep_shap import DeepSHAP as DeepSHAP
from tfxai.methods.propagation.libra_grad import LibraGrad as LibraGrad
from tfxai.methods.propagation.lrp import LRP as LRP
