"""One client on the older HTTP+SSE transport: messages in, answers out whenever they are ready."""

from collections.abc import Callable

from msgspec import UNSET

from storefront_mcp.calls.caller import Caller
from storefront_mcp.mcp.answering import Stream
from storefront_mcp.mcp.endpoint import Endpoint
from storefront_mcp.mcp.era import is_handshake
from storefront_mcp.mcp.jsonrpc import Code, Refused, failure_bytes
from storefront_mcp.mcp.message import Message, meta_of, read_message
from storefront_mcp.mcp.versions import LEGACY, OFFERED, ProtocolVersion

Push = Callable[[bytes], None]


class Conversant:
    """Remembers the version that was agreed on; this transport has a stream per client, so it may."""

    def __init__(self) -> None:
        self.version: ProtocolVersion = OFFERED

    def read(self, body: bytes) -> Message:
        """A posted body as one message. Raises Refused."""
        return read_message(body)

    async def hear(self, message: Message, endpoint: Endpoint, caller: Caller, push: Push, address: str = "") -> None:
        """Answer a message; what needs no answer gets none. Never raises for what a client sent."""
        if message.method is UNSET or message.id is UNSET:
            return
        meta = meta_of(message)
        if message.method == "server/discover" or (
            meta.protocol_version is not UNSET and not is_handshake(message, meta)
        ):
            # The modern form is not spoken here; its clients take this answer and shake hands instead.
            push(failure_bytes(Refused(Code.METHOD_NOT_FOUND, "Method not found", answers=message.id)))
            return
        if message.method == "initialize" and message.params is not UNSET:
            self.version = LEGACY.get(message.params.protocol_version or "", OFFERED)
        answered = await endpoint.legacy(message, self.version, caller, (), address)
        if isinstance(answered, Stream):
            async for said in answered.messages:
                push(said)
        else:
            push(answered.body)
