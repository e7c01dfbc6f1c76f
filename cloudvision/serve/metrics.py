"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cloudvision._version import version
from cloudvision.serve.catalog import Entry

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PICTURES = (1, 2, 4, 8, 16, 32, 64, 128)
_MODEL = ("model", "version")


class Metrics:
    """Counts and times. Nothing of a picture, an address or a client goes in: labels are routes, statuses and models."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        name = "cloudvision_serve"
        self._requests = Counter(f"{name}_requests", "Answered requests.", ("route", "status"), registry=registry)
        self._took = Histogram(
            f"{name}_request_seconds", "From head to answer.", ("route",), buckets=_SECONDS, registry=registry
        )
        self._batches = Histogram(
            f"{name}_batch_pictures", "Pictures of one inference.", _MODEL, buckets=_PICTURES, registry=registry
        )
        self._inference = Histogram(
            f"{name}_inference_seconds", "One inference.", _MODEL, buckets=_SECONDS, registry=registry
        )
        self._waited = Histogram(
            f"{name}_wait_seconds",
            "From asking to inference, decoding included.",
            _MODEL,
            buckets=_SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            f"{name}_refused_pictures", "Refused, for the line was full.", _MODEL, registry=registry
        )
        self._abandoned = Counter(
            f"{name}_abandoned_pictures", "Dropped, for the client had gone.", _MODEL, registry=registry
        )

    def watch_lines(self, entries: Iterable[Entry], waiting: Callable[[Entry], int]) -> None:
        """Show what waits for each model whenever the page is read."""
        self._registry.register(_Lines(tuple(entries), waiting))

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request has been answered."""
        self._requests.labels(route, str(status)).inc()
        self._took.labels(route).observe(seconds)

    def ran(self, entry: Entry, count: int, *, seconds: float, waited: Sequence[float]) -> None:
        """An inference has ended."""
        labels = entry.name, entry.version
        self._batches.labels(*labels).observe(count)
        self._inference.labels(*labels).observe(seconds)
        line = self._waited.labels(*labels)
        for each in waited:
            line.observe(each)

    def refused(self, entry: Entry, count: int) -> None:
        """There was no room in the line."""
        self._refused.labels(entry.name, entry.version).inc(count)

    def abandoned(self, entry: Entry, count: int) -> None:
        """A client has hung up before its answer."""
        self._abandoned.labels(entry.name, entry.version).inc(count)

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)


class _Lines(Collector):
    def __init__(self, entries: tuple[Entry, ...], waiting: Callable[[Entry], int]) -> None:
        self._entries = entries
        self._waiting = waiting

    def collect(self) -> Iterator[GaugeMetricFamily]:
        lines = GaugeMetricFamily("cloudvision_serve_line_pictures", "Pictures that wait.", labels=_MODEL)
        info = GaugeMetricFamily(
            "cloudvision_serve_model_info", "What is served.", labels=(*_MODEL, "kind", "batch", "cloudvision")
        )
        for entry in self._entries:
            lines.add_metric((entry.name, entry.version), self._waiting(entry))
            info.add_metric((entry.name, entry.version, entry.runs.kind, str(entry.lane.batch), version()), 1)
        yield lines
        yield info
