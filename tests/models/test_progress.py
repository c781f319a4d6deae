import io

import pytest
from rich.console import Console

from tfxai.models import progress
from tfxai.models.progress import EpochProgress


def run(display):
    with display:
        for epoch in range(2):
            display.on_epoch_begin(epoch)
            for batch in range(3):
                display.on_train_batch_end(batch, {"loss": 0.5})
            display.on_epoch_end(epoch, {"accuracy": 0.25, "loss": 0.5})
        display.say("[done]")


@pytest.fixture
def screen(monkeypatch):
    """What is printed: `screen(True)` is a terminal."""

    def make(is_terminal):
        text = io.StringIO()
        console = Console(file=text, force_terminal=is_terminal, width=100, color_system=None)
        monkeypatch.setattr(progress, "Console", lambda **options: console)
        return text

    return make


def test_elsewhere_than_on_a_terminal_there_is_one_line_per_epoch(screen):
    text = screen(False)
    run(EpochProgress(epochs=2, steps=3, report=None))
    assert text.getvalue().splitlines() == [
        "epoch 1/2: accuracy 0.2500, loss 0.5000, 0 s",
        "epoch 2/2: accuracy 0.2500, loss 0.5000, 0 s",
        "[done]",
    ]


def test_on_a_terminal_a_bar_shows_the_steps(screen):
    text = screen(True)
    run(EpochProgress(epochs=2, steps=3, report=None))
    assert "3/3  loss 0.5000" in text.getvalue()
    assert "epoch 2/2: accuracy 0.2500, loss 0.5000, 0 s" in text.getvalue()


def test_lines_go_where_they_are_wanted(screen):
    text, lines = screen(True), []
    run(EpochProgress(epochs=2, steps=3, report=lines.append))
    assert text.getvalue() == ""
    assert lines[-1] == "[done]"
    assert len(lines) == 3
