"""The page, in a real browser without a window."""

from __future__ import annotations

import base64
import io
import re
import time

import httpx
import keras
import numpy as np
import pytest
from PIL import Image
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

import tfxai
from tests.browsers import chromium
from tests.serving.conftest import reader
from tests.serving.servers import photograph, serving, until
from tfxai.data.preprocessing import Preprocessing
from tfxai.export import save
from tfxai.serving.limits import ServerLimits
from tfxai.serving.models.upstream import Upstream
from tfxai.serving.models.versions import VersionFolder

pytestmark = pytest.mark.slow
FACTS = """
const texts = (tag) => [...document.querySelectorAll("#facts " + tag)].map((one) => one.innerText);
const values = texts("dd");
return texts("dt").map((name, i) => [name, values[i]]);
"""
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
DROP = """
const data = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
const transfer = new DataTransfer();
transfer.items.add(new File([data], arguments[1], { type: arguments[2] }));
document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture(scope="module")
def cat(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "cat.jpg"
    path.write_bytes(photograph())
    return path


class Page:
    """The page in the browser, and what a person reads on it."""

    def __init__(self, browser, url):
        self.browser = browser
        browser.get_log("browser")
        browser.set_window_size(1100, 950)
        browser.get(url)
        self.wait(lambda: self.text("status") or self.text("error"))

    def wait(self, holds):
        drawn_anew = (NoSuchElementException, StaleElementReferenceException)
        WebDriverWait(self.browser, 60, 0.05, drawn_anew).until(lambda _: holds())

    def __getitem__(self, name):
        return self.browser.find_element(By.ID, name)

    def text(self, name):
        return self[name].text

    def choose(self, name, value):
        Select(self[name]).select_by_value(value)

    def facts(self):
        """Name to value of the facts that are shown."""
        return dict(self.browser.execute_script(FACTS))  # at once: the page may redraw them

    def explained(self, method):
        """Waits until the explanation of that method is shown whole."""
        self.wait(
            lambda: (
                self["result"].is_displayed()
                and "stale" not in self["result"].get_attribute("class")
                and self.facts().get("Method") == method
            )
        )

    def heatmap(self):
        """What the picture over the image is made of."""
        return self["heatmap"].get_attribute("src")

    def complaints(self):
        """Errors in the browser's console."""
        return [line for line in self.browser.get_log("browser") if line["level"] == "SEVERE"]


@pytest.fixture
def page(browser, behind):
    return Page(browser, behind)


def test_an_image_is_chosen_and_explained(page, cat, behind):
    page.wait(lambda: page.text("status") == "Choose an image.")
    models = [option.text for option in Select(page["model"]).options]
    assert models == ["cifar10_cnn", "documented", "pair", "text"]
    page["file"].send_keys(str(cat))
    page.explained("integrated gradients")
    body = {
        "instances": [{"b64": base64.b64encode(cat.read_bytes()).decode()}],
        "outputs": ["heatmap_png", "predictions"],
    }
    answer = httpx.post(f"{behind}/v1/models/cifar10_cnn:explain", json=body, trust_env=False)
    content = answer.json()
    (one,) = content["explanations"][0]["attributions"]
    assert page.text("prediction") == "Predicted: Cat"
    rows = [row.text.split("\n") for row in page["classes"].find_elements(By.TAG_NAME, "tr")]
    assert len(rows) == 5
    assert rows[0][0].startswith("Cat")
    assert f"{100 * max(content['predictions'][0]):.1f} %" in " ".join(rows[0])
    facts = page.facts()
    assert facts["Explained"] == "Cat"
    assert float(facts["Score (logit)"]) == pytest.approx(one["instanceOutputValue"], rel=1e-3)
    gap, share = facts["Completeness gap"].split(" (")
    assert float(gap) == pytest.approx(one["completenessGap"], rel=1e-3)
    assert float(share.split()[0]) == pytest.approx(100 * one["approximationError"], rel=0.1)
    assert facts["Time"].endswith(" ms")
    assert page.heatmap() == f"data:image/png;base64,{one['heatmapPng']['b64']}"
    assert page["heatmap"].size == page["image"].size
    assert page.complaints() == []


def test_another_method_and_class_are_another_answer(page, cat):
    page["file"].send_keys(str(cat))
    page.explained("integrated gradients")
    first = page.heatmap()
    page.choose("method", "grad_cam")
    page.explained("grad cam")
    assert page.heatmap() != first
    legend = "grad cam, at MaxPool_Block3: what the score of Cat rests on. Bright is strong."
    assert page.text("legend") == legend
    assert "Completeness gap" not in page.facts()
    page.choose("target", "6")
    page.wait(lambda: page.facts().get("Explained") == "Frog")
    assert page.text("prediction") == "Predicted: Cat"
    page.choose("method", "occlusion")
    page.explained("occlusion")
    assert "Score (output)" in page.facts()
    assert page.text("legend").endswith("Frog rests on. Red speaks for it, blue against it.")


SPANS = """
return [...document.querySelectorAll("#words span")].map((one) =>
  [one.textContent, getComputedStyle(one).backgroundColor, one.title]);
"""


def test_the_words_of_a_text_are_coloured(page, behind):
    page.choose("model", "text")
    page.wait(lambda: page.text("status") == "Write a text.")
    assert not page["drop"].is_displayed()
    page["text"].send_keys("a good <b>film</b>")
    page.explained("integrated gradients")
    body = {"instances": ["a good <b>film</b>"], "outputs": ["tokens"]}
    answer = httpx.post(f"{behind}/v1/models/text:explain", json=body, trust_env=False).json()
    (one,) = answer["explanations"][0]["attributions"]
    count = sum(bool(word) for word in one["tokens"])
    page.wait(lambda: len(page.browser.execute_script(SPANS)) == count)
    spans = page.browser.execute_script(SPANS)
    assert [word for word, _, _ in spans] == [word for word in one["tokens"] if word]
    for (_, colour, title), value in zip(spans, one["tokenValues"], strict=False):
        red, _, blue = (float(part) for part in colour[5:].rstrip(")").split(",")[:3])
        assert (red > blue) == (value >= 0)
        assert float(title.rpartition(": ")[2]) == pytest.approx(value, rel=1e-3)
    assert page["words"].is_displayed()
    assert not page["picture"].is_displayed()
    assert page.complaints() == []
    page.choose("method", "grad_cam")  # a map over words
    page.explained("grad cam")
    body["method"] = "grad_cam"
    answer = httpx.post(f"{behind}/v1/models/text:explain", json=body, trust_env=False).json()
    (one,) = answer["explanations"][0]["attributions"]
    told = [(word, float(title.rpartition(": ")[2])) for word, _, title in
            page.browser.execute_script(SPANS)]  # fmt: skip
    assert [word for word, _ in told] == one["tokens"]
    np.testing.assert_allclose([value for _, value in told], one["tokenValues"], rtol=1e-3)
    assert page.text("error") == ""
    assert page.complaints() == []
    page.choose("model", "cifar10_cnn")
    page.wait(lambda: page["drop"].is_displayed() and not page["text-row"].is_displayed())


def test_what_to_know_before_one_believes_values_is_said_beside_them(page, behind):
    page.choose("model", "text")
    page.wait(lambda: page.text("status") == "Write a text.")
    assert not page["remarks"].is_displayed()
    page["text"].send_keys("unheard of")
    page.explained("integrated gradients")
    page["compare"].find_element(By.TAG_NAME, "summary").click()
    page["others"].find_element(By.CSS_SELECTOR, "input[value=grad_cam]").click()
    page.wait(lambda: "no word of the model's vocabulary" in page["beside"].text)
    assert "no word of the model's vocabulary" in page.text("remarks")
    page["text"].clear()
    page["text"].send_keys("a good film")
    page.wait(lambda: not page["remarks"].is_displayed() and page["result"].is_displayed())


def test_a_method_that_gives_no_words_says_so(browser, tmp_path):
    units = tfxai.Conductance(layer="mean", steps=2)
    save(reader(), tmp_path / "text" / "1", {"saliency": tfxai.Saliency(), "units": units})
    models = VersionFolder(tmp_path)
    with serving(models) as url:
        until(lambda: models.waits_for() is None)
        page = Page(browser, url)
        page["text"].send_keys("a good film")
        page.explained("saliency")
        assert page.text("legend").endswith("The stronger the red, the more it counts.")
        page.choose("method", "units")
        page.explained("units")
        assert page.text("legend").startswith("units, at mean")
        assert page.text("legend").endswith("gives no values of words for this model.")
        assert not page["words"].is_displayed()
        assert not page["picture"].is_displayed()
        assert page.complaints() == []


def test_the_slider_fades_the_heatmap(page, cat):
    page["file"].send_keys(str(cat))
    page.explained("integrated gradients")
    assert page["heatmap"].value_of_css_property("opacity") == "0.6"
    slider = page["opacity"]
    slider.send_keys(Keys.HOME)
    assert page["heatmap"].value_of_css_property("opacity") == "0"
    slider.send_keys(Keys.ARROW_RIGHT * 25)
    assert page.text("shown") == "25 %"
    assert page["heatmap"].value_of_css_property("opacity") == "0.25"


def test_it_works_by_keyboard_alone(page, cat):
    order, active = [], page.browser.switch_to
    for _ in range(4):
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        order.append(active.active_element.get_attribute("id"))
    assert order == ["model", "method", "target", "file"]
    outline = "return getComputedStyle(document.getElementById('drop')).outlineStyle"
    assert page.browser.execute_script(outline) == "solid"
    active.active_element.send_keys(str(cat))
    page.explained("integrated gradients")
    ActionChains(page.browser).key_down(Keys.SHIFT).send_keys(Keys.TAB * 2).perform()
    ActionChains(page.browser).key_up(Keys.SHIFT).perform()
    assert active.active_element.get_attribute("id") == "method"
    active.active_element.send_keys("grad")
    page.explained("grad cam")
    for name in ("model", "method", "target", "opacity"):
        label = page.browser.execute_script(
            "return arguments[0].labels[0].textContent", page[name]
        )
        assert label.strip()


def test_it_fits_a_phone(page, cat):
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        page.browser.refresh()
        page.wait(lambda: page.text("status") == "Choose an image.")
        page["file"].send_keys(str(cat))
        page.explained("integrated gradients")
        widths = "return [document.documentElement.scrollWidth, window.innerWidth]"
        assert page.browser.execute_script(widths) == [390, 390]
        assert page["facts"].location["y"] > page["image"].location["y"] + 300  # below, not beside
        assert page["opacity"].size["height"] >= 24  # for a finger
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_an_image_is_dropped(page):
    page.wait(lambda: page.text("status") == "Choose an image.")
    data = base64.b64encode(photograph()).decode()
    page.browser.execute_script(DROP, data, "cat.jpg", "image/jpeg")
    page.explained("integrated gradients")
    assert page.text("prediction") == "Predicted: Cat"


def test_images_that_the_server_does_not_read_are_redrawn_by_the_browser(page, tmp_path):
    path = tmp_path / "cat.webp"
    Image.open(io.BytesIO(photograph())).save(path, quality=95)
    page["file"].send_keys(str(path))
    page.explained("integrated gradients")
    assert page.text("prediction") == "Predicted: Cat"


def test_what_cannot_be_done_is_said_in_words(page, cat, tmp_path):
    page.wait(lambda: page.text("status") == "Choose an image.")
    path = tmp_path / "words.jpg"
    path.write_text("no image")
    page["file"].send_keys(str(path))
    page.wait(lambda: page.text("error"))
    assert page.text("error") == "The browser cannot read this file as an image."
    page["file"].send_keys(str(cat))
    page.explained("integrated gradients")
    page["file"].send_keys(str(path))
    page.wait(lambda: page.text("error"))
    assert not page["result"].is_displayed()  # it is of the image before
    page.choose("method", "grad_cam")
    assert page.text("error") == "The browser cannot read this file as an image."
    page["file"].send_keys(str(cat))
    page.explained("grad cam")
    assert page.text("error") == ""
    page.choose("model", "pair")
    page.wait(lambda: "takes no images" in page.text("error"))
    assert not page["result"].is_displayed()
    page.choose("model", "cifar10_cnn")
    page.explained(page["method"].get_attribute("value").replace("_", " "))


def test_an_image_that_is_too_large_for_the_server_is_told_of(browser, base, cat):
    models = VersionFolder(base)
    with serving(models, ServerLimits(pixels=1000)) as url:
        until(lambda: models.waits_for() is None)
        page = Page(browser, url)
        page["file"].send_keys(str(cat))
        page.wait(lambda: page.text("error"))
        assert "at most 1,000 are read" in page.text("error")


def test_a_server_with_a_token_asks_for_it(browser, base, cat):
    models = VersionFolder(base)
    with serving(models, token="s3cret") as url:
        until(lambda: models.waits_for() is None)
        page = Page(browser, url)
        assert "wants a token. Enter it in the field Token above." in page.text("error")
        page["token"].send_keys("s3cret", Keys.TAB)
        page.wait(lambda: page.text("status") == "Choose an image.")
        page["file"].send_keys(str(cat))
        page.explained("integrated gradients")
        browser.execute_script("sessionStorage.clear()")


def test_a_sidecar_that_knows_no_names_lets_one_be_typed(browser, behind, cat):
    with serving(Upstream(behind)) as url:
        page = Page(browser, url)
        assert page.text("status") == "Type the name of a model that the server has."
        page["model-name"].send_keys("none", Keys.TAB)
        page.wait(lambda: "ervable not found" in page.text("error"))
        page["model-name"].clear()
        page["model-name"].send_keys("cifar10_cnn", Keys.TAB)
        page.wait(lambda: page.text("status") == "Choose an image.")
        page["file"].send_keys(str(cat))
        page.explained("integrated gradients")


def test_a_server_that_still_loads_is_waited_for(browser, behind, monkeypatch):
    models, is_there = Upstream(behind, ["cifar10_cnn"]), []
    loading = "The models are being loaded."
    monkeypatch.setattr(models, "waits_for", lambda: None if is_there else loading)
    with serving(models) as url:
        page = Page(browser, url)
        assert page.text("status") == "The models are being loaded. Trying again …"
        is_there.append(True)
        page.wait(lambda: page.text("status") == "Choose an image.")


def test_a_server_that_is_gone_is_told_of(browser, base, cat):
    models = VersionFolder(base)
    with serving(models) as url:
        until(lambda: models.waits_for() is None)
        page = Page(browser, url)
        page["file"].send_keys(str(cat))
        page.explained("integrated gradients")
    time.sleep(0.2)
    page.choose("method", "saliency")
    page.wait(lambda: page.text("error"))
    assert page.text("error") == "The server cannot be reached. Is it running?"


def test_it_brings_all_that_it_needs_and_lets_nothing_else_in(server):
    page = server.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    files = ("page.js", "answers.js", "shared.js", "page.css")
    text = page.text + "".join(server.get(f"/{name}").text for name in files)
    assert "http://" not in text
    assert "https://" not in text
    assert server.get("/../page/__init__.py").status_code == 404


def test_several_methods_are_shown_side_by_side(page, cat):
    page["file"].send_keys(str(cat))
    page.choose("method", "integrated_gradients")
    page.explained("integrated gradients")
    assert not page["beside"].is_displayed()
    page["compare"].find_element(By.TAG_NAME, "summary").click()

    def box(name):
        return page["others"].find_element(By.CSS_SELECTOR, f"input[value={name}]")

    assert not box("integrated_gradients").is_displayed()  # it is shown already
    for name in ("grad_cam", "saliency"):
        box(name).click()

    def figures():
        found = page["beside"].find_elements(By.CSS_SELECTOR, "figure:not(.stale)")
        return {re.split("[,:]", one.text)[0]: one for one in found}

    page.wait(lambda: set(figures()) == {"grad cam", "saliency"})
    shown = figures()
    assert page.text("legend").endswith("Red speaks for it, blue against it.")
    for one in shown.values():
        assert "what the score of Cat rests on. Bright is strong." in one.text
    first = page["image"].rect
    for one in shown.values():  # as large as the first and in its row, where there is room
        rect = one.find_element(By.TAG_NAME, "canvas").rect
        assert (rect["width"], rect["height"]) == (first["width"], first["height"])
        assert rect["y"] == first["y"]
    sources = [one.find_element(By.TAG_NAME, "img").get_attribute("src") for one in shown.values()]
    assert len({page.heatmap(), *sources}) == 3
    assert first["width"] > 250
    assert "Score" in shown["saliency"].text
    box("saliency").click()
    page.wait(lambda: set(figures()) == {"grad cam"})
    assert figures()["grad cam"].find_element(By.TAG_NAME, "canvas").rect["width"] > 400
    box("saliency").click()
    page.wait(lambda: set(figures()) == {"grad cam", "saliency"})
    page.choose("method", "saliency")
    page.wait(lambda: set(figures()) == {"grad cam"})
    assert not box("saliency").is_displayed()
    box("integrated_gradients").click()
    page.wait(lambda: set(figures()) == {"grad cam", "integrated gradients"})
    page.wait(lambda: "gap" in figures()["integrated gradients"].text)
    page.choose("target", "6")
    page.explained("saliency")
    page.wait(lambda: set(figures()) == {"grad cam", "integrated gradients"})
    assert page.complaints() == []


def regressor(outputs, scale):
    """Means of the channels of an image, that many of them, by that factor."""
    image = keras.Input((16, 16, 3), name="image")
    means = keras.layers.GlobalAveragePooling2D()(image)
    values = keras.layers.Dense(outputs, kernel_initializer="ones", use_bias=False)(means)
    return tfxai.Subject(
        keras.Model(image, values * scale * np.arange(1.0, outputs + 1)),
        tfxai.Card(name="regressor", preprocessing=Preprocessing("unit")),
    )


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """The address of a server of models whose outputs are no classes."""
    folder = tmp_path_factory.mktemp("numbers")
    save(regressor(1, 0.1), folder / "one" / "1", ["integrated_gradients"])
    save(regressor(3, -9.0), folder / "three" / "1", ["integrated_gradients"])
    models = VersionFolder(folder)
    with serving(models) as url:
        until(lambda: len(models.names()) == 2)
        yield url


def test_the_only_output_of_a_regressor_is_a_number_and_no_class(browser, numbers, cat):
    page = Page(browser, numbers)
    page["file"].send_keys(str(cat))
    page.explained("integrated gradients")
    body = {"instances": [{"b64": base64.b64encode(cat.read_bytes()).decode()}]}
    body["outputs"] = ["predictions"]
    answer = httpx.post(f"{numbers}/v1/models/one:explain", json=body, trust_env=False).json()
    (value,) = answer["predictions"][0]
    assert 0 < value < 1  # yet no share
    name, shown = page.text("prediction").split(": ")
    assert name == "Output"
    assert float(shown) == pytest.approx(value, rel=1e-3)
    assert not page["classes"].is_displayed()
    facts = page.facts()
    assert facts["Explained"] == "the output"
    assert float(facts["Score (output)"]) == pytest.approx(value, rel=1e-3)
    said = "what the score of the output rests on. Red raises it, blue lowers it."
    assert page.text("legend") == f"integrated gradients: {said}"
    assert page["heatmap"].get_attribute("alt") == "Heatmap of integrated gradients for the output"
    assert "%" not in page["result"].text.replace("60 %", "").replace(
        facts["Completeness gap"], ""
    )
    assert page.complaints() == []


def test_several_outputs_of_a_regressor_are_numbers_in_their_order(browser, numbers, cat):
    page = Page(browser, numbers)
    page["file"].send_keys(str(cat))
    page.explained("integrated gradients")
    page.choose("model", "three")
    page.wait(lambda: page.facts().get("Explained") == "output 0")
    page.explained("integrated gradients")
    assert page.text("prediction") == "Largest: output 0"  # all are below zero
    rows = [row.text.split() for row in page["classes"].find_elements(By.TAG_NAME, "tr")]
    assert [row[:2] for row in rows] == [["output", str(i)] for i in range(3)]
    values = [float(row[2]) for row in rows]
    assert values == pytest.approx([values[0] * i for i in (1, 2, 3)], rel=1e-2)
    assert page.text("legend").endswith("output 0 rests on. Red raises it, blue lowers it.")
    assert page.complaints() == []
