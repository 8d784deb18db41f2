"""OpenTelemetry: a span and a duration per request of an agent, and per question to the shop that it set going.

Set up by the standard environment variables alone (OpenTelemetry specification, "Environment Variable Specification");
named after its conventions for MCP. Imported only where they ask for it: the libraries are an optional extra.
"""

import logging
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final

from opentelemetry import context as contexts, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Histogram, NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NoOpTracerProvider, Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from storefront_mcp.calls.watching import Asking, request_id
from storefront_mcp.telemetry.clients import Clients
from storefront_mcp.telemetry.tally import OTHER
from storefront_mcp.telemetry.wanted import wants

PROPAGATOR: Final = TraceContextTextMapPropagator()
"""Baggage is left out: it may hold anything of anybody, and a shop has no use for it."""
SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
"""Bounds that the conventions ask for."""
LONGEST: Final = 64
"""Characters of a request's id that are told."""
TOOL_ERROR: Final = "tool_error"
Attributes = dict[str, str | int]


class Tracing:
    """Traces for all stores of one process."""

    def __init__(self, env: Mapping[str, str], *, version: str, tools: frozenset[str]) -> None:
        """The libraries read `OTEL_…` themselves; `env` only says which signals are wanted."""
        given = env.get("OTEL_SERVICE_NAME") or "service.name=" in env.get("OTEL_RESOURCE_ATTRIBUTES", "")
        named = {} if given else {"service.name": "storefront-mcp"}
        resource = Resource.create({**named, "service.version": version})
        self._ends: list[Callable[[], Any]] = []
        tracers: trace.TracerProvider = NoOpTracerProvider()
        if wants(env, "TRACES"):
            tracers = spans = TracerProvider(resource=resource, shutdown_on_exit=False)
            spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            self._ends.append(spans.shutdown)
        meters: MeterProvider | NoOpMeterProvider = NoOpMeterProvider()
        if wants(env, "METRICS"):
            reader = PeriodicExportingMetricReader(OTLPMetricExporter())
            meters = measures = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
            self._ends.append(measures.shutdown)
        meter = meters.get_meter("storefront_mcp", version)
        self.tracer: Tracer = tracers.get_tracer("storefront_mcp", version)
        self.operations = _histogram(meter, "mcp.server.operation.duration", "Requests of agents.")
        self.questions = _histogram(meter, "http.client.request.duration", "Questions to the shop.")
        self.tools = tools
        self.clients = Clients()

    def at(self, store: str) -> "StoreTracing":
        """A watcher for one store."""
        return StoreTracing(self, store)

    def close(self) -> None:
        """Send what is left. Waits for the collector, for as long as an export may take."""
        for end in self._ends:
            try:
                end()
            except Exception:
                logging.getLogger(__name__).exception("the last traces could not be sent")


class StoreTracing:
    """Implements `calls.watching.Watcher`."""

    def __init__(self, tracing: Tracing, store: str) -> None:
        self._tracing = tracing
        self._store = store

    def asked(self, asking: Asking) -> "RequestSpan":
        """A server span below the client's own, and linked to what carried it."""
        tracing = self._tracing
        target = self._target(asking)
        measured: Attributes = {
            "mcp.method.name": asking.method,
            "mcp.protocol.version": asking.protocol,
            "network.protocol.name": "http",
            "network.transport": "tcp",
            **target,
        }
        attributes = {
            **measured,
            "jsonrpc.request.id": str(asking.id)[:LONGEST],
            "storefront.store": self._store,
            "storefront.client": tracing.clients.of(asking),
            "storefront.request.id": request_id(),
        }
        ambient = PROPAGATOR.extract(asking.ambient(), Context())
        parent = PROPAGATOR.extract(asking.trace(), Context())
        carried = trace.get_current_span(ambient).get_span_context()
        meant = trace.get_current_span(parent).get_span_context()
        links = [Link(carried)] if carried.is_valid and meant.is_valid and carried != meant else []
        name = " ".join(
            (asking.method, *(name for key, name in target.items() if key.endswith(".name") and key != OPERATION))
        )
        span = tracing.tracer.start_span(
            name,
            context=parent if meant.is_valid else ambient,
            kind=SpanKind.SERVER,
            attributes=attributes,
            links=links,
        )
        return RequestSpan(span, tracing.operations, measured)

    def asks_shop(self, operation: str) -> "ShopSpan":
        """A client span below the current one."""
        method, _, template = operation.partition(" ")
        measured: Attributes = {"http.request.method": method, "url.template": template}
        attributes = {**measured, "storefront.store": self._store}
        span = self._tracing.tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)
        return ShopSpan(span, self._tracing.questions, measured)

    def circuit(self, *, opened: bool) -> None:
        """Only numbers tell of it."""

    def limited(self, rule: str) -> None:
        """Likewise."""

    def _target(self, asking: Asking) -> dict[str, str]:
        """What the span is about; names that we never promised are nobody's to multiply."""
        if asking.method == "tools/call":
            named = asking.named()
            tool = named if named in self._tracing.tools else OTHER
            return {"gen_ai.tool.name": tool, OPERATION: "execute_tool"}
        return {}


OPERATION: Final = "gen_ai.operation.name"


class _Under:
    """A span that is the current one until it ends, and a duration."""

    def __init__(self, span: Span, durations: Histogram, measured: Attributes) -> None:
        self._span = span
        self._durations = durations
        self._measured = measured
        self._token = contexts.attach(trace.set_span_in_context(span))
        self._began = perf_counter()

    def ended(self) -> None:
        """Not the current one any more."""
        self._durations.record(perf_counter() - self._began, self._measured)
        contexts.detach(self._token)
        self._span.end()

    def _failed(self, error: str, **more: str) -> None:
        told = {"error.type": error, **{name.replace("__", "."): value for name, value in more.items()}}
        self._measured.update(told)
        self._span.set_attributes(told)
        self._span.set_status(Status(StatusCode.ERROR))


class RequestSpan(_Under):
    """Implements `calls.watching.Look`."""

    def became(self, outcome: str) -> None:
        """A tool's failure that the agent reads as a result; a protocol error says so afterwards."""
        self._span.set_attribute("storefront.outcome", outcome)
        self._failed(TOOL_ERROR)

    def refused(self, code: int) -> None:
        """A protocol error."""
        self._failed(str(code), rpc__response__status_code=str(code))


class ShopSpan(_Under):
    """Implements `calls.watching.ShopLook`."""

    @property
    def headers(self) -> Mapping[str, str]:
        """So that the shop's own spans are found below ours."""
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        return carrier

    def became(self, outcome: str) -> None:
        """A refusal by its status, or a failure by its name."""
        self._failed(outcome)
        if outcome.isdigit():
            self._span.set_attribute("http.response.status_code", int(outcome))

    def refused(self, code: int) -> None:
        """Shops speak no protocol of ours."""


def _histogram(meter: Any, name: str, description: str) -> Histogram:  # noqa: ANN401 -- real, or one that does nothing
    made: Histogram = meter.create_histogram(
        name, unit="s", description=description, explicit_bucket_boundaries_advisory=SECONDS
    )
    return made
