"""Passes are counted where a display asks for them, and nowhere else."""

import threading

import numpy as np
import pytest

from tests import builders
from tfxai.baselines import Samples
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.sampling import passes
from tfxai.methods import (
    RISE,
    XRAI,
    GuidedIntegratedGradients,
    IntegratedGradients,
    KernelSHAP,
    Occlusion,
    Saliency,
    SmoothGrad,
)
from tfxai.progress import Display
from tfxai.subject import Subject


def told(method, x, model=None, **options):
    """What a display is told, and the values."""
    seen = []
    display = Display(lambda *state: seen.append(state))
    a = method(model or builders.functional(), x, 0, progress=display, **options)
    return seen, a


def test_passes_are_the_rounds_of_the_sum():
    x = builders.images(1)
    seen, _ = told(IntegratedGradients(steps=50), x, chunk_size=10)
    assert seen == [(k, 5, "passes") for k in range(1, 6)]


def test_slices_of_the_batch_add_up():
    x = builders.images(6)
    seen, _ = told(IntegratedGradients(steps=5), x, chunk_size=2)
    assert seen == [(k, 15, "passes") for k in range(1, 16)]


def test_a_sum_within_a_sum_is_part_of_its_pass():
    method = SmoothGrad(of=IntegratedGradients(steps=8), samples=6)
    seen, _ = told(method, builders.images(1), chunk_size=2)
    assert seen[-1] == (seen[-1][1], seen[-1][1], "passes")
    assert seen[-1][0] == 3  # two noisy copies at once


def test_every_step_of_a_guided_path_is_a_pass():
    x = builders.images(3)
    method = GuidedIntegratedGradients(steps=6)
    seen, a = told(method, x, model := builders.functional(), chunk_size=2)
    assert seen == [(k, 12, "passes") for k in range(1, 13)]  # two slices
    np.testing.assert_allclose(a.values, method(model, x, 0, chunk_size=2).values, rtol=1e-5)


def test_the_steps_of_all_baselines_of_a_guided_path_are_counted():
    x = builders.images(1)
    baselines = Samples(np.zeros((3, *x.shape[1:])))
    seen, _ = told(GuidedIntegratedGradients(steps=4, baseline=baselines), x, chunk_size=1)
    assert [done for done, _, _ in seen] == list(range(1, 16))  # 3 are of the baselines' scores
    assert seen[-1] == (15, 15, "passes")


def test_both_paths_of_regions_are_counted():
    inner = GuidedIntegratedGradients(steps=4)
    seen, _ = told(XRAI(of=inner, scales=(50.0,)), builders.images(1), chunk_size=1)
    assert seen == [(k, 8, "passes") for k in range(1, 9)]


def test_paths_within_a_sum_are_part_of_its_pass():
    method = SmoothGrad(of=GuidedIntegratedGradients(steps=4), samples=6)
    seen, _ = told(method, builders.images(1), chunk_size=2)
    assert seen == [(k, 3, "passes") for k in range(1, 4)]


def test_what_has_no_sum_counts_examples():
    seen, _ = told(Saliency(), builders.images(5), chunk_size=2)
    assert seen == [(2, 5, ""), (4, 5, ""), (5, 5, "")]


def test_a_refined_integral_has_no_known_end():
    method = IntegratedGradients(tolerance=1e-3, steps=64)
    seen, _ = told(method, builders.images(2), chunk_size=4)
    assert len(seen) > 3
    assert [done for done, _, _ in seen] == list(range(1, len(seen) + 1))
    assert {total for _, total, _ in seen} == {None}


def superpixels_of_rows():
    """A region for each row of an image."""
    rows, columns = builders.images(1).shape[1:3]
    return np.repeat(np.arange(rows)[:, None], columns, axis=1)


@pytest.mark.parametrize(
    "method",
    [
        IntegratedGradients(steps=12),
        RISE(samples=40, cells=2),
        Occlusion(window=2, stride=2),
        KernelSHAP(mask=superpixels_of_rows(), samples=40),
    ],
    ids=lambda method: method.name,
)
def test_counting_changes_no_value_and_ends_at_the_total(method):
    model, x = builders.functional(), builders.images(3)
    seen, a = told(method, x, model, chunk_size=4)
    assert seen[-1][0] == seen[-1][1] == len(seen)
    assert len(seen) > 1
    plain = method(model, x, 0, chunk_size=4)
    np.testing.assert_allclose(a.values, plain.values, rtol=1e-5, atol=1e-7)


def calls_back(method, *, is_counted):
    """How many operations of the program call Python."""
    model, x = builders.functional(), builders.images(2)
    subject = Subject.of(model)
    ready = method.prepared(subject, read_inputs(model, x)[0])
    plan = ready.plan(target_rank=1, num_baselines=0, chunk_size=4, jit=False)
    function = ready.program(plan.__class__(**{**vars(plan), "is_counted": is_counted}))
    definition = function.graph.as_graph_def()
    nodes = [node for part in definition.library.function for node in part.node_def]
    return sum(node.op in ("PyFunc", "EagerPyFunc") for node in [*nodes, *definition.node])


def test_only_a_program_with_a_display_calls_back():
    assert calls_back(IntegratedGradients(steps=8), is_counted=False) == 0
    assert calls_back(IntegratedGradients(steps=8), is_counted=True) == 1


def test_a_call_beside_another_one_that_counts_is_not_counted():
    model, x = builders.functional(), builders.images(2)
    method = IntegratedGradients(steps=8)
    plain = method(model, x, 0, chunk_size=4)
    found = []
    with passes.counted(lambda done, total: found.append((done, total)), 1):
        seen = []

        def other():
            display = Display(lambda *state: seen.append(state))
            a = method(model, x, 0, chunk_size=4, progress=display)
            np.testing.assert_array_equal(a.values, plain.values)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert (found, seen) == ([], [(2, 2, "")])


def test_a_function_in_the_place_of_a_model_is_counted_too():
    def predict(x):
        return x.reshape(len(x), -1) @ np.ones((12, 2))

    seen, _ = told(KernelSHAP(samples=40), np.ones((1, 12)), predict, chunk_size=10)
    assert seen[-1][0] == seen[-1][1] == len(seen)
    assert len(seen) > 1


def test_an_error_in_a_counted_call_frees_the_place():
    def fail():
        with passes.counted(lambda done, total: None, 1):
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    seen, _ = told(IntegratedGradients(steps=4), builders.images(1), chunk_size=2)
    assert seen == [(1, 2, "passes"), (2, 2, "passes")]
