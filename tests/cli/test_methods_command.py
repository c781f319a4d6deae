import json

from tfxai.methods import get, names


def test_every_method_is_listed_with_its_options(run):
    records = json.loads(run("methods", "--json").stdout)
    assert [record["name"] for record in records] == names()
    by_name = {record["name"]: record for record in records}
    steps = {"name": "steps", "required": False, "default": 50}
    assert steps in by_name["integrated_gradients"]["options"]
    for name, record in by_name.items():
        assert record["summary"] == get(name).__doc__.splitlines()[0]


def test_the_table_says_the_same(run):
    text = run("methods").stdout
    assert all(name in text for name in names())
    assert "steps=50" in text
    assert "absolute=true" in text
    assert max(map(len, text.splitlines())) <= 80
