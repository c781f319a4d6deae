"""Metrics: how far an attribution may be believed, on one's own model and images."""

from tfxai.metrics.average_drop import AverageDrop as AverageDrop
from tfxai.metrics.base import Metric as Metric
from tfxai.metrics.completeness import Completeness as Completeness
from tfxai.metrics.controls import EdgeMap as EdgeMap
from tfxai.metrics.controls import RandomMap as RandomMap
from tfxai.metrics.deletion import Deletion as Deletion
from tfxai.metrics.entropy import Entropy as Entropy
from tfxai.metrics.evaluating import evaluate as evaluate
from tfxai.metrics.evaluation import Evaluation as Evaluation
from tfxai.metrics.fills import LinearImputation as LinearImputation
from tfxai.metrics.grid_pointing import GridPointing as GridPointing
from tfxai.metrics.infidelity import Infidelity as Infidelity
from tfxai.metrics.insertion import Insertion as Insertion
from tfxai.metrics.measurement import Measurement as Measurement
from tfxai.metrics.mu_fidelity import MuFidelity as MuFidelity
from tfxai.metrics.pointing_game import PointingGame as PointingGame
from tfxai.metrics.relevance_mass import RelevanceMass as RelevanceMass
from tfxai.metrics.relevance_rank import RelevanceRank as RelevanceRank
from tfxai.metrics.road import ROAD as ROAD
from tfxai.metrics.sensitivity_max import SensitivityMax as SensitivityMax
from tfxai.metrics.sparseness import Sparseness as Sparseness
from tfxai.metrics.srg import SRG as SRG
from tfxai.metrics.statistics import Difference as Difference
