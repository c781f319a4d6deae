"""Owen values against their definition by orders, and what halving groups leaves of them."""

import itertools

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tests.contract.case import EXACT_ON_PHOTOGRAPHS, Case
from tests.methods.games import game, nonlinear, shapley
from tfxai.core.sampling.hierarchies import coalition_count, halved, leaves, owen_map, tree_of
from tfxai.errors import InvalidInputError
from tfxai.methods import HierarchicalShapley

CASES = (
    Case(
        method=HierarchicalShapley,
        linear=lambda s: s.w * (s.x - s.b),
        others={
            "mask": np.arange(30).reshape(6, 5) // 4,
            "groups": np.arange(60).reshape(6, 5, 2) % 3,
            "samples": 8,
            "baseline": 0.5,
        },
        options={"samples": 4000},  # for exact values of what the contract explains
        linear_options={"samples": 16000},
        photographs={"samples": 64},
        gap=EXACT_ON_PHOTOGRAPHS,
    ),
)

RNG = np.random.default_rng(11)
TREES = (
    (0, 1, 2, 3, 4),
    ((0, 1), (2, 3, 4)),
    (((0, 1), 2), (3, 4), 5),
    ((0, (1, (2, 3))), 4),
    (0, ((1, 2), (3, 4, 5))),
)


def orders(tree):
    """All orders of the leaves in which those of each part come one right after the other."""
    if isinstance(tree, int):
        return [(tree,)]
    return [
        sum(chosen, ())
        for parts in itertools.permutations(tree)
        for chosen in itertools.product(*map(orders, parts))
    ]


def owen(v, tree):
    """What each feature adds as it joins, the mean over the orders that the tree allows."""
    every = orders(tree)
    total = np.zeros(len(every[0]))
    for order in every:
        coalition = [False] * len(order)
        for feature in order:
            before = v[tuple(coalition)]
            coalition[feature] = True
            total[feature] += v[tuple(coalition)] - before
    return total / len(every)


def levels_of(tree, count):
    """Group numbers of the features by level, as `groups=` takes them."""
    found = []
    nodes = [tree]
    while any(not isinstance(node, int) for node in nodes):
        nodes = [p for node in nodes for p in ((node,) if isinstance(node, int) else node)]
        level = np.zeros(count, int)
        for number, node in enumerate(nodes):
            level[list(leaves(node))] = number
        found.append(level)
    return np.array(found)


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_equals_the_mean_over_the_orders_that_the_groups_allow(tree):
    count = len(leaves(tree))
    model = nonlinear(count, seed=count)
    x, baseline = RNG.normal(size=(2, count)), RNG.normal(size=count)
    method = HierarchicalShapley(groups=levels_of(tree, count), baseline=baseline)
    a = method(model, x, target=0)
    for i in range(2):
        expected = owen(game(model, x[i], baseline), tree)
        np.testing.assert_allclose(a.values[i], expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(a.details["shared"], 0)
    np.testing.assert_array_equal(a.details["samples"], coalition_count(tree))


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_the_map_from_scores_has_each_coalition_once_and_adds_up(tree):
    count = len(leaves(tree))
    coalitions, weights = owen_map(tree, count)
    assert len(np.unique(coalitions, axis=0)) == len(coalitions) == coalition_count(tree)
    total = weights.sum(axis=1)
    inside = coalitions.any(axis=1) & ~coalitions.all(axis=1)
    np.testing.assert_allclose(total[inside], 0, atol=1e-15)
    np.testing.assert_allclose(total[coalitions.all(axis=1)], 1, rtol=1e-15)
    np.testing.assert_allclose(total[~coalitions.any(axis=1)], -1, rtol=1e-15)


@pytest.mark.parametrize("count", [2, 5, 8])
def test_one_group_of_all_features_gives_shapley_values(count):
    model, x = nonlinear(count, seed=count), RNG.normal(size=(2, count))
    a = HierarchicalShapley()(model, x, target=0)
    for i in range(2):
        np.testing.assert_allclose(a.values[i], shapley(game(model, x[i], 0.0)), rtol=1e-9)
    b = HierarchicalShapley(groups=np.arange(count))(model, x, target=0)
    np.testing.assert_allclose(b.values, a.values, rtol=1e-12)


def test_groups_in_any_order_and_of_any_numbers():
    model, x = nonlinear(5, seed=5), RNG.normal(size=(1, 5))
    a = HierarchicalShapley(groups=[7, -3, 7, 2**40, -3])(model, x)
    expected = owen(game(model, x[0], 0.0), ((0, 2), (1, 4), 3))
    np.testing.assert_allclose(a.values[0], expected, rtol=1e-9)


def test_a_mask_says_what_joins_and_groups_what_joins_together():
    model, x = nonlinear(7, seed=3), RNG.normal(size=(1, 7))
    mask, groups = np.array([0, 0, 1, 2, 2, 3, 1]), np.array([5, 5, 4, 5, 5, 4, 4])
    a = HierarchicalShapley(mask=mask, groups=groups)(model, x)
    expected = owen(game(model, x[0], 0.0, mask), ((0, 2), (1, 3)))
    np.testing.assert_allclose(a.details["features"][0], expected, rtol=1e-9)
    for feature, value in enumerate(expected):
        share = value / (mask == feature).sum()
        np.testing.assert_allclose(a.values[0, mask == feature], share, rtol=1e-9)


def split_by_hand(v, tree, samples):
    """Best first, as `HierarchicalShapley` says it, with games in a list; values and shares."""
    count = len(leaves(tree))

    def score(members):
        return v[tuple(i in members for i in range(count))]

    full = frozenset(range(count))
    scale = max(abs(score(full)), abs(score(frozenset())))
    games, used = [(tree, frozenset(), 1.0)], 2

    def added(one):
        node, context, _ = one
        return score(context | set(leaves(node))) - score(context)

    def level(one):
        change = abs(added(one)) * one[2] / scale
        return np.floor(16 * np.log2(max(change, 1e-6)) + 0.5)

    while used + 2 <= samples:
        able = sorted(
            (k for k, one in enumerate(games) if one is not None and not isinstance(one[0], int)),
            key=lambda k: (-level(games[k]), k),
        )[: min(8, (samples - used) // 2)]
        if not able:
            break
        for k in able:
            (first, second), context, weight = games[k]
            games[k], half = None, weight / 2
            games += [
                (first, context, half),
                (second, context, half),
                (first, context | set(leaves(second)), half),
                (second, context | set(leaves(first)), half),
            ]
        used += 2 * len(able)
    values, shared = np.zeros(count), np.zeros(count)
    for one in filter(None, games):
        own = list(leaves(one[0]))
        values[own] += one[2] * added(one) / len(own)
        shared[own] += one[2] * (len(own) > 1)
    return values, shared, used


@pytest.mark.parametrize("samples", [4, 5, 12, 80])
def test_too_few_samples_halve_what_matters_most_and_share_the_rest(samples):
    model, x = nonlinear(12, seed=6), RNG.normal(size=(3, 12))
    a = HierarchicalShapley(samples=samples)(model, x, target=0)
    for i in range(3):
        v = game(model, x[i], 0.0)
        values, shared, used = split_by_hand(v, halved(tuple(range(12))), samples)
        np.testing.assert_allclose(a.values[i], values, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(a.details["shared"][i], shared, atol=1e-15)
        assert a.details["samples"][i] == used <= samples
        assert shared.max() > 0
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)


def test_neither_chunks_nor_batch_mates_nor_xla_change_what_is_halved(monkeypatch):
    model, x = builders.functional(dtype="float64"), builders.images(3).astype(np.float64)
    method = HierarchicalShapley(samples=24)
    a = method(model, x, target=0)
    assert a.details["shared"].max() > 0
    same = {"rtol": 1e-9, "atol": 1e-12}
    b = method(model, x, target=0, chunk_size=2)
    np.testing.assert_allclose(b.values, a.values, **same)
    np.testing.assert_allclose(method(model, x[1:2], target=0).values, a.values[1:2], **same)
    monkeypatch.setattr(tfxai.config, "jit_compile", True)
    np.testing.assert_allclose(method(model, x, target=0).values, a.values, **same)


def test_two_inputs_have_groups_by_name():
    first, second = (keras.Input((2,), dtype="float64", name=name) for name in "ab")
    wave = nonlinear(4, seed=9)(keras.ops.concatenate([first, second], axis=1))
    model = keras.Model({"a": first, "b": second}, wave)
    x = {name: RNG.normal(size=(1, 2)) for name in "ab"}
    a = HierarchicalShapley(groups={"a": [0, 1], "b": [1, 2]})(model, x)
    flat = np.concatenate([x["a"], x["b"]], axis=1)
    expected = owen(game(nonlinear(4, seed=9), flat[0], 0.0), (0, (1, 2), 3))
    found = np.concatenate([a.values["a"][0], a.values["b"][0]])
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_halves_are_exact_where_the_samples_reach_for_them():
    model, x = nonlinear(6, seed=2), RNG.normal(size=(1, 6))
    tree = halved(tuple(range(6)))
    needed = coalition_count(tree)
    a = HierarchicalShapley(samples=needed)(model, x)
    np.testing.assert_allclose(a.values[0], owen(game(model, x[0], 0.0), tree), rtol=1e-9)
    assert a.details["samples"][0] == needed
    assert not a.details["shared"].any()
    b = HierarchicalShapley(samples=needed - 1)(model, x)
    assert b.details["shared"].any()


def test_additive_models_get_their_terms_from_few_samples_where_groups_are_taken_apart():
    weights, x = RNG.normal(size=(6, 1)), RNG.normal(size=(2, 6))
    a = HierarchicalShapley(baseline=0.3, groups=[0, 0, 1, 1, 2, 2])(
        builders.linear(weights, 2.0), x
    )
    np.testing.assert_allclose(a.values, weights[:, 0] * (x - 0.3), rtol=1e-9)


def test_several_baselines_are_averaged():
    model, x, several = nonlinear(9, seed=2), RNG.normal(size=(2, 9)), RNG.normal(size=(3, 9))
    samples = tfxai.baselines.Samples(several)
    groups = np.arange(9) // 3
    a = HierarchicalShapley(baseline=samples, groups=groups)(model, x)
    each = [HierarchicalShapley(baseline=b, groups=groups)(model, x).values for b in several]
    np.testing.assert_allclose(a.values, np.mean(each, axis=0), rtol=1e-9, atol=1e-12)
    few = HierarchicalShapley(baseline=samples, samples=12)(model, x)
    np.testing.assert_allclose(few.completeness_gap, 0, atol=1e-12)
    assert few.details["shared"].any()


def test_images_are_halved_across_their_longer_side():
    mask = np.repeat(np.repeat(np.arange(6).reshape(2, 3), 3, axis=0), 2, axis=1)  # 6 x 6 pixels
    image = keras.Input((6, 6, 1), dtype="float64")
    means = keras.ops.mean(keras.ops.reshape(image, (-1, 2, 3, 3, 2)), axis=(2, 4))
    wave = nonlinear(6, seed=4)(keras.ops.reshape(means, (-1, 6)))
    model, x = keras.Model(image, wave), RNG.normal(size=(2, 6, 6, 1))
    a = HierarchicalShapley(mask=mask)(model, x)
    tree = (((0, 1), 3), ((2, 4), 5))  # 0 1 2 above 3 4 5: left and right, then above and below
    for i in range(2):
        expected = owen(game(model, x[i], 0.0, mask[..., None]), tree)
        np.testing.assert_allclose(a.details["features"][i], expected, rtol=1e-7, atol=1e-12)
    few = HierarchicalShapley(mask=mask, samples=4)(model, x)
    sides = np.isin(mask, [0, 1, 3])
    for i in range(2):
        for side in (sides, ~sides):
            np.testing.assert_allclose(few.values[i][side], few.values[i][side].mean(), rtol=1e-9)


def test_superpixels_of_each_image_are_halved_by_where_they_lie():
    model, x = builders.functional(dtype="float64"), builders.images(2).astype(np.float64)
    slic = tfxai.Slic(segments=6)
    a = HierarchicalShapley(mask=slic)(model, x, target=1)
    for i in range(2):
        mask = a.details["mask"][i]
        b = HierarchicalShapley(mask=mask)(model, x[i : i + 1], target=1)
        np.testing.assert_allclose(a.values[i], b.values[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 3}, r"samples=3 was expected to be an integer of at least 4"),
        ({"mask": np.zeros(7, int)}, r"There is one feature, to which all of the score's"),
        ({"groups": np.zeros(6, int)}, r"groups has shape \(6,\), and an input has \(7,\)"),
        ({"groups": "words"}, r"groups='words' was expected to be groups of features"),
        ({"groups": tfxai.Slic()}, r"groups=Slic.* was expected to be groups of features"),
        ({"groups": np.ones(7) / 2}, r"groups of shape \(7,\) was expected to hold integers"),
        (
            {"mask": [0, 0, 1, 1, 2, 2, 3], "groups": [0, 0, 1, 0, 0, 0, 0]},
            r"groups puts elements of feature 1 of the mask into two groups",
        ),
        ({"samples": 2**23}, r"8,388,608 coalitions of 7 features are more than memory"),
    ],
)
def test_what_cannot_be_answered_is_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        HierarchicalShapley(**options)(nonlinear(7, seed=0), np.ones((1, 7)))


def test_levels_are_nested_by_the_levels_before_them():
    assert tree_of([np.array([0, 0, 1, 1]), np.array([0, 1, 0, 0])], 4) == ((0, 1), (2, 3))
    assert tree_of([np.array([0, 0, 0]), np.array([0, 0, 1])], 3) == ((0, 1), 2)
    assert halved((0, 1, 2, 3, 4)) == (((0, 1), 2), (3, 4))
