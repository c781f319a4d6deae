"""`tfxai.batch.Explainer`: the values of the methods, in any process and thread."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tfxai
from tests.batch.conftest import PIXELS
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


def test_what_is_no_batch_is_refused_in_a_sentence(path):
    made = Explainer(path, METHODS[:1])
    for given, name in ((None, "NoneType"), (np.zeros((2, 9)), "ndarray"), ([1], "list")):
        with pytest.raises(InvalidInputError) as refused:
            made(given)
        assert f"and a {name} came. Pass the columns" in str(refused.value)
        assert len(str(refused.value)) < 200


def test_columns_of_other_lengths_are_refused(path):
    made = Explainer(path, METHODS[:1])
    with pytest.raises(InvalidInputError, match=r"'inputs' 2, 'id' 3\. Pass one value"):
        made({"inputs": images(2), "id": np.arange(3)})
    with pytest.raises(InvalidInputError, match="'id' holds int, and one value"):
        made({"inputs": images(2), "id": 3})


def test_a_missing_value_is_named_by_its_row(path):
    column = np.empty(4, object)
    column[:] = list(images(4))
    column[2] = None
    with pytest.raises(InvalidInputError, match=r"'inputs' holds None in row 2 of 4\. Leave"):
        Explainer(path, METHODS[:1])({"inputs": column})
    batch = {"inputs": images(3), "label": np.array([1, None, None], object)}
    with pytest.raises(InvalidInputError, match="'label' holds None in row 1 of 3 and 1 more"):
        Explainer(path, METHODS[:1], target_column="label")(batch)
    answers = Explainer(path, METHODS[:1])(batch)  # of columns that are handed through none is
    assert answers["label"].tolist() == [1, None, None]


def test_a_column_of_arrays_is_stacked(path):
    made, column = Explainer(path, METHODS[:1]), np.empty(4, object)
    column[:] = list(images(4))
    values = made({"inputs": column})["saliency/values"]
    np.testing.assert_array_equal(values, made({"inputs": images(4)})["saliency/values"])
    column[3] = column[3][1:]
    with pytest.raises(InvalidInputError, match=r"in row 0 and \(\d, .*\) in row 3\. Pass"):
        made({"inputs": column})


def test_integers_are_pixels_as_uint8_is(model):
    made = Explainer(model, METHODS)
    for kind in (np.int64, np.int32, np.uint16):
        answers = made({"inputs": PIXELS[:3].astype(kind)})
        for name, array in made({"inputs": PIXELS[:3]}).items():
            np.testing.assert_array_equal(answers[name], array)
    with pytest.raises(InvalidInputError, match="preprocess them first"):
        made({"inputs": PIXELS[:3].astype(float)})
    with pytest.raises(InvalidInputError, match="preprocess them first"):
        made({"inputs": PIXELS[:3].astype(int) * 9})


def test_what_is_no_text_is_not_explained_as_one():
    if "sst2_transformer" not in tfxai.registry.names():
        pytest.skip("the model of texts is in the repository alone")
    made = Explainer("sst2_transformer", (tfxai.GradientInput(),), column="text")
    texts = np.array(["a fine film", float("nan")], object)
    with pytest.raises(InvalidInputError, match=r"'text' holds a float in row 1 of 2, and a text"):
        made({"text": texts})
