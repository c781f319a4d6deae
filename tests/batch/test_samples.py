"""A server's sample in the form of a run's summary, and two periods of it beside each other."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pytest
from scipy import stats

from tests.batch.test_summary import written
from tfxai.batch import compare_periods, compare_runs, read_sample
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning
from tfxai.serving.sampling import summary

MOMENT = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)


def lines(values, targets, *, after=0.0, model="cats", explainer="saliency", **more):
    """What a server keeps of these values, a second apart."""
    for i, (one, target) in enumerate(zip(values, targets, strict=True)):
        yield {
            "time": MOMENT.timestamp() + after + i,
            "model": model,
            "explainer": explainer,
            "method": {"name": explainer, "options": {"absolute": False}},
            "scoreKind": "logit",
            "target": [target],
            "values": {"picture": summary(one), "table": summary(one[:1])},
            **more,
        }


def kept(folder, some, number=1):
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(one) + "\n" for one in some)
    (folder / f"explained-{number:06d}.jsonl").write_text(text)
    return folder


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(40, 6))


def test_sums_are_those_of_numpy(tmp_path, values):
    targets = np.arange(40) % 2
    gap = {"completenessGap": -0.25, "gapShare": 0.5}
    some = list(lines(values, targets.tolist(), **gap))
    kept(tmp_path / "a", some[:15])
    kept(tmp_path / "a", some[15:], 2)
    with (tmp_path / "a" / "explained-000002.jsonl").open("a") as file:
        file.write('{"time": 17')  # a line that a kill cut off
    found = read_sample(tmp_path / "a").methods["saliency"]
    masses = (np.abs(values).sum(axis=1) + np.abs(values[:, 0])) / 7
    for target in (0, 1):
        of = masses[targets == target]
        np.testing.assert_allclose(found.masses[target], (20, of.sum(), (of**2).sum()))
    assert sum(found.gaps) == found.gaps[8] == 40  # between 0.1 and 1
    assert {gap for gap, _ in found.largest} == {0.25}


def test_periods_are_compared_by_welchs_test(tmp_path, values):
    folder = tmp_path / "a"
    before, after = values[:25], 3 * values[25:]
    kept(folder, [*lines(before, [1] * 25), *lines(after, [1] * 15, after=100)])
    since = MOMENT + datetime.timedelta(seconds=60)
    first, counts = compare_periods(folder, since)
    masses = [(np.abs(one).sum(axis=1) + np.abs(one[:, 0])) / 7 for one in (before, after)]
    expected = stats.ttest_ind(*masses, equal_var=False).pvalue
    assert first.p == pytest.approx(expected)
    assert (first.numbers, first.differs, counts.differs) == ((25, 15), True, False)
    assert counts.what == "explained classes"
    other = lines(after, [1] * 15, after=100, scoreKind="probability")
    kept(folder, [*lines(before, [1] * 25), *other])
    with pytest.warns(TfxaiWarning, match='score of saliency "logit" and "probability"'):
        compare_periods(folder, since)
    with pytest.raises(DataNotFoundError, match="no answer of these moments"):
        compare_periods(folder, since + datetime.timedelta(days=1))


def test_samples_are_compared_with_each_other_and_with_runs(tmp_path, values):
    one = kept(tmp_path / "a", lines(values, [1] * 40))
    other = kept(tmp_path / "b", lines(values, [1] * 40, scoreKind="probability"))
    with pytest.warns(TfxaiWarning, match='score of saliency "logit" and "probability"'):
        drift, _ = compare_runs(one, other)
    assert drift.p == pytest.approx(1)
    run = written(tmp_path / "run", {1: np.ones(9)}, {1: 9})
    (drift,) = compare_runs(run, one)  # what was asked for is no count of predictions
    assert (drift.which, drift.numbers) == ("Green", (9, 40))


def test_an_image_that_several_methods_explain_counts_once_for_each(tmp_path, values):
    """So many methods make no more of the same images."""
    some = {}
    for name, targets in (("a", [0] * 25 + [1] * 15), ("b", [0] * 20 + [1] * 20)):
        one = list(lines(values, targets))
        others = [{**line, "explainer": other} for line in one for other in ("saliency", "rise")]
        some[name] = kept(tmp_path / f"1{name}", one), kept(tmp_path / f"2{name}", others)
    *_, expected = compare_runs(some["a"][0], some["b"][0])
    found = [one for one in compare_runs(some["a"][1], some["b"][1]) if "explained" in one.what]
    assert {one.what for one in found} == {
        "explained classes, saliency",
        "explained classes, rise",
    }
    assert {(one.p, one.numbers) for one in found} == {(expected.p, expected.numbers)}


def test_several_models_have_methods_of_their_own(tmp_path, values):
    some = [*lines(values, [0] * 40), *lines(values, [0] * 40, model="dogs")]
    assert list(read_sample(kept(tmp_path / "a", some)).methods) == [
        "cats/saliency",
        "dogs/saliency",
    ]


@pytest.mark.parametrize(
    "line", ["[1]", "no JSON", '{"time": 1}', '{"time": 1, "model": "a", "explainer": "b"}']
)
def test_a_line_of_something_else_is_named(tmp_path, line):
    folder = kept(tmp_path / "a", [])
    (folder / "explained-000001.jsonl").write_text(f"{line}\n")
    with pytest.raises(InvalidInputError, match=r"Line 1 of .* is none of a sample"):
        read_sample(folder)
