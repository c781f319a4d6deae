import numpy as np
import pytest

from tests.attributions import attribution

GAPPY = {
    "score": np.array([2.0, 2.0]),
    "baseline_score": np.array([0.0, 0.0]),
    "method": {
        "name": "integrated_gradients",
        "options": {"steps": 50, "tolerance": None, "baseline": None},
    },
}


def test_a_gap_over_a_tenth_is_remarked_on_with_its_example_and_the_option_that_mends_it():
    one = attribution(completeness_gap=np.array([0.1, -0.5]), **GAPPY)
    assert one.remarks == [
        "The values of integrated_gradients miss the score's difference to the baseline by 25% "
        "(example 1 of 2). Pass tolerance=0.01, which takes as many steps as an example needs."
    ]
    assert one[0].remarks == []


def test_more_samples_are_advised_where_there_is_no_tolerance():
    method = {"name": "gradient_shap", "options": {"samples": 50}}
    one = attribution(completeness_gap=np.array([1.0, 1.0]), **{**GAPPY, "method": method})
    assert one.remarks[0].endswith("by 50% (all 2 examples). Pass more samples than 50.")


def test_a_missed_tolerance_is_remarked_on_though_the_gap_is_small():
    options = {"tolerance": 0.01, "max_steps": 33}
    method = {"name": "integrated_gradients", "options": options}
    one = attribution(completeness_gap=np.array([0.06, 0.01]), **{**GAPPY, "method": method})
    (sentence,) = one.remarks
    assert "by 3.0% (example 0 of 2). tolerance=0.01 was not reached with max_steps=33" in sentence


def test_a_tolerance_that_lets_a_large_gap_pass_is_not_called_missed():
    options = {"tolerance": 0.3, "max_steps": 33}
    method = {"name": "integrated_gradients", "options": options}
    one = attribution(completeness_gap=np.array([0.5, 0.5]), **{**GAPPY, "method": method})
    (sentence,) = one.remarks
    assert sentence.endswith("Pass tolerance=0.01, which is narrower than 0.3.")


@pytest.mark.parametrize("score", [1000.0, 3e-9])
def test_a_gap_of_rounding_is_no_gap(score):
    scores = {"score": np.full(2, score, "f4"), "baseline_score": np.full(2, score, "f4")}
    one = attribution(completeness_gap=np.full(2, score * 1e-6), **{**GAPPY, **scores})
    assert one.remarks == []


def test_what_is_zero_everywhere_is_remarked_on_but_not_a_difference_of_equals():
    values = np.stack([np.zeros((2, 2, 2)), np.ones((2, 2, 2))])
    one = attribution(values=values)
    assert one.remarks == [
        "saliency is zero everywhere (example 0 of 2): nothing that it looks at speaks for the "
        "target."
    ]
    assert (one - one).remarks == []


def test_held_inputs_and_notes_are_remarked_on():
    one = attribution(held=("tokens",), notes=("The input looks dark.",))
    assert one.remarks == [
        "The input looks dark.",
        "Input 'tokens' was held fast by saliency and got no values.",
    ]


def test_axes_held_and_notes_come_back_from_a_file(tmp_path):
    one = attribution(held=("tokens",), notes=("A note.",), axes="CHW", layer_axes="TC")
    again = type(one).load(one.save(tmp_path / "one"))
    assert (again.held, again.notes) == (("tokens",), ("A note.",))
    assert (again.axes, again.layer_axes) == ("CHW", "TC")


def test_zeros_beside_a_gap_are_told_as_the_gap_and_zeros_of_equal_scores_as_such():
    values = np.zeros((2, 2, 2, 2))
    gone = attribution(values, completeness_gap=np.array([-2.0, -2.0]), **GAPPY)
    assert ["by 100%" in one for one in gone.remarks] == [True]
    same = {**GAPPY, "score": np.zeros(2)}
    (sentence,) = attribution(values, completeness_gap=np.zeros(2), **same).remarks
    assert "the same at the baseline and at the input" in sentence


def test_a_layer_that_a_part_of_the_score_passes_by_is_named():
    method = {"name": "conductance", "options": {"layer": "conv1", "steps": 50}}
    one = attribution(completeness_gap=np.array([1.0, 1.0]), **{**GAPPY, "method": method})
    assert one.remarks[0].endswith("pass through layer 'conv1', or 50 steps are too few.")
