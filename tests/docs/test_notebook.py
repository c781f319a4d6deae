"""The notebook runs from top to bottom on a fresh kernel."""

import base64
import json
from pathlib import Path

import nbformat
import pytest

from notebooks.execute import execute

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "cifar10_explained.ipynb"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own packages
@pytest.mark.parametrize("with_cifar10", [False, True], ids=["photographs", "cifar10"])
def test_notebook_runs_on_a_fresh_kernel(with_cifar10, request, monkeypatch):
    if with_cifar10:
        data = request.getfixturevalue("test_data") / "data" / "tensorflow_datasets"
        monkeypatch.setenv("TFDS_DATA_DIR", str(data))
    else:
        monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[1]))
    notebook = execute(NOTEBOOK)
    text = json.dumps(notebook)
    assert ("CIFAR-10 test image" in _printed(notebook)) == with_cifar10
    assert text.count('"image/png"') == 4


def test_committed_notebook_holds_figures_of_photographs_and_no_data_set_image():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    printed = _printed(notebook)
    assert "truth: Cat" in printed
    assert "CIFAR-10 test image" not in printed
    pictures = [
        output["data"]["image/png"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 4
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def _printed(notebook):
    return "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
