"""The options of a training run, and the command that repeats it."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any, final

from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.registry.folders import home
from tfxai.registry.naming import SUFFIXES, check_name

SCHEDULES = ("constant", "cosine", "plateau")
ARCHITECTURES = ("three_block_cnn", "resnet18", "vision_transformer")
_ALWAYS_SAID = ("data", "model", "epochs", "batch_size", "seed", "out")


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """What is trained, on what, and how.

    Args:
        data: `"cifar10"`, or a folder with one folder of images per class.
        model: `"three_block_cnn"`, `"resnet18"` or `"vision_transformer"`.
        width: Filters of the first stage of `resnet18`, which has 64 by default.
        image_size: Height and width that the images of a folder are resized to, 32 by
            default. CIFAR-10 has its own.
        epochs: Number of passes over the training images.
        batch_size: Images per step.
        seed: Seed of the weights, the order of the images, their shifts and flips, dropout
            and the choice of the validation images.
        learning_rate: Learning rate of Adam; its peak if the schedule changes it.
        weight_decay: Share of a weight that a step takes off per unit of learning rate
            (decoupled, as in AdamW); biases and batch normalisation are left out.
        schedule: Learning rate schedule: `"constant"`, `"cosine"` (to 0 over all epochs) or
            `"plateau"` (halved when the validation loss has not fallen for `patience`
            epochs).
        warmup_epochs: Epochs in which the rate rises linearly from 0, for `"cosine"`.
        patience: Epochs without a lower validation loss, for `"plateau"`.
        early_stopping: Epochs without a lower validation loss after which training stops
            and the weights of the best epoch are kept. None never stops early.
        validation: Fraction of the *training* images held out, in [0, 1). The test
            images are never used for it.
        limit: Most images to train on, validation included. None uses all.
        out: Where the model goes, and in which format: `models/NAME.keras` or `models/NAME.h5`
            is saved in the folder `models/NAME`. If left out, it is named after the data, the
            architecture and the epochs, such as `models/cifar10_cnn_e25.keras`, in the folder
            that `TFXAI_MODELS` names, or else in `./models`.

    Raises:
        InvalidInputError: An option has a value that cannot be used.
        UnknownNameError: There is no such model or schedule.
    """

    data: str = "cifar10"
    model: str = "three_block_cnn"
    width: int | None = None
    image_size: int | None = None
    epochs: int = 20
    batch_size: int = 128
    seed: int = 0
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup_epochs: int = 2
    patience: int = 3
    early_stopping: int | None = None
    validation: float = 0.05
    limit: int | None = None
    out: str = ""

    def __post_init__(self) -> None:
        if self.model not in ARCHITECTURES:
            raise UnknownNameError.of("architecture", self.model, ARCHITECTURES)
        if self.schedule not in SCHEDULES:
            raise UnknownNameError.of("schedule", self.schedule, SCHEDULES)
        for name, smallest in _SMALLEST.items():
            _check_whole(name, getattr(self, name), smallest)
        _check_real("learning_rate", self.learning_rate, above=True)
        _check_real("weight_decay", self.weight_decay, above=False)
        if not 0 <= self.validation < 1:
            raise InvalidInputError(
                f"validation={self.validation!r} is not a fraction of the training images. "
                "Pass a number in [0, 1), such as 0.05."
            )
        if not self.out:
            object.__setattr__(self, "out", str(home() / f"{_named_after(self)}.keras"))
        if Path(self.out).suffix not in SUFFIXES:
            raise InvalidInputError(
                f"out={self.out!r} does not name a model file. Let it end in .keras or .h5."
            )
        check_name(Path(self.out).stem)
        self._check_together()

    def _check_together(self) -> None:
        """Checks options that only make sense with others."""
        if self.validation == 0 and (self.schedule == "plateau" or self.early_stopping):
            what = "early_stopping" if self.early_stopping else "schedule='plateau'"
            raise InvalidInputError(
                f"{what} looks at the validation loss, and validation=0 holds out no image. "
                "Pass a fraction, such as validation=0.05."
            )
        if self.width is not None and self.model != "resnet18":
            raise InvalidInputError(
                f"width={self.width} came with {self.model!r}, whose widths are fixed. Leave it "
                "out, or train 'resnet18'."
            )
        if self.model == "vision_transformer" and Path(self.out).suffix == ".h5":
            raise InvalidInputError(
                f"out={self.out!r} came with 'vision_transformer', which an .h5 file cannot hold. "
                "Let it end in .keras."
            )
        if self.image_size is not None and self.data == "cifar10":
            raise InvalidInputError(
                f"image_size={self.image_size} came with CIFAR-10, whose images are 32x32. "
                "Leave it out, or pass a folder of images as data."
            )
        if self.schedule == "cosine" and self.warmup_epochs >= self.epochs:
            raise InvalidInputError(
                f"warmup_epochs={self.warmup_epochs} leaves none of the {self.epochs} epochs. "
                "Pass fewer."
            )

    def to_dict(self) -> dict[str, Any]:
        """The options as plain JSON types."""
        return dataclasses.asdict(self)


_SMALLEST = {
    "width": 1,
    "image_size": 8,
    "epochs": 1,
    "batch_size": 1,
    "seed": 0,
    "warmup_epochs": 0,
    "patience": 1,
    "early_stopping": 1,
    "limit": 2,
}
_OPTIONAL = ("width", "image_size", "early_stopping", "limit")


def _check_whole(name: str, value: Any, smallest: int) -> None:
    if value is None and name in _OPTIONAL:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
        raise InvalidInputError(
            f"{name}={value!r} cannot be used. Pass a whole number of at least {smallest}."
        )


def _check_real(name: str, value: Any, above: bool) -> None:
    sound = isinstance(value, (int, float)) and value < float("inf")
    if not sound or value < 0 or (above and value == 0):
        raise InvalidInputError(
            f"{name}={value!r} cannot be used. Pass a finite number "
            f"{'above' if above else 'of at least'} 0."
        )


def _named_after(config: TrainingConfig) -> str:
    """Data, architecture and epochs, as in `cifar10_cnn_e25` and `photos_resnet18w16_e3`."""
    data = "".join(
        c if c.isalnum() or c in "-_" else "_" for c in Path(config.data).resolve().name
    )
    kind = {"three_block_cnn": "cnn"}.get(config.model, config.model)
    width = f"w{config.width}" if config.width else ""
    return f"{data[:80] or 'images'}_{kind}{width}_e{config.epochs}"


def equivalent_command(config: TrainingConfig) -> str:
    """The command line that trains the same model.

    Example:
        >>> config = TrainingConfig(epochs=5, schedule="cosine", out="models/frog.keras")
        >>> command = equivalent_command(config)
        >>> command.startswith("tfxai train --data cifar10 --model three_block_cnn --epochs 5 ")
        True
        >>> command.endswith("--schedule cosine --out models/frog.keras")
        True
    """
    words = ["tfxai", "train"]
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name in _ALWAYS_SAID or value != field.default:
            words += [f"--{field.name.replace('_', '-')}", str(value)]
    return shlex.join(words)
