import os

import numpy as np
import pytest

import tfxai
from tests.concepts import planted
from tfxai import digests
from tfxai.concepts import TCAV
from tfxai.concepts.activation_cache import ActivationCache
from tfxai.concepts.layer_values import LayerActivations, LayerGradient
from tfxai.digests import array_digest
from tfxai.errors import OutputError


def made():
    return TCAV(
        layers="conv1",
        concepts={"patch": planted.surfaces(12, 2, 1.0)[0]},
        randoms=planted.surfaces(150, 4, 0.0)[0],
        draws=39,
    )


@pytest.fixture
def counted(monkeypatch):
    """How many images each method ran on."""
    seen = []
    for method in (LayerActivations, LayerGradient):
        own = method._answer

        def answer(self, subject, inputs, *args, _own=own, **options):
            seen.append(len(inputs))
            return _own(self, subject, inputs, *args, **options)

        monkeypatch.setattr(method, "_answer", answer)
    return seen


def test_a_second_run_computes_nothing_and_gives_the_same(tmp_path, counted):
    model, images = planted.network(0), planted.surfaces(20, 1)[0]
    first = made()(model, images, 1, cache=tmp_path, progress=False)
    assert sum(counted) == 20 + 12 + 150
    counted.clear()
    again = made()(model, images, 1, cache=tmp_path, progress=False)
    assert counted == []
    assert again.table() == first.table()
    made()(model, images, 0, cache=tmp_path, progress=False)
    assert counted == [20]  # another class: only its gradients
    counted.clear()
    head = model.get_layer("head")
    head.set_weights([2 * weight for weight in head.get_weights()])
    made()(model, images, 1, cache=tmp_path, progress=False)
    assert sum(counted) == 20 + 12 + 150  # another model


def test_damaged_files_are_made_anew(tmp_path, counted):
    model, images = planted.network(0), planted.surfaces(20, 1)[0]
    first = made()(model, images, 1, cache=tmp_path, progress=False)
    for number, path in enumerate(sorted(tmp_path.iterdir())):
        content = path.read_bytes()
        path.write_bytes([content[:200], b"", b"nothing" * 50][number % 3])
    counted.clear()
    again = made()(model, images, 1, cache=tmp_path, progress=False)
    assert sum(counted) == 20 + 12 + 150
    assert again.table() == first.table()


def test_the_folder_stays_bounded_and_keeps_what_was_used_last(tmp_path):
    (tmp_path / "mine.npy").write_bytes(b"a file of somebody else")
    rows = np.zeros((10, 100))  # 8,128 bytes as a file
    keys = [array_digest(np.array([i])) for i in range(3)]
    for age, key in enumerate(keys[:2]):
        ActivationCache(tmp_path, 20_000).get(key, 10, lambda: rows)
        os.utime(tmp_path / f"{key}.npy", (1000 + age, 1000 + age))
    ActivationCache(tmp_path, 20_000).get(keys[0], 10, pytest.fail)  # used: now the newest
    ActivationCache(tmp_path, 20_000).get(keys[2], 10, lambda: rows)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"mine.npy", f"{keys[0]}.npy", f"{keys[2]}.npy"}


def test_without_a_configuration_nothing_is_kept_beyond_the_model(monkeypatch, tmp_path):
    def refuse(self, **options):
        raise NotImplementedError

    model = planted.network(0)
    monkeypatch.setattr(type(model), "to_json", refuse)
    assert digests.model_digest(tfxai.Subject(model)) is None
    made()(model, planted.surfaces(20, 1)[0], 1, cache=tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        made()(
            planted.network(0), planted.surfaces(20, 1)[0], 1,
            cache=tmp_path / "file", progress=False,
        )  # fmt: skip
