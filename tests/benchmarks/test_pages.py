"""A page keeps what is written by hand, and its measured part is what was measured."""

import pytest

from benchmarks.pages import marks, part, replaced
from tests.processes import ROOT


def test_only_what_lies_between_the_marks_changes():
    start, end = marks("numbers")
    page = f"before\n{start}\nold\n{end}\nafter\n"
    new = replaced(page, "numbers", "\nnew\n\n")
    assert new == f"before\n{start}\nnew\n{end}\nafter\n"
    assert part(new, "numbers") == "\nnew\n"
    with pytest.raises(ValueError, match="between which"):
        replaced(page, "others", "new")


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("sanity", "cifar10_cnn"),
        ("sanity", "efficientnet_lite0"),
        ("trust", "instruments"),
        ("benchmarks", "measured"),
    ],
)
def test_every_measured_page_has_its_marks(page, name):
    part((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"), name)
