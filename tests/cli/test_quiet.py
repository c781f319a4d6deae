"""TensorFlow is loaded where its output is discarded, whatever command loads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from tests.processes import ROOT
from tfxai.cli.app import COMMANDS
from tfxai.data.samples import sample_image

DATA = ("--data", "photos")
WORDS = {
    "demo": (), "predict": ("m", "a.png"), "explain": ("m", "a.png", "-m", "saliency"),
    "batch": ("m", "--input", "photos"), "drift": ("one", "two"),
    "compare": ("m", "a.png", "-m", "saliency", "-m", "grad_cam"), "evaluate": ("m", *DATA),
    "sanity": ("m", *DATA), "debug": ("m", "a.png", "--true-label", "Cat"),
    "audit": ("m", *DATA, "--border", "2"), "report": ("m", "a.png"), "inspect": None,
    "accuracy": ("m", *DATA), "methods": (), "train": (),
    "train_texts": ("texts.tsv",), "attention": ("m", "a text"),
    "export": ("m", "new", "-m", "saliency"),
    "check_serving": ("one",), "serve": ("--model", "m=m.keras"), "crosscheck": ("m", "a.png"),
    "visualise": ("m", "--class", "Cat"), "dream": ("m", "a.png", "--layer", "Conv2D_1"),
    "top_images": ("m", *DATA, "--layer", "Conv2D_1", "--channel", "0"),
    "tcav": ("m", *DATA, "--layer", "a", "--concept", "stripes", "--target", "Cat"),
    "concepts": ("m", *DATA, "--target", "Cat"),
}  # fmt: skip
"""What brings each command as far as TensorFlow; None for one that never loads it."""
OF_TEXTS = [["predict", "m", "--text", "a"], ["explain", "m", "--text", "a", "-m", "saliency"]]
CODE = """
import json, sys
from tfxai.cli import runtime

def start():
    raise SystemExit("late" if "tensorflow" in sys.modules else "reached")

runtime.start = start
from tfxai.cli.app import app
found = []
for name, *words in json.loads(sys.argv[1]):
    try:
        app([name.replace("_", "-"), *words], standalone_mode=False)
    except BaseException as end:
        found.append([name, str(end)])
print(json.dumps(found))
"""


def test_every_command_is_listed():
    assert {one.__name__ for one in COMMANDS} == set(WORDS)


@pytest.mark.slow
def test_nothing_loads_tensorflow_before_it_is_silenced(tmp_path):
    (tmp_path / "photos" / "Cat").mkdir(parents=True)
    for path in ("a.png", "photos/Cat/a.png"):
        Image.fromarray(sample_image("chelsea")).save(tmp_path / path)
    asked = [[name, *words] for name, words in WORDS.items() if words is not None] + OF_TEXTS
    call = [sys.executable, "-c", CODE, json.dumps(asked).replace('"m"', '"cifar10_cnn"')]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TFXAI_MODELS": str(ROOT / "models")}
    done = subprocess.run(call, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == [[words[0], "reached"] for words in asked]
