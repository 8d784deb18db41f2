"""`AgentProtocol`: a protocol that agents speak under a path of its own, as a function of requests."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.instrumentation import AgentProtocolName


class ProtocolRequest(Struct, frozen=True, kw_only=True):
    """One HTTP request, bounded and with its credentials checked."""

    method: str
    """HTTP's: GET, POST, PUT or DELETE; a HEAD comes as GET."""
    is_head: bool = False
    """Whether it was a HEAD: what a GET would bring about is not wanted."""
    path: str
    """Below the mount, decoded: `/carts/abc`; `/` at the mount itself."""
    query: bytes = b""
    fields: Mapping[bytes, bytes] = {}
    """Its headers by name in lower case, the first of those that were sent twice."""
    body: bytes = b""
    target: bytes = b""
    """The request target as it was sent, with its query: what a signature covers (RFC 9421 §2.2.5)."""
    runner: ToolRunner


class ProtocolResponse(Struct, frozen=True, kw_only=True):
    """One whole HTTP response."""

    status: int
    body: bytes = b""
    media_type: bytes = b"application/json"
    headers: Sequence[tuple[bytes, bytes]] = ()
    """A tuple is one of a few that come again and again, whose lines are put together once."""


class AgentProtocol(Protocol):
    """One protocol of one store."""

    @property
    def name(self) -> AgentProtocolName:
        """What audit entries call it."""

    @property
    def label(self) -> str:
        """Protocol and version for metrics: see `ToolRunner.protocol`."""

    @property
    def mount(self) -> str:
        """The path that it answers, and all below: `/ucp`."""

    @property
    def request_headers(self) -> str:
        """Names of the request headers that pages of allowed origins may send, for CORS."""

    async def answer(self, request: ProtocolRequest) -> ProtocolResponse:
        """Answer a request. Never raises for what a client sent."""
