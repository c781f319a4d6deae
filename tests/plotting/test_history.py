"""The history's lines are the numbers of the training run."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plotting.examples import texts
from tfxai.errors import InvalidInputError
from tfxai.plotting import plot_history

HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "val_loss": [2.1, 0.9, 1.2],
    "accuracy": [0.3, 0.6, 0.8],
    "val_accuracy": [0.2, 0.7, 0.65],
    "learning_rate": [1e-3] * 3,
}


def test_lines_are_the_history_from_epoch_one():
    accuracy, loss = plot_history(HISTORY).axes
    for axes, name in ((accuracy, "accuracy"), (loss, "loss")):
        train, validation = axes.lines[:2]
        np.testing.assert_array_equal(train.get_data(), ([1, 2, 3], HISTORY[name]))
        np.testing.assert_array_equal(validation.get_data(), ([1, 2, 3], HISTORY[f"val_{name}"]))


def test_the_best_validation_epoch_is_marked_and_named():
    figure = plot_history(HISTORY)
    dots = [axes.lines[2].get_xydata().tolist() for axes in figure.axes]
    assert dots == [[[2.0, 0.7]], [[2.0, 0.9]]]
    words = texts(figure)
    assert "\N{EM DASH} validation 0.650, best 0.700 in epoch 2" in words
    assert "\N{EM DASH} validation 1.200, best 0.900 in epoch 2" in words
    assert {"Accuracy", "Loss", "\N{EM DASH} training 0.800"} <= set(words)


def test_a_run_without_validation_has_one_line_a_panel():
    figure = plot_history({"loss": [2.0, 1.0]})
    assert [len(axes.lines) for axes in figure.axes] == [1]
    assert not any("validation" in word for word in texts(figure))


def test_one_epoch_is_a_dot():
    figure = plot_history({"loss": [2.0], "sparse_categorical_accuracy": [0.4]})
    assert [axes.lines[0].get_marker() for axes in figure.axes] == ["o", "o"]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0.4]


def test_a_loss_that_is_no_number_is_left_out_of_the_best():
    history = {"loss": [1.0, 1.0], "val_loss": [np.nan, 3.0]}
    assert plot_history(history).axes[0].lines[2].get_xydata().tolist() == [[2.0, 3.0]]


@pytest.mark.parametrize("history", [{}, {"loss": []}, {"learning_rate": [1.0]}])
def test_nothing_to_draw_is_said(history):
    with pytest.raises(InvalidInputError, match="no epoch of 'loss' or 'accuracy'"):
        plot_history(history)
