"""What a run tells to OpenTelemetry: spans and metrics, through its API alone.

Nothing is recorded or sent unless the application sets up a provider of spans or of metrics (the OpenTelemetry SDK), for
the whole process or for one `Telemetry`. Without the package `opentelemetry-api` all of this does nothing.

===============================  =========  ===========  ===============================================================
span                             parent                  attributes
===============================  =========  ===========  ===============================================================
``cloudvision.run``              current                 provider, run, workers, error.type
``cloudvision.source``           run                     provider, position, outcome, cached, cost_usd, gate, error.type
``cloudvision.call``             source                  provider, billed, error.type, http.response.status_code
===============================  =========  ===========  ===============================================================

===============================  =========  ===========  ===============================================================
metric                           kind       unit         attributes
===============================  =========  ===========  ===============================================================
``cloudvision.sources``          counter    {source}     provider, outcome, error.type
``cloudvision.calls``            counter    {call}       provider, billed, error.type, http.response.status_code
``cloudvision.call.duration``    histogram  s            those of ``cloudvision.calls``
``cloudvision.billed.units``     counter    {unit}       provider
``cloudvision.cost``             counter    USD          provider
``cloudvision.gate.decisions``   counter    {decision}   provider, gate
``cloudvision.gate.backoffs``    counter    {backoff}    provider
``cloudvision.cache.hits``       counter    {hit}        provider
``cloudvision.retries``          counter    {retry}      provider
``cloudvision.throttles``        counter    {throttle}   provider
``cloudvision.budget.left``      gauge      USD          provider
===============================  =========  ===========  ===============================================================

The attributes without a dot are named ``cloudvision.provider``, ``cloudvision.outcome`` and so on. ``outcome`` is
"analysed", "skipped" or "failed"; ``gate`` is "worth", "skip", or "audit" for a skip that is called all the same;
``billed`` is "yes", "no", or "unknown" for a call that was cut off; ``error.type`` is the class of the error.

No attribute holds the name of a source, a message, a text that was read, a key or a token: sources are told apart by
their position in the list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from cloudvision._instruments import Attributes, Instruments, instruments
from cloudvision.errors import ProviderError, ThrottledError
from cloudvision.outcome import Analysed, Failed, Outcome

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

T = TypeVar("T")


class Telemetry:
    """Where a pipeline reports to; one serves many threads.

    Args:
        tracer_provider, meter_provider: None for those of the process, which may also be set up later.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on = instruments(tracer_provider, meter_provider)
        self._clock = clock

    def begin_run(self, provider: str, *, run: int | None, workers: int) -> RunSpan:
        """A span for a whole list; it must be ended."""
        if self._on is None:
            return RunSpan(None, None)
        attributes: Attributes = {"cloudvision.provider": provider, "cloudvision.workers": workers}
        if run is not None:
            attributes["cloudvision.run"] = run
        span = self._on.tracer.start_span("cloudvision.run", attributes=attributes)
        return RunSpan(span, self._on.inside(span))

    def source(self, step: Callable[[], Outcome], *, provider: str, position: int | None) -> Outcome:
        """Do `step` inside of a span for one source, and count what became of it."""
        if self._on is None:
            return step()
        with _span(self._on, "cloudvision.source", {"cloudvision.provider": provider}) as span:
            if position is not None:
                span.set_attribute("cloudvision.position", position)
            outcome = step()
            self._count(self._on, outcome, provider, span)
            return outcome

    def call(self, step: Callable[[], T], *, provider: str) -> T:
        """Do `step`, one attempt to call a service, inside of a span, and time it."""
        if self._on is None:
            return step()
        attributes: Attributes = {"cloudvision.provider": provider}
        began = self._clock()
        with _span(self._on, "cloudvision.call", attributes, of_client=True) as span:
            try:
                answer = step()
                attributes["cloudvision.billed"] = "yes"
                return answer
            except BaseException as error:
                attributes |= _told(error)
                if isinstance(error, ThrottledError):
                    self._on.throttles.add(1, {"cloudvision.provider": provider})
                raise
            finally:
                span.set_attributes(attributes)
                self._on.calls.add(1, attributes)
                self._on.duration.record(self._clock() - began, attributes)

    def billed(self, provider: str, *, cost: int, units: int | None) -> None:
        """An attempt cost `cost` millionths of a US dollar, for `units` (1 where the service does not say)."""
        if self._on is not None and cost > 0:
            self._on.cost.add(cost / 1e6, {"cloudvision.provider": provider})
            self._on.units.add(units or 1, {"cloudvision.provider": provider})

    def retried(self, provider: str) -> None:
        """A download or a call failed and is tried again."""
        if self._on is not None:
            self._on.retries.add(1, {"cloudvision.provider": provider})

    def backed_off(self, provider: str) -> None:
        """The audit showed that the gate misses too much: it calls more from now on."""
        if self._on is not None:
            self._on.backoffs.add(1, {"cloudvision.provider": provider})

    def budget_left(self, provider: str, micros: int) -> None:
        """What the narrowest budget holds beside the call that is about to leave, in millionths of a US dollar."""
        if self._on is not None:
            self._on.budget_left.set(micros / 1e6, {"cloudvision.provider": provider})

    def _count(self, on: Instruments, outcome: Outcome, provider: str, span: Span) -> None:
        whose: Attributes = {"cloudvision.provider": provider}
        found: Attributes = {"cloudvision.outcome": type(outcome).__name__.lower()}
        cost, cached = 0.0, False
        match outcome:
            case Failed(error=error):
                found["error.type"] = type(error).__name__
                cost = outcome.cost_usd
                on.fail(span)
            case Analysed(analysis=analysis) if analysis.provenance is not None:
                cost, cached = analysis.provenance.cost_usd, analysis.provenance.cached
        on.sources.add(1, whose | found)
        if cached:
            on.cache_hits.add(1, whose)
        if outcome.verdict is not None:
            audited = isinstance(outcome, Analysed) and outcome.audited
            found["cloudvision.gate"] = "worth" if outcome.verdict.worth else "audit" if audited else "skip"
            on.gate_decisions.add(1, whose | {"cloudvision.gate": found["cloudvision.gate"]})
        span.set_attributes({**found, "cloudvision.cost_usd": cost, "cloudvision.cached": cached})


class RunSpan:
    """The span of a run, whose sources are taken by other threads."""

    def __init__(self, span: Span | None, context: Context | None) -> None:
        self._span = span
        self._context = context

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Within this block, spans of this thread are children of the run's."""
        if self._context is None:
            yield
            return
        from opentelemetry import context

        token = context.attach(self._context)
        try:
            yield
        finally:
            context.detach(token)

    def end(self, error: BaseException | None = None) -> None:
        """The run is over; with `error` it ended before its list."""
        if self._span is not None:
            if error is not None:
                self._span.set_attribute("error.type", type(error).__name__)
            self._span.end()


@contextmanager
def _span(
    on: Instruments, name: str, attributes: Mapping[str, str | int | float | bool], *, of_client: bool = False
) -> Iterator[Span]:
    # The SDK would record messages and tracebacks of exceptions; the class is enough.
    with on.start(name, attributes, of_client=of_client) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            on.fail(span)
            raise


def _told(error: BaseException) -> Attributes:
    found: Attributes = {"error.type": type(error).__name__, "cloudvision.billed": "unknown"}
    if isinstance(error, ProviderError):
        found["cloudvision.billed"] = {True: "yes", False: "no", None: "unknown"}[error.billed]
        if error.status is not None:
            found["http.response.status_code"] = error.status
    return found
