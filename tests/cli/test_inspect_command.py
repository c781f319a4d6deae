import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tests.processes import HEAVY, ROOT, loaded
from tfxai import ModelRegistry

INSPECT = "from tfxai.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
CNN = ROOT / "models" / "cifar10_cnn.keras"


@pytest.fixture
def hostile(models, place):
    """A model whose activation is a function that downloads files."""
    with zipfile.ZipFile(models / "tiny.keras") as honest:
        content = {name: honest.read(name) for name in honest.namelist()}
    config = json.loads(content["config.json"])
    call = {"module": "keras.utils", "class_name": "function", "config": "get_file"}
    config["config"]["layers"][-1]["config"]["activation"] = call
    with zipfile.ZipFile(place / "bad\x1b[31m.keras", "w") as archive:
        for name, data in {**content, "config.json": json.dumps(config)}.items():
            archive.writestr(name, data)
    return place / "bad\x1b[31m.keras"


def test_a_model_by_name_or_path_is_described(run, models):
    by_name = json.loads(run("inspect", "tiny", "--json").stdout)
    by_path = json.loads(run("inspect", models / "tiny.keras", "--json").stdout)
    assert by_name == by_path
    assert by_name["inputs"] == [
        {"name": by_name["inputs"][0]["name"], "shape": [None, 32, 32, 3], "dtype": "float32"}
    ]
    assert by_name["final_activation"] == ["softmax"]
    assert by_name["cam_layers"][-1] == {"path": "MaxPool", "resolution": [4, 4]}
    assert by_name["safety"]["level"] == "ok"


def test_the_folder_of_a_saved_model_is_its_model(run, models, place):
    registry = ModelRegistry(place / "kept")
    registry.add(models / "tiny.keras", "mine")
    paths = ["kept/mine", "kept/mine.keras", registry["mine"].file]
    found = [json.loads(run("inspect", path, "--json").stdout) for path in paths]
    assert found[0] == found[1]
    assert found[0]["parameters"] == found[2]["parameters"]
    summary = json.loads(run("inspect", "kept", "--json").stdout)
    assert [one["parameters"] for one in summary["models"]] == [found[0]["parameters"]]
    (place / "kept" / "mine" / "card.json").write_text("{")  # then it is a folder of files
    summary = json.loads(run("inspect", "kept/mine", "--json").stdout)
    assert [one["parameters"] for one in summary["models"]] == [found[0]["parameters"]]


def test_the_tables_say_the_same_in_80_columns(run):
    text = run("inspect", "tiny").stdout
    assert "Output_Layer (B, 10) float32, softmax" in text
    assert "MaxPool at 4x4" in text
    assert "Nothing harmful was found." in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_harmful_file_is_described_and_its_text_cannot_steer_the_terminal(run, hostile):
    done = run("inspect", hostile)
    assert done.exit_code == 0
    assert "Do not load it." in done.stdout
    assert "(CVE-2025-8747)" in done.stdout
    assert "get_file" in done.stdout
    assert "\x1b" not in done.stdout
    report = json.loads(run("inspect", hostile, "--json").stdout)["safety"]
    assert report["level"] == "refuse"
    assert report["findings"][0]["where"] == "Output_Layer.activation"


def test_a_file_that_is_no_model_is_refused_and_not_an_error(run, place):
    (place / "note.h5").write_text("Dear reader")
    assert "neither a .keras archive nor an HDF5 file" in run("inspect", "note.h5").stdout


def test_a_missing_file_and_an_unknown_name(fails):
    assert "There is no model file 'gone.keras'" in fails("inspect", "gone.keras")
    assert "Did you mean 'tiny'?" in fails("inspect", "tinny")


# Several, and what pipelines read.


@pytest.mark.parametrize(
    ("file", "plain", "strict"), [("tiny", 0, 0), ("own.keras", 0, 1), ("bad\x1b[31m.keras", 0, 3)]
)
def test_strict_says_the_verdict_by_its_exit_code(run, hostile, own, file, plain, strict):
    assert run("inspect", file).exit_code == plain
    assert run("inspect", file, "--strict").exit_code == strict
    assert run("inspect", file, "--strict", "--json").exit_code == strict


def test_several_give_a_summary_and_the_worst_verdict(run, models, hostile):
    done = run("inspect", models / "tiny.keras", hostile, "--strict")
    assert done.exit_code == 3
    names = [str(models / "tiny.keras"), "bad\N{REPLACEMENT CHARACTER}[31m.keras"]
    others = [
        one for one in done.stdout.splitlines() if not one.startswith((*names, "Model", "─"))
    ]
    assert max(map(len, others)) <= 80
    table = done.stdout.splitlines()[:5]
    assert all(any(line.startswith(name) for line in table) for name in names)  # never broken
    assert "\x1b" not in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    (tiny,) = [row for row in rows if row[-1:] == ["ok"]]
    assert tiny[-5:] == ["keras", "Keras", keras.__version__, "762", "ok"]
    assert "not an activation" in done.stdout
    assert "2 models: 1 ok, 1 refuse." in done.stdout


def test_a_folder_gives_a_summary_of_the_models_in_it(run, models, place):
    (place / "some" / "inner").mkdir(parents=True)
    (place / "some" / "inner" / "a.keras").write_bytes((models / "tiny.keras").read_bytes())
    (place / "some" / "note.txt").write_text("Dear reader")
    (place / "some" / "b.H5").write_text("Dear reader")
    found = json.loads(run("inspect", "some", "--json").stdout)
    assert found["level"] == "refuse"
    levels = {Path(one["path"]).name: one["safety"]["level"] for one in found["models"]}
    assert levels == {"b.H5": "refuse", "a.keras": "ok"}
    assert run("inspect", "some", "--strict").exit_code == 3
    text = run("inspect", "some").stdout
    assert "some/inner/a.keras" in text
    assert "2 models: 1 ok, 1 refuse." in text


def test_a_folder_without_models_is_said_to_be_so(run, place):
    (place / "empty").mkdir()
    assert "The folder has no saved_model.pb and no config.json." in run("inspect", "empty").stdout


def test_a_missing_one_among_several_is_an_error(fails, models):
    assert "There is no model file 'gone.h5'" in fails("inspect", models / "tiny.keras", "gone.h5")


def test_own_layers_are_imported_where_they_are_named(run, own, fails):
    assert run("inspect", "plain.keras", "--strict").exit_code == 3  # a module, not registered
    assert run("inspect", "plain.keras", "--strict", "--import", own).exit_code == 0
    found = json.loads(run("inspect", "own.keras", "--import", own, "--json").stdout)
    assert found["safety"]["level"] == "ok"


def test_own_layers_are_used_by_commands_that_load(run, own, place):
    np.save("black.npy", np.zeros((1, 32, 32, 3), np.float32))
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save("black.png")
    words = ("predict", "own.keras", "black.png", "--preprocessing", "unit", "--json")
    refused = run(*words)
    assert refused.exit_code == 2
    assert "it uses 'own>Doubled', which is not Keras' own" in refused.stderr
    assert "--import MODULE" in refused.stderr
    words = ("predict", "plain.keras", *words[2:])
    done = run(*words, "--import", own)
    assert done.exit_code == 0, done.stderr
    best = json.loads(done.stdout)["images"][0]["predictions"]
    assert [one["probability"] for one in best] == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    "command", ["predict", "explain", "compare", "accuracy", "export", "inspect"]
)
def test_every_command_that_takes_a_model_takes_modules(run, command):
    assert "--import" in run(command, "--help").stdout


def test_a_module_that_cannot_be_imported_is_said(fails, place):
    assert "There is no module 'gone' here" in fails("inspect", "tiny", "--import", "gone")
    said = fails("inspect", "tiny", "--import", "layers/gone.py")
    assert "such as 'layers.gone' for layers.gone.py" in said
    (place / "broken_module.py").write_text("raise RuntimeError('no')")
    said = fails("inspect", "tiny", "--import", "broken_module")
    assert "The module 'broken_module' raises RuntimeError when it is imported: no." in said
    (place / "needing_module.py").write_text("import not_there_at_all")
    said = fails("inspect", "tiny", "--import", "needing_module")
    assert "The module 'needing_module' needs 'not_there_at_all', which is not" in said


def test_neither_tensorflow_nor_numpy_is_loaded():
    assert loaded(INSPECT, "numpy", "h5py", words=("inspect", str(CNN))) == []
    assert "tensorflow" in HEAVY


@pytest.mark.slow
def test_a_model_is_inspected_in_half_a_second():
    words = [sys.executable, "-c", INSPECT, "inspect", str(CNN)]
    spent = []
    for _ in range(5):  # of the processor: the clock also counts who else is at work
        before = os.times()
        subprocess.run(
            words, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        after = os.times()
        spent.append(after[2] + after[3] - before[2] - before[3])
    assert min(spent) < 0.5, spent
