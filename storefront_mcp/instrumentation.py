"""Request context (a context variable with the request id) and the instrumentation protocols.

Prometheus, OpenTelemetry and the usage statistics implement them.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import Struct

Headers = Sequence[tuple[bytes, bytes]]
"""ASGI headers: names in lower case."""

AgentProtocolName = Literal["mcp", "ucp", "acp", "a2a"]
"""A protocol that agents speak with a store."""

REQUEST_ID: Final = re.compile(rb"[\w.:/+=-]{1,64}", re.ASCII)
REQUEST_ID_HEADER: Final = b"x-request-id"
MAX_CACHED_INFO_BYTES: Final = 512
"""A longer name of a client is decoded each time."""


class RequestContext(Struct):
    """One HTTP request, from the edge to the shop. Its id is made on first use: most requests need none."""

    headers: Headers = ()
    method: str = ""
    """HTTP's."""
    store: str = ""
    """The store's id; empty where the request is for none."""
    observed: "ObservedRequest | None" = None
    """The request of an agent protocol that it carries; of several the one that is answered now."""
    holder: str = ""
    """Who answers for what the request makes us keep: its client's address; empty when unknown or shared by many."""
    _id: str = ""

    @property
    def id(self) -> str:
        """The client's `X-Request-Id` where it matches `REQUEST_ID`, else 16 random hex digits."""
        if not self._id:
            sent = [value for name, value in self.headers if name == REQUEST_ID_HEADER]
            valid = len(sent) == 1 and REQUEST_ID.fullmatch(sent[0])
            self._id = sent[0].decode("ascii") if valid else secrets.token_hex(8)
        return self._id


REQUEST_CONTEXT: Final[ContextVar[RequestContext | None]] = ContextVar("storefront_mcp.request", default=None)
"""Set at the edge; tasks and threads started for a request inherit it."""


JOB_STORE: Final[ContextVar[str]] = ContextVar("storefront_mcp.job_store", default="")
"""The store that a background job works for."""


@contextmanager
def store_job(store: str) -> Iterator[None]:
    """Work for a store in the background: what is logged meanwhile carries its id."""
    token = JOB_STORE.set(store)
    try:
        yield
    finally:
        JOB_STORE.reset(token)


def request_id() -> str:
    """The id of the current request; empty outside of one, as in background tasks."""
    request = REQUEST_CONTEXT.get()
    return "" if request is None else request.id


def request_holder() -> str:
    """The `holder` of the current request; empty outside of one."""
    request = REQUEST_CONTEXT.get()
    return "" if request is None else request.holder


class RequestOrigin(Struct, frozen=True, kw_only=True):
    """Where a request came from, for rate limits and the audit; empty for a call without an HTTP request."""

    address: str = ""
    """The client's address as limits count it; empty when unknown."""
    agent: str | None = None
    """The origin of the agent that signed the request, under which it is counted: see `SignatureVerifier`."""
    headers: Headers = ()
    source: AgentProtocolName = "mcp"
    """The protocol that it came by."""

    def client(self) -> str:
        """Name and version of the client program, unverified."""
        return self.header(b"user-agent")

    def header(self, name: bytes) -> str:
        """The first header of a name; empty where there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")


class ObservedRequest(RequestOrigin, frozen=True, kw_only=True):
    """A request of an agent protocol, as instrumentation gets it."""

    id: str | int | float
    """The JSON-RPC id."""
    method: str
    """`tools/call`."""
    protocol: str
    """Protocol version, as sent."""
    name: str = ""
    """The tool or prompt it names, unverified; empty where it names none."""
    client_info: bytes = b""
    """Name and version of the client, as the JSON object that it sent; empty where only its user agent is known."""

    def raw_client(self) -> bytes:
        """The bytes that `client` is parsed from, as a cache key."""
        return self.client_info or next((value for key, value in self.headers if key == b"user-agent"), b"")

    def client(self) -> str:
        """Name and version of the client program, unverified."""
        info = self.client_info
        named = "" if not info else _cached_name(info) if len(info) <= MAX_CACHED_INFO_BYTES else _read_name(info)
        return named or self.header(b"user-agent")

    def trace_parent(self) -> Mapping[str, str]:
        """The W3C trace context of the message itself, unverified; empty in protocols without one."""
        return {}

    def http_trace(self) -> Mapping[str, str]:
        """The W3C trace context of the HTTP request that carried it."""
        found = {"traceparent": self.header(b"traceparent"), "tracestate": self.header(b"tracestate")}
        return {name: value for name, value in found.items() if value}


def _read_name(info: bytes) -> str:
    try:
        members = msgspec.json.decode(info, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    return f"{members.get('name', '')} {members.get('version', '')}".strip()


_cached_name: Final = lru_cache(maxsize=256)(_read_name)
"""A client sends the same name with each request."""


class RequestObservation(Protocol):
    """One observed operation. Never raises."""

    def record_outcome(self, outcome: str) -> None:
        """Record an outcome other than success: an error code or an HTTP status. Only the first call counts."""

    def record_error_code(self, code: int) -> None:
        """Record the JSON-RPC error code of the answer."""

    def end(self) -> None:
        """End the observation."""


class UpstreamObservation(RequestObservation, Protocol):
    """One observed call to the shop."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers to send with the call, such as `traceparent`."""


class NullObservation:
    """Implements `RequestObservation` and records nothing."""

    def record_outcome(self, outcome: str) -> None:
        """Do nothing."""

    def record_error_code(self, code: int) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


NULL_OBSERVATION: Final[RequestObservation] = NullObservation()


class Instrumentation(Protocol):
    """Observes one store's requests and upstream calls. Never raises, never blocks."""

    def observe_request(self, request: ObservedRequest) -> RequestObservation:
        """Start observing an agent's request; `end` is called in the same task."""

    def observe_upstream_call(self, operation: str) -> UpstreamObservation:
        """Start observing a call to the shop, such as `GET /products/{id}`; `end` is called in the same task."""

    def set_circuit_state(self, *, opened: bool) -> None:
        """Report the state of the circuit breaker."""

    def count_limited(self, rule: str) -> None:
        """Count a call or request that exceeded the limit `rule`."""
