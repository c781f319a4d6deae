"""What records say of themselves in a line, and in a notebook."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.plotting.examples import attribution
from tfxai.auditing import Audit, Effect
from tfxai.concepts.cav import ConceptVector
from tfxai.concepts.data import Concept
from tfxai.concepts.discovered import DiscoveredConcept
from tfxai.concepts.strength import ConceptStrength
from tfxai.debugging import Debugging, Mistake
from tfxai.features.accentuation import Accentuation
from tfxai.features.deep_dream import Dream
from tfxai.features.paths import PathSimilarity
from tfxai.features.top_images import TopImages
from tfxai.features.trust import Trust
from tfxai.features.visualisation import Visualisation
from tfxai.influence import Suspect
from tfxai.metrics.evaluation import Column, Evaluation
from tfxai.metrics.measurement import Measurement
from tfxai.metrics.statistics import Difference, paired
from tfxai.plotting.contact_sheet import plot_sheet
from tfxai.sanity.result import SanityResult

PICTURES = np.random.default_rng(0).integers(0, 256, (10, 6, 6, 3), np.uint8)
ONE = np.full(10, 0.75)
LEFT = ' style="text-align:left"'
NAUGHTY = "<script>alert('x')</script>"


def measured(name="gradient_input", shift=0.0):
    values = np.linspace(0, 1, 20) + shift
    return Measurement(values, {"name": "srg", "options": {}}, {"name": name, "options": {}}, True)


def evaluated():
    ones = {name: measured(name, shift) for name, shift in (("a", 1.0), ("random", 0.0))}
    lead = paired(ones["a"].values, ones["random"].values, higher_is_better=True, seed=0)
    column = Column("mu_fidelity", "mean", ones, {"random": {"a": lead}})
    return Evaluation(("a",), ("random",), (column,), {"a": 0.1, "random": 0.0}, 20, {}, 0)


EFFECT = Difference(0.3, 0.2, 0.4, 0.01, 20, 0.02)


def debugged(count):
    """That many mistakes of one model about pictures whose class has that name."""
    names = (NAUGHTY, "Dog")
    one = attribution(
        np.random.default_rng(1).normal(size=(count, 6, 6, 3)),
        np.random.default_rng(2).uniform(size=(count, 6, 6, 3)),
        axes="HWC", target=np.zeros(count, int), class_names=names,
    )  # fmt: skip
    mistakes = tuple(
        Mistake(i, 1, 0, ((0, 0.9), (1, 0.1)), 0.1, 2, 0.3, None, None, names, 0.1, True)
        for i in range(count)
    )
    other = dataclasses.replace(one, target=np.ones(count, int))
    suspects = (Suspect(3, 1, 0, 2.0),)
    return Debugging(mistakes, 90, count, ((1, 0, count),), one, other, names, suspects)


def audited(count):
    """An audit of that many regions, of which the last one is used."""
    calm = dataclasses.replace(EFFECT, mean=0.01, adjusted=0.9)
    effects = [Effect(f"rows {i}", "pulled", "Cat", calm) for i in range(count - 1)]
    return Audit((*effects, Effect(NAUGHTY, "pulled", "Dog", EFFECT, 0.4)), 20, 0.1)


def discovered(crops):
    """One concept of three crops, or of none that can be drawn."""
    strength = ConceptStrength(NAUGHTY, np.eye(2), 0)
    boxes = np.array([[0, 0, 3, 3]] * 3)
    return DiscoveredConcept(
        number=0, score=strength, importance=0.4, error=0.01, drop=1.5, similarity=0.95,
        comes_back=True, images=np.arange(3), boxes=boxes, strengths=np.ones(3), crops=crops,
    )  # fmt: skip


RECORDS = {
    "debugging": (debugged(7), "Debugging(7 of 90 examples are misclassified)"),
    "audit": (audited(30), "Audit(1 of 30 effects, 20 images)"),
    "concept": (Concept(NAUGHTY, PICTURES), f"Concept({NAUGHTY!r}, 10 images of (6, 6, 3))"),
    "discovered": (
        discovered(PICTURES[:3] / 255),
        f"DiscoveredConcept('concept 1' of {NAUGHTY!r}: importance 0.40, similarity 0.95)",
    ),
    "dream": (
        Dream(PICTURES[0], ("conv1",), np.array([[1.0, 2.0], [1.5, 3.0]]), ((4, 4), (6, 6))),
        "Dream('conv1', image (6, 6, 3), 2 octaves)",
    ),
    "visualisation": (
        Visualisation(PICTURES, (NAUGHTY, *"bcdefghij"), ONE, np.zeros((1, 10)), remarks=("Hm.",)),
        f"Visualisation(10 pictures: {NAUGHTY!r}, 'b', 'c', 'd', 'e', 'f', 'g', 'h', and 2 more)",
    ),
    "top images": (
        TopImages(
            "conv", 3, "activation", np.arange(2), ONE[:2], np.zeros((2, 2), int), PICTURES[:2],
            np.array([[0, 0, 3, 3], [1, 1, 5, 5]]),
        ),
        "TopImages(channel 3 of 'conv' by activation, 2 images)",
    ),
    "accentuation": (
        Accentuation(PICTURES[:2], PICTURES[2:4], ("a", "b"), *[ONE[:2]] * 3, "conv"),
        "Accentuation(2 pictures near 'conv': 'a', 'b')",
    ),
    "measurement": (
        measured(),
        f"Measurement(srg of gradient_input: 0.5, 95 % from {measured().interval()[0]:.4g} to "
        f"{measured().interval()[1]:.4g}, 20 of 20 examples)",
    ),
    "sanity": (
        SanityResult(
            *[np.full((4, 2), 0.1)] * 3, ("a", "b"), {"name": "check", "options": {}},
            {"name": "saliency", "options": {}}, 0.5,
        ),
        None,
    ),
    "evaluation": (evaluated(), "Evaluation(1 methods, 1 columns, 20 examples)"),
    "trust": (
        Trust(np.array([0.9, np.nan]), np.array([0.8, np.nan]), np.array([0.7, np.nan])),
        "Trust(1 of 1 pictures of classes hold)",
    ),
    "paths": (
        PathSimilarity(("a", "b"), np.full((3, 2), 0.25), np.full((4, 2), 0.75)),
        "PathSimilarity(3 pictures, 2 layers: mean 0.25, natural images 0.75)",
    ),
    "vector": (
        ConceptVector(np.ones(4), 0.9, "conv", NAUGHTY, "random"),
        f"ConceptVector({NAUGHTY!r} against 'random' at 'conv': held-out accuracy 0.90)",
    ),
}  # fmt: skip
DRAWN = (
    "debugging",
    "concept",
    "discovered",
    "dream",
    "visualisation",
    "top images",
    "accentuation",
    "measurement",
    "sanity",
)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_short(name):
    record, line = RECORDS[name]
    assert repr(record) == (line or repr(record))
    assert len(repr(record)) < 200
    assert "array(" not in repr(record)


@pytest.mark.parametrize("name", [name for name in RECORDS if name != "trust"])
def test_a_notebook_shows_a_record_and_runs_nothing(name):
    shown = RECORDS[name][0]._repr_html_()
    assert "<code>" in shown
    assert "<script>" not in shown
    assert len(shown) < 400_000


@pytest.mark.parametrize("name", DRAWN)
def test_the_figure_of_a_record_is_inside(name):
    (picture,) = re.findall(r"base64,([^\"]+)", RECORDS[name][0]._repr_html_())
    dots = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))
    assert dots.std() > 1  # no blank page


def test_of_many_pictures_the_first_are_shown():
    shown = RECORDS["visualisation"][0]._repr_html_()
    assert "2 more pictures, in plot()" in shown
    assert "Hm." in shown
    few = Visualisation(PICTURES[:8], tuple("abcdefgh"), ONE[:8], np.zeros((1, 8)))
    assert "more pictures" not in few._repr_html_()


def test_the_table_of_an_evaluation_has_its_numbers():
    shown = evaluated()._repr_html_()
    for word in (
        "mu_fidelity",
        "Better than random",
        "random (control)",
        "1.5",
        "Recommended: a.",
    ):
        assert word in shown


def test_a_dream_is_drawn_with_how_much_its_layers_rose():
    dream = RECORDS["dream"][0]
    figure = dream.plot(title="A dream")
    words = [text.get_text() for text in figure.texts]
    assert {"A dream", "conv1", "activations 1.5 to 3"} <= set(words)
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), dream.image / 255)
    assert len(plot_sheet(dream.image[None], ["a"], [""]).axes) == 1


def test_of_many_mistakes_the_first_are_shown():
    shown = debugged(7)._repr_html_()
    escaped = html.escape(NAUGHTY)
    assert shown.count(f"{escaped} instead of Dog, 90% against 10%") == 4
    assert "3 more in mistakes" in shown
    assert "1, in suspects" in shown
    few = debugged(2)._repr_html_()
    assert "more in mistakes" not in few
    assert f"<td{LEFT}>Dog</td><td{LEFT}>{escaped}</td><td{LEFT}>2</td>" in few
    none = Debugging((), 5, 0, (), None, None, None)._repr_html_()
    assert "Nothing is misclassified" in none
    assert "base64" not in none


def test_what_is_used_comes_first_in_an_audit():
    shown = audited(30)._repr_html_()
    assert f"The model uses {html.escape(NAUGHTY)}: it alone moves answers towards Dog" in shown
    first = shown.split("<tr>")[-12]
    assert html.escape(NAUGHTY) in first
    for text in ("pulled *", "+30.0%", "+20.0% to +40.0%", "0.02", "40%"):
        assert text in first
    assert "18 more" in shown
    assert "24 more in sentences()" in shown


def test_concepts_without_colours_are_told_in_words():
    for shown in (
        Concept("spectra", np.random.default_rng(0).normal(size=(10, 7)))._repr_html_(),
        discovered(None)._repr_html_(),
    ):
        assert "base64" not in shown
        assert "<table>" in shown
    assert "10, 10 of them different" in Concept("a", PICTURES)._repr_html_()


def test_what_cannot_be_drawn_is_said_in_a_sentence():
    nothing = Measurement(
        np.full(3, np.nan), {"name": "srg", "options": {}}, {"name": "a", "options": {}}, True
    )
    shown = nothing._repr_html_()
    assert "base64" not in shown
    assert "<p>" in shown
