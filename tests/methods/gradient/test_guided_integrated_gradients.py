"""Guided Integrated Gradients: by hand, against the algorithm written slowly, and its ends."""

import math

import numpy as np
import pytest

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.baselines import Samples
from tfxai.errors import InvalidInputError
from tfxai.methods import GuidedIntegratedGradients, IntegratedGradients

CASES = (
    Case(
        method=GuidedIntegratedGradients,
        adds_up_on_relus=False,
        linear=lambda s: s.w * (s.x - s.b),
        others={"steps": 3, "fraction": 1.0, "max_dist": 1.0, "baseline": 0.5},
    ),
)


RNG = np.random.default_rng(9)


def slowly(gradient, x1, x0, steps, fraction, max_dist):
    """Algorithm 1 with a band, one example, as loops."""
    shape, x1, x0 = x1.shape, x1.ravel(), x0.ravel()
    x, values = x0.copy(), np.zeros_like(x0)
    total = np.abs(x1 - x0).sum()
    count = math.ceil(fraction * len(x))
    for t in range(1, steps + 1):
        g = gradient(x.reshape(shape)).ravel()
        a = t / steps
        low = x0 + (x1 - x0) * max(a - max_dist, 0)
        high = x0 + (x1 - x0) * min(a + max_dist, 1)
        y = x.copy()
        for i in range(len(y)):
            if abs(y[i] - x0[i]) < abs(low[i] - x0[i]):
                y[i] = low[i]
        while True:
            needed = np.abs(x1 - y).sum() - total * (1 - a)
            able = [i for i in range(len(y)) if y[i] != high[i]]
            if needed <= 0 or not able:
                break
            sizes = sorted(abs(g[i]) for i in able)
            threshold = sizes[min(count, len(able)) - 1]
            chosen = [i for i in able if abs(g[i]) <= threshold]
            room = sum(abs(high[i] - y[i]) for i in chosen)
            if needed < room:
                for i in chosen:
                    y[i] += needed / room * (high[i] - y[i])
                break
            for i in chosen:
                y[i] = high[i]
        values += (y - x) * g
        x = y
    return values.reshape(shape), x.reshape(shape)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 1.0])
@pytest.mark.parametrize("max_dist", [0.0, 0.1, 1.0])
def test_equals_the_algorithm_written_slowly(fraction, max_dist):
    network = SlowNetwork(31)
    x, x0 = RNG.normal(size=(2, 3, *network.shape))
    method = GuidedIntegratedGradients(steps=12, fraction=fraction, max_dist=max_dist, baseline=x0)
    a = method(network.keras_model(), x, target=2)
    for i in range(3):
        expected, end = slowly(
            lambda one: network.gradients(one, 2)[0], x[i], x0[i], 12, fraction, max_dist
        )
        np.testing.assert_allclose(end, x[i], atol=1e-12)  # the path arrives
        np.testing.assert_allclose(a.values[i], expected, rtol=1e-8, atol=1e-10)


def test_a_linear_model_gets_its_weights_times_the_difference():
    w = np.array([2.0, -3.0, 0.0, 0.5])
    x, x0 = np.array([[1.0, 2.0, 3.0, -4.0]]), 0.5
    a = GuidedIntegratedGradients(steps=7, baseline=x0)(builders.linear(w[:, None]), x)
    np.testing.assert_allclose(a.values, (x - x0) * w, rtol=1e-6)


def test_free_path_of_a_product_goes_along_the_edge_of_the_smaller_slope():
    # f = x0 x1 from (1, 2): slopes are (2, 1), so x1 moves first, as long as 1 = x0 < x1; then
    # x0 from 1 to 3 at x1 = 4: x1 earns 1 * (4 - 2), x0 earns 4 * (3 - 1)
    a = GuidedIntegratedGradients(
        steps=400, fraction=0.5, max_dist=1.0, baseline=np.array([1.0, 2.0])
    )(builders.product(), [[3.0, 4.0]])
    np.testing.assert_allclose(a.values, [[8.0, 2.0]], rtol=1e-9)
    np.testing.assert_allclose(a.completeness_gap, [0.0], atol=1e-9)


def test_without_a_band_to_move_in_it_is_the_left_riemann_sum():
    model, x = builders.functional(dtype="float64"), builders.images(2).astype(np.float64)
    a = GuidedIntegratedGradients(steps=9, max_dist=0.0, fraction=1.0)(model, x, target=1)
    b = IntegratedGradients(rule="riemann_left", steps=9)(model, x, target=1)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-7, atol=1e-10)


def test_values_are_the_mean_over_a_set_of_baselines():
    model, x = builders.functional(dtype="float64"), builders.images(2).astype(np.float64)
    several = RNG.normal(size=(3, *x.shape[1:]))
    a = GuidedIntegratedGradients(steps=6, baseline=Samples(several))(model, x, target=1)
    each = [
        GuidedIntegratedGradients(steps=6, baseline=one)(model, x, target=1).values
        for one in several
    ]
    np.testing.assert_allclose(a.values, np.mean(each, axis=0), rtol=1e-7, atol=1e-10)


def test_gap_shrinks_with_the_steps_along_the_straight_line_and_stays_where_the_path_jumps():
    model, x = builders.functional(dtype="float64"), builders.images(4).astype(np.float64)

    def gaps(max_dist):
        return [
            np.abs(
                GuidedIntegratedGradients(steps=n, max_dist=max_dist)(
                    model, x, target=1
                ).completeness_gap
            ).max()
            for n in (10, 100, 1000)
        ]

    near = gaps(0.0)
    assert near[1] < near[0] / 5
    assert near[2] < near[1] / 5
    # An element that waits at the edge of its band crosses a kink in one step of a fixed length.
    assert gaps(1.0)[2] > 10 * near[2]


def test_a_large_gap_is_remarked_on_with_what_narrows_it():
    model, x = builders.functional(dtype="float64"), builders.images(4).astype(np.float64)
    a = GuidedIntegratedGradients(steps=10, max_dist=1.0)(model, x, target=1)
    (said,) = a.remarks
    assert said.endswith("Pass a smaller max_dist than 1, or more steps than 10.")


@pytest.mark.parametrize(
    "options",
    [{"fraction": 0}, {"fraction": 1.5}, {"max_dist": -0.1}, {"max_dist": True}, {"steps": 0}],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InvalidInputError, match=next(iter(options))):
        GuidedIntegratedGradients(**options)
