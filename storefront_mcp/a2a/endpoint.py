"""`A2aEndpoint`, the protocol of one store: JSON-RPC at its mount, HTTP+JSON below it."""

from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from storefront_mcp.a2a.errors import A2aError, A2aErrorKind
from storefront_mcp.a2a.http_json import (
    MEDIA_TYPE,
    http_error,
    http_operation,
    http_result,
    query_value,
)
from storefront_mcp.a2a.jsonrpc import RequestId, call_id, read_call, rpc_error, rpc_result
from storefront_mcp.a2a.operations import AgentOperations
from storefront_mcp.a2a.request_decoding import decode_body
from storefront_mcp.a2a.store_agent import StoreAgent
from storefront_mcp.a2a.versions import VERSION_FIELD, http_version, method_version, operation_of
from storefront_mcp.agent_protocols.a2a import A2A_MOUNT, REST_PATH
from storefront_mcp.calls.agent_protocol import ProtocolRequest, ProtocolResponse
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.instrumentation import AgentProtocolName

RETRY_FIELD: Final = b"retry-after"
ALLOW_FIELD: Final = b"allow"


class A2aEndpoint:
    """Implements `calls.agent_protocol.AgentProtocol`."""

    name: AgentProtocolName = "a2a"
    label = "a2a"
    mount = A2A_MOUNT
    request_headers = "a2a-version, a2a-extensions, x-a2a-extensions, authorization, content-type, x-request-id"

    def __init__(self, agent: StoreAgent) -> None:
        self._operations = AgentOperations(agent)

    async def answer(self, request: ProtocolRequest) -> ProtocolResponse:
        """Answer a request. Never raises for what a client sent."""
        path = request.path
        if path == REST_PATH or path.startswith(f"{REST_PATH}/"):
            return await self._answer_http(request, path.removeprefix(REST_PATH))
        if path.rstrip("/"):
            return _rpc_refusal(HTTPStatus.NOT_FOUND, "JSON-RPC is posted to the address of the agent card.")
        if request.method != "POST":
            refusal = _rpc_refusal(HTTPStatus.METHOD_NOT_ALLOWED, "JSON-RPC is posted; this address answers POST.")
            return replace(refusal, headers=((b"allow", b"POST, OPTIONS"),))
        return await self._answer_rpc(request)

    async def _answer_rpc(self, request: ProtocolRequest) -> ProtocolResponse:
        id_: RequestId = None
        try:
            message = decode_body(request.body)
            id_ = call_id(message)
            call = read_call(message)
            version = method_version(_sent_version(request), call.method)
            operation = operation_of(version, call.method)
            runner = _with_label(request.runner, version.id)
            result = await self._operations.perform(operation, call.params, version, runner)
        except A2aError as error:
            # Status 200, as clients read no other body; but what the protocol has no word for is HTTP's to say.
            status = error.kind.http_status if error.kind.outside_protocol else HTTPStatus.OK
            return ProtocolResponse(status=status, body=rpc_error(id_, error), headers=_headers(error))
        return ProtocolResponse(status=HTTPStatus.OK, body=rpc_result(id_, result))

    async def _answer_http(self, request: ProtocolRequest, path: str) -> ProtocolResponse:
        try:
            version = http_version(_sent_version(request))
            asked = http_operation(request.method, path, request.query, request.body)
            runner = _with_label(request.runner, version.id)
            result = await self._operations.perform(asked.operation, asked.params, version, runner)
        except A2aError as error:
            status = error.kind.http_status
            return ProtocolResponse(
                status=status, body=http_error(error), media_type=MEDIA_TYPE, headers=_headers(error)
            )
        return ProtocolResponse(status=HTTPStatus.OK, body=http_result(result), media_type=MEDIA_TYPE)


def _sent_version(request: ProtocolRequest) -> str:
    """The version that a client names, in a header or in the query (A2A 1.0 §3.6.1)."""
    named = request.fields.get(VERSION_FIELD, b"").decode("latin-1")
    return named or (query_value(request.query, VERSION_FIELD.decode()) if request.query else "")


def _with_label(runner: ToolRunner, version: str) -> ToolRunner:
    return replace(runner, protocol=f"{A2aEndpoint.label} {version}")


def _headers(error: A2aError) -> list[tuple[bytes, bytes]]:
    waiting = [] if error.retry_after is None else [(RETRY_FIELD, str(error.retry_after).encode())]
    return [*waiting, (ALLOW_FIELD, ", ".join(error.allowed).encode())] if error.allowed else waiting


def _rpc_refusal(status: HTTPStatus, message: str) -> ProtocolResponse:
    return ProtocolResponse(status=status, body=rpc_error(None, A2aError(A2aErrorKind.INVALID_REQUEST, message)))
