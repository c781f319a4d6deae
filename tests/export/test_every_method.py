"""Every registered method as a signature gives what its call gives, or is refused by name."""

import keras
import numpy as np
import pytest

from tests import builders
from tests.contract.cases import NAMES, make
from tests.export.serving import assert_same, picture, serve
from tfxai import methods, plotting
from tfxai.errors import InvalidInputError
from tfxai.export import save
from tfxai.plotting.colours import colour_map, scale

GIVEN = [0, 2, 1]
BATCHES = {"one": (1, None), "three": (3, None), "one given": (1, [2]), "three given": (3, GIVEN)}
SUPERPIXELS = [
    "hierarchical_shapley",
    "kernel_shap",
    "lime",
    "shapley_sampling",
]  # of a large image by default
HOST = [
    name for name in NAMES if methods.get(name)._finish is not methods.AttributionMethod._finish
]
EXPORTED = [name for name in NAMES if name not in HOST]


@pytest.fixture(scope="module")
def model():
    return builders.functional()


def served(name, model, folder):
    """What a session answers to an export of one method, by the batch."""
    path = save(model, folder / "base" / "small", [make(name)])
    cases = {
        f"explain_{name}@{batch}": {
            model.inputs[0].name: builders.images(count),
            "target": np.asarray(target or [-1] * count, np.int32),
        }
        for batch, (count, target) in BATCHES.items()
    }
    answers, failed = serve(path, cases, folder)
    assert failed == {}
    return {case.partition("@")[2]: answer for case, answer in answers.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTED)
def test_a_session_gives_what_the_call_gives(name, model, tmp_path):
    answers = served(name, model, tmp_path)
    for batch, (count, target) in BATCHES.items():
        a = make(name)(model, builders.images(count), target=target)
        assert_same(answers[batch], a, size=builders.IMAGE[:2])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["integrated_gradients", "grad_cam", "saliency"])
def test_the_picture_has_the_colours_of_the_figures(name, model, tmp_path):
    a = make(name)(model, builders.images(3))
    signed = plotting.images.is_diverging(a)
    assert signed == (name == "integrated_gradients")
    pictures = served(name, model, tmp_path)["three"]["heatmap_png_bytes"]
    for heat, png in zip(a.heatmap(size=builders.IMAGE[:2]), pictures, strict=True):
        colours = colour_map(None, signed)(scale(signed)(heat), bytes=True)[..., :3]
        drawn = picture(png)
        assert drawn.shape == (*builders.IMAGE[:2], 3)
        off = np.abs(drawn.astype(int) - colours).max(axis=-1)
        assert off.max() <= 8  # the neighbour in the table, where rounding meets a boundary
        assert (off == 0).mean() > 0.9


@pytest.mark.parametrize("name", HOST)
def test_a_stage_on_the_host_is_refused_by_name_and_nothing_is_written(name, model, tmp_path):
    with pytest.raises(InvalidInputError, match=rf"{name} cannot be exported\. .*on the host"):
        save(model, tmp_path / "base", [make(name)])
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("name", SUPERPIXELS)
def test_superpixels_are_refused_by_name_and_nothing_is_written(name, tmp_path):
    x = keras.Input((20, 20, 1))
    model = keras.Model(x, keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(InvalidInputError, match=rf"{name} cannot be exported\. .*superpixels"):
        save(model, tmp_path / "base", [make(name)])
    assert list(tmp_path.rglob("*")) == []
    grid = np.arange(400).reshape(20, 20) // 100
    assert save(model, tmp_path / "base", [make(name, mask=grid)]).name == "1"
