"""Explanations: attributes, and JSON."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

from tfxai.compat.alibi.api.interfaces import Explanation
from tfxai.errors import InvalidInputError


def explanation():
    return Explanation(
        meta={"name": "IG", "params": {"target_fn": np.argmax, "n_steps": np.int64(3)}},
        data={"attributions": [np.array([[1.0, 2.0]])], "X": np.ones((1, 2)), "target": None},
    )


def test_entries_are_attributes():
    found = explanation()
    assert found.name == "IG"
    assert found.attributions is found.data["attributions"]
    with pytest.raises(AttributeError, match=r"no 'values'. It has \['X', 'attributions'"):
        _ = found.values
    with pytest.warns(DeprecationWarning, match="Write explanation.data"):
        assert found["data"] is found.data
    assert "attributions" in repr(found)


def test_json_holds_arrays_as_lists_and_functions_by_name():
    found = explanation()
    found.data["fn"] = partial(np.argmax, axis=1)
    stored = json.loads(found.to_json())
    assert stored["data"]["attributions"] == [[[1.0, 2.0]]]
    assert stored["meta"]["params"] == {"target_fn": "argmax", "n_steps": 3}
    assert "argmax" in stored["data"]["fn"]
    back = Explanation.from_json(found.to_json())
    assert back.data == stored["data"]
    assert back.X == [[1.0, 1.0]]


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"meta": {}}', '{"meta": {}, "data": []}'])
def test_what_is_no_explanation_is_refused(text):
    with pytest.raises(InvalidInputError, match="what to_json returned"):
        Explanation.from_json(text)


@pytest.mark.parametrize(
    ("name", "advice"), [("AnchorImage", "Keep alibi"), ("KernelShap", "SHAP")]
)
def test_what_is_not_replaced_is_said(name, advice):
    with pytest.raises(ImportError, match=f"does not replace alibi's '{name}'. .*{advice}"):
        exec(f"from tfxai.compat.alibi.explainers import {name}")
    with pytest.raises(ImportError, match="cannot import name 'load'"):
        exec("from tfxai.compat.alibi.saving import load")
    for function in ("load_explainer", "save_explainer"):
        with pytest.raises(ImportError, match=f"does not replace alibi's '{function}'. .*Keras"):
            exec(f"from tfxai.compat.alibi.saving import {function}")
    with pytest.raises(ImportError, match="cannot import name 'Integrated'"):
        exec("from tfxai.compat.alibi.explainers import Integrated")
