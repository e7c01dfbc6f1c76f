"""The spans and metrics of OpenTelemetry that `telemetry` reports with. The only place that opens its API."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Counter, Histogram, MeterProvider
    from opentelemetry.metrics import _Gauge as Gauge
    from opentelemetry.trace import Span, Tracer, TracerProvider

SCOPE = "cloudvision"
"""Name of the instrumentation scope."""

OLDEST = (1, 30)
"""The first release of `opentelemetry-api` with gauges and advised bounds of histograms."""

SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Advised bounds of the histogram: vision services answer within tenths of a second to a minute."""

Attributes = dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Instruments:
    """All that is reported with; see the table in `telemetry`."""

    tracer: Tracer
    sources: Counter
    calls: Counter
    duration: Histogram
    units: Counter
    cost: Counter
    gate_decisions: Counter
    backoffs: Counter
    cache_hits: Counter
    retries: Counter
    throttles: Counter
    budget_left: Gauge

    def start(
        self, name: str, attributes: Mapping[str, str | int | float | bool], *, of_client: bool
    ) -> AbstractContextManager[Span]:
        """A span that is current within the context manager."""
        from opentelemetry.trace import SpanKind

        return self.tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT if of_client else SpanKind.INTERNAL,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        )

    def fail(self, span: Span) -> None:
        """Mark a span as failed, without a message."""
        from opentelemetry.trace import StatusCode

        span.set_status(StatusCode.ERROR)

    def inside(self, span: Span) -> Context:
        """The context in which `span` is the current one."""
        from opentelemetry.trace import set_span_in_context

        return set_span_in_context(span)


def instruments(tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None) -> Instruments | None:
    """The instruments of these providers, or of those of the process; None without the package (or with an old one)."""
    try:
        found = tuple(int(part) for part in version("opentelemetry-api").split(".")[:2])
    except (PackageNotFoundError, ValueError):
        return None
    if found < OLDEST:
        return None
    from opentelemetry import metrics, trace

    meter = metrics.get_meter(SCOPE, meter_provider=meter_provider)
    return Instruments(
        tracer=trace.get_tracer(SCOPE, tracer_provider=tracer_provider),
        sources=meter.create_counter("cloudvision.sources", "{source}", "Sources that have their outcome"),
        calls=meter.create_counter("cloudvision.calls", "{call}", "Attempts to call a service"),
        duration=meter.create_histogram(
            "cloudvision.call.duration", "s", "How long a call took", explicit_bucket_boundaries_advisory=SECONDS
        ),
        units=meter.create_counter("cloudvision.billed.units", "{unit}", "What the services bill"),
        cost=meter.create_counter("cloudvision.cost", "USD", "Paid at list prices"),
        gate_decisions=meter.create_counter("cloudvision.gate.decisions", "{decision}", "What the gate said"),
        backoffs=meter.create_counter(
            "cloudvision.gate.backoffs", "{backoff}", "Times that the gate lowered its threshold"
        ),
        cache_hits=meter.create_counter("cloudvision.cache.hits", "{hit}", "Answers that were in the ledger"),
        retries=meter.create_counter("cloudvision.retries", "{retry}", "Downloads and calls that were tried again"),
        throttles=meter.create_counter("cloudvision.throttles", "{throttle}", "Calls that a service throttled"),
        budget_left=meter.create_gauge("cloudvision.budget.left", "USD", "What the narrowest budget still holds"),
    )
