"""What the terminal says of values that are not to be trusted, from records made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tests.plotting.examples import attribution
from tfxai.cli.explained import ExplainedImage
from tfxai.cli.explaining import _record, remark_on_values

OFF = {"baseline_score": np.array([0.5]), "completeness_gap": np.array([0.5])}


def of(name, **options):
    return {"method": {"name": name, "options": options}}


@pytest.fixture
def said(capsys):
    """The lines that are said of some attributions of one image."""

    def said(*attributions):
        source = cast(Any, SimpleNamespace(name="photo.png"))
        remark_on_values(ExplainedImage(source, [], list(attributions)))
        shown = capsys.readouterr()
        assert shown.out == ""
        return shown.err.splitlines()

    return said


MISSED = "photo.png: The values of {} miss the score's difference to the baseline by 25%. {}"


@pytest.mark.parametrize(
    ("name", "options", "advice"),
    [
        (
            "integrated_gradients",
            {"steps": 50, "tolerance": None},
            "Pass --option tolerance=0.01, which takes as many steps as an example needs.",
        ),
        (
            "gradient_shap",
            {"samples": 50},
            "Pass more samples than 50 (--option samples=NUMBER).",
        ),
        (
            "integrated_gradients",
            {"steps": 50, "tolerance": 0.05, "max_steps": 1025},
            "tolerance=0.05 was not reached with max_steps=1025; pass more (--option "
            "max_steps=NUMBER), or explain a smoother score.",
        ),
        (
            "integrated_gradients",
            {"steps": 50, "tolerance": 0.25, "max_steps": 1025},
            "Pass --option tolerance=0.01, which is narrower than 0.25.",
        ),
    ],
)
def test_a_gap_is_told_of_with_the_option_that_mends_it(said, name, options, advice):
    one = attribution([[1.5]], [[1.0]], **OFF, **of(name, **options))
    assert said(one) == [MISSED.format(name, advice)]


def test_a_gap_that_nothing_mends_has_no_advice(said):
    one = attribution([[1.5]], [[1.0]], **OFF, **of("deep_lift"))
    assert said(one) == [MISSED.format("deep_lift", "").rstrip()]


def test_zeros_held_inputs_and_notes_are_told_of_behind_the_image_s_name(said):
    one = attribution([[0.0]], [[1.0]], held=("age",), notes=("It is dark.",), **of("saliency"))
    assert said(one) == [
        "photo.png: It is dark.",
        "photo.png: Input 'age' was held fast by saliency and got no values.",
        "photo.png: saliency is zero everywhere: nothing that it looks at speaks for the target.",
    ]


def test_what_two_methods_share_is_told_of_once(said):
    ones = [
        attribution([[1.0]], [[1.0]], held=("age",), **of(name)) for name in ("saliency", "lime")
    ]
    assert said(*ones) == [
        "photo.png: Input 'age' was held fast by saliency and lime and got no values."
    ]


def test_nothing_is_said_where_values_add_up(said):
    gap = {"baseline_score": np.array([0.5]), "completeness_gap": np.array([0.01])}
    assert said(attribution([[2.0]], [[1.0]], **gap, **of("integrated_gradients", steps=9))) == []


def test_a_score_that_is_not_finite_is_null_in_the_record():
    one = attribution([[2.0]], [[1.0]], baseline_score=np.array([np.nan]), **of("saliency"))
    record = _record(one)
    assert (record["score"], record["baseline_score"]) == (2.5, None)
