"""The default memory budget follows the machine."""

from __future__ import annotations

import pytest

from tests.processes import ROOT
from tfxai import config

GIB = 2**30


def written(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def meminfo(root, kilobytes):
    return written(root, proc__meminfo=f"MemTotal: 99 kB\nMemAvailable:  {kilobytes} kB\n")


def test_free_memory_is_that_of_the_machine(tmp_path):
    assert config._free_memory(meminfo(tmp_path, 2048)) == 2048 * 1024


def test_a_container_may_have_less(tmp_path):
    root = meminfo(tmp_path, 9 * 2**20)
    folder = root / "sys/fs/cgroup"
    folder.mkdir(parents=True)
    (folder / "memory.max").write_text(f"{3 * GIB}\n")
    (folder / "memory.current").write_text(f"{GIB}\n")
    assert config._free_memory(root) == 2 * GIB
    (folder / "memory.max").write_text("max\n")
    assert config._free_memory(root) == 9 * GIB
    (folder / "memory").mkdir()
    (folder / "memory/memory.limit_in_bytes").write_text(f"{2 * GIB}")
    (folder / "memory/memory.usage_in_bytes").write_text(f"{GIB}")
    assert config._free_memory(root) == GIB


def test_nobody_says_how_much_is_free(tmp_path):
    assert config._free_memory(tmp_path) is None


@pytest.mark.parametrize(("free", "budget"), [(None, GIB), (8 * GIB, 2 * GIB), (0, 2**26)])
def test_default_budget_is_a_quarter_of_what_is_free(free, budget):
    assert config._default_budget(free) == budget


def test_the_environment_says_otherwise():
    import os
    import subprocess
    import sys

    code = "from tfxai import config; print(config.memory_budget)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TFXAI_MEMORY_BUDGET": "12345"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["12345"]
