"""`tfxai models`, and the choice that `tfxai train` offers on a terminal."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import tfxai
from tests.builders import KERAS_SAVES
from tests.cli.pictures import picture
from tests.processes import ROOT
from tfxai import ModelRegistry
from tfxai.card import Card
from tfxai.registry import read_history

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry of its own, with one model, in the place of the models for all."""
    made = ModelRegistry(tmp_path / "kept")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    card = Card(name="one", classes=("a", "b"), dataset="toys", accuracy=0.75, epochs=3)
    made.save(model, "one", card, {"loss": [2.0, 1.0, 0.5], "accuracy": [0.5, 0.6, 0.75]})
    monkeypatch.setenv("TFXAI_MODELS", str(made.root))
    return made


def rows(done):
    """The cells of each row of a table."""
    assert done.exit_code == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_table_has_a_row_for_every_model_that_a_name_leads_to(run, registry):
    found = rows(run("models"))
    one = next(row for row in found if row[:1] == ["one"])
    assert one[1:5] == ["keras", "toys", "0.7500", "3"]
    assert one[-1] == "ok"
    assert any(row[:1] == ["cifar10_cnn"] for row in found)  # which comes along
    assert any(row == [str(registry.root)] for row in found)
    registry["one"].file.write_bytes(b"other")
    assert next(row for row in rows(run("models")) if row[:1] == ["one"])[-1] == "changed"


def test_json_holds_cards_and_checks(run, registry):
    records = json.loads(run("models", "--json").stdout)
    one = next(record for record in records if record["name"] == "one")
    assert one["card"]["accuracy"] == 0.75
    assert {check["state"] for check in one["checks"]} == {"ok"}
    assert json.loads(run("models", "show", "one", "--json").stdout) == one


def test_show_prints_what_the_card_says(run, registry):
    said = {row[0]: row[1:] for row in rows(run("models", "show", "one")) if row}
    assert said["classes"] == ["2:", "a,", "b"]
    assert said["accuracy"] == ["0.7500"]
    assert "licence" not in said


def test_verify_ends_with_1_where_a_file_differs(run, registry):
    assert run("models", "verify", "one").exit_code == 0
    entry = registry["one"]
    entry.history_file.write_text("{}")
    done = run("models", "verify")
    assert done.exit_code == 1
    assert f"one/{entry.history_file.name}" in done.stdout
    states = {c["file"]: c["state"] for c in json.loads(run("models", "verify", "--json").stdout)}
    assert states[f"one/{entry.history_file.name}"] == "changed"
    assert states[f"one/{entry.file.name}"] == "ok"


def test_added_file_gets_a_card_and_is_found_by_name(run, registry, tmp_path):
    model = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    model.save(tmp_path / "mine.h5")
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    words = ["--classes", tmp_path / "names.txt", "--preprocessing", "unit", "--accuracy", "0.5"]
    done = run("models", "add", tmp_path / "mine.h5", "--name", "pets", *words, "--licence", "MIT")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(registry["pets"].file)
    assert registry["pets"].file.parent == registry.root / "pets"
    subject = tfxai.load("pets")
    assert subject.classes == ("cat", "dog")
    assert (subject.card.preprocessing.name, subject.card.licence) == ("unit", "MIT")
    assert (subject.card.accuracy, subject.card.input_shape) == (0.5, (4, 4, 3))


def test_add_refuses_what_is_there_or_harmful_until_told(run, fails, registry, tmp_path):
    file = registry.root / "one"
    assert "There is a model 'one'" in fails("models", "add", file)
    assert run("models", "add", file, "--force", "--dataset", "games").exit_code == 0
    assert registry["one"].card.dataset == "games"
    assert registry["one"].card.epochs == 3  # what the card beside it said
    x = keras.Input((2,))
    keras.Model(x, keras.layers.Lambda(lambda x: x)(x)).save(tmp_path / "code.keras")
    assert "--trust" in fails("models", "add", tmp_path / "code.keras")
    assert run("models", "add", tmp_path / "code.keras", "--trust").exit_code == 0


def test_remove_asks_or_is_told(run, fails, registry):
    assert "Pass --yes" in fails("models", "remove", "one")
    assert registry["one"].file.is_file()
    assert run("models", "remove", "one", "--yes").exit_code == 0
    assert list(registry.root.iterdir()) == []
    assert "no model 'one'" in fails("models", "remove", "one", "--yes")


def test_plot_draws_the_history(run, fails, registry, place):
    done = run("models", "plot", "one")
    assert done.stdout.strip() == "one.history.png"
    assert (place / "one.history.png").stat().st_size > 10_000
    registry["one"].history_file.unlink()
    assert "has no history" in fails("models", "plot", "one")


@pytest.mark.parametrize("name", ["../one", "a/b", ".hidden", "con"])
@pytest.mark.parametrize("command", ["show", "verify", "remove", "plot"])
def test_names_that_lead_elsewhere_are_refused(fails, registry, command, name):
    assert "is no name of a model" in fails("models", command, name)


def on_a_terminal(words, answers, folder, env):
    """What a command shows on a terminal; each answer is typed when its question is asked."""
    controller, terminal = pty.openpty()
    code = "from tfxai.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "80", **env},
    )
    os.close(terminal)
    shown, until = b"", time.monotonic() + 180
    while time.monotonic() < until:
        if select.select([controller], [], [], 0.2)[0]:
            try:
                shown += os.read(controller, 65536)
            except OSError:  # the other end is closed
                break
        elif process.poll() is not None:
            break
        if answers and answers[0][0] in shown.decode(errors="replace"):
            os.write(controller, answers.pop(0)[1].encode())
    os.close(controller)
    assert process.wait(10) is not None
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode(errors="replace"))
    return process.returncode, text.replace("\r\n", "\n")


@pytest.mark.slow
def test_training_on_a_terminal_offers_the_models_there_are(registry, place):
    env = {"TFXAI_MODELS": str(registry.root)}
    known = tfxai.registry.names()  # "one", and those that come with tfxai
    answers = [("Load which one?", "99\n"), ("not between 1 and", f"{known.index('one') + 1}\n")]
    code, text = on_a_terminal(["train"], answers, place, env)
    assert code == 0, text
    assert f"'99' is not between 1 and {len(known)}" in text
    assert 'tfxai.load("one")' in text
    assert "toys" in text


@pytest.mark.slow
def test_a_new_model_is_trained_for_the_epochs_that_are_typed(registry, place):
    for number in range(16):
        picture(f"photos/{'ab'[number % 2]}/{number}.png", (16, 16), number)
    env = {"TFXAI_MODELS": str(registry.root)}
    answers = [
        ("Load which one?", "\n"),
        ("how many epochs? [20]", "none\n"),
        ("not a number of epochs", "1\n"),
    ]
    words = ["train", "--data", "photos", "--image-size", "8", "--batch-size", "4"]
    code, text = on_a_terminal(words, answers, place, env)
    assert code == 0, text
    entry = registry["photos_cnn_e1"]  # named after the data, the architecture and the epochs
    assert entry.card.epochs == 1
    assert len(read_history(entry.history_file)["loss"]) == 1
    assert {check.state for check in registry.verify("photos_cnn_e1")} == {"ok"}
    images = np.zeros((1, 8, 8, 3), np.uint8)
    assert tfxai.load("photos_cnn_e1").predict(images).shape == (1, 2)


@pytest.mark.slow
def test_end_of_input_at_the_question_stops(registry, place):
    env = {"TFXAI_MODELS": str(registry.root)}
    code, text = on_a_terminal(["train"], [("Load which one?", "\x04")], place, env)
    assert code == 130
    assert text.rstrip().endswith("Stopped.")
