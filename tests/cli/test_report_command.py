"""`tfxai report` writes the page of the library, and refuses what cannot be."""

from html import unescape
from pathlib import Path

import pytest

from tests.cli.pictures import picture

FAST = ("-m", "gradient_input", "-m", "saliency")


@pytest.fixture
def photos(place):
    for number in range(3):
        picture(f"photos/{('frog', 'cat', 'ship')[number]}/{number}.png", (32, 32), number)
    return place / "photos"


def test_a_folder_becomes_a_page(run, photos):
    done = run("report", "tiny", photos, *FAST, "--out", "pages/one.html")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == "pages/one.html"
    text = unescape(Path("pages/one.html").read_text())
    assert text.count('aria-labelledby="image-') == 3
    for word in ("Labelled <strong>frog</strong>", "2.png", "Gradient × Input", "Saliency"):
        assert word.lower() in text.lower()


def test_metrics_and_checks_are_asked_for(run, photos):
    words = ("--metric", "srg", "--fill", "mean", "--sanity", "--out", "page.html")
    done = run("report", "tiny", photos, "-m", "gradient_input", *words)
    assert done.exit_code == 0, done.stderr
    text = Path("page.html").read_text()
    for word in ("srg, fill mean", "random_map", "gradient_input passes parameter_", "95 %"):
        assert word in text or word.replace("passes", "fails") in text


def test_a_folder_is_sampled(run, photos):
    done = run("report", "tiny", "--data", photos, "--limit", 2, *FAST, "--out", "few.html")
    assert done.exit_code == 0, done.stderr
    assert Path("few.html").read_text().count('aria-labelledby="image-') == 2


def test_nothing_or_both_is_refused(fails, photos):
    assert "Nothing came to explain" in fails("report", "tiny")
    assert "IMAGE and --data came" in fails("report", "tiny", photos, "--data", photos)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--out", "page.pdf"), "was expected to end in .html"),
        (("--fill", "mean"), "--fill came without --metric"),
        (("--metric", "srq"), "srq"),
        (("-m", "salience"), "salience"),
    ],
)
def test_what_cannot_be_is_one_sentence(fails, photos, words, sentence):
    assert sentence in fails("report", "tiny", photos, *words)
