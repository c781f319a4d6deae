"""Models are whole after a kill, and nothing is lost where two save at once."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import tfxai
from tests.builders import KERAS_SAVES
from tests.processes import ROOT
from tests.registry import savers
from tests.registry.old_layout import write_old
from tfxai import ModelRegistry
from tfxai.card import Card
from tfxai.errors import OutputError
from tfxai.registry import layouts, loading
from tfxai.registry.locking import LOCK
from tfxai.registry.saving import REMOVED, STAGE

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)


def small():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])


@pytest.fixture
def registry(tmp_path):
    return ModelRegistry(tmp_path / "models")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


FULL = """
import resource, sys
from tests.registry.savers import small_model
from tfxai import ModelRegistry
from tfxai.card import Card
from tfxai.errors import OutputError
registry, model = ModelRegistry(sys.argv[1]), small_model()
registry.save(model, "small", Card(name="small", notes=("old",)))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    registry.save(model, "small", Card(name="small", notes=("new",)))
except OutputError as error:
    print("OutputError", error)
"""


def test_full_disk_leaves_the_earlier_model(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "models")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.startswith("OutputError Cannot write to"), done.stderr
    registry = ModelRegistry(tmp_path / "models")
    entry = registry["small"]
    assert entry.card.notes == ("old",)
    assert names(registry.root) == ["small"]
    assert names(registry.root / "small") == ["card.json", entry.file.name]
    assert {check.state for check in registry.verify()} == {"ok"}


def test_next_save_removes_what_killed_ones_left(registry):
    model = small()
    entry = registry.save(model, "small", history={"loss": [1.0]})
    leftovers = ["model-00000000000000ff.keras", "model-00000000000000ff.h5", "history.png"]
    leftovers.append("history-00000000000000ff.json")
    for name in leftovers:
        (entry.file.parent / name).write_bytes(b"half")
    for name in (STAGE, REMOVED):
        (registry.root / name).mkdir()
        (registry.root / name / "card.json").write_text("{")
    (registry.root / LOCK).touch()  # a lock that nobody holds
    assert registry.list() == [entry]
    assert {check.state for check in registry.verify()} == {"ok"}
    np.testing.assert_array_equal(registry.get("small").predict(X), model(X))
    (entry.file.parent / "notes.txt").write_text("mine")
    again = registry.save(small(), "small")
    assert names(registry.root) == ["small"]
    assert names(again.file.parent) == ["card.json", again.file.name, "notes.txt"]


X = np.array([[1.0, -2.0]], np.float32)


@pytest.mark.parametrize("make", ["a folder", "a file", "a SavedModel", "a link"])
def test_what_is_no_model_is_not_replaced(registry, make, tmp_path):
    place = registry.root / "small"
    registry.root.mkdir()
    if make == "a file":
        place.write_text("mine")
    elif make == "a link":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()
        (place / {"a folder": "0.png"}.get(make, "saved_model.pb")).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=r"small' is (a|no) .*[Mm]ove"):
        registry.save(small(), "small")
    assert registry.list() == []
    assert sorted(tmp_path.rglob("*")) == before


def test_folder_with_files_of_somebody_is_not_removed(registry):
    folder = registry.save(small(), "small").file.parent
    (folder / ".DS_Store").touch()
    (folder / "notes.txt").touch()
    with pytest.raises(OutputError, match=r"also holds 'notes.txt'.*Move it away"):
        registry.remove("small")
    assert [entry.name for entry in registry.list()] == ["small"]
    (folder / "notes.txt").unlink()
    registry.remove("small")
    assert names(registry.root) == []


def test_model_that_is_replaced_before_its_file_is_opened_is_found_again(registry, monkeypatch):
    registry.save(small(), "small", Card(name="small", notes=("old",)))
    newer, copy = small(), loading.PrivateCopy

    def replaced_first(*arguments, **options):
        monkeypatch.setattr(loading, "PrivateCopy", copy)
        registry.save(newer, "small", Card(name="small", notes=("new",)))
        return copy(*arguments, **options)

    for find in (lambda: registry.get("small"), lambda: tfxai.load(registry.root / "small")):
        monkeypatch.setattr(loading, "PrivateCopy", replaced_first)
        subject = find()
        np.testing.assert_array_equal(subject.predict(X), newer(X))
        assert subject.card.notes == ("new",)


def test_old_layout_that_becomes_a_folder_before_it_is_opened_is_found_again(
    registry, monkeypatch, tmp_path
):
    small().save(tmp_path / "old.keras")
    write_old(registry.root, "small", tmp_path / "old.keras")
    newer, copy = small(), loading.PrivateCopy

    def replaced_first(*arguments, **options):
        monkeypatch.setattr(loading, "PrivateCopy", copy)
        registry.save(newer, "small", Card(name="small", notes=("new",)))
        return copy(*arguments, **options)

    monkeypatch.setattr(loading, "PrivateCopy", replaced_first)
    subject = tfxai.load(registry.root / "small.keras")
    np.testing.assert_array_equal(subject.predict(X), newer(X))
    assert subject.card.notes == ("new",)


@pytest.mark.slow
def test_a_hundred_kills_leave_the_old_model_or_the_new(tmp_path):
    left = savers.in_a_process("killed_at_random", tmp_path / "models", 100)
    assert left["rounds"] == left["old"] + left["new"] == 100
    assert left["saves"] > 100
    assert left[STAGE] > 10  # most kills came in the midst of a save


@pytest.mark.slow
def test_kills_while_models_move_to_folders_leave_the_old_model_or_the_new(tmp_path):
    small().save(tmp_path / "old.keras")
    left = savers.in_a_process(
        "killed_while_it_moves_models", tmp_path / "old.keras", tmp_path / "models", 30
    )
    assert left[STAGE] > 10  # most kills came in the midst of a save
    assert left["old"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["folder", "old"])
def test_a_kill_before_any_operation_on_files_leaves_the_old_model_or_the_new(tmp_path, layout):
    source = ModelRegistry(tmp_path)
    for number in (1, 2):
        savers.save_as(source, small(), number)
    ends = savers.in_a_process("killed_at_each_step", tmp_path, layout, "add")
    assert ends == sorted(ends, key=["old", "new", "finished"].index)
    assert ends.count("old") > 10
    assert ends.count("new") > 2


@pytest.mark.slow
def test_a_kill_before_any_operation_of_a_removal_leaves_the_model_or_nothing(tmp_path):
    source = ModelRegistry(tmp_path)
    for number in (1, 2):
        savers.save_as(source, small(), number)
    ends = savers.in_a_process("killed_at_each_step", tmp_path, "folder", "remove")
    assert ends == sorted(ends, key=["old", "new", "finished"].index)
    assert ends.count("old") > 10
    assert ends.count("new") > 2


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [("one", "one"), ("one", "two")])
def test_two_that_save_at_once_lose_nothing(tmp_path, chosen):
    met = savers.in_a_process("two_at_once", tmp_path / "models", 20, *chosen)
    registry = ModelRegistry(tmp_path / "models")
    last = {name: savers.version(registry, name) for name in chosen}
    for number, name in enumerate(chosen):
        assert last[name] in ({20, 1020} if chosen[0] == chosen[1] else {1000 * number + 20})
    assert all(len(set(found)) > 1 for found in met.values())  # the reader saw them come
    assert names(registry.root) == sorted(set(chosen))
    for entry in registry.list():
        assert set(names(entry.file.parent)) == {"card.json", *entry.card.sha256}


ROADS = {
    "get": lambda registry: registry.get("small").card,
    "index": lambda registry: registry["small"].card,
    "name": lambda registry: tfxai.load("small").card,
    "remove": lambda registry: registry.remove("small"),
    "folder": lambda registry: tfxai.load(registry.root / "small").card,
    "path of the old layout": lambda registry: tfxai.load(registry.root / "small.keras").card,
}
OLD_LAYOUT = ("get", "index", "name", "remove")  # whose files have no folder


@pytest.mark.parametrize(
    ("road", "is_flat"),
    [*((road, False) for road in ROADS), *((road, True) for road in OLD_LAYOUT)],
)
def test_a_save_between_the_card_and_its_files_is_met(registry, road, is_flat, monkeypatch):
    old = Card(name="small", notes=("old",))
    if is_flat:
        registry.save(small(), "source", old)
        registry.root.joinpath("small.keras").write_bytes(registry["source"].file.read_bytes())
        old.write(registry.root / "small.json")
    else:
        registry.save(small(), "small", old)
    monkeypatch.setenv("TFXAI_MODELS", str(registry.root))
    read, saves = layouts.read_card, []

    def read_and_saved(path):
        found = read(path)
        if not saves and path.parent.name in ("small", registry.root.name):
            saves.append(path)
            registry.save(small(), "small", Card(name="small", notes=("new",)))
        return found

    monkeypatch.setattr(layouts, "read_card", read_and_saved)
    card = ROADS[road](registry)
    assert saves
    assert card is None or card.notes == ("new",)


@pytest.mark.slow
def test_what_is_loaded_while_another_saves_is_of_one_save(tmp_path):
    registry = ModelRegistry(tmp_path / "models")
    savers.save(registry, savers.small_model(), savers.NAME, 0)
    code = "from tests.registry import savers; savers.many_saves()"
    met = []
    with subprocess.Popen(
        [sys.executable, "-c", code, str(registry.root), "150"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    ) as saving:
        while saving.poll() is None:
            subject = registry.get(savers.NAME)
            met.append(int(subject.card.notes[0]))
            for weight in subject.model.get_weights():
                np.testing.assert_array_equal(weight, met[-1])
    assert saving.returncode == 0
    assert met == sorted(met)
    assert len(set(met)) > 3
