import dataclasses
import typing
from typing import Any, Literal

import pytest

from tfxai.cli.picking import parse, pick_methods, read_target
from tfxai.errors import InvalidInputError
from tfxai.methods import (
    GradCAM,
    IntegratedGradients,
    Saliency,
    get,
    names,
)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("7", int, 7),
        ("1e-3", float, 0.001),
        ("7", str, "7"),
        ("No", bool, False),
        ("true", bool, True),
        ("none", str | None, None),
        ("conv1", str | None, "conv1"),
        ("none", int | None, None),
        ("3", int | None, 3),
        ("none", Any, None),
        ("0.5", Any, 0.5),
        ("white", Any, "white"),
        ("auto", tuple[int, int] | Literal["auto"] | None, "auto"),
        ("8,4", tuple[int, int] | Literal["auto"] | None, (8, 4)),
        ("(8, 4)", tuple[int, int] | None, (8, 4)),
        ("8x4", tuple[int, int] | None, (8, 4)),
        ("11", int | tuple[int, ...], 11),
        ("[5,7]", int | tuple[int, ...] | None, (5, 7)),
        ("50,100.5", tuple[float, ...], (50.0, 100.5)),
    ],
)
def test_a_value_is_read_by_the_type_of_its_option(text, kind, value):
    found = parse("key", text, kind)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("1.5", int, "a whole number"),
        ("x", float | None, "a number or none"),
        ("2", bool, "true or false"),
        ("x", dict, "dict"),
        (
            "square",
            tuple[int, int] | Literal["auto"] | None,
            "a whole number for each, as in 8,8 or auto or none",
        ),
    ],
)
def test_text_of_another_type_is_refused(text, kind, wanted):
    with pytest.raises(InvalidInputError, match=f"key={text} cannot be used: {wanted} was"):
        parse("key", text, kind)


@pytest.mark.parametrize("name", names())
def test_every_option_of_every_method_can_be_written(name):
    """Its default, as Python shows it, is read as what it is."""
    hints = typing.get_type_hints(get(name))
    for field in dataclasses.fields(get(name)):
        if isinstance(field.default, int | float | str | tuple | None):
            assert parse(field.name, str(field.default), hints[field.name]) == field.default


def test_an_option_goes_to_every_method_that_has_it_and_a_dotted_one_to_its_own():
    names = ["saliency", "integrated_gradients", "grad_cam", "saliency"]
    words = ["absolute=no", "integrated_gradients.steps=7", "baseline=white", "steps=8"]
    assert pick_methods(names, words, "conv") == [
        Saliency(absolute=False),
        IntegratedGradients(steps=8, baseline="white"),
        GradCAM(layer="conv"),
    ]


def test_a_target_is_a_number_or_a_name():
    assert [read_target(text) for text in (None, "3", "-1", "Frog", "3d")] == [
        None,
        3,
        -1,
        "Frog",
        "3d",
    ]
