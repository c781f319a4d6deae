"""Runs over whole data sets: values, counts, what fails, and what goes on after a stop."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
from pathlib import Path

import keras
import numpy as np
import pyarrow.parquet
import pytest
import tensorflow as tf
from keras import layers

import tfxai
from tests.batch.conftest import (
    CLASSES,
    COUNT,
    LABELS,
    PIXELS,
    SHAPE,
    write_images,
    write_lines,
    write_parquet,
    write_records,
)
from tests.batch.faults import Harmful, Unloadable
from tests.batch.results import failures, manifest, rows_of, same
from tests.builders import KERAS_SAVES
from tfxai.batch import Explainer, Fields, Summary, Where, job_of, open_source, run_job
from tfxai.batch.inputs import Taken
from tfxai.batch.job import Job
from tfxai.batch.labels import class_number
from tfxai.batch.sources import Row
from tfxai.batch.trying import looked_at
from tfxai.errors import (
    InsufficientMemoryError,
    InvalidInputError,
    OutputError,
    TfxaiError,
    UnknownNameError,
)

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)
NAMED = Fields(label="label", key="id")
FORMS = {"tfrecord": write_records, "parquet": write_parquet, "jsonl": write_lines}
METHODS = (tfxai.GradCAM(), tfxai.IntegratedGradients(steps=4))


def explained(source, model, output, *, methods=METHODS, resume=False, **options):
    words = {"batch_size": 8, "shard_size": 8, **options}
    asked = {name: words.pop(name) for name in ("target", "target_column") if name in words}
    engine = {name: words.pop(name) for name in ("workers", "overwrite") if name in words}
    job = job_of(source, Explainer(model, methods, **asked), output, **words)
    return run_job(job, resume=resume, **engine)


@pytest.mark.parametrize("form", FORMS)
def test_values_are_those_of_the_methods_in_process(form, model, tmp_path):
    source = open_source([FORMS[form](tmp_path)], NAMED)
    made = explained(source, model, tmp_path / "out")
    assert made["counts"]["explained"] == COUNT
    assert made == manifest(tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert list(rows) == [f"example {i}" for i in range(COUNT)]
    for start in range(0, COUNT, 8):
        part = slice(start, start + 8)
        for method in METHODS:
            direct = method(tfxai.load(model), PIXELS[part])
            mine = [rows[f"example {i}"] for i in range(COUNT)[part]]
            for name in ("values", "score", "target", "prediction"):
                given = [row[f"{method.name}/{name}"] for row in mine]
                np.testing.assert_array_equal(given, getattr(direct, name))
    assert [row["label"] for row in rows.values()] == LABELS.tolist()
    assert len(pyarrow.parquet.read_table(tmp_path / "out" / "data")) == COUNT
    assert [row["integrated_gradients/completeness_gap"] for row in mine] == list(
        direct.completeness_gap
    )


def test_pictures_of_other_sizes_are_fitted_and_counted(model, tmp_path):
    from PIL import Image

    large = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
    for number in range(3):
        Image.fromarray(large).save(tmp_path / f"{number}.png")
    Image.fromarray(PIXELS[0]).save(tmp_path / "3.png")
    made = explained(open_source([f"{tmp_path}/*.png"]), model, tmp_path / "out")
    assert made["counts"]["cropped_or_resized"] == 3
    fitted = tfxai.data.images.fit_image(large, *SHAPE[:2])
    direct = METHODS[1](tfxai.load(model), np.stack([fitted] * 3 + [PIXELS[0]]))
    rows = list(rows_of(tmp_path / "out").values())
    np.testing.assert_array_equal(
        [row["integrated_gradients/values"] for row in rows], direct.values
    )


def test_of_corrupt_examples_none_is_lost(model, tmp_path):
    glob = write_images(tmp_path / "data")
    bad = sorted((tmp_path / "data").rglob("*.png"))[3::7]
    for path in bad:
        path.write_bytes(path.read_bytes()[:40])
    made = explained(open_source([glob]), model, tmp_path / "out")
    counts = made["counts"]
    assert counts["failed"] == len(bad) == len(failures(tmp_path / "out"))
    assert counts["explained"] + counts["failed"] == counts["examples"] == COUNT
    assert [one["key"] for one in failures(tmp_path / "out")] == [str(path) for path in bad]
    assert all(one["stage"] == "read" for one in failures(tmp_path / "out"))


def test_a_poisoned_batch_is_explained_one_by_one(model, tmp_path):
    source = Harmful(20, SHAPE, nan=(2, 13), failed=(5,))
    made = explained(source, model, tmp_path / "out")
    assert made["counts"] == {
        **{"examples": 20, "explained": 17, "left_out": 0, "failed": 3},
        **{"cropped_or_resized": 0, "labels_of_no_class": 0, "shards": 3},
    }
    assert [(one["key"], one["stage"]) for one in failures(tmp_path / "out")] == [
        ("5", "read"), ("2", "explain"), ("13", "explain"),
    ]  # fmt: skip
    assert "NaN" in failures(tmp_path / "out")[1]["reason"]
    assert not any("example 0" in one["reason"] for one in failures(tmp_path / "out"))
    rows = rows_of(tmp_path / "out")
    for row in source.read(0, 20):
        if row.key in rows:
            direct = METHODS[1](tfxai.load(model), row.inputs["image"][None]).values[0]
            mine = rows[row.key]["integrated_gradients/values"]
            np.testing.assert_allclose(mine, direct, atol=1e-6 * np.abs(direct).max())


def test_a_process_that_dies_costs_its_example_alone(model, tmp_path):
    source = Harmful(20, SHAPE, deadly=(11,))
    made = explained(source, model, tmp_path / "out", workers=2)
    assert made["counts"]["explained"] == 19
    (lost,) = failures(tmp_path / "out")
    assert lost["key"] == "#11"
    assert "died" in lost["reason"]
    assert set(rows_of(tmp_path / "out")) == {str(i) for i in range(20)} - {"11"}


def test_a_process_that_cannot_load_the_model_ends_the_run(model, tmp_path):
    source = Harmful(12, SHAPE)
    job = job_of(source, Explainer(model, METHODS), tmp_path / "out", shard_size=4)
    job = dataclasses.replace(job, explainer=Unloadable(job.explainer, os.getpid()))
    with pytest.raises(InsufficientMemoryError, match="fewer --workers"):
        run_job(job, workers=2)
    assert not list((tmp_path / "out").glob("_shards/*.json"))


def test_bad_examples_at_the_head_do_not_end_the_run(model, tmp_path):
    source = Harmful(12, SHAPE, wrong=(0, 1), nan=(2,), failed=(3,))
    made = explained(source, model, tmp_path / "out")
    assert (made["counts"]["explained"], made["counts"]["failed"]) == (8, 4)
    stages = {one["key"]: one["stage"] for one in failures(tmp_path / "out")}
    assert stages == {"0": "input", "1": "input", "2": "explain", "3": "read"}
    with pytest.raises(InvalidInputError, match="has shape"):
        explained(Harmful(12, SHAPE, wrong=tuple(range(12))), model, tmp_path / "none")


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ((90,), True), ((6, 5, 3), True), ((1, 6, 5, 3), True),
        ((3, 30), False), ((30, 3), False), ((5, 6, 3), False), ((3, 6, 5), False), ((91,), False),
    ],
    ids=str,
)  # fmt: skip
def test_only_a_flat_array_is_folded(given, fits):
    taken = Taken({"inputs": (6, 5, 3)}, takes_texts=False)
    x = np.arange(np.prod(given), dtype=np.float32).reshape(given)
    if not fits:
        with pytest.raises(InvalidInputError, match="has shape"):
            taken.read(Row("a", {"image": x}))
        return
    values, was_fitted = taken.read(Row("a", {"image": x}))
    np.testing.assert_array_equal(values["inputs"], np.arange(90).reshape(6, 5, 3))
    assert not was_fitted


def test_a_prediction_is_asked_of_classifiers_alone(tmp_path):
    lines = [json.dumps({"x": [float(i), 1.0]}) for i in range(3)]
    (tmp_path / "data.jsonl").write_text("\n".join(lines))
    source = open_source([str(tmp_path / "data.jsonl")])
    x = keras.Input((2,))
    method = (tfxai.GradientInput(),)
    for name, outputs, sentence in (
        ("value", layers.Dense(1)(x), "no probability of a class"),
        ("places", layers.Reshape((3, 2))(layers.Dense(6)(x)), "one number for each class"),
    ):
        keras.Model(x, outputs).save(tmp_path / f"{name}.keras")
        words = {"methods": method, "where": Where("prediction == 0")}
        with pytest.raises(TfxaiError, match=sentence):
            explained(source, str(tmp_path / f"{name}.keras"), tmp_path / "out", **words)
    keras.Model(x, layers.Dense(1, activation="sigmoid")(x)).save(tmp_path / "two.keras")
    path = str(tmp_path / "two.keras")
    words = {"methods": method, "where": Where("prediction == 1")}
    explained(source, path, tmp_path / "out", **words)
    outputs = tfxai.load(path).predict(np.array([[0, 1], [1, 1], [2, 1]], np.float32))
    wanted = [f"data.jsonl#{i}" for i in np.flatnonzero(outputs[:, 0] > 0.5)]
    assert list(rows_of(tmp_path / "out")) == wanted


def test_the_manifest_says_the_threads_that_there_are(model, tmp_path):
    made = run_job(
        job_of(Harmful(4, SHAPE), Explainer(model, METHODS), tmp_path / "out"), threads=37
    )  # this process has begun to work, so its threads stay as they are
    there = tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count()
    assert made["configuration"]["threads"] == there != 37


def test_two_processes_give_the_values_of_one(model, tmp_path):
    source = Harmful(20, SHAPE)
    explained(source, model, tmp_path / "one")
    explained(source, model, tmp_path / "two", workers=2)
    a, b = rows_of(tmp_path / "one"), rows_of(tmp_path / "two")
    assert list(a) == list(b)
    for key, row in a.items():
        for name in ("grad_cam/values", "integrated_gradients/values"):
            largest = np.abs(row[name]).max()
            np.testing.assert_allclose(b[key][name], row[name], rtol=0, atol=1e-6 * largest)


def test_a_run_goes_on_where_it_was_stopped(model, tmp_path, monkeypatch):
    source = Harmful(40, SHAPE, nan=(12,))
    explained(source, model, tmp_path / "whole")
    run = Job.run
    for stop in (0, 2, 3, 4):

        def until(job, shard, *care, stop=stop):
            if shard == stop:
                (Path(job.output) / "data").mkdir(exist_ok=True)
                (Path(job.output) / "data" / ".half_abc.parquet").write_bytes(b"half")
                raise KeyboardInterrupt
            return run(job, shard, *care)

        monkeypatch.setattr(Job, "run", until)
        with pytest.raises(KeyboardInterrupt):
            explained(source, model, tmp_path / "parts", resume=stop > 0)
        assert manifest(tmp_path / "parts")["status"] == "running"
    monkeypatch.setattr(Job, "run", run)
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").glob("data/part-*")}
    made = explained(source, model, tmp_path / "parts", resume=True)
    assert made["status"] == "done"
    same(tmp_path / "whole", tmp_path / "parts")
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    assert not list((tmp_path / "parts").rglob(".*.parquet"))


def test_a_run_does_not_go_on_with_other_data(model, tmp_path):
    glob = write_images(tmp_path)
    explained(open_source([glob]), model, tmp_path / "out")
    path = tmp_path / "Red" / "00.png"
    when, data = path.stat().st_mtime_ns, bytearray(path.read_bytes())
    explained(open_source([glob]), model, tmp_path / "out", resume=True)
    data[-20] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(when, when + 1_000_000))
    with pytest.raises(InvalidInputError, match="a file has another name, size or time of its l"):
        explained(open_source([glob]), model, tmp_path / "out", resume=True)
    path.unlink()
    with pytest.raises(InvalidInputError, match="with 23 files of data, and now they are 22"):
        explained(open_source([glob]), model, tmp_path / "out", resume=True)


def test_a_full_disk_ends_the_run_with_one_sentence(model, tmp_path, monkeypatch):
    source = Harmful(24, SHAPE)

    @contextlib.contextmanager
    def full(*_, **words):
        def write(columns):
            raise OSError(errno.ENOSPC, "disk full")

        yield write

    with monkeypatch.context() as patch:
        patch.setattr("tfxai.batch.job.writing", full)
        with pytest.raises(OutputError, match="disk full"):
            explained(source, model, tmp_path / "out")
    assert not list((tmp_path / "out").glob("data/part-*"))
    assert explained(source, model, tmp_path / "out", resume=True)["counts"]["explained"] == 24


def test_only_what_the_condition_holds_for_is_explained(model, tmp_path):
    source = open_source([write_parquet(tmp_path)], Fields(label="label", key="id", keep=("id",)))
    subject = tfxai.load(model)
    outputs = subject.predict(PIXELS)
    best = outputs.argmax(axis=1)
    for text, wanted in (
        ("prediction != label", best != LABELS),
        ("prediction == 'red' or label == 'Blue'", (best == 0) | (LABELS == 2)),
        ("probability < 0.45", np.exp(outputs).max(1) / np.exp(outputs).sum(1) < 0.45),
        ("id in ('example 3', 'example 4')", np.isin(np.arange(COUNT), (3, 4))),
        ("prediction == label and id == 'nothing'", np.zeros(COUNT, bool)),
    ):
        made = explained(
            source, model, tmp_path / "out", where=Where(text), overwrite=True, target="red"
        )
        assert set(rows_of(tmp_path / "out")) == {f"example {i}" for i in np.flatnonzero(wanted)}
        assert made["counts"]["left_out"] == COUNT - wanted.sum()


def test_the_true_class_is_explained_where_it_is_asked_for(model, tmp_path):
    source = open_source([write_records(tmp_path)], NAMED)
    explained(source, model, tmp_path / "out", target_column="label")
    rows = rows_of(tmp_path / "out")
    assert [row["grad_cam/target"] for row in rows.values()] == LABELS.tolist()
    unlabelled = open_source([write_records(tmp_path)], Fields(("image/encoded",), key="id"))
    with pytest.raises(InvalidInputError, match="It has no label, which --true-label"):
        explained(unlabelled, model, tmp_path / "none", target_column="label")


def test_the_folder_of_all_images_is_their_label_where_it_is_a_class(model, tmp_path):
    write_images(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes((tmp_path / "Blue" / "02.png").read_bytes())
    for i, (word, label) in enumerate((("Blue", 2), ("Blue/*.png", 2), ("photos", -1))):
        source = open_source([str(tmp_path / word)])
        made = explained(source, model, tmp_path / f"out{i}", methods=(tfxai.Saliency(),))
        assert {row["label"] for row in rows_of(tmp_path / f"out{i}").values()} == {label}
        assert made["counts"]["labels_of_no_class"] == 0


@pytest.mark.parametrize(
    ("label", "number"),
    [
        (2, 2), (np.int64(1), 1), (np.array([1]), 1), (1.0, 1), ("blue", 2), ("1", 1),
        (3, -1), (-1, -1), (1.5, -1), (None, -1), ("Purple", -1), (True, -1), (np.arange(2), -1),
        (float("nan"), -1),
    ],
    ids=str,
)  # fmt: skip
def test_a_label_is_a_number_or_a_name(label, number):
    assert class_number(label, CLASSES) == number
    assert class_number("1", ("1", "0")) == 0  # a name before a number


def test_columns_of_numbers_are_one_input_side_by_side(tmp_path):
    x = keras.Input((3,))
    keras.Model(x, layers.Dense(2)(x)).save(tmp_path / "table.keras")
    numbers = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    lines = [json.dumps({"c": float(c), "a": float(a), "b": float(b)}) for a, b, c in numbers]
    (tmp_path / "data.jsonl").write_text("\n".join([*lines, '{"a": 1, "b": "x", "c": 3}']))
    source = open_source([str(tmp_path / "data.jsonl")], Fields(("a", "b", "c")))
    method = tfxai.GradientInput()
    model = str(tmp_path / "table.keras")
    made = explained(source, model, tmp_path / "out", methods=(method,))
    direct = method(tfxai.load(model), numbers[8:])
    rows = list(rows_of(tmp_path / "out").values())
    np.testing.assert_array_equal(rows[8]["gradient_input/values"], direct.values[0])
    told = Summary.read(tmp_path / "out").methods["gradient_input"].features
    values = np.abs([row["gradient_input/values"] for row in rows]).sum(axis=0)
    assert list(told) == ["a", "b", "c"]
    np.testing.assert_allclose([total for _, total, _ in told.values()], values, rtol=1e-5)
    assert made["counts"]["failed"] == 1
    assert "'b'" in failures(tmp_path / "out")[0]["reason"]


def test_several_inputs_are_taken_by_name(tmp_path):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    made = layers.Dense(2)(layers.Concatenate()([a, b]))
    keras.Model({"a": a, "b": b}, made).save(tmp_path / "two.keras")
    model = str(tmp_path / "two.keras")
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    lines = [json.dumps({"b": y.tolist(), "a": x.tolist()}) for x, y in zip(one, two, strict=True)]
    (tmp_path / "data.jsonl").write_text("\n".join(lines))
    words = [str(tmp_path / "data.jsonl")]
    method = tfxai.GradientInput()
    explained(open_source(words, Fields(("a", "b"))), model, tmp_path / "out", methods=(method,))
    explained(open_source(words), model, tmp_path / "by_name", methods=(method,))
    same(tmp_path / "out", tmp_path / "by_name")
    direct = method(tfxai.load(model), {"a": one, "b": two})
    rows = list(rows_of(tmp_path / "out").values())
    for name in ("a", "b"):
        mine = [row[f"gradient_input/values/{name}"] for row in rows]
        np.testing.assert_allclose(mine, direct.values[name], rtol=1e-6)
    with pytest.raises(InvalidInputError, match="the inputs a, b, and the examples give a"):
        explained(open_source(words, Fields(("a",))), model, tmp_path / "no", methods=(method,))


def test_fields_called_otherwise_than_several_inputs_are_refused(tmp_path):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    made = layers.Dense(2)(layers.Concatenate()([a, b]))
    keras.Model({"a": a, "b": b}, made).save(tmp_path / "two.keras")
    (tmp_path / "data.jsonl").write_text(json.dumps({"a": [1, 2], "c": [1, 2, 3]}))
    source = open_source([str(tmp_path / "data.jsonl")])
    with pytest.raises(
        InvalidInputError, match="Its fields are 'a', 'c', and the model has the i"
    ):
        explained(source, str(tmp_path / "two.keras"), tmp_path / "out")


def test_among_several_fields_that_of_the_models_input_is_taken(tmp_path):
    x = keras.Input((3,), name="columns")
    keras.Model(x, layers.Dense(2)(x)).save(tmp_path / "table.keras")
    numbers = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    lines = [json.dumps({"id": str(i), "columns": row.tolist()}) for i, row in enumerate(numbers)]
    (tmp_path / "data.jsonl").write_text("\n".join(lines))
    source = open_source([str(tmp_path / "data.jsonl")], Fields(key="id"))
    method, model = tfxai.GradientInput(), str(tmp_path / "table.keras")
    explained(source, model, tmp_path / "out", methods=(method,))
    rows = rows_of(tmp_path / "out")
    direct = method(tfxai.load(model), numbers).values
    np.testing.assert_array_equal(
        [rows[str(i)]["gradient_input/values"] for i in range(4)], direct
    )


def _table(path, columns):
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=50)
    return str(path)


def test_a_run_begins_where_only_its_first_records_are_bad(model, tmp_path):
    glob = write_images(tmp_path)
    images = [Path(name).read_bytes() for name in sorted(map(str, tmp_path.rglob("*.png")))]
    assert len(images) == COUNT, glob
    bad, good = [b"no image"] * 30, images * 4
    word = _table(tmp_path / "data.parquet", {"image": [*bad, *good]})
    made = explained(open_source([word]), model, tmp_path / "out", methods=(tfxai.Saliency(),))
    assert made["counts"]["explained"] == len(good)
    failed = failures(tmp_path / "out")
    assert [one["key"] for one in failed] == [f"data.parquet#{i}" for i in range(30)]
    word = _table(tmp_path / "bad.parquet", {"image": [None, None, *bad]})
    with pytest.raises(InvalidInputError) as refused:
        explained(open_source([word]), model, tmp_path / "none")
    assert str(refused.value) == (
        "None of 32 examples that were tried can be used. 30 such as 'bad.parquet#2': Its field "
        "'image' holds 8 bytes that are no encoded image. Write a PNG or JPEG, or the pixels as a "
        "list of numbers: raw bytes (tobytes) and serialized tensors are not read. 2 such as "
        "'bad.parquet#0': Its field 'image' is missing (null), and an image was expected. Name "
        "another field, or correct the data."
    )
    assert not (tmp_path / "none").exists()


def test_examples_behind_the_head_are_tried_as_well(model, tmp_path, monkeypatch):
    monkeypatch.setattr("tfxai.batch.trying.FIRST", 4)
    monkeypatch.setattr("tfxai.batch.trying.SPACED", 3)
    source = Harmful(40, SHAPE, wrong=tuple(range(30)))
    places = [place for place, _ in looked_at(source)]
    assert places == [0, 1, 2, 3, 4, 16, 28]
    with pytest.raises(InvalidInputError, match=r"None of 7 examples .* 'image' has shape \(5, 5"):
        explained(source, model, tmp_path / "none")
    source = Harmful(40, SHAPE, wrong=tuple(range(28)))
    made = explained(source, model, tmp_path / "out")
    assert (made["counts"]["explained"], made["counts"]["failed"]) == (12, 28)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (Fields(label="nope"), r"no field 'nope' \(--label-field\), only 'image', 'age'"),
        (Fields(key="foo"), r"no field 'foo' \(--key-field\), only"),
        (Fields(("imagge",)), r"no field 'imagge' \(--input-field\), only 'image'"),
        (Fields(keep=("prob",)), "(?s)--keep or --where.*A condition knows prediction, probabil"),
    ],
    ids=("label", "key", "input", "keep"),
)
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_field_that_no_example_has_ends_the_run(model, tmp_path, form, fields, sentence):
    columns = {"image": [[1.0] * 90] * 5, "age": [3] * 5}
    if form == "parquet":
        word = _table(tmp_path / "data.parquet", columns)
    else:
        word = str(tmp_path / "data.jsonl")
        rows = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
        Path(word).write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InvalidInputError, match=sentence) as refused:
        explained(open_source([word], fields), model, tmp_path / "none")
    assert str(refused.value).startswith("None of 5 examples that were tried can be used. The fi")


def test_bytes_that_are_no_image_name_their_field(model, tmp_path):
    good = (tmp_path / "Red" / "00.png", tmp_path / "data.tfrecord")
    write_images(tmp_path)
    raw = [PIXELS[1].tobytes(), tf.io.serialize_tensor(PIXELS[2]).numpy(), b""]
    with tf.io.TFRecordWriter(str(good[1])) as file:
        for data in (good[0].read_bytes(), *raw):
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
            features = tf.train.Features(feature={"image_raw": feature})
            file.write(tf.train.Example(features=features).SerializeToString())
    made = explained(open_source([str(good[1])]), model, tmp_path / "out")
    assert (made["counts"]["explained"], made["counts"]["failed"]) == (1, 3)
    for i, (data, one) in enumerate(zip(raw, failures(tmp_path / "out"), strict=True), start=1):
        assert one["key"] == f"data.tfrecord#{i}"
        assert one["reason"].startswith(
            f"Its field 'image_raw' holds {len(data):,} bytes that are no encoded image. Write a"
        )
    x = keras.Input((3,))
    keras.Model(x, layers.Dense(2)(x)).save(tmp_path / "table.keras")
    with pytest.raises(InvalidInputError, match="'image_raw' is bytes, and an array of numbers"):
        explained(open_source([str(good[1])]), str(tmp_path / "table.keras"), tmp_path / "no")


def test_texts_that_cannot_be_explained_say_why(tmp_path):
    if "sst2_transformer" not in tfxai.registry.names():
        pytest.skip("the model of texts is in the repository alone")
    texts = ["a fine film", "", "  ", None, 3]
    (tmp_path / "data.jsonl").write_text("\n".join(json.dumps({"text": one}) for one in texts))
    source = open_source([str(tmp_path / "data.jsonl")])
    method = (tfxai.GradientInput(),)
    explained(source, "sst2_transformer", tmp_path / "out", methods=method)
    empty = (
        "Its field 'text' is an empty text, in which there is nothing to explain. Leave it out."
    )
    other = (
        "Its field 'text' is {}, and a text was expected. Name another field, or correct the data."
    )
    assert [one["reason"] for one in failures(tmp_path / "out")] == [
        empty, empty, other.format("missing (null)"), other.format("of type int"),
    ]  # fmt: skip


def test_pixels_are_integers_and_no_floats(model, tmp_path):
    good = [PIXELS[0].tolist(), PIXELS[1].ravel().tolist()]
    bad = [PIXELS[2].astype(float).tolist(), (PIXELS[3].astype(int) * 9).tolist()]
    lines = [json.dumps({"image": one}) for one in (*good, *bad)]
    (tmp_path / "data.jsonl").write_text("\n".join(lines))
    source = open_source([str(tmp_path / "data.jsonl")])
    explained(source, model, tmp_path / "out", methods=(tfxai.GradientInput(),))
    direct = tfxai.GradientInput()(tfxai.load(model), PIXELS[:2]).values
    rows = list(rows_of(tmp_path / "out").values())
    np.testing.assert_array_equal([row["gradient_input/values"] for row in rows], direct)
    reasons = [one["reason"] for one in failures(tmp_path / "out")]
    assert all(one.startswith("The numbers of its field 'image' run from") for one in reasons)
    assert all("Write pixels as integers from 0 to 255 (12, not 12.0)" in one for one in reasons)


def test_texts_are_explained_by_token(tmp_path):
    subject = (
        tfxai.load("sst2_transformer") if "sst2_transformer" in tfxai.registry.names() else None
    )
    if subject is None:
        pytest.skip("the model of texts is in the repository alone")
    texts = ["a fine film", "dull", "not at all what one would call a good film"]
    (tmp_path / "data.jsonl").write_text("\n".join(json.dumps({"text": one}) for one in texts))
    source = open_source([str(tmp_path / "data.jsonl")])
    method = tfxai.GradientInput()
    words = {"methods": (method,), "where": Where("probability >= 0")}
    explained(source, "sst2_transformer", tmp_path / "out", **words)
    direct = method(subject, texts)
    rows = list(rows_of(tmp_path / "out").values())
    for i, row in enumerate(rows):
        is_there = direct.text.kinds[i] != 2
        assert row["gradient_input/tokens"] == direct.text.pieces[i][is_there].tolist()
        np.testing.assert_allclose(
            row["gradient_input/token_values"],
            np.asarray(direct.token_values)[i][is_there],
            rtol=1e-6,
        )
    explained(source, "sst2_transformer", tmp_path / "vertex", kind="vertex", **words)
    lines = []
    for path in sorted((tmp_path / "vertex").glob("data/*.jsonl")):
        lines += map(json.loads, path.read_text().splitlines())
    for line, row in zip(lines, rows, strict=True):
        (attribution,) = line["explanation"]["attributions"]
        (values,) = attribution["featureAttributions"].values()
        np.testing.assert_allclose(values, row["gradient_input/token_values"], rtol=1e-6)
        assert line["instance"] == {"key": row["key"], "tokens": row["gradient_input/tokens"]}


def test_records_hold_what_tables_hold(model, tmp_path):
    source = open_source([write_lines(tmp_path)], NAMED)
    explained(source, model, tmp_path / "table")
    explained(source, model, tmp_path / "records", kind="tfrecord")
    rows = rows_of(tmp_path / "table")
    files = sorted(map(str, (tmp_path / "records").glob("data/*.tfrecord")))
    count = 0
    for record in tf.data.TFRecordDataset(files):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        key = features["key"].bytes_list.value[0].decode()
        for name in ("grad_cam/values", "integrated_gradients/values"):
            shape = tuple(features[f"{name}/shape"].int64_list.value)
            values = np.reshape(features[name].float_list.value, shape)
            np.testing.assert_array_equal(values.astype(np.float32), rows[key][name])
        assert features["label"].int64_list.value[0] == rows[key]["label"]
        count += 1
    assert count == COUNT


def test_vertex_objects_have_the_members_of_its_schema(model, tmp_path):
    source = open_source([write_lines(tmp_path)], NAMED)
    explained(source, model, tmp_path / "table", methods=METHODS[1:])
    explained(source, model, tmp_path / "vertex", methods=METHODS[1:], kind="vertex")
    rows = rows_of(tmp_path / "table")
    lines = []
    for path in sorted((tmp_path / "vertex").glob("data/*.jsonl")):
        lines += path.read_text().splitlines()
    assert len(lines) == COUNT
    known = {
        "baselineOutputValue": float, "instanceOutputValue": float, "featureAttributions": dict,
        "outputIndex": list, "outputDisplayName": str, "approximationError": float,
    }  # fmt: skip
    for line in map(json.loads, lines):
        row = rows[line["instance"]["key"]]
        (attribution,) = line["explanation"]["attributions"]
        assert {name: type(one) for name, one in attribution.items()} == known
        values = row["integrated_gradients/values"]
        np.testing.assert_allclose(attribution["featureAttributions"]["image"], values, rtol=1e-6)
        target = row["integrated_gradients/target"]
        assert attribution["outputIndex"] == [target]
        assert attribution["outputDisplayName"] == CLASSES[target]
        difference = row["integrated_gradients/score"] - row["integrated_gradients/baseline_score"]
        gap = row["integrated_gradients/completeness_gap"]
        assert attribution["approximationError"] == pytest.approx(abs(gap / difference))
    with pytest.raises(InvalidInputError, match="one explanation"):
        explained(source, model, tmp_path / "two", kind="vertex")


def test_a_folder_with_results_is_kept(model, tmp_path):
    source = Harmful(10, SHAPE)
    explained(source, model, tmp_path / "out")
    with pytest.raises(InvalidInputError, match="--resume"):
        explained(source, model, tmp_path / "out")
    with pytest.raises(InvalidInputError, match="with --batch-size 8, and now it is 4"):
        explained(source, model, tmp_path / "out", resume=True, batch_size=4)
    with pytest.raises(InvalidInputError, match=r"source\.count 10, and now it is 11"):
        explained(Harmful(11, SHAPE), model, tmp_path / "out", resume=True)
    other = (METHODS[0], tfxai.IntegratedGradients(steps=2, baseline="white"))
    steps = "was begun with integrated_gradients steps=4, and now it is steps=2"
    with pytest.raises(InvalidInputError, match=steps):
        explained(source, model, tmp_path / "out", resume=True, methods=other)
    for methods, sentence in (
        (METHODS[:1], "integrated_gradients: integrated_gradients is missing now. Ask"),
        ((*METHODS, tfxai.Saliency()), "the methods grad_cam, .*: saliency is new"),
        ((tfxai.Saliency(), METHODS[1]), "grad_cam is missing now and saliency is new"),
        (METHODS[::-1], "their order is another one"),
    ):
        with pytest.raises(InvalidInputError, match=sentence):
            explained(source, model, tmp_path / "out", resume=True, methods=methods)
    longest = "key != 'a very long name of an example that is there' and key != '{}'"
    explained(source, model, tmp_path / "where", where=Where(longest.format("a")))
    with pytest.raises(InvalidInputError, match=r"--where \.\.\..*key != 'a'., and .*key != 'b'"):
        explained(source, model, tmp_path / "where", resume=True, where=Where(longest.format("b")))
    before = rows_of(tmp_path / "out")
    for name in ("notes.txt", ".notes.json"):
        (tmp_path / "out" / name).write_text("mine")
    explained(source, model, tmp_path / "out", resume=True)
    assert (tmp_path / "out" / ".notes.json").read_text() == "mine"
    assert rows_of(tmp_path / "out").keys() == before.keys()
    explained(Harmful(5, SHAPE), model, tmp_path / "again", overwrite=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="other files"):
        explained(source, model, tmp_path / "other")
    with pytest.raises(OutputError, match="other files"):
        explained(source, model, tmp_path / "other", overwrite=True)
    (tmp_path / "other" / "manifest.json").write_text("{}")
    with pytest.raises(InvalidInputError, match="no manifest of a run"):
        explained(source, model, tmp_path / "other", resume=True)


def _files_in(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["note.txt", "data/my.csv", "_shards/mine.txt", "data/in/a"])
def test_a_run_beside_other_files_is_not_removed(model, tmp_path, name):
    source = Harmful(10, SHAPE)
    explained(source, model, tmp_path / "out")
    (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "out" / name).write_text("mine")
    before = _files_in(tmp_path / "out")
    said = f"{name.removesuffix('/a')}', and nothing was removed"
    with pytest.raises(OutputError, match=said):
        explained(source, model, tmp_path / "out", overwrite=True)
    assert _files_in(tmp_path / "out") == before


@pytest.mark.parametrize("left", [{}, {"manifest.json": '{"my": 1}'}, {"summary.json": "{}"}])
def test_what_no_run_has_left_is_not_removed(model, tmp_path, left):
    (tmp_path / "out" / "data").mkdir(parents=True)
    write_parquet(tmp_path)
    (tmp_path / "data.parquet").rename(tmp_path / "out" / "data" / "part-00000.parquet")
    for name, text in left.items():
        (tmp_path / "out" / name).write_text(text)
    before = _files_in(tmp_path / "out")
    with pytest.raises(OutputError, match="no run of tfxai, and nothing was removed"):
        explained(Harmful(3, SHAPE), model, tmp_path / "out", overwrite=True)
    assert _files_in(tmp_path / "out") == before


@pytest.mark.parametrize("words", [{}, {"overwrite": True}, {"resume": True}], ids=str)
def test_data_in_the_folder_of_the_results_are_kept(model, tmp_path, words):
    explained(Harmful(3, SHAPE), model, tmp_path / "out")
    write_parquet(tmp_path)
    data = tmp_path / "out" / "data" / "part-00007.parquet"
    (tmp_path / "data.parquet").rename(data)
    (tmp_path / "link.parquet").symlink_to(data)
    before = _files_in(tmp_path / "out")
    for path in (data, tmp_path / "link.parquet"):
        source = open_source([str(path)], NAMED)
        with pytest.raises(InvalidInputError, match="where the results are to be"):
            explained(source, model, tmp_path / "out", **words)
        assert _files_in(tmp_path / "out") == before


def test_a_damaged_manifest_of_a_run_may_be_overwritten(model, tmp_path):
    explained(Harmful(3, SHAPE), model, tmp_path / "out")
    (tmp_path / "out" / "manifest.json").write_text("{")
    explained(Harmful(2, SHAPE), model, tmp_path / "out", overwrite=True)
    assert set(rows_of(tmp_path / "out")) == {"0", "1"}


def test_a_refused_request_removes_no_run(model, tmp_path):
    source = Harmful(10, SHAPE)
    explained(source, model, tmp_path / "out")
    before = _files_in(tmp_path / "out")
    for words in (
        {"where": Where("age > 3")},
        {"target": "Purple"},
        {"methods": (tfxai.GradCAM(layer="none"),)},
        {"workers": 0},
        {"resume": True},
    ):
        with pytest.raises(InvalidInputError):
            explained(source, model, tmp_path / "out", overwrite=True, **words)
        assert _files_in(tmp_path / "out") == before
    (tmp_path / "out" / "data" / ".half_abc.parquet").write_bytes(b"half")
    explained(Harmful(3, SHAPE), model, tmp_path / "out", overwrite=True)
    assert set(rows_of(tmp_path / "out")) == {"0", "1", "2"}
    assert not (tmp_path / "out" / "data" / ".half_abc.parquet").exists()


def test_shards_whose_data_are_gone_or_cut_are_made_again(model, tmp_path):
    source = open_source([write_lines(tmp_path)], NAMED)
    explained(source, model, tmp_path / "out")
    before = _files_in(tmp_path / "out")
    first, second, *_ = sorted((tmp_path / "out" / "data").glob("part-*"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:100])
    state = sorted((tmp_path / "out" / "_shards").glob("*.json"))[-1]
    state.write_text("{")
    made = explained(source, model, tmp_path / "out", resume=True)
    assert made["counts"]["explained"] == COUNT
    assert _files_in(tmp_path / "out") == before


@pytest.mark.parametrize("name", ["key", "label", "grad_cam/score", "grad_cam/anything"])
def test_a_field_is_not_kept_under_the_name_of_a_result(model, tmp_path, name):
    (tmp_path / "data.jsonl").write_text(json.dumps({"image": PIXELS[0].tolist(), name: 7}))
    source = open_source([str(tmp_path / "data.jsonl")], Fields(("image",), keep=(name,)))
    with pytest.raises(InvalidInputError, match="the results have a column of that name"):
        explained(source, model, tmp_path / "out", methods=METHODS[:1])


def test_a_file_whose_name_is_no_text_is_explained_too(model, tmp_path):
    (tmp_path / "photos").mkdir()
    write_images(tmp_path)
    picture = (tmp_path / "Blue" / "02.png").read_bytes()
    for name in (b"bad\xff.png", b"good.png"):
        try:
            Path(os.fsdecode(os.fsencode(tmp_path / "photos") + b"/" + name)).write_bytes(picture)
        except OSError:
            pytest.skip("the file system takes no such name")
    made = explained(open_source([str(tmp_path / "photos")]), model, tmp_path / "out")
    assert made["counts"]["explained"] == 2
    names = {Path(key).name for key in rows_of(tmp_path / "out")}
    assert names == {"bad\N{REPLACEMENT CHARACTER}.png", "good.png"}


def test_a_condition_on_the_answer_of_a_model_with_several_inputs(tmp_path):
    a, b = keras.Input((1,), name="a"), keras.Input((2,), name="b")
    answer = layers.Dense(2, activation="softmax")(layers.Concatenate()([a, b]))
    model = keras.Model([a, b], answer)
    model.save(tmp_path / "pair.keras")
    numbers = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    lines = [json.dumps({"a": [float(x)], "b": [float(y), float(z)]}) for x, y, z in numbers]
    (tmp_path / "data.jsonl").write_text("\n".join(lines))
    source = open_source([str(tmp_path / "data.jsonl")])
    outputs = np.asarray(model([numbers[:, :1], numbers[:, 1:]]))
    words = {"methods": (tfxai.GradientInput(),), "where": "prediction == 1"}
    with pytest.raises(InvalidInputError, match=r"Pass column=\('a', 'b'\) to the Explainer"):
        Explainer(str(tmp_path / "pair.keras"), words["methods"])({"a": numbers, "b": numbers})
    explained(source, str(tmp_path / "pair.keras"), tmp_path / "out", **words)
    expected = {f"data.jsonl#{i}" for i in np.flatnonzero(outputs.argmax(axis=1) == 1)}
    assert 0 < len(expected) < 9
    assert set(rows_of(tmp_path / "out")) == expected


def test_a_request_that_fits_no_example_ends_before_the_run(model, tmp_path):
    source = Harmful(10, SHAPE)
    for words, error, sentence in (
        ({"target": "Purple"}, UnknownNameError, "Purple"),
        (
            {"where": Where("probability < 0.5 and prediction == 'Purple'")},
            UnknownNameError,
            "'Pur",
        ),
        ({"where": Where("age > 3")}, UnknownNameError, "field 'age'"),
        ({"methods": (tfxai.GradCAM(layer="none"),)}, UnknownNameError, "none"),
        ({"batch_size": 0}, InvalidInputError, "at least 1"),
        ({"kind": "csv"}, UnknownNameError, "csv"),
    ):
        with pytest.raises(error, match=sentence):
            explained(source, model, tmp_path / "out", **words)
        assert not (tmp_path / "out").exists()
