"""Explanations of whole data sets, on one machine or many.

Names are resolved when they are first used: to read what was asked loads no TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxai.batch.drift import Drift, compare_periods, compare_runs
    from tfxai.batch.explainer import Explainer
    from tfxai.batch.exported import ExportExplainer
    from tfxai.batch.job import Job
    from tfxai.batch.planning import job_of
    from tfxai.batch.running import run_job
    from tfxai.batch.samples import read_sample
    from tfxai.batch.sources import Fields, open_source
    from tfxai.batch.summary import Summary
    from tfxai.batch.where import Where

_HOME = {
    "Drift": "drift",
    "Explainer": "explainer",
    "ExportExplainer": "exported",
    "Fields": "sources",
    "Job": "job",
    "Summary": "summary",
    "Where": "where",
    "compare_periods": "drift",
    "compare_runs": "drift",
    "job_of": "planning",
    "open_source": "sources",
    "read_sample": "samples",
    "run_job": "running",
}

__all__ = [
    "Drift",
    "Explainer",
    "ExportExplainer",
    "Fields",
    "Job",
    "Summary",
    "Where",
    "compare_periods",
    "compare_runs",
    "job_of",
    "open_source",
    "read_sample",
    "run_job",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
