"""Trains a classifier of texts from files of sentences and labels."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any, NamedTuple, final

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.card import Card
from tfxai.errors import DataNotFoundError, InvalidInputError
from tfxai.models.training import LICENCE, Trained, versions
from tfxai.models.transformer import text_transformer
from tfxai.registry import ModelRegistry
from tfxai.registry.naming import check_name
from tfxai.registry.saving import check_place

_UNKNOWN = 1  # the id of words without a vector of their own
_LARGEST = 256 * 2**20  # bytes of a file of texts
_ROWS = 512


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class TextTrainingConfig:
    """What texts are learned from, and how.

    Args:
        data: A folder with `train.tsv` and, where there are such, `dev.tsv` and `test.tsv`: UTF-8,
            on each line a text, a tab and the number of its class.
        class_names: Names of the classes in the order of their numbers; the numbers if left out.
        rare: Words that come fewer times in the training texts have no vector of their own.
        length: Words that are read of a text.
        dim: Numbers of a word's vector.
        heads: Heads of each attention.
        blocks: Blocks of attention and a dense layer.
        dropout: Share of numbers that are dropped in training, in [0, 1).
        word_dropout: Share of words that are taken for unknown in training, in [0, 1).
        epochs: Passes over the training texts.
        batch_size: Texts per step.
        learning_rate: Peak of AdamW's learning rate, which falls to 0 as a cosine.
        weight_decay: Share of a weight that a step takes off per unit of learning rate.
        seed: Seed of everything random.
        out: `FOLDER/NAME.keras`: saved as the model `NAME` in that folder.

    Raises:
        InvalidInputError: An option has a value that cannot be used.
    """

    data: str
    class_names: tuple[str, ...] = ()
    rare: int = 2
    length: int = 48
    dim: int = 64
    heads: int = 4
    blocks: int = 1
    dropout: float = 0.5
    word_dropout: float = 0.3
    epochs: int = 12
    batch_size: int = 64
    learning_rate: float = 0.002
    weight_decay: float = 0.05
    seed: int = 0
    out: str = "models/text_transformer.keras"

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", tuple(self.class_names))
        for name in ("rare", "length", "dim", "heads", "blocks", "epochs", "batch_size"):
            self._check(name, int, getattr(self, name) >= 1, "1 or more")
        for name in ("dropout", "word_dropout"):
            self._check(name, (int, float), 0 <= getattr(self, name) < 1, "in [0, 1)")
        for name in ("learning_rate", "weight_decay", "seed"):
            self._check(name, (int, float), getattr(self, name) >= 0, "0 or more")
        if self.dim % self.heads:
            raise InvalidInputError(
                f"dim={self.dim} is no multiple of heads={self.heads}. Change one of them."
            )
        if Path(self.out).suffix != ".keras":
            raise InvalidInputError(f"out={self.out!r} was expected to end in .keras.")
        check_name(Path(self.out).stem)

    def _check(self, name: str, kind: Any, fits: bool, words: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, kind) or isinstance(value, bool) or not fits:
            raise InvalidInputError(f"{name}={value!r} was expected to be {words}.")

    @property
    def command(self) -> str:
        """The command that trains the same again."""
        words = ["tfxai", "train-texts", self.data]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "class_names":
                words += [word for name in value for word in ("--class-name", name)]
            elif field.name != "data" and (value != field.default or field.name == "out"):
                words += [f"--{field.name.replace('_', '-')}", str(value)]
        return shlex.join(words)


class Texts(NamedTuple):
    """Texts and the numbers of their classes, (N,) int64."""

    texts: list[str]
    labels: Array


def read_texts(path: Path) -> Texts:
    """The texts of a file, a line each: the text, a tab, the number of its class.

    Raises:
        DataNotFoundError: There is no such file.
        InvalidInputError: It is too large or no UTF-8, a line is no such line, or it has none.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidInputError(f"{str(path)!r} has more than {_LARGEST:,} bytes. Split it.")
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataNotFoundError(
            f"{str(path)!r} cannot be read: {error.strerror}. Pass a folder with train.tsv in it, "
            "on each line a text, a tab and the number of its class."
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{str(path)!r} is no text in UTF-8. Convert it first.") from error
    texts, labels = [], []
    for number, line in enumerate(lines, 1):
        text, _, label = line.rstrip("\r").rpartition("\t")
        if not line.strip():
            continue
        if not text.strip() or not (label.isascii() and label.isdecimal() and len(label) < 6):
            raise InvalidInputError(
                f"Line {number} of {str(path)!r} was expected to be a text, a tab and the number "
                f"of its class, and is {line[:60]!r}."
            )
        texts.append(text)
        labels.append(int(label))
    if not texts:
        raise InvalidInputError(f"{str(path)!r} has no texts. Pass a file with some.")
    return Texts(texts, np.array(labels, np.int64))


def train_texts(config: TextTrainingConfig) -> Trained:
    """Train a `text_transformer` on texts, and write it, its card and its history.

    The words that are known are those of the training texts. Each epoch ends with the moving
    average of the weights of its last steps. Seeds Python's, NumPy's and TensorFlow's global
    random generators.

    Args:
        config: What to train on, and how.

    Returns:
        `model`, from strings to logits; `history`, one number per epoch of `accuracy`, `loss`,
        and, where there is a `dev.tsv`, `val_accuracy` and `val_loss`; `card`, with the accuracy
        on `test.tsv` where there is one.

    Raises:
        DataNotFoundError: There are no training texts.
        InvalidInputError: A file cannot be used, or the names of the classes do not fit it.
        OutputError: The model cannot be written, or its place is taken by something else.
    """
    folder, out = Path(config.data), Path(config.out)
    check_place(out.parent, out.stem)
    learned = read_texts(folder / "train.tsv")
    others = {name: folder / f"{name}.tsv" for name in ("dev", "test")}
    held_out = {name: read_texts(path) for name, path in others.items() if path.is_file()}
    classes = _classes(config, [learned, *held_out.values()])
    keras.utils.set_random_seed(config.seed)
    model = text_transformer(
        _vocabulary(learned.texts, config.rare),
        len(classes),
        length=config.length,
        dim=config.dim,
        heads=config.heads,
        blocks=config.blocks,
        dropout=config.dropout,
    )
    history = _fit(model, config, learned, held_out.get("dev"))
    tested = held_out.get("test")
    card = Card(
        name=out.stem,
        classes=classes,
        dataset=folder.name,
        accuracy=None if tested is None else _accuracy(model, tested),
        epochs=config.epochs,
        batch_size=config.batch_size,
        seed=config.seed,
        command=config.command,
        versions=versions(),
        licence=LICENCE,
        notes=() if tested is None else (f"Tested on {len(tested.texts):,} texts.",),
    )
    form = out.suffix.removeprefix(".")
    saved = ModelRegistry(out.parent).save(model, out.stem, card, history, format=form)
    return Trained(model, history, saved.card or card)


def _classes(config: TextTrainingConfig, parts: list[Texts]) -> tuple[str, ...]:
    count = 1 + max(int(part.labels.max()) for part in parts)
    if len({*parts[0].labels.tolist()}) < 2:
        raise InvalidInputError("The training texts are of one class. Pass texts of two or more.")
    if config.class_names and len(config.class_names) != count:
        raise InvalidInputError(
            f"{len(config.class_names)} names of classes came, and the texts are of {count}. Pass "
            "a name for each."
        )
    return config.class_names or tuple(map(str, range(count)))


def _vocabulary(texts: list[str], rare: int) -> list[str]:
    """The words of texts as the model cuts them, the most frequent ones first."""
    look_up = keras.layers.TextVectorization()
    look_up.adapt(tf.constant(texts))
    counts = np.bincount(np.asarray(look_up(tf.constant(texts))).ravel())
    found = zip(look_up.get_vocabulary(), counts, strict=True)
    known = [str(word) for number, (word, count) in enumerate(found)
             if count >= rare and number > _UNKNOWN]  # fmt: skip
    if not known:
        raise InvalidInputError(f"No word comes {rare} times in the training texts. Lower rare.")
    return known


class _Batches(keras.utils.PyDataset):
    """Ids of words in another order each epoch, some of them taken for unknown."""

    def __init__(self, ids: Array, labels: Array, config: TextTrainingConfig) -> None:
        super().__init__()
        self._ids, self._labels, self._config = ids, labels, config
        self._epoch = 0
        self._draw()

    def __len__(self) -> int:
        return -(-len(self._ids) // self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        size = self._config.batch_size
        rows = self._order[index * size : (index + 1) * size]
        return self._drawn[rows], self._labels[rows]

    def on_epoch_end(self) -> None:
        """Draws anew."""
        self._epoch += 1
        self._draw()

    def _draw(self) -> None:
        rng = np.random.default_rng((self._config.seed, self._epoch))
        self._order = rng.permutation(len(self._ids))
        gone = (rng.random(self._ids.shape) < self._config.word_dropout) & (self._ids > 0)
        self._drawn = np.where(gone, _UNKNOWN, self._ids)


def _fit(
    model: keras.Model, config: TextTrainingConfig, learned: Texts, held_out: Texts | None
) -> dict[str, list[float]]:
    """Trains the part of the model behind its look-up; what every epoch measured."""
    look_up = model.get_layer("look_up")
    of_ids = keras.Model(look_up.output, model.output)
    batches = _Batches(_ids(look_up, learned), learned.labels, config)
    steps = config.epochs * len(batches)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(config.learning_rate, steps),
        weight_decay=config.weight_decay,
        use_ema=True,
        ema_momentum=1 - 0.5 / len(batches),
        ema_overwrite_frequency=len(batches),  # each epoch starts from the average
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    of_ids.compile(optimizer, loss, metrics=["accuracy"])
    validation = None if held_out is None else (_ids(look_up, held_out), held_out.labels)
    measured = of_ids.fit(
        batches, epochs=config.epochs, validation_data=validation, verbose=0, shuffle=False
    ).history
    return {name: [float(value) for value in values] for name, values in measured.items()}


def _ids(look_up: Any, given: Texts) -> Array:
    return np.asarray(look_up(tf.constant(given.texts)))


def _accuracy(model: keras.Model, given: Texts) -> float:
    """Share of texts whose highest logit is that of their class."""
    right = 0
    for start in range(0, len(given.texts), _ROWS):
        texts = tf.constant(given.texts[start : start + _ROWS])[:, None]
        logits = np.asarray(model(texts, training=False))
        right += int((logits.argmax(axis=1) == given.labels[start : start + _ROWS]).sum())
    return right / len(given.texts)
