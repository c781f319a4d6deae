"""What must not change a value: chunks, batches, order, threads, XLA; and what must."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests import builders
from tests.contract.cases import TARGET, case_of, doubles, every_method, make
from tfxai import config
from tfxai.core import program
from tfxai.errors import UnsupportedModelError

# Sums of at most a few hundred float64 terms, in another order.
ROUNDING = {"rtol": 1e-10, "atol": 1e-13}


@pytest.fixture(scope="module")
def model():
    return builders.functional(dtype="float64")


def assert_equal_up_to_rounding(a, b):
    np.testing.assert_allclose(a.values, b.values, **ROUNDING)
    np.testing.assert_allclose(a.score, b.score, **ROUNDING)
    np.testing.assert_array_equal(a.target, b.target)
    assert (a.baseline_score is None) == (b.baseline_score is None)
    if a.baseline_score is not None:
        np.testing.assert_allclose(a.baseline_score, b.baseline_score, **ROUNDING)


@every_method
@pytest.mark.parametrize("chunk_size", [1, 7])
def test_chunk_size_changes_nothing(name, chunk_size, model):
    a = make(name)(model, doubles(), target=TARGET)
    b = make(name)(model, doubles(), target=TARGET, chunk_size=chunk_size)
    assert_equal_up_to_rounding(a, b)


@every_method
def test_values_of_an_image_do_not_depend_on_its_batch_mates(name, model):
    x = doubles(3)
    together = make(name)(model, x, target=TARGET)
    others = np.concatenate([x[:1], 50 * doubles(4, seed=1)])
    among_others = make(name)(model, others, target=TARGET)
    assert_equal_up_to_rounding(together[0], among_others[0])
    for i in range(3):
        assert_equal_up_to_rounding(together[i], make(name)(model, x[i : i + 1], target=TARGET))


@every_method
def test_order_of_the_batch_and_of_the_calls_changes_nothing(name, model):
    x = doubles(3)
    a = make(name)(model, x)
    make(name)(model, x[:1] * 3, target=0)
    b = make(name)(model, x[::-1])
    assert_equal_up_to_rounding(a, b[[2, 1, 0]])


@every_method
def test_same_call_twice_gives_identical_bits(name):
    model = builders.functional()
    a, b = (make(name)(model, builders.images()) for _ in range(2))
    np.testing.assert_array_equal(a.values, b.values)
    np.testing.assert_array_equal(a.score, b.score)


@every_method
def test_no_target_is_the_predicted_class(name, model):
    x = doubles(6)
    predicted = model(x).numpy().argmax(axis=1)
    assert len(set(predicted)) > 1  # or a constant would pass
    a, b = make(name)(model, x), make(name)(model, x, target=predicted)
    np.testing.assert_array_equal(a.target, predicted)
    assert_equal_up_to_rounding(a, b)


@every_method
def test_targets_per_example_equal_single_calls(name, model):
    x, targets = doubles(3), [2, 0, 1]
    a = make(name)(model, x, target=targets)
    for i, target in enumerate(targets):
        assert_equal_up_to_rounding(a[i], make(name)(model, x[i : i + 1], target=target))


@every_method
def test_targets_differ(name, model):
    values = [make(name)(model, doubles(), target=target).values for target in range(3)]
    assert np.allclose(values[0], values[1]) != case_of(name).knows_target
    assert np.allclose(values[1], values[2]) != case_of(name).knows_target


@every_method
def test_values_are_float64_for_a_float64_model(name, model):
    # a probability: gradients of logits are constant between the kinks of a ReLU
    score = None if "probability" in case_of(name).refuses else "probability"
    a = make(name)(model, doubles(), score=score)
    assert a.values.dtype == a.score.dtype == a.inputs.dtype == np.float64
    if case_of(name).is_of_kinds:
        return
    # a number that float32 cannot tell from its neighbour must matter
    b = make(name)(model, doubles() * (1 + 1e-9), score=score)
    assert (a.values != b.values).any()
    np.testing.assert_allclose(a.values, b.values, rtol=1e-6, atol=1e-9)


@every_method
def test_score_and_probability_are_the_models_own(name, model):
    x = doubles()
    a = make(name)(model, x, target=TARGET)
    probability = model(x).numpy()[:, TARGET]
    np.testing.assert_allclose(a.probability, probability, rtol=1e-12)
    if "probability" in case_of(name).refuses:
        with pytest.raises(UnsupportedModelError, match=case_of(name).refuses["probability"]):
            make(name)(model, x, target=TARGET, score="probability")
        return
    b = make(name)(model, x, target=TARGET, score="probability")
    np.testing.assert_allclose(b.score, probability, rtol=1e-12)


def in_threads(calls):
    """The results of all calls, begun at the same moment in a thread each."""
    results, barrier = [None] * len(calls), threading.Barrier(len(calls))

    def work(i):
        barrier.wait()
        try:
            results[i] = calls[i]()
        except BaseException as error:
            results[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@every_method
def test_two_threads_on_one_new_model_get_what_one_gets(name):
    model = builders.nested()
    x = [builders.images(2, seed=seed) for seed in range(2)]
    method = make(name, "backbone/conv1")
    calls = [lambda one=one: method(model, one, target=TARGET) for one in x]
    at_once = in_threads(calls)  # both trace: the model is new
    for a, call in zip(at_once, calls, strict=True):
        np.testing.assert_allclose(a.values, call().values, rtol=1e-5, atol=1e-7)


@every_method
def test_two_models_at_once_get_what_they_get_alone(name):
    models = [builders.functional(), builders.sequential()]
    x = builders.images(2)
    calls = [lambda one=one: make(name)(one, x, target=TARGET) for one in models]
    at_once = in_threads(calls)
    for a, call in zip(at_once, calls, strict=True):
        np.testing.assert_allclose(a.values, call().values, rtol=1e-5, atol=1e-7)
    assert not np.allclose(at_once[0].values, at_once[1].values)


@every_method
@pytest.mark.slow
def test_xla_agrees(name, model, monkeypatch):
    a = make(name)(model, doubles(), target=TARGET)
    asked, compiled = [], program.compiled

    def recorded(*args, jit=False):
        asked.append(jit)
        return compiled(*args, jit=jit)

    monkeypatch.setattr(program, "compiled", recorded)
    monkeypatch.setattr(config, "jit_compile", True)
    for count in (3, 2):  # another batch size is another XLA program of the same trace
        b = make(name)(model, doubles()[:count], target=TARGET, chunk_size=7)
        assert_equal_up_to_rounding(a[:count], b)
    assert asked == [True]
