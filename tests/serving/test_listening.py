"""Where a server listens, and how many connections the system lets it have."""

from __future__ import annotations

import logging
import resource

import pytest

from tfxai.serving.transport import listening

FILES = resource.RLIMIT_NOFILE


@pytest.mark.parametrize(
    ("soft", "hard", "becomes", "is_told"),
    [
        (1024, 4096, 1280, False),
        (1024, resource.RLIM_INFINITY, 1280, False),
        (1024, 1100, 1100, True),
        (2048, 4096, None, False),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, False),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be(
    monkeypatch, caplog, soft, hard, becomes, is_told
):
    became = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: became.append(limits))
    monkeypatch.setattr(logging.getLogger("tfxai.serving"), "propagate", True)
    caplog.set_level(logging.WARNING, "tfxai.serving")
    listening.allow(1024)
    assert became == ([] if becomes is None else [(becomes, hard)])
    assert ("1024 connections need 1280 open files" in caplog.text) == is_told
