"""Exported programs take and return what they are listed with."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compiler.xla.service import hlo_pb2

import tfxai
from benchmarks.gpu import export
from tests import builders
from tfxai import methods

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of one small model's programs, and what is said of it."""
    folder = tmp_path_factory.mktemp("programs")
    model = builders.functional()
    about = export.export(folder, "small", model, builders.images(1), memory=2**30)
    (folder / "programs.json").write_text(json.dumps({"models": [about]}))
    return folder, model, about


def parsed(program):
    """The shapes that a serialised XLA program takes and returns."""
    module = hlo_pb2.HloModuleProto.FromString(program)
    shape = module.host_program_shape
    returned = shape.result.tuple_shapes or [shape.result]
    return [tuple(one.dimensions) for one in shape.parameters], [
        tuple(one.dimensions) for one in returned
    ]


@pytest.mark.slow
def test_every_method_and_its_bare_pass_are_written(written):
    _, _, about = written
    programs = {one["name"]: one for one in about["programs"]}
    assert set(methods.names(any_model=True)) < set(programs)
    assert all(programs[name]["bare"] in programs for name in methods.names(any_model=True))


@pytest.mark.slow
def test_programs_take_and_return_the_arrays_that_they_are_listed_with(written):
    folder, _, about = written
    arrays = np.load(folder / about["arrays"])
    for one in about["programs"]:
        taken, returned = parsed(gzip.decompress((folder / one["program"]).read_bytes()))
        assert taken == [arrays[key].shape for key in one["arguments"]], one["name"]
        assert returned == [arrays[key].shape for key in one["results"].values()], one["name"]


@pytest.mark.slow
def test_the_list_of_programs_holds_no_arrays(written):
    folder, _, about = written
    assert (folder / "programs.json").stat().st_size < 5_000 * len(about["programs"])


@pytest.mark.slow
def test_weights_are_stored_once_and_are_the_models(written):
    folder, model, about = written
    arrays = np.load(folder / about["arrays"])
    kernel = model.get_layer("head").kernel.numpy()
    keys = [key for key in arrays.files if np.array_equal(arrays[key], kernel)]
    assert len(keys) == 1
    assert all(keys[0] in one["arguments"] for one in about["programs"])


@pytest.mark.slow
def test_results_are_the_methods_own(written):
    folder, model, about = written
    arrays = np.load(folder / about["arrays"])
    one = next(one for one in about["programs"] if one["name"] == "integrated_gradients")
    a = tfxai.IntegratedGradients()(model, builders.images(1))
    np.testing.assert_array_equal(arrays[one["results"]["values"]], a.values)
    np.testing.assert_array_equal(arrays[one["results"]["score"]], a.score)
    assert one["passes"] * int(one["bare"].removeprefix("bare_")) == a.method["options"]["steps"]


def test_program_of_a_product_is_a_multiplication_of_its_arguments():
    weight = tf.Variable([[2.0], [3.0]])
    program, taken = export.compile_program(
        lambda x: {"product": x @ weight}, (tf.constant([[4.0, 5.0]]),)
    )
    assert parsed(program) == ([(1, 2), (2, 1)], [(1, 1)])
    np.testing.assert_array_equal(taken[0], [[4.0, 5.0]])
    assert taken[1] is weight.handle
    module = hlo_pb2.HloModuleProto.FromString(program)
    assert "dot" in {one.opcode for part in module.computations for one in part.instructions}


def test_bare_pass_of_many_rows_is_the_mean_gradient_on_a_path():
    model = builders.formula(lambda x: x[:, :1] * x[:, 1:], dtype="float32")
    run = tf.function(export.bare_pass(model, 4), autograph=False)
    # f = x0 x1 on alpha (3, 4), alpha of 1/4, 2/4, 3/4, 1: mean gradient 5/8 (4, 3)
    np.testing.assert_allclose(run(tf.constant([[3.0, 4.0]])), [[2.5, 1.875]], rtol=1e-6)


@pytest.mark.slow
def test_values_of_the_programs_are_those_of_tensorflow_under_jax(written):
    pytest.importorskip("jax", reason="JAX is not installed: see benchmarks/gpu/README.md")
    words = [sys.executable, ROOT / "benchmarks/gpu/run.py", written[0], "--rounds", "2"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
