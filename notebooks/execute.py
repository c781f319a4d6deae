"""`make notebook`: executes a notebook from top to bottom on a fresh kernel, in place.

What TensorFlow logs about the machine is left out of the outputs, and so are the empty places of
progress bars.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tfxai.files import replacing


def execute(path: Path) -> Any:
    """The notebook at `path` with fresh outputs; the file is left as it is.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell raised.
    """
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=600, resources=resources).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when each cell ran
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if not _is_noise(one)]
    return notebook


def _is_noise(output: Any) -> bool:
    data = output.get("data")
    return output.get("name") == "stderr" or (data is not None and not any(data.values()))


if __name__ == "__main__":
    file = Path(sys.argv[1])
    done = execute(file)
    with replacing(file) as beside:
        nbformat.write(done, beside)
