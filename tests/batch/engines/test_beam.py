"""Explanations in Beam's pipelines; they run in the environment of `make engines`."""

from __future__ import annotations

import numpy as np
import pytest

apache_beam = pytest.importorskip("apache_beam", reason="make engines installs apache-beam")
from apache_beam.testing.util import assert_that  # noqa: E402

import tfxai  # noqa: E402
from tests.batch.conftest import PIXELS, SHAPE  # noqa: E402
from tests.batch.faults import Harmful  # noqa: E402
from tests.batch.results import rows_of, same  # noqa: E402
from tfxai.batch import Explainer, ExportExplainer, job_of, run_job  # noqa: E402
from tfxai.batch.beam import (  # noqa: E402
    Beam,
    Explain,
    ExplainModelHandler,
    KeyedModelHandler,
    RunInference,
)
from tfxai.errors import InvalidInputError  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # other packages' own
METHODS = (tfxai.GradCAM(), tfxai.IntegratedGradients(steps=4))
RUNNER = "FnApiRunner"


def near(given, direct):
    np.testing.assert_allclose(given, direct, rtol=0, atol=1e-6 * np.abs(direct).max())


def test_the_handler_explains_what_is_keyed(model):
    direct = METHODS[1](tfxai.load(model), PIXELS)
    examples = [(f"k{i}", {"inputs": pixels, "id": i}) for i, pixels in enumerate(PIXELS)]

    def check(found):
        assert sorted(key for key, _ in found) == sorted(key for key, _ in examples)
        for key, result in found:
            i = int(key[1:])
            assert result.inference["id"] == i
            assert result.model_id == model
            near(result.inference["integrated_gradients/values"], direct.values[i])

    handler = KeyedModelHandler(ExplainModelHandler(Explainer(model, METHODS), max_batch_size=5))
    with apache_beam.Pipeline(RUNNER) as pipeline:
        found = pipeline | apache_beam.Create(examples) | RunInference(handler)
        assert_that(found, check)


def test_the_handler_explains_by_the_signatures_of_an_export(model, tmp_path):
    folder = tfxai.export.save(tfxai.load(model), tmp_path / "colours" / "1", METHODS[:1])
    direct = METHODS[0](tfxai.load(model), PIXELS)

    def check(found):
        assert len(found) == len(PIXELS)
        for one in found:
            near(one.inference["grad_cam/values"], direct.values[int(one.inference["id"])])

    handler = ExplainModelHandler(ExportExplainer(str(folder)))
    with apache_beam.Pipeline(RUNNER) as pipeline:
        examples = apache_beam.Create(
            [{"inputs": pixels, "id": i} for i, pixels in enumerate(PIXELS)]
        )
        assert_that(pipeline | examples | RunInference(handler), check)


def test_the_handler_counts_loads_and_examples(model):
    pipeline = apache_beam.Pipeline(RUNNER)
    examples = [{"inputs": pixels} for pixels in PIXELS]
    handler = ExplainModelHandler(Explainer(model, METHODS[:1]), max_batch_size=4)
    _ = pipeline | apache_beam.Create(examples) | RunInference(handler)
    result = pipeline.run()
    result.wait_until_finish()
    counters = {one.key.metric.name: one.committed for one in result.metrics().query()["counters"]}
    assert counters["num_inferences"] == len(PIXELS)
    loads = [one for one in result.metrics().query()["distributions"]
             if one.key.metric.name.startswith("load_model_latency")]  # fmt: skip
    assert sum(one.committed.count for one in loads) == 1
    sizes = handler.get_num_bytes(examples[:2])
    assert sizes == 2 * PIXELS[0].nbytes


def test_the_transform_sets_aside_what_fails(model):
    direct = METHODS[1](tfxai.load(model), PIXELS)
    good = [
        {"inputs": pixels.astype(np.float32) / 255, "id": i} for i, pixels in enumerate(PIXELS)
    ]
    bad = {"inputs": np.full(SHAPE, np.nan, np.float32), "id": -1}

    def explained(found):
        assert sorted(int(one["id"]) for one in found) == list(range(len(PIXELS)))
        for one in found:
            near(one["integrated_gradients/values"], direct.values[int(one["id"])])

    def failed(found):
        ((example, reason),) = found
        assert example["id"] == -1
        assert "NaN" in reason

    with apache_beam.Pipeline(RUNNER) as pipeline:
        made = (
            pipeline
            | apache_beam.Create([*good[:9], bad, *good[9:]])
            | Explain(Explainer(model, METHODS), max_batch_size=6)
        )
        assert_that(made.explained, explained, label="explained")
        assert_that(made.failed, failed, label="failed")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_gives_what_it_gives_in_process(model, tmp_path, workers):
    source = Harmful(20, SHAPE, nan=(3,), failed=(15,))

    def run(name, engine=None):
        explainer = Explainer(model, METHODS)
        job = job_of(source, explainer, tmp_path / name, batch_size=4, shard_size=8)
        return run_job(job, engine=engine, workers=workers if engine else 1, threads=1)

    plain, made = run("plain"), run("beam", Beam((), workers, 1))
    assert plain["counts"] == made["counts"]
    if workers == 1:
        same(tmp_path / "plain", tmp_path / "beam")
    a, b = rows_of(tmp_path / "plain"), rows_of(tmp_path / "beam")
    for key, row in a.items():
        near(b[key]["integrated_gradients/values"], row["integrated_gradients/values"])


def test_an_option_that_beam_does_not_know_is_refused(model, tmp_path):
    job = job_of(Harmful(4, SHAPE), Explainer(model, METHODS), tmp_path / "out")
    with pytest.raises(InvalidInputError, match="--runer"):
        run_job(job, engine=Beam(("--runer=FlinkRunner",)))
