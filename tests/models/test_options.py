import dataclasses
import shlex

import pytest

from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.models import TrainingConfig, equivalent_command


def test_command_says_what_is_not_the_default():
    config = TrainingConfig(
        epochs=28, weight_decay=0.1, schedule="cosine", validation=0.02, out="models/a b.keras"
    )
    assert equivalent_command(config) == (
        "tfxai train --data cifar10 --model three_block_cnn --epochs 28 --batch-size 128 --seed 0 "
        "--weight-decay 0.1 --schedule cosine --validation 0.02 --out 'models/a b.keras'"
    )


def test_command_holds_every_option():
    config = TrainingConfig(
        data="folder",
        model="resnet18",
        width=16,
        image_size=48,
        learning_rate=0.002,
        schedule="plateau",
        warmup_epochs=1,
        patience=7,
        early_stopping=9,
        limit=100,
    )
    words = shlex.split(equivalent_command(config))[2:]
    given = {
        name[2:].replace("-", "_"): value
        for name, value in zip(words[::2], words[1::2], strict=True)
    }
    said = {name: str(value) for name, value in dataclasses.asdict(config).items()}
    assert said.pop("weight_decay") == "0.0"  # this and the next are the defaults, left out
    assert said.pop("validation") == "0.05"
    assert given == said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "resnet"}, "There is no architecture 'resnet'. Did you mean 'resnet18'"),
        ({"schedule": "cosin"}, "There is no schedule 'cosin'. Did you mean 'cosine'"),
        ({"epochs": 0}, "epochs=0 cannot be used. Pass a whole number of at least 1"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"batch_size": True}, "batch_size=True"),
        ({"seed": -1}, "seed=-1 .* at least 0"),
        ({"limit": 1}, "limit=1 .* at least 2"),
        ({"early_stopping": 0}, "early_stopping=0"),
        ({"learning_rate": 0}, "learning_rate=0 .* above 0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"learning_rate": "fast"}, "learning_rate='fast'"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1 .* of at least 0"),
        ({"validation": 1.0}, "validation=1.0 is not a fraction"),
        ({"validation": 0.0, "schedule": "plateau"}, "schedule='plateau' looks at the validation"),
        ({"validation": 0.0, "early_stopping": 3}, "early_stopping looks at the validation"),
        ({"out": "models/a.pb"}, "'models/a.pb' does not name a model file"),
        ({"model": "vision_transformer", "out": "a.h5"}, "which an .h5 file cannot hold"),
        ({"width": 16}, "width=16 came with 'three_block_cnn'"),
        ({"image_size": 64}, "image_size=64 came with CIFAR-10"),
        ({"schedule": "cosine", "epochs": 2}, "warmup_epochs=2 leaves none of the 2 epochs"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        TrainingConfig(**options)


def test_an_unknown_architecture_is_an_unknown_name():
    with pytest.raises(UnknownNameError):
        TrainingConfig(model="vgg")
