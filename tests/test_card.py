import hashlib
import json

import numpy as np
import pytest

from tfxai.card import Card, card_path, sha256_of
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import DataNotFoundError, InvalidInputError, OutputError

CARD = Card(
    name="small",
    classes=("Cat", "Dog"),
    input_shape=(32, 32, 3),
    preprocessing=Preprocessing("standardise", (0.5, 0.4, 0.3), (0.2, 0.2, 0.25)),
    dataset="cifar10",
    accuracy=0.875,
    test_images=10_000,
    epochs=3,
    batch_size=128,
    seed=0,
    command="tfxai train --data cifar10",
    versions={"keras": "3.15.1"},
    licence="Apache-2.0",
    sha256={"small.keras": "0" * 64},
    created="2025-01-01T00:00:00+00:00",
    notes=("One sentence.",),
)


@pytest.mark.parametrize("card", [CARD, Card(name="bare")], ids=["full", "bare"])
def test_a_card_survives_its_file(tmp_path, card):
    card.write(tmp_path / "small.json")
    assert Card.read(tmp_path / "small.json") == card
    assert [path.name for path in tmp_path.iterdir()] == ["small.json"]


def test_the_file_is_for_people_too(tmp_path):
    CARD.write(tmp_path / "small.json")
    text = (tmp_path / "small.json").read_text()
    assert text.startswith('{\n  "name": "small",\n')
    assert text.endswith("}\n")
    low, high = json.loads(text)["input_range"]
    np.testing.assert_allclose(low, [-2.5, -2.0, -1.2])
    np.testing.assert_allclose(high, [2.5, 3.0, 2.8])


def test_keys_of_later_versions_are_passed_over(tmp_path):
    record = CARD.to_dict() | {"colour": "blue"}
    (tmp_path / "a.json").write_text(json.dumps(record))
    assert Card.read(tmp_path / "a.json") == CARD


def test_card_and_model_share_their_name():
    assert card_path("models/a.keras") == card_path("models/a.h5")
    assert card_path("models/a.keras").as_posix() == "models/a.json"


def test_card_in_the_folder_of_a_saved_model_is_found(tmp_path):
    (tmp_path / "card.json").touch()
    assert card_path(tmp_path / "model-0123456789abcdef.h5") == tmp_path / "card.json"
    assert card_path(tmp_path / "other.h5") == tmp_path / "other.json"


def test_digest_is_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "no card of a model"),
        ('{"classes": []}', "no card of a model"),
        ('{"name": "a", "classes": 3}', "The card of 'a' has a value of a wrong kind"),
        ('{"name": "a", "preprocessing": {"name": "?"}}', "'a' has .*no preprocessing '\\?'"),
        ('{"name": "a", "sha256": [1]}', "The card of 'a'"),
    ],
)
def test_a_file_that_is_no_card_is_refused(tmp_path, text, sentence):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InvalidInputError, match=sentence):
        Card.read(tmp_path / "a.json")


def test_a_missing_card_is_said_to_be_missing(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"There is no card"):
        Card.read(tmp_path / "a.json")


def test_a_card_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"Cannot write"):
        CARD.write(tmp_path / "file" / "a.json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
