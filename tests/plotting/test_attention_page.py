"""The page of attention heads, in a real browser without a window."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil

import numpy as np
import pytest

from tfxai.attention_weights import AttentionWeights
from tfxai.errors import InvalidInputError
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
    page = weights().save_html(tmp_path / "heads.html").read_text(encoding="utf-8")
    assert re.findall(r"(?:src|href)=|https?://", page) == []
    assert page.count("</script>") == 2  # those of the page, and none of the text


def test_bad_choices_are_refused():
    with pytest.raises(InvalidInputError, match="no example 4"):
        page_of(weights(), 4)


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
