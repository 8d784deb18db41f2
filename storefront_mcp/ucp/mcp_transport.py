"""UCP over MCP: bare `tools/list` and `tools/call`, stateless, with an HTTP status beside each JSON-RPC error."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from storefront_mcp.agent_protocols.ucp import UcpRelease
from storefront_mcp.calls.agent_protocol import ProtocolRequest, ProtocolResponse
from storefront_mcp.commerce.store import Store
from storefront_mcp.ucp.failures import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNREADABLE,
    UcpFailure,
)
from storefront_mcp.ucp.input_schemas import input_schema
from storefront_mcp.ucp.operation_runner import OperationRunner
from storefront_mcp.ucp.operations import UcpOperation
from storefront_mcp.ucp.rest_transport import MAX_KEY_CHARS, NOT_STORED

EMPTY_PAYLOAD: Final = b"{}"
RpcId = str | int | float | None
_ENCODER: Final = msgspec.json.Encoder()


class AgentMeta(Struct, frozen=True):
    """`meta["ucp-agent"]`."""

    profile: str | None = None


class CallMeta(Struct, frozen=True, rename="kebab"):
    """`meta` of the arguments."""

    ucp_agent: AgentMeta | None = None
    idempotency_key: str | None = None


class CallArguments(Struct, frozen=True):
    """The arguments of a call: one object, and the id of what it is about."""

    meta: CallMeta | None = None
    id: str | None = None
    catalog: Raw | UnsetType = UNSET
    cart: Raw | UnsetType = UNSET
    checkout: Raw | UnsetType = UNSET


class CallParams(Struct, frozen=True):
    """`params`."""

    name: str | None = None
    arguments: CallArguments | None = None


class RpcMessage(Struct, frozen=True):
    """A message of JSON-RPC 2.0; without an id a notification."""

    method: str
    id: RpcId | UnsetType = UNSET
    params: CallParams | None = None


class RpcHead(Struct, frozen=True):
    """What is read of a message that is none of ours, to answer it."""

    id: RpcId = None


_MESSAGES: Final = msgspec.json.Decoder(RpcMessage)
_HEADS: Final = msgspec.json.Decoder(RpcHead)
NO_ARGUMENTS: Final = CallArguments()


class McpTransport:
    """The operations as tools."""

    def __init__(self, release: UcpRelease, operations: Mapping[str, UcpOperation], runner: OperationRunner) -> None:
        self._release = release
        self._operations = operations
        self._runner = runner

    async def answer(self, request: ProtocolRequest) -> ProtocolResponse:
        """Answer a request."""
        if request.method != "POST":
            failure = UcpFailure(405, INVALID_REQUEST, "method_not_allowed", "Send JSON-RPC with POST.")
            return _error_response(failure, None, [(b"allow", b"POST, OPTIONS")])
        id_: RpcId = None
        try:
            message = _read_message(request.body)
            if message.id is UNSET:
                return ProtocolResponse(status=202)
            id_ = message.id
            result = await self._result(message, request)
        except UcpFailure as failure:
            return _error_response(failure, _id_of(request.body) if id_ is None else id_)
        return ProtocolResponse(status=200, body=_response(id_, result), headers=NOT_STORED)

    async def _result(self, message: RpcMessage, request: ProtocolRequest) -> Sequence[bytes]:
        """The encoded result. Raises UcpFailure."""
        match message.method:
            case "tools/call":
                return await self._call(message.params or CallParams(), request)
            case "tools/list":
                return (self._tools(tuple(name for name in self._operations if self._is_open(name, request))),)
            case "initialize":
                return (_ENCODER.encode(_introduction(request.runner.shop.store)),)
            case "ping":
                return (b"{}",)
        raise UcpFailure(404, METHOD_NOT_FOUND, "unknown_method", f"There is no method {message.method[:60]!r} here.")

    async def _call(self, params: CallParams, request: ProtocolRequest) -> Sequence[bytes]:
        """A tool's result: its answer as structured content and, the same, as text."""
        operation = self._operations.get(params.name or "")
        if operation is None:
            raise UcpFailure(
                400, INVALID_PARAMS, "unknown_tool", f"There is no tool {(params.name or '')[:60]!r} here."
            )
        arguments = params.arguments or NO_ARGUMENTS
        meta = arguments.meta or CallMeta()
        if operation.takes_id and not arguments.id:
            raise UcpFailure(400, INVALID_PARAMS, "invalid_input", f"{operation.name} takes an id.")
        payload: Raw | UnsetType = getattr(arguments, operation.member) if operation.member else UNSET
        try:
            answer = await self._runner.run(
                operation,
                request,
                self._release,
                profile=None if meta.ucp_agent is None else meta.ucp_agent.profile,
                key=(meta.idempotency_key or "")[:MAX_KEY_CHARS],
                id_=arguments.id or "" if operation.takes_id else "",
                payload=EMPTY_PAYLOAD if payload is UNSET else bytes(payload),
                over_mcp=True,
            )
        except UcpFailure as failure:
            if payload is not UNSET or not operation.member or failure.code != "invalid_input":
                raise
            # What it lacks may well have been sent, beside the object in which it belongs.
            told = f'arguments.{operation.member} is missing: send {{"{operation.member}": {{…}}}} around the members.'
            raise UcpFailure(400, INVALID_PARAMS, failure.code, told) from None
        return b'{"content":[{"type":"text","text":"', answer.text(), b'"}],"structuredContent":', answer.body(), b"}"

    def _is_open(self, name: str, request: ProtocolRequest) -> bool:
        return all(request.runner.is_open(tool) for tool in self._operations[name].tools)

    @functools.lru_cache(maxsize=32)  # noqa: B019 -- as long as the process, like the transport
    def _tools(self, names: tuple[str, ...]) -> bytes:
        """The list of these tools."""
        tools = [
            {
                "name": name,
                "description": self._operations[name].summary,
                "inputSchema": input_schema(self._operations[name]),
                "outputSchema": OUTPUT_SCHEMA,
            }
            for name in names
        ]
        return _ENCODER.encode({"tools": tools})


OUTPUT_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"ucp": {"type": "object"}, "messages": {"type": "array"}},
    "required": ["ucp"],
}


def _read_message(body: bytes) -> RpcMessage:
    try:
        return _MESSAGES.decode(body)
    except msgspec.ValidationError as error:
        where = str(error)
        code = INVALID_PARAMS if "`$.params" in where else INVALID_REQUEST
        raise UcpFailure(400, code, "invalid_input", where) from None
    except UNREADABLE:
        raise UcpFailure(400, PARSE_ERROR, "invalid_input", "The body is no JSON, or nested too deeply.") from None


def _id_of(body: bytes) -> RpcId:
    try:
        return _HEADS.decode(body).id
    except (msgspec.ValidationError, *UNREADABLE):
        return None


def _introduction(store: Store) -> Mapping[str, Any]:
    """The answer to `initialize`, which nobody has to send here."""
    return {
        "protocolVersion": store.server.preferred_version,
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {
            "name": store.server.name,
            "title": store.title,
            "version": store.version or store.server.version,
        },
    }


def _response(id_: RpcId, result: Sequence[bytes]) -> bytes:
    return b"".join((b'{"jsonrpc":"2.0","id":', _ENCODER.encode(id_), b',"result":', *result, b"}"))


def _error_response(failure: UcpFailure, id_: RpcId, more: list[tuple[bytes, bytes]] | None = None) -> ProtocolResponse:
    data: dict[str, Any] = {"code": failure.code, "content": str(failure)}
    headers = [*NOT_STORED, *(more or [])]
    if failure.retry_after is not None:
        data["retry_after"] = failure.retry_after
        headers.append((b"retry-after", b"%d" % failure.retry_after))
    error = {"code": failure.rpc_code, "message": str(failure), "data": data}
    body = _ENCODER.encode({"jsonrpc": "2.0", "id": id_, "error": error})
    return ProtocolResponse(status=failure.status, body=body, headers=headers)
