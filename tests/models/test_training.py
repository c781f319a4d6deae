"""Training on three classes of tiny images of one colour each."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from tfxai.card import Card, sha256_of
from tfxai.errors import InvalidInputError, OutputError
from tfxai.models import TrainingConfig, history_path, read_history, train, training
from tfxai.models.datasets import Split, training_data
from tfxai.registry import find

COLOURS = {"blue": (20, 30, 200), "green": (30, 190, 40), "red": (210, 20, 30)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("colours")
    draws = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for number in range(12):
            noise = draws.integers(-20, 21, (8, 8, 3))
            pixels = np.clip(noise + colour, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number:02d}.png")
    return root


def tiny_model(config, data):
    """Everything that has a state of its own, and quick to compile."""
    layers = keras.layers
    inputs = keras.Input(data.train.images.shape[1:])
    x = layers.Conv2D(4, 3, activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    outputs = layers.Dense(len(data.classes), activation="softmax")(x)
    return keras.Model(inputs, outputs)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(training, "build", tiny_model)


@pytest.fixture
def config(folder, tmp_path):
    return TrainingConfig(
        data=str(folder),
        image_size=8,
        epochs=3,
        batch_size=10,
        schedule="cosine",
        warmup_epochs=1,
        weight_decay=0.1,
        validation=0.2,
        out=str(tmp_path / "out" / "colours.keras"),
    )


class Killed(Exception):
    pass


class KillAfter(keras.callbacks.Callback):
    """Ends the run in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.at, self.epoch = epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.at and batch == 1:
            raise Killed


def quiet(line):
    pass


def killed_and_gone_on_with(config, epoch):
    with pytest.raises(Killed):
        train(config, callbacks=[KillAfter(epoch)], report=quiet)
    return train(config, report=quiet)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
@pytest.mark.usefixtures("tiny")
def test_a_run_that_was_killed_ends_with_the_model_of_an_unbroken_one(config, tmp_path, schedule):
    config = dataclasses.replace(config, schedule=schedule, patience=1)
    unbroken = train(config, report=quiet)
    out = str(tmp_path / "again" / "colours.keras")
    resumed = killed_and_gone_on_with(dataclasses.replace(config, out=out), epoch=2)
    for ours, theirs in zip(resumed.model.weights, unbroken.model.weights, strict=True):
        # the same steps on the same numbers: no difference was ever measured, with 1 to 8 threads,
        # but threads may add up in another order, and nine steps of float32 pile that up
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=ours.path)
    assert resumed.history.keys() == unbroken.history.keys()
    for name, values in resumed.history.items():
        np.testing.assert_allclose(values, unbroken.history[name], rtol=1e-5, err_msg=name)
    assert len(resumed.history["loss"]) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_a_run_leaves_model_card_and_history_and_no_state(config):
    lines = []
    trained = train(config, report=lines.append)
    out = training.Path(config.out)
    assert [path.name for path in out.parent.iterdir()] == ["colours"]
    history, file = history_path(out), find(out)
    assert read_history(history) == trained.history
    card = Card.read(out.parent / "colours" / "card.json")
    assert card == trained.card
    assert card.classes == ("blue", "green", "red")
    assert card.sha256 == {path.name: sha256_of(path) for path in (history, file)}
    assert {path.name for path in file.parent.iterdir()} == {"card.json", *card.sha256}
    assert (card.epochs, card.batch_size, card.seed, card.input_shape) == (3, 10, 0, (8, 8, 3))
    assert card.accuracy is None
    assert card.test_images is None
    assert "--image-size 8 --epochs 3" in card.command
    assert [line.split(":")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    loaded = keras.models.load_model(file, compile=False)
    images = np.random.default_rng(0).random((4, 8, 8, 3), np.float32)
    np.testing.assert_allclose(loaded(images), trained.model(images), atol=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_training_learns(config):
    easy = dataclasses.replace(config, epochs=12, learning_rate=0.02, weight_decay=0.0)
    history = train(easy, report=quiet).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["accuracy"][-1] > 0.9
    assert len(history["val_accuracy"]) == 12


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_early_stopping_keeps_the_weights_of_the_best_epoch(config, monkeypatch):
    config = dataclasses.replace(config, epochs=9, early_stopping=2, schedule="constant")
    losses = iter([3.0, 1.0, 2.0, 1.5, 0.1])
    seen = []
    real = training._Run._epoch

    def epoch_with_that_loss(run, epoch, validation):
        measures = real(run, epoch, validation) | {"val_loss": next(losses)}
        seen.append(run.model.get_weights())
        return measures

    monkeypatch.setattr(training._Run, "_epoch", epoch_with_that_loss)
    trained = train(config, report=quiet)
    assert trained.history["val_loss"] == [3.0, 1.0, 2.0, 1.5]
    assert trained.card.epochs == 4
    for ours, best in zip(trained.model.get_weights(), seen[1], strict=True):
        np.testing.assert_array_equal(ours, best)
    loaded = keras.models.load_model(find(config.out), compile=False)
    np.testing.assert_array_equal(loaded.get_weights()[0], seen[1][0])


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_an_unfinished_run_with_other_settings_is_refused(config):
    with pytest.raises(Killed):
        train(config, callbacks=[KillAfter(1)], report=quiet)
    other = dataclasses.replace(config, seed=4)
    with pytest.raises(
        InvalidInputError, match=r"other settings: seed=0 there and 4 here. Repeat"
    ):
        train(other, report=quiet)
    folder = training.Path(config.out).with_name("colours.training")
    assert sorted(path.name for path in folder.iterdir()) == [
        ".gitignore",
        "epoch_0000.npz",
        "state.json",
    ]
    (folder / "epoch_0000.npz").write_bytes(b"damaged")
    with pytest.raises(InvalidInputError, match=r"epoch_0000.npz cannot be resumed from"):
        train(config, report=quiet)
    (folder / "state.json").write_text("{")
    with pytest.raises(InvalidInputError, match=r"holds no state of a training run"):
        train(config, report=quiet)


def test_a_folder_that_cannot_be_written_is_found_before_the_work(config, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(training, "build", lambda *args: pytest.fail("it began to work"))
    with pytest.raises(OutputError, match=r"Cannot write"):
        train(dataclasses.replace(config, out=str(tmp_path / "file" / "a.keras")), report=quiet)


def test_a_place_that_is_taken_is_found_before_the_work(config, folder, monkeypatch):
    monkeypatch.setattr(training, "training_data", lambda *args: pytest.fail("it began to work"))
    with pytest.raises(OutputError, match=r"colours\d+' is a folder, and no model"):
        train(dataclasses.replace(config, out=f"{folder}.keras"), report=quiet)


def test_validation_and_training_images_are_apart_and_depend_on_the_seed(config):
    data = training_data(config)
    assert len(data.train.images) == 29
    assert len(data.validation.images) == 7
    pictures = {image.tobytes() for part in data[:2] for image in part.images}
    assert len(pictures) == 36
    again = training_data(config)
    np.testing.assert_array_equal(again.validation.images, data.validation.images)
    other = training_data(dataclasses.replace(config, seed=1))
    assert not np.array_equal(other.validation.images, data.validation.images)


def test_limit_counts_the_validation_images_too(config):
    data = training_data(dataclasses.replace(config, limit=10))
    assert (len(data.train.labels), len(data.validation.labels)) == (8, 2)


def test_a_fraction_that_leaves_nothing_is_refused(config):
    with pytest.raises(InvalidInputError, match=r"validation=0.01 of 36 images leaves 0"):
        training_data(dataclasses.replace(config, validation=0.01))


def test_one_class_is_refused(tmp_path, config):
    (tmp_path / "tree" / "only").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "tree" / "only" / "a.png")
    with pytest.raises(InvalidInputError, match=r"has 1 class. Pass a folder with at least two"):
        training_data(dataclasses.replace(config, data=str(tmp_path / "tree")))


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_cifar10_is_tested_on_its_test_split_and_trained_without_it(tmp_path, monkeypatch):
    draws = np.random.default_rng(0)
    splits = {
        name: Split(draws.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8), np.arange(n) % 10)
        for name, n in (("train", 40), ("test", 30))
    }
    asked = []

    def load(split, data_dir=None):
        asked.append(split)
        return splits[split]

    monkeypatch.setattr("tfxai.models.datasets.load_cifar10", load)
    monkeypatch.setattr("tfxai.models.datasets.lossy_images", lambda split, data_dir: 8_890)
    out = tmp_path / "a.h5"
    config = TrainingConfig(epochs=1, batch_size=20, validation=0.0, out=str(out))
    lines = []
    trained = train(config, report=lines.append)
    assert asked == ["train", "test"]
    assert "val_loss" not in trained.history
    inputs = splits["test"].images.astype(np.float32) / np.float32(255)
    right = np.asarray(trained.model(inputs)).argmax(axis=1) == splits["test"].labels
    assert trained.card.accuracy == right.mean()
    assert trained.card.test_images == 30
    assert "8,890 of the 10,000 test images" in trained.card.notes[0]
    assert lines[-1] == f"accuracy on 30 test images: {right.mean():.4f}"
    assert Card.read(tmp_path / "a" / "card.json").dataset == "cifar10"
    assert find(out).suffix == ".h5"


def test_the_model_is_the_one_that_is_named(config):
    data = training_data(config)
    assert training.build(config, data).name == "CIFAR10_CNN_Model"
    resnet = training.build(dataclasses.replace(config, model="resnet18", width=2), data)
    assert resnet.name == "ResNet18"
    assert resnet.get_layer("Stem_Conv2D").filters == 2
    assert resnet.output_shape == (None, 3)
    seer = training.build(dataclasses.replace(config, model="vision_transformer"), data)
    assert (seer.name, seer.output_shape) == ("vision_transformer", (None, 3))


def test_biases_and_batch_normalisation_do_not_decay(config):
    model = training.build(config, training_data(config))
    training.compile_model(model, config, 4)
    model.optimizer.build(model.trainable_variables)
    decays = {v.path for v in model.trainable_variables if model.optimizer._use_weight_decay(v)}
    assert decays == {v.path for v in model.trainable_variables if v.path.endswith("/kernel")}
