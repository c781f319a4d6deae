import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.processes import loaded
from tfxai.export import native

HELP = "from tfxai.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"


@pytest.fixture(scope="module")
def exported(models, tmp_path_factory):
    """What one export of two methods with options prints, and where it lies."""
    from typer.testing import CliRunner

    from tfxai.cli.app import app

    base = tmp_path_factory.mktemp("base") / "tiny"
    words = ["export", models / "tiny.keras", base, "--method", "integrated_gradients"]
    words += ["--method", "grad_cam", "--option", "integrated_gradients.steps=3"]
    words += ["--layer", "Conv2D_Block3_Layer1"]
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.stderr
    return base, done.stdout


def test_signatures_and_the_next_command_are_printed(exported):
    base, text = exported
    assert text.splitlines()[0] == "serve"
    assert "explain_integrated_gradients\n  takes" in text
    assert "heatmap_png_bytes  (B)             string" in text
    assert text.endswith(f"{base / '1'}\nCheck it: tfxai check-serving {base / '1'}\n")
    assert max(map(len, text.splitlines()[:-2])) <= 80
    record = json.loads((base / "1" / "assets.extra" / "tfxai_explain.json").read_text())
    signatures = record["signatures"]
    assert signatures["explain_integrated_gradients"]["method"]["options"]["steps"] == 3
    assert signatures["explain_grad_cam"]["layers"] == ["Conv2D_Block3_Layer1"]
    assert record["class_names"][6] == "Frog"


def test_a_version_is_not_replaced_unasked(exported, run, fails, place):
    shutil.copytree(exported[0], place / "tiny")
    words = ("export", "tiny", "tiny/1", "-m", "saliency")
    assert "There is a version" in fails(*words)
    made = json.loads(run(*words, "--overwrite", "--json").stdout)
    assert made["path"] == str(place / "tiny" / "1")
    assert list(made["signatures"]) == ["serve", "explain_saliency"]
    assert [path.name for path in (place / "tiny").iterdir()] == ["1"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("tiny", "m", "-m", "lime"), "lime cannot be exported. It parts each image into super"),
        (("tiny", "m", "-m", "grad_kam"), "Did you mean 'grad_cam'"),
        (("tiny", "m", "-m", "saliency", "--score", "logits"), "no score 'logits'"),
        (("tinny", "m", "-m", "saliency"), "Did you mean 'tiny'"),
        (("tiny", "m", "-m", "saliency", "--example", "gone.npy"), "no file 'gone.npy'"),
        (("any_size", "m", "-m", "occlusion"), "pass example="),
        (("tiny", "m"), "Missing option '--method'"),
    ],
)
def test_bad_words_are_one_sentence(words, sentence, fails):
    assert sentence in fails("export", *words)


def test_an_example_and_what_a_card_says_can_be_given(run, place):
    np.save("batch.npy", np.zeros((1, 9, 8, 3), np.float32))
    Path("names.txt").write_text("one\ntwo\nthree\n")
    words = ("export", "any_size", "m/5", "-m", "grad_cam", "--example", "batch.npy")
    done = run(*words, "--preprocessing", "tf", "--classes", "names.txt", "--json")
    made = json.loads(done.stdout)
    assert made["class_names"] == ["one", "two", "three"]
    assert made["input_range"] == [-1.0, 1.0]
    shapes = {
        one["name"]: one["shape"] for one in made["signatures"]["explain_grad_cam"]["outputs"]
    }
    assert shapes["heatmap"] == [None, 9, 8]
    assert "numbers and not with pictures" not in done.stderr
    done = run("export", "any_size", "n/5", "-m", "grad_cam", "--example", "batch.npy")
    assert "numbers and not with pictures" in done.stderr


@pytest.mark.slow
def test_a_whole_export_is_checked(exported, run, monkeypatch):
    monkeypatch.setattr(native, "missing", lambda: "there is no gcc")
    done = run("check-serving", exported[0])
    assert done.exit_code == 0, done.stdout
    text = done.stdout
    assert "C interface   not checked   there is no gcc" in text
    assert "explain_integrated_gradients" in text
    assert "TensorFlow Serving itself, with its front ends" in text
    assert text.endswith("Nothing failed.\n")
    assert max(map(len, text.splitlines())) <= 80


def test_a_damaged_export_ends_with_1(exported, run, place):
    shutil.copytree(exported[0], place / "m")
    (place / "m" / "1" / "saved_model.pb").write_bytes(b"no graph")
    done = run("check-serving", "m", "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert not report["passed"]
    assert report["checks"][0]["status"] == "failed"
    text = run("check-serving", "m")
    assert text.exit_code == 1
    assert text.stdout.endswith("It failed.\n")


def test_no_model_to_check_is_an_error(fails):
    assert "There is no SavedModel in 'gone'" in fails("check-serving", "gone")


@pytest.mark.parametrize("command", ["export", "check-serving"])
def test_help_loads_nothing_heavy(command):
    assert loaded(HELP, words=(command, "--help")) == []
