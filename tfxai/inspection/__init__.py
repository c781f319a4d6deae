"""Looking into saved models, and at what is wrong with them, without loading them.

Nothing here imports TensorFlow or Keras, and nothing of a file is executed.
"""

from tfxai.inspection.counting import Parameters
from tfxai.inspection.inspecting import Inspection, Layer, inspect
from tfxai.inspection.limits import Limits
from tfxai.inspection.private_copy import PrivateCopy
from tfxai.inspection.report import Finding, Report
from tfxai.inspection.saved_model.meta_graphs import SavedModel, Tensor
from tfxai.inspection.scanning import scan

__all__ = [
    "Finding",
    "Inspection",
    "Layer",
    "Limits",
    "Parameters",
    "PrivateCopy",
    "Report",
    "SavedModel",
    "Tensor",
    "inspect",
    "scan",
]
