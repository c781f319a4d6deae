"""What happens when memory runs out, by fault injection: the system rarely tells TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests import builders
from tfxai import config
from tfxai.errors import InsufficientMemoryError
from tfxai.methods import IntegratedGradients, Saliency, prepared


@pytest.fixture
def chunks(monkeypatch):
    """The chunk of every program that was fetched; those above `chunks.fit` run out of memory."""

    class Chunks(list):
        fit = 2

    tried, real = Chunks(), prepared.program

    def faulty(model, plan, *others):
        tried.append(plan.chunk)
        run = real(model, plan, *others)

        def call(*arguments):
            if plan.chunk > tried.fit:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
            return run(*arguments)

        return call

    monkeypatch.setattr(prepared, "program", faulty)
    return tried


def test_chunk_is_halved_until_it_fits(chunks):
    model, x = builders.functional(dtype="float64"), builders.images(5).astype(np.float64)
    a = IntegratedGradients(steps=3)(model, x, 0)
    assert chunks == [50, 25, 12, 6, 3, 1]
    chunks.fit = 1000
    b = IntegratedGradients(steps=3)(model, x, 0)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-10, atol=1e-13)


def test_no_chunk_that_fits_is_said(chunks):
    chunks.fit = 0
    with pytest.raises(
        InsufficientMemoryError, match=r"with 1 examples at once. Free some"
    ) as got:
        Saliency()(builders.functional(), builders.images(), 0)
    assert isinstance(got.value, MemoryError)
    assert chunks[-1] == 1


def test_chunk_that_the_user_chose_is_kept(chunks):
    with pytest.raises(
        InsufficientMemoryError, match=r"with 8 examples at once. Pass chunk_size="
    ):
        Saliency()(builders.functional(), builders.images(), 0, chunk_size=8)
    assert chunks == [8]


def test_budget_bounds_the_first_try(chunks, monkeypatch):
    chunks.fit = 1000
    monkeypatch.setattr(config, "memory_budget", 1)
    Saliency()(builders.functional(), builders.images(), 0)
    assert chunks == [1]
