"""Infidelity of linear models by hand."""

from __future__ import annotations

import numpy as np

from tests.metrics.test_metrics import W, X, given, linear
from tfxai.core.designs.cells import Cells
from tfxai.metrics import Infidelity
from tfxai.metrics.perturbed import subsets

EFFECTS = W * X


def test_effects_of_a_linear_model_have_none():
    for normalise in (False, True):
        found = Infidelity(samples=40, normalise=normalise)(linear(), X, given(EFFECTS), 0)
        np.testing.assert_allclose(found.values, 0, atol=1e-12)


def test_it_is_the_mean_square_over_subsets():
    values = np.random.default_rng(0).normal(size=X.shape)
    drawn = {"share": 0.4, "samples": 50, "seed": 3}
    plain = Infidelity(normalise=False, **drawn)(linear(), X, given(values), 0).values
    scaled = Infidelity(**drawn)(linear(), X, given(values), 0).values
    opposite = Infidelity(**drawn)(linear(), X, given(-EFFECTS), 0).values
    grid = Cells(X.shape[1:3], X.shape[1:3], 0)
    chosen = subsets(grid.number, **drawn)
    for i in range(len(X)):
        hidden = [one[grid.places] for one in chosen]
        said = np.array([values[i].sum(axis=-1)[where].sum() for where in hidden])
        lost = np.array([EFFECTS[i].sum(axis=-1)[where].sum() for where in hidden])
        np.testing.assert_allclose(plain[i], np.square(said - lost).mean())
        best = min(np.square(b * said - lost).mean() for b in np.linspace(0, 5, 20001))
        np.testing.assert_allclose(scaled[i], best, rtol=1e-6)
        np.testing.assert_allclose(opposite[i], np.square(lost).mean())  # no scale fits
