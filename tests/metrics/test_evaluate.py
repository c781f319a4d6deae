"""Evaluations of models whose right attribution is known."""

from __future__ import annotations

import csv
import io
import json

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tests.docs.blocks import ROOT
from tests.plotting.examples import texts
from tfxai import metrics
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.metrics import fitness

RNG = np.random.default_rng(8)
SHAPE = (8, 8, 2)
W = RNG.normal(size=SHAPE).astype("float32")
X = RNG.normal(size=(24, *SHAPE)).astype("float32")


@pytest.fixture(scope="module")
def linear():
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, keras.ops.sum(inputs * W, (1, 2, 3))[:, None])


@pytest.fixture(scope="module")
def found(linear):
    methods = ["gradient_input", "saliency", tfxai.Saliency(absolute=False)]
    return tfxai.evaluate(linear, X, methods, ["srg", "sparseness"], fills=[None, "blur"])


def test_every_method_and_control_is_measured_by_each_metric_and_fill(linear, found):
    assert [one.title for one in found.columns] == [
        "srg, fill zeros",
        "srg, fill blur",
        "sparseness",
    ]
    assert found.methods == ("gradient_input", "saliency", "saliency(absolute=False)")
    assert found.controls == ("random_map", "edge_map")
    own = metrics.SRG(fill="blur")(linear, X, tfxai.GradientInput())
    np.testing.assert_allclose(
        found.columns[1].measurements["gradient_input"].values, own.values, rtol=1e-5
    )
    random = metrics.Sparseness()(linear, X, metrics.RandomMap())
    np.testing.assert_array_equal(
        found.columns[2].measurements["random_map"].values, random.values
    )


def test_the_best_method_of_a_linear_model_wins_and_beats_both_controls(found):
    column = found.columns[0]
    assert column.ranking(found.methods)[0] == "gradient_input"
    for control in found.controls:
        assert column.differences[control]["gradient_input"].is_better
        assert not column.differences[control]["saliency"].is_better
    assert found.columns[2].differences == {}  # sparse maps are neither good nor bad
    name, reason = found.recommendation()
    assert name == "gradient_input"
    assert name in reason
    said = "\n".join(found.warnings())
    assert "By srg, fill zeros, not better than random_map: saliency" in said


def test_chances_are_corrected_over_methods(found):
    column = found.columns[0]
    raw = [
        column.measurements[one].better_than(column.measurements["random_map"])
        for one in found.methods
    ]
    expected = [one.adjusted for one in metrics.statistics.corrected(raw)]
    got = [column.differences["random_map"][one].adjusted for one in found.methods]
    np.testing.assert_allclose(got, expected)


def test_the_same_seed_gives_the_same_numbers(linear, found):
    methods = ["gradient_input", "saliency", tfxai.Saliency(absolute=False)]

    def numbers(seed):
        other = tfxai.evaluate(
            linear, X, methods, ["srg", "sparseness"], fills=[None, "blur"], seed=seed
        )
        return [{k: v for k, v in row.items() if k != "seconds"} for row in other.rows()]

    same = [{k: v for k, v in row.items() if k != "seconds"} for row in found.rows()]
    assert numbers(0) == same
    assert numbers(1) != same


def test_rankings_that_depend_on_the_fill_are_named():
    # a fill of zeros asks for w x; a fill of ones for w (x - 1), which is the other way round
    inputs = keras.Input((6,))
    w = np.array([[1.0], [2.0], [-1.0], [0.5], [3.0], [-2.0]], "float32")
    model = keras.Model(inputs, inputs @ w)
    x = RNG.uniform(0.2, 0.4, (20, 6)).astype("float32")
    methods = [
        tfxai.IntegratedGradients(steps=2),
        tfxai.IntegratedGradients(steps=2, baseline=1.0),
    ]
    found = tfxai.evaluate(model, x, methods, ["deletion"], fills=[None, 1.0])
    assert found.agreements() == {("deletion", "zeros", "1.0"): -1.0}
    assert any("depends on the fill: Kendall's tau" in one for one in found.warnings())
    assert found.controls == ("random_map",)


def test_what_nothing_beats_is_not_recommended():
    model = builders.formula(lambda x: 0 * keras.ops.sum(x, axis=1, keepdims=True), 5)
    x = RNG.normal(size=(8, 5)).astype("float32")
    name, reason = tfxai.evaluate(model, x, ["occlusion"], ["deletion"]).recommendation()
    assert name is None
    assert "No method is better than random_map" in reason


def test_tables_hold_what_was_measured(found, tmp_path):
    rows = list(csv.DictReader(io.StringIO(found.save(tmp_path / "a.csv").read_text())))
    assert len(rows) == 3 * 5
    first = found.columns[0].measurements[rows[0]["method"]]
    assert float(rows[0]["mean"]) == first.mean
    low, high = first.interval()
    assert (float(rows[0]["low"]), float(rows[0]["high"])) == (low, high)
    record = json.loads(found.save(tmp_path / "a.json").read_text())
    assert [row["method"] for row in record["rows"]] == [row["method"] for row in rows]
    assert record["recommendation"]["method"] == "gradient_input"
    assert record["agreements"][0]["fills"] == ["zeros", "blur"]


@pytest.mark.parametrize("size", [None, 3.3])
def test_the_figure_shows_every_mean_from_best_to_worst(found, size):
    figure = found.plot(figsize=size)
    if size is not None:
        assert figure.get_size_inches()[0] == pytest.approx(size)
    for axes, column in zip(figure.axes, found.columns, strict=True):
        order = column.ranking((*found.methods, *found.controls))
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(
            [dot.get_xdata()[0] for dot in dots],
            [column.measurements[label].mean for label in order],
        )
        assert [dot.get_ydata()[0] for dot in dots] == list(range(5))
    assert "srg, fill zeros; high is good" in texts(figure)
    scales = {
        (column.metric, axes.get_xlim())
        for axes, column in zip(figure.axes, found.columns, strict=True)
    }
    assert len(scales) == len({column.metric for column in found.columns})


def test_completeness_says_nothing_of_methods_that_do_not_add_up(linear):
    ig = tfxai.IntegratedGradients(steps=4)
    (column,) = tfxai.evaluate(linear, X[:3], [ig, "saliency"], ["completeness"]).columns
    assert column.measurements["integrated_gradients"].mean < 1e-3
    assert column.measurements["saliency"].count == 0
    assert column.ranking(("saliency", "integrated_gradients"))[0] == "integrated_gradients"


def test_unfit_metrics_are_marked_and_nothing_rests_on_them(linear, monkeypatch):
    monkeypatch.setattr(fitness, "RECOVERS", {("srg", "zeros"): 0.89, ("srg", "blur"): 0.9})
    methods = ["gradient_input", "saliency"]
    both = tfxai.evaluate(linear, X, methods, ["srg"], fills=[None, "blur"])
    assert [column.is_unfit for column in both.columns] == [True, False]
    assert any(said.startswith("srg, fill zeros is unfit") for said in both.warnings())
    assert "srg, fill zeros (unfit); high is good" in texts(both.plot())
    alone = tfxai.evaluate(linear, X, methods, ["srg"], fills=[None])
    name, reason = alone.recommendation()
    assert name is None
    assert "each is unfit, or has no direction" in reason


def test_what_cannot_be_evaluated_is_refused(linear):
    with pytest.raises(InvalidInputError, match="1 example says nothing"):
        tfxai.evaluate(linear, X[:1])
    with pytest.raises(InvalidInputError, match="nothing to evaluate"):
        tfxai.evaluate(linear, X, [])
    with pytest.raises(UnknownNameError, match="srq"):
        tfxai.evaluate(linear, X, ["saliency"], ["srq"])
    with pytest.raises(UnknownNameError, match="no_method"):
        tfxai.evaluate(linear, X, ["no_method"])
    with pytest.raises(InvalidInputError, match="came twice"):
        tfxai.evaluate(linear, X[:2], ["saliency", tfxai.Saliency()])
    with pytest.raises(InvalidInputError, match="with fill blur came twice"):
        tfxai.evaluate(linear, X[:2], ["saliency"], fills=["blur", "blur"])
    with pytest.raises(InvalidInputError, match="methods has 3"):
        tfxai.evaluate(linear, X[:2], [3])


def test_no_recommendation_rests_on_an_unfit_metric(linear):
    found = tfxai.evaluate(linear, X, ["gradient_input"], ["srg"], fills=["mean"])
    assert found.columns[0].is_unfit
    name, reason = found.recommendation()
    assert name is None
    assert "Pass another metric or fill: mu_fidelity can tell a map from worse copies" in reason
    assert any("srg, fill mean is unfit" in one for one in found.warnings())


def test_the_page_has_the_shares_by_which_metrics_are_marked():
    page = (ROOT / "docs/trust.md").read_text(encoding="utf-8")
    for (metric, fill), share in fitness.RECOVERS.items():
        verdict = "fit" if share >= fitness.ENOUGH else "unfit"
        assert f"| `{metric}` | {fill} | {share:.0%} | {verdict} |" in page
    assert page.count("fit |\n") == len(fitness.RECOVERS)
