"""`tfxai batch` and `tfxai drift`: a folder in, results out, and one sentence where that fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.batch.results import failures, manifest, rows_of, same
from tests.processes import ROOT
from tfxai.data.images import fit_image


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for number in range(12):
        pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / f"{number:02d}.png")
    return tmp_path / "data"


def test_a_folder_is_explained(run, folder):
    words = ("tiny", "--input", folder, "--output", "out", "-m", "saliency")
    done = run("batch", *words, "-m", "integrated_gradients", "-o", "steps=3")
    assert done.exit_code == 0, done.stderr
    assert "12          12          0        0" in done.stdout
    rows = rows_of("out")
    pixels = np.stack([np.asarray(Image.open(path)) for path in rows])
    direct = tfxai.Saliency()(tfxai.load("tiny"), pixels)
    given = np.stack([row["saliency/values"] for row in rows.values()])
    np.testing.assert_allclose(given, direct.values, rtol=0, atol=1e-6 * direct.values.max())
    assert Path("out/summary.png").stat().st_size > 0
    made = json.loads(run("batch", *words, "--overwrite", "--json").stdout)
    assert made == manifest("out")


def test_labels_of_no_class_are_told(run, folder):
    (folder / "Cat").mkdir()
    for path in sorted(folder.glob("*.png")):
        path.rename(folder / "Cat" / path.name)
    words = ("any_size", "--input", folder, "--preprocessing", "unit", "-m", "saliency")
    done = run("batch", *words, "--output", "out")
    said = " ".join(done.stderr.split())
    assert "12 examples have labels that name no class of the model" in said
    assert "such as 'Cat'. The model's classes have no names: pass --classes." in said
    assert manifest("out")["counts"]["labels_of_no_class"] == 12
    Path("names.txt").write_text("Dog\nHorse\nCow")
    done = run("batch", *words, "--output", "other", "--classes", "names.txt")
    said = " ".join(done.stderr.split())
    assert "'Cat'. Correct them, or the names of the classes (--classes)." in said
    Path("names.txt").write_text("Dog\nCat\nCow")
    done = run("batch", *words, "--output", "two", "--classes", "names.txt")
    assert "name no class" not in done.stderr
    assert {row["label"] for row in rows_of("two").values()} == {1}


def test_what_fails_is_listed_and_the_exit_code_says_so(run, folder):
    (folder / "05.png").write_bytes(b"no image")
    done = run("batch", "tiny", "--input", f"{folder}/*.png", "--output", "out", "-m", "saliency")
    assert done.exit_code == 1
    assert "12          11          0        1" in done.stdout
    assert [one["key"] for one in failures("out")] == [str(folder / "05.png")]
    assert "1 failed: '...' is not an image that can be read. Pass a PNG" in done.stderr


def test_the_commonest_reasons_are_counted(run, folder):
    for name in ("01", "02", "03"):
        (folder / f"{name}.png").write_bytes(b"no image")
    for number in range(4):
        size = (7 + number, 5)
        Image.new("F", size).save(folder / f"long{number}.tiff")
    for number, name in enumerate(("05", "06", "07")):
        data = (folder / f"{name}.png").read_bytes()
        (folder / f"{name}.png").write_bytes(data[: 100 + 20 * number])
    done = run("batch", "tiny", "--input", folder, "--output", "out", "-m", "saliency")
    reasons = manifest("out")["failure_reasons"]
    assert [one["count"] for one in reasons][:2] == [4, 3]
    assert sum(one["count"] for one in reasons) == len(failures("out")) == 10
    first, second, *_ = done.stderr.splitlines()
    assert first == f"4 failed: {reasons[0]['reason']}"
    assert "32-bit pixels" in first
    assert second == f"3 failed: {reasons[1]['reason']}"


def test_keys_that_come_again_are_counted(run):
    pixels = np.zeros((32, 32, 3), int).tolist()
    keys = ["a", "b", "a", "c", "d", "a", "c"]
    rows = [json.dumps({"image": pixels, "id": key}) for key in keys]
    Path("data.jsonl").write_text("\n".join(rows))
    words = ("--input", "data.jsonl", "--key-field", "id", "--shard-size", "2", "-m", "saliency")
    done = run("batch", "tiny", *words, "--output", "out")
    assert manifest("out")["repeated_keys"] == 3
    assert "3 examples have keys that earlier ones have. Choose another --key-f" in done.stderr
    Path("data.jsonl").write_text("\n".join(rows[:2]))
    assert "earlier" not in run("batch", "tiny", *words, "--output", "two").stderr


def test_what_is_one_is_said_of_one(run, folder):
    for path in sorted(folder.glob("*.png"))[1:]:
        path.unlink()
    Image.new("RGB", (40, 30)).save(folder / "00.png")
    words = ("any_size", "--input", folder, "--preprocessing", "unit", "-m", "saliency")
    done = run("batch", *words, "--output", "out", "--resize", "20")
    assert "out/data/part-00000.parquet\n" in done.stdout
    assert "1 picture has another size and was cropped or resized to 20 x 20" in done.stderr
    (folder / "Cat").mkdir()
    (folder / "00.png").rename(folder / "Cat" / "00.png")
    done = run("batch", *words, "--output", "two")
    assert "1 example has a label that names no class of the model and is written" in done.stderr


def test_two_runs_are_compared(run, fails, folder):
    for name, where in (("a", "prediction >= 0"), ("b", "key != ''")):
        words = ("--input", f"{folder}/*.png", "--output", name, "-m", "saliency")
        assert run("batch", "tiny", *words, "--where", where).exit_code == 0
    done = run("drift", "a", "b")
    assert done.exit_code == 0
    assert "0 of " in done.stdout
    assert "asked different things" in done.stderr  # another condition
    assert "pass a second folder, or --since TIME" in fails("drift", "a")
    assert "holds no answer" in fails("drift", "a", "--since", "2026-11-20T18:30Z")
    assert "'yesterday' is no moment. Write a day" in fails("drift", "a", "--since", "yesterday")
    record = json.loads(run("drift", "a", "b", "--json").stdout)
    assert not any(one["differs"] for one in record["comparisons"])


def test_each_process_imports_the_layers_of_the_model(run, own, folder, place):
    Path("names.txt").write_text("red\ngreen\nblue")
    words = ("--preprocessing", "unit", "--classes", "names.txt", "--target", "blue")
    words += ("--input", str(folder), "--import", own, "-m", "gradient_input")
    words += ("--batch-size", "4", "--shard-size", "4", "--threads", "1")
    command = [sys.executable, "-m", "tfxai", "batch", "plain.keras", *words, "--output"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for output in (["two", "--workers", "2"], ["one"]):
        done = subprocess.run([*command, *output], env=env, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
    same("two", "one")
    assert {row["gradient_input/target"] for row in rows_of("two").values()} == {2}
    assert manifest("two")["configuration"]["classes"] == ["red", "green", "blue"]


def test_pictures_are_resized_as_explain_does(run, fails, folder):
    words = ("--input", folder, "--preprocessing", "unit", "-m", "saliency")
    done = run("batch", "any_size", "--output", "out", *words, "--resize", "40")
    assert done.exit_code == 0, done.stderr
    rows = rows_of("out")
    pixels = [fit_image(np.asarray(Image.open(path)), 40, 40, "bilinear") for path in rows]
    direct = tfxai.Saliency()(tfxai.load("any_size").model, np.stack(pixels) / np.float32(255))
    given = np.stack([row["saliency/values"] for row in rows.values()])
    np.testing.assert_allclose(given, direct.values, rtol=0, atol=1e-6 * direct.values.max())
    said = fails("batch", "tiny", "--output", "no", *words, "--resize", "40")
    assert "takes (32, 32, 3), and pictures were to be made 40x40" in said
    Path("names.txt").write_text("one\ntwo")
    assert "names 2 classes" in fails("batch", "tiny", *words, "--classes", "names.txt")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "There is no --input"),
        (("--input", "none*.png"), "matches no file"),
        (("--input", "{}", "--where", "probability <"), "is no condition"),
        (("--input", "{}", "--where", "hue > 3"), "Fields were named (hue)"),
        (("--input", "{}", "--format", "csv"), "no format 'csv'"),
        (("--input", "{}", "--engine", "flink"), "no engine 'flink'"),
        (("--input", "{}", "--target", "Cat", "--true-label"), "both say what to explain"),
        (("--input", "{}", "--target", "Purple"), "Purple"),
        (("--input", "{}", "--", "--runner=FlinkRunner"), "is an option of an engine"),
        (("--input", "{}", "{}"), "came without --input. Put a pattern into quotes"),
        (("--input", "{}", "--resume", "--overwrite"), "Pass one of them"),
    ],
    ids=(
        "none",
        "glob",
        "where",
        "field",
        "format",
        "engine",
        "target",
        "class",
        "runner",
        "quotes",
        "both",
    ),
)
def test_bad_words_get_one_sentence(fails, folder, words, sentence):
    words = [word.format(folder) for word in words]
    assert sentence in fails("batch", "tiny", "--output", "out", "-m", "saliency", *words)


def test_a_folder_with_another_runs_results_is_refused(run, fails, folder):
    words = ("batch", "tiny", "--input", folder, "--output", "out", "-m", "saliency")
    assert run(*words).exit_code == 0
    assert "--resume" in fails(*words)
    assert "with --batch-size 32, and now it is 4" in fails(
        *words, "--resume", "--batch-size", "4"
    )
    assert run(*words, "--resume").exit_code == 0


def test_a_run_that_is_killed_goes_on(run, folder, models, tmp_path):
    words = ["--input", str(folder), "-m", "saliency", "--batch-size", "2", "--shard-size", "2"]
    command = [sys.executable, "-m", "tfxai", "batch", "tiny", *words, "--output", "killed"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TFXAI_MODELS": str(models)}
    process = subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE)
    done = tmp_path / "killed" / "_shards" / "00000.json"
    deadline = time.monotonic() + 300
    while not done.exists() and process.poll() is None:
        assert time.monotonic() < deadline, "the first shard never ended"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    subprocess.run([*command, "--resume"], env=env, cwd=tmp_path, check=True, capture_output=True)
    whole = [*command[:-1], "whole"]
    subprocess.run(whole, env=env, cwd=tmp_path, check=True, capture_output=True)
    same(tmp_path / "whole", tmp_path / "killed")
