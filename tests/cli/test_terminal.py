"""What a terminal and a pipe show."""

import contextlib
import io
import re
import warnings
from pathlib import Path

import keras
import pytest
from rich.console import Console

from tests.cli.pictures import picture
from tfxai.cli import terminal
from tfxai.cli.terminal import Counted, say, table
from tfxai.progress import time_left


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_says_how_many_are_done(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with contextlib.redirect_stderr(stream):
        counted = Counted("Explaining", 300)
        for done in (36, 37):
            with counted.shown():
                counted.reach(done)
            say(f"{done} are printed")  # between two showings of the bar
    text = stream.getvalue()
    assert "37 of 300" in text
    assert " left" in text
    assert text.endswith("\x1b[2K")  # wiped away


def test_a_pipe_shows_no_bar():
    stream = io.StringIO()
    with contextlib.redirect_stderr(stream):
        counted = Counted("Explaining", 300)
        with counted.shown():
            counted.reach(37)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("done", "seconds", "said"),
    [
        (37, 65.2, "1:05 left"),
        (37, 3661, "1:01:01 left"),
        (37, 0.2, "0:00 left"),
        (37, None, ""),
        (0, 12.0, ""),
        (300, 0.0, ""),
    ],
)
def test_the_time_left_is_a_clock(done, seconds, said):
    assert time_left(done, 300, seconds) == said


LONG = "encoder_stage_4_unit_12_expanded_depthwise_convolution_with_squeeze_and_excitation_gate"


@pytest.fixture
def long_names(place):
    """A classifier with a layer, and a class, whose name is longer than a line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        x = image = keras.Input((32, 32, 3))
        x = keras.layers.Conv2D(2, 3, name=LONG)(x)
        x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
        x = keras.layers.Dense(2, activation="softmax", name="answer")(x)
        keras.Model(image, x).save("long.keras")
    Path("names.txt").write_text(f"{LONG}\ncat\n")
    picture()


@pytest.mark.parametrize("wide", ["40", "80"])
def test_names_are_never_broken_in_a_pipe(run, long_names, monkeypatch, wide):
    monkeypatch.setenv("COLUMNS", wide)
    layers = run("inspect", "long.keras").stdout
    assert f"\n{LONG} " in layers
    assert " GlobalAveragePooling2D " in layers
    assert layers.split().count(LONG) == 2, layers  # in the table, and as the layer of Grad-CAM
    words = ("--preprocessing", "unit", "--classes", "names.txt")
    assert f"\n{LONG} " in run("predict", "long.keras", "photo.png", *words).stdout
    options = ("-m", "saliency", "--format", "npz", "--target", "0")
    explained = run("explain", "long.keras", "photo.png", *words, *options).stdout
    assert any(line.startswith("saliency") and LONG in line for line in explained.splitlines()), (
        explained
    )


def test_a_terminal_is_never_exceeded(run, long_names, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # taken for a terminal
    monkeypatch.setenv("TERM", "xterm")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", run("inspect", "long.keras").stdout)
    table = plain.split("Layer")[1]
    assert max(map(len, table.splitlines())) <= 80
    assert LONG not in table


@pytest.mark.parametrize("width", [30, 60, 72, 80, 88, 92, 100])
def test_no_cell_of_a_table_is_cut_off_in_a_pipe(monkeypatch, width):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    monkeypatch.setattr(terminal, "output", lambda: console)
    rows = [
        ("integrated_gradients", "0.144", "0.0925 to 0.194", "+0.156*", "+0.00983", "44.0 ms"),
        ("(random_map)", "-0.0118", "-0.054 to 0.0286", "", "", "7.1 ms"),
    ]
    headings = ("Method", "Mean", "95 %", "Over random_map", "Over edge_map", "Time")
    made = table(*headings, right=(1, 2, 3, 4, 5))
    for row in rows:
        made.add_row(*row)
    terminal.print_laid_out(made)
    printed = console.file.getvalue()
    wanted = sorted(word for row in (headings, *rows) for cell in row for word in cell.split())
    assert sorted(printed.replace("\N{BOX DRAWINGS LIGHT HORIZONTAL}", "").split()) == wanted
    assert width < 70 or max(map(len, printed.splitlines())) <= width
