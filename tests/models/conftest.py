"""Deprecations inside Keras itself, which training and saving a model meet."""

from __future__ import annotations

from pathlib import Path

import pytest

INSIDE_KERAS = (
    # keras.Variable.__array__ and NumPy 2, when a model is saved
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning",
    # where Keras' legacy ImageDataGenerator finds SciPy's functions
    "ignore:Please import `affine_transform` from the `scipy.ndimage`:DeprecationWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            for warning in INSIDE_KERAS:
                item.add_marker(pytest.mark.filterwarnings(warning))
