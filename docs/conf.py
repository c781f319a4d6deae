"""How Sphinx makes the documentation site: `make docs`."""

from __future__ import annotations

import base64
import inspect
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
shutil.rmtree(HERE / "reference" / "generated", ignore_errors=True)  # of names that are no more
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent)]

from tfxai import __version__  # noqa: E402 - of this checkout

project = "tfxai"
author = "The tfxai authors"
copyright = author
version = release = __version__

templates_path = ["_templates"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "sphinx_copybutton",
    "mathml",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "tfxai"
html_math_renderer = "mathml"  # by the browser itself: a page needs no network
html_static_path = ["_static"]
html_css_files = ["site.css"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_excludepatterns = ["notebooks/*"]  # shown with the outputs they were committed with
nb_output_stderr = "remove"  # remarks stand under the figures

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Reference", "notes_style")]
default_role = "code"


def _copy_notebooks() -> None:
    """Puts the notebooks below this folder, each with the picture of its cell `thumbnail`."""
    folder = HERE / "notebooks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for notebook in (HERE.parent / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, folder)
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if "thumbnail" in cell["metadata"].get("tags", []):
                data = [one["data"] for one in cell["outputs"] if "data" in one]
                (folder / f"{notebook.stem}.png").write_bytes(
                    base64.b64decode(data[0]["image/png"])
                )


_copy_notebooks()


def _own_signature(app: Any, what: str, name: str, obj: Any, *rest: Any) -> Any:
    """The options of a record, of which Sphinx sees `*args` alone."""
    if what != "class" or not hasattr(obj, "__dataclass_fields__"):
        return None
    own = inspect.signature(obj.__init__)
    plain = [
        one.replace(annotation=inspect.Parameter.empty)
        for one in list(own.parameters.values())[1:]
    ]
    return re.sub(r"<[^>]*>", "...", str(inspect.Signature(plain))), None


def _plain(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Bars and stars of a docstring's formulas as they are: to docutils they are markup."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(``.*?``|`[^`]*`|\*\*.*?\*\*)", line)
            parts[::2] = [re.sub(r"([|*])(?=\S)", r"\\\1", part) for part in parts[::2]]
            lines[i] = "".join(parts)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", _own_signature)
    app.connect("autodoc-process-docstring", _plain, priority=900)
