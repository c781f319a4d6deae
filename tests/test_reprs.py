"""Cards, scans, entries and inspections are short, whatever a file says."""

import html
import re
from pathlib import Path

import pytest

from tests.test_card import CARD
from tfxai.card import Card
from tfxai.inspection import inspecting
from tfxai.inspection.counting import Parameters
from tfxai.inspection.report import Findings
from tfxai.registry.entries import Entry
from tfxai.reprs import size

LONG = "x" * 500 + "\n"


def report(name="m.keras"):
    found = Findings()
    found.refuse("lambda", "It runs code.", "layer")
    found.warn("own layer", "A class of one's own.")
    found.warn("own loss", "A loss of one's own.")
    return found.report(Path(name), "keras")


def entry(**changes):
    given = {"name": "small", "file": Path("small.keras"), "others": (), "format": "keras"}
    given |= {"size": 2_500_000, "card": CARD, "history": None}
    return Entry(**given | changes)


def inspection(**changes):
    given = {"path": Path("m.keras"), "format": "keras", "size": 900, "sha256": None}
    return inspecting.Inspection(report=report(), **given | changes)


def test_the_lines_say_what_counts():
    assert repr(CARD) == "Card('small', 2 classes, input (32, 32, 3), accuracy 87.5%)"
    assert repr(Card(name="bare")) == "Card('bare')"
    assert repr(report()) == "Report('m.keras', keras, refuse: 1 refuse, 2 warn)"
    assert repr(Findings().report(Path("m.h5"), "hdf5")) == "Report('m.h5', hdf5, ok: no finding)"
    assert repr(entry(card=None)) == "Entry('small', keras, 2.5 MB, no card)"
    assert repr(entry(card=None, fault="It is no JSON.")).endswith("2.5 MB, card cannot be read)")
    full = inspection(
        model_class="Functional",
        layers=(inspecting.Layer("a", "Dense", None, None, True),) * 3,
        parameters=Parameters(1234567, None, None),
    )
    assert repr(full) == (
        "Inspection('m.keras', keras, 900 bytes, Functional, 3 layers, 1,234,567 parameters, "
        "refuse)"
    )
    assert repr(inspection()) == "Inspection('m.keras', keras, 900 bytes, refuse)"


@pytest.mark.parametrize(
    "made",
    [
        Card(name=LONG, classes=("a",) * 1000, notes=(LONG,)),
        report(LONG),
        entry(name=LONG),
        inspection(path=Path(LONG), model_class=LONG, name=LONG),
    ],
    ids=lambda made: type(made).__name__,
)
def test_what_a_file_says_neither_breaks_nor_fills_the_line(made):
    assert len(repr(made)) < 200
    assert "\n" not in repr(made)


def test_sizes_are_in_words():
    assert [size(n) for n in (0, 999, 1000, 1_250_000, 3e9)] == [
        "0 bytes", "999 bytes", "1.0 kB", "1.2 MB", "3.0 GB"
    ]  # fmt: skip


HOSTILE = "<script>alert(1)</script>\x1b[31m" + "y" * 100_000


def cells(markup):
    """The texts of a table's cells, row by row."""
    rows = re.findall("<tr>(.*?)</tr>", markup)
    return [
        [html.unescape(one) for one in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]


def test_a_notebook_shows_what_a_card_says():
    rows = cells(CARD._repr_html_())
    assert ["Classes", ", ".join(CARD.classes)] in rows
    assert ["Input", "(32, 32, 3)"] in rows
    assert any(row[0] == "Accuracy" and row[1].startswith("87.50%") for row in rows)
    assert cells(Card(name="bare")._repr_html_()) == []
    many = Card(name="m", classes=tuple(map(str, range(1000))))
    assert cells(many._repr_html_()) == [
        ["Classes", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, and 988 more"]
    ]


def test_a_notebook_shows_the_findings_of_a_scan():
    markup = report()._repr_html_()
    assert cells(markup)[2:] == [
        ["refuse", "lambda", "layer", "It runs code."],
        ["warn", "own layer", "", "A class of one's own."],
        ["warn", "own loss", "", "A loss of one's own."],
    ]
    assert "Report(" in html.unescape(markup)


def test_a_notebook_shows_an_inspected_model_with_its_layers():
    layer = inspecting.Layer("a/b", "Dense", (None, 3), 12, True)
    shown = inspection(layers=(layer,) * 30, parameters=Parameters(1234567, None, None))
    markup = shown._repr_html_()
    rows = cells(markup)
    assert ["Parameters", "1,234,567"] in rows
    assert rows.count(["a/b", "Dense", "(B, 3)", "12"]) == 12
    assert "18 more" in markup
    assert ["refuse", "lambda", "layer", "It runs code."] in rows


@pytest.mark.parametrize(
    "made",
    [
        Card(name=HOSTILE, classes=(HOSTILE,) * 1000, notes=(HOSTILE,) * 100, dataset=HOSTILE),
        report(HOSTILE[:30]),
        inspection(
            path=Path(HOSTILE),
            model_class=HOSTILE,
            layers=(inspecting.Layer(HOSTILE, HOSTILE, None, None, True),) * 1000,
            custom_objects=(HOSTILE,) * 1000,
        ),
    ],
    ids=lambda made: type(made).__name__,
)
def test_what_a_file_says_is_text_in_a_notebook_and_bounded(made):
    markup = made._repr_html_()
    assert len(markup) < 40_000
    assert "<script" not in markup
    assert "\x1b" not in markup
