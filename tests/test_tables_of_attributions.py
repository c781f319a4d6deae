"""Attributions as arrays, as tables with names, joined, and in a few words."""

import dataclasses
import sys

import numpy as np
import pandas
import pytest

from tests.attributions import VALUES, attribution, full
from tfxai.attribution import Attribution
from tfxai.baselines import Samples
from tfxai.columns import Column
from tfxai.core.inputs.superpixels import superpixels
from tfxai.errors import InvalidInputError, MissingExtraError, UnknownNameError

TABLE = np.array([[1.0, -2.0, 0.5, 3.0], [0.0, 4.0, -1.0, 2.0]])
INPUTS = np.array([[39.0, 1.0, 0.0, 7.0], [61.0, 0.0, 1.0, 8.0]])
NAMES = ["age", "colour_red", "colour_blue", "height"]
DTYPES = ["int64", "bool", "bool", "float64"]
GROUPS = {"colour": ["colour_red", "colour_blue"]}


def of_table(**changes):
    columns = tuple(Column(name, dtype) for name, dtype in zip(NAMES, DTYPES, strict=True))
    return attribution(TABLE, **{"inputs": INPUTS, "columns": columns, **changes})


def of_columns():
    """Keras' pattern for tables: one input a column, texts among them."""
    return attribution(
        {"age": TABLE[:, :1], "colour": TABLE[:, 1:2]},
        inputs={
            "age": INPUTS[:, :1],
            "colour": np.array([["red"], ["blue"]]),
            "id": np.array([[7], [8]]),
        },
        columns={"colour": (Column("colour", "category", ("blue", "red", "green"), True),)},
        held=("id",),
    )


def test_the_array_of_an_attribution_is_its_values():
    np.testing.assert_array_equal(np.asarray(full()), VALUES)
    assert np.asarray(full(), np.float32).dtype == np.float32
    assert np.shares_memory(np.asarray(full()), VALUES)
    assert not np.shares_memory(np.array(full()), VALUES)
    np.testing.assert_allclose(np.abs(full()).sum(), np.abs(VALUES).sum())
    with pytest.raises(InvalidInputError, match=r"of the inputs .*values\[name"):
        np.asarray(of_columns())


@pytest.mark.parametrize("make", [full, attribution, of_table, of_columns])
def test_joined_parts_are_the_whole(make):
    whole = make()
    back = Attribution.concat(iter([whole[0], whole[1]]))
    for field in dataclasses.fields(Attribution):
        np.testing.assert_equal(getattr(back, field.name), getattr(whole, field.name))
    assert len(Attribution.concat([whole, whole[1], whole])) == 5


def test_joined_notes_are_kept_once():
    one, two = (attribution(notes=notes) for notes in (("a", "b"), ("b", "c")))
    assert Attribution.concat([one, two]).notes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (attribution(VALUES[..., :1]), r"1 differs from attribution 0 in values: \(2, 2, 1\)"),
        (attribution(score_name="output"), "in score_name: 'output' instead of 'logit'"),
        (attribution(method={"name": "saliency", "options": {}}), "in method:"),
        (attribution(probability=np.ones(2)), r"in probability: \(\) instead of None"),
        (attribution(details={"steps": np.ones(2)}), r"in details: .*'steps'"),
        (attribution(class_names=("a", "b")), "in class_names:"),
        (attribution({"a": VALUES}), "in values:"),
    ],
)
def test_unlike_attributions_are_not_joined(other, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        Attribution.concat([attribution(), other])


@pytest.mark.parametrize("several", [[], [1], [full(), None]])
def test_nothing_is_not_joined(several):
    with pytest.raises(InvalidInputError, match="one or more attributions"):
        Attribution.concat(several)


def test_options_that_are_arrays_are_compared_by_what_they_hold():
    ones, twos = (
        attribution(method={"name": "deep_shap", "options": {"background": Samples(array)}})
        for array in (np.ones((3, 2)), np.full((3, 2), 2.0))
    )
    assert len(Attribution.concat([ones, ones])) == 4
    with pytest.raises(InvalidInputError, match="in method:"):
        Attribution.concat([ones, twos])


def test_a_table_in_pandas_has_the_names_and_types_of_its_columns():
    frame = of_table().to_pandas()
    assert list(frame.columns) == NAMES == of_table().feature_names
    np.testing.assert_array_equal(frame.to_numpy(), TABLE)
    given = of_table().to_pandas("inputs")
    assert [str(one) for one in given.dtypes] == ["int64", "bool", "bool", "float64"]
    assert given["age"].tolist() == [39, 61]
    assert given["colour_red"].tolist() == [True, False]


def test_inputs_of_one_number_are_columns_with_their_categories():
    frame = of_columns().to_pandas()
    assert list(frame.columns) == ["age", "colour"]
    np.testing.assert_array_equal(frame["colour"], TABLE[:, 1])
    colour = of_columns().to_pandas("inputs")["colour"]
    assert colour.tolist() == ["red", "blue"]
    assert colour.dtype == pandas.CategoricalDtype(["blue", "red", "green"], ordered=True)


def test_features_without_names_are_numbered():
    assert attribution(TABLE, inputs=INPUTS).feature_names == [f"feature {i}" for i in range(4)]
    assert attribution(TABLE, at="dense").feature_names == [f"unit {i}" for i in range(4)]
    two = attribution({"a": TABLE, "b": TABLE[:, 0]}, inputs={"a": INPUTS, "b": INPUTS[:, 0]})
    assert two.feature_names == ["a 0", "a 1", "a 2", "a 3", "b"]
    assert full().feature_names == []
    doubled = dataclasses.replace(of_table(), columns=tuple(map(Column, "abab")))
    assert doubled.feature_names == ["a (1)", "b (1)", "a (2)", "b (2)"]


def test_groups_are_summed_where_their_first_column_was():
    frame = of_table().to_pandas(groups=GROUPS)
    assert list(frame.columns) == ["age", "colour", "height"]
    np.testing.assert_array_equal(frame["colour"], TABLE[:, 1] + TABLE[:, 2])
    np.testing.assert_allclose(frame.sum(axis=1), TABLE.sum(axis=1))
    assert of_table().to_pandas("inputs", groups=GROUPS)["colour"].tolist() == ["red", "blue"]
    no_encoding = of_table().to_pandas("inputs", groups={"size": ["age", "height"]})
    assert list(no_encoding.columns) == NAMES[1:3]


def test_dummies_of_pandas_are_found_and_summed():
    given = pandas.DataFrame({"age": [30, 40, 50], "city": list("abc"), "size": list("xyx")})
    dummies = pandas.get_dummies(given)
    columns = tuple(Column(str(name), str(kind)) for name, kind in dummies.dtypes.items())
    values = np.arange(18.0).reshape(3, 6)
    one = attribution(values, inputs=dummies.to_numpy(np.float32), columns=columns)
    for groups in ("one_hot", ["city", "size"]):
        frame = one.to_pandas(groups=groups)
        assert list(frame.columns) == ["age", "city", "size"]
        np.testing.assert_array_equal(frame["city"], values[:, 1:4].sum(axis=1))
        shown = one.to_pandas("inputs", groups=groups)
        assert shown["city"].tolist() == list("abc")
        assert shown["size"].tolist() == list("xyx")
    assert list(one.to_pandas().columns) == list(dummies.columns)
    with pytest.raises(InvalidInputError, match="found no columns side by side"):
        attribution(values, inputs=values).to_pandas(groups="one_hot")


@pytest.mark.parametrize(
    ("groups", "error", "sentence"),
    [
        ({"colour": ["colour_rde"]}, UnknownNameError, "no column 'colour_rde'. Did you mean"),
        ({"a": ["age"], "b": ["age"]}, InvalidInputError, "'age' is named twice"),
        ({"a": "age"}, InvalidInputError, "a list of columns was expected"),
        ({"a": []}, InvalidInputError, "a list of columns was expected"),
        ({"height": ["age"]}, InvalidInputError, "'height' has the name of a column"),
        (["color"], InvalidInputError, "'color', and no column begins with it and a separator"),
        (["age", 3], InvalidInputError, "groups is list, and was expected to be a dict"),
        ("onehot", InvalidInputError, "groups is 'onehot', and was expected to be a dict"),
        (np.arange(4), InvalidInputError, "groups is ndarray, and was expected"),
    ],
    ids=[
        "misspelt",
        "twice",
        "a word",
        "empty",
        "taken",
        "no such head",
        "a number",
        "in word:",
        "regions",
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, error, sentence):
    with pytest.raises(error, match=sentence):
        of_table().to_pandas(groups=groups)


def test_masses_of_regions_add_up_to_the_values():
    mask = np.array([[0, 5], [5, 5]])
    frame = full().to_pandas(mask=mask)
    assert list(frame.columns) == ["region 0", "region 5"]
    total = VALUES.sum(axis=-1)
    np.testing.assert_allclose(frame["region 0"], total[:, 0, 0])
    np.testing.assert_allclose(frame.sum(axis=1), total.sum(axis=(1, 2)))
    own = np.stack([mask, 5 - mask])  # one mask for each example
    np.testing.assert_allclose(
        full().to_pandas(mask=own)["region 0"], [total[0, 0, 0], total[1].sum() - total[1, 0, 0]]
    )
    image = np.random.default_rng(0).random((1, 16, 16, 3))
    a = attribution(image, inputs=image)
    masses = a.to_pandas(mask=superpixels(image[0]))
    np.testing.assert_allclose(masses.sum(axis=1), image.sum())


@pytest.mark.parametrize("mask", [np.zeros((3, 2), int), np.zeros((2, 2)), np.zeros((), int)])
def test_masks_that_do_not_fit_are_refused(mask):
    with pytest.raises(InvalidInputError, match="mask "):
        full().to_pandas(mask=mask)


def test_what_is_no_table_is_refused_with_the_way_out():
    with pytest.raises(InvalidInputError, match=r"\(2, 2, 2, 2\)}, and those of a table.*heatmap"):
        full().to_pandas()
    with pytest.raises(InvalidInputError, match=r"what='input' was expected"):
        of_table().to_pandas("input")
    with pytest.raises(InvalidInputError, match="not both"):
        full().to_pandas(mask=np.zeros((2, 2), int), groups=GROUPS)
    with pytest.raises(InvalidInputError, match="expected to be 'values'"):
        full().to_pandas("inputs", mask=np.zeros((2, 2), int))


def test_a_missing_pandas_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pandas is not installed.*tfxai\[pandas\]"):
        of_table().to_pandas()


def test_names_can_be_given_afterwards():
    plain = attribution(TABLE, inputs=INPUTS)
    assert plain.with_feature_names(NAMES).feature_names == NAMES
    assert plain.feature_names[0] == "feature 0"
    with pytest.raises(InvalidInputError, match="holds 1 names, and there are 4 features"):
        plain.with_feature_names(["a"])
    with pytest.raises(InvalidInputError, match="holds one text"):
        plain.with_feature_names("abcd")
    with pytest.raises(InvalidInputError, match="names already"):
        of_columns().with_feature_names(["a", "b"])


@pytest.mark.parametrize("make", [of_table, of_columns])
def test_names_types_and_categories_survive_the_file(make, tmp_path):
    back = Attribution.load(make().save(tmp_path / "a"))
    assert back.columns == make().columns
    pandas.testing.assert_frame_equal(back.to_pandas(), make().to_pandas())
    pandas.testing.assert_frame_equal(back.to_pandas("inputs"), make().to_pandas("inputs"))


def test_many_named_inputs_are_counted_not_listed():
    many = attribution({f"column {i}": TABLE[:, :1] for i in range(30)})
    assert repr(many).startswith("Attribution(saliency, values of 30 inputs, score='logit'")
    assert len(repr(many)) < 120


@pytest.mark.parametrize(
    "one",
    [attribution(VALUES[:0]), attribution(np.ones((2, 1, 1, 1, 1, 1)), inputs=np.ones((2, 1)))],
    ids=["no example", "six axes"],
)
def test_html_of_what_cannot_be_drawn_says_why(one):
    text = one._repr_html_()
    assert "Attribution(saliency" in text
    assert "<img" not in text
    assert "<p>" in text.removeprefix("<p>")
