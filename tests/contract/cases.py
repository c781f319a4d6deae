"""The cases of all methods, and how the contract makes a method of its case."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import numpy as np
import pytest

from tests.builders import images
from tests.contract.case import Case
from tests.processes import ROOT
from tfxai import methods

NAMES = methods.names(any_model=True)  # those of attention have tests of their own
TARGET = 1


def _cases() -> dict[str, Case]:
    """What the tests of the methods say in their `CASES`, by the name of the method."""
    files = sorted((ROOT / "tests" / "methods").glob("*/test_*.py"))
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    found = [getattr(importlib.import_module(module), "CASES", ()) for module in modules]
    return {case.name: case for cases in found for case in cases}


CASES = _cases()


def case_of(name: str) -> Case:
    cls = methods.get(name)
    assert name in CASES, (
        f"{cls.__name__} has no case. Write CASES = (Case(method={cls.__name__}, ...),) in its "
        f"test, tests/methods/{cls.__module__.split('.')[2]}/test_{name}.py; "
        "tests/contract/case.py says what it holds."
    )
    return CASES[name]


def make(name: str, path: str = "conv1", **options: Any) -> methods.AttributionMethod:
    """The method as its case has it, with `path` in the place of the layer `"conv1"`."""
    given = {
        option: path if (option, value) == ("layer", "conv1") else value
        for option, value in case_of(name).options.items()
    }
    return methods.create(name, **{**given, **options})


def alternative(name: str, option: str) -> Any:
    others = case_of(name).others
    assert option in others, (
        f"The option {option!r} of {name} is new. Add it to others= of its case, with a second "
        "value that changes the values."
    )
    return others[option]


def beside(name: str, option: str) -> dict[str, Any]:
    """The options without which another one does nothing."""
    return dict(case_of(name).beside.get(option, {}))


def options_of(name: str) -> list[str]:
    return [field.name for field in dataclasses.fields(methods.get(name))]


def doubles(count: int = 3, seed: int = 7) -> np.ndarray:
    return images(count, seed=seed).astype(np.float64)


every_method = pytest.mark.parametrize("name", NAMES)
every_option = pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in NAMES for option in options_of(name)]
)
