"""The page says what was computed, needs nothing but itself, and believes no text."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from html import unescape

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import tfxai
from tests.browsers import chromium
from tests.builders import functional, images
from tfxai.card import Card
from tfxai.errors import InvalidInputError, MissingExtraError
from tfxai.plotting.colours import colour_map, heat_layer
from tfxai.reporting.facts import configuration
from tfxai.reporting.pictures import LONGEST, described, heat_and_layer, photograph

NAUGHTY = "<script>alert('x')</script>"
METHODS = (tfxai.GradientInput(), tfxai.Occlusion(window=2, stride=1))


def classifier(side=16):
    keras.utils.set_random_seed(0)
    image = keras.Input((side, side, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


def pixels(count, side=16):
    return np.random.default_rng(0).random((count, side, side, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def page():
    subject = tfxai.Subject(classifier(), Card(name=NAUGHTY, classes=("a&b", "<i>", "c")))
    return tfxai.report(subject, pixels(2), METHODS, names=[NAUGHTY, "two"], labels=["<b>", ""])


def decoded(address):
    head, _, data = address.partition(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) / 255


def test_texts_are_escaped_and_nothing_is_fetched(page):
    text = page.html
    assert text.count("<script>") == 1  # the page's own
    assert "&lt;script&gt;alert(" in text
    assert "Labelled <strong>&lt;b&gt;</strong>" in text
    assert "<i>" not in text
    assert "&lt;i&gt;" in text
    assert not re.search(r"https?:|//[a-z]|@import", text)
    addresses = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', text)
    addresses = ["".join(one) for one in addresses]
    assert len(addresses) == 2 * (2 + len(METHODS))
    assert all(one.startswith("data:image/webp") for one in addresses)


def test_every_image_says_what_it_shows(page):
    text = page.html
    alts = re.findall(r'<img [^>]*alt="([^"]*)"', text)
    assert len(alts) == 2 * (1 + len(METHODS))
    assert all(alts)
    assert sum("Occlusion of two for" in alt for alt in alts) == 1


def test_a_layer_is_the_heat_in_colours():
    one = METHODS[0](classifier(), pixels(1))
    heat, address = heat_and_layer(one, (16, 16))
    np.testing.assert_array_equal(heat, one.heatmap()[0])
    found, expected = decoded(address), heat_layer(heat, colour_map(None, True), True)
    np.testing.assert_allclose(
        found[..., 3], np.round(np.abs(heat) * 16) ** 0.7 / 16**0.7, atol=0.003
    )
    is_seen = found[..., 3] > 0.2
    assert is_seen.sum() > 20
    np.testing.assert_allclose(found[is_seen, :3], expected[is_seen, :3], atol=0.01)
    assert np.abs(found[..., 3] - expected[..., 3]).max() < 0.2  # 16 levels


def test_photographs_are_bounded_and_small_ones_exact():
    small = np.round(pixels(1, 32)[0] * 255) / 255
    np.testing.assert_allclose(decoded(photograph(small)), small, atol=1e-6)
    wide = np.zeros((100, 4000, 3))
    assert decoded(photograph(wide)).shape == (LONGEST * 100 // 4000, LONGEST, 3)


def test_the_configuration_makes_the_map_again(page):
    text = unescape(page.html)
    records = [json.loads(one) for one in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)]
    assert len(records) == 4
    again = [page.attributions[i % 2][i // 2] for i in range(4)]
    for record, expected in zip(records, again, strict=True):
        method = tfxai.methods.create(record["method"], **record["options"])
        one = method(page.subject, expected.inputs, record["target"], score=record["score"])
        np.testing.assert_array_equal(one.values, expected.values)


def test_large_options_are_named_by_their_digest():
    method = tfxai.IntegratedGradients(baseline=np.full((16, 16, 3), 0.5, np.float32))
    one = method(classifier(), pixels(1))
    record = json.loads(configuration(one, None))
    assert record["options"]["baseline"]["array"] == [16, 16, 3]
    assert re.fullmatch("[0-9a-f]{64}", record["options"]["baseline"]["sha256"])


def test_answers_are_the_models(page):
    outputs = np.asarray(page.subject.model(pixels(2)))
    text = page.html
    for row in outputs:
        for value in row:
            assert f">{value:.1%}</td>" in text
    logits = keras.Model(image := keras.Input((4, 4, 3)), layers.Flatten()(image))
    found = tfxai.report(logits, np.full((1, 4, 4, 3), -2.5, np.float32), ["gradient_input"])
    assert found.html.count(">-2.5</td>") == 5


@pytest.mark.parametrize(
    ("score", "words"),
    [
        ("logit", "red speaks for the class and blue against it"),
        ("output", "red raises the output and blue lowers it"),
    ],
)
def test_what_colours_mean_suits_what_is_explained(score, words):
    image = keras.Input((4, 4, 3))
    regressor = keras.Model(image, layers.Dense(1)(layers.Flatten()(image)))
    model = classifier(4) if score == "logit" else regressor
    found = tfxai.report(model, pixels(1, 4), ["gradient_input"], score=score)
    said = {one for one in ("red speaks", "red raises") if one in found.html}
    assert words in found.html
    assert len(said) == 1


def test_a_regressor_s_answer_is_a_number():
    image = keras.Input((4, 4, 3))
    flat = layers.Flatten()(image)
    regressor = keras.Model(image, layers.Dense(1)(flat))
    text = tfxai.report(regressor, pixels(1, 4), ["gradient_input"]).html
    (value,) = np.asarray(regressor(pixels(1, 4)))[0]
    assert f"<strong>{value:.4g}</strong>" in text
    assert "<meter" not in text
    assert "For <strong>Output</strong>: output " in text
    several = keras.Model(image, layers.Dense(3)(flat))
    text = tfxai.report(several, pixels(1, 4), ["gradient_input"], target=2).html
    assert text.count("<meter") == 3
    for i in range(3):
        assert f'<th scope="row">output {i}</th>' in text
    assert "For <strong>Output 2</strong>: output " in text


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((0, 0), "upper left"),
        ((4, 4), "middle centre"),
        ((8, 4), "lower centre"),
        ((4, 8), "right"),
    ],
)
def test_descriptions_say_where(place, words):
    heat = np.zeros((9, 9), np.float32)
    heat[place] = -1
    assert described(heat).startswith("100% of the heat")
    assert described(heat).endswith(words)
    assert described(0 * heat) == "no heat anywhere"
    assert described(np.ones((10, 10))).startswith("10% of the heat")


def test_metrics_and_checks_stand_beside():
    model, x = classifier(), pixels(3)
    found = tfxai.evaluate(model, x, ["gradient_input"], ["sparseness", "srg"], fills=["mean"])
    check = tfxai.sanity.ParameterRandomisation()(model, x, tfxai.GradientInput())
    text = tfxai.report(model, x, ["gradient_input"], evaluation=found, sanity=[check]).html
    assert unescape(text).count(check.verdict) == 1
    for row in found.rows():
        assert f">{row['mean']:.3g}</td>" in text
    for sentence in found.warnings():
        assert sentence in unescape(text)


def test_twenty_photographs_by_three_methods_weigh_at_most_five_megabytes():
    noise = pixels(20, 224)  # no map of a photograph is harder to pack
    methods = [tfxai.GradientInput(), tfxai.Saliency(), tfxai.Saliency(absolute=False)]
    assert len(tfxai.report(classifier(224), noise, methods).html) <= 5e6


def test_what_cannot_be_is_refused(tmp_path, monkeypatch):
    model, x = classifier(), pixels(2)
    with pytest.raises(InvalidInputError, match="no method"):
        tfxai.report(model, x, [])
    with pytest.raises(InvalidInputError, match="0 images came"):
        tfxai.report(model, x[:0], METHODS)
    with pytest.raises(InvalidInputError, match="1 names came with 2 images"):
        tfxai.report(model, x, METHODS, names=["one"])
    table = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(InvalidInputError, match="maps over images"):
        tfxai.report(table, np.ones((1, 4)), ["saliency"])
    page = tfxai.report(model, x, METHODS[:1])
    with pytest.raises(InvalidInputError, match=r"\.html"):
        page.save(tmp_path / "page.pdf")
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match="report"):
        page.save(tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_one_unit_is_both_classes():
    image = keras.Input((16, 16, 3))
    unit = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(image))
    model = keras.Model(image, unit)
    p = float(np.asarray(model(pixels(1)))[0, 0])
    for names, expected in ((("no", "yes"), ("no", "yes")), (("cat",), ("not cat", "cat"))):
        subject = tfxai.Subject(model, Card(name="one", classes=names))
        page = tfxai.report(subject, pixels(1), METHODS[:1])
        shares = dict(zip(expected, (1 - p, p), strict=True))
        assert {name: text for name, _, text in page._best(0)} == {
            name: f"{share:.1%}" for name, share in shares.items()
        }


def test_outputs_in_zero_to_one_are_no_probabilities_by_that():
    image = keras.Input((16, 16, 3))
    means = keras.Model(image, layers.GlobalAveragePooling2D()(image))
    page = tfxai.report(means, pixels(1), METHODS[:1])
    assert not any("%" in text for _, _, text in page._best(0))


def test_logits_of_named_classes_are_shown_as_probabilities():
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(image)))
    logits = np.asarray(model(pixels(1)))[0]
    shares = np.exp(logits) / np.exp(logits).sum()
    subject = tfxai.Subject(model, Card(name="one", classes=("a", "b", "c")))
    page = tfxai.report(subject, pixels(1), METHODS[:1])
    found = {name: text for name, _, text in page._best(0)}
    assert found == {name: f"{p:.1%}" for name, p in zip("abc", shares, strict=True)}


def test_labels_are_names_or_numbers_of_classes():
    subject = tfxai.Subject(classifier(), Card(name="one", classes=("a", "b", "c")))
    for labels in (["b", "c"], [1, 2], np.array([1, 2])):
        page = tfxai.report(subject, pixels(2), METHODS[:1], labels=labels)
        assert page.labels == ("b", "c")
    assert tfxai.report(classifier(), pixels(1), METHODS[:1], labels=[7]).labels == ("7",)


def test_an_answer_is_wrong_where_the_label_is_another_class_in_any_case():
    subject = tfxai.Subject(classifier(), Card(name="one", classes=("Cat", "Dog", "Frog")))
    best = int(subject.predict(pixels(1))[0].argmax())
    for label in ("cat", "DOG", "frog", "0", "1", "2", "toad"):
        page = tfxai.report(subject, pixels(1), METHODS[:1], labels=[label])
        is_best = label.lower() in (subject.classes[best].lower(), str(best))
        assert page._is_wrong(0) == (not is_best)


def test_any_layout_of_images(tmp_path):
    x = images(2)
    page = tfxai.report(functional(), x, ["gradient_input"])
    assert page.save(tmp_path / "page.HTML").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_shows_it_from_the_disk(page, tmp_path, width):
    with chromium(tmp_path / "profile") as driver:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        driver.get(page.save(tmp_path / "page.html").as_uri())
        assert driver.execute_script(
            "return document.documentElement.scrollWidth <= window.innerWidth"
        )
        assert driver.execute_script(
            "return [...document.images].every(one => one.complete && one.naturalWidth > 0)"
        )
        panels = driver.find_elements(By.CSS_SELECTOR, "article:first-of-type .panel")
        assert [one.is_displayed() for one in panels] == [True, False]
        first = driver.find_element(By.ID, "map-1-1")
        first.send_keys(Keys.ARROW_RIGHT)  # as every group of radio buttons
        assert [one.is_displayed() for one in panels] == [False, True]
        layer = panels[1].find_element(By.TAG_NAME, "img")
        assert layer.value_of_css_property("opacity") == "0.8"
        driver.find_element(By.ID, "heat").send_keys(Keys.HOME)
        assert layer.value_of_css_property("opacity") == "0"
        assert driver.find_element(By.ID, "shown").text == "0 %"
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        assert [one.is_displayed() for one in panels] == [True, True]
        said = [one for one in driver.get_log("browser") if one["level"] == "SEVERE"]
        assert not said
