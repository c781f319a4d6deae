import pytest

from tfxai.errors import DataNotFoundError, InvalidInputError
from tfxai.models import history_path, read_history
from tfxai.registry.history import write_history

HISTORY = {"loss": [2.0, 1.5], "accuracy": [0.25, 0.5], "val_loss": [2.5, 2.0]}


def test_a_history_survives_its_file(tmp_path):
    path = history_path(tmp_path / "a.keras")
    assert path == tmp_path / "a.history.json"
    write_history(HISTORY, path)
    assert read_history(path) == HISTORY


def test_a_missing_history_is_said_to_be_missing(tmp_path):
    with pytest.raises(DataNotFoundError, match="There is no history"):
        read_history(tmp_path / "a.history.json")


@pytest.mark.parametrize("text", ["{", "[1]", '{"loss": 3}', '{"loss": ["a"]}'])
def test_what_is_no_history_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InvalidInputError, match="holds no history"):
        read_history(tmp_path / "a.json")
