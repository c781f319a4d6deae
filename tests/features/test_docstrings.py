"""The examples in the docstrings run and give what they say."""

from __future__ import annotations

import doctest

import pytest

from tfxai.features import accentuation, activation_maximisation, deep_dream, sheets

MODULES = {
    one.__name__.rpartition(".")[2]: one
    for one in (accentuation, activation_maximisation, deep_dream, sheets)
}


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_examples_give_what_they_say(module):
    failed, tried = doctest.testmod(module)
    assert failed == 0
    assert tried > 2
