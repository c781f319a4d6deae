"""Pictures that are done are kept, and made again where anything that they depend on changed."""

from __future__ import annotations

import dataclasses
import functools
import zipfile

import keras
import numpy as np
import pytest

from tests.features.filters import filters
from tfxai.errors import OutputError
from tfxai.features import (
    L2,
    ActivationMaximisation,
    Channel,
    ClassLogit,
    Fourier,
    PhaseOnly,
    Pixels,
    Transformations,
    activation_maximisation,
    visualise_layer,
)
from tfxai.features.regularisers import Regulariser
from tfxai.subject import Subject

OBJECTIVES = [Channel("conv", i) for i in range(3)] + [ClassLogit(i) for i in range(3)]
OPTIONS = {"steps": 4, "parameterisation": Pixels(), "transformations": Transformations()}


@pytest.fixture
def climbs(monkeypatch):
    """How many pictures each climb made."""
    counts, climbed = [], activation_maximisation.climbed

    def counting(model, climb, numbers, *given):
        counts.append(len(numbers))
        return climbed(model, climb, numbers, *given)

    monkeypatch.setattr(activation_maximisation, "climbed", counting)
    return counts


def made(folder, objectives=OBJECTIVES, subject=None, *, progress=False, **options):
    asked = ActivationMaximisation(objectives, **{**OPTIONS, **options})
    return asked(subject or network(), cache=folder, progress=progress)


@functools.cache
def network():
    """One model: another one has other names, and so another configuration."""
    return filters()


def retuned():
    """The same model with other weights."""
    model = keras.models.clone_model(network().model)
    model.set_weights([weight / 2 for weight in network().model.get_weights()])
    return Subject(model, network().card)


def with_other_pixels():
    """The same model with another preprocessing."""
    return Subject(network().model, dataclasses.replace(network().card, preprocessing="tf"))


def alike(one, other):
    np.testing.assert_array_equal(one.pictures, other.pictures)
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.history, other.history)
    assert one.labels == other.labels
    assert one.steps == other.steps


def test_another_run_makes_nothing_and_gives_the_same(tmp_path, climbs):
    options = {"copies": 2, "frames_every": 3}
    first = made(tmp_path, **options)
    assert climbs == [8, 4]  # four objectives of two copies, then two
    again = made(tmp_path, **options)
    assert climbs == [8, 4]
    alike(again, first)
    np.testing.assert_array_equal(again.frames, first.frames)
    assert again.frames.shape == (2, 12, 8, 8, 3)
    plain = made(None, **options)
    assert climbs == [8, 4, 12]
    np.testing.assert_allclose(first.pictures.astype(int), plain.pictures, atol=1)


def test_a_run_that_was_stopped_goes_on_from_the_last_pictures(tmp_path, climbs):
    def stopping(done, total):
        assert total == 8
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, progress=stopping)
    assert len(list(tmp_path.iterdir())) == 4
    seen = []
    found = made(tmp_path, progress=lambda *step: seen.append(step))
    assert climbs == [4, 2, 2]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    alike(found, made(tmp_path / "other"))


def test_more_objectives_make_only_what_is_new_in_any_order(tmp_path, climbs):
    first = made(tmp_path, OBJECTIVES[:2])
    found = made(tmp_path, [OBJECTIVES[1], OBJECTIVES[4], OBJECTIVES[0]])
    assert climbs == [2, 1]
    np.testing.assert_array_equal(found.pictures[[2, 0]], first.pictures)


CHANGES = {
    "steps": {"steps": 5},
    "learning_rate": {"learning_rate": 0.1},
    "parameterisation": {"parameterisation": Fourier()},
    "its option": {"parameterisation": Pixels(spread=0.2)},
    "photographs": {"parameterisation": PhaseOnly(photographs=np.full((1, 8, 8, 3), 9, np.uint8))},
    "transformations": {"transformations": None},
    "its blur": {"transformations": Transformations(blur=0.5)},
    "regularisers": {"regularisers": [L2(0.5)]},
    "copies": {"copies": 2},
    "frames": {"frames_every": 2},
    "seed": {"seed": 1},
    "factor": {"objectives": [0.5 * OBJECTIVES[0]]},
    "channel": {"objectives": [Channel("conv", 2)]},
    "weights": {"subject": retuned},
    "preprocessing": {"subject": with_other_pixels},
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_a_picture_depends_on_makes_it_anew(tmp_path, climbs, change):
    made(tmp_path, OBJECTIVES[:1])
    changed = {"objectives": OBJECTIVES[:1], **CHANGES[change]}
    if "subject" in changed:
        changed["subject"] = changed["subject"]()
    made(tmp_path, **changed)
    assert len(climbs) == 2
    made(tmp_path, OBJECTIVES[:1])
    assert len(climbs) == 2


def _shorter(path):
    path.write_bytes(path.read_bytes()[:-100])


def _empty(path):
    path.write_bytes(b"")


def _squeezed(path):
    with np.load(path) as file:
        np.savez_compressed(path, **file)


def _objects(path):
    np.savez(path, **dict.fromkeys(("pictures", "values", "history", "frames"), np.array({})))


def _of_another_shape(path):
    with np.load(path) as file:
        np.savez(path, **{**file, "pictures": file["pictures"][:, :4]})


def _not_finite(path):
    with np.load(path) as file:
        np.savez(path, **{**file, "values": np.full(1, np.nan, np.float32)})


def _larger(path):
    with zipfile.ZipFile(path, "a") as parts:
        parts.writestr("more.npy", bytes(10_000))


HARMS = (_shorter, _empty, _squeezed, _objects, _of_another_shape, _not_finite, _larger)


@pytest.mark.parametrize("harm", HARMS, ids=[one.__name__ for one in HARMS])
def test_files_that_are_not_as_they_were_written_are_made_anew(tmp_path, climbs, harm):
    first = made(tmp_path, OBJECTIVES[:1])
    (path,) = tmp_path.iterdir()
    harm(path)
    alike(made(tmp_path, OBJECTIVES[:1]), first)
    assert climbs == [1, 1]
    alike(made(tmp_path, OBJECTIVES[:1]), first)
    assert climbs == [1, 1]


class Brightness(Regulariser):
    """A regulariser of one's own that is no record."""

    def __init__(self, weight):
        self.weight = weight

    def penalty(self, pictures):
        return self.weight * pictures[:, 0, 0, 0]


@dataclasses.dataclass(frozen=True)
class Darkness(Regulariser):
    """One that is."""

    weight: float = 1.0

    def penalty(self, pictures):
        return self.weight * pictures[:, 0, 0, 0]


def test_what_nobody_can_tell_apart_is_not_kept(tmp_path, climbs, monkeypatch):
    for weight in (1.0, 2.0):
        made(tmp_path, OBJECTIVES[:1], regularisers=[Brightness(weight)])
    assert list(tmp_path.iterdir()) == []
    for weight in (1.0, 2.0, 1.0):
        made(tmp_path, OBJECTIVES[:1], regularisers=[Darkness(weight)])
    assert len(climbs) == 4
    assert len(list(tmp_path.iterdir())) == 2
    subject = filters()

    def refuse(*_, **__):
        raise TypeError("no configuration")

    monkeypatch.setattr(type(subject.model), "to_json", refuse)
    made(tmp_path, OBJECTIVES[:1], subject)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_sheet_of_a_layer_is_kept_too(tmp_path, climbs):
    for count in (2, 3):
        visualise_layer(network(), "conv", count, cache=tmp_path, progress=False, **OPTIONS)
    assert climbs == [2, 1]


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Choose a folder that you may write to"):
        made(tmp_path / "file", OBJECTIVES[:1])
