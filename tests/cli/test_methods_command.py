import json

import pytest

from tfxai.core.options import declared, described
from tfxai.methods import get, names


def test_every_method_is_listed_with_its_options(run):
    records = json.loads(run("methods", "--json").stdout)
    assert [record["name"] for record in records] == names()
    by_name = {record["name"]: record for record in records}
    steps = by_name["integrated_gradients"]["options"][0]
    assert steps["help"].startswith("Number of gradients per example and baseline")
    assert {key: value for key, value in steps.items() if key != "help"} == {
        "name": "steps",
        "required": False,
        "default": 50,
        "expected": "an integer of at least 1",
        "at_least": 1,
    }
    for name, record in by_name.items():
        assert record["summary"] == get(name).__doc__.splitlines()[0]


def test_the_table_says_the_same(run):
    text = run("methods").stdout
    assert all(name in text for name in names())
    assert "steps=50" in text
    assert "absolute=true" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", names())
def test_the_page_of_a_method_says_what_each_option_means(name, run):
    result = run("methods", name)
    text = " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert text.startswith(f"{name} {get(name).__doc__.splitlines()[0]}")
    for option, declaration in declared(get(name)).items():
        assert option in text
        assert declaration.words[1:] in text
        assert described(get(name))[option] in text


def test_the_page_of_one_method(run):
    assert run("methods", "saliency").stdout.splitlines() == [
        "saliency",
        "  Size of the score's gradient at each input element.",
        "",
        "absolute=true",
        "  True or False.",
        "  Whether to take the gradient's absolute value, as the paper does; False keeps",
        "  its sign.",
    ]
