"""Runs on Ray and Spark; they run in the environment of `make engines`."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import tfxai
from tests.batch.conftest import SHAPE
from tests.batch.faults import Harmful
from tests.batch.results import rows_of
from tests.processes import ROOT
from tfxai.batch import Explainer, job_of, run_job
from tfxai.errors import InvalidInputError

pytestmark = pytest.mark.filterwarnings("ignore")  # other packages' own
METHODS = (tfxai.GradCAM(), tfxai.IntegratedGradients(steps=4))


def compare(model, folder, engine):
    """Runs in process and by the engine, and asserts that the results agree."""
    source = Harmful(20, SHAPE, nan=(3,), failed=(15,))

    def run(name, engine=None):
        job = job_of(source, Explainer(model, METHODS), folder / name, batch_size=4, shard_size=8)
        return run_job(job, engine=engine, workers=2 if engine else 1, threads=1)

    plain, made = run("plain"), run("cluster", engine)
    assert plain["counts"] == made["counts"]
    a, b = rows_of(folder / "plain"), rows_of(folder / "cluster")
    assert list(a) == list(b)
    for key, row in a.items():
        for name in ("grad_cam/values", "integrated_gradients/values"):
            atol = 1e-6 * np.abs(row[name]).max()
            np.testing.assert_allclose(b[key][name], row[name], rtol=0, atol=atol)


def test_ray_on_two_nodes(model, tmp_path):
    ray = pytest.importorskip("ray", reason="make engines installs ray")
    from ray.cluster_utils import Cluster

    from tfxai.batch.ray import Ray

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        compare(model, tmp_path, Ray((f"--address={cluster.address}",), 2, 1))
        assert len([node for node in ray.nodes() if node["Alive"]]) == 2
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_ray_maps_batches_by_the_explainer(model):
    ray = pytest.importorskip("ray", reason="make engines installs ray")
    x = np.random.default_rng(0).uniform(size=(10, *SHAPE)).astype(np.float32)
    direct = METHODS[1](tfxai.load(model), x)
    ray.init(num_cpus=2, log_to_driver=False)
    try:
        rows = ray.data.from_items([{"inputs": one, "id": i} for i, one in enumerate(x)])
        words = {"fn_constructor_args": (model, METHODS), "batch_size": 5, "batch_format": "numpy"}
        pool = ray.data.ActorPoolStrategy(size=1)
        found = rows.map_batches(Explainer, compute=pool, **words).take_all()
    finally:
        ray.shutdown()
    assert sorted(row["id"] for row in found) == list(range(10))
    for row in found:
        values = direct.values[row["id"]]
        atol = 1e-6 * np.abs(values).max()
        given = row["integrated_gradients/values"]
        np.testing.assert_allclose(given, values, rtol=0, atol=atol)


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_spark_on_a_local_cluster(model, tmp_path, monkeypatch):
    pytest.importorskip("pyspark", reason="make engines installs pyspark")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # its processes read the data of the tests
    from tfxai.batch.spark import Spark

    compare(model, tmp_path, Spark(("--master=local-cluster[2,1,1024]",), 2, 1))
    from pyspark.sql import SparkSession

    SparkSession.builder.getOrCreate().stop()


def test_options_that_an_engine_does_not_know_are_refused_before_the_run():
    pytest.importorskip("ray", reason="make engines installs ray")
    pytest.importorskip("pyspark", reason="make engines installs pyspark")
    from tfxai.batch.ray import Ray
    from tfxai.batch.spark import Spark

    for engine in (Ray, Spark):
        with pytest.raises(InvalidInputError, match="--workers=3"):
            engine(("--workers=3",))
