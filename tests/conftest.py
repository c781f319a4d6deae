"""What every test stands on: few threads, fixed seeds, and where the shared data lies."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# TensorFlow reads these when it starts: two threads, so that two runs on one machine fit.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")
os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import pytest

from tfxai.cli.runtime import start

start()  # TensorFlow, here where what it logs of the machine can be kept off the terminal


def seed() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - what third-party code draws from
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _seeds() -> None:
    """The same random numbers in every test, whatever ran before it."""
    seed()


@pytest.fixture
def float64() -> Iterator[None]:
    """Layers and inputs are in float64 while the test runs."""
    import keras

    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> None:
    """The same random numbers in what several tests share, which pytest makes before `_seeds`."""
    if fixturedef.scope != "function":
        seed()


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of shared data and models; skips where there is none."""
    folder = os.environ.get("TFXAI_TEST_DATA", "")
    if not folder:
        pytest.skip("TFXAI_TEST_DATA names no folder of shared data and models")
    path = Path(folder)
    if not path.is_dir():
        pytest.skip(f"TFXAI_TEST_DATA={folder} is no folder")
    return path
