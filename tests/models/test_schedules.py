import numpy as np
import pytest

from tfxai.models import TrainingConfig
from tfxai.models.schedules import best_epoch, learning_rate, plateau_rate, should_stop


def test_cosine_rises_over_the_warm_up_and_falls_to_zero():
    config = TrainingConfig(epochs=10, schedule="cosine", warmup_epochs=2, learning_rate=0.002)
    rate = learning_rate(config, steps_per_epoch=5)
    steps = np.arange(51)
    rising = 0.002 * steps / 10
    falling = 0.001 * (1 + np.cos(np.pi * (steps - 10) / 40))
    expected = np.where(steps < 10, rising, falling)
    np.testing.assert_allclose([float(rate(step)) for step in steps], expected, atol=1e-9)


def test_cosine_without_warm_up_starts_at_its_peak():
    config = TrainingConfig(epochs=2, schedule="cosine", warmup_epochs=0, learning_rate=0.5)
    rate = learning_rate(config, steps_per_epoch=4)
    np.testing.assert_allclose(
        [float(rate(step)) for step in (0, 4, 8)], [0.5, 0.25, 0], atol=1e-7
    )


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_other_schedules_start_with_a_number(schedule):
    config = TrainingConfig(schedule=schedule, learning_rate=0.5)
    assert learning_rate(config, steps_per_epoch=4) == 0.5


@pytest.mark.parametrize(
    ("losses", "rate"),
    [
        ([], 1.0),
        ([3, 2, 1], 1.0),
        ([1, 2], 1.0),
        ([1, 2, 1], 0.5),  # as low is not lower
        ([1, 2, 0.5, 2], 1.0),
        ([1, 2, 2, 2], 0.5),
        ([1, 2, 2, 2, 2], 0.25),
        ([1, 2, 2, 0.5, 0.6, 0.6], 0.25),
    ],
)
def test_plateau_halves_after_two_epochs_without_a_lower_loss(losses, rate):
    assert plateau_rate(1.0, losses, patience=2) == rate


def test_best_epoch_is_the_first_with_the_lowest_loss():
    assert best_epoch([3, 1, 2, 1]) == 1


@pytest.mark.parametrize(
    ("losses", "stops"),
    [([], False), ([1], False), ([1, 2], False), ([1, 2, 2], True), ([1, 2, 0.5, 1], False)],
)
def test_stopping_waits_for_its_patience(losses, stops):
    assert should_stop(losses, patience=2) is stops
    assert should_stop(losses, patience=None) is False
