"""The run of `make stress`, a short one, without a look at times."""

from __future__ import annotations

import httpx
import psutil
import pytest

from benchmarks import hostile
from tests.serving.servers import command


@pytest.mark.slow
def test_a_server_holds_beside_hostile_clients(base):
    port = hostile.free_port()
    with command("--model-base-path", str(base), "--grpc-port", str(port)) as started:
        ports = hostile.Ports(httpx.URL(started.url).port, port)
        found = hostile.measured(ports, psutil.Process(started.process.pid), 360, 160, 80)
    assert found.wrong == []
    assert found.honest == {"200": 200}
    assert sum(found.hostile.values()) == 160
    assert sum(n for kind, n in found.hostile.items() if kind.startswith("gRPC")) == 80
    held = {name: holds for name, *_, holds in hostile.rows(found)}
    for name in ("memory after over before", "more descriptors", "more threads"):
        assert held[name], found
    assert "Traceback" not in started.log
