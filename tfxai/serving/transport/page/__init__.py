"""The files of the page, in memory: no path of a request reaches the file system."""

from __future__ import annotations

import importlib.resources

_SCRIPTS = ("page.js", "answers.js", "shared.js")
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    **{f"/{name}": (name, "text/javascript; charset=utf-8") for name in _SCRIPTS},
}


def page_files() -> dict[str, tuple[bytes, str]]:
    """Path to content and type."""
    folder = importlib.resources.files(__name__)
    return {
        path: (folder.joinpath(name).read_bytes(), media) for path, (name, media) in _FILES.items()
    }
