import json
import os
import subprocess
import sys
import zipfile

import pytest

from tests.processes import HEAVY, ROOT, loaded

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
