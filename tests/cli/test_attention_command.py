"""`tfxai attention`, and what other commands make of a KerasHub preset."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.builders import KERAS_SAVES
from tests.text.readers import bert, looked_up
from tfxai import Card

pytestmark = [
    pytest.mark.filterwarnings(KERAS_SAVES),
    pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer"),
]
TEXT = "a fine film"


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> Path:
    """A preset with a card beside it."""
    folder = tmp_path_factory.mktemp("presets") / "reader"
    bert().save_to_preset(str(folder))
    Card(name="reader", classes=("negative", "positive")).write(folder.with_name("reader.json"))
    return folder


@pytest.fixture(scope="module")
def weights():
    return tfxai.attention(bert(), [TEXT])


@pytest.fixture
def patches(place):
    """A vision transformer of 4 patches of 16 x 16 pixels."""
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(6, 16, 16)(image)
    x = keras.layers.Reshape((4, 6))(x)
    x = keras.layers.MultiHeadAttention(2, 3, name="look")(x, x)
    logits = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(x))
    model = keras.Model(image, logits)
    model.save(place / "patches.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(place / "photo.png")
    return model, pixels


def test_each_token_has_the_one_that_it_attends_to_most(run, preset, weights):
    done = run("attention", preset, "a", "fine", "film", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["token"] for one in found["most_attended"]] == ["[CLS]", *TEXT.split(), "[SEP]"]
    for one, (_, other, weight) in zip(
        found["most_attended"], weights.most_attended(), strict=True
    ):
        assert one["to"] == other
        np.testing.assert_allclose(one["weight"], weight, atol=1e-5)
    assert (found["layers"], found["heads"]) == (list(weights.layers), [2])


def test_a_layer_and_a_head_are_chosen(run, preset, weights):
    done = run("attention", preset, "--text", TEXT, "--layer", "-1", "--head", "1", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["layer"], found["head"]) == (weights.layers[-1], 1)
    kept = weights.kept()
    rows = np.array(weights[-1][0, 1][kept][:, kept])
    np.fill_diagonal(rows, -1)
    said = [one["weight"] for one in found["most_attended"]]
    np.testing.assert_allclose(said, rows.max(axis=1), atol=1e-5)
    assert [one["to"] for one in found["most_attended"]] == [
        weights.labels()[kept[i]] for i in rows.argmax(axis=1)
    ]


def test_a_page_and_a_figure_are_written_and_named(run, preset, place):
    done = run("attention", preset, *TEXT.split(), "--html", "heads.html", "--save", "heads.png")
    assert done.exit_code == 0, done.stderr
    assert "Attends most to" in done.stdout
    assert done.stdout.split()[-2:] == ["heads.html", "heads.png"]
    assert "film" in (place / "heads.html").read_text(encoding="utf-8")
    with Image.open("heads.png") as figure:
        assert min(figure.size) > 200


def test_the_patches_of_an_image_attend_to_each_other(run, patches):
    model, pixels = patches
    done = run("attention", "./patches.keras", "photo.png", "--preprocessing", "unit", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)["most_attended"]
    expected = tfxai.attention(model, pixels[None] / np.float32(255)).most_attended()
    assert [(one["token"], one["to"]) for one in found] == [one[:2] for one in expected]
    np.testing.assert_allclose([one["weight"] for one in found], [one[2] for one in expected],
                               atol=1e-5)  # fmt: skip


def test_the_table_of_an_image_names_its_patches(run, patches, place):
    done = run("attention", "./patches.keras", "photo.png", "--preprocessing", "unit",
               "--layer", "look", "--head", "1", "--html", "heads.html", "--save",
               "maps.png")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "2 x 2 patches; rows and columns count from 0" in said
    model, pixels = patches
    found = tfxai.attention(model, pixels[None] / np.float32(255)).most_attended(layer=0, head=1)
    for token, other, weight in found:
        assert f"{token} {other} {weight:.3f}" in said
    assert found[3][0] == "row 1, column 1"
    assert "data:image/png" in (place / "heads.html").read_text(encoding="utf-8")
    with Image.open("maps.png") as figure:
        assert min(figure.size) > 200


@pytest.mark.parametrize(
    ("word", "query"), [("1,0", (1, 0)), ("3", 3), ("mean", "mean"), ("all", "all")]
)
def test_whose_attention_is_drawn(run, patches, place, word, query):
    words = ("./patches.keras", "photo.png", "--preprocessing", "unit")
    done = run("attention", *words, "--save", "maps.png", "--query", word)
    assert done.exit_code == 0, done.stderr
    model, pixels = patches
    found = tfxai.attention(model, pixels[None] / np.float32(255))
    found.plot(query=query, path="expected.png")
    shown = [np.asarray(Image.open(place / name)) for name in ("maps.png", "expected.png")]
    np.testing.assert_allclose(*(one.astype(int) for one in shown), atol=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--query", "1,0"), "--query is about the figure. Pass --save FIGURE too."),
        (("--query", "1,0,0", "--save", "a.png"), "was expected to be ROW,COLUMN of a patch"),
        (("--query", "-1", "--save", "a.png"), "was expected to be ROW,COLUMN of a patch"),
        (("--query", "9,9", "--save", "a.png"), "the image has 2 rows and 2 columns"),
        (("--query", "class", "--save", "a.png"), "there is none here"),
    ],
)
def test_a_query_that_is_none(fails, patches, words, said):
    given = ("./patches.keras", "photo.png", "--preprocessing", "unit")
    assert said in fails("attention", *given, *words)


def test_the_grid_of_an_image_is_told_to_programs(run, patches):
    done = run("attention", "./patches.keras", "photo.png", "--preprocessing", "unit", "--json")
    told = json.loads(done.stdout)["patches"]
    assert (told["height"], told["width"], told["first"], told["class_token"]) == (2, 2, 0, None)


def test_what_does_not_fit_an_image_is_said(fails, patches, place):
    (place / "other.png").write_bytes((place / "photo.png").read_bytes())
    asked = ("attention", "./patches.keras", "--preprocessing", "unit")
    assert "2 images came, and one was expected" in fails(*asked, "photo.png", "other.png")
    assert "takes no texts. Pass an image" in fails(*asked, "--text", "a fine film")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "No text and no image came"),
        (("a", "--text", "b"), "Both --text and the words 'a' came"),
        (("a", "--layer", "nowhere"), "nowhere"),
        (("a", "--layer", "7"), "no attention number 7"),
        (("a", "--head", "9"), "no head 9"),
        (("a", "--preprocessing", "unit"), "takes texts"),
    ],
    ids=["nothing", "twice", "layer", "number", "head", "preprocessing"],
)
def test_what_does_not_fit_is_said(fails, preset, words, sentence):
    assert sentence in fails("attention", preset, *words)


def test_a_model_without_attention_is_refused(fails, place):
    looked_up().save(place / "sums.keras")
    assert "attention" in fails("attention", "./sums.keras", "good film")


def test_a_preset_is_inspected(run, preset):
    done = run("inspect", preset)
    assert done.exit_code == 0, done.stderr
    said = " ".join(done.stdout.split())
    for part in (
        "preset of KerasHub",
        "Model BertTextClassifier",
        "Input texts (B) string",
        "Output classes (B, 2) float32, linear",
        "Tokenizer BertTokenizer",
        "Vocabulary 19 tokens, texts are cut to 12 tokens",
        "Transformer 1 layer, 2 heads each, 8 numbers for each token",
    ):
        assert part in said, part
    assert json.loads(run("inspect", preset, "--json").stdout)["hub"]["vocabulary"] == 19


def test_a_preset_is_explained(run, preset, place):
    done = run("explain", preset, "--text", TEXT, "-m", "integrated_gradients", "--target",
               "positive", "--format", "json", "--html", "page.html")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    own = tfxai.IntegratedGradients()(bert(), [TEXT], target=1).words()[0]
    record = json.loads((place / "out/explain/texts.integrated_gradients.json").read_text())
    assert [word for word, _ in record["words"][0]] == [word for word, _ in own]
    values = [value for _, value in record["words"][0]]
    np.testing.assert_allclose(values, [value for _, value in own], rtol=1e-3, atol=1e-5)
    assert "film" in (place / "page.html").read_text(encoding="utf-8")


def test_a_picture_is_no_text(fails, run, preset, place):
    Image.new("RGB", (8, 8)).save(place / "cat.png")
    said = fails("attention", preset, "cat.png")
    assert "takes texts, and 'cat.png' is a file of an image" in said
    assert run("attention", preset, "--text", "cat.png").exit_code == 0
    assert "takes texts, and images were expected" in fails(
        "explain", preset, "cat.png", "-m", "saliency"
    )


def test_what_is_known_of_a_text_is_told(run, preset):
    done = run("attention", preset, "zzzqx")
    assert "holds no word of the model's vocabulary" in " ".join(done.stderr.split())
    done = run("attention", preset, "fine " * 60)
    assert "was cut to the first" in " ".join(done.stderr.split())
