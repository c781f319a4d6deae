import json

import keras
import numpy as np
import pytest

from tfxai.errors import InvalidInputError, OutputError
from tfxai.models.checkpoints import Progress, TrainingState


def model():
    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(2)(keras.layers.Dropout(0.5)(inputs))
    made = keras.Model(inputs, outputs)
    made.compile("adam", "mse")
    return made


def step(trained):
    trained.train_on_batch(np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32))


def everything(trained):
    return [np.array(v.value) for v in [*trained.variables, *trained.optimizer.variables]]


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def names(state_folder):
    return sorted(path.name for path in state_folder.iterdir())


def test_weights_optimiser_and_random_state_come_back(tmp_path):
    state = TrainingState(tmp_path / "a.training", {"seed": 0})
    assert state.load() == Progress(0, {})
    trained = model()
    step(trained)
    state.save(trained, Progress(1, {"loss": [0.5]}), best=0)
    assert state.load() == Progress(1, {"loss": [0.5]})
    fresh = model()
    state.restore(fresh, 0)
    assert_same(everything(fresh), everything(trained))
    step(fresh)
    step(trained)
    assert_same(everything(fresh), everything(trained))
    state.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_last_and_the_best_epoch_are_kept(tmp_path):
    state, trained = TrainingState(tmp_path, {}), model()
    for done, best in ((1, 0), (2, 1), (3, 1), (4, 1)):
        state.save(trained, Progress(done, {}), best)
    assert names(tmp_path) == ["epoch_0001.npz", "epoch_0003.npz", "state.json"]


@pytest.mark.parametrize("half", ["arrays", "state"])
def test_a_kill_while_saving_leaves_the_epoch_before(tmp_path, monkeypatch, half):
    state, trained = TrainingState(tmp_path, {}), model()
    step(trained)
    state.save(trained, Progress(1, {"loss": [1.0]}), best=0)
    before = everything(trained)
    step(trained)

    def killed(*args, **options):
        if half == "arrays":
            args[0].write(b"half of it")
        raise KeyboardInterrupt

    target = (np, "savez") if half == "arrays" else (json, "dumps")
    with monkeypatch.context() as patch:
        patch.setattr(*target, killed)
        with pytest.raises(KeyboardInterrupt):
            state.save(trained, Progress(2, {"loss": [1.0, 0.5]}), best=1)
    assert state.load() == Progress(1, {"loss": [1.0]})
    fresh = model()
    state.restore(fresh, 0)
    assert_same(everything(fresh), before)


def test_another_models_state_is_refused(tmp_path):
    state = TrainingState(tmp_path, {})
    state.save(model(), Progress(1, {}), best=0)
    inputs = keras.Input((4,))
    other = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    other.compile("adam", "mse")
    with pytest.raises(InvalidInputError, match=r"epoch_0000.npz cannot be resumed from"):
        state.restore(other, 0)


@pytest.mark.parametrize(
    ("there", "here", "sentence"),
    [
        ({"seed": 0}, {"seed": 1}, "seed=0 there and 1 here"),
        ({}, {"seed": 1}, "seed=None there and 1 here"),
        ({"seed": 0, "old": 2}, {"seed": 0}, "old=2 there and None here"),
    ],
)
def test_other_settings_are_named(tmp_path, there, here, sentence):
    TrainingState(tmp_path, there).save(model(), Progress(1, {}), best=0)
    with pytest.raises(InvalidInputError, match=sentence):
        TrainingState(tmp_path, here).load()


def test_the_state_is_in_nobodys_commit(tmp_path):
    TrainingState(tmp_path / "a.training", {}).claim()
    assert (tmp_path / "a.training" / ".gitignore").read_text() == "*\n"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Cannot write"):
        TrainingState(tmp_path / "file" / "a.training", {}).claim()
