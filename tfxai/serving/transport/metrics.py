"""What happens, in numbers, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from tfxai.serving.admission import Admission

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
        self._inside = Gauge(
            "tfxai_requests_inside", "Requests that run or wait", registry=self._registry
        )

    def watch(self, admission: Admission) -> None:
        """Takes the number of requests from what counts them."""
        self._inside.set_function(lambda: float(admission.inside))

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Counts an answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def explained(self, model: str, explainer: str, instances: int) -> None:
        """Counts examples of a model that exists."""
        self._explanations.labels(model, explainer).inc(instances)

    def text(self) -> bytes:
        """All numbers, as Prometheus reads them."""
        return generate_latest(self._registry)
