"""The run of `make stress`, a short one, without a look at times."""

from __future__ import annotations

import httpx
import psutil
import pytest

from benchmarks import hostile
from tests.serving.servers import command


@pytest.mark.slow
def test_a_server_holds_beside_hostile_clients(base):
    with command("--model-base-path", str(base)) as started:
        port = httpx.URL(started.url).port
        found = hostile.measured(port, psutil.Process(started.process.pid), 300, 100, 60)
    assert found.wrong == []
    assert found.honest == {"200": 200}
    assert sum(found.hostile.values()) == 100
    held = {name: holds for name, *_, holds in hostile.rows(found)}
    for name in ("memory after over before", "more descriptors", "more threads"):
        assert held[name], found
    assert "Traceback" not in started.log
