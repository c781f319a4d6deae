"""The blocks of docs/scaling.md run in their order; its conditions and options are there."""

from __future__ import annotations

import re

from PIL import Image

from tests.docs.blocks import ROOT, python_blocks, run
from tfxai.batch import Where
from tfxai.data.samples import sample_image


def test_every_block_runs_and_gives_what_its_comments_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in ("chelsea", "coffee"):
        Image.fromarray(sample_image(name)).save(tmp_path / "photos" / f"{name}.jpg")
    first, reading, second = python_blocks("docs/scaling.md")
    names = run(first, {})
    counts = names["manifest"]["counts"]
    assert (counts["examples"], counts["failed"], counts["cropped_or_resized"]) == (2, 0, 2)
    assert (tmp_path / "summary.png").is_file()
    names = run(reading, names)
    assert names["maps"].shape == (2, 4, 4)
    names = run(second, names)
    assert names["answers"]["grad_cam/values"].shape == (2, 4, 4)


def test_the_conditions_of_the_page_are_conditions():
    text = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
    found = re.findall(r'--where "(.*?)"', text)
    assert found
    for one in found:
        Where(one)
