"""All metrics by name."""

from __future__ import annotations

from typing import Any

from tfxai.errors import UnknownNameError
from tfxai.metrics.average_drop import AverageDrop
from tfxai.metrics.base import Metric
from tfxai.metrics.completeness import Completeness
from tfxai.metrics.deletion import Deletion
from tfxai.metrics.entropy import Entropy
from tfxai.metrics.grid_pointing import GridPointing
from tfxai.metrics.infidelity import Infidelity
from tfxai.metrics.insertion import Insertion
from tfxai.metrics.mu_fidelity import MuFidelity
from tfxai.metrics.pointing_game import PointingGame
from tfxai.metrics.relevance_mass import RelevanceMass
from tfxai.metrics.relevance_rank import RelevanceRank
from tfxai.metrics.road import ROAD
from tfxai.metrics.sensitivity_max import SensitivityMax
from tfxai.metrics.sparseness import Sparseness
from tfxai.metrics.srg import SRG

METRICS: dict[str, type[Metric]] = {
    cls.name: cls
    for cls in (
        SRG, Deletion, Insertion, ROAD, MuFidelity, Infidelity, AverageDrop,
        SensitivityMax, Sparseness, Entropy, Completeness,
        GridPointing, PointingGame, RelevanceMass, RelevanceRank,
    )
}  # fmt: skip


def metric_of(name: str, **options: Any) -> Metric:
    """The metric of that name.

    Raises:
        UnknownNameError: There is none.
        InvalidInputError: An option does not fit.
    """
    if name not in METRICS:
        raise UnknownNameError.of("metric", name, METRICS)
    known = set(METRICS[name].__dataclass_fields__)
    for option in options:
        if option not in known:
            raise UnknownNameError.of("option", option, known, owner=name)
    return METRICS[name](**options)
