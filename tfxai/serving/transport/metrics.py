"""What happens, in numbers, for Prometheus."""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Summary,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from tfxai.serving.admission import Admission, WorkKind
from tfxai.serving.models.model import Models

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
MEDIA = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The numbers of one server.

    Label values are the routes and verbs that this server knows, never words of a request, so
    that nobody can make them grow.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "tfxai_requests", "Requests answered", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "tfxai_request_seconds",
            "From the first byte of a request to its answer",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._explanations = Counter(
            "tfxai_explained_instances",
            "Examples explained",
            ["model", "explainer"],
            registry=self._registry,
        )
        names = ["model", "explainer"]
        self._sampled = Counter(
            "tfxai_sampled_instances", "Examples kept as a sample", names, registry=self._registry
        )
        self._sampled_sizes = Summary(
            "tfxai_sampled_mean_abs",
            "Mean absolute value of an explanation, of the sample",
            names,
            registry=self._registry,
        )
        self._sampled_top = Summary(
            "tfxai_sampled_top_share",
            "Share of the largest hundredth of the values in the sum of absolute values",
            names,
            registry=self._registry,
        )
        self._sampled_gap = Summary(
            "tfxai_sampled_gap_share",
            "Completeness gap as a share of the difference of the scores, of the sample",
            names,
            registry=self._registry,
        )
        self._inside = Gauge(
            "tfxai_requests_inside", "Requests that run or wait", ["kind"], registry=self._registry
        )

        self._connections = Gauge(
            "tfxai_connections",
            "Connections; of gRPC, those that have a call",
            ["protocol"],
            registry=self._registry,
        )

    def watch(self, admission: Admission) -> None:
        """Takes the number of requests from what counts them."""
        for kind in WorkKind:
            count = functools.partial(admission.inside, kind)
            self._inside.labels(kind.value).set_function(count)

    def watch_models(self, models: Models) -> None:
        """Takes the versions of the models from what loads them."""
        self._registry.register(_Versions(models))

    def watch_connections(self, protocol: str, count: Callable[[], int]) -> None:
        """Takes the number of connections of a protocol from what counts them."""
        self._connections.labels(protocol).set_function(count)

    def watch_grpc_calls(self, count: Callable[[], int]) -> None:
        """Takes the number of gRPC's calls from what counts them."""
        Gauge(
            "tfxai_grpc_calls",
            "Calls of gRPC whose message is awaited, that run, or whose answer is not read yet",
            registry=self._registry,
        ).set_function(count)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Counts an answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def explained(self, model: str, explainer: str, instances: int) -> None:
        """Counts examples of a model that exists."""
        self._explanations.labels(model, explainer).inc(instances)

    def sampled(self, model: str, explainer: str, line: dict[str, Any]) -> None:
        """Counts an example of the sample, and what its values are like."""
        self._sampled.labels(model, explainer).inc()
        for one in line["values"].values():
            for key, into in (("meanAbs", self._sampled_sizes), ("top", self._sampled_top)):
                if one.get(key) is not None:
                    into.labels(model, explainer).observe(one[key])
        if line.get("gapShare") is not None:
            self._sampled_gap.labels(model, explainer).observe(line["gapShare"])

    def text(self) -> bytes:
        """All numbers, as Prometheus reads them."""
        return generate_latest(self._registry)


class _Versions(Collector):
    """The versions of the models in a folder, whose names are those of the folder."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        newest = GaugeMetricFamily(
            "tfxai_model_version", "Newest version that answers", labels=["model"]
        )
        counts = GaugeMetricFamily(
            "tfxai_model_versions",
            "Versions by state; END with an error could not be loaded",
            labels=["model", "state"],
        )
        for name, states in self._models.own_states().items():
            ready = [one.version for one in states if one.state == "AVAILABLE"]
            if ready:
                newest.add_metric([name], max(ready))
            for state, count in collections.Counter(one.state for one in states).items():
                counts.add_metric([name, state], count)
        failed = CounterMetricFamily(
            "tfxai_loads_failed", "Versions that could not be loaded", labels=["model"]
        )
        for name, count in self._models.failed_loads().items():
            failed.add_metric([name], count)
        yield from (newest, counts, failed)
