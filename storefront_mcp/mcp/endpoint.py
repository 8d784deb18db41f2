"""The JSON-RPC endpoint: a posted body and its headers in, status and bytes out."""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from storefront_mcp.access.caller import Caller
from storefront_mcp.instrumentation import REQUEST_CONTEXT, RequestOrigin
from storefront_mcp.mcp.apps import new_session_id
from storefront_mcp.mcp.caller_views import CallerViews, RoadmapOf
from storefront_mcp.mcp.dispatch import EndpointContext, ResponseStream, answer_request
from storefront_mcp.mcp.jsonrpc import BearerChallenge, ErrorCode, JsonRpcError, error_bytes
from storefront_mcp.mcp.message import (
    HANDSHAKE_METHOD,
    NO_PARAMS,
    WRONG_ID,
    JsonRpcMessage,
    RequestMeta,
    RoutingHeaders,
    check_modern,
    check_text,
    is_batch,
    is_handshake,
    is_mended,
    is_response,
    legacy_version,
    may_open_handshake,
    meta_of,
    names_modern,
    read_batch,
    read_message,
    read_routing,
    repair_text,
    unsupported_version,
)
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.request import McpRequest
from storefront_mcp.mcp.results import response_bytes
from storefront_mcp.mcp.versions import (
    DEFAULT_NEGOTIATED_VERSION,
    HANDSHAKE_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    MODERN_VERSIONS,
    ProtocolVersion,
)
from storefront_mcp.roadmap.roadmap import Roadmap

MAX_BATCH_MESSAGES: Final = 20
"""Messages in one array: enough for any client, too few to multiply an attack."""


class EndpointResponse(Struct, frozen=True):
    """Status and body of an HTTP response; an empty body has no media type."""

    status: int
    body: bytes = b""
    needs: BearerChallenge | None = None
    """What the caller lacks: the status is 401 or 403, and the response needs a challenge header."""
    closed: Roadmap | None = None
    """What the caller is shown, where nothing of it is open: the endpoint is closed for this caller."""
    retry_after: int | None = None
    """Seconds to wait, where there was too much of something."""
    session_id: str | None = None
    """Of the session that the request opened, if it did."""


ACCEPTED_RESPONSE: Final = EndpointResponse(202)


class JsonRpcEndpoint:
    """The MCP endpoint of one store under one roadmap."""

    def __init__(
        self, shared: EndpointContext, prepared: PreparedResponses, roadmap_of: RoadmapOf | None = None
    ) -> None:
        """`prepared` is for strangers; `roadmap_of` gives the roadmap of any other caller."""
        self._shared = shared
        self.prepared = prepared
        self.views = CallerViews(shared.shop.store, prepared, roadmap_of)

    async def post(
        self, origin: RequestOrigin, body: bytes, caller: Caller, fields: Mapping[bytes, bytes] | None = None
    ) -> EndpointResponse | ResponseStream:
        """Answer a posted body, with a stream if the protocol needs one. Never raises for what a client sent.

        `fields` are the origin's headers by name, if the caller has them already.
        """
        routing = read_routing(origin.headers, fields)
        try:
            message = read_message(body)
        except JsonRpcError as error:
            return await self._answer_unreadable(error, repair_text(body), routing, caller, origin)
        request = self._classify(message, routing, caller, origin)
        return request if isinstance(request, EndpointResponse) else await self._answer(request)

    async def legacy(
        self,
        message: JsonRpcMessage,
        version: ProtocolVersion,
        caller: Caller,
        origin: RequestOrigin,
        *,
        may_stream: bool = True,
        shows_widgets: bool = False,
    ) -> EndpointResponse | ResponseStream:
        """Answer a message of the handshake era in a negotiated version.

        `shows_widgets` is what the client declared when it opened its session, where the caller keeps one.
        """
        try:
            request = self._mcp_request(message, version, caller, meta_of(message), origin)
            if shows_widgets:
                request = replace(request, session_shows_widgets=True)
        except JsonRpcError as error:
            return _error_response(error, message, version)
        return await self._answer(request, may_stream=may_stream)

    async def _answer(self, request: McpRequest, *, may_stream: bool = True) -> EndpointResponse | ResponseStream:
        if not request.prepared.answers:
            closed = request.prepared.roadmap
            said = closed.pause.sentences if closed.pause is not None else "Nothing is open here yet."
            error = JsonRpcError(ErrorCode.INTERNAL_ERROR, said, status=503, answers=request.id)
            return EndpointResponse(503, error_bytes(error), closed=closed)
        try:
            answer = await answer_request(request, self._shared, may_stream=may_stream)
        except JsonRpcError as error:
            return _error_response(error, request, request.version)
        if isinstance(answer, ResponseStream):
            return answer
        opens = request.method == HANDSHAKE_METHOD and request.opens_session
        return EndpointResponse(200, answer, session_id=new_session_id() if opens else None)

    def _classify(
        self, message: JsonRpcMessage, routing: RoutingHeaders, caller: Caller, origin: RequestOrigin
    ) -> McpRequest | EndpointResponse:
        """The request, or the response to a message that is none or does not agree with itself."""
        meta = meta_of(message)
        if message.method is UNSET:
            return _response_to_none(message, routing)
        legacy = HANDSHAKE_VERSIONS.get(routing.version or "")
        # Modern by a version header that is not of the handshake era, or by `_meta`.
        named = legacy is None and routing.version is not None
        modern = named or meta.protocol_version is not UNSET
        if message.id is UNSET:
            return _notification_response(meta, routing) if modern else ACCEPTED_RESPONSE
        handshake = message.method == HANDSHAKE_METHOD and is_handshake(message, meta)
        if handshake and not may_open_handshake(routing):
            return _error_response(
                JsonRpcError(ErrorCode.HEADER_MISMATCH, "initialize does not go with this version header"), message
            )
        if handshake or not modern:
            return self._mcp_request(message, legacy or DEFAULT_NEGOTIATED_VERSION, caller, meta, origin)
        try:
            return self._mcp_request(message, check_modern(message, meta, routing), caller, meta, origin)
        except JsonRpcError as error:
            return _error_response(error, message)

    async def _answer_unreadable(
        self, error: JsonRpcError, body: bytes, routing: RoutingHeaders, caller: Caller, origin: RequestOrigin
    ) -> EndpointResponse:
        """Answer a body that is no single message: a batch, or an error."""
        try:
            if is_batch(body):
                check_text(body)
                return await self._batch(body, routing, caller, replace(origin, headers=()))
        except JsonRpcError as broken:
            error = broken
        return EndpointResponse(200 if _in_band(error, body, routing) else 400, error_bytes(error))

    async def _batch(
        self, body: bytes, routing: RoutingHeaders, caller: Caller, origin: RequestOrigin
    ) -> EndpointResponse:
        """Answer a batch, in the one version that has them. Raises JsonRpcError."""
        version = legacy_version(routing)
        if not version.jsonrpc_batches or names_modern(routing):
            raise JsonRpcError(ErrorCode.INVALID_REQUEST, "This protocol version takes no arrays")
        raws = read_batch(body)
        if not 0 < len(raws) <= MAX_BATCH_MESSAGES:
            raise JsonRpcError(ErrorCode.INVALID_REQUEST, f"An array holds 1 to {MAX_BATCH_MESSAGES} messages")
        messages = [_element(raw) for raw in raws]
        requests = [message for message in messages if message.id is not UNSET and not is_response(message)]
        answers = [await self.legacy(message, version, caller, origin, may_stream=False) for message in requests]
        bodies = [answered.body for answered in answers if isinstance(answered, EndpointResponse)]
        return EndpointResponse(200, b"[" + b",".join(bodies) + b"]") if bodies else ACCEPTED_RESPONSE

    def _mcp_request(
        self,
        message: JsonRpcMessage,
        version: ProtocolVersion,
        caller: Caller,
        meta: RequestMeta,
        origin: RequestOrigin,
    ) -> McpRequest:
        if message.method is UNSET or message.id is UNSET:
            raise JsonRpcError(ErrorCode.INVALID_REQUEST, "No request")
        params = NO_PARAMS if message.params is UNSET else message.params
        agreed = version
        if message.method == HANDSHAKE_METHOD:
            agreed = HANDSHAKE_VERSIONS.get(params.protocol_version or "", LATEST_HANDSHAKE_VERSION)
        request = McpRequest(
            address=origin.address,
            agent=origin.agent,
            headers=origin.headers,
            id=message.id,
            method=message.method,
            protocol=agreed.id,
            name=params.name or "",
            client_info=b"" if meta.client_info is UNSET else bytes(meta.client_info),
            params=params,
            meta=meta,
            version=version,
            caller=caller,
            shop=self._shared.shop,
            prepared=self.prepared,
            signer=self._shared.signer,
            policy=self._shared.policy,
        )
        if (context := REQUEST_CONTEXT.get()) is not None:
            context.observed = request
        # Nearly always all callers are shown the same.
        if not self.prepared.roadmap.differs:
            return request
        return replace(request, prepared=self.views.view_for(request))


def _element(raw: Raw) -> JsonRpcMessage:
    """Decode one message of a batch; all are decoded before the first one runs. Raises JsonRpcError."""
    try:
        message = read_message(raw)
    except JsonRpcError as error:
        # The error is the batch's: it has no id.
        error.answers = UNSET
        raise
    if is_mended(message.id):
        raise JsonRpcError(ErrorCode.INVALID_REQUEST, WRONG_ID)
    handshake = message.method == HANDSHAKE_METHOD
    if (
        handshake
        or meta_of(message).protocol_version is not UNSET
        or (message.method is UNSET and not is_response(message))
    ):
        raise JsonRpcError(ErrorCode.INVALID_REQUEST, "This message must not stand in an array")
    return message


def _response_to_none(message: JsonRpcMessage, routing: RoutingHeaders) -> EndpointResponse:
    """202 for a response of the handshake era, which is dropped, or 400 for anything else that is no request."""
    if is_response(message) and not names_modern(routing):
        return ACCEPTED_RESPONSE
    return _error_response(JsonRpcError(ErrorCode.INVALID_REQUEST, "No request: method is missing"), message)


def _notification_response(meta: RequestMeta, routing: RoutingHeaders) -> EndpointResponse:
    """202 for a modern notification, which is dropped, or 400 for an unsupported version."""
    version = meta.protocol_version or routing.version or ""
    return (
        ACCEPTED_RESPONSE
        if version in MODERN_VERSIONS
        else EndpointResponse(400, error_bytes(unsupported_version(version)))
    )


def _error_response(
    error: JsonRpcError, message: JsonRpcMessage | McpRequest, version: ProtocolVersion | None = None
) -> EndpointResponse:
    """An error response: status 200 in the handshake era, whose clients read no other body.

    A missing scope has its status in every version: clients sign in upon it.
    """
    error.answers = message.id
    by_status = version is None or version.error_http_status or error.needs is not None
    if error.result is None or message.id is UNSET:
        body = error_bytes(error)
    else:
        body = response_bytes(message.id, error.result)
    return EndpointResponse(error.status if by_status else 200, body, error.needs, retry_after=error.retry_after)


def _in_band(error: JsonRpcError, body: bytes, routing: RoutingHeaders) -> bool:
    """Whether this is a request of the handshake era with wrong params, which gets status 200."""
    answers_request = error.code is ErrorCode.INVALID_PARAMS and error.answers is not UNSET
    return answers_request and not is_batch(body) and not names_modern(routing)
