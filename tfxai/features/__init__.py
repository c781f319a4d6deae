"""Feature visualisation: what a network looks for, and how far a picture of it may be trusted."""

from tfxai.features.accentuation import Accentuation as Accentuation
from tfxai.features.accentuation import FeatureAccentuation as FeatureAccentuation
from tfxai.features.activation_maximisation import ActivationMaximisation as ActivationMaximisation
from tfxai.features.deep_dream import DeepDream as DeepDream
from tfxai.features.deep_dream import Dream as Dream
from tfxai.features.objectives import Channel as Channel
from tfxai.features.objectives import ClassLogit as ClassLogit
from tfxai.features.objectives import Direction as Direction
from tfxai.features.objectives import Layer as Layer
from tfxai.features.objectives import Neuron as Neuron
from tfxai.features.objectives import Objective as Objective
from tfxai.features.parameterisations import Fourier as Fourier
from tfxai.features.parameterisations import PhaseOnly as PhaseOnly
from tfxai.features.parameterisations import Pixels as Pixels
from tfxai.features.paths import PathSimilarity as PathSimilarity
from tfxai.features.paths import path_similarity as path_similarity
from tfxai.features.regularisers import L2 as L2
from tfxai.features.regularisers import Blur as Blur
from tfxai.features.regularisers import TotalVariation as TotalVariation
from tfxai.features.sheets import visualise_layer as visualise_layer
from tfxai.features.top_images import TopImages as TopImages
from tfxai.features.top_images import top_images as top_images
from tfxai.features.transformations import Transformations as Transformations
from tfxai.features.trust import Trust as Trust
from tfxai.features.visualisation import Visualisation as Visualisation
