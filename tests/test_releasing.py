"""What a release says of itself, and what ships."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path

import pytest

import tfxai
from tests.processes import ROOT
from tfxai.registry import ModelRegistry

SHIPPED = 10 * 2**20  # bytes that a wheel may have
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_has_one_source():
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"] == {"version": {"attr": "tfxai.__version__"}}


def test_the_citation_names_the_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^version: (.*)$", citation) == [tfxai.__version__]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The files of a wheel, unpacked."""
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_py", "--build-lib", folder],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    return folder


def test_a_wheel_is_small_enough(built):
    files = [path for path in built.rglob("*") if path.is_file()]
    assert built / "tfxai/py.typed" in files
    assert sum(len(zlib.compress(path.read_bytes(), 1)) for path in files) < SHIPPED


def test_the_model_that_ships_has_all_files_of_its_card(built):
    registry = ModelRegistry(built / "tfxai/pretrained")
    assert [entry.name for entry in registry.list()] == ["cifar10_cnn"]
    assert [check.state for check in registry.verify("cifar10_cnn")] == ["ok", "ok"]


@pytest.mark.slow
def test_a_small_program_passes_mypy_strict(tmp_path: Path):
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text(
        "import numpy as np\n"
        "import tfxai\n\n"
        "def gap(name: str) -> float:\n"
        "    x = np.zeros((1, 32, 32, 3), np.float32)\n"
        "    answer = tfxai.IntegratedGradients(steps=9)(tfxai.load(name), x, target=0)\n"
        "    assert answer.completeness_gap is not None\n"
        "    return float(answer.completeness_gap[0])\n"
    )
    options = ("--strict", "--follow-imports", "silent", "--config-file", "")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
