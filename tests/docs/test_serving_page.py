"""docs/serving.md: its commands, code and files do what it says."""

from __future__ import annotations

import json
import re
import subprocess

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import tfxai
from tests.docs.blocks import ROOT, python_blocks, run
from tests.serving.servers import free_port, photograph, pixels, serving, until
from tfxai.cli.app import app
from tfxai.export import save
from tfxai.serving.limits import ServerLimits
from tfxai.serving.models.versions import VersionFolder

PAGE = ROOT / "docs" / "serving.md"
ADDRESS = "http://127.0.0.1:8502"
FILES = ("pod.yaml", "compose.yaml")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    base = tmp_path_factory.mktemp("served")
    methods = {"integrated_gradients": tfxai.IntegratedGradients(), "grad_cam": tfxai.GradCAM()}
    save(tfxai.load("cifar10_cnn"), base / "cifar10_cnn", methods)
    models = VersionFolder(base)
    with serving(models) as address:
        until(lambda: models.waits_for() is None)
        yield address


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.jpg").write_bytes(photograph())
    return tmp_path


@pytest.mark.slow
def test_the_curl_commands(url, place):
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block.count(ADDRESS) == 3
    script = block.replace(ADDRESS, url)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    answer = json.loads((place / "answer.json").read_text())
    assert answer["explanations"][0]["attributions"][0]["outputDisplayName"] == "Cat"
    assert pixels((place / "heatmap.png").read_bytes()).shape == (32, 32, 3)
    methods = json.loads((place / "methods.json").read_text())["methods"]
    assert [one["name"] for one in methods][:2] == ["integrated_gradients", "grad_cam"]


@pytest.mark.slow
def test_the_python_example(url, place):
    (block, _) = python_blocks("docs/serving.md")
    assert ADDRESS in block
    names = run(block.replace(ADDRESS, url), {})
    assert names["values"].shape == (32, 32, 3)
    total = names["values"].sum() - names["difference"]
    assert total == pytest.approx(names["one"]["completenessGap"], abs=1e-4)
    assert names["answer"]["predictions"][0][3] == pytest.approx(0.92, abs=0.01)
    share = abs(names["one"]["completenessGap"] / names["difference"])
    assert names["one"]["approximationError"] == pytest.approx(share, rel=1e-3)


@pytest.mark.slow
def test_the_example_of_grpc(tmp_path):
    save(tfxai.load("cifar10_cnn"), tmp_path / "cifar10_cnn" / "1", ["grad_cam"])
    (_, block) = python_blocks("docs/serving.md")
    address, models = f"127.0.0.1:{free_port()}", VersionFolder(tmp_path)
    host, _, port = address.partition(":")
    with serving(models, grpc_at=(host, int(port))):
        until(lambda: models.waits_for() is None)
        names = run(block.replace("127.0.0.1:8500", address), {})
    heatmap = names["tf"].make_ndarray(names["answer"].outputs["heatmap"])
    assert heatmap.shape == (1, 32, 32)
    assert set(names["answer"].outputs) == {"heatmap", "score"}
    names["channel"].close()


def words_of(name):
    """The arguments of the sidecar, and of what it stands in front of."""
    documents = list(yaml.safe_load_all((ROOT / "deploy" / name).read_text()))
    if name == "compose.yaml":
        return {key: one["command"] for key, one in documents[0]["services"].items()}
    return {one["name"]: one["args"] for one in documents[0]["spec"]["containers"]}


@pytest.mark.parametrize("name", FILES)
def test_the_files_for_a_pod_name_options_that_are_there(name):
    words = words_of(name)
    assert set(words) == {"serving", "explain"}
    shown = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).stdout
    options = dict(word.split("=", 1) for word in words["explain"])
    assert all(f"{option} " in shown for option in options)
    behind = dict(word.split("=", 1) for word in words["serving"])
    assert options["--upstream"].endswith(f":{behind['--rest_api_port']}")
    assert options["--model-name"] == behind["--model_name"]
    assert behind["--model_base_path"].endswith(behind["--model_name"])


def test_a_pod_shares_its_network_and_its_service_its_ports():
    pod, service = yaml.safe_load_all((ROOT / "deploy" / "pod.yaml").read_text())
    ports = {
        port["name"]: port["containerPort"]
        for one in pod["spec"]["containers"]
        for port in one["ports"]
    }
    assert {port["name"]: port["port"] for port in service["spec"]["ports"]} == {
        name: ports[name] for name in ("rest", "explain")
    }
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    probed = {
        probe["httpGet"]["path"]
        for one in pod["spec"]["containers"]
        for key, probe in one.items()
        if key.endswith("Probe")
    }
    assert probed == {"/v1/models/cifar10_cnn", "/readyz", "/healthz"}
    explain = words_of("pod.yaml")["explain"]
    timeout = float(dict(word.split("=") for word in explain)["--timeout"])
    assert pod["spec"]["terminationGracePeriodSeconds"] > timeout + 5


def test_the_limits_of_the_page_are_the_defaults():
    limits, page = ServerLimits(), PAGE.read_text()
    for shown in (
        f"| {limits.body // 2**20} MB |",
        f"| {limits.instances} |",
        f"| {limits.steps:,} |",
        f"| {limits.pixels:,} |",
        f"| processors, {limits.queue} |",
        f"| {limits.seconds:g} s |",
    ):
        assert shown in page
    assert np.isfinite(limits.seconds)


def test_the_image_installs_what_the_sidecar_imports():
    named = (ROOT / "deploy" / "requirements.txt").read_text().split()
    pinned = (ROOT / "requirements-dev.txt").read_text() + (ROOT / "requirements.txt").read_text()
    packages = [one for one in named if "==" in one]
    assert len(packages) > 10
    assert all(one in pinned for one in packages)  # the versions that the tests ran with
    assert "tensorflow" not in " ".join(packages)
