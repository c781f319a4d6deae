"""Controls know nothing of the model, and nothing of batch mates."""

from __future__ import annotations

import numpy as np
import pytest

from tests import builders
from tfxai.errors import InvalidInputError
from tfxai.metrics import EdgeMap, RandomMap

X = builders.images(3)


def test_random_maps_are_those_of_the_seed_and_the_image():
    model, other = builders.functional(), builders.functional()
    found = RandomMap()(model, X, 1).values
    assert found.shape == X.shape[:-1]
    np.testing.assert_array_equal(RandomMap()(other, X[1:], 0).values, found[1:])
    assert np.abs(RandomMap(seed=1)(model, X).values - found).min() > 0
    assert np.abs(np.corrcoef(found.reshape(3, -1))[np.triu_indices(3, 1)]).max() < 0.5
    table = RandomMap()(builders.linear([[1.0]] * 6), np.ones((2, 6), "float32")).values
    assert table.shape == (2, 6)


def test_edges_are_sobels_of_each_channel_by_itself():
    x = np.zeros((2, *X.shape[1:]), "float32")
    x[0, :, 4:, 1] = 2.0  # one upright edge of height 2 in one channel: Sobel's 4 times 2
    found = EdgeMap()(builders.functional(), x, 1)
    expected = np.zeros(x.shape[:-1])
    expected[0, :, 3:5] = 8.0
    np.testing.assert_allclose(found.values, expected)
    assert not found.is_signed
    with pytest.raises(InvalidInputError, match="have no edges"):
        EdgeMap()(builders.linear([[1.0]] * 6), np.ones((2, 6), "float32"))
