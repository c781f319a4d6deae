"""`tfxai.batch.Explainer`: the values of the methods, in any process and thread."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tfxai
from tests.builders import KERAS_SAVES, functional, images
from tfxai.batch import Explainer, explainer
from tfxai.errors import InvalidInputError

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)
METHODS = (tfxai.Saliency(), tfxai.IntegratedGradients(steps=4))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("batch") / "small.keras"
    functional().save(file)
    return str(file)


def test_values_are_those_of_the_methods_to_the_last_bit(path):
    batch = {"inputs": images(4), "label": np.array([2, 0, 1, 2]), "id": np.arange(4)}
    made = pickle.loads(pickle.dumps(Explainer(path, METHODS, target_column="label")))
    answers = made(batch)
    np.testing.assert_array_equal(answers["id"], batch["id"])
    for method in METHODS:
        direct = method(tfxai.load(path), batch["inputs"], batch["label"])
        np.testing.assert_array_equal(answers[f"{method.name}/values"], direct.values)
        np.testing.assert_array_equal(answers[f"{method.name}/score"], direct.score)
        np.testing.assert_array_equal(answers[f"{method.name}/target"], batch["label"])
    gap = answers["integrated_gradients/completeness_gap"]
    np.testing.assert_array_equal(gap, direct.completeness_gap)
    assert "saliency/completeness_gap" not in answers


def test_threads_share_one_load(path, monkeypatch):
    loads = []
    monkeypatch.setattr(
        explainer, "load", lambda name, **_: loads.append(name) or tfxai.load(name)
    )
    explainer._load_once.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Explainer(path, METHODS).setup(), range(8)))
    assert loads == [path]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"methods": ()}, "methods is empty"),
        ({"methods": ("saliency",)}, "which is no method"),
        ({"methods": METHODS[:1] * 2}, "'saliency' twice"),
        ({"model": 3}, "Save the model"),
        ({"target": 0, "target_column": "label"}, "Pass one of them"),
    ],
    ids=("none", "word", "twice", "model", "targets"),
)
def test_a_wrong_configuration_is_refused(options, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        Explainer(**{"model": "cifar10_cnn", "methods": METHODS, **options})


def test_a_missing_column_and_a_taken_name_are_refused(path):
    with pytest.raises(InvalidInputError, match="no column 'inputs', only 'image'"):
        Explainer(path, METHODS)({"image": images(1)})
    with pytest.raises(InvalidInputError, match="Rename the column"):
        Explainer(path, METHODS[:1])({"inputs": images(1), "saliency/score": np.zeros(1)})
