"""`tfxai train-texts`: train a classifier of texts that takes strings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str,
    typer.Argument(
        metavar="FOLDER",
        help="A folder with train.tsv and, where there are such, dev.tsv and test.tsv: on each "
        "line a text, a tab and the number of its class.",
        show_default=False,
    ),
]
ClassNames = Annotated[
    list[str],
    typer.Option(
        metavar="NAME",
        help="The name of a class, in the order of their numbers; once for each.",
        show_default=False,
    ),
]
Out = Annotated[
    str,
    typer.Option(metavar="FILE", help="FOLDER/NAME.keras or .h5: saved as FOLDER/NAME."),
]
Rare = Annotated[
    int, typer.Option(min=1, help="Words that come fewer times have no vector of their own.")
]
Length = Annotated[int, typer.Option(min=1, help="Words that are read of a text.")]
Dim = Annotated[int, typer.Option(min=1, help="Numbers of a word's vector.")]
Heads = Annotated[int, typer.Option(min=1, help="Heads of each attention.")]
Blocks = Annotated[int, typer.Option(min=1, help="Blocks of attention and a dense layer.")]
Dropout = Annotated[float, typer.Option(help="Share of numbers dropped in training.")]
WordDropout = Annotated[
    float, typer.Option(help="Share of words that are taken for unknown in training.")
]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over the training texts.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts per step.")]
LearningRate = Annotated[float, typer.Option(help="Peak of AdamW's learning rate.")]
WeightDecay = Annotated[
    float, typer.Option(help="Share of a weight that a step takes off per unit of learning rate.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]


def train_texts(  # noqa: PLR0913 - an argument for each word of the command line
    data: Data,
    class_name: ClassNames = [],  # noqa: B006 - typer copies it
    out: Out = "models/text_transformer.keras",
    rare: Rare = 2,
    length: Length = 48,
    dim: Dim = 64,
    heads: Heads = 4,
    blocks: Blocks = 1,
    dropout: Dropout = 0.5,
    word_dropout: WordDropout = 0.3,
    epochs: Epochs = 12,
    batch_size: BatchSize = 64,
    learning_rate: LearningRate = 0.002,
    weight_decay: WeightDecay = 0.05,
    seed: Seed = 0,
) -> None:
    """Train a small transformer on texts; the model takes strings."""
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_laid_out, say, shown, table, working
    from tfxai.cli.writing import check_folder

    check_folder(Path(out).parent)
    start()
    from tfxai.models.text_training import TextTrainingConfig
    from tfxai.models.text_training import train_texts as run
    from tfxai.registry import ModelRegistry

    config = TextTrainingConfig(
        data=data,
        class_names=tuple(class_name),
        out=out,
        rare=rare,
        length=length,
        dim=dim,
        heads=heads,
        blocks=blocks,
        dropout=dropout,
        word_dropout=word_dropout,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        seed=seed,
    )
    with working(f"Training on {data}"):
        trained = run(config)
    made = table("Trained", "", right=(1,))
    for name, label in (("accuracy", "training"), ("val_accuracy", "validation")):
        if name in trained.history:
            made.add_row(f"{label} accuracy", f"{trained.history[name][-1]:.4f}")
    if trained.card.accuracy is not None:
        made.add_row("test accuracy", f"{trained.card.accuracy:.4f}")
    print_laid_out(made)
    entry = ModelRegistry(Path(out).parent)[Path(out).stem]
    say(shown(entry.file))
