"""Session of one client of the HTTP+SSE transport, the one before Streamable HTTP."""

from collections.abc import Callable

from msgspec import UNSET

from storefront_mcp.access.caller import Caller
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.apps import declares_apps
from storefront_mcp.mcp.dispatch import ResponseStream
from storefront_mcp.mcp.endpoint import JsonRpcEndpoint
from storefront_mcp.mcp.jsonrpc import ErrorCode, JsonRpcError, error_bytes
from storefront_mcp.mcp.message import JsonRpcMessage, is_handshake, meta_of
from storefront_mcp.mcp.versions import HANDSHAKE_VERSIONS, LATEST_HANDSHAKE_VERSION, ProtocolVersion

Push = Callable[[bytes], None]


class SseClientSession:
    """Holds what a client and we agreed on; its stream lasts as long as the session."""

    def __init__(self) -> None:
        self.version: ProtocolVersion = LATEST_HANDSHAKE_VERSION
        self.shows_widgets = False

    async def answer_message(
        self, message: JsonRpcMessage, endpoint: JsonRpcEndpoint, caller: Caller, push: Push, origin: RequestOrigin
    ) -> None:
        """Push the answer to a request, if it is one. Never raises for what a client sent."""
        if message.method is UNSET or message.id is UNSET:
            return
        meta = meta_of(message)
        if message.method == "server/discover" or (
            meta.protocol_version is not UNSET and not is_handshake(message, meta)
        ):
            # The modern form is not served here: its clients fall back to the handshake upon this error.
            push(error_bytes(JsonRpcError(ErrorCode.METHOD_NOT_FOUND, "Method not found", answers=message.id)))
            return
        if message.method == "initialize" and message.params is not UNSET:
            self.version = HANDSHAKE_VERSIONS.get(message.params.protocol_version or "", LATEST_HANDSHAKE_VERSION)
            self.shows_widgets = declares_apps(message.params.capabilities)
        response = await endpoint.legacy(message, self.version, caller, origin, shows_widgets=self.shows_widgets)
        if isinstance(response, ResponseStream):
            async for encoded in response.messages:
                push(encoded)
        else:
            push(response.body)
