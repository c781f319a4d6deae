"""Models kept by name: what is saved, added, verified and removed, and which names are names."""

from __future__ import annotations

import logging
import os
import re
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tfxai
from tests.builders import KERAS_SAVES
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
from tfxai.registry import history_path, names, read_history
from tfxai.registry.naming import check_name, is_name

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


def plain(path):
    """A path without the digest in the name of the file."""
    return re.sub(r"-[0-9a-f]{16}\.", ".", str(path))


def files(registry):
    found = [path for path in registry.root.rglob("*") if path.is_file()]
    return sorted(plain(path.relative_to(registry.root).as_posix()) for path in found)


def content(registry):
    return {path: path.read_bytes() for path in registry.root.rglob("*") if path.is_file()}


def states(registry, name=None):
    return {plain(check.file): check.state for check in registry.verify(name)}


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
    assert files(registry) == ["small/card.json", "small/history.json", f"small/model.{form}"]
    assert {path.name for path in entry.file.parent.iterdir()} == {"card.json", *entry.card.sha256}
    assert set(states(registry).values()) == {"ok"}
    (listed,) = registry.list()
    assert listed == entry
    assert (listed.format, listed.size) == (form, entry.file.stat().st_size)


def test_saving_again_replaces_all_that_belonged_to_the_name(saved):
    _, registry = saved
    registry.save(small(), "small", format="h5")
    assert files(registry) == ["small/card.json", "small/model.h5"]
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
        own.save(small(), "of_this_test", Card(name="of_this_test"))
    with pytest.raises(OutputError, match="is not changed there"):
        own.remove("cifar10_cnn")
    (tmp_path / "models").mkdir()
    ModelRegistry().save(small(), "of_this_test", Card(name="of_this_test"))
    assert ModelRegistry()["of_this_test"].file.parent == Path("models/of_this_test")


def test_folder_of_the_environment_must_be_there(monkeypatch, tmp_path):
    monkeypatch.setenv("TFXAI_MODELS", str(tmp_path / "gone"))
    with pytest.raises(DataNotFoundError, match=r"TFXAI_MODELS names .*gone"):
        ModelRegistry()


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (lambda entry: entry.file.write_bytes(b"other"), {"small/model.keras": "changed"}),
        (lambda entry: entry.history_file.unlink(), {"small/history.json": "missing"}),
        (lambda entry: entry.file.unlink(), {"small/model.keras": "missing"}),
        (
            lambda entry: (entry.file.parents[1] / "small.h5").write_bytes(b"new"),
            {"small.h5": "no digest"},
        ),
        (
            lambda entry: entry.file.with_name("card.json").unlink(),
            {"small/model.keras": "no card", "small/history.json": "no card"},
        ),
    ],
)
def test_verify_tells_what_differs_from_the_card(saved, harm, expected):
    _, registry = saved
    before = states(registry, "small")
    harm(registry["small"])
    found = states(registry)
    assert {file: state for file, state in found.items() if before.get(file) != state} == expected


def test_removed_model_is_gone_and_others_are_not(saved):
    _, registry = saved
    registry.save(small(), "other", Card(name="other"))
    registry.remove("small")
    assert files(registry) == ["other/card.json", "other/model.keras"]
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
        lambda: registry.add(registry.root / "small", name),
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
    assert files(registry) == ["code/card.json", "code/model.keras"]


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
    assert files(registry) == ["whole/card.json", "whole/model.keras"]


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
    small().save(registry["small"].file)
    with pytest.raises(ModelFileError, match="SHA-256 differs"):
        ModelRegistry(tmp_path / "other").add(registry["small"].file)


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
    before = content(registry)
    with pytest.raises(InvalidInputError, match=message):
        registry.save(model, "small", **{"card": Card(name="x"), **options})
    assert content(registry) == before


def test_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"Cannot write to .*file"):
        ModelRegistry(tmp_path / "file" / "models").save(small(), "small", Card(name="small"))


def test_errors_are_those_of_tfxai(registry):
    for call in (lambda: registry["x"], lambda: registry.get("x"), lambda: registry.verify("x")):
        with pytest.raises(TfxaiError):
            call()
    assert registry.list() == []
    assert registry.verify() == []
