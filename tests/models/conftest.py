"""Deprecations inside Keras itself, which training and saving a model meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import KERAS_SAVES

INSIDE_KERAS = (
    KERAS_SAVES,
    # where Keras' legacy ImageDataGenerator finds SciPy's functions
    "ignore:Please import `affine_transform` from the `scipy.ndimage`:DeprecationWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            for warning in INSIDE_KERAS:
                item.add_marker(pytest.mark.filterwarnings(warning))
