"""The progress display: on a terminal or in a notebook, after a second, or as asked."""

from __future__ import annotations

import contextlib
import io
import re
import time

import IPython
import IPython.display
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from tests import builders
from tests.processes import ROOT
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


def test_passes_take_the_place_of_examples(terminal, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with contextlib.redirect_stderr(terminal), progress.shown(True, "rise", 3) as display:
        time.sleep(0.2)
        display.passes(7, 20)
        display(1, 3)
        time.sleep(0.3)
        display.passes(8, None)
        time.sleep(0.3)
    text = terminal.getvalue()
    assert "7 of 20 passes" in text
    assert "1 of 3" not in text
    assert "8 passes" in text


class Kernel:
    """What IPython gives in a notebook's kernel, and what it is told to display."""

    kernel = object()
    execution_count = 1

    def __init__(self):
        self.outputs = []

    def display(self, bundle, **options):
        assert options == {"raw": True, "display_id": True}
        self.outputs.append([bundle])
        kernel, place = self, self.outputs[-1]

        class Handle:
            def update(self, bundle, raw):
                assert raw
                assert place in kernel.outputs
                place.append(bundle)

        return Handle()


@pytest.fixture
def kernel(monkeypatch):
    made = Kernel()
    monkeypatch.setattr(IPython, "get_ipython", lambda: made)
    monkeypatch.setattr(IPython.display, "display", made.display)
    monkeypatch.setattr(progress, "_EVERY", 0.01)
    return made


def in_steps(display, total=6):
    for done in range(1, total + 1):
        display.passes(done, total)
        time.sleep(0.05)


def test_a_notebook_gets_a_bar_that_is_emptied_at_the_end(kernel, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.shown(None, "<rise>", 3) as display:
        in_steps(display)
    (place,) = kernel.outputs
    words = [bundle["text/plain"] for bundle in place]
    assert any(re.fullmatch(r"<rise>: [2-5] of 6 passes, 0:0[01] left", one) for one in words)
    middle = next(bundle for bundle in place if "3 of 6" in bundle["text/plain"])
    assert '<progress value="3" max="6"></progress>' in middle["text/html"]
    assert "&lt;rise&gt;: 3 of 6 passes" in middle["text/html"]
    assert place[-1] == {"text/plain": "", "text/html": ""}


def test_what_is_quick_shows_nothing_in_a_notebook(kernel):
    with progress.shown(None, "rise", 3) as display:
        display.passes(1, 2)
    assert kernel.outputs == []


def test_bars_of_one_cell_share_their_place(kernel):
    for _ in range(3):
        with progress.shown(True, "rise", 3) as display:
            in_steps(display, 2)
    assert len(kernel.outputs) == 1
    kernel.execution_count = 2
    with progress.shown(True, "rise", 3) as display:
        in_steps(display, 2)
    assert len(kernel.outputs) == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own packages
def test_a_kernel_shows_the_bar_without_widgets_and_leaves_nothing(monkeypatch):
    code = (
        "import sys, time\n"
        "from tfxai import progress\n"
        "progress.PATIENCE = 0.0\n"
        "with progress.shown(None, 'rise', 3) as display:\n"
        "    for done in range(1, 5):\n"
        "        display.passes(done, 4)\n"
        "        time.sleep(0.3)\n"
        "print('ipywidgets' in sys.modules, 'tensorflow' in sys.modules)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    seen = []

    class Watching(NotebookClient):
        def process_message(self, msg, cell, cell_index):
            if msg["msg_type"] in ("display_data", "update_display_data"):
                seen.append(msg["content"]["data"]["text/plain"])
            return super().process_message(msg, cell, cell_index)

    Watching(notebook, timeout=120).execute()
    assert any("of 4 passes" in words for words in seen)
    bar, printed = notebook.cells[0].outputs
    assert bar["data"] == {"text/plain": "", "text/html": ""}
    assert printed["text"] == "False False\n"
