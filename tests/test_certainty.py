"""Which values are certain, by hand, and how figures show it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import tfxai
from tests import builders
from tfxai.attribution import Attribution
from tfxai.certainty import certain_map
from tfxai.errors import InvalidInputError
from tfxai.plotting import pictures, style


def given(values, error, **fields):
    """An attribution with those values and standard errors, of inputs shaped like them."""
    values = np.asarray(values, float)
    zeros = np.zeros(len(values))
    details = {} if error is None else {"standard_error": np.asarray(error, float)}
    about = {"axes": {2: "F", 4: "HWC"}[values.ndim], **fields}
    return Attribution(
        values=values,
        inputs=np.zeros_like(values),
        target=zeros.astype(np.int32),
        score=zeros,
        method={"name": "own", "options": {}},
        score_name="output",
        details=details,
        **about,
    )


def test_a_value_is_certain_from_so_many_errors_on():
    a = given([[1.97, -1.97, 1.95, 0.0]], np.ones((1, 4)))
    np.testing.assert_array_equal(a.certain(), [[True, True, False, False]])
    np.testing.assert_array_equal(a.certain(0.9), [[True, True, True, False]])
    np.testing.assert_array_equal(a.certain(0.99), [[False] * 4])
    np.testing.assert_array_equal(given([[1.0, 0.0]], [[0.0, 0.0]]).certain(), [[True, False]])


def test_a_top_value_counts_where_it_leads_the_first_that_is_not():
    values = [[10.0, -9.0, 5.0, 4.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]
    error = np.ones((1, 10))
    # of the top three the lead over 4 has to exceed 1.96 sqrt(2) = 2.77
    np.testing.assert_array_equal(given(values, error).certain_top(0.3), [2])
    np.testing.assert_array_equal(given(values, 0.3 * error).certain_top(0.3), [3])
    np.testing.assert_array_equal(given(values, 5 * error).certain_top(0.3), [0])
    np.testing.assert_array_equal(given(values, error).certain_top(0.01), [0])  # one, beside 9
    for share, sentence in ((0.0, "share=0.0"), (0.99, "is all of them")):
        with pytest.raises(InvalidInputError, match=sentence):
            given(values, error).certain_top(share)


def test_sampling_methods_say_how_many_of_the_top_tenth_are_certain():
    model, x = builders.functional(), builders.images(3)
    for method in (tfxai.SmoothGrad(samples=200), tfxai.KernelSHAP(samples=150)):
        a = method(model, x, 1)
        np.testing.assert_array_equal(a.details["certain_top"], a.certain_top(0.1, 0.95))
        assert a.details["certain_top"].shape == (3,)
    assert "certain_top" not in tfxai.SmoothGrad(samples=1)(model, x, 1).details
    assert "certain_top" not in tfxai.GradientInput()(model, x, 1).details


def test_top_values_of_more_samples_are_more_certain():
    model, x = builders.functional(), builders.images(3)
    few, many = (
        tfxai.SmoothGrad(samples=n)(model, x, 1).certain_top(0.2).sum() for n in (20, 2000)
    )
    assert few < many


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # the sum 1.5 beside errors that add up to 1; of the second 4 beside 1
        ({}, [[False, True]]),
        ({"channels": "max_abs"}, [[True, True]]),
        ({"axes": "CHW"}, None),
    ],
)
def test_a_position_is_certain_by_its_channels(fields, expected):
    values = np.array([[[[2.5, -1.0], [4.0, 0.0]]]])
    error = np.full_like(values, 0.5)
    if expected is None:
        values, error = (array.transpose(0, 3, 1, 2) for array in (values, error))
        expected = [[False, True]]
    np.testing.assert_array_equal(certain_map(given(values, error, **fields))[0], expected)


def test_what_is_not_certain_is_grey():
    values = np.array([[[[4.0], [1.0]], [[-4.0], [-1.0]]]])
    a = given(values, np.ones_like(values))
    shown, plain = pictures(a, style="heatmap", certain=True)[0], pictures(a, style="heatmap")[0]
    np.testing.assert_allclose(shown[:, 1], [to_rgb(style.FAINT)] * 2, atol=0.01)
    np.testing.assert_array_equal(shown[:, 0], plain[:, 0])
    for look in ("overlay", "mask", "contour"):
        assert np.isfinite(pictures(a, style=look, certain=True)[0]).all()
    zero = dataclasses.replace(a, values=np.where(np.abs(values) > 2, values, 0.0))
    overlay = pictures(a, style="overlay", certain=True)[0]
    np.testing.assert_allclose(overlay, pictures(zero, style="overlay")[0], atol=1e-6)
    heat = a.plot(certain=True).axes[1].images[0].get_array()
    np.testing.assert_array_equal(np.isnan(np.ma.filled(heat, np.nan)), [[False, True]] * 2)


def test_what_has_no_errors_is_refused():
    for one in (given([[1.0, 2.0]], None), given([[1.0, 2.0]], [1.0])):
        for ask in (one.certain, one.certain_top):
            with pytest.raises(InvalidInputError, match="has no standard error of each value"):
                ask()
    with pytest.raises(InvalidInputError, match=r"confidence=1\.0"):
        given([[1.0, 2.0]], [[1.0, 1.0]]).certain(1.0)
    table = given([[1.0, 2.0]], [[1.0, 1.0]])
    with pytest.raises(InvalidInputError, match="greys out pixels of one image"):
        table.plot(certain=True)
    with pytest.raises(InvalidInputError, match="such as SmoothGrad"):
        tfxai.Saliency()(builders.functional(), builders.images(1)).plot(certain=True)
