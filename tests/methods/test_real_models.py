"""Every method on trained models and photographs: finite, of this image, and adding up."""

from __future__ import annotations

import numpy as np
import pytest

import tfxai
from tests.contract.cases import case_of, make
from tfxai import methods
from tfxai.data import fit_image, sample_image
from tfxai.registry import load

pytestmark = pytest.mark.slow
# Paths through a deep network of ReLUs: what 50 steps or samples leave of the difference.
GAPS = {"cifar10_cnn": 0.1, "efficientnet_lite0": 0.6}
FEW = {"samples": 8, "channels": 8}  # enough to be of this image, where a pass takes long


@pytest.fixture(scope="module")
def cifar10_cnn():
    return load("cifar10_cnn"), 32, "Conv2D_Block3_Layer1"


@pytest.fixture(scope="module")
def efficientnet_lite0(test_data):
    subject = load(test_data / "models" / "efficientnet_lite0.keras")
    spatial = [layer for layer in subject.model.layers if len(layer.output.shape) == 4]
    return subject, 224, spatial[len(spatial) // 2].name


def photograph(name, side):
    return fit_image(sample_image(name), side, side)[None]


@pytest.mark.parametrize("name", methods.names(any_model=True))
@pytest.mark.parametrize("model", GAPS)
def test_photograph_is_explained(name, model, request):
    case = case_of(name)
    subject, side, layer = request.getfixturevalue(model)
    pixels = photograph("chelsea", side)
    background = np.concatenate([photograph("coffee", side), photograph("rocket", side)])
    prepared = np.asarray(subject.prepare(background), np.float32)
    squares = np.indices((side, side)) // (side // (4 if "samples" in case.photographs else 8))
    given = {"background": prepared, "mask": 8 * squares[0] + squares[1]}
    options = {option: given[option] for option in given if option in _options(name)}
    if model == "efficientnet_lite0":  # enough to be of this image
        options |= {option: FEW[option] for option in FEW if option in _options(name)}
        options |= case.photographs
    method = make(name, layer, **options)
    a = method(subject, pixels)
    assert np.isfinite(a.values).all()
    assert np.abs(a.values).max() > 0
    other = method(subject, photograph("rocket", side), target=int(a.target[0]))
    assert np.allclose(a.values, other.values) == (model in case.same_on_photographs)
    if a.completeness_gap is not None:
        difference = abs(a.score[0] - a.baseline_score[0])
        bound = case.gap.get(model, GAPS[model])
        assert abs(a.completeness_gap[0]) <= bound * difference


def test_tolerance_is_met_on_a_deep_network(efficientnet_lite0):
    subject, side, _ = efficientnet_lite0
    pixels = photograph("chelsea", side)
    a = tfxai.IntegratedGradients(tolerance=0.2, max_steps=257)(subject, pixels)
    difference = abs(a.score[0] - a.baseline_score[0])
    assert a.details["steps"][0] < 257
    assert abs(a.completeness_gap[0]) <= 0.2 * difference


def _options(name):
    return methods.get(name).__dataclass_fields__
