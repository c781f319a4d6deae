"""A model in a folder of its own, and in the old layout: files of all names side by side."""

from __future__ import annotations

import json
import re
import shutil

import keras
import numpy as np
import pytest

import tfxai
from tests.builders import KERAS_SAVES
from tests.registry.old_layout import write_old
from tfxai import ModelRegistry
from tfxai.card import Card
from tfxai.errors import (
    InvalidInputError,
    ModelFileError,
    OutputError,
    TfxaiError,
    UnknownNameError,
)
from tfxai.models import save_twin
from tfxai.registry import find, history_path, names, read_history
from tfxai.registry.layouts import JOURNAL

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)
X = np.array([[1.0, -2.0]], np.float32)
HISTORY = {"loss": [2.0, 1.0], "accuracy": [0.5, 0.75]}


def small():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])


@pytest.fixture
def registry(tmp_path, monkeypatch):
    made = ModelRegistry(tmp_path / "models")
    made.root.mkdir()
    monkeypatch.setenv("TFXAI_MODELS", str(made.root))
    return made


@pytest.fixture
def old(registry, tmp_path):
    """A registry with one model in the old layout."""
    model = small()
    model.save(tmp_path / "any.keras")
    card = Card(name="any", classes=("a", "b"), epochs=2)
    write_old(registry.root, "small", tmp_path / "any.keras", card, HISTORY)
    return model, registry


@pytest.fixture
def saved(registry):
    """A registry with one model in a folder."""
    model = small()
    registry.save(model, "small", Card(name="any", epochs=3), HISTORY)
    return model, registry


def states(registry, name=None):
    return {check.file: check.state for check in registry.verify(name)}


# The old layout.


def test_old_layout_is_read_listed_verified_and_removed(old):
    model, registry = old
    assert registry_names(registry) == ["small"]
    assert "small" in names()
    entry = registry["small"]
    assert (entry.file, entry.format) == (registry.root / "small.keras", "keras")
    assert entry.card.epochs == 2
    assert read_history(entry.history_file) == HISTORY
    assert history_path(entry.file) == registry.root / "small.history.json"
    for subject in (registry.get("small"), tfxai.load("small"), tfxai.load(entry.file)):
        np.testing.assert_array_equal(subject.predict(X), model(X))
        assert subject.card == entry.card
    assert states(registry) == {"small.keras": "ok", "small.history.json": "ok"}
    registry.remove("small")
    assert list(registry.root.iterdir()) == []


def registry_names(registry):
    return [entry.name for entry in registry.list()]


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (lambda root: (root / "small.keras").write_bytes(b"other"), {"small.keras": "changed"}),
        (lambda root: (root / "small.history.json").unlink(), {"small.history.json": "missing"}),
        (lambda root: (root / "small.keras").unlink(), {"small.keras": "missing"}),
        (lambda root: (root / "small.h5").write_bytes(b"new"), {"small.h5": "no digest"}),
        (
            lambda root: (root / "small.json").unlink(),
            {"small.keras": "no card", "small.history.json": "no card"},
        ),
    ],
)
def test_verify_tells_what_differs_from_the_card_of_the_old_layout(old, harm, expected):
    _, registry = old
    before = states(registry, "small")
    harm(registry.root)
    found = states(registry)
    assert {file: state for file, state in found.items() if before.get(file) != state} == expected


def test_file_without_a_card_is_a_model(registry):
    model = small()
    model.save(registry.root / "bare.h5")
    (entry,) = registry.list()
    assert (entry.name, entry.format, entry.card, entry.history) == ("bare", "h5", None, None)
    np.testing.assert_array_equal(tfxai.load("bare").predict(X), model(X))
    assert states(registry) == {"bare.h5": "no card"}


def test_of_two_files_the_keras_file_is_loaded_and_the_other_is_listed(old):
    _, registry = old
    twin = save_twin(registry["small"].file)
    entry = registry["small"]
    assert (entry.file.name, entry.others) == ("small.keras", (twin,))
    assert set(states(registry).values()) == {"ok"}


def test_what_is_left_of_a_removal_is_removed(old):
    _, registry = old
    (registry.root / "small.keras").unlink()  # as far as a killed removal came
    with pytest.raises(UnknownNameError, match="no model 'small'"):
        registry.get("small")
    assert states(registry)["small.keras"] == "missing"
    registry.remove("small")
    assert list(registry.root.iterdir()) == []


@pytest.mark.parametrize("change", ["save", "add"])
def test_change_moves_a_model_to_a_folder(old, change, tmp_path):
    _, registry = old
    newer = small()
    newer.save(tmp_path / "newer.h5")
    for file in ("small.h5", "small.history.png"):
        (registry.root / file).write_bytes(b"old")
    if change == "save":
        registry.save(newer, "small", Card(name="small", epochs=9), format="h5")
    else:
        with pytest.raises(InvalidInputError, match="There is a model 'small'"):
            registry.add(tmp_path / "newer.h5", "small")
        registry.add(tmp_path / "newer.h5", "small", Card(name="small", epochs=9), replace=True)
    assert [path.name for path in registry.root.iterdir()] == ["small"]
    np.testing.assert_array_equal(registry.get("small").predict(X), newer(X))
    assert registry["small"].card.epochs == 9
    assert not registry["small"].history_file.exists()
    assert set(states(registry).values()) == {"ok"}


def test_folder_comes_before_files_of_the_same_name(saved, tmp_path):
    model, registry = saved
    small().save(tmp_path / "other.keras")
    write_old(registry.root, "small", tmp_path / "other.keras", history=HISTORY)
    (entry,) = registry.list()
    assert entry.file.parent == registry.root / "small"
    np.testing.assert_array_equal(tfxai.load("small").predict(X), model(X))
    found = states(registry)
    assert (found["small.keras"], found["small.history.json"]) == ("no digest", "no digest")
    registry.remove("small")  # else the other one would appear in its place
    assert list(registry.root.iterdir()) == []


@pytest.mark.parametrize("ending", [".keras", ".json", ".history.json"])
def test_links_that_lead_out_of_the_old_layout_are_refused(old, tmp_path, ending):
    _, registry = old
    inside = registry.root / f"small{ending}"
    outside = tmp_path / f"secret{ending}"
    inside.rename(outside)
    inside.symlink_to(outside)
    before = outside.read_bytes()
    for call in (
        lambda: registry.get("small"),
        lambda: tfxai.load("small"),
        lambda: find("small"),
        lambda: registry.verify("small"),
        lambda: registry.remove("small"),
    ):
        with pytest.raises(InvalidInputError, match="symbolic link that leads out of its folder"):
            call()
    with pytest.raises(OutputError, match=r"is a symbolic link. Move it away"):
        registry.save(small(), "small", Card(name="small"))
    assert outside.read_bytes() == before
    assert [entry.name for entry in registry.list()] == []


def test_journal_of_an_earlier_version_is_told_of_and_left_alone(old):
    _, registry = old
    journal = registry.root / JOURNAL
    journal.mkdir()
    (journal / "files.json").write_text('{"moves": ["small.keras"], "removes": ["../x"]}')
    (registry.root / "small.keras").rename(journal / "small.keras")
    before = sorted(registry.root.parent.rglob("*"))
    for call in (
        lambda: registry.get("small"),
        lambda: registry.list(),
        lambda: registry.verify(),
        lambda: registry.remove("small"),
        lambda: registry.save(small(), "small"),
        lambda: tfxai.load("small"),
        lambda: tfxai.load(registry.root / "small.keras"),
        names,
    ):
        with pytest.raises(OutputError, match=r"earlier version of tfxai.*Move its files"):
            call()
    assert sorted(registry.root.parent.rglob("*")) == before
    (journal / "small.keras").rename(registry.root / "small.keras")
    shutil.rmtree(journal)
    assert set(states(registry).values()) == {"ok"}


# The folder.


@pytest.mark.parametrize("path", ["models/small", "models/small/", "models/small.keras", "small"])
def test_folder_is_loaded_by_its_path_and_by_that_of_a_file(saved, path, tmp_path, monkeypatch):
    model, _ = saved
    monkeypatch.chdir(tmp_path)
    subject = tfxai.load(path)
    np.testing.assert_array_equal(subject.predict(X), model(X))
    assert subject.card.epochs == 3
    assert find(path).parent.name == "small"
    assert read_history(history_path(tmp_path / "models" / "small.keras")) == HISTORY
    with pytest.raises(TfxaiError, match=r"no model file 'models/small\.h5'.*the name 'small'"):
        tfxai.load("models/small.h5")


def test_file_in_the_folder_has_its_card_and_history(saved):
    model, registry = saved
    file = registry["small"].file
    subject = tfxai.load(file)
    np.testing.assert_array_equal(subject.predict(X), model(X))
    assert subject.card == registry["small"].card
    assert read_history(history_path(file)) == HISTORY
    leftover = file.with_name("model-00000000000000ff.keras")
    shutil.copyfile(file, leftover)
    assert tfxai.load(leftover).card is None  # the card is that of another file


def test_folder_here_and_now_is_a_model(saved, monkeypatch):
    model, registry = saved
    monkeypatch.chdir(registry.root / "small")
    np.testing.assert_array_equal(tfxai.load(".").predict(X), model(X))


def test_renamed_folder_is_a_model_of_that_name(saved):
    model, registry = saved
    (registry.root / "small").rename(registry.root / "renamed")
    assert registry_names(registry) == ["renamed"]
    np.testing.assert_array_equal(tfxai.load("renamed").predict(X), model(X))
    assert set(states(registry).values()) == {"ok"}


def test_twin_of_a_file_in_the_folder_is_on_the_card_and_goes_with_it(saved):
    model, registry = saved
    twin = save_twin(registry["small"].file)
    entry = registry["small"]
    assert (entry.file.suffix, entry.others) == (".keras", (twin,))
    assert set(states(registry).values()) == {"ok"}
    np.testing.assert_array_equal(tfxai.load(twin).predict(X), model(X))
    registry.save(small(), "small")
    assert not twin.exists()


@pytest.mark.parametrize("marker", ["saved_model.pb", "config.json"])
def test_folder_that_tensorflow_or_keras_wrote_is_none_of_ours(saved, marker):
    _, registry = saved
    (registry.root / "small" / marker).touch()
    assert registry.list() == []
    with pytest.raises(OutputError, match="is a folder, and no model"):
        registry.save(small(), "small")


def test_folder_with_some_card_is_no_model(registry):
    (registry.root / "data").mkdir()
    Card(name="data", sha256={"0.png": "0" * 64}).write(registry.root / "data" / "card.json")
    assert registry.list() == registry.verify() == []
    with pytest.raises(ModelFileError, match="is a folder"):
        tfxai.load(registry.root / "data")


OUTSIDE = ["../secret.keras", "/etc/passwd", "sub/model-0123456789abcdef.keras", "..", "",
           "model-0123456789abcdef.keras/..", "model-0123456789ABCDEF.keras", "model-1.keras",
           "model-0123456789abcdef.keras\n"]  # fmt: skip


@pytest.mark.parametrize("named", OUTSIDE)
def test_card_that_names_another_place_leads_nowhere(saved, named, monkeypatch):
    _, registry = saved
    small().save(registry.root.parent / "secret.keras")
    card = registry.root / "small" / "card.json"
    record = json.loads(card.read_text())
    (file,) = [name for name in record["sha256"] if name.startswith("model-")]
    record["sha256"] = {named: record["sha256"][file]}
    card.write_text(json.dumps(record))
    for call in (
        lambda: registry.get("small"),
        lambda: tfxai.load("small"),
        lambda: find("small"),
    ):
        with pytest.raises(InvalidInputError, match="says which of its files is the model"):
            call()
    assert states(registry)[f"small/{named}"] == "missing"  # and was not looked at


@pytest.mark.parametrize("text", ["{", "[]", "\0", ""])
def test_card_that_cannot_be_read_is_told_of(saved, text):
    model, registry = saved
    (registry.root / "small" / "card.json").write_text(text)
    (entry,) = registry.list()
    assert entry.card is None
    assert entry.fault
    assert set(states(registry).values()) == {"no card"}
    with pytest.raises(InvalidInputError, match=re.escape(entry.fault)):
        registry.get("small")
    with pytest.raises(InvalidInputError, match=re.escape(entry.fault)):
        tfxai.load("small")
    registry.save(model, "small")
    assert set(states(registry).values()) == {"ok"}
    assert len([*(registry.root / "small").iterdir()]) == 2


@pytest.mark.parametrize("which", ["model", "card", "history"])
def test_links_in_the_folder_are_refused(saved, tmp_path, which):
    _, registry = saved
    entry = registry["small"]
    inside = {"model": entry.file, "history": entry.history_file}.get(
        which, entry.file.with_name("card.json")
    )
    outside = tmp_path / "secret"
    inside.rename(outside)
    inside.symlink_to(outside)
    before = outside.read_bytes()
    for call in (
        lambda: registry.get("small"),
        lambda: tfxai.load("small"),
        lambda: tfxai.load(registry.root / "small"),
        lambda: find("small"),
        lambda: registry.verify("small"),
        lambda: registry.remove("small"),
    ):
        with pytest.raises(InvalidInputError, match="is a symbolic link"):
            call()
    with pytest.raises(OutputError, match=r"is a symbolic link. Move it away"):
        registry.save(small(), "small", Card(name="small"))
    assert outside.read_bytes() == before
    assert registry.list() == []


def test_link_to_a_folder_elsewhere_is_refused(saved, tmp_path):
    _, registry = saved
    outside = tmp_path / "elsewhere"
    (registry.root / "small").rename(outside)
    (registry.root / "small").symlink_to(outside)
    before = sorted(tmp_path.rglob("*"))
    for call in (
        lambda: registry.get("small"),
        lambda: tfxai.load("small"),
        lambda: registry.verify("small"),
        lambda: registry.remove("small"),
    ):
        with pytest.raises(InvalidInputError, match="symbolic link that leads out of its folder"):
            call()
    with pytest.raises(OutputError, match=r"is a symbolic link. Move it away"):
        registry.save(small(), "small")
    assert registry.list() == []
    assert sorted(tmp_path.rglob("*")) == before
