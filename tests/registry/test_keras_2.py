"""Files that Keras 2 itself wrote answer as it answered.

Needs tf-keras in an environment of its own, which `make old-keras` makes.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfxai
from tests.processes import ROOT
from tests.registry.keras_2_models import AS_FOLDERS, KINDS, ONLY_H5
from tfxai.inspection import inspect, scan

PYTHON = os.environ.get("TFXAI_KERAS_2", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not support masking"),
    pytest.mark.skipif(not PYTHON, reason="TFXAI_KERAS_2 names no Python with tf-keras"),
]
ROUNDED = {"mixed": 2e-3}  # in float16; else 2e-5


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Every model that Keras 2 writes."""
    made = tmp_path_factory.mktemp("keras_2")
    script = ROOT / "tests" / "registry" / "keras_2_models.py"
    subprocess.run([PYTHON, str(script), str(made)], check=True, capture_output=True)
    return made


CASES = [(name, ".h5") for name in KINDS]
CASES += [(name, ".keras") for name in KINDS if name not in ONLY_H5]


@pytest.mark.parametrize(("name", "ending"), CASES, ids=lambda part: part)
def test_a_file_of_keras_2_answers_as_it_did(folder, name, ending):
    path = folder / f"{name}{ending}"
    assert scan(path).level == "ok", scan(path).findings
    stored = np.load(folder / f"{name}.npz")
    given = [tf.constant(stored[f"x{n}"]) for n in range(2) if f"x{n}" in stored]
    expected = [stored[f"y{n}"] for n in range(8) if f"y{n}" in stored]
    model = tfxai.load(path).model
    if name == "multi" and isinstance(model.input, dict):
        called = dict(zip(("in_a", "in_b"), given, strict=True))
    else:
        called = given if len(given) > 1 else given[0]
    answers = tf.nest.flatten(model(called, training=False))
    for found, value in zip(answers, expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=0, atol=ROUNDED.get(name, 2e-5))
    assert inspect(path).parameters.total == model.count_params()


@pytest.mark.parametrize("name", AS_FOLDERS)
def test_a_saved_model_of_keras_2_is_not_refused(folder, name):
    report = scan(folder / name)
    assert not report.refused, report.at("refuse")
