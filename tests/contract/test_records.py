"""The record of options: JSON, equality, effect; and what a method says of itself."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import re

import numpy as np
import pytest

import tfxai
from tests import builders
from tests.contract.cases import (
    NAMES,
    TARGET,
    alternative,
    beside,
    case_of,
    doubles,
    every_method,
    every_option,
    make,
    options_of,
)
from tests.processes import ROOT
from tfxai import methods
from tfxai.core.inputs.baselines import BACKGROUND, BASELINE
from tfxai.core.options import declared, described
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.methods import catalogue

COMPARED = (BACKGROUND, BASELINE)


def through_json(method):
    return methods.AttributionMethod.from_config(json.loads(json.dumps(method.to_config())))


@pytest.fixture(scope="module")
def model():
    return builders.functional(dtype="float64")


@every_method
def test_config_round_trips_through_json(name):
    method = make(name)
    assert method.to_config()["name"] == method.name == name
    idle = set(method.idle_options)
    assert set(method.to_config()["options"]) == set(options_of(name)) - idle
    assert all(option in case_of(name).beside for option in idle)
    back = through_json(method)
    assert back == method
    assert hash(back) == hash(method)
    assert type(back) is type(method)


@every_option
def test_config_with_another_option_round_trips_and_differs(name, option):
    others = beside(name, option)
    method = make(name, **{option: alternative(name, option)}, **others)
    assert through_json(method) == method
    assert hash(through_json(method)) == hash(method)
    assert method != make(name, **others)
    assert repr(method) != repr(make(name, **others))


@every_option
def test_every_option_changes_the_values(name, option, model):
    others = beside(name, option)
    moved = make(name, **others, **{option: alternative(name, option)})
    a = make(name, **others)(model, doubles(), target=TARGET).values
    b = moved(model, doubles(), target=TARGET).values
    assert a.shape != b.shape or not np.allclose(a, b, rtol=1e-3)


@every_option
def test_option_of_a_wrong_kind_is_refused(name, option):
    with pytest.raises(InvalidInputError, match=r"expected|does not fit|There is no"):
        make(name, **{option: object()})


@every_option
def test_misspelt_option_names_the_nearest(name, option):
    with pytest.raises(UnknownNameError, match=f"'{option}'"):
        methods.create(name, **{option + "x": 1})


@every_method
def test_attribution_carries_the_method_as_it_ran(name, model):
    a = make(name)(model, doubles(), target=TARGET)
    again = methods.AttributionMethod.from_config(a.method)(model, doubles(), target=TARGET)
    np.testing.assert_array_equal(again.values, a.values)
    assert again.method == a.method


@every_method
def test_misspelt_name_names_the_nearest(name):
    for function in (methods.get, methods.create):
        with pytest.raises(UnknownNameError, match=f"'{name}'"):
            function(name + "s")


@every_method
def test_docstring_has_its_sections(name):
    text = inspect.getdoc(methods.get(name))
    for section in ("Returns:", "Reference:", "Example:"):
        assert f"\n{section}\n" in text
    first = text.splitlines()[0]
    assert first.endswith(".")
    assert text.splitlines()[1] == ""
    arguments = text.partition("\nArgs:\n")[2].partition("\nReturns:")[0]
    assert re.findall(r"^ {4}(\w+):", arguments, re.M) == options_of(name)
    assert list(described(methods.get(name))) == options_of(name)
    assert "Departure" in text
    assert ("\nRaises:\n" in text) >= bool(options_of(name))


@every_method
def test_every_option_is_declared(name):
    cls = methods.get(name)
    assert list(declared(cls)) == options_of(name), (
        f"Write each option of {cls.__name__} as in samples: int = option(50, at_least=1), of "
        "tfxai.core.options."
    )
    assert "__post_init__" not in vars(cls)  # what goes together is in _check_together


@every_method
def test_what_a_class_says_of_itself_goes_together(name):
    cls = methods.get(name)
    compared = [option for option, one in declared(cls).items() if one.kind in COMPARED]
    assert set(compared) == set(cls.program_inputs), (
        f"Name {compared} in program_inputs of {cls.__name__}: f.baseline is made of them."
    )
    if cls.is_map and "layer" not in options_of(name):
        assert cls.is_by_input, f"{cls.__name__} gives maps of the input: say is_by_input = True."
    if cls._finish is not methods.AttributionMethod._finish:
        assert cls.host_stage != methods.AttributionMethod.host_stage, (
            f"Say in host_stage of {cls.__name__} what its _finish does."
        )


@every_method
def test_example_runs(name):
    cls = methods.get(name)
    module = inspect.getmodule(cls)
    runner = doctest.DocTestRunner(verbose=False)
    for case in doctest.DocTestFinder(recurse=False).find(cls, cls.__name__, module):
        runner.run(case)
    assert runner.failures == 0
    assert runner.tries > 0


@every_method
def test_name_is_a_word_and_leads_to_the_class(name):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert methods.get(name).name == name
    assert inspect.isabstract(methods.get(name)) is False
    assert getattr(methods.get(name), "__final__", False)


def test_every_method_that_is_written_is_in_the_catalogue():
    files = (ROOT / "tfxai" / "methods").glob("*/*.py")
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    defined = [one for name in modules for one in vars(importlib.import_module(name)).values()]
    written = {
        one.__name__
        for one in defined
        if inspect.isclass(one)
        and issubclass(one, methods.AttributionMethod)
        and "__final__" in vars(one)
    }
    assert written == {name for name in vars(catalogue) if not name.startswith("_")}
    names = methods.names()
    assert written == {methods.get(name).__name__ for name in names}
    assert written <= set(dir(tfxai))
    assert sorted(names) == names
    of_attention = {name for name in names if methods.get(name).needs_attention}
    assert set(NAMES) == set(names) - of_attention  # whose tests bring models with attention
