"""Learning rate and early stopping, as functions of the losses so far."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from tfxai.models.options import TrainingConfig

PLATEAU_FACTOR = 0.5


def learning_rate(
    config: TrainingConfig, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """What the optimiser starts with: a number, or a schedule over its steps."""
    if config.schedule != "cosine":
        return config.learning_rate
    warmup = config.warmup_epochs * steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else config.learning_rate,
        decay_steps=config.epochs * steps_per_epoch - warmup,
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def plateau_rate(start: float, losses: Sequence[float], patience: int) -> float:
    """The rate after these validation losses: halved at each plateau.

    A plateau is `patience` epochs in a row without a loss below the lowest so far;
    after a halving the count starts again.
    """
    rate, lowest, waited = start, float("inf"), 0
    for loss in losses:
        if loss < lowest:
            lowest, waited = loss, 0
            continue
        waited += 1
        if waited == patience:
            rate, waited = rate * PLATEAU_FACTOR, 0
    return rate


def best_epoch(losses: Sequence[float]) -> int:
    """Number, from 0, of the first epoch with the lowest validation loss."""
    return min(range(len(losses)), key=lambda epoch: losses[epoch])


def should_stop(losses: Sequence[float], patience: int | None) -> bool:
    """Whether the last `patience` epochs have brought no lower validation loss."""
    if patience is None or not losses:
        return False
    return len(losses) - 1 - best_epoch(losses) >= patience
