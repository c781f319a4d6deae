"""Names of classes: which output has which, and how many fit."""

import numpy as np
import pytest

from tfxai.classes import both_classes, class_index, class_name, labelled_class, names_fit

BIRDS = ["Crane", "owl", "crane", "Owl"]


@pytest.mark.parametrize(
    ("name", "index"), [("owl", 1), ("Owl", 3), ("OWL", 1), ("crane", 2), ("CRANE", 0)]
)
def test_case_matters_only_between_names_that_differ_in_nothing_else(name, index):
    assert class_index(name, BIRDS) == index


def test_what_has_no_name_has_none():
    assert class_index("heron", BIRDS) is None
    assert class_index("heron", None) is None
    assert [class_name(i, BIRDS) for i in (-1, 0, 3, 4)] == [None, "Crane", "Owl", None]
    assert class_name(0, None) is None


@pytest.mark.parametrize(
    ("label", "classes", "index"),
    [
        ("owl", BIRDS, 1),
        ("OWL", BIRDS, 1),
        ("3", BIRDS, 3),
        (3, BIRDS, 3),
        (np.int64(3), BIRDS, 3),
        ("1", ["2", "1"], 1),
        ("0", ["2", "1"], 0),
        (4, BIRDS, None),
        (-1, BIRDS, None),
        ("heron", BIRDS, None),
        (True, BIRDS, None),
        (1.0, BIRDS, None),
        ("7", None, 7),
        ("owl", None, None),
    ],
)
def test_a_label_names_an_output_by_name_or_number(label, classes, index):
    assert labelled_class(label, classes) == index


def test_one_unit_stands_for_two_classes_and_nothing_else_does():
    fits = [(n, m) for n in range(1, 5) for m in range(1, 5) if names_fit(n, m)]
    assert fits == [(1, 1), (2, 1), (2, 2), (3, 3), (4, 4)]


def test_one_name_is_that_of_class_1():
    assert both_classes(["cat"]) == ("not cat", "cat")
    assert both_classes(["no", "yes"]) == ("no", "yes")
