import dataclasses
import json
import shlex
from pathlib import Path

import pytest

from tests.cli.pictures import picture
from tfxai import ModelRegistry
from tfxai.cli import train as module
from tfxai.models import TrainingConfig, equivalent_command, training

OTHER = {
    "data": "photos",
    "model": "resnet18",
    "width": 4,
    "image_size": 16,
    "epochs": 7,
    "batch_size": 5,
    "seed": 3,
    "learning_rate": 0.01,
    "weight_decay": 0.1,
    "schedule": "plateau",
    "warmup_epochs": 1,
    "patience": 2,
    "early_stopping": 4,
    "validation": 0.5,
    "limit": 12,
    "out": "made/here.h5",
}


@pytest.fixture
def photos(place):
    for number in range(16):
        picture(f"photos/{'ab'[number % 2]}/{number}.png", (16, 16), number)
    return place / "photos"


@pytest.fixture
def asked(monkeypatch):
    """Catches the options that reach the training, which does not run."""
    caught = []

    def stop(config, on_bad=None):
        caught.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", stop)
    return caught


def test_every_option_reaches_the_training(run, asked, photos):
    config = TrainingConfig(**OTHER)
    unlike = [f.name for f in dataclasses.fields(config) if getattr(config, f.name) == f.default]
    assert unlike == []  # so that each option is seen to arrive
    words = shlex.split(equivalent_command(config))
    assert words[:2] == ["tfxai", "train"]
    run(*words[1:])
    assert asked == [config]


def test_left_out_options_have_the_librarys_defaults(run, asked):
    run("train")
    assert asked == [TrainingConfig()]


def test_every_option_is_explained(run):
    assert set(module.HELP) == {field.name for field in dataclasses.fields(TrainingConfig)}
    text = run("train", "--help").stdout
    assert all(f"--{name.replace('_', '-')} " in text for name in module.HELP)


def test_a_stopped_training_says_how_it_goes_on(run, asked):
    done = run("train")
    assert done.exit_code == 130
    assert (
        done.stderr == "Run the same command to resume after the last complete epoch.\nStopped.\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--model", "three_block"],
            "no architecture 'three_block'. Did you mean 'three_block_cnn'?",
        ),
        (["--schedule", "cosin"], "no schedule 'cosin'. Did you mean 'cosine'?"),
        (["--epochs", "0"], "epochs=0 cannot be used"),
        (["--epochs", "x"], "'--epochs'"),
        (["--data", "gone"], "--data 'gone' is not a folder"),
        (["--out", "model.txt"], "does not name a model file"),
        (["--out", "photos/a/0.png/m.keras"], "is not a folder. Choose another folder."),
        (["--out", "photos.keras"], "'photos' is a folder, and no model. Choose another name"),
    ],
)
def test_an_option_that_cannot_be_used_is_said(fails, photos, words, said):
    assert said in fails("train", *words)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_is_trained_and_can_be_used_by_name(run, photos, place, monkeypatch):
    (place / "models").mkdir()
    words = ("--image-size", 8, "--epochs", 1, "--batch-size", 4, "--validation", 0.25)
    done = run("train", "--data", "photos", *words, "--out", "models/mine.keras")
    assert done.exit_code == 0, done.stderr
    entry = ModelRegistry("models")["mine"]
    assert done.stdout.splitlines()[-4:] == [
        "models/mine/history.png",
        str(entry.history),
        "models/mine/card.json",
        str(entry.file),
    ]
    assert all((place / line).is_file() for line in done.stdout.splitlines()[-4:])
    assert {path.name for path in (place / "models" / "mine").iterdir()} == {
        Path(line).name for line in done.stdout.splitlines()[-4:]
    }
    monkeypatch.delenv("TFXAI_MODELS")
    (image,) = json.loads(run("predict", "mine", "photos/a/0.png", "--json").stdout)["images"]
    assert {one["class"] for one in image["predictions"]} == {"a", "b"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_bad_files_are_left_out_listed_and_noted(run, photos, place):
    (photos / "a" / "broken.png").write_text("no image")
    words = ("--image-size", 8, "--epochs", 1, "--batch-size", 4, "--validation", 0.25)
    assert "broken.png" in run("train", "--data", "photos", *words, "--out", "x/m.keras").stderr
    assert not (place / "x").exists()
    done = run("train", "--data", "photos", *words, "--out", "models/m.keras", "--skip-bad")
    assert done.exit_code == 1, done.stderr
    assert "1 files were left out:" in done.stderr
    assert "broken.png" in done.stderr
    card = ModelRegistry("models")["m"].card
    assert card.command.endswith(" --skip-bad")
    assert card.notes == ("1 files of the folder could not be read as images and were left out.",)


def test_a_class_without_a_usable_image_is_refused(fails, photos):
    for file in (photos / "b").iterdir():
        file.write_text("no image")
    sentence = fails("train", "--data", "photos", "--out", "models/m.keras", "--skip-bad")
    assert "No image of the class 'b' can be used. Add intact image files" in sentence
