"""What a release says of itself, and what ships."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tfxai
from tests.processes import ROOT

SHIPPED = 10 * 2**20  # bytes that a wheel may have
IMPORT_BUDGET = 0.1  # seconds, on an idle machine
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_has_one_source():
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"] == {"version": {"attr": "tfxai.__version__"}}


def test_the_citation_names_the_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^version: (.*)$", citation) == [tfxai.__version__]


def test_the_models_that_ship_leave_room_for_the_code():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["tfxai.pretrained"]
    files = [path for pattern in patterns for path in (ROOT / "models").glob(pattern)]
    assert sorted(path.name for path in files) == sorted(patterns)
    assert sum(path.stat().st_size for path in files) < SHIPPED


def test_import_is_quick():
    """The fastest of several: what other processes take only adds to it."""

    def seconds() -> float:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", "import tfxai"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return int(done.stderr.splitlines()[-1].split("|")[1]) / 1e6

    assert min(seconds() for _ in range(5)) < IMPORT_BUDGET


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
    options = ("--strict", "--config-file", "", "--cache-dir", tmp_path / "cache")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
