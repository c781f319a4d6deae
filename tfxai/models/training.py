"""Trains an image classifier, in runs that can be interrupted and resumed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from tfxai.card import Card
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError
from tfxai.models.augmentation import AugmentedBatches
from tfxai.models.checkpoints import History, Progress, TrainingState
from tfxai.models.cnn import three_block_cnn
from tfxai.models.datasets import OnBad, TrainingData, benchmark_data, notes, training_data
from tfxai.models.evaluation import accuracy
from tfxai.models.options import TrainingConfig, equivalent_command
from tfxai.models.progress import EpochProgress
from tfxai.models.resnet import resnet18
from tfxai.models.schedules import best_epoch, learning_rate, plateau_rate, should_stop
from tfxai.models.transformer import vision_transformer
from tfxai.registry import ModelRegistry
from tfxai.registry.saving import check_place

LICENCE = "Apache-2.0"


class Trained(NamedTuple):
    """What `train` returns."""

    model: keras.Model
    history: History
    card: Card


def train(
    config: TrainingConfig,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    report: Callable[[str], None] | None = None,
    on_bad: OnBad | None = None,
) -> Trained:
    """Train a model on images, and write it, its card and its history.

    Saves the model with its card and history in the folder `NAME`, where `config.out` is
    `NAME.keras` or `NAME.h5`, all of them or none, replacing an earlier model of that
    name (`ModelRegistry.save`); `tfxai.load(config.out)` finds it there. After each epoch the
    state of the run is kept in the folder `NAME.training/` beside it, so that the same
    call resumes after a kill and ends with the same model; the folder is removed at the
    end. The images are shifted and mirrored by `AugmentedBatches`; a schedule or early
    stopping looks at images held out of the training images, never at test images. Seeds
    Python's, NumPy's and TensorFlow's global random generators.

    Args:
        config: What to train, on what, and how.
        data_dir: Folder of tensorflow-datasets, as for `load_cifar10`.
        callbacks: More Keras callbacks; an exception in one ends the run, which can then
            be resumed.
        report: Function that is called with one line per epoch. None prints the lines on
            the standard error stream, under a progress bar on a terminal.
        on_bad: Function that is called with an image file that cannot be used and the error that
            says why; the file is left out, which the card notes. None raises the error.

    Returns:
        `model`, compiled; `history`, a dict of `accuracy`, `loss`, `learning_rate` and,
        with validation, `val_accuracy` and `val_loss`, one number per epoch; `card`, with
        the accuracy on the test images where the data has some.

    Raises:
        InvalidInputError: The data cannot be used, or an unfinished run with other
            settings lies beside `config.out`.
        DataNotFoundError: The data is not available.
        OutputError: The model cannot be written, or its place is taken by something else.
    """
    out = Path(config.out)
    check_place(out.parent, out.stem)
    left_out: list[Path] = []

    def leave_out(file: Path, error: InvalidInputError) -> None:
        if on_bad is None:
            raise error
        on_bad(file, error)
        left_out.append(file)

    data = training_data(config, data_dir, leave_out)
    settings = {**config.to_dict(), "images": len(data.train.images), "classes": data.classes}
    settings = json.loads(json.dumps(settings))  # as they come back from a file
    state = TrainingState(out.with_name(f"{out.stem}.training"), settings)
    progress = state.load()
    state.claim()
    keras.utils.set_random_seed(config.seed)
    steps = -(-len(data.train.images) // config.batch_size)
    model = build(config, data)
    compile_model(model, config, steps)
    if progress.epochs_done:
        state.restore(model, progress.epochs_done - 1)
    with EpochProgress(config.epochs, steps, report) as display:
        run = _Run(config, data, model, state, display, callbacks)
        history = run.finish(progress)
        losses = history.get("val_loss", [])
        if config.early_stopping:
            state.restore(model, best_epoch(losses))
        card = _write(config, data, model, history, data_dir, len(left_out))
        if card.accuracy is not None:
            display.say(f"accuracy on {card.test_images} test images: {card.accuracy:.4f}")
    state.remove()
    return Trained(model, history, card)


def build(config: TrainingConfig, data: TrainingData) -> keras.Model:
    """The architecture of that name for these images and classes, untrained."""
    shape = tuple(data.train.images.shape[1:])
    if config.model == "resnet18":
        return resnet18(shape, len(data.classes), width=config.width or 64)
    if config.model == "vision_transformer":
        return vision_transformer(shape, len(data.classes))
    return three_block_cnn(shape, len(data.classes))


def compile_model(model: keras.Model, config: TrainingConfig, steps_per_epoch: int) -> None:
    """Give the model Adam, with the schedule and the weight decay of the options."""
    optimizer = keras.optimizers.Adam(
        learning_rate(config, steps_per_epoch), weight_decay=config.weight_decay or None
    )
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])


class _Run(NamedTuple):
    """The epochs of one training run."""

    config: TrainingConfig
    data: TrainingData
    model: keras.Model
    state: TrainingState
    display: EpochProgress
    callbacks: Sequence[keras.callbacks.Callback]

    def finish(self, progress: Progress) -> History:
        """Train from where `progress` is to the end; what every epoch measured."""
        done, history = progress
        held_out = self.data.validation
        inputs = Preprocessing("unit").apply(held_out.images)
        validation = (inputs, held_out.labels) if len(inputs) else None
        while done < self.config.epochs:
            losses = history.get("val_loss", [])
            if should_stop(losses, self.config.early_stopping):
                break
            if self.config.schedule == "plateau":
                start, patience = self.config.learning_rate, self.config.patience
                self.model.optimizer.learning_rate = plateau_rate(start, losses, patience)
            measures = self._epoch(done, validation)
            for name, value in measures.items():
                history.setdefault(name, []).append(value)
            done += 1
            losses = history.get("val_loss", [])
            best = best_epoch(losses) if self.config.early_stopping else done - 1
            self.state.save(self.model, Progress(done, history), best)
        return history

    def _epoch(self, epoch: int, validation: Any) -> dict[str, float]:
        batches = AugmentedBatches(
            *self.data.train,
            preprocessing=Preprocessing("unit"),
            batch_size=self.config.batch_size,
            seed=self.config.seed,
            epoch=epoch,
        )
        measured = self.model.fit(
            batches,
            initial_epoch=epoch,
            epochs=epoch + 1,
            validation_data=validation,
            verbose=0,
            shuffle=False,  # the batches are shuffled; Keras' order would not survive a kill
            callbacks=[self.display, *self.callbacks],
        ).history
        rate = float(np.asarray(self.model.optimizer.learning_rate))
        return {name: float(values[-1]) for name, values in measured.items()} | {
            "learning_rate": rate
        }


def _write(
    config: TrainingConfig,
    data: TrainingData,
    model: keras.Model,
    history: History,
    data_dir: str | os.PathLike[str] | None,
    left_out: int,
) -> Card:
    """Write the model, its history and its card, all of them or none."""
    skipped = f"{left_out:,} files of the folder could not be read as images and were left out."
    out = Path(config.out)
    tested = benchmark_data(config, data_dir)
    card = Card(
        name=out.stem,
        classes=data.classes,
        input_shape=tuple(data.train.images.shape[1:]),
        preprocessing=Preprocessing("unit"),
        dataset="cifar10" if config.data == "cifar10" else Path(config.data).name,
        accuracy=accuracy(model, Preprocessing("unit"), *tested) if tested else None,
        test_images=len(tested.images) if tested else None,
        epochs=len(history["loss"]),
        batch_size=config.batch_size,
        seed=config.seed,
        command=equivalent_command(config) + (" --skip-bad" if left_out else ""),
        versions=versions(),
        licence=LICENCE,
        notes=(*notes(config, data_dir), *([skipped] if left_out else [])),
    )
    form = out.suffix.removeprefix(".")
    saved = ModelRegistry(out.parent).save(model, out.stem, card, history, format=form)
    return saved.card or card


def versions() -> dict[str, str]:
    """Versions of Python and the packages that a training run depends on."""
    found = {"python": platform.python_version()}
    for name in ("tfxai", "tensorflow", "keras", "numpy"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # run from its source
            found[name] = importlib.metadata.version(name)
    return found
