"""Declared options: what is accepted, the sentence for what is not, the help of a docstring."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.processes import loaded
from tfxai.core.options import COUNTS, Kind, Option, declaration, declared, described, option
from tfxai.errors import InvalidInputError, UnknownNameError


def shouted(name, value):
    if not isinstance(value, str):
        raise InvalidInputError(f"{name} is no text.")
    return value.upper()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What it is for.

    Says more: no entry.

    Args:
        word: A word, such as
            `"one"`: in two lines.
        steps: How many.

    Returns:
        steps: No entry either.
    """

    word: str = dataclasses.field(metadata=declaration(kind=Kind("a word", shouted)))
    steps: int = option(5, at_least=1)
    plain: int = 3


def test_a_field_keeps_its_default_and_carries_its_declaration():
    assert Record(word="a").steps == 5
    with pytest.raises(TypeError, match="word"):
        Record()
    assert list(declared(Record)) == ["word", "steps"]
    assert declared(Record)["steps"] == Option(kind=int, at_least=1)


def test_help_is_the_entry_of_the_docstring_in_one_line():
    assert described(Record) == {
        "word": 'A word, such as `"one"`: in two lines.',
        "steps": "How many.",
    }
    assert described(Kind) == {
        "words": "What they are, for a list of options.",
        "read": "From the option's name and what was passed to the form in which it is stored; "
        "raises `InvalidInputError` with a sentence of its own.",
    }
    assert described(type("Silent", (), {})) == {}


SEED = Option(kind=int, at_least=0, below=8)
SHARE = Option(kind=float, above=0, below=1)
WORD = Option(kind=str, choices=("mean", "max"), noun="reduction")


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (Option(kind=int, at_least=1), 1),
        (Option(kind=int), 10**400),
        (SEED, 7),
        (SHARE, np.float64(0.5)),
        (Option(kind=float, at_least=0), 0),
        (Option(kind=float, above=0, is_optional=True), None),
        (Option(kind=bool), False),
        (WORD, "max"),
        (Option(kind=COUNTS), 3),
        (Option(kind=COUNTS, is_optional=True), None),
    ],
)
def test_what_is_within_bounds_is_kept_as_it_is(declared, value):
    assert declared.read("one", value) is value


def test_counts_are_stored_as_a_tuple_and_a_kind_reads_for_itself():
    assert Option(kind=COUNTS).read("cells", [2, 3]) == (2, 3)
    assert declared(Record)["word"].read("word", "a") == "A"


@pytest.mark.parametrize(
    ("declared", "value", "sentence"),
    [
        (Option(kind=int, at_least=1), 0, "one=0 was expected to be an integer of at least 1."),
        (Option(kind=int, at_least=1), True, "one=True was expected to be an integer of at"),
        (Option(kind=int), 1.0, "one=1.0 was expected to be an integer."),
        (Option(kind=int), np.int64(1), "was expected to be an integer."),
        (SEED, 8, "one=8 was expected to be an integer in [0, 8)."),
        (SEED, -1, "one=-1 was expected to be an integer in [0, 8)."),
        (SHARE, 1, "one=1 was expected to be a number in (0, 1)."),
        (SHARE, 0.0, "one=0.0 was expected to be a number in (0, 1)."),
        (SHARE, False, "one=False was expected to be a number in (0, 1)."),
        (
            Option(kind=float, above=0),
            float("inf"),
            "one=inf was expected to be a number above 0.",
        ),
        (Option(kind=float), float("nan"), "one=nan was expected to be a number."),
        (
            Option(kind=float, above=0, is_optional=True),
            "x",
            "one='x' was expected to be a number above 0, or None.",
        ),
        (Option(kind=bool), 1, "one=1 was expected to be True or False."),
        (Option(kind=bool), None, "one=None was expected to be True or False."),
        (WORD, 3, "one=3 was expected to be 'mean' or 'max'."),
        (WORD, "maxi", "There is no reduction 'maxi'. Did you mean 'max'"),
        (
            Option(kind=COUNTS),
            (),
            "one=() was expected to be an integer of at least 1, or one for",
        ),
        (Option(kind=COUNTS), (1, True), "or one for each axis."),
        (Option(kind=COUNTS), "12", "or one for each axis."),
    ],
)
def test_what_is_not_is_refused_in_a_sentence_that_says_what_is(declared, value, sentence):
    with pytest.raises(InvalidInputError) as caught:
        declared.read("one", value)
    assert sentence in str(caught.value)


def test_an_unknown_word_is_an_unknown_name():
    with pytest.raises(UnknownNameError, match="Known: mean, max"):
        WORD.read("reduce", "sum")


def test_bounds_are_plain_json():
    assert SEED.bounds == {"at_least": 0, "below": 8}
    assert WORD.bounds == {"choices": ["mean", "max"]}


def test_declarations_load_no_tensorflow():
    assert loaded("import tfxai.core.options", "tensorflow") == []
