"""The documentation site: it names everything there is, and builds without a warning."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

import tfxai
from tests.docs.blocks import ROOT
from tfxai.metrics.catalogue import METRICS

DOCS = ROOT / "docs"
PAGES = [path for path in DOCS.rglob("*.md") if "_build" not in path.parts]


def test_the_reference_names_all_that_can_be_had():
    named = {
        line.strip().removeprefix("errors.")
        for page in (DOCS / "reference").glob("*.md")
        for line in page.read_text().splitlines()
    }
    own = set(tfxai.__all__) - set(tfxai._MODULES) - {"__version__"}
    assert own - named == set()
    assert {f"metrics.{cls.__name__}" for cls in METRICS.values()} - named == set()
    for module in ("plotting", "rules", "baselines"):
        names = set(getattr(tfxai, module).__all__) - own
        assert {f"{module}.{name}" for name in names} - named == set()


def test_every_method_has_its_place_in_a_family():
    said = "".join(path.read_text() for path in (DOCS / "families").glob("*.md"))
    names = {cls.__name__ for cls in map(tfxai.methods.get, tfxai.methods.names())}
    assert {name for name in names if f"tfxai.{name}`" not in said} == set()


def test_every_page_can_be_reached():
    listed = set()
    for page in PAGES:
        for tree in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), re.S):
            words = [line.strip() for line in tree.splitlines() if line and line[0] != ":"]
            listed |= {_source(page.parent / word) for word in words}
    notebooks = set((ROOT / "notebooks").glob("*.ipynb"))
    assert notebooks - listed == set()
    assert {page.name for page in PAGES if page not in listed} == {"index.md"}
    assert all(page.exists() for page in listed)


def _source(page):
    """The file of a page: a notebook is copied from where it lies when the site is built."""
    notebook = ROOT / "notebooks" / f"{page.name}.ipynb"
    return notebook if page.parent.name == "notebooks" else page.with_suffix(".md").resolve()


@pytest.mark.slow
def test_it_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-d",
         tmp_path / "doctrees", DOCS, tmp_path / "html"],
        cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    pages = {path.relative_to(tmp_path / "html").as_posix() for path in tmp_path.rglob("*.html")}
    assert {"index.html", "families/paths.html", "reference/generated/tfxai.LRP.html"} <= pages
    assert "notebooks/transformers.html" in pages
    for path in (tmp_path / "html").rglob("*.html"):
        text = path.read_text()
        loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', text)
        assert loaded == [], path  # pages open without a network
    assert "<math" in (tmp_path / "html/families/paths.html").read_text()
    assert "data:image" not in text
