"""Presets of KerasHub: loaded as texts need them, and refused where something is wrong."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import tfxai
from tests.builders import KERAS_SAVES
from tests.text.readers import LENGTH, WORDS, bert
from tfxai import Card, IntegratedGradients
from tfxai.errors import (
    DataNotFoundError,
    InvalidInputError,
    MissingExtraError,
    ModelFileError,
    UnsafeModelError,
)
from tfxai.inspection import Limits, inspect, scan

pytestmark = [
    pytest.mark.filterwarnings(KERAS_SAVES),
    pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer"),
]
TEXTS = ["a fine film", "never again a bad film !"]


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> Path:
    """A preset as KerasHub writes it."""
    folder = tmp_path_factory.mktemp("presets") / "reader.v1"
    bert().save_to_preset(str(folder))
    return folder


@pytest.fixture
def copy(preset, tmp_path) -> Path:
    """A preset that may be changed."""
    return Path(shutil.copytree(preset, tmp_path / "preset"))


def answers() -> Any:
    return bert()(bert().preprocessor(TEXTS), training=False).numpy()


def test_a_preset_answers_as_the_task_that_was_saved(preset):
    subject = tfxai.load(preset)
    np.testing.assert_allclose(subject.predict(TEXTS), answers(), rtol=1e-5, atol=1e-6)
    assert type(subject.model) is type(bert())
    assert subject.card is None


def test_a_preset_is_explained_by_token_for_a_class_by_name(preset):
    subject = tfxai.load(preset, class_names=["negative", "positive"])
    a = IntegratedGradients(steps=200)(subject, TEXTS, target="positive")
    own = IntegratedGradients(steps=200)(bert(), TEXTS, target=1)
    np.testing.assert_allclose(a.values, own.values, rtol=1e-4, atol=1e-6)
    assert [word for word, _ in a.words()[0] if not word.startswith("[")] == ["a", "fine", "film"]
    assert a.target_names[0] == "positive"


def test_the_card_beside_a_preset_is_its_own(copy):
    card = Card(name="reader", classes=("bad", "good"))
    card.write(copy.with_name(f"{copy.name}.json"))
    assert tfxai.load(copy).card == card
    assert tfxai.load(str(copy), class_names=("no", "yes")).classes == ("no", "yes")


def test_a_card_beside_a_folder_with_a_dot_in_its_name_is_found(copy):
    dotted = copy.rename(copy.with_name("reader.v2"))
    Card(name="reader", classes=("bad", "good")).write(dotted.with_name("reader.v2.json"))
    assert tfxai.load(dotted).classes == ("bad", "good")


def test_the_folder_that_one_is_in_is_a_preset(copy, monkeypatch):
    Card(name="reader", classes=("bad", "good")).write(copy.with_name(f"{copy.name}.json"))
    monkeypatch.chdir(copy)
    assert tfxai.load(".").classes == ("bad", "good")
    monkeypatch.chdir(copy / "assets")
    assert tfxai.load(Path("..")).classes == ("bad", "good")


@pytest.mark.parametrize("names", ["positive", [1, 2], [""]])
def test_names_of_classes_are_names(preset, names):
    with pytest.raises(InvalidInputError, match=r"class_names=.* a list of names"):
        tfxai.load(preset, class_names=names)


def test_a_task_in_one_file_answers_as_the_one_that_was_saved(tmp_path):
    bert().save(tmp_path / "reader.keras")
    subject = tfxai.load(tmp_path / "reader.keras")
    np.testing.assert_allclose(subject.predict(TEXTS), answers(), rtol=1e-5, atol=1e-6)


def test_inspection_says_vocabulary_layers_and_heads_of_both(preset, tmp_path):
    bert().save(tmp_path / "reader.keras")
    for path, kind in ((preset, "keras_hub"), (tmp_path / "reader.keras", "keras")):
        found = inspect(path)
        assert (found.format, found.model_class) == (kind, "BertTextClassifier")
        hub = found.hub
        assert hub is not None
        assert (hub.backbone, hub.tokenizer) == ("BertBackbone", "BertTokenizer")
        assert (hub.vocabulary, hub.layers, hub.heads, hub.width) == (len(WORDS), 1, 2, 8)
        assert (hub.length, hub.classes, hub.activation) == (LENGTH, 2, "linear")
        assert [(one.name, one.dtype) for one in found.inputs] == [("texts", "string")]
        assert found.outputs[0].shape == (None, 2)
        assert found.to_dict()["hub"]["heads"] == 2
        assert not found.report.refused


def test_without_keras_hub_its_extra_is_named(preset, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tfxai\[text\]'"):
        tfxai.load(preset)


@pytest.mark.parametrize(
    "url", ["hf://someone/bert", "kaggle://keras/bert/keras/tiny", "gs://b/p"]
)
def test_an_address_is_not_reached(url):
    with pytest.raises(DataNotFoundError, match="is an address"):
        tfxai.load(url)


def test_a_byte_level_vocabulary_is_read(tmp_path):
    models = pytest.importorskip("keras_hub").models
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "\u0120", *"fine", "fi", "\u0120fi"]
    pieces += ["ne", "fine", "\u0120fine"]
    tokenizer = models.RobertaTokenizer(
        vocabulary={piece: i for i, piece in enumerate(pieces)},
        merges=["f i", "n e", "\u0120 fi", "fi ne", "\u0120fi ne"],
    )
    backbone = models.RobertaBackbone(
        vocabulary_size=len(pieces), num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=8,
        max_sequence_length=12,
    )  # fmt: skip
    preprocessor = models.RobertaTextClassifierPreprocessor(tokenizer, sequence_length=10)
    task = models.RobertaTextClassifier(backbone, num_classes=2, preprocessor=preprocessor)
    task.save_to_preset(str(tmp_path / "roberta"))
    subject = tfxai.load(tmp_path / "roberta")
    texts = ["a fine", "fine a"]
    expected = task(task.preprocessor(texts)).numpy()
    np.testing.assert_allclose(subject.predict(texts), expected, atol=1e-6)
    assert inspect(tmp_path / "roberta").hub.tokenizer == "RobertaTokenizer"


def test_a_preset_of_images_takes_images(tmp_path):
    hub = pytest.importorskip("keras_hub")
    backbone = hub.models.ViTBackbone(
        image_shape=(32, 32, 3), patch_size=16, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=8
    )
    converter = hub.layers.ViTImageConverter(image_size=(32, 32))
    task = hub.models.ViTImageClassifier(
        backbone,
        num_classes=2,
        preprocessor=hub.models.ViTImageClassifierPreprocessor(image_converter=converter),
    )
    task.save_to_preset(str(tmp_path / "vit"))
    subject = tfxai.load(tmp_path / "vit")
    x = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    assert subject.encoder is None
    np.testing.assert_allclose(subject.predict(x), task(x), atol=1e-6)
    assert inspect(tmp_path / "vit").inputs == ()


# Presets that somebody changed.


def changed(folder: Path, file: str, change: Callable[[Any], None]) -> None:
    """Writes a config anew after a change of it."""
    config = json.loads((folder / file).read_text())
    change(config)
    (folder / file).write_text(json.dumps(config))


def everywhere(folder: Path, part: str, options: dict[str, Any]) -> None:
    """Changes options of the backbone, preprocessor or tokenizer in every file that has them."""
    for file in ("config.json", "task.json", "preprocessor.json", "tokenizer.json"):
        todo, config = [], json.loads((folder / file).read_text())
        todo.append(config)
        while todo:
            one = todo.pop()
            if part in one["module"] and not one["class_name"].endswith("Classifier"):
                one["config"] |= options
            todo += [inner for inner in one["config"].values()
                     if isinstance(inner, dict) and "hub" in str(inner.get("module"))]  # fmt: skip
        (folder / file).write_text(json.dumps(config))


def other_class(folder: Path) -> None:
    other = {"module": "os", "class_name": "system", "registered_name": None}
    changed(folder, "task.json", lambda config: config.update(other))


def two_names(folder: Path) -> None:
    changed(
        folder, "config.json", lambda one: one.update(registered_name="keras_hub>GPT2Backbone")
    )


def code(folder: Path) -> None:
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "4wE="}}
    changed(folder, "task.json", lambda one: one["config"].update(preprocessor=layer))


def address(folder: Path) -> None:
    everywhere(folder, "tokenizer", {"vocabulary": "hf://someone/words.txt"})


def path_of_words(folder: Path) -> None:
    everywhere(folder, "tokenizer", {"merges": "words.txt"})


def climbing(folder: Path) -> None:
    everywhere(folder, "tokenizer", {"config_file": "../../../../home/tokenizer.json"})


def link(folder: Path) -> None:
    words = folder / "assets/tokenizer/vocabulary.txt"
    shutil.move(words, folder.parent / "words.txt")
    words.symlink_to(folder.parent / "words.txt")


def linked_folder(folder: Path) -> None:
    shutil.move(folder / "assets", folder.parent / "elsewhere")
    (folder / "assets").symlink_to(folder.parent / "elsewhere")


def deep(folder: Path) -> None:
    nested: Any = []
    for _ in range(300):
        nested = [nested]
    changed(folder, "tokenizer.json", lambda one: one["config"].update(more=nested))


def long(folder: Path) -> None:
    changed(folder, "metadata.json", lambda one: one.update(more=[0] * 600_000))


def twice(folder: Path) -> None:
    text = (folder / "task.json").read_text()
    (folder / "task.json").write_text(text.replace("{", '{"class_name": "BertTextClassifier",', 1))


def twice_in_words(folder: Path) -> None:
    (folder / "assets/tokenizer/vocabulary.json").write_text('{"a": 0, "a": 1}')


def foreign_asset(folder: Path) -> None:
    (folder / "assets/tokenizer/words.so").write_bytes(b"\x7fELF")


def foreign_file(folder: Path) -> None:
    (folder / "model.py").write_text("raise SystemExit")


def many_layers(folder: Path) -> None:
    everywhere(folder, "backbone", {"num_layers": 10**6})


def endless_texts(folder: Path) -> None:
    everywhere(folder, "preprocessor", {"sequence_length": 10**9})


def outside_data(folder: Path) -> None:
    with h5py.File(folder / "model.weights.h5", "a") as file:
        file["more"] = h5py.ExternalLink("/etc/passwd", "/")


ATTACKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "another module": (other_class, "module outside Keras"),
    "registered as another class": (two_names, "two names"),
    "a Lambda layer": (code, "code in the file"),
    "a vocabulary at an address": (address, "file outside"),
    "merges at a path": (path_of_words, "file outside"),
    "assets of another folder": (climbing, "path outside"),
    "a link in the assets": (link, "link"),
    "assets behind a link": (linked_folder, "link"),
    "nested JSON": (deep, "JSON out of bounds"),
    "long JSON": (long, "JSON out of bounds"),
    "a key twice": (twice, "duplicate key"),
    "a word twice": (twice_in_words, "duplicate key"),
    "a library among the assets": (foreign_asset, "foreign member"),
    "a program": (foreign_file, "foreign member"),
    "a million layers": (many_layers, "claims more than the file holds"),
    "endless texts": (endless_texts, "claims more than the file holds"),
    "weights of another file": (outside_data, "link"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_harmful_preset_is_refused_for_its_reason(copy, attack):
    change, what = ATTACKS[attack]
    change(copy)
    with pytest.raises((UnsafeModelError, ModelFileError)) as caught:
        tfxai.load(copy)
    assert what in {one.what for one in scan(copy).at("refuse")}, scan(copy).findings
    assert str(copy) in str(caught.value)


def test_words_beyond_a_limit_are_not_read(copy):
    assert not scan(copy).refused
    report = scan(copy, limits=Limits(asset_bytes=50))
    assert [one.what for one in report.at("refuse")] == ["member out of bounds"]


def other_shapes(folder: Path) -> None:
    everywhere(folder, "backbone", {"hidden_dim": 12})


def no_head(folder: Path) -> None:
    (folder / "task.weights.h5").unlink()


def no_task(folder: Path) -> None:
    (folder / "task.json").unlink()


def unknown_class(folder: Path) -> None:
    names = {"class_name": "OwnClassifier", "registered_name": "keras_hub>OwnClassifier"}
    changed(folder, "task.json", lambda one: one.update(names))


def other_kind(folder: Path) -> None:
    backbone = json.loads((folder / "config.json").read_text())
    (folder / "task.json").write_text(json.dumps(backbone))


def more_words(folder: Path) -> None:
    with (folder / "assets/tokenizer/vocabulary.txt").open("a") as file:
        file.write("".join(f"more{i}\n" for i in range(9)))


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "weights of other shapes": (other_shapes, "save_to_preset"),
    "no weights of the head": (no_head, "would be random"),
    "no task": (no_task, r"no task\.json, and so no output to explain"),
    "a class that KerasHub lacks": (unknown_class, "OwnClassifier.*does not have"),
    "a backbone in the place of a task": (other_kind, "BertBackbone in the place of a task"),
    "a longer vocabulary": (more_words, "knows 28 tokens, and its model has vectors for 19"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_preset_that_is_not_whole_is_no_model(copy, fault):
    change, words = BROKEN[fault]
    change(copy)
    with pytest.raises(ModelFileError, match=words):
        tfxai.load(copy)
