"""Spans and metrics: what is reported, to whom, and that nothing is where nobody asked for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudvision.batch import run_many
from cloudvision.errors import AuthError, RejectedError, ThrottledError, UnavailableError
from cloudvision.images import Image, Remote
from cloudvision.ledger import Budget
from cloudvision.pipeline import Pipeline
from cloudvision.policy import Policy
from cloudvision.providers.fake import Fake
from cloudvision.telemetry import Telemetry
from tests.canaries import MARK, PIXELS, SIGNED, URL_PASSWORD, leaked
from tests.loopback import Request, serving
from tests.pictures import png
from tests.test_pipeline import Judge, NoWait, StillLimiter

pytest.importorskip("opentelemetry.sdk", reason="needs the extra telemetry")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode


@dataclass
class Collector:
    """The application's side: an SDK that keeps everything in memory."""

    telemetry: Telemetry
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == f"cloudvision.{name}"]

    def metrics(self) -> dict[str, list[tuple[dict[str, object], float]]]:
        """By name: attributes (without the prefix) and value; of a histogram its count."""
        found: dict[str, list[tuple[dict[str, object], float]]] = {}
        data = self.reader.get_metrics_data()
        for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
            for point in metric.data.data_points:
                attributes = {name.removeprefix("cloudvision."): value for name, value in point.attributes.items()}
                value = getattr(point, "value", None)
                found.setdefault(metric.name, []).append((attributes, point.count if value is None else value))
        return found

    def total(self, name: str, **attributes: object) -> float:
        rows = self.metrics().get(f"cloudvision.{name}", [])
        return sum(value for found, value in rows if attributes.items() <= found.items())


@pytest.fixture
def collector() -> Iterator[Collector]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(shutdown_on_exit=False), MeterProvider([reader], shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    ticks = iter(range(10_000))
    clock = lambda: next(ticks) / 4  # noqa: E731
    yield Collector(Telemetry(tracer_provider=tracers, meter_provider=meters, clock=clock), exporter, reader)
    tracers.shutdown()
    meters.shutdown()


def test_a_run_has_a_span_with_its_sources_and_their_calls_below(collector: Collector) -> None:
    pipeline = Pipeline(Fake(price=1000), telemetry=collector.telemetry)
    list(run_many(pipeline, [png(1), png(2), png(3)], workers=2))
    (run,) = collector.spans("run")
    sources, calls = collector.spans("source"), collector.spans("call")
    assert {"cloudvision.provider": "fake", "cloudvision.workers": 2} == run.attributes
    assert [run.context.span_id] * 3 == [source.parent and source.parent.span_id for source in sources]
    assert {source.context.span_id for source in sources} == {call.parent.span_id for call in calls if call.parent}
    assert [0, 1, 2] == sorted(source.attributes["cloudvision.position"] for source in sources)
    assert {("analysed", 0.001, False)} == {
        tuple(s.attributes[f"cloudvision.{name}"] for name in ("outcome", "cost_usd", "cached")) for s in sources
    }
    assert {SpanKind.CLIENT} == {call.kind for call in calls}


def test_calls_are_counted_timed_and_priced(collector: Collector) -> None:
    pipeline = Pipeline(Fake(price=1000), telemetry=collector.telemetry)
    for n in (1, 2, 2):
        pipeline.run(png(n))
    assert 2 == collector.total("calls", provider="fake", billed="yes")
    assert 2 == collector.total("call.duration")
    assert 0.002 == pytest.approx(collector.total("cost"))
    assert 2 == collector.total("billed.units")
    assert 1 == collector.total("cache.hits", provider="fake")
    assert 3 == collector.total("sources", outcome="analysed")
    data = collector.reader.get_metrics_data()
    assert data is not None
    points = {m.name: m.data.data_points for m in data.resource_metrics[0].scope_metrics[0].metrics}
    assert 0.25 == points["cloudvision.call.duration"][0].min  # the clock moves a quarter of a second at each look


def test_decisions_of_the_gate_are_counted(collector: Collector) -> None:
    for score, audit in ((0.9, 0.0), (0.1, 0.0), (0.1, 1.0)):
        policy = Policy(audit=audit)
        Pipeline(Fake(), gate=Judge(score), policy=policy, telemetry=collector.telemetry).run(png())
    found = {str(attributes["gate"]): value for attributes, value in collector.metrics()["cloudvision.gate.decisions"]}
    assert {"worth": 1, "skip": 1, "audit": 1} == found
    assert 1 == collector.total("sources", outcome="skipped")


def test_throttles_retries_and_uncertain_calls_are_counted(collector: Collector) -> None:
    trouble = [
        ThrottledError("slow down", provider="fake", status=429),
        UnavailableError("no answer", provider="fake"),
        UnavailableError("no connection", provider="fake", billed=False),
    ]
    pipeline = Pipeline(Fake(script=trouble), stop=NoWait(), limiter=StillLimiter(), telemetry=collector.telemetry)
    pipeline.run(png())
    assert 4 == collector.total("calls")
    assert 1 == collector.total("calls", **{"error.type": "ThrottledError", "http.response.status_code": 429})
    assert 1 == collector.total("calls", **{"error.type": "UnavailableError", "billed": "unknown"})
    assert (1, 3) == (collector.total("throttles"), collector.total("retries"))
    assert 3 == sum(span.status.status_code is StatusCode.ERROR for span in collector.spans("call"))


def test_a_refusal_that_costs_is_in_the_cost(collector: Collector) -> None:
    refused = RejectedError("too small", provider="fake", status=400, billed=True)
    Pipeline(Fake(script=[refused], price=1000), telemetry=collector.telemetry).run(png())
    assert 0.001 == pytest.approx(collector.total("cost"))
    assert 1 == collector.total("sources", **{"outcome": "failed", "error.type": "RejectedError"})


def test_what_is_left_of_the_narrowest_budget_is_told(collector: Collector) -> None:
    policy = Policy(budget=Budget(ledger=10_000, day=4_000))
    pipeline = Pipeline(Fake(price=1000), policy=policy, telemetry=collector.telemetry)
    for n in range(3):
        pipeline.run(png(n))
    assert 0.001 == pytest.approx(collector.total("budget.left", provider="fake"))


def test_what_ends_a_run_marks_its_spans(collector: Collector) -> None:
    pipeline = Pipeline(
        Fake(script=[AuthError("wrong key", provider="fake", status=401)]), telemetry=collector.telemetry
    )
    with pytest.raises(AuthError):
        list(run_many(pipeline, [png()], workers=1))
    for name in ("run", "source", "call"):
        (span,) = collector.spans(name)
        assert "AuthError" == (span.attributes or {})["error.type"]


def test_a_bug_in_a_provider_is_raised_and_seen(collector: Collector) -> None:
    class Buggy(Fake):
        def call(self, image: Image | Remote, /) -> object:  # type: ignore[override]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Pipeline(Buggy(), telemetry=collector.telemetry).run(png())
    assert 1 == collector.total("calls", **{"error.type": "ZeroDivisionError", "billed": "unknown"})


def test_no_attribute_holds_a_name_a_message_or_a_text(collector: Collector) -> None:
    refused = RejectedError(f"see {SIGNED}", provider="fake")
    fake = Fake(script=[None, refused, AuthError(MARK, provider="fake")])
    pipeline = Pipeline(fake, telemetry=collector.telemetry)
    urls = [f"http://me:{URL_PASSWORD}@127.0.0.1:1/{SIGNED}", Remote(f"s3://{MARK}/a", bucket=MARK, key=f"{MARK}.png")]
    with pytest.raises(AuthError):
        list(run_many(pipeline, [png() + PIXELS, *urls, png(2)], workers=1))
    told = [span.to_json() for span in collector.exporter.get_finished_spans()]
    told.append(collector.reader.get_metrics_data().to_json())  # type: ignore[union-attr]
    assert len(told) > 5
    assert set() == leaked(*told)
    assert not any("picture" in text or ".png" in text for text in told)


def test_nothing_happens_where_nobody_set_up_a_provider() -> None:
    code = (
        "import sys, cloudvision\n"
        "from tests.pictures import png\n"
        "from cloudvision.providers.fake import Fake\n"
        "list(cloudvision.run_many(cloudvision.Pipeline(Fake()), [png()], workers=1))\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', 'azure'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_ROOT)
    assert "[]" == done.stdout.strip()


def test_a_pipeline_runs_without_the_package() -> None:
    code = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "import importlib.metadata as m\n"
        "real = m.version\n"
        "def version(name):\n"
        "    if name == 'opentelemetry-api': raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.version = version\n"
        "import cloudvision\n"
        "from tests.pictures import png\n"
        "from cloudvision.providers.fake import Fake\n"
        "print([type(o).__name__ for o in cloudvision.run_many(cloudvision.Pipeline(Fake()), [png()], workers=1)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_ROOT)
    assert "['Analysed']" == done.stdout.strip()


_ROOT = Path(__file__).parents[1]


# -- the command line --------------------------------------------------------------------------------------------------


def command(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run `cloudvision` behind the guard of the tests, which ends the process where it tries to leave the machine."""
    code = (
        "import sys, pytest\n"
        f"sys.path[:0] = [{str(_ROOT)!r}, {str(_ROOT / 'tests')!r}]\n"
        "import network_guard\n"
        "guard, patch = network_guard.Guard(), pytest.MonkeyPatch()\n"
        "network_guard.install(guard, patch)\n"
        "from cloudvision.cli import main\n"
        "try: main()\n"
        "finally:\n"
        "    if guard.blocked: print('BLOCKED', guard.blocked, file=sys.stderr, flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "BLOCKED" not in done.stderr
    return done.returncode, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(png())
    return tmp_path


RUN = ("run", "a.png", "--provider", "fake", "--no-gate")


def test_the_command_needs_to_know_where_to_send(folder: Path) -> None:
    code, told = command(folder, *RUN, "--telemetry")
    assert 2 == code
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in told
    azure = {"APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={MARK}"}
    code, told = command(folder, *RUN, "--telemetry", **azure)
    assert (2, set()) == (code, leaked(told))


def test_the_command_sends_to_a_collector_only_when_told_to(folder: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra telemetry")
    with serving(_taken) as server:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.port}"}
        assert 0 == command(folder, *RUN, **environment)[0]
        assert [] == server.requests
        assert 0 == command(folder, *RUN, "--telemetry", **environment)[0]
        assert {"POST /v1/traces HTTP/1.1", "POST /v1/metrics HTTP/1.1"} == {r.line for r in server.requests}


def test_the_command_sends_to_azure_monitor_and_to_nobody_else(folder: Path) -> None:
    pytest.importorskip("azure.monitor.opentelemetry.exporter", reason="needs the extra telemetry")
    with serving(_taken) as server:
        key = "00000000-0000-0000-0000-00000000abcd"
        where = f"InstrumentationKey={key};IngestionEndpoint=http://127.0.0.1:{server.port}"
        code, told = command(folder, *RUN, "--telemetry", APPLICATIONINSIGHTS_CONNECTION_STRING=where)
        assert 0 == code, told
        assert {"POST /v2.1/track HTTP/1.1"} == {request.line for request in server.requests}
    assert key not in told


def _taken(request: Request) -> None:
    items = request.body.count(b"iKey") or 1
    request.answer(json.dumps({"itemsReceived": items, "itemsAccepted": items, "errors": []}).encode())
