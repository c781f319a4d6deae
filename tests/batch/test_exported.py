"""`tfxai.batch.ExportExplainer`: values of signatures, in the columns of `Explainer`."""

from __future__ import annotations

import pickle

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests.batch.conftest import LABELS, PIXELS
from tests.builders import KERAS_SAVES
from tfxai.batch import Explainer, ExportExplainer
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning, UnknownNameError

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)
METHODS = (tfxai.GradCAM(), tfxai.IntegratedGradients(steps=4))
ROW = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


def near(given, direct, tolerance=1e-6):
    np.testing.assert_allclose(given, direct, rtol=0, atol=tolerance * np.abs(direct).max())


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    base = tmp_path_factory.mktemp("exported") / "colours"
    tfxai.export.save(tfxai.load(model), base / "3", METHODS)
    return str(base)


@pytest.mark.parametrize(
    "words", [{}, {"target": 2}, {"target": "green"}, {"target_column": "label"}], ids=str
)
def test_columns_are_those_of_the_explainer(model, export, words):
    batch = {"inputs": PIXELS, "label": LABELS, "id": np.arange(len(PIXELS))}
    direct = Explainer(model, METHODS, **words)(batch)
    made = pickle.loads(pickle.dumps(ExportExplainer(export, **words)))(batch)
    left_out = {name for name in direct if name.endswith(("/probability", "/prediction"))}
    assert set(made) == set(direct) - left_out
    for name, column in made.items():
        assert column.shape == direct[name].shape
        near(column, direct[name], 1e-5 if "gap" in name else 1e-6)
    integers = ExportExplainer(export, **words)(batch | {"inputs": PIXELS.astype(np.int64)})
    for name, column in made.items():
        np.testing.assert_array_equal(integers[name], column)


def test_a_gap_is_told_as_the_explainer_tells_it(model, tmp_path):
    method = tfxai.IntegratedGradients(steps=1, baseline="white")
    folder = tfxai.export.save(tfxai.load(model), tmp_path / "colours" / "1", [method])
    with pytest.warns(TfxaiWarning) as direct:
        Explainer(model, method)({"inputs": PIXELS})
    with pytest.warns(TfxaiWarning) as told:
        ExportExplainer(str(folder))({"inputs": PIXELS})
    sentences = [str(one[0].message).partition(". ")[0] for one in (direct, told)]
    assert sentences[0] == sentences[1]
    assert "integrated_gradients miss the score's difference" in sentences[0]


def test_one_method_of_a_version_is_run(export):
    made = ExportExplainer(f"{export}/3", ("grad_cam",))({"inputs": PIXELS[:2]})
    assert {name.partition("/")[0] for name in made} == {"grad_cam"}


def test_several_inputs_are_columns_of_their_names(tmp_path):
    a, b = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    joined = layers.Concatenate()([a, b])
    keras.Model([a, b], layers.Dense(2, activation="softmax")(joined)).save(tmp_path / "two.keras")
    subject = tfxai.load(tmp_path / "two.keras")
    folder = tfxai.export.save(subject, tmp_path / "two" / "1", ["gradient_input"])
    batch = {"left": ROW, "right": 2 * ROW}
    direct = tfxai.GradientInput()(subject, batch)
    made = ExportExplainer(str(folder), column=("left", "right"))(batch)
    for name in batch:
        near(made[f"gradient_input/values/{name}"], direct.values[name])
    with pytest.raises(InvalidInputError, match="has 2 inputs: left, right"):
        ExportExplainer(str(folder))(batch)


def test_texts_get_their_words(tmp_path):
    look_up = layers.TextVectorization(output_sequence_length=6)
    texts = ["a fine film", "a dull film without end"]
    look_up.adapt(texts)
    x = text = keras.Input((), dtype="string")
    x = layers.Embedding(look_up.vocabulary_size(), 4, name="words")(look_up(x))
    x = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    keras.Model(text, x).save(tmp_path / "texts.keras")
    subject = tfxai.load(tmp_path / "texts.keras")
    folder = tfxai.export.save(subject, tmp_path / "texts" / "1", ["gradient_input"])
    direct = Explainer(str(tmp_path / "texts.keras"), (tfxai.GradientInput(),))({"inputs": texts})
    made = ExportExplainer(str(folder))({"inputs": np.array(texts)})
    for i in range(2):
        words = made["gradient_input/tokens"][i].tolist()
        assert words == direct["gradient_input/tokens"][i].tolist()
        near(made["gradient_input/token_values"][i], direct["gradient_input/token_values"][i])


def test_bad_input_is_one_sentence(export, model, tmp_path):
    with pytest.raises(DataNotFoundError, match="no export at"):
        ExportExplainer(str(tmp_path)).setup()
    with pytest.raises(UnknownNameError, match="no explanation 'grad_can'"):
        ExportExplainer(export, ("grad_can",)).setup()
    with pytest.raises(UnknownNameError, match="no class 'Purple'"):
        ExportExplainer(export, target="Purple")({"inputs": PIXELS})
    with pytest.raises(InvalidInputError, match="no column 'inputs'"):
        ExportExplainer(export)({"pixels": PIXELS})
    with pytest.raises(
        InvalidInputError, match=r"'inputs' has the shape \[23, 6, 4, 3\].*model's shape"
    ):
        ExportExplainer(export)({"inputs": PIXELS[:, :, 1:]})
    with pytest.raises(InvalidInputError, match="uint8"):
        ExportExplainer(export)({"inputs": PIXELS.astype(np.float32)})
    with pytest.raises(InvalidInputError, match="differ in length: 'inputs' 23, 'id' 3"):
        ExportExplainer(export)({"inputs": PIXELS, "id": np.arange(3)})
    labels = {"inputs": PIXELS[:2], "label": np.array([1, -1])}
    with pytest.raises(InvalidInputError, match="numbers of classes from 0"):
        ExportExplainer(export, target_column="label")(labels)
    with pytest.raises(InvalidInputError, match="numbers of classes from 0"):
        ExportExplainer(export, target_column="label")(labels | {"label": np.array([1.0, 2.5])})
    with pytest.raises(InvalidInputError, match="Pass one of them"):
        ExportExplainer(export, target=1, target_column="label")
    keras.saving.load_model(model).export(tmp_path / "plain", verbose=False)
    with pytest.raises(InvalidInputError, match=r"no signature explain_\*"):
        ExportExplainer(str(tmp_path / "plain")).setup()
