"""OpenTelemetry instrumentation: a span and a duration per agent request and per request to the shop.

Set up by the standard environment variables alone (OpenTelemetry specification, "Environment Variable Specification");
named after its conventions for MCP. Imported only where they ask for it: the libraries are an extra.
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

from storefront_mcp.instrumentation import ObservedRequest, request_id
from storefront_mcp.telemetry.batching import OTHER_LABEL
from storefront_mcp.telemetry.client_names import ClientNames
from storefront_mcp.telemetry.otel_env import signal_enabled

PROPAGATOR: Final = TraceContextTextMapPropagator()
"""Without baggage: it may hold personal data, and a shop has no use for it."""
DURATION_BOUNDS_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
"""Bounds of the semantic conventions."""
MAX_ATTRIBUTE_CHARS: Final = 64
TOOL_ERROR: Final = "tool_error"
Attributes = dict[str, str | int]


class TracingSetup:
    """Tracer and meters of one process, for all stores."""

    def __init__(self, env: Mapping[str, str], *, version: str, tools: frozenset[str]) -> None:
        """The libraries read `OTEL_…` themselves; `env` only says which signals are exported."""
        given = env.get("OTEL_SERVICE_NAME") or "service.name=" in env.get("OTEL_RESOURCE_ATTRIBUTES", "")
        named = {} if given else {"service.name": "storefront-mcp"}
        resource = Resource.create({**named, "service.version": version})
        self._ends: list[Callable[[], Any]] = []
        tracers: trace.TracerProvider = NoOpTracerProvider()
        if signal_enabled(env, "TRACES"):
            tracers = spans = TracerProvider(resource=resource, shutdown_on_exit=False)
            spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            self._ends.append(spans.shutdown)
        meters: MeterProvider | NoOpMeterProvider = NoOpMeterProvider()
        if signal_enabled(env, "METRICS"):
            reader = PeriodicExportingMetricReader(OTLPMetricExporter())
            meters = measures = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
            self._ends.append(measures.shutdown)
        meter = meters.get_meter("storefront_mcp", version)
        self.tracer: Tracer = tracers.get_tracer("storefront_mcp", version)
        self.operations = _histogram(meter, "mcp.server.operation.duration", "Requests of agents.")
        self.upstream_requests = _histogram(meter, "http.client.request.duration", "Questions to the shop.")
        self.tools = tools
        self.clients = ClientNames()

    def at(self, store: str) -> "TracingInstrumentation":
        """The instrumentation of one store."""
        return TracingInstrumentation(self, store)

    def close(self) -> None:
        """Export what is left; blocks up to the timeout of an export."""
        for end in self._ends:
            try:
                end()
            except Exception:
                logging.getLogger(__name__).exception("the last traces could not be sent")


class TracingInstrumentation:
    """Implements `Instrumentation` for one store."""

    def __init__(self, tracing: TracingSetup, store: str) -> None:
        self._tracing = tracing
        self._store = store

    def observe_request(self, request: ObservedRequest) -> "RequestSpan":
        """A server span, child of the trace context in the message, linked to that of the HTTP request."""
        tracing = self._tracing
        target = self._target(request)
        measured: Attributes = {
            "mcp.method.name": request.method,
            "mcp.protocol.version": request.protocol,
            "network.protocol.name": "http",
            "network.transport": "tcp",
            **target,
        }
        attributes = {
            **measured,
            "jsonrpc.request.id": str(request.id)[:MAX_ATTRIBUTE_CHARS],
            "storefront.store": self._store,
            "storefront.client": tracing.clients.label(request),
            "storefront.request.id": request_id(),
        }
        ambient = PROPAGATOR.extract(request.http_trace(), Context())
        parent = PROPAGATOR.extract(request.trace_parent(), Context())
        carried = trace.get_current_span(ambient).get_span_context()
        meant = trace.get_current_span(parent).get_span_context()
        links = [Link(carried)] if carried.is_valid and meant.is_valid and carried != meant else []
        name = " ".join(
            (request.method, *(name for key, name in target.items() if key.endswith(".name") and key != OPERATION))
        )
        span = tracing.tracer.start_span(
            name,
            context=parent if meant.is_valid else ambient,
            kind=SpanKind.SERVER,
            attributes=attributes,
            links=links,
        )
        return RequestSpan(span, tracing.operations, measured)

    def observe_upstream_call(self, operation: str) -> "ShopSpan":
        """A client span, child of the current one."""
        method, _, template = operation.partition(" ")
        measured: Attributes = {"http.request.method": method, "url.template": template}
        attributes = {**measured, "storefront.store": self._store}
        span = self._tracing.tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)
        return ShopSpan(span, self._tracing.upstream_requests, measured)

    def set_circuit_state(self, *, opened: bool) -> None:
        """Not traced."""

    def count_limited(self, rule: str) -> None:
        """Not traced."""

    def _target(self, request: ObservedRequest) -> dict[str, str]:
        """Tool attributes of the span; a name that is not promised is `other`, to bound cardinality."""
        if request.method == "tools/call":
            named = request.name
            tool = named if named in self._tracing.tools else OTHER_LABEL
            return {"gen_ai.tool.name": tool, OPERATION: "execute_tool"}
        return {}


OPERATION: Final = "gen_ai.operation.name"


class _ActiveSpan:
    """A span that is current until it ends, and its duration in a histogram."""

    def __init__(self, span: Span, durations: Histogram, measured: Attributes) -> None:
        self._span = span
        self._durations = durations
        self._measured = measured
        self._token = contexts.attach(trace.set_span_in_context(span))
        self._began = perf_counter()

    def end(self) -> None:
        """Record the duration, detach and end the span."""
        self._durations.record(perf_counter() - self._began, self._measured)
        contexts.detach(self._token)
        self._span.end()

    def _set_failed(self, error: str, **more: str) -> None:
        attributes = {"error.type": error, **{name.replace("__", "."): value for name, value in more.items()}}
        self._measured.update(attributes)
        self._span.set_attributes(attributes)
        self._span.set_status(Status(StatusCode.ERROR))


class RequestSpan(_ActiveSpan):
    """Implements `RequestObservation`."""

    def record_outcome(self, outcome: str) -> None:
        """A tool error; a protocol error replaces it by `record_error_code`."""
        self._span.set_attribute("storefront.outcome", outcome)
        self._set_failed(TOOL_ERROR)

    def record_error_code(self, code: int) -> None:
        """A JSON-RPC error."""
        self._set_failed(str(code), rpc__response__status_code=str(code))


class ShopSpan(_ActiveSpan):
    """Implements `UpstreamObservation`."""

    @property
    def headers(self) -> Mapping[str, str]:
        """`traceparent`, so that the shop's own spans become children."""
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        return carrier

    def record_outcome(self, outcome: str) -> None:
        """An HTTP status or an error code."""
        self._set_failed(outcome)
        if outcome.isdigit():
            self._span.set_attribute("http.response.status_code", int(outcome))

    def record_error_code(self, code: int) -> None:
        """Not used: a shop speaks no JSON-RPC."""


def _histogram(meter: Any, name: str, description: str) -> Histogram:  # noqa: ANN401 -- real, or one that does nothing
    made: Histogram = meter.create_histogram(
        name, unit="s", description=description, explicit_bucket_boundaries_advisory=DURATION_BOUNDS_SECONDS
    )
    return made
