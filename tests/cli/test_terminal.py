"""What a terminal and a pipe show."""

import contextlib
import io

import pytest

from tfxai.cli.terminal import Counted, say
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
