"""A server's sample in the form of a run's summary, and two periods of it beside each other."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pytest
from scipy import stats

from tests.batch.test_summary import written
from tfxai.batch import compare_periods, compare_runs, read_sample
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning, UnknownNameError
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
    assert {gap for _, gap, _ in found.largest} == {0.25}


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
    late = since + datetime.timedelta(days=1)
    said = r"no answer from 2026-11-21 .* on: its answers are of 2026-11-20 .* to 2026-11-20"
    with pytest.raises(DataNotFoundError, match=said):
        compare_periods(folder, late)
    with pytest.raises(DataNotFoundError, match="no answer before 2026-11-19"):
        compare_periods(folder, MOMENT - datetime.timedelta(days=1))


def test_samples_are_compared_with_each_other_and_with_runs(tmp_path, values):
    one = kept(tmp_path / "a", lines(values, [1] * 40))
    other = kept(tmp_path / "b", lines(values, [1] * 40, scoreKind="probability"))
    with pytest.warns(TfxaiWarning, match='score of saliency "logit" and "probability"'):
        drift, _ = compare_runs(one, other)
    assert drift.p == pytest.approx(1)
    run = written(tmp_path / "run", {1: np.ones(9)}, {0: 5, 1: 4})
    drift, counts = compare_runs(run, one)
    assert (drift.which, drift.numbers) == ("Green", (9, 40))
    assert (counts.what, counts.numbers, counts.p) == ("explained classes", (9, 40), 1)


def test_what_a_run_was_asked_is_set_beside_what_a_sample_was(tmp_path, values):
    sample = kept(tmp_path / "a", lines(values, [1] * 40))
    run = written(tmp_path / "run", {1: np.ones(9)}, {1: 9}, score="logit")
    asked = {"target": None, "score": None, "at": None, "where": None}
    asked["methods"] = [{"name": "saliency", "options": {"absolute": False}}]
    (run / "manifest.json").write_text(json.dumps({"configuration": asked}))
    compare_runs(run, sample)  # and no warning
    asked["methods"][0]["options"]["absolute"] = True
    (run / "manifest.json").write_text(json.dumps({"configuration": asked}))
    with pytest.warns(TfxaiWarning, match=r"saliency\.absolute true and false\.$"):
        compare_runs(run, sample)
    other = kept(tmp_path / "b", lines(values, [1] * 40, scoreKind="probability", at="conv"))
    with pytest.warns(TfxaiWarning, match='score of saliency "probability" and "logit"') as told:
        compare_runs(other, run)
    assert 'layer that saliency explains "conv" and null' in str(told[0].message)


def test_other_versions_are_told(tmp_path, values):
    before = lines(values[:20], [1] * 20, version=1)
    sample = kept(tmp_path / "a", [*before, *lines(values, [1] * 40, after=100, version=2)])
    with pytest.warns(TfxaiWarning, match=r"\(saliency: version 1 and 2\)"):
        compare_periods(sample, MOMENT + datetime.timedelta(seconds=50))
    with pytest.warns(TfxaiWarning, match=r"\(saliency: version 1, 2 and 2\)"):
        compare_runs(sample, kept(tmp_path / "b", lines(values, [1] * 40, version=2)))


def test_a_class_is_called_as_the_answers_call_it(tmp_path, values):
    some = [*lines(values[:30], [1] * 30), *lines(values[30:], [1] * 10, targetName="Dog")]
    sample = kept(tmp_path / "a", some)
    since = MOMENT + datetime.timedelta(seconds=15)
    assert compare_periods(sample, since)[0].which == "Dog"
    run = written(tmp_path / "run", {1: np.ones(9)}, {1: 9}, ("Cat", "Dog"))
    assert compare_runs(run, sample)[0].which == "Dog"
    other = written(tmp_path / "other", {1: np.ones(9)}, {1: 9}, ("Dog", "Cat"))
    with pytest.raises(InvalidInputError, match="Class 1 is Cat in one and Dog in the other"):
        compare_runs(other, sample)


def test_nothing_in_common_is_told(tmp_path):
    one = written(tmp_path / "a", {0: np.ones(1)}, {}, None)
    two = written(tmp_path / "b", {0: np.ones(1)}, {}, None)
    with pytest.raises(InvalidInputError, match="no class has two examples in both, of 0"):
        compare_runs(one, two)


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


def test_one_of_several_models_is_compared(tmp_path, values):
    some = [*lines(values[:30], [0] * 30), *lines(3 * values, [0] * 40, model="dogs")]
    sample = kept(tmp_path / "a", some)
    run = written(tmp_path / "run", {0: np.ones(9)}, {0: 9})
    with pytest.raises(InvalidInputError, match=r"Name the model of the sample \(--model\)"):
        compare_runs(run, sample)
    drift, _ = compare_runs(run, sample, model="dogs")
    expected = 3 * (np.abs(values).sum(axis=1) + np.abs(values[:, 0])) / 7
    assert drift.numbers == (9, 40)
    assert drift.means[1] == pytest.approx(expected.mean())
    assert read_sample(sample, model="cats").methods["saliency"].masses[0][0] == 30
    since = MOMENT + datetime.timedelta(seconds=10)
    assert compare_periods(sample, since, model="cats")[0].numbers == (10, 20)
    with pytest.raises(UnknownNameError, match=r"no model 'dog'.*'dogs'"):
        compare_runs(run, sample, model="dog")
    with pytest.raises(InvalidInputError, match="both folders are of runs"):
        compare_runs(run, run, model="dogs")


@pytest.mark.parametrize(
    "line", ["[1]", "no JSON", '{"time": 1}', '{"time": 1, "model": "a", "explainer": "b"}']
)
def test_a_line_of_something_else_is_named(tmp_path, line):
    folder = kept(tmp_path / "a", [])
    (folder / "explained-000001.jsonl").write_text(f"{line}\n")
    with pytest.raises(InvalidInputError, match=r"Line 1 of .* is none of a sample"):
        read_sample(folder)
