"""The conditions of `tfxai batch --where`: what they mean, and what is refused."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pytest

from tfxai.batch import Where
from tfxai.errors import InvalidInputError, UnknownNameError

CLASSES = ("cat", "Dog", "bird")
VALUES = {
    "prediction": 1,
    "probability": 0.4,
    "label": 2,
    "key": "a.png",
    "age": 7,
    "city": "Rome",
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("probability < 0.5", True),
        ("probability < 0.5 and prediction == label", False),
        ("probability >= 0.5 or prediction != label", True),
        ("not prediction == label", True),
        ("not (probability < 0.5 or age > 3)", False),
        ("prediction == 'Dog'", True),
        ("prediction == 'dog'", True),
        ("'bird' == label", True),
        ("prediction in ('cat', 'dog')", True),
        ("prediction not in [0, 2]", True),
        ("label in (0, 1)", False),
        ("0.3 < probability <= 0.4", True),
        ("0.4 < probability < 0.9", False),
        ("age == 7 and city == 'Rome'", True),
        ("city in ('Paris', 'Rome')", True),
        ("age > -1", True),
        ("key != 'b.png'", True),
    ],
)
def test_what_a_condition_means(text, holds):
    assert Where(text).holds(VALUES, CLASSES) is holds


def test_names():
    where = Where("probability < 0.5 and age > 3 and city != label")
    assert where.fields == ("age", "city")
    assert where.needs_answer
    assert not Where("age > 3 and label == 1").needs_answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "probability",
        "probability <",
        "__import__('os').system('true') == 0",
        "key.__class__ == 1",
        "[x for x in (1, 2)] == 1",
        "(lambda: 1)() == 1",
        "age + 1 > 3",
        "age ** 9 > 1",
        "f'{age}' == '7'",
        "age if age else 1",
        "age is 7",
        "age in city",
        "age == (1, 2)",
        "age in ((1, 2), 3)",
        "(x := 3) == 3",
        "age == b'7'",
        "age == None",
        "1 < 2; 3 < 4",
        "not age",
        "(" * 300 + "age > 1" + ")" * 300,
        "age > 1" + " and age > 1" * 200,
        "age > 1\x00",
    ],
)
def test_what_is_not_a_comparison_is_refused(text):
    with pytest.raises(InvalidInputError, match="condition"):
        Where(text)


def test_a_class_that_is_not_there_is_refused_before_the_run():
    with pytest.raises(UnknownNameError, match=r"class 'Dgo'.*Dog"):
        Where("age > 3 or prediction == 'Dgo'").check_classes(CLASSES)
    with pytest.raises(InvalidInputError, match="have no names"):
        Where("label != 'cat'").check_classes(None)
    Where("city == 'Dgo' and prediction in ('CAT', 2)").check_classes(CLASSES)
    for text in ("label == 3", "prediction in (0, 7)", "3 != label"):
        with pytest.raises(InvalidInputError, match="the model's classes are 0 to 2"):
            Where(text).check_classes(CLASSES)
        Where(text).check_classes(None)
    Where("label < 9 and label == -1 and age == 40").check_classes(CLASSES)


def test_values_that_cannot_be_compared_are_refused():
    with pytest.raises(InvalidInputError, match="compares 'Rome' with 3"):
        Where("city < 3").holds(VALUES, CLASSES)
    with pytest.raises(UnknownNameError, match=r"'cty'.*city"):
        Where("cty == 'Rome'").holds(VALUES, CLASSES)
    for text in (
        "age == 'north'",
        "age != 'north'",
        "'7' == age",
        "city == 7",
        "age in ('north', 'south')",
        "city not in (7, 'Rome')",
        "age in (7, 'north')",
        "key != 3",
        "probability == '0.4'",
    ):
        with pytest.raises(InvalidInputError, match="Compare numbers with numbers"):
            Where(text).holds(VALUES, CLASSES)
    with pytest.raises(InvalidInputError, match="compares a date with '2026-01-01'"):
        Where("day == '2026-01-01'").holds({"day": datetime.date(2026, 1, 1)})
    with pytest.raises(InvalidInputError, match="compares a ndarray with 3"):
        Where("box == 3").holds({"box": np.arange(4)})


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("site == 'north'", False),
        ("site != 'north'", True),
        ("site not in ('north', 'south')", True),
        ("price == 2", True),
        ("flag == True", True),
        ("count == 3.0", True),
    ],
)
def test_what_is_missing_equals_nothing_and_numbers_are_of_any_type(text, holds):
    values = {"site": None, "price": decimal.Decimal(2), "flag": np.True_, "count": np.int8(3)}
    assert Where(text).holds(values) is holds
