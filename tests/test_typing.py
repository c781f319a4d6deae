"""What a type checker makes of a user's program; mypy, whose answer editors give too."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from tests.processes import ROOT
from tfxai.methods import AttributionMethod

START = """
import keras
import numpy as np
import tfxai
from tfxai import inspect_model

model: keras.Model = tfxai.load("cifar10_cnn").model
x = np.zeros((1, 32, 32, 3), np.float32)
"""
ACCEPTED = (
    'tfxai.GradCAM(layer="x")',
    'tfxai.GradCAM(layer=("x", "y"), reshape=(4, 4))',
    'tfxai.IntegratedGradients(steps=9, baseline="blur", tolerance=0.01)',
    "tfxai.LRP(rule=tfxai.rules.Epsilon(epsilon=0.1))",
    'tfxai.Saliency()(tfxai.load("cifar10_cnn"), x, "Frog", score="output", chunk_size=2)',
    "tfxai.config.memory_budget = 2**30",
)
REFUSED = {
    'tfxai.GradCAM(layre="x")': 'Unexpected keyword argument "layre"',
    'tfxai.GradCAM("x")': "Too many positional arguments",
    'tfxai.IntegratedGradients(steps="x")': '"steps" to "IntegratedGradients" has incompatible',
    "tfxai.Conductance()": 'Missing named argument "layer"',
    "tfxai.Saliency()(model, x, chunksize=2)": 'Unexpected keyword argument "chunksize"',
    "tfxai.Saliency()(model, x, at=3)": 'Argument "at"',
    "tfxai.load(trust=True)": 'Missing positional argument "name_or_path"',
    "tfxai.Nothing": 'has no attribute "Nothing"',
    "tfxai.data.Nothing": 'has no attribute "Nothing"',
    "tfxai.export.Nothing": 'has no attribute "Nothing"',
    "tfxai.methods.Nothing": 'has no attribute "Nothing"',
    "tfxai.models.Nothing": 'has no attribute "Nothing"',
    "tfxai.plotting.Nothing": 'has no attribute "Nothing"',
}
REVEALED = {
    "tfxai.IntegratedGradients(steps=50)(model, x)": "tfxai.attribution.Attribution",
    "tfxai.GradCAM()": "tfxai.methods.cam.grad_cam.GradCAM",
    'tfxai.load("cifar10_cnn")': "tfxai.subject.Subject",
    'inspect_model("a.keras")': "tfxai.inspection.inspecting.Inspection",
    'tfxai.scan_model("a.keras").findings': "tuple[tfxai.inspection.report.Finding, ...]",
    "tfxai.Saliency()(model, x).plot()": "matplotlib.figure.Figure",
}
LINES = (*ACCEPTED, *REFUSED, *(f"reveal_type({one})" for one in REVEALED))


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> dict[str, str]:
    """What mypy says of each of the `LINES`, all of it in one text."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("typing")
    program = folder / "program.py"
    program.write_text(START + "\n".join(LINES) + "\n")
    options = ("--config-file", "setup.cfg", "--cache-dir", folder / "cache", "--no-pretty")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, program],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = dict.fromkeys(LINES, "")
    for path, number, text in re.findall(r"(?m)^(.*?\.py):(\d+): (.*)$", done.stdout):
        assert Path(path).name == program.name, f"{path}:{number}: {text}"
        found[program.read_text().splitlines()[int(number) - 1]] += text + "\n"
    return found


@pytest.mark.slow
def test_what_can_be_called_so_is_accepted(said):
    assert {line: said[line] for line in ACCEPTED if said[line]} == {}


@pytest.mark.slow
def test_what_cannot_be_called_so_is_an_error(said):
    passed = [line for line in REFUSED if "error: " not in said[line]]
    other = {line: said[line] for line in REFUSED if REFUSED[line] not in said[line]}
    assert (passed, other) == ([], {})


@pytest.mark.slow
def test_results_have_their_type(said):
    found = {
        one: re.findall(r'Revealed type is "(.*)"', said[f"reveal_type({one})"])
        for one in REVEALED
    }
    assert found == {one: [kind] for one, kind in REVEALED.items()}


@pytest.mark.parametrize(
    "name", ["tfxai", "tfxai.data", "tfxai.export", "tfxai.models", "tfxai.registry"]
)
def test_type_checkers_see_the_names_that_a_lazy_package_has(name):
    package = importlib.import_module(name)
    (block,) = (
        node
        for node in ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen: dict[str, object] = {}
    exec(compile(ast.Module(block.body, []), name, "exec"), seen)
    del seen["__builtins__"]
    public = {one: getattr(package, one) for one in package.__all__ if one != "__version__"}
    assert sorted(seen) == sorted(public)
    assert [one for one in seen if seen[one] is not public[one]] == []


def test_the_call_of_a_method_class_is_typed_as_one_of_that_class():
    """Else Pyright, and an editor that uses it, passes over the options of all methods."""
    hints = typing.get_type_hints(type(AttributionMethod).__call__)
    assert typing.get_args(hints["cls"]) == (hints["return"],)
