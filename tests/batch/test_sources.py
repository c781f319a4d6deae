"""Every form of data gives the same examples in a fixed order, and says what it cannot read."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.batch.conftest import (
    CLASSES,
    COUNT,
    LABELS,
    PIXELS,
    write_images,
    write_lines,
    write_parquet,
    write_records,
)
from tfxai.batch import Fields, open_source
from tfxai.batch.sources import Failure, Row
from tfxai.data.cifar10 import find_data_dir
from tfxai.data.images import decode_image
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning, UnknownNameError

NAMED = Fields(label="label", key="id", keep=("label",))
FORMS = {
    "tfrecord": write_records,
    "gzip": lambda folder: write_records(folder, "GZIP"),
    "parquet": write_parquet,
    "jsonl": write_lines,
}


def pixels_of(row):
    (value,) = row.inputs.values()
    return decode_image(value) if isinstance(value, bytes) else np.asarray(value)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_examples(form, tmp_path):
    source = pickle.loads(pickle.dumps(open_source([FORMS[form](tmp_path)], NAMED)))
    assert source.count == COUNT
    for start, stop in ((0, COUNT), (7, 19), (22, 23)):
        read = list(source.read(start, stop))
        assert [row.key for row in read] == [f"example {i}" for i in range(start, stop)]
        np.testing.assert_array_equal([pixels_of(row) for row in read], PIXELS[start:stop])
        known = [CLASSES.index(row.label) if row.label in CLASSES else row.label for row in read]
        np.testing.assert_array_equal(known, LABELS[start:stop])
        assert [row.kept["label"] for row in read] == [row.label for row in read]


def test_images_have_the_class_of_their_folder(tmp_path):
    glob = write_images(tmp_path)
    for source in (open_source([glob]), open_source([str(tmp_path)])):
        read = list(source.read(0, source.count))
        assert source.count == COUNT
        for row in read:
            i = int(Path(row.key).stem)
            assert row.label == CLASSES[LABELS[i]]
            np.testing.assert_array_equal(row.inputs["image"], PIXELS[i])


def _labels(words):
    source = open_source([str(word) for word in words])
    return {row.key: row.label for row in source.read(0, source.count)}


def test_folders_and_globs_of_one_class_or_several(tmp_path):
    write_images(tmp_path)
    whole = _labels([tmp_path])
    red, green = ({k: v for k, v in whole.items() if v == name} for name in ("Red", "Green"))
    assert _labels([tmp_path / "Red"]) == _labels([tmp_path / "Red" / "*.png"]) == red
    assert _labels([tmp_path / "Red", tmp_path / "Green"]) == red | green
    assert _labels([tmp_path / "*"]) == _labels([tmp_path / "**" / "*.png"]) == whole
    first = next(iter(red))
    assert _labels([first]) == {first: "Red"}
    (tmp_path / "Green" / "a[0].png").write_bytes(Path(first).read_bytes())
    assert list(_labels([tmp_path / "Green" / "a[0].png"]).values()) == ["Green"]
    (tmp_path / "stray.png").write_bytes(Path(first).read_bytes())
    mixed = _labels([tmp_path])
    assert mixed.pop(str(tmp_path / "stray.png")) is None
    assert mixed.items() >= whole.items()


def test_a_file_that_is_given_twice_is_taken_once(tmp_path, monkeypatch):
    word = write_images(tmp_path)
    assert open_source([word, word, str(tmp_path)]).count == COUNT
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Red" / "x").mkdir()
    assert open_source(["Red/*.png", "./Red/../Red/*.png"]).count == (LABELS == 0).sum()
    word = write_parquet(tmp_path)
    assert open_source([word, "data.parquet"]).count == COUNT


def test_folders_without_images_beside_others_are_told(tmp_path):
    write_images(tmp_path)
    (tmp_path / "Purple").mkdir()
    for word in (tmp_path, tmp_path / "*"):
        with pytest.warns(TfxaiWarning, match="no image") as warned:
            assert open_source([str(word)]).count == COUNT
        assert "Purple" in str(warned[0].message)


def test_reading_starts_behind_a_mark(tmp_path, monkeypatch):
    monkeypatch.setattr("tfxai.batch.sources.lines.EVERY", 4)
    monkeypatch.setattr("tfxai.batch.sources.records.EVERY", 4)
    for write in (write_lines, write_records):
        source = open_source([write(tmp_path)], NAMED)
        for start in range(COUNT):
            keys = [row.key for row in source.read(start, COUNT)]
            assert keys == [f"example {i}" for i in range(start, COUNT)]


def test_a_split_of_tensorflow_datasets():
    if find_data_dir() is None:
        pytest.skip("tensorflow-datasets has prepared no cifar10 here")
    source = open_source(["cifar10:test[10:30]"], Fields(keep=("label",)))
    assert source.count == 20
    whole = list(open_source(["tfds:cifar10:test"]).read(15, 18))
    part = list(source.read(5, 8))
    for a, b in zip(whole, part, strict=True):
        assert a.key == b.key
        np.testing.assert_array_equal(a.inputs["image"], b.inputs["image"])
        assert b.label == b.kept["label"] == a.label


def test_a_damaged_record_costs_itself_alone(tmp_path):
    path = Path(write_records(tmp_path).replace("*", "00000"))
    data = bytearray(path.read_bytes())
    (length,) = np.frombuffer(data[:8], "<u8")
    second = 12 + int(length) + 4
    data[second + 12 + 40] ^= 0xFF  # one byte of the second record
    path.write_bytes(data)
    read = list(open_source([str(path)], NAMED).read(0, 12))
    assert isinstance(read[1], Failure)
    assert (read[1].key, read[1].stage) == (f"{path.name}#1", "read")
    assert [row.key for row in read if isinstance(row, Row)] == [
        f"example {i}" for i in range(12) if i != 1
    ]


def test_what_a_damaged_length_takes_with_it_is_told(tmp_path):
    path = Path(write_records(tmp_path).replace("*", "00000"))
    data = bytearray(path.read_bytes())
    offset = 0
    for _ in range(3):
        offset += 12 + int(np.frombuffer(data[offset : offset + 8], "<u8")[0]) + 4
    data[offset + 6] ^= 0xFF  # the length of the fourth record
    path.write_bytes(data)
    source = open_source([str(path)], NAMED)
    read = list(source.read(0, source.count))
    assert [row.key for row in read[:3]] == [f"example {i}" for i in range(3)]
    (failed,) = read[3:]
    assert f"the {len(data) - offset:,} bytes from it on are given up" in failed.reason


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_of_a_file_that_is_cut_off_the_records_before_are_read(tmp_path, compression):
    path = Path(write_records(tmp_path, compression).replace("*", "00000"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    source = open_source([str(path)], NAMED)
    read = list(source.read(0, source.count))
    assert 5 < source.count < 12
    assert isinstance(read[-1], Failure)
    assert "cut off" in read[-1].reason or "end" in read[-1].reason.lower()
    assert "from it on" in read[-1].reason
    assert [row.key for row in read[:-1]] == [f"example {i}" for i in range(source.count - 1)]


def test_a_record_that_claims_to_be_huge_is_not_believed(tmp_path):
    path = tmp_path / "one.tfrecord"
    path.write_bytes((2**60).to_bytes(8, "little") + bytes(100))
    (row,) = open_source([str(path)]).read(0, 1)
    assert "bytes cannot be" in row.reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ('{"image": {"b64": "?"}, "label": 1, "id": "x"}', "base64"),
        ('{"image": [[1, 2], [3]], "label": 1, "id": "x"}', "differ in length"),
        ('{"label": 1, "id": "x"}', "no field 'image'"),
        ("[" * 100_000, "no JSON"),
    ],
    ids=("cut", "base64", "ragged", "missing", "deep"),
)
def test_a_bad_line_costs_itself_alone(tmp_path, line, reason):
    good = json.dumps({"image": [1.0], "label": 0, "id": "good"})
    (tmp_path / "data.jsonl").write_text(f"{good}\n{line}\n{good}\n")
    named = Fields(("image",), "label", "id")
    first, bad, last = open_source([str(tmp_path / "data.jsonl")], named).read(0, 3)
    assert (first.key, last.key) == ("good", "good")
    assert isinstance(bad, Failure)
    assert reason in bad.reason


def test_one_path_needs_no_list_and_fields_are_a_record(tmp_path):
    path = write_lines(tmp_path)
    assert open_source(path).count == open_source([Path(path)]).count == COUNT
    with pytest.raises(InvalidInputError, match=r"was expected to be tfxai\.batch\.Fields, such"):
        open_source(path, ["image"])


def test_links_to_nothing_are_told_of_a_glob(tmp_path):
    glob = write_images(tmp_path)
    (tmp_path / "Red" / "gone.png").symlink_to(tmp_path / "nothing.png")
    with pytest.warns(TfxaiWarning, match=r"1 link to nothing, such as '.*gone\.png'"):
        assert open_source([glob]).count == COUNT


def test_the_field_that_has_no_other_meaning_is_the_input(tmp_path):
    (tmp_path / "data.jsonl").write_text('{"key": "x", "bytes": [1, 2], "class": 3}')
    words = [str(tmp_path / "data.jsonl")]
    (row,) = open_source(words, Fields(label="class", key="key")).read(0, 1)
    assert list(row.inputs) == ["bytes"]
    (failed,) = open_source(words, Fields(label="class")).read(0, 1)
    assert "--input-field" in failed.reason


def test_instances_are_named_by_their_lines(tmp_path, monkeypatch):
    monkeypatch.setattr("tfxai.batch.sources.lines.EVERY", 2)
    lines = ["", "[1]", "", " ", "[2]", "[3]", "", "[4]", "no", "[5]", ""]
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(lines))
    source = open_source([str(path)])
    places = [i for i, line in enumerate(lines) if line.strip()]
    for start in range(6):
        for stop in range(start, 7):
            keys = [row.key for row in source.read(start, stop)]
            assert keys == [f"data.jsonl#{i}" for i in places[start:stop]]


def test_records_of_files_of_one_name_have_keys_of_their_own(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.jsonl").write_text("[1]\n[2]")
    (tmp_path / "other.jsonl").write_text("[3]")
    words = [str(tmp_path / "*" / "data.jsonl"), str(tmp_path / "other.jsonl")]
    source = open_source(words)
    assert [row.key for row in source.read(0, 5)] == [
        *(f"{tmp_path}/{name}/data.jsonl#{i}" for name in ("a", "b") for i in (0, 1)),
        "other.jsonl#0",
    ]


def test_a_long_line_is_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("tfxai.batch.sources.lines.MOST_BYTES", 100)
    (tmp_path / "data.jsonl").write_text("[1]\n" + "[" + "1," * 200 + "1]\n[2]\n")
    first, bad, last = open_source([str(tmp_path / "data.jsonl")]).read(0, 3)
    assert (first.inputs["instance"][0], last.inputs["instance"][0]) == (1, 2)
    assert "more than 100 bytes" in bad.reason


def test_a_row_group_that_cannot_be_read_costs_its_rows_alone(tmp_path):
    path = Path(write_parquet(tmp_path))
    data = bytearray(path.read_bytes())
    data[300:320] = bytes(20)
    path.write_bytes(data)
    read = list(open_source([str(path)], NAMED).read(0, COUNT))
    assert len(read) == COUNT
    failed = [i for i, row in enumerate(read) if isinstance(row, Failure)]
    assert failed == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["{}/none*.png"], DataNotFoundError, "matches no file"),
        (["{}/data.jsonl", "{}/data.parquet"], InvalidInputError, "several formats"),
        (["{}/data.bin"], InvalidInputError, "--input-format"),
        (["gs://bucket/x-*.png"], InvalidInputError, "Mount"),
        (["tfds:nothing_like_it:test"], DataNotFoundError, "has prepared no"),
        (["tfds:nonsense"], InvalidInputError, "Write it as in"),
        (["{}/empty.jsonl"], InvalidInputError, "no examples"),
        (["{}/fake.parquet"], InvalidInputError, "Parquet"),
        (["cifar10:test", "{}/data.jsonl"], InvalidInputError, "Pass it alone"),
        (["{}"], InvalidInputError, "holds no image"),
    ],
    ids=("none", "mixed", "unknown", "address", "tfds", "word", "empty", "fake", "two", "folder"),
)
def test_bad_words_get_one_sentence(tmp_path, words, error, sentence):
    write_lines(tmp_path)
    write_parquet(tmp_path)
    (tmp_path / "data.bin").write_bytes(b"x")
    (tmp_path / "fake.parquet").write_bytes(b"x" * 100)
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(error, match=sentence):
        open_source([word.format(tmp_path) for word in words])


def test_a_file_that_became_shorter_costs_what_is_gone(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text("[1]\n[2]\n[3]\n")
    source = open_source([str(path)])
    path.write_text("[1]\n")
    first, second, third = source.read(0, 3)
    assert isinstance(first, Row)
    assert "gone since" in second.reason
    assert third.key == "data.jsonl#2"


def test_a_field_that_nobody_named_is_asked_for(tmp_path):
    (tmp_path / "data.jsonl").write_text('{"a": [1], "b": [2]}\n')
    (row,) = open_source([str(tmp_path / "data.jsonl")]).read(0, 1)
    assert "--input-field" in row.reason
    with pytest.raises(InvalidInputError, match="images have none"):
        open_source([write_images(tmp_path)], Fields(label="label"))
    with pytest.raises(InvalidInputError, match="only images are taken from one"):
        open_source([str(tmp_path)], format="jsonl")
    with pytest.raises(UnknownNameError, match="format 'csv'"):
        open_source([str(tmp_path / "data.jsonl")], format="csv")


def test_what_a_source_says_of_itself_changes_with_its_files(tmp_path):
    word = write_records(tmp_path)
    before = open_source([word], NAMED).describe()
    assert before == open_source([word], NAMED).describe()
    with tf.io.TFRecordWriter(str(tmp_path / "data.tfrecord-00001")) as file:
        file.write(b"")
    assert open_source([word], NAMED).describe() != before
