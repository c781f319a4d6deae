"""The progress display: on a terminal, on standard error, after a second, or as asked."""

from __future__ import annotations

import contextlib
import io
import time

import numpy as np
import pytest

from tests import builders
from tfxai import progress
from tfxai.methods import Saliency


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def work(stream, wanted, seconds=0.0, total=5):
    with contextlib.redirect_stderr(stream), progress.shown(wanted, "saliency", total) as report:
        for done in range(1, total + 1):
            time.sleep(seconds / total)
            report(done, total)


def test_what_is_quick_shows_nothing(terminal):
    work(terminal, None)
    assert terminal.getvalue() == ""


def test_what_takes_longer_is_shown_and_wiped_away(terminal, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.02)
    work(terminal, None, seconds=0.5)
    text = terminal.getvalue()
    assert "saliency" in text
    assert "of 5" in text
    assert text.endswith("\x1b[2K")  # the line is erased


def test_false_shows_nothing_and_true_shows_at_once(terminal, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    work(terminal, False, seconds=0.2)
    assert terminal.getvalue() == ""
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    work(terminal, True, seconds=0.3)
    assert "saliency" in terminal.getvalue()


def test_no_terminal_shows_nothing(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    work(stream, None, seconds=0.2)
    assert stream.getvalue() == ""


def test_display_beside_another_one_leaves_that_one_alone(terminal):
    from rich.console import Console

    with contextlib.redirect_stderr(terminal), Console(stderr=True).status("outer"):
        work(terminal, True, seconds=0.2)
    assert "outer" in terminal.getvalue()


def test_error_in_the_work_ends_the_display(terminal):
    def fail():
        with contextlib.redirect_stderr(terminal), progress.shown(True, "saliency", 2):
            time.sleep(0.2)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert terminal.getvalue().endswith("\x1b[2K")


def test_function_is_told_how_many_examples_are_done():
    seen = []
    x = builders.images(5)
    a = Saliency()(
        builders.functional(), x, 0, chunk_size=2, progress=lambda *both: seen.append(both)
    )
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert np.isfinite(a.values).all()
