"""One POST to the endpoint: bytes and headers in, status and bytes out."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import UNSET, Raw, Struct

from storefront_mcp.calls.caller import Caller
from storefront_mcp.mcp.answering import Line, Stream, answer
from storefront_mcp.mcp.asking import Asked
from storefront_mcp.mcp.catalogue import Catalogue
from storefront_mcp.mcp.era import (
    HANDSHAKE,
    check_modern,
    is_handshake,
    legacy_version,
    names_modern,
    unsupported,
)
from storefront_mcp.mcp.headers import Routing, read_routing
from storefront_mcp.mcp.jsonrpc import Code, Refused, failure_bytes
from storefront_mcp.mcp.message import (
    NO_PARAMS,
    Message,
    Meta,
    check_text,
    is_batch,
    meta_of,
    read_batch,
    read_message,
)
from storefront_mcp.mcp.versions import ASSUMED, LEGACY, MODERN, ProtocolVersion

BATCH_LIMIT: Final = 20
"""Messages in one array: enough for any client, too few to be a lever."""
Headers = Sequence[tuple[bytes, bytes]]


class Answer(Struct, frozen=True):
    """An HTTP answer; an empty body has no media type."""

    status: int
    body: bytes = b""
    needs: str | None = None
    """A scope that the caller lacks: the status is 401 or 403, and HTTP wants a challenge beside it."""


ACCEPTED: Final = Answer(202)


class Endpoint:
    """The MCP endpoint of one store under one roadmap."""

    def __init__(self, line: Line, catalogue: Catalogue) -> None:
        self._line = line
        self.catalogue = catalogue

    async def post(
        self,
        headers: Headers,
        body: bytes,
        caller: Caller,
        address: str = "",
        *,
        fields: Mapping[bytes, bytes] | None = None,
    ) -> Answer | Stream:
        """Answer a posted body, with a stream where the protocol needs one. Never raises for what a client sent.

        `address` is the client's as limits count it, see `Asked`; `fields` are the headers by name, see `read_routing`.
        """
        routing = read_routing(headers, fields)
        try:
            message = read_message(body)
        except Refused as refused:
            return await self._no_message(refused, body, routing, caller, address)
        asked = self._classified(message, routing, caller, headers, address)
        if isinstance(asked, Answer):
            return asked
        # As in `legacy`, written out: another coroutine would cost more than all it does.
        try:
            said = await answer(asked, self._line)
        except Refused as refused:
            return _refusal(refused, asked, asked.version)
        return said if isinstance(said, Stream) else Answer(200, said)

    async def legacy(
        self,
        message: Message,
        version: ProtocolVersion,
        caller: Caller,
        headers: Headers = (),
        address: str = "",
        *,
        may_stream: bool = True,
    ) -> Answer | Stream:
        """Answer a message of the handshake era in a version that is known."""
        try:
            asked = self._asked(message, version, caller, meta_of(message), headers, address)
            said = await answer(asked, self._line, may_stream=may_stream)
        except Refused as refused:
            return _refusal(refused, message, version)
        return said if isinstance(said, Stream) else Answer(200, said)

    def _classified(
        self, message: Message, routing: Routing, caller: Caller, headers: Headers, address: str
    ) -> Asked | Answer:
        """Steps 7 to 11 of the classifier: response, notification, handshake, modern, legacy."""
        meta = meta_of(message)
        if message.method is UNSET:
            return _refusal(Refused(Code.INVALID_REQUEST, "No request: method is missing"), message)
        legacy = LEGACY.get(routing.version or "")
        # A version header that no version of the handshake era explains, or a claim in the body.
        named = legacy is None and routing.version is not None
        modern = named or meta.protocol_version is not UNSET
        if message.id is UNSET:
            return _notified(meta, routing) if modern else ACCEPTED
        handshake = message.method == HANDSHAKE and is_handshake(message, meta)
        if handshake and named:
            return _refusal(Refused(Code.HEADER_MISMATCH, "initialize does not go with this version header"), message)
        if handshake or not modern:
            return self._asked(message, legacy or ASSUMED, caller, meta, headers, address)
        try:
            return self._asked(message, check_modern(message, meta, routing), caller, meta, headers, address)
        except Refused as refused:
            return _refusal(refused, message)

    async def _no_message(
        self, refused: Refused, body: bytes, routing: Routing, caller: Caller, address: str
    ) -> Answer:
        """What is no single message: an array, or refused."""
        try:
            if is_batch(body):
                check_text(body)
                return await self._batch(body, routing, caller, address)
        except Refused as broken:
            refused = broken
        return Answer(200 if _in_band(refused, body, routing) else 400, failure_bytes(refused))

    async def _batch(self, body: bytes, routing: Routing, caller: Caller, address: str) -> Answer:
        """An array, for the one version that has them."""
        version = legacy_version(routing)
        if not version.accepts_batches or names_modern(routing):
            raise Refused(Code.INVALID_REQUEST, "This protocol version takes no arrays")
        raws = read_batch(body)
        if not 0 < len(raws) <= BATCH_LIMIT:
            raise Refused(Code.INVALID_REQUEST, f"An array holds 1 to {BATCH_LIMIT} messages")
        requests = [message for message in map(_element, raws) if message.id is not UNSET]
        answers = [await self.legacy(message, version, caller, (), address, may_stream=False) for message in requests]
        bodies = [answered.body for answered in answers if isinstance(answered, Answer)]
        return Answer(200, b"[" + b",".join(bodies) + b"]") if bodies else ACCEPTED

    def _asked(
        self,
        message: Message,
        version: ProtocolVersion,
        caller: Caller,
        meta: Meta,
        headers: Headers,
        address: str,
    ) -> Asked:
        if message.method is UNSET or message.id is UNSET:
            raise Refused(Code.INVALID_REQUEST, "No request")
        return Asked(
            id=message.id,
            method=message.method,
            params=NO_PARAMS if message.params is UNSET else message.params,
            meta=meta,
            headers=headers,
            version=version,
            caller=caller,
            shop=self._line.shop,
            catalogue=self.catalogue,
            seal=self._line.seal,
            house=self._line.house,
            address=address,
        )


def _element(raw: Raw) -> Message:
    """One message of an array; all are read before the first one runs."""
    try:
        message = read_message(raw)
    except Refused as refused:
        # What is refused is the array: none of its requests has been answered by this.
        refused.answers = UNSET
        raise
    if message.method is UNSET or message.method == "initialize" or meta_of(message).protocol_version is not UNSET:
        raise Refused(Code.INVALID_REQUEST, "This message must not stand in an array")
    return message


def _notified(meta: Meta, routing: Routing) -> Answer:
    """A modern notification: only its version matters, then it is dropped."""
    version = meta.protocol_version or routing.version or ""
    return ACCEPTED if version in MODERN else Answer(400, failure_bytes(unsupported(version)))


def _refusal(refused: Refused, message: Message | Asked, version: ProtocolVersion | None = None) -> Answer:
    """An error as an answer. Clients of the handshake era do not read the body of anything but a 200.

    What a credential is missing is HTTP's to say in every version: clients sign in upon the status.
    """
    refused.answers = message.id
    by_status = version is None or version.refuses_by_status or refused.needs is not None
    return Answer(refused.status if by_status else 200, failure_bytes(refused), refused.needs)


def _in_band(refused: Refused, body: bytes, routing: Routing) -> bool:
    """A request of the handshake era with wrong params: its client reads the answer only if it comes as 200."""
    answers = refused.code is Code.INVALID_PARAMS and refused.answers is not UNSET
    return answers and not is_batch(body) and not names_modern(routing)
