"""`make notebooks`: executes notebooks from top to bottom on fresh kernels, in place.

What TensorFlow logs about the machine is left out of the outputs, and so are the empty places of
progress bars. Pictures are made small enough for a repository.
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

from tfxai.files import replacing

WIDEST = 800
"""Most pixels across a picture in an output."""


def execute(path: Path) -> Any:
    """The notebook at `path` with fresh outputs; the file is left as it is.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell raised.
    """
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=600, resources=resources, coalesce_streams=True).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when each cell ran
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if not _is_noise(one)]
            for one in cell.outputs:
                data = one.get("data", {})
                if "image/png" in data:
                    data["image/png"] = shrunk(data["image/png"])
                    data.pop("image/jpeg", None)  # the same picture again
    return notebook


def shrunk(png: str) -> str:
    """The picture no wider than `WIDEST`, with a palette of its own.

    Args:
        png: A PNG in base64.
    """
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    picture.thumbnail((WIDEST, 2 * WIDEST))
    buffer = io.BytesIO()
    picture.quantize(256).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _is_noise(output: Any) -> bool:
    data = output.get("data")
    return output.get("name") == "stderr" or (data is not None and not any(data.values()))


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        done = execute(file)
        with replacing(file) as beside:
            nbformat.write(done, beside)
