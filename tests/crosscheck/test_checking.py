import numpy as np
import pytest

from tfxai.crosscheck.checking import TOLERANCE, Case, Verdict, apart, check, correlation, judge
from tfxai.crosscheck.timing import interleaved

VALUES = np.array([[1.0, -4.0], [2.0, 3.0]])


def case(ours=VALUES, theirs=VALUES, **options):
    return Case(peer="peer", method="method", ours=lambda: ours, theirs=lambda: theirs, **options)


def doubled(ours, theirs):
    return 2 * ours, theirs


def test_difference_is_the_largest_absolute_one():
    assert apart(VALUES, VALUES + np.array([[0.5, 0.0], [-0.75, 0.0]])) == (0.75, 4.0)


def test_shapes_that_differ_and_numbers_that_are_none_are_infinitely_far_apart():
    assert apart(VALUES, VALUES[:1])[0] == np.inf
    assert judge(case(), VALUES, np.where(VALUES == 3, np.nan, VALUES))[0] is Verdict.DIFFERS


@pytest.mark.parametrize(("share", "verdict"), [(0.99, Verdict.AGREES), (1.01, Verdict.DIFFERS)])
def test_tolerance_is_a_share_of_the_largest_value_on_either_side(share, verdict):
    theirs = VALUES.copy()
    theirs[0, 0] += share * TOLERANCE * 4  # the largest value is 4
    assert check(case(theirs=theirs), 0, ()).verdict is verdict


def test_values_that_agree_need_no_departure():
    result = check(case(departure="Known.", reconcile=doubled), 0, ())
    assert (result.verdict, result.note, result.reconciled) == (Verdict.AGREES, "", None)


def test_departure_that_explains_the_difference_is_named():
    result = check(case(theirs=2 * VALUES, departure="Known.", reconcile=doubled), 0, ())
    assert (result.verdict, result.note, result.reconciled) == (Verdict.DEPARTS, "Known.", 0)
    assert (result.difference, result.largest) == (4.0, 8.0)
    assert result.correlation == pytest.approx(1.0)
    assert not result.verdict.is_alarm


def test_departure_that_leaves_a_difference_is_an_alarm():
    theirs = 2 * VALUES
    theirs[0, 0] += 0.01
    result = check(case(theirs=theirs, departure="Known.", reconcile=doubled), 0, ())
    assert result.verdict is Verdict.DIFFERS
    assert result.reconciled == pytest.approx(0.01 / 8)
    assert result.verdict.is_alarm


@pytest.mark.parametrize("fails", [True, False])
def test_peer_that_raises_is_quoted_and_an_alarm_unless_known(fails):
    def theirs():
        raise AttributeError("no output_shape\nand more")

    failing = Case(
        peer="peer", method="m", ours=lambda: VALUES, theirs=theirs, departure="Old.", fails=fails
    )
    result = check(failing, 3, ())
    assert result.note == "Old. It raises AttributeError: no output_shape"
    assert result.verdict.is_alarm is not fails
    assert result.time_ratio is None


def test_failure_of_tfxai_is_not_hidden():
    def ours():
        raise ValueError("ours")

    failing = Case(peer="peer", method="m", ours=ours, theirs=lambda: VALUES)
    with pytest.raises(ValueError, match="ours"):
        check(failing, 0, ())


def test_case_without_its_method_is_left_out():
    result = check(case(needs="smooth_grad"), 0, ("saliency",))
    assert result.verdict is Verdict.LEFT_OUT
    assert "'smooth_grad'" in result.note
    assert check(case(needs="saliency"), 0, ("saliency",)).verdict is Verdict.AGREES


def test_correlation_by_hand():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 3.0])
    assert correlation(a, b) == pytest.approx(0.5)  # 1 / sqrt(2 * 2)
    assert correlation(a, -a) == pytest.approx(-1.0)
    assert correlation(a, np.ones(3)) is None


def test_record_has_the_median_and_the_quartiles_of_the_times():
    result = check(case(), 5, ())
    assert len(result.ratios) == 5
    times = result.to_dict()["time_ratio"]
    assert times["low"] <= times["median"] <= times["high"]
    assert times["median"] == np.median(result.ratios)
    assert check(case(), 0, ()).to_dict()["time_ratio"] is None


def test_rounds_run_everything_once_before_and_once_in_each_round():
    seen = []
    work = {name: lambda name=name: seen.append(name) for name in ("a", "b", "c")}
    times = interleaved(work, 4)
    assert {name: len(taken) for name, taken in times.items()} == {"a": 4, "b": 4, "c": 4}
    rounds = [seen[i : i + 3] for i in range(0, len(seen), 3)]
    assert len(rounds) == 5
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1  # in another order
