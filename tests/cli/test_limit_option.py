"""Limits of what is read of a model's file, on the command line."""

from __future__ import annotations

import pytest

from tfxai import config
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.inspection import Limits, scan
from tfxai.inspection.limits import chosen, read_limit
from tfxai.registry import find


@pytest.fixture(autouse=True)
def _own_limits(monkeypatch):
    monkeypatch.setattr(config, "model_limits", {})


def test_every_command_keeps_to_the_limits(run):
    result = run("--limit", "objects=1", "predict", "tiny", "cifar10:test:0")
    assert result.exit_code == 2
    assert "more parts than any model needs" in result.stderr
    assert "more parts" in run("--limit", "objects=1", "inspect", "tiny").stdout
    assert config.model_limits == {"objects": 1}
    assert scan(find("tiny")).refused
    assert scan(find("tiny"), limits=Limits()).level == "ok"  # what is passed counts


@pytest.mark.parametrize(
    ("text", "value"),
    [("ratio=5", 5), ("json_bytes=3KiB", 3072), ("weights_bytes=2GiB", 2 << 30)],
)
def test_values_have_units(text, value):
    assert read_limit(text)[1] == value


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("objekts=3", UnknownNameError, "Did you mean 'objects'"),
        ("objects", InvalidInputError, "Pass NAME=NUMBER"),
        ("objects=-1", InvalidInputError, "Pass NAME=NUMBER"),
        ("objects=3GB", InvalidInputError, "as in weights_bytes=8GiB"),
        ("objects=1.5", InvalidInputError, "Pass NAME=NUMBER"),
    ],
)
def test_what_is_no_limit_is_refused(text, kind, said, run):
    with pytest.raises(kind, match=said):
        read_limit(text)
    assert run("--limit", text, "methods").exit_code == 2


def test_settings_are_checked_when_they_are_used():
    config.model_limits = {"object": 3}
    with pytest.raises(UnknownNameError, match=r"limit 'object' of config\.model_limits"):
        chosen(None)
    with pytest.raises(InvalidInputError, match=r"ratio=-1 is no limit"):
        Limits(ratio=-1)
