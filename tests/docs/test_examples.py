"""The code in the documents does what they say."""

import functools
import importlib
import re
import sys

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tests.docs.blocks import ROOT, block_with, python_blocks, run
from tfxai.card import Card
from tfxai.data import fit_image, sample_image
from tfxai.methods import by_name


@pytest.fixture
def contributed(monkeypatch, tmp_path):
    """The method that CONTRIBUTING.md writes, registered for one test."""
    monkeypatch.setattr(by_name, "METHODS", dict(by_name.METHODS))
    blocks = python_blocks("CONTRIBUTING.md")
    source = next(block for block in blocks if "class GradientInput" in block)
    assert len(source.splitlines()) <= 40
    (tmp_path / "contributed_gradient_input.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("contributed_gradient_input")
    yield by_name.METHODS["gradient_input"]
    del sys.modules["contributed_gradient_input"]


def test_method_of_the_contributing_guide_splits_a_quadratic_by_hand(contributed):
    x = keras.Input((2,), dtype="float64")
    first, second = x[:, :1], x[:, 1:]
    model = keras.Model(x, first * first + 3.0 * first * second)
    a = contributed()(model, np.array([[2.0, 5.0]]))
    # x0 (2 x0 + 3 x1) and x1 (3 x0) at (2, 5)
    np.testing.assert_allclose(a.values, [[38.0, 30.0]], rtol=1e-12)


def test_every_relative_link_of_the_documents_leads_somewhere():
    found = 0
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
            path, _, _ = link.partition("#")
            if path and "://" not in path:
                assert (document.parent / path).exists(), f"{document.name}: {link}"
                found += 1
    assert found > 0


@pytest.mark.slow
def test_example_of_the_metrics_measures_both_attributions():
    loading, _, _ = block_with("README.md", 'target="Cat"').partition("a = ")
    names = run(loading, {})
    names = run(block_with("docs/trust.md", "metrics.SRG"), {**names, "images": names["pixels"]})
    curves = names["ig"].details
    np.testing.assert_allclose(curves["least_first"][:, [0, -1]], curves["most_first"][:, [0, -1]])
    assert names["ig"].values.shape == (1,)
    assert curves["least_first"].shape == (1, 21)


@pytest.mark.slow
def test_first_example_of_the_readme_explains_the_photograph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run(block_with("README.md", 'target="Cat"'), {})
    a, b = names["a"], names["b"]
    assert a.target_names == ["Cat"]
    differences = [float(one.score[0] - one.baseline_score[0]) for one in (a, b)]
    totals = [float(one.values.sum(dtype="float64")) for one in (a, b)]
    shares = [abs(t / d - 1) for t, d in zip(totals, differences, strict=True)]
    assert [round(100 * share) for share in shares] == [3, 1]  # the per cents that it says
    assert float(a.completeness_gap[0]) == pytest.approx(totals[0] - differences[0], rel=1e-5)
    assert (tmp_path / "cat.png").stat().st_size > 10_000
    assert (tmp_path / "cat.npz").is_file()


def begun(page):
    """The names that the first block of a page makes."""
    return run(python_blocks(page)[0], {})


def test_examples_for_a_model_of_ones_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    own, card = (block_with("docs/inputs.md", word) for word in ("MobileNetV2", "tfxai.Card"))
    monkeypatch.setattr(keras.applications, "MobileNetV2", builders.functional)  # no download
    names = begun("docs/inputs.md")
    image = np.random.default_rng(0).integers(0, 256, builders.IMAGE, np.uint8)
    found = run(own, names | {"fit_image": lambda *_: image})
    assert found["a"].values.shape == (1, 5, 4)  # that of its last convolution

    subject = run(card, names)["own"]
    assert subject.classes == ("Cat", "Dog")
    text = (ROOT / "docs/inputs.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)
    (tmp_path / "written.json").write_text(written)
    assert Card.read("written.json") == Card.read("mine.json") == subject.card
    pixels = np.full((1, 32, 32, 3), 51, np.uint8)
    np.testing.assert_allclose(subject.prepare(pixels), np.full(pixels.shape, 0.2), rtol=1e-6)


def test_example_of_words():
    names = run(block_with("docs/inputs.md", "Embedding(1000"), begun("docs/inputs.md"))
    assert names["a"].values.shape == (4, 20, 16)
    ids, model, vectors = names["ids"], names["classifier"], names["classifier"].layers[1]
    assert names["shap"].values.shape == ids.shape
    padding = model(np.zeros_like(ids))[:, 1]
    difference = (model(ids)[:, 1] - padding).numpy()
    for one in (names["a"], names["shap"]):  # a linear model
        total = one.values.reshape(4, -1).sum(axis=1)
        np.testing.assert_allclose(total, difference, rtol=1e-3, atol=1e-6)
    assert vectors.name == "embedding"


def test_example_of_two_inputs():
    pixels = fit_image(sample_image("chelsea"), 32, 32)[None]
    block = block_with("docs/inputs.md", 'name="table"')
    names = run(block, begun("docs/inputs.md"))
    weights = names["two"].get_weights()[0][:, 1]  # a linear model: four columns, three means
    a = names["a"]
    np.testing.assert_allclose(a.values["table"], weights[None, :4], rtol=1e-5)
    of_picture = (pixels / 255).mean((1, 2)) * weights[4:]
    np.testing.assert_allclose(a.values["picture"].sum((1, 2)), of_picture, rtol=1e-4, atol=1e-6)
    features = names["shap"](names["two"], names["inputs"], target=1).details["features"]
    expected = [weights[:2].sum(), weights[2:4].sum(), of_picture.sum()]
    np.testing.assert_allclose(features, [expected], rtol=1e-4, atol=1e-6)


def test_example_of_looking_into_a_saved_model(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = run(block_with("docs/models.md", "inspect_model"), {})["found"]
    assert found.cam_layer == found.cam_layers[-1] == ("MaxPool_Block3", (4, 4))
    assert found.report.level == "ok"


def test_example_of_a_plain_function():
    pixels = fit_image(sample_image("chelsea"), 32, 32)[None]
    names = run(block_with("docs/inputs.md", "def brightness"), begun("docs/inputs.md"))
    a = names["a"]
    np.testing.assert_allclose(a.score, [pixels.mean() / 255])
    corner = pixels[:, :8, :8].sum() / 255 / pixels.size  # of which no other window has a part
    assert a.values[0, 0, 0] == pytest.approx(corner)
    assert names["lime"].values.shape[:3] == (1, 32, 32)


def test_example_of_a_table():
    names = run(block_with("docs/tables.md", "load_iris"), {})
    shap, predict, x = names["shap"], names["predict"], names["x"]
    assert shap.values.shape == (5, 4)
    difference = predict(x[:5])[:, 0] - predict(x.mean(axis=0)[None])[0, 0]
    np.testing.assert_allclose(shap.values.sum(axis=1), difference, rtol=1e-6)


def test_example_of_a_data_frame():
    names = run(block_with("docs/tables.md", "load_iris"), {})
    names = run(block_with("docs/tables.md", "plot_beeswarm"), names)
    shap, predict, table = names["shap"], names["predict"], names["table"]
    values = shap.to_pandas()
    assert list(values.columns) == list(table.columns)
    baseline = table.mean().to_numpy()[None]
    difference = predict(table.to_numpy())[:, 0] - predict(baseline)[0, 0]
    np.testing.assert_allclose(values.sum(axis=1), difference, rtol=1e-6)
    np.testing.assert_allclose(shap.to_pandas("inputs"), table)


def test_example_of_the_safety_page(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "downloaded.keras").write_bytes(b"PK")
    assert run(block_with("docs/safety.md", "downloaded"), {"tfxai": tfxai})["report"].refused
    assert capsys.readouterr().out.startswith("refuse damaged")


@pytest.mark.filterwarnings(builders.KERAS_SAVES)
def test_example_of_a_layer_in_the_place_of_a_lambda(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = run(block_with("docs/safety.md", "class Halve"), {"tfxai": tfxai})
    keras.saving.get_custom_objects().pop("mine>Halve")
    x = np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(names["subject"].model(x), names["model"](x))


@pytest.mark.slow
def test_example_of_the_methods_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = python_blocks("docs/methods.md")
    names = run(block, {})
    a = names["a"]
    assert abs(a.completeness_gap[0]) <= 0.01 * abs(a.score[0] - a.baseline_score[0])
    assert (tmp_path / "baselines.png").stat().st_size > 10_000
    for method in (names["blurred"], names["smooth"], names["lrp"]):
        assert np.abs(method(names["subject"], names["pixels"]).values).max() > 0


@pytest.mark.slow
@pytest.mark.filterwarnings(builders.KERAS_SAVES)
@pytest.mark.parametrize("page", ["inputs", "models", "tables"])
def test_a_page_runs_as_it_stands(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make = functools.partial(keras.applications.MobileNetV2, weights=None)
    monkeypatch.setattr(keras.applications, "MobileNetV2", make)  # no download
    names = {}
    for block in python_blocks(f"docs/{page}.md"):
        run(block, names)
    assert names


@pytest.mark.slow
def test_example_of_the_figures_page():
    names = {}
    for block in python_blocks("docs/figures.md"):
        run(block, names)
    assert names["axes"].get_title() == "Cat"
    assert len(names["axes"].images) == 1


@pytest.mark.slow
def test_example_of_the_architecture_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = python_blocks("docs/architecture.md")
    a = run(block, {})["a"]
    assert a.target_names == ["Frog"]
    back = tfxai.Attribution.load("ig.npz")
    np.testing.assert_array_equal(back.values, a.values)


@pytest.mark.filterwarnings(builders.KERAS_SAVES)
def test_example_of_the_registry(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFXAI_MODELS", str(ROOT / "models"))
    names = run(block_with("docs/models.md", "registry.list"), {"tfxai": tfxai})
    assert {check.state for check in names["registry"].verify("cifar10_cnn")} == {"ok"}
    assert names["pets"].card.name == "pets"
    assert tfxai.load("my_models/pets").classes == ("Cat", "Dog")


@pytest.mark.slow
def test_example_of_the_export_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saving, calling = python_blocks("docs/export.md")
    names = run(calling, run(saving, {}))
    assert names["folder"].parts[-2:] == ("cifar10_cnn", "7")
    assert tfxai.export.check(names["folder"]).passed
    a = tfxai.GradCAM()(names["subject"], names["x"])
    assert a.target_names == ["Cat"]
    np.testing.assert_allclose(names["given"]["attributions"], a.values, rtol=1e-4, atol=1e-6)
