"""Explainability for Keras 3 and TensorFlow models.

Names are resolved when they are first used, so that `import tfxai` is quick and loads no
TensorFlow.
"""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what can be had from here, for type checkers and editors
    from tfxai import baselines as baselines
    from tfxai import batch as batch
    from tfxai import callbacks as callbacks
    from tfxai import compat as compat
    from tfxai import concepts as concepts
    from tfxai import config as config
    from tfxai import data as data
    from tfxai import errors as errors
    from tfxai import export as export
    from tfxai import features as features
    from tfxai import inspection as inspection
    from tfxai import methods as methods
    from tfxai import metrics as metrics
    from tfxai import models as models
    from tfxai import plotting as plotting
    from tfxai import regions as regions
    from tfxai import registry as registry
    from tfxai import rules as rules
    from tfxai import sanity as sanity
    from tfxai.attention_weights import AttentionWeights as AttentionWeights
    from tfxai.attention_weights import attention as attention
    from tfxai.attribution import Attribution as Attribution
    from tfxai.auditing import audit as audit
    from tfxai.card import Card as Card
    from tfxai.core.inputs.superpixels import Slic as Slic
    from tfxai.core.inputs.superpixels import superpixels as superpixels
    from tfxai.core.question.scores import Contrast as Contrast
    from tfxai.core.question.scores import Neuron as Neuron
    from tfxai.core.question.scores import register_score as register_score
    from tfxai.debugging import debug as debug
    from tfxai.errors import TfxaiError as TfxaiError
    from tfxai.errors import TfxaiWarning as TfxaiWarning
    from tfxai.generation import Generation as Generation
    from tfxai.generation import explain_generation as explain_generation
    from tfxai.methods.catalogue import *  # noqa: F403
    from tfxai.methods.together import explain as explain
    from tfxai.metrics import evaluate as evaluate
    from tfxai.patch_grid import PatchGrid as PatchGrid
    from tfxai.plotting import compare_baselines as compare_baselines
    from tfxai.precision import InBfloat16 as InBfloat16
    from tfxai.precision import in_bfloat16 as in_bfloat16
    from tfxai.registry import ModelRegistry as ModelRegistry
    from tfxai.registry import load as load
    from tfxai.reporting import report as report
    from tfxai.subject import Subject as Subject

    inspect_model = inspection.inspect
    scan_model = inspection.scan

__version__ = "0.1.0"

_HOME = {
    "AttentionWeights": "tfxai.attention_weights",
    "Attribution": "tfxai.attribution",
    "Card": "tfxai.card",
    "Contrast": "tfxai.core.question.scores",
    "PatchGrid": "tfxai.patch_grid",
    "Neuron": "tfxai.core.question.scores",
    "Subject": "tfxai.subject",
    "TfxaiError": "tfxai.errors",
    "TfxaiWarning": "tfxai.errors",
    "ModelRegistry": "tfxai.registry",
    "Slic": "tfxai.core.inputs.superpixels",
    "attention": "tfxai.attention_weights",
    "audit": "tfxai.auditing",
    "compare_baselines": "tfxai.plotting",
    "debug": "tfxai.debugging",
    "evaluate": "tfxai.metrics",
    "explain": "tfxai.methods.together",
    "Generation": "tfxai.generation",
    "explain_generation": "tfxai.generation",
    "InBfloat16": "tfxai.precision",
    "in_bfloat16": "tfxai.precision",
    "inspect_model": "tfxai.inspection",
    "load": "tfxai.registry",
    "report": "tfxai.reporting",
    "register_score": "tfxai.core.question.scores",
    "scan_model": "tfxai.inspection",
    "superpixels": "tfxai.core.inputs.superpixels",
}
_RENAMED = {"inspect_model": "inspect", "scan_model": "scan"}  # too short a name on its own
_MODULES = (
    "baselines",
    "batch",
    "callbacks",
    "compat",
    "concepts",
    "config",
    "data",
    "errors",
    "export",
    "features",
    "inspection",
    "methods",
    "metrics",
    "models",
    "plotting",
    "regions",
    "registry",
    "rules",
    "sanity",
)


def _method_names() -> list[str]:
    """The classes of the catalogue, from its text: to run it takes TensorFlow."""
    catalogue = Path(__file__).with_name("methods") / "catalogue.py"
    lines = ast.parse(catalogue.read_text(encoding="utf-8")).body
    imports = [line for line in lines if isinstance(line, ast.ImportFrom)]
    return [alias.name for line in imports for alias in line.names]


_HOME |= dict.fromkeys(_method_names(), "tfxai.methods")

if not TYPE_CHECKING:  # a type checker that sees __getattr__ accepts every name
    __all__ = [*_HOME, *_MODULES, "__version__"]

    def __getattr__(name: str) -> Any:
        if name in _HOME:
            return getattr(importlib.import_module(_HOME[name]), _RENAMED.get(name, name))
        if name in _MODULES:
            return importlib.import_module(f"tfxai.{name}")
        raise AttributeError(f"module 'tfxai' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted(__all__)
