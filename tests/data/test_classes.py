import json

import pytest

from tfxai.data import read_classes
from tfxai.errors import DataNotFoundError, InvalidInputError


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "Cat\nsea lion\nCafé\n\n", ("Cat", "sea lion", "Café")),
        ("a.txt", "\ufeffCat\r\nDog\r\n", ("Cat", "Dog")),
        ("a.json", '["Cat", "Dog"]', ("Cat", "Dog")),
        ("a.json", '{"10": "k", "1": "b", "0": "a", "2": "c", "3": "d", "4": "e", "5": "f", '
                   '"6": "g", "7": "h", "8": "i", "9": "j"}', tuple("abcdefghijk")),
        ("index.json", '{"1": ["n01443537", "goldfish"], "0": ["n01440764", "tench"]}',
         ("tench", "goldfish")),
        ("a.txt", "7\n", ("7",)),
    ],
)  # fmt: skip
def test_names_come_in_the_order_of_the_outputs(tmp_path, name, content, expected):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_classes(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "{", "cannot be read as JSON"),
        ("a.txt", "Cat\n\nDog", "has no name for output 1"),
        ("a.json", '{"0": "Cat", "2": "Dog"}', "has no name for output 1"),
        ("a.json", '["Cat", 3]', "has no name for output 1"),
        ("a.json", '{"0": []}', "has no name for output 0"),
        ("a.txt", "\n", "is empty"),
        ("a.json", "[]", "is empty"),
        ("a.txt", b"\xff\xfe\x00", "cannot be read as text"),
    ],
)
def test_a_file_without_a_name_for_each_output_is_refused(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidInputError, match=said):
        read_classes(path)


def test_a_missing_file_or_a_folder_is_said(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"There is no file '.*none.txt'"):
        read_classes(tmp_path / "none.txt")
    with pytest.raises(InvalidInputError, match=r"cannot be read as text"):
        read_classes(tmp_path)


@pytest.mark.data
def test_the_thousand_classes_of_imagenet_are_read(test_data):
    path = test_data / "data/imagenet_class_index.json"
    names = read_classes(path)
    record = json.loads(path.read_text())
    assert len(names) == 1000
    assert (names[0], names[404], names[999]) == ("tench", "airliner", "toilet_tissue")
    assert all(name == record[str(i)][1] for i, name in enumerate(names))
