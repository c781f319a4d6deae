"""What reaches a program beside x, and what is done on the host before and after it."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, ClassVar
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.export.serving import assert_same, serve
from tfxai import methods
from tfxai.core import program
from tfxai.core.inputs.host_arrays import HostArray
from tfxai.errors import InvalidInputError
from tfxai.export import save
from tfxai.methods import (
    AttributionMethod,
    IntegratedGradients,
    KernelSHAP,
    SmoothGrad,
    VarGrad,
)
from tfxai.methods.traced import Traced

X = np.random.default_rng(1).normal(size=(5, 4))
C = np.array([1.0, -2.0, 3.0, 0.5])


@dataclasses.dataclass(frozen=True)
class Greatest(HostArray):
    """Plus a constant, the greatest number of each example."""

    name: ClassVar[str] = "greatest"
    deed: ClassVar[str] = "looks for the greatest number"
    plus: float = 0.0

    def make(self, examples):
        return examples.images.max(axis=1) + self.plus


@dataclasses.dataclass(frozen=True)
class Ramp(HostArray):
    """The same for all examples."""

    name: ClassVar[str] = "ramp"
    is_of_inputs: ClassVar[bool] = False
    times: float = 1.0

    def make(self, examples):
        return np.repeat(self.times * np.arange(4.0)[None], len(examples), axis=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaled(AttributionMethod):
    """The gradient times a host-made array, as the mean over three copies."""

    by: Any = Greatest()

    def _attribute(self, f, x):
        def value(f, x, k):
            by = tf.cast(f.given[self.by], x.dtype)
            return f.gradient(x) * tf.reshape(by, [tf.shape(x)[0], -1])

        return f.sum_over_copies(value, [1 / 3] * 3, x)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScaledWhere(AttributionMethod):
    """As `Scaled`, only for examples whose first number is positive."""

    by: Any = Greatest()

    def _attribute(self, f, x):
        def value(f, x, k):
            return f.gradient(x) * tf.cast(f.given[self.by], x.dtype)[:, None]

        return f.sum_where(value, x[:, 0] > 0, tf.constant(2), x)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading(AttributionMethod):
    """Reads its baseline where only `f` has it."""

    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)
    baseline: Any = None

    def _attribute(self, f, x):
        return self._difference(x)

    def _difference(self, x):
        return x - self.baseline


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sorted(AttributionMethod):
    """The gradient, sorted on the host."""

    host_stage: ClassVar[str] = "sorts the values of each example"

    def _attribute(self, f, x):
        return f.gradient(x) * x

    def _finish(self, values, examples):
        assert len(values) == len(examples)
        return np.sort(values, axis=1), {"least": examples.images.min(axis=1)}


for _cls in (Scaled, ScaledWhere, Reading, Sorted):
    _cls.name = _cls.__name__.lower()  # named but not registered


@pytest.fixture(scope="module")
def model():
    """f(x) = c x: its gradient is c."""
    x = keras.Input((4,), dtype="float64", name="x")
    dense = keras.layers.Dense(1, use_bias=False, dtype="float64")
    made = keras.Model(x, dense(x))
    dense.set_weights([C[:, None]])
    return made


@pytest.mark.parametrize("chunk_size", ["auto", 1, 2])
def test_each_row_has_the_array_of_its_example_in_all_sums(model, chunk_size):
    want = X.max(axis=1, keepdims=True) * C
    a = Scaled()(model, X, target=0, chunk_size=chunk_size)
    np.testing.assert_allclose(a.values, want, rtol=1e-12)
    b = ScaledWhere()(model, X, target=0, chunk_size=chunk_size)
    np.testing.assert_allclose(b.values, np.where(X[:, :1] > 0, 2 * want, 0), rtol=1e-12)


def test_one_inside_another_has_its_own_array(model):
    a = SmoothGrad(of=Scaled(by=Greatest(plus=2.0)), samples=4)(model, X, target=0)
    np.testing.assert_allclose(a.values, (X.max(axis=1, keepdims=True) + 2) * C, rtol=1e-12)
    of = SmoothGrad(of=Scaled(), samples=2)
    b = VarGrad(of=of, samples=3)(model, X, target=0)
    np.testing.assert_allclose(b.values, 0, atol=1e-12)


def test_an_array_with_too_few_rows_is_refused(model):
    with (
        mock.patch.object(Greatest, "make", return_value=np.zeros(3)),
        pytest.raises(InvalidInputError, match=r"Greatest.*shape \(3,\) for 5 examples"),
    ):
        Scaled()(model, X, target=0)


def test_new_arrays_trace_nothing(model):
    Scaled(by=Greatest(plus=9.0))(model, X, target=0)
    with mock.patch.object(program, "compiled", wraps=program.compiled) as compiled:
        a = Scaled(by=Greatest(plus=9.0))(model, X[::-1] + 1, target=0)
    assert compiled.call_count == 0
    np.testing.assert_allclose(a.values, (X[::-1].max(axis=1, keepdims=True) + 10) * C)


def test_a_baseline_that_is_read_from_the_record_is_an_error(model):
    with pytest.raises(AttributeError, match=r"self\.baseline of Reading .* use f\.baseline"):
        Reading(baseline=2.0)(model, X, target=0)


def test_every_baseline_is_declared():
    for name in methods.names():
        cls = methods.get(name)
        fields = {field.name for field in dataclasses.fields(cls)}
        assert set(cls.program_inputs) == fields & {"baseline", "background"}


def test_methods_that_differ_in_their_baselines_have_one_key():
    a, b = IntegratedGradients(baseline=1.0), IntegratedGradients(baseline="black")
    assert Traced(a) == Traced(b)
    assert hash(Traced(a)) == hash(Traced(b))
    assert Traced(SmoothGrad(of=a)) == Traced(SmoothGrad(of=b))
    assert Traced(a) != Traced(IntegratedGradients(steps=3))
    assert Traced(SmoothGrad(of=a)) != Traced(SmoothGrad(of=IntegratedGradients(steps=3)))
    assert Traced(a) != a
    assert Traced(KernelSHAP()) != Traced(a)


def test_a_method_is_not_changed_by_being_traced(model):
    method = SmoothGrad(of=IntegratedGradients(baseline=1.0, steps=2), samples=2)
    before = method.to_config()
    method(model, X, target=0)
    assert method.to_config() == before
    seen = Traced(method)
    assert isinstance(seen, SmoothGrad)
    assert isinstance(seen.of, IntegratedGradients)
    assert (seen.samples, seen.name, seen.is_signed) == (2, "smooth_grad", True)
    assert inspect.ismethod(seen._explain)
    assert seen._explain.__self__ is seen
    with pytest.raises(AttributeError, match=r"use f\.baseline"):
        _ = seen.of.baseline


def test_values_are_finished_on_the_host(model):
    a = Sorted()(model, X, target=0)
    np.testing.assert_allclose(a.values, np.sort(C * X, axis=1), rtol=1e-12)
    np.testing.assert_array_equal(a.details["least"], X.min(axis=1))


def test_what_is_finished_on_the_host_is_no_part_of_another_method():
    with pytest.raises(InvalidInputError, match=r"of='sorted' sorts the values .* on the host"):
        SmoothGrad(of=Sorted())


def test_an_export_refuses_only_what_needs_the_inputs_or_ends_on_the_host(model, tmp_path):
    refused = {
        Scaled(): r"greatest number \(by=Greatest\(plus=0\.0\)\), which is done on the host",
        SmoothGrad(of=Scaled()): r"greatest number \(of\.by=Greatest",
        Sorted(): r"It sorts the values of each example, which is done on the host, after",
    }
    for method, sentence in refused.items():
        with pytest.raises(
            InvalidInputError, match=rf"{method.name} cannot be exported\. .*{sentence}"
        ):
            save(model, tmp_path / "refused", [method])
    assert not (tmp_path / "refused").exists()


@pytest.mark.slow
def test_an_array_that_depends_on_no_input_is_exported(model, tmp_path):
    method = Scaled(by=Ramp(2.0))
    a = method(model, X, target=0)
    np.testing.assert_allclose(a.values, 2 * np.arange(4.0) * C * np.ones_like(X), rtol=1e-12)
    path = save(model, tmp_path / "base", [method])
    feeds = {"x": X, "target": np.zeros(5, np.int32)}
    answers, failed = serve(path, {"explain_scaled@five": feeds}, tmp_path)
    assert failed == {}
    assert_same(answers["explain_scaled@five"], a)
