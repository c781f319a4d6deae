"""The blocks of docs/concepts.md run, and give what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import block_with, run


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    """The folder in which both blocks ran, and their names."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        names = run(block_with("docs/concepts.md", "concepts.TCAV"), {})
        return folder, run(block_with("docs/concepts.md", "ConceptDiscovery"), names)


def test_the_example_tests_stripes_at_two_layers(page):
    folder, names = page
    rows = names["found"].table()
    assert [(row["layer"], row["concept"]) for row in rows] == [
        ("conv1", "stripes"),
        ("conv2", "stripes"),
    ]
    assert min(row["accuracy"] for row in rows) > 0.6  # stripes are not noise
    assert (folder / "concepts.png").stat().st_size > 5_000
    assert (folder / "concepts.csv").read_text().count("\n") == 3
    assert len(list((folder / "activations").iterdir())) == 6


def test_the_example_finds_concepts_and_takes_one_apart(page):
    folder, names = page
    assert [row["concept"] for row in names["discovered"].table()] == [
        f"concept {i}" for i in range(1, 5)
    ]
    assert (folder / "discovered.png").stat().st_size > 5_000
    assert names["where"].values.shape == (2, 6, 6)
    assert names["fine"].values.shape == (2, 32, 32, 3)
    assert names["parts"].target == "concept 1 of conv2"
    assert names["parts"].layer == "conv1"
