"""The block of docs/concepts.md runs, and gives what it says."""

from __future__ import annotations

from tests.docs.blocks import block_with, run


def test_the_example_tests_stripes_at_two_layers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run(block_with("docs/concepts.md", "concepts.TCAV"), {})
    rows = names["found"].table()
    assert [(row["layer"], row["concept"]) for row in rows] == [
        ("conv1", "stripes"),
        ("conv2", "stripes"),
    ]
    assert min(row["accuracy"] for row in rows) > 0.6  # stripes are not noise
    assert (tmp_path / "concepts.png").stat().st_size > 5_000
    assert (tmp_path / "concepts.csv").read_text().count("\n") == 3
    assert len(list((tmp_path / "activations").iterdir())) == 6
