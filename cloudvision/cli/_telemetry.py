"""`--telemetry`: where spans and metrics of a command go, by the variables that OpenTelemetry and Azure Monitor read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudvision.errors import ConfigError
from cloudvision.telemetry import Telemetry

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

AZURE, OTLP = "APPLICATIONINSIGHTS_CONNECTION_STRING", "OTEL_EXPORTER_OTLP_ENDPOINT"

# The exporter of Azure Monitor reports on itself to its vendor, and asks the vendor for settings, unless told not to.
_AZURE_ABOUT_ITSELF = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
)


@contextmanager
def reporting(wanted: bool) -> Iterator[Telemetry]:
    """Telemetry that sends to Azure Monitor and to an OTLP collector, whichever is set up; all is sent at the end.

    Without `wanted` it goes to the providers of the process, which a command line never sets up: nowhere.

    Raises:
        ConfigError: `wanted`, and neither variable is set, or the extra is not installed.
    """
    if not wanted:
        yield Telemetry()
        return
    if not (os.environ.get(AZURE) or os.environ.get(OTLP)):
        raise ConfigError(f"--telemetry needs to know where to: set {OTLP} or {AZURE}")
    try:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        spans, metrics = _exporters()
    except ModuleNotFoundError as error:
        raise ConfigError(f"--telemetry needs {error.name}: pip install 'cloudvision-gate[telemetry]'") from error
    except ValueError as error:
        # The exporters' own words may quote the connection string, which holds a key.
        raise ConfigError(f"the value of {OTLP} or {AZURE} cannot be used ({type(error).__name__})") from None
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or "cloudvision"})
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in spans:
        tracers.add_span_processor(BatchSpanProcessor(exporter))
    readers = [PeriodicExportingMetricReader(exporter) for exporter in metrics]
    meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    try:
        yield Telemetry(tracer_provider=tracers, meter_provider=meters)
    finally:
        tracers.shutdown()
        meters.shutdown()


def _exporters() -> tuple[list[SpanExporter], list[MetricExporter]]:
    spans: list[SpanExporter] = []
    metrics: list[MetricExporter] = []
    if os.environ.get(OTLP):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        spans.append(OTLPSpanExporter())
        metrics.append(OTLPMetricExporter())
    if os.environ.get(AZURE):
        for name in _AZURE_ABOUT_ITSELF:
            os.environ.setdefault(name, "true")
        from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter, AzureMonitorTraceExporter

        spans.append(AzureMonitorTraceExporter(disable_offline_storage=True))
        metrics.append(AzureMonitorMetricExporter(disable_offline_storage=True))
    return spans, metrics
