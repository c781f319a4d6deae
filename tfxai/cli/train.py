"""`tfxai train`: train a classifier of images. Its options are the fields of `TrainingConfig`."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfxai.cli import arguments
from tfxai.errors import DataNotFoundError
from tfxai.models.options import ARCHITECTURES, SCHEDULES, TrainingConfig

if TYPE_CHECKING:
    from tfxai.models.training import Trained

HELP = {
    "data": "CIFAR-10, or a folder with a folder of images per class.",
    "model": "The architecture.",
    "width": "Filters of resnet18's first stage; 64 if left out.",
    "image_size": "Height and width that a folder's images are resized to; 32 if left out.",
    "epochs": "Passes over the training images.",
    "batch_size": "Images per step.",
    "seed": "Seed of everything random.",
    "learning_rate": "Adam's learning rate; its peak if the schedule changes it.",
    "weight_decay": "Share of a weight that a step takes off per unit of learning rate.",
    "schedule": "Schedule of the learning rate.",
    "warmup_epochs": "With cosine: epochs in which the rate rises.",
    "patience": "With plateau: epochs without a lower validation loss before the rate is halved.",
    "early_stopping": "Stop after that many epochs without a lower validation loss, and keep the "
    "best epoch.",
    "validation": "Fraction of the training images that is held out.",
    "limit": "Train on at most that many images.",
    "out": "FOLDER/NAME.keras or .h5: saved in that format as FOLDER/NAME. Named after data, "
    "architecture and epochs if left out, in ./models or the folder that TFXAI_MODELS names.",
}
_WORDS = {
    "data": "cifar10|FOLDER",
    "model": "|".join(ARCHITECTURES),
    "schedule": "|".join(SCHEDULES),
    "out": "FILE",
}


def train(context: typer.Context, *, skip_bad: bool, **options: Any) -> None:
    """Train a classifier of images; the same command resumes an interrupted run.

    On a terminal and without --epochs it asks whether one of the models will do.
    """
    from tfxai.cli.bad_files import BadFiles
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import remark
    from tfxai.cli.writing import check_folder

    source = context.get_parameter_source("epochs")
    if source is not None and source.name == "DEFAULT" and _is_watched():
        chosen = _choose(options["epochs"])
        if chosen is None:
            return
        options["epochs"] = chosen
    config = TrainingConfig(**options)
    if config.data != "cifar10" and not Path(config.data).is_dir():
        raise DataNotFoundError(
            f"--data {config.data!r} is not a folder. Pass cifar10, or a folder of class folders."
        )
    check_folder(Path(config.out).parent)
    start()
    from tfxai.models.training import train as run

    bad = BadFiles(skip=skip_bad)
    try:
        trained = run(config, on_bad=lambda file, error: bad.add(str(file), error))
    except KeyboardInterrupt:
        remark("Run the same command to resume after the last complete epoch.")
        raise
    _finish(config, trained)
    bad.finish(None)


def _is_watched() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _choose(epochs: int) -> int | None:
    """Shows the models there are; for how many epochs to train, or None where one of them will do.

    Args:
        epochs: What is taken if nothing is said.
    """
    from tfxai.cli.models import ask, known_models, print_model, print_models
    from tfxai.cli.terminal import remark, say

    known = known_models()
    print_models(known, numbered=True)
    while known:
        answer = ask("Load which one? Its number, or Enter to train a new one: ")
        if not answer:
            break
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(known):
            entry, registry = known[int(answer) - 1]
            print_model(entry, registry)
            say(f'In Python: tfxai.load("{entry.name}")')
            return None
        remark(f"{answer!r} is not between 1 and {len(known)}.")
    while True:
        answer = ask(f"Train for how many epochs? [{epochs}] ") or str(epochs)
        if answer.isascii() and answer.isdigit() and int(answer) > 0:
            return int(answer)
        remark(f"{answer!r} is not a number of epochs. Type a whole number above 0.")


def _finish(config: TrainingConfig, trained: Trained) -> None:
    """Draws the history and says what was written."""
    from tfxai.cli.terminal import print_laid_out, say, shown, table
    from tfxai.plotting import plot_history
    from tfxai.registry import ModelRegistry
    from tfxai.registry.naming import CARD_FILE, FIGURE_FILE

    out = Path(config.out)
    entry = ModelRegistry(out.parent)[out.stem]
    figure = entry.file.with_name(FIGURE_FILE)
    plot_history(trained.history, path=figure)
    made = table("Trained", "", right=(1,))
    measures = {"epochs": str(len(trained.history["loss"]))}
    for name, label in (
        ("accuracy", "training accuracy"),
        ("val_accuracy", "validation accuracy"),
    ):
        if name in trained.history:
            measures[label] = f"{trained.history[name][-1]:.4f}"
    if trained.card.accuracy is not None:
        measures[f"accuracy on {trained.card.test_images:,} test images"] = (
            f"{trained.card.accuracy:.4f}"
        )
    for label, value in measures.items():
        made.add_row(label, value)
    print_laid_out(made)
    for path in (figure, entry.history_file, entry.file.with_name(CARD_FILE), entry.file):
        say(shown(path))


def _parameter(field: dataclasses.Field[Any], kind: Any) -> inspect.Parameter:
    option = typer.Option(help=HELP[field.name], metavar=_WORDS.get(field.name))
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default,
        annotation=Annotated[kind, option],
    )


def _signature() -> inspect.Signature:
    """An option for every field, so that the two cannot differ."""
    kinds = typing.get_type_hints(TrainingConfig)
    fields = dataclasses.fields(TrainingConfig)
    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    options = [_parameter(field, kinds[field.name]) for field in fields]
    skip_bad = inspect.Parameter(
        "skip_bad", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=arguments.SkipBad
    )
    return inspect.Signature([context, *options, skip_bad])


train.__signature__ = _signature()  # type: ignore[attr-defined]
