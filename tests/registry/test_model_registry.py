"""Models kept by name: whole after a kill, nothing lost by two at once, nothing let out."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tfxai
from tests.builders import KERAS_SAVES
from tests.processes import ROOT
from tests.registry import savers
from tfxai import ModelRegistry
from tfxai.card import Card
from tfxai.errors import (
    DataNotFoundError,
    InvalidInputError,
    ModelFileError,
    OutputError,
    TfxaiError,
    UnknownNameError,
    UnsafeModelError,
    UnsupportedModelError,
)
from tfxai.registry import find, history_path, names, read_history
from tfxai.registry.naming import check_name, is_name
from tfxai.registry.sets import JOURNAL, LIST, LOCK, STAGE

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)
X = np.array([[1.0, -2.0]], np.float32)
HISTORY = {"loss": [2.0, 1.0], "accuracy": [0.5, 0.75]}


def small(units=2):
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)])


@pytest.fixture
def registry(tmp_path):
    return ModelRegistry(tmp_path / "models")


@pytest.fixture
def saved(registry):
    model = small()
    registry.save(model, "small", Card(name="any", classes=("a", "b"), epochs=2), HISTORY)
    return model, registry


def files(registry):
    return sorted(path.name for path in registry.root.iterdir())


def states(registry, name=None):
    return {check.file: check.state for check in registry.verify(name)}


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_what_is_saved_is_got_again_with_card_and_history(registry, form):
    model = small()
    entry = registry.save(model, "small", Card(name="x", classes=("a", "b")), HISTORY, format=form)
    subject = registry.get("small")
    np.testing.assert_array_equal(subject.predict(X), model(X))
    assert subject.card == entry.card
    assert (entry.card.name, entry.card.classes) == ("small", ("a", "b"))
    assert entry.card.input_shape == (2,)
    assert entry.card.created is not None
    assert read_history(entry.history_file) == HISTORY
    expected = [f"small.{form}", "small.history.json", "small.json"]
    assert files(registry) == sorted(expected)
    assert set(states(registry).values()) == {"ok"}
    (listed,) = registry.list()
    assert listed == entry
    assert (listed.format, listed.size) == (form, entry.file.stat().st_size)


def test_saving_again_replaces_all_that_belonged_to_the_name(saved):
    _, registry = saved
    registry.save(small(), "small", format="h5")
    assert files(registry) == ["small.h5", "small.json"]
    assert registry["small"].card.epochs is None


def test_state_of_training_stays_behind(registry):
    model = small()
    model.compile("adam", "mse")
    model.fit(X, np.zeros((1, 2)), verbose=0)
    registry.save(model, "trained", Card(name="trained"))
    loaded = keras.saving.load_model(registry["trained"].file)
    assert getattr(loaded, "optimizer", None) is None
    np.testing.assert_array_equal(loaded(X), model(X))


def test_models_are_found_by_name_in_the_folder_of_the_environment(saved, monkeypatch):
    model, registry = saved
    monkeypatch.setenv("TFXAI_MODELS", str(registry.root))
    assert ModelRegistry().root == registry.root
    np.testing.assert_array_equal(tfxai.load("small").predict(X), model(X))
    assert "small" in names()


def test_root_falls_back_to_the_models_that_come_along_and_leaves_them_alone(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TFXAI_MODELS", raising=False)
    own = ModelRegistry()
    assert "cifar10_cnn" in [entry.name for entry in own.list()]
    assert {check.state for check in own.verify("cifar10_cnn")} == {"ok"}
    with pytest.raises(OutputError, match=r"Make a folder ./models"):
        own.save(small(), "mine", Card(name="mine"))
    with pytest.raises(OutputError, match="is not changed there"):
        own.remove("cifar10_cnn")
    (tmp_path / "models").mkdir()
    ModelRegistry().save(small(), "mine", Card(name="mine"))
    assert (tmp_path / "models" / "mine.keras").is_file()


def test_folder_of_the_environment_must_be_there(monkeypatch, tmp_path):
    monkeypatch.setenv("TFXAI_MODELS", str(tmp_path / "gone"))
    with pytest.raises(DataNotFoundError, match=r"TFXAI_MODELS names .*gone"):
        ModelRegistry()


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
def test_verify_tells_what_differs_from_the_card(saved, harm, expected):
    _, registry = saved
    before = states(registry, "small")
    harm(registry.root)
    found = states(registry)
    assert {file: state for file, state in found.items() if before.get(file) != state} == expected


def test_removed_model_is_gone_and_others_are_not(saved):
    _, registry = saved
    registry.save(small(), "other", Card(name="other"))
    registry.remove("small")
    assert files(registry) == ["other.json", "other.keras"]
    with pytest.raises(UnknownNameError, match="no model 'small'"):
        registry.remove("small")


BAD_NAMES = [
    "", ".", "..", "../small", "a/b", "a\\b", "/etc/passwd", "~", "small\0", "a\nb", ".hidden",
    "C:small", "con", "NUL.keras", "com1", "small.", "small ", " small", "small.keras", "a.json",
    "x.history", "x.part", "a*b", "a" * 300, "small/../../x", "a?b", "aux.tar", "lpt9", "a\x1b[2J",
]  # fmt: skip
ALLOWED = {"~"}  # a plain character: nothing expands it


@pytest.mark.parametrize("name", [n for n in BAD_NAMES if n not in ALLOWED])
def test_names_that_could_lead_elsewhere_are_refused_by_every_call(saved, tmp_path, name):
    model, registry = saved
    outside = sorted(path for path in tmp_path.rglob("*"))
    for call in (
        lambda: registry.get(name),
        lambda: registry[name],
        lambda: registry.save(model, name, Card(name="x")),
        lambda: registry.add(registry.root / "small.keras", name),
        lambda: registry.remove(name),
        lambda: registry.verify(name),
    ):
        with pytest.raises(InvalidInputError, match="is no name of a model"):
            call()
    assert sorted(path for path in tmp_path.rglob("*")) == outside


@given(st.text(max_size=12))
@example("..")
@example("a/../b")
def test_a_name_that_passes_is_one_part_of_a_path(name):
    if not is_name(name):
        with pytest.raises(InvalidInputError):
            check_name(name)
        return
    path = Path("root") / f"{name}.keras"
    assert path.parent == Path("root")
    assert os.path.normpath(path) == str(path)
    assert path.name.removesuffix(".keras") == name


@pytest.mark.parametrize("ending", [".keras", ".json", ".history.json"])
def test_links_that_lead_out_of_the_folder_are_refused(saved, tmp_path, ending, monkeypatch):
    _, registry = saved
    inside = registry.root / f"small{ending}"
    outside = tmp_path / f"secret{ending}"
    inside.rename(outside)
    inside.symlink_to(outside)
    monkeypatch.setenv("TFXAI_MODELS", str(registry.root))
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


def test_file_is_added_with_its_card_and_history(saved, tmp_path):
    model, registry = saved
    other = ModelRegistry(tmp_path / "other")
    entry = other.add(registry["small"].file, "copied")
    np.testing.assert_array_equal(other.get("copied").predict(X), model(X))
    assert (entry.card.name, entry.card.epochs) == ("copied", 2)
    assert read_history(history_path(entry.file)) == HISTORY
    assert set(states(other).values()) == {"ok"}
    with pytest.raises(InvalidInputError, match=r"There is a model 'copied' in .*--force"):
        other.add(registry["small"].file, "copied")
    other.add(registry["small"].file, "copied", Card(name="x", accuracy=0.5), replace=True)
    assert other["copied"].card.accuracy == 0.5


def test_harmful_file_is_not_added_unless_it_is_trusted(registry, tmp_path, caplog):
    x = keras.Input((2,))
    path = tmp_path / "code.keras"
    keras.Model(x, keras.layers.Lambda(lambda x: x)(x)).save(path)
    with pytest.raises(ModelFileError, match=r"refused by the scan.*--trust"):
        registry.add(path)
    assert not registry.root.exists() or files(registry) == []
    with caplog.at_level(logging.WARNING, "tfxai.registry"):
        registry.add(path, trust=True)
    assert "Added in spite of it" in caplog.text
    assert files(registry) == ["code.json", "code.keras"]


def test_file_that_cannot_be_loaded_is_not_added_whatever_the_trust(registry, tmp_path):
    whole = tmp_path / "whole.keras"
    small(64).save(whole)
    damaged, renamed, cut = (tmp_path / f"{name}.keras" for name in ("damaged", "renamed", "cut"))
    with zipfile.ZipFile(whole) as archive:
        start = archive.getinfo("model.weights.h5").header_offset
    data = bytearray(whole.read_bytes())
    cut.write_bytes(data[:500])
    data[start + 2000] ^= 255
    damaged.write_bytes(data)
    small().save(tmp_path / "model.h5")
    (tmp_path / "model.h5").rename(renamed)
    for path, said in (
        (damaged, "checksum of 'model.weights.h5' in it is wrong"),
        (renamed, r"kind that ends in \.h5\. Rename it"),
        (cut, "damaged or cut short.*Pass a whole"),
    ):
        with pytest.raises(ModelFileError, match=said):
            registry.add(path, trust=True)
    registry.add(whole)
    assert files(registry) == ["whole.json", "whole.keras"]


def test_code_and_classes_of_ones_own_come_back_as_tfxai_loads_them(registry):
    x = keras.Input((2,))
    registry.save(keras.Model(x, keras.layers.Lambda(lambda x: 2 * x)(x)), "code")
    with pytest.raises(UnsafeModelError):
        registry.get("code")
    np.testing.assert_array_equal(registry.get("code", trust=True).predict(X), 2 * X)

    class Own(keras.layers.Layer):
        def call(self, x):
            return 3 * x

    registry.save(keras.Model(x, Own()(x)), "own")
    with pytest.raises(ModelFileError, match="custom_objects"):
        registry.get("own")
    found = registry.get("own", custom_objects={"Own": Own})
    np.testing.assert_array_equal(found.predict(X), 3 * X)


def test_what_is_no_model_and_no_card_is_refused(registry):
    with pytest.raises(UnsupportedModelError, match=r"Pass subject\.model"):
        registry.save(tfxai.Subject(small()), "a")
    with pytest.raises(InvalidInputError, match=r"expected to be a tfxai\.Card"):
        registry.save(small(), "a", {"name": "a"})
    with pytest.raises(
        UnsupportedModelError, match=r"Load the model first: tfxai\.load\('small'\)"
    ):
        registry.save("small", "a")


def test_file_that_is_not_the_one_of_its_card_is_not_added(saved, tmp_path):
    _, registry = saved
    small().save(registry.root / "small.keras")
    with pytest.raises(ModelFileError, match="SHA-256 differs"):
        ModelRegistry(tmp_path / "other").add(registry.root / "small.keras")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "pb"}, "is none of 'keras' and 'h5'"),
        ({"history": {"loss": ["a"]}}, "one number per epoch"),
        (
            {"card": Card(name="x", classes=("a", "b", "c"))},
            "names 3 classes, and the model has 2",
        ),
    ],
)
def test_what_cannot_be_saved_is_refused_and_changes_nothing(saved, options, message):
    model, registry = saved
    before = {path: path.read_bytes() for path in registry.root.iterdir()}
    with pytest.raises(InvalidInputError, match=message):
        registry.save(model, "small", **{"card": Card(name="x"), **options})
    assert {path: path.read_bytes() for path in registry.root.iterdir()} == before


def test_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"Cannot write to .*file"):
        ModelRegistry(tmp_path / "file" / "models").save(small(), "small", Card(name="small"))


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
    assert registry["small"].card.notes == ("old",)
    assert files(registry) == ["small.json", "small.keras"]
    assert set(states(registry).values()) == {"ok"}


def test_reader_finishes_a_save_that_was_killed_after_it_had_happened(saved):
    _, registry = saved
    newer = ModelRegistry(registry.root.parent / "newer")
    model = small()
    newer.save(model, "small", Card(name="small", notes=("new",)))
    journal = registry.root / JOURNAL
    newer.root.rename(journal)
    moves = sorted(path.name for path in journal.iterdir())
    (journal / LIST).write_text(json.dumps({"moves": moves, "removes": ["small.history.json"]}))
    (registry.root / STAGE).mkdir()  # and what another one had only begun
    (registry.root / LOCK).touch()  # a lock that nobody holds
    np.testing.assert_array_equal(registry.get("small").predict(X), model(X))
    assert registry["small"].card.notes == ("new",)
    assert files(registry) == ["small.json", "small.keras"]


@pytest.mark.parametrize("names", [["../x"], ["/etc/passwd"], [".ssh"], ["a/b"], [3], "small"])
def test_journal_that_names_other_places_is_not_followed(saved, names):
    _, registry = saved
    journal = registry.root / JOURNAL
    journal.mkdir()
    (journal / LIST).write_text(json.dumps({"moves": [], "removes": names}))
    before = sorted(path for path in registry.root.parent.rglob("*"))
    if names == "small":  # letters, each a name of no file
        registry.list()
        return
    with pytest.raises(OutputError, match="is damaged"):
        registry.list()
    assert sorted(path for path in registry.root.parent.rglob("*")) == before


@pytest.mark.slow
def test_a_hundred_kills_leave_the_old_model_or_the_new(tmp_path):
    left = savers.in_a_process("killed_at_random", tmp_path / "models", 100)
    assert left["rounds"] == left["old"] + left["new"] == 100
    assert left["saves"] > 100
    assert left[STAGE] > 10  # most kills came in the midst of a save


@pytest.mark.slow
def test_a_kill_before_any_operation_on_files_leaves_the_old_model_or_the_new(tmp_path):
    source = ModelRegistry(tmp_path)
    for number in (1, 2):
        savers.save_as(source, small(), number)
    ends = savers.in_a_process("killed_at_each_step", tmp_path)
    assert ends == sorted(ends, key=["old", "new", "finished"].index)
    assert ends.count("old") > 10
    assert ends.count("new") > 2


@pytest.mark.slow
@pytest.mark.parametrize("names", [("one", "one"), ("one", "two")])
def test_two_that_save_at_once_lose_nothing(tmp_path, names):
    met = savers.in_a_process("two_at_once", tmp_path / "models", 20, *names)
    registry = ModelRegistry(tmp_path / "models")
    last = {name: savers.version(registry, name) for name in names}
    for number, name in enumerate(names):
        assert last[name] in ({20, 1020} if names[0] == names[1] else {1000 * number + 20})
    assert all(len(set(found)) > 1 for found in met.values())  # the reader saw them come
    assert files(registry) == sorted(
        path.name for name in set(names) for path in registry.root.glob(f"{name}.*")
    )


def test_errors_are_those_of_tfxai(registry):
    for call in (lambda: registry["x"], lambda: registry.get("x"), lambda: registry.verify("x")):
        with pytest.raises(TfxaiError):
            call()
    assert registry.list() == []
    assert registry.verify() == []
