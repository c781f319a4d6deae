"""Figures look as they did when they were looked at, at both widths."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.plotting.gallery import photo
from tests.plotting.references import FILE, LOOKED_AT, WIDTHS, small
from tfxai.plotting import plot_attribution

MEAN = 1.0  # of 255 levels: letters that another release of FreeType hints otherwise
CHANGED = 0.02  # share of the dots that may differ by more than 24 levels


def differences(figure, key):
    """The mean difference from the reference in levels, and the share of dots that differ."""
    with np.load(FILE) as stored:
        reference = stored[key].astype(float)
    found = small(figure).astype(float)
    assert found.shape == reference.shape
    apart = np.abs(found - reference)
    return apart.mean(), (apart.max(axis=-1) > 24).mean()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", LOOKED_AT)
def test_the_figure_looks_as_it_did(name, width):
    mean, changed = differences(LOOKED_AT[name](figsize=width), f"{name} {width}")
    assert mean <= MEAN
    assert changed <= CHANGED


def test_every_reference_is_of_a_figure():
    with np.load(FILE) as stored:
        assert set(stored.files) == {f"{name} {width}" for name in LOOKED_AT for width in WIDTHS}


@pytest.mark.parametrize("width", WIDTHS)
def test_another_sign_would_be_seen(width):
    one = dataclasses.replace(photo(), values=-np.asarray(photo().values))
    figure = plot_attribution(one, style="heatmap", vmax=0.0321, figsize=width)
    mean, changed = differences(figure, f"heatmap {width}")
    assert mean > 3 * MEAN
    assert changed > 3 * CHANGED
