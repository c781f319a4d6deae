"""What the tab key proposes, asked for as bash does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT, loaded
from tfxai.cli.completion import method_names, model_names
from tfxai.methods import names


def proposed(words: str) -> list[str]:
    asked = {"_TFXAI_COMPLETE": "complete_bash", "COMP_WORDS": words}
    asked["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    done = subprocess.run(
        [sys.executable, "-m", "tfxai"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **asked},
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_a_shell_is_told_methods_and_models():
    assert proposed("tfxai methods integ") == ["integrated_gradients"]
    assert proposed("tfxai explain cifar10_cnn cat.jpg --method grad_cam") == [
        "grad_cam",
        "grad_cam_pp",
    ]
    assert proposed("tfxai predict cifar10_r") == ["cifar10_resnet18w16"]


@pytest.mark.parametrize("words", ["explain cifar10_cnn cat.jpg --at", "tcav cifar10_cnn --layer"])
def test_a_shell_is_told_the_layers_of_the_model(words):
    assert proposed(f"tfxai {words} MaxPool_Block") == [f"MaxPool_Block{i}" for i in (1, 2, 3)]
    words = words.replace("cifar10_cnn", "no_such_model")
    assert proposed(f"tfxai {words} MaxPool_Block") == []


def test_every_method_is_proposed():
    assert method_names("") == names()


def test_models_are_names_files_and_folders(tmp_path, monkeypatch):
    for name in ("mine.keras", "old.h5", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    monkeypatch.chdir(tmp_path)
    assert [one for one in model_names("m") if one in ("more/", "mine.keras")] == [
        "more/",
        "mine.keras",
    ]
    assert model_names(f"{tmp_path}/o") == [f"{tmp_path}/old.h5"]
    assert model_names("nowhere/x") == []


def test_to_propose_loads_no_tensorflow():
    code = "from tfxai.cli.completion import *\nmethod_names(''), model_names('')"
    assert loaded(code) == []
