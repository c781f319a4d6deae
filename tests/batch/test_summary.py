"""What a run says as a whole: against NumPy over all examples at once, in any grouping."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from scipy import stats

import tfxai
from tests.batch.conftest import PIXELS
from tfxai.batch import Summary, compare_runs
from tfxai.batch.summary import GAP_EDGES, LARGEST, MAP_SIDE
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning

METHODS = (tfxai.GradCAM(), tfxai.IntegratedGradients(steps=3))


@pytest.fixture(scope="module")
def answers(model):
    return [method(tfxai.load(model), PIXELS) for method in METHODS]


def summed(answers, cuts) -> Summary:
    whole = Summary()
    for start, stop in itertools.pairwise([0, *cuts, len(PIXELS)]):
        part = Summary()
        some = [one[start:stop] for one in answers]
        part.add(some, [f"{i}" for i in range(start, stop)])
        whole.merge(Summary.from_dict(json.loads(json.dumps(part.to_dict()))))
    return whole


@pytest.mark.parametrize("cuts", [[], [1, 2, 3], [11, 20]], ids=("one", "four", "three"))
def test_sums_are_those_of_numpy(answers, cuts):
    found = summed(answers, cuts)
    classes, counts = np.unique(answers[0].prediction, return_counts=True)
    assert found.classes == dict(zip(classes.tolist(), counts.tolist(), strict=True))
    for one in answers:
        mine = found.methods[one.method["name"]]
        masses = np.abs(one.values.astype(np.float64)).reshape(len(one), -1).mean(axis=1)
        for target in np.unique(one.target):
            of_class = masses[one.target == target]
            n, total, squares = mine.masses[int(target)]
            assert n == len(of_class)
            np.testing.assert_allclose((total, squares), (of_class.sum(), (of_class**2).sum()))
            count, whole = mine.maps[int(target)]
            heat = np.abs(one.values[one.target == target].astype(np.float64))
            heat = heat.sum(axis=-1) if heat.ndim == 4 else heat
            heat /= heat.sum(axis=(1, 2), keepdims=True)
            assert count == n
            np.testing.assert_allclose(whole, heat.sum(axis=0))
    gaps = np.abs(answers[1].completeness_gap)
    shares = gaps / np.abs(answers[1].score - answers[1].baseline_score)
    edges = [-np.inf, *GAP_EDGES, np.inf]
    mine = found.methods["integrated_gradients"]
    assert mine.gaps == [
        int(((a <= shares) & (shares < b)).sum()) for a, b in itertools.pairwise(edges)
    ]
    order = np.argsort(-shares)[:LARGEST]
    assert [key for _, _, key in mine.largest] == [f"{i}" for i in order]
    np.testing.assert_allclose([one[0] for one in mine.largest], shares[order])
    np.testing.assert_allclose([one[1] for one in mine.largest], gaps[order])
    assert found.methods["grad_cam"].gaps == []


def test_a_large_map_is_summed_into_cells():
    values = np.zeros((1, 40, 24), np.float32)
    values[0, 0, 0], values[0, 39, 23] = 3, -1
    one = tfxai.Attribution(
        values, np.zeros((1, 40, 24, 3), np.float32), np.zeros(1, np.int32), np.zeros(1),
        {"name": "any", "options": {}}, "logit", is_map=True,
    )  # fmt: skip
    found = Summary()
    found.add([one], ["a"])
    _, cells = found.methods["any"].maps[0]
    assert cells.shape == (MAP_SIDE, MAP_SIDE)
    assert (cells[0, 0], cells[-1, -1], cells.sum()) == (0.75, 0.25, 1)


def test_columns_of_tables_are_summed_one_by_one():
    rng = np.random.default_rng(0)
    values = {"age": rng.normal(size=(9, 1)), "rest": rng.normal(size=(9, 11))}
    score, start = rng.normal(size=(2, 9))
    start[3] = score[3]  # no difference at all, and a gap
    gaps = rng.normal(size=9)
    one = tfxai.Attribution(
        values, values, np.zeros(9, np.int32), score, {"name": "any", "options": {}}, "logit",
        baseline_score=start, completeness_gap=gaps, axes={"age": "C", "rest": "C"},
    )  # fmt: skip
    found = Summary()
    for part in (slice(0, 4), slice(4, 9)):
        some = Summary()
        some.add([one[part]], [str(i) for i in range(part.start, part.stop)])
        found.merge(Summary.from_dict(json.loads(json.dumps(some.to_dict(), allow_nan=False))))
    mine = found.methods["any"]
    columns = np.abs(np.concatenate([values["age"], values["rest"]], axis=1))
    assert next(iter(mine.features)) == "age"
    assert len(mine.features) == 12
    expected = np.stack([np.full(12, 9), columns.sum(axis=0), np.square(columns).sum(axis=0)], 1)
    np.testing.assert_allclose(list(mine.features.values()), expected)
    assert mine.largest[0] == (np.inf, pytest.approx(abs(gaps[3])), "3")
    figure = found.plot()
    drawn = next(axes for axes in figure.axes if axes.get_title() == "Mean |value| by column")
    strongest = np.sort(columns.mean(axis=0))[::-1][:8]
    np.testing.assert_allclose([bar.get_width() for bar in drawn.patches], strongest)
    words = " ".join(text.get_text() for text in figure.texts)
    assert "Of 12 columns the 8 strongest are drawn." in words


def test_an_image_beside_a_table_has_a_map_and_columns():
    rng = np.random.default_rng(0)
    values = {"image": rng.normal(size=(5, 4, 3, 2)), "table": rng.normal(size=(5, 2))}
    one = tfxai.Attribution(
        values, values, np.zeros(5, np.int32), np.zeros(5), {"name": "any", "options": {}},
        "logit", axes={"image": "HWC", "table": "C"},
    )  # fmt: skip
    found = Summary()
    found.add([one], [str(i) for i in range(5)])
    mine = found.methods["any"]
    heat = np.abs(values["image"]).sum(axis=-1)
    heat /= heat.sum(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(mine.maps[0][1], heat.sum(axis=0))
    sums = [total for _, total, _ in mine.features.values()]
    np.testing.assert_allclose(sums, np.abs(values["table"]).sum(axis=0))


def written(folder, masses, classes, names=("Red", "Green"), score=""):
    found = Summary(classes=classes, class_names=names)
    from tfxai.batch.summary import MethodSummary

    moments = {
        key: (len(one), float(np.sum(one)), float(np.sum(np.square(one))))
        for key, one in masses.items()
    }
    found.methods["saliency"] = MethodSummary(masses=moments, score=score)
    folder.mkdir()
    found.write(folder)
    return folder


def test_a_comparison_is_welchs_test_with_holms_correction(tmp_path):
    rng = np.random.default_rng(0)
    a = {0: rng.normal(1, 0.1, 30), 1: rng.normal(1, 0.3, 20), 5: np.ones(1)}
    b = {0: rng.normal(1.2, 0.2, 25), 1: rng.normal(1, 0.1, 40), 5: np.ones(1)}
    one = written(tmp_path / "a", a, {0: 30, 1: 20})
    two = written(tmp_path / "b", b, {0: 25, 1: 40})
    with pytest.warns(TfxaiWarning, match="fewer than two examples in a run: 5"):
        first, second, counts = compare_runs(one, two)
    tests = [stats.ttest_ind(a[key], b[key], equal_var=False).pvalue for key in (0, 1)]
    tests.append(stats.chi2_contingency([[30, 20], [25, 40]]).pvalue)
    np.testing.assert_allclose([one.p for one in (first, second, counts)], tests)
    assert (first.which, second.which, counts.what) == ("Red", "Green", "predicted classes")
    np.testing.assert_allclose(first.means, (a[0].mean(), b[0].mean()))
    assert first.adjusted == pytest.approx(3 * tests[0])
    assert first.differs
    assert not second.differs


def test_equal_runs_rarely_differ(tmp_path):
    rng = np.random.default_rng(1)
    hits = 0
    for trial in range(100):
        sides = []
        for side in "ab":
            masses = {key: rng.exponential(1, 40) for key in range(5)}
            counts = dict(enumerate(rng.multinomial(200, [0.2] * 5).tolist()))
            sides.append(written(tmp_path / f"{trial}{side}", masses, counts, None))
        hits += any(one.differs for one in compare_runs(*sides))
    assert hits <= 12  # 5 of 100 are expected; more than 12 come once in 1,000 times


def test_counts_of_rare_classes_are_compared_by_all_tables_of_their_sums(tmp_path):
    counts = {0: 4, 1: 1, 2: 0}, {0: 1, 1: 2, 2: 3}
    sides = []
    for side, count in zip("ab", counts, strict=True):
        sides.append(written(tmp_path / side, {0: np.arange(12.0)}, count, None))
    pool = [0] * 5 + [1] * 3 + [2] * 3  # every class of both runs; five of them are of the first
    expected = np.outer((5, 6), (5, 3, 3)) / 11

    def distance(first):
        table = np.array([[first.count(key) for key in range(3)]] * 2)
        table[1] = np.array([5, 3, 3]) - table[0]
        return (np.square(table - expected) / expected).sum()

    drawn = [distance(first) for first in itertools.combinations(pool, 5)]
    exact = np.mean(np.array(drawn) >= distance([0] * 4 + [1]) - 1e-9)
    with pytest.warns(TfxaiWarning, match="1 of 2 comparisons rests on fewer than 10 examples"):
        found = compare_runs(*sides)
    assert found[1].p == pytest.approx(exact, abs=0.006)  # four standard errors
    assert found[1].p > 1.5 * stats.chi2_contingency([[4, 1, 0], [1, 2, 3]]).pvalue


def test_runs_of_many_rare_classes_rarely_differ(tmp_path):
    rng = np.random.default_rng(2)
    shares = 1 / np.arange(1, 201) ** 1.5
    hits = 0
    for trial in range(30):
        sides = []
        for side, count in (("a", 5000), ("b", 60)):
            drawn = rng.multinomial(count, shares / shares.sum())
            classes = {key: int(n) for key, n in enumerate(drawn) if n}
            sides.append(written(tmp_path / f"{trial}{side}", {0: np.arange(20.0)}, classes, None))
        hits += compare_runs(*sides)[-1].p < 0.05
    assert hits <= 6  # the chi-squared distribution alone gives 8 of 30


def test_a_class_of_a_few_examples_has_the_degrees_of_freedom_of_the_smaller_run(tmp_path):
    rng = np.random.default_rng(3)
    a, b = rng.exponential(1, 3), rng.exponential(1, 50)
    sides = [written(tmp_path / n, {0: v}, {0: 20}) for n, v in (("a", a), ("b", b))]
    with pytest.warns(TfxaiWarning, match="fewer than 10 examples"):
        found = compare_runs(*sides)[0]
    t = (a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / 3 + b.var(ddof=1) / 50)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(t), 2))


@pytest.mark.filterwarnings("ignore:.*fewer than")
def test_runs_with_a_few_examples_a_class_rarely_differ(tmp_path):
    rng, hits = np.random.default_rng(4), 0
    for trial in range(100):
        sides = []
        for side, count in (("a", 30), ("b", 200)):
            counts = rng.multinomial(count, [0.1] * 10)
            masses = {key: rng.exponential(1, n) for key, n in enumerate(counts) if n}
            sides.append(written(tmp_path / f"{trial}{side}", masses, {0: count}, None))
        hits += any(one.differs for one in compare_runs(*sides))
    assert hits <= 12  # Welch's degrees of freedom give 32 of 100


def test_runs_that_were_asked_otherwise_are_told(tmp_path):
    one = written(tmp_path / "a", {0: np.ones(12)}, {0: 12})
    two = written(tmp_path / "b", {0: np.ones(12)}, {0: 19})
    asked = {"target": None, "score": None, "at": None, "where": None, "methods": []}
    asked["methods"] = [{"name": "saliency", "options": {"absolute": False}}]
    (one / "manifest.json").write_text(json.dumps({"configuration": asked}))
    (two / "manifest.json").write_text(json.dumps({"configuration": asked}))
    compare_runs(one, two)  # and no warning
    other = {"target": "Red", "where": "label == 1"}
    other["methods"] = [{"name": "saliency", "options": {"absolute": True}}]
    (two / "manifest.json").write_text(json.dumps({"configuration": asked | other}))
    with pytest.warns(TfxaiWarning, match="asked different things") as told:
        compare_runs(one, two)
    (said,) = [str(one.message) for one in told]
    assert 'target null and "Red"; where null and "label == 1"' in said
    assert "saliency.absolute false and true" in said


def test_constant_runs_are_compared(tmp_path):
    one = written(tmp_path / "a", {0: np.ones(5)}, {0: 5})
    two = written(tmp_path / "b", {0: np.ones(5)}, {0: 9})
    three = written(tmp_path / "c", {0: np.full(5, 2.0)}, {0: 9})
    assert [one.p for one in compare_runs(one, two)] == [1, 1]
    assert compare_runs(one, three)[0].differs


def test_runs_of_other_classes_are_not_compared(tmp_path):
    one = written(tmp_path / "a", {0: np.ones(5)}, {0: 5})
    two = written(tmp_path / "b", {0: np.ones(5)}, {0: 5}, ("Cat", "Dog"))
    with pytest.raises(InvalidInputError, match="Red, Green and Cat, Dog"):
        compare_runs(one, two)


def test_what_is_no_run_is_refused(tmp_path):
    one = written(tmp_path / "a", {0: np.ones(5)}, {0: 5})
    with pytest.raises(DataNotFoundError, match="no summary"):
        compare_runs(one, tmp_path)
    other = Summary(class_names=("Red", "Green"))
    (tmp_path / "b").mkdir()
    other.write(tmp_path / "b")
    with pytest.raises(InvalidInputError, match="no method in common"):
        compare_runs(one, tmp_path / "b")


def test_the_figure_has_a_bar_for_each_class(answers):
    found = summed(answers, [])
    found.class_names = ("Red", "Green", "Blue")
    figure = found.plot()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [
        *("Mean |value| by class", "Average map, 5 x 4 cells"),
        *("Mean |value| by class", "Average map, 6 x 5 cells"),
        "Completeness gaps",
    ]
    for axes, name in zip((figure.axes[0], figure.axes[2]), found.methods, strict=True):
        masses = found.methods[name].masses
        order = sorted(masses, key=lambda key: (-masses[key][0], key))
        drawn = [bar.get_width() for bar in axes.patches]
        np.testing.assert_allclose(drawn, [masses[key][1] / masses[key][0] for key in order])
    heights = [bar.get_height() for bar in figure.axes[4].patches]
    assert heights == found.methods["integrated_gradients"].gaps
