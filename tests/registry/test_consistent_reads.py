import pytest

from tfxai.errors import OutputError
from tfxai.registry.consistent_reads import read_whole
from tfxai.registry.locking import LOCK


class Replaced:
    """Reads a card which somebody replaces in the first few reads."""

    def __init__(self, root, times, failing=False):
        self.card = root / "small" / "card.json"
        self.card.parent.mkdir(exist_ok=True)
        self.card.write_text("")
        self.left, self.reads, self.failing = times, 0, failing

    def __call__(self):
        self.reads += 1
        if self.left > 0:
            self.left -= 1
            self.card.write_text("x" * self.reads)
            if self.failing:
                raise FileNotFoundError
        return self.card.read_text()


@pytest.mark.parametrize("failing", [False, True])
def test_what_is_replaced_meanwhile_is_read_again(tmp_path, failing):
    read = Replaced(tmp_path, 3, failing)
    assert read_whole(tmp_path, "small", read) == "xxx"
    assert read.reads == 4


def test_what_cannot_be_read_and_stays_so_is_read_once(tmp_path):
    calls = []
    with pytest.raises(ZeroDivisionError):
        read_whole(tmp_path, "small", lambda: calls.append(1 / 0))
    assert calls == []


def test_saves_without_a_pause_are_locked_out(tmp_path):
    held = []
    read = Replaced(tmp_path, 1000)

    def noted():
        held.append((tmp_path / LOCK).exists())
        return read()

    read_whole(tmp_path, "small", noted)
    assert held == [False] * 10 + [True]
    assert not (tmp_path / LOCK).exists()


def test_folder_that_cannot_be_locked_is_said(tmp_path):
    (tmp_path / LOCK).mkdir()
    with pytest.raises(OutputError, match="Cannot write to"):
        read_whole(tmp_path, "small", Replaced(tmp_path, 1000))
