"""The plain version that occlusion is timed beside is the loop over windows, and is checked."""

from __future__ import annotations

import numpy as np
import pytest

import tfxai
from benchmarks import occlusion
from benchmarks.occlusion import occlusion_table, plain_occlusion
from tests.builders import functional, images
from tests.methods.perturbation.test_occlusion import slow


@pytest.mark.parametrize("chunk", [1, 3, 50])
def test_plain_occlusion_is_the_definition(chunk):
    model, x = functional(), images(1)
    found = plain_occlusion(model, 1, 3, 2, chunk)(x)[0]
    expected = slow(
        lambda one: float(np.asarray(model(one[None]))[0, 1]), x[0], (3, 3), (2, 2), 0.0, "mean"
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_table_has_a_row_for_each_model_and_refuses_to_time_other_things(monkeypatch):
    subjects = {name: (tfxai.Subject(functional()), images(1), 2) for name in ("a", "b")}
    table = occlusion_table(subjects, 3, 2)
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    assert [row[0] for row in rows if row[4] == "plain"] == ["a", "b"]
    monkeypatch.setattr(occlusion, "plain_occlusion", lambda *_: lambda x: np.ones((1, 6, 5)))
    with pytest.raises(ValueError, match="Occlusion of a is off its plain version by"):
        occlusion_table(subjects, 3, 2)
