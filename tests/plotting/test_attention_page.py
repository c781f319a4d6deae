"""The page of attention heads, in a real browser without a window."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from tfxai.attention_weights import AttentionWeights
from tfxai.errors import InvalidInputError
from tfxai.patch_grid import PatchGrid
from tfxai.plotting.attention_page import MOST_EDGES, page_of
from tfxai.tokens import Tokens

TOKENS = ["[CLS]", "a", "<b>fine</b>", "שלום😀", "</script>", "[PAD]"]
KINDS = [[1, 0, 0, 0, 0, 2]]


def weights(layers=2, heads=3, count=6, tokens=TOKENS):
    rng = np.random.default_rng(0)
    drawn = [rng.dirichlet(np.full(count, 0.3), size=(1, heads, count)) for _ in range(layers)]
    text = None
    if tokens is not None:
        nothing = [[b""] * count]
        begins = np.ones((1, count), bool)
        text = Tokens.of(["a text"], [tokens], np.array(KINDS), begins, nothing)
    return AttentionWeights(
        tuple(f"layer_{i}" for i in range(layers)),
        tuple(one.astype(np.float32) for one in drawn),
        text,
    )


def stored(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])


def numbers(text):
    return np.frombuffer(base64.b64decode(text), "<u2")


def test_short_texts_keep_every_weight():
    one = weights()
    data = stored(page_of(one))
    assert data["tokens"] == TOKENS[:5]  # without padding
    head = data["layers"][1]["heads"][2]
    keys, parts = (numbers(head[name]).reshape(5, 5) for name in ("keys", "parts"))
    found = np.zeros((5, 5))
    np.put_along_axis(found, keys.astype(int), parts / 65535, axis=1)
    np.testing.assert_allclose(found, one[1][0, 2, :5, :5], atol=1e-5)


def test_long_texts_keep_the_strongest_and_say_so():
    one = weights(1, 1, 80, None)
    data = stored(page_of(one))
    assert data["edges"] == MOST_EDGES
    keys = numbers(data["layers"][0]["heads"][0]["keys"]).reshape(80, MOST_EDGES)
    np.testing.assert_array_equal(keys, np.argsort(-one[0][0, 0], axis=1)[:, :MOST_EDGES])


def test_the_page_needs_nothing_else(tmp_path):
    for one in (weights(), of_image()):
        page = one.save_html(tmp_path / "heads.html").read_text(encoding="utf-8")
        assert re.findall(r"(?:src|href)=|https?://", page) == []
        assert "<b>layer" not in page
    assert page.count("</script>") == 2  # those of the page, and none of the text


def test_bad_choices_are_refused():
    with pytest.raises(InvalidInputError, match="no example 4"):
        page_of(weights(), 4)


GRID = PatchGrid(2, 3, first=2, class_token=0)


def of_image(layers=2, heads=2, grid=GRID, batch=1):
    """Weights of an image of 8 x 12 pixels in 2 x 3 patches, a class token and a register."""
    rng = np.random.default_rng(3)
    size = (batch, heads, grid.tokens)
    drawn = [rng.dirichlet(np.full(grid.tokens, 0.4), size=size) for _ in range(layers)]
    return AttentionWeights(
        tuple(f"<b>layer_{i}" for i in range(layers)),
        tuple(one.astype(np.float32) for one in drawn),
        None,
        (grid,) * layers,
        rng.random((batch, 8, 12, 3)).astype(np.float32),
    )


def test_an_image_keeps_every_weight_in_order():
    one = of_image()
    data = stored(page_of(one))
    head = data["layers"][1]["heads"][1]
    assert "keys" not in head
    parts = numbers(head["parts"]).reshape(8, 8) / 65535
    np.testing.assert_allclose(parts, one[1][0, 1], atol=1e-5)
    mean = numbers(head["mean"]) / 65535
    np.testing.assert_allclose(mean, one[1][0, 1].mean(axis=0), atol=1e-5)
    assert data["tokens"][:3] == ["class token", "extra token 1", "row 0, column 0"]
    picture = data["image"]["source"].removeprefix("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(picture))) as shown:
        np.testing.assert_array_equal(np.asarray(shown), np.rint(255 * one.images[0]))


def test_an_image_of_many_patches_keeps_as_many_weights_as_fit():
    grid = PatchGrid(16, 32)
    one = of_image(12, 12, grid)
    page = page_of(one)
    assert len(page) < 20_000_000
    data = stored(page)
    head, most = data["layers"][3]["heads"][7], data["edges"]
    assert MOST_EDGES < most < 512
    keys = numbers(head["keys"]).reshape(512, most)
    expected = np.argsort(-one[3][0, 7], axis=1, kind="stable")[:, :most]
    np.testing.assert_array_equal(keys, expected)


def test_one_of_several_images_is_shown_and_named():
    one = of_image(batch=3)
    data = stored(page_of(one, 2))
    assert data["notes"] == ["Example 2 of 3, counted from 0."]
    parts = numbers(data["layers"][0]["heads"][0]["parts"]).reshape(8, 8) / 65535
    np.testing.assert_allclose(parts, one[0][2, 0], atol=1e-5)
    assert stored(page_of(of_image()))["notes"] == []


def test_an_image_whose_patches_are_unknown_has_numbers_and_a_reason():
    one = dataclasses.replace(of_image(), grids=(None, None))
    data = stored(page_of(one))
    assert data["image"] is None
    assert data["tokens"] == list("01234567")
    assert data["notes"] == [one.remark]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = shutil.which("chromedriver")
    binary = shutil.which("chromium")
    if driver is None or binary is None:
        assert "CI" not in os.environ, "Chromium and its driver are part of what is tested"
        pytest.skip("needs Chromium: apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    folder = tmp_path_factory.mktemp("browser")
    for word in ("headless=new", "no-sandbox", "disable-gpu", f"user-data-dir={folder}"):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield running
    running.quit()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1000, 390])
def test_a_person_finds_where_a_token_attends(browser, tmp_path, width):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    one = weights()
    browser.set_window_size(width, 800)
    browser.get(one.save_html(tmp_path / "heads.html").as_uri())

    def tokens():
        return browser.find_elements(By.CSS_SELECTOR, "#queries button")

    def said():
        text = browser.find_element(By.ID, "said").text
        return re.sub("[\u2066-\u2069]", "", text)

    def expected(layer, head, query):
        row = one[layer][0, head, query, :5]
        best = int(row.argmax())
        return f"{TOKENS[query]} attends to: {TOKENS[best]} {row[best]:.3f}"

    assert [token.text for token in tokens()] == TOKENS[:5]
    assert said().startswith(expected(1, 0, 0))
    ActionChains(browser).move_to_element(tokens()[2]).perform()
    assert said().startswith(expected(1, 0, 2))
    tokens()[2].click()
    ActionChains(browser).send_keys(Keys.ARROW_DOWN).perform()
    assert said().startswith(expected(1, 0, 3))
    browser.find_element(By.CSS_SELECTOR, "#heads button[data-at='0,1']").click()
    assert said().startswith(expected(0, 1, 3))
    browser.find_element(By.CSS_SELECTOR, "summary").click()
    cells = [one.text for one in browser.find_elements(By.CSS_SELECTOR, "#most td")]
    token, other, weight = one.most_attended()[1]
    assert cells[3:6] == [token, other, f"{weight:.3f}"]
    heights = [
        browser.execute_script("return document.getElementById(arguments[0]).offsetHeight", name)
        for name in ("queries", "lines", "keys")
    ]
    assert len(set(heights)) == 1  # lines end at their tokens
    inside = browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert inside
    assert browser.get_log("browser") == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [1000, 390])
def test_a_person_finds_where_a_patch_attends(browser, tmp_path, width):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    one = of_image()
    names = one.labels()
    browser.set_window_size(width, 900)
    browser.get(one.save_html(tmp_path / "image.html").as_uri())

    def find(selector):
        return browser.find_elements(By.CSS_SELECTOR, selector)

    def said():
        return re.sub("[\u2066-\u2069]", "", find("#said")[0].text)

    def expected(layer, head, query):
        row = one[layer][0, head].mean(axis=0) if query is None else one[layer][0, head, query]
        name = "The mean over all tokens" if query is None else names[query]
        best = int(row.argmax())
        return f"{name} attends to: {names[best]} {row[best]:.3f}"

    def drawn(selector):
        """Opacity of each patch of a map, (2, 3), 1 the strongest."""
        numbers = browser.execute_script(
            "const c = document.querySelector(arguments[0]);"
            "return [...c.getContext('2d').getImageData(0, 0, 3, 2).data]",
            selector,
        )
        return np.reshape(numbers, (2, 3, 4))[..., 3] / (255 * 0.8)

    def heat(layer, head, query):
        found = GRID.on_patches(one[layer][0, head, query])
        return (found / found.max()) ** 0.9

    patches = find("#patches button")
    assert [patch.get_attribute("aria-label") for patch in patches] == names[2:]
    assert [button.text for button in find("#others button")] == [
        "mean over all tokens", "class token", "extra token 1"
    ]  # fmt: skip
    assert said().startswith(expected(1, 0, 0))  # the class token, in the last layer
    np.testing.assert_allclose(drawn("#heat"), heat(1, 0, 0), atol=0.01)
    ActionChains(browser).move_to_element(patches[4]).perform()
    assert said().startswith(expected(1, 0, 6))
    np.testing.assert_allclose(drawn("#heat"), heat(1, 0, 6), atol=0.01)
    ActionChains(browser).move_to_element(find("h1")[0]).perform()
    assert said().startswith(expected(1, 0, 0))  # a look is not kept
    patches[4].click()
    ActionChains(browser).send_keys(Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT).perform()
    assert said().startswith(expected(1, 0, 4))  # row 0, column 2: the last column
    reached = [patch.get_attribute("tabindex") == "0" for patch in patches]
    assert reached == [False, False, True, False, False, False]
    find("#heads button[data-at='0,1']")[0].click()
    ActionChains(browser).move_to_element(find("h1")[0]).perform()
    assert said().startswith(expected(0, 1, 4))
    find("#others button")[0].click()
    assert said().startswith(expected(0, 1, None))
    patches[0].click()
    browser.execute_async_script(
        "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"
    )
    np.testing.assert_allclose(
        drawn("#heads button[data-at='1,1'] canvas"), heat(1, 1, 2), atol=0.01
    )
    readings = [line["message"] for line in browser.get_log("browser")]
    assert all("getImageData" in line for line in readings)  # those of this test
    boxes = [
        browser.execute_script("return arguments[0].getBoundingClientRect().toJSON()", element)
        for element in (patches[5], *find("#stage"), *find("#photo"))
    ]
    corners = [(box["right"], box["bottom"]) for box in boxes]
    np.testing.assert_allclose(corners, [corners[0]] * 3, atol=0.6)  # the grid fills the picture
    assert boxes[1]["width"] / boxes[1]["height"] == pytest.approx(1.5, abs=0.01)
    inside = browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert inside
    assert browser.get_log("browser") == []
