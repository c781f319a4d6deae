"""Words about an attribution, letter by letter."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.plotting.examples import CLASSES, attribution
from tfxai.data.preprocessing import Preprocessing
from tfxai.plotting.labels import (
    explained,
    facts,
    method_title,
    number,
    options,
    predicted_text,
    prediction_text,
    shortened,
    value_text,
)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("saliency", "Saliency"),
        ("integrated_gradients", "Integrated Gradients"),
        ("grad_cam", "Grad-CAM"),
        ("guided_grad_cam", "Guided Grad-CAM"),
        ("kernel_shap", "Kernel SHAP"),
        ("smooth_grad", "SmoothGrad"),
    ],
)
def test_titles_are_spelt_as_in_the_papers(name, title):
    assert method_title(name) == title


def test_a_long_name_is_cut_with_an_ellipsis():
    assert shortened("a long name", 6) == "a lon…"
    assert shortened("short", 5) == "short"


def test_numbers_have_four_digits_and_a_true_minus():
    assert number([-1234.5678]) == "\N{MINUS SIGN}1235"
    assert number(0.00012347) == "0.0001235"


def test_a_class_without_a_name_is_an_output():
    assert explained(attribution([[1.0]], [[1.0]], class_names=None)) == "Output 0"
    one = attribution([[1.0]], [[1.0]], probability=np.array([0.5]))
    assert explained(one) == "Cat, probability 50.0%"


def test_another_score_than_a_class_is_the_title():
    one = attribution([[1.0]], [[1.0]], score_name="Cat rather than Dog")
    assert explained(one) == "Cat rather than Dog"
    sure = dataclasses.replace(one, probability=np.array([0.9]))
    assert explained(sure) == "Cat rather than Dog, probability of Cat 90.0%"
    one = attribution([[1.0]], [[1.0]], score_name="mean_mask_logit")
    assert explained(one) == "Mean mask logit"
    assert facts(one)[0].startswith("score ")


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"score_name": "output", "class_names": None}, "Output"),  # a regressor's only one
        ({"score_name": "output", "class_names": None, "prediction": np.array([1])}, "Output 0"),
        ({"score_name": "output", "target": np.array([-1])}, "Output"),
        ({"score_name": "output"}, "Cat"),
        ({"score_name": "Cat rather than Dog", "target": np.array([-1])}, "Cat rather than Dog"),
        ({"score_name": "neuron 5 of conv3", "target": np.array([-1])}, "Neuron 5 of conv3"),
        ({"target": np.array([[4, 5, 0]])}, "Output (4, 5, 0)"),
        ({"target": np.array([7])}, "Output 7"),  # beyond the names
    ],
)
def test_the_headline_is_a_class_only_where_one_is_explained(fields, title):
    assert explained(attribution([[1.0]], [[1.0]], **fields)) == title


def test_a_value_is_said_of_an_output_that_is_no_class():
    regression = {"score_name": "output", "class_names": None, "score": np.array([21.37])}
    assert value_text(attribution([[1.0]], [[1.0]], **regression)) == "value 21.37"
    for other in ({"class_names": CLASSES}, {"probability": np.ones(1)}, {"score_name": "logit"}):
        assert value_text(attribution([[1.0]], [[1.0]], **{**regression, **other})) == ""


def test_a_prediction_is_named_where_another_class_is_explained():
    one = attribution([[1.0]], [[1.0]], prediction=np.array([1]), class_names=("Cat", "Dog"))
    assert prediction_text(one) == "the model predicts Dog"
    same = attribution([[1.0]], [[1.0]], prediction=np.array([0]), class_names=("Cat", "Dog"))
    assert prediction_text(same) == ""
    assert prediction_text(attribution([[1.0]], [[1.0]])) == ""


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"class_names": None}, "the model predicts output 1"),  # a logit
        ({"class_names": None, "score_name": "output"}, "output 1 is the largest"),
        ({"score_name": "output"}, "the model predicts Dog"),
    ],
)
def test_a_number_is_no_prediction_of_a_class(others, said):
    one = attribution([[1.0]], [[1.0]], prediction=np.array([1]), **others)
    assert prediction_text(one) == predicted_text(one) == said
    same = attribution([[1.0]], [[1.0]], prediction=np.array([0]), **others)
    assert prediction_text(same) == ""
    assert predicted_text(same) != ""


def test_options_are_said_in_few_words():
    options = {
        "layer": "conv",
        "background": {"name": "samples", "options": {"array": [[0.0], [1.0]]}},
        "of": {"name": "saliency", "options": {"absolute": False}},
        "baseline": {"name": "blur", "options": {"sigma": None}},
        "mask": [[0.0]],
        "tolerance": None,
    }
    one = attribution([[1.0]], [[1.0]], method={"name": "x", "options": options}, at="conv")
    assert " ".join(facts(one)[1:]) == (
        "layer=conv, background=2 baselines, of=saliency(absolute=False), baseline=blur, "
        "mask=(an array)"
    )


def test_a_difference_and_an_empty_map_say_so():
    one = attribution([[0.0]], [[1.0]])
    assert "zero everywhere" in facts(one)
    assert facts(attribution([[1.0]], [[1.0]]) - one)[0].startswith("difference in logit ")


@pytest.mark.parametrize(
    ("gap", "baseline", "line"),
    [
        (0.02, 0.5, "completeness gap +0.02 (1.00%)"),
        (1e-7, 0.5, "completeness gap +1e\N{MINUS SIGN}07 (<0.01%)"),
        (np.nan, np.nan, "completeness gap unknown"),
        (-np.inf, np.inf, "completeness gap unknown"),
        (1e-7, 2.5, "completeness gap +1e\N{MINUS SIGN}07"),  # no difference to have a share of
    ],
)
def test_the_gap_is_said_with_its_share_of_the_difference(gap, baseline, line):
    one = attribution(
        [[1.0]],
        [[1.0]],
        baseline_score=np.array([baseline]),
        completeness_gap=np.array([gap]),
    )
    assert line in facts(one)


def test_a_gap_without_a_baseline_is_a_number():
    one = attribution([[1.0]], [[1.0]], completeness_gap=np.array([0.25]))
    assert "completeness gap 0.25" in facts(one)


def test_a_method_without_options_has_no_line_for_them():
    one = attribution([[1.0]], [[1.0]], method={"name": "x", "options": {"layer": None}})
    assert facts(one) == ["logit 2.5"]


def test_options_are_short_whatever_they_are():
    options = {
        "steps": 8,
        "baseline": None,
        "rule": "riemann_left",
        "of": {"name": "saliency", "options": {}},
        "mask": [[1, 2], [3, 4]],
    }
    one = attribution([[1.0]], [[1.0]], at="conv", method={"name": "x", "options": options})
    assert facts(one, width=99) == [
        "logit 2.5",
        "at layer conv",
        "steps=8, baseline=0, rule=riemann_left, of=saliency, mask=(an array)",
    ]


ROW, PIXELS = np.ones((1, 2)), np.ones((1, 2, 2, 3), np.float32)
WORDS = np.array([["red"]])


@pytest.mark.parametrize(
    ("inputs", "others", "word"),
    [
        (ROW, {}, "0"),
        (PIXELS, {"preprocessing": Preprocessing("tf")}, "black"),
        (PIXELS, {}, "0"),
        ({"a": ROW, "b": WORDS}, {"values": {"a": ROW, "b": ROW[:, :1]}}, "0, empty text"),
        ({"a": ROW, "b": WORDS}, {"values": {"a": ROW}, "held": ("b",)}, "0"),
        (
            {"image": PIXELS, "age": np.array([[3]])},
            {"preprocessing": Preprocessing("tf"), "values": {"image": PIXELS}},
            "black, 0",
        ),
    ],
    ids=["table", "pixels", "plain", "mixed", "held", "image and count"],
)
def test_the_usual_baseline_is_named(inputs, others, word):
    values = others.pop("values", inputs)
    inner = {"name": "integrated_gradients", "options": {"steps": 5, "baseline": None}}
    outer = {"name": "smooth_grad", "options": {"of": inner}}
    for method, line in (
        (inner, {"steps": "5", "baseline": word}),
        (outer, {"of": f"integrated_gradients(steps=5, baseline={word})"}),
    ):
        assert options(attribution(values, inputs, method=method, **others)) == line


def test_a_baseline_that_is_given_or_plays_no_part_stays_as_it_is():
    inner = {"name": "integrated_gradients", "options": {"baseline": None}}
    both = {"name": "xrai", "options": {"of": inner, "black_and_white": True}}
    assert options(attribution([[1.0]], [[1.0]], method=both))["of"] == "integrated_gradients"
    given = {"name": "x", "options": {"baseline": "white"}}
    assert options(attribution([[1.0]], [[1.0]], method=given)) == {"baseline": "white"}
    none = {"name": "saliency", "options": {}}
    assert options(attribution([[1.0]], [[1.0]], method=none)) == {}
