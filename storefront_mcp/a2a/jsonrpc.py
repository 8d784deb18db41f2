"""The JSON-RPC 2.0 binding: one request in, one response out; no batches, no notifications."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from storefront_mcp.a2a.errors import A2aError, A2aErrorKind

RequestId = str | int | float | None
MAX_ID_CHARS: Final = 200
_ENCODER: Final = msgspec.json.Encoder()


class JsonRpcCall(Struct, frozen=True, kw_only=True):
    """A request."""

    id: RequestId
    method: str
    params: Any


def call_id(message: Any) -> RequestId:  # noqa: ANN401 -- any JSON
    """The id of a request, as far as it can be told; else None."""
    id_ = message.get("id") if isinstance(message, dict) else None
    if isinstance(id_, bool) or not isinstance(id_, str | int | float):
        return None
    return None if isinstance(id_, str) and len(id_) > MAX_ID_CHARS else id_


def read_call(message: Any) -> JsonRpcCall:  # noqa: ANN401 -- any JSON
    """The request. Raises A2aError."""
    if not isinstance(message, dict):
        raise A2aError(A2aErrorKind.INVALID_REQUEST, "Wanted one JSON-RPC request, an object.")
    if message.get("jsonrpc") != "2.0":
        raise A2aError(A2aErrorKind.INVALID_REQUEST, 'jsonrpc: wanted "2.0".')
    id_, method = call_id(message), message.get("method")
    if id_ is None:
        raise A2aError(A2aErrorKind.INVALID_REQUEST, "id: wanted a string or a number.")
    if not isinstance(method, str) or not method:
        raise A2aError(A2aErrorKind.INVALID_REQUEST, "method: wanted a string.")
    return JsonRpcCall(id=id_, method=method, params=message.get("params"))


def rpc_result(id_: RequestId, result: Any) -> bytes:  # noqa: ANN401 -- JSON
    """A response."""
    return _ENCODER.encode({"jsonrpc": "2.0", "id": id_, "result": result})


def rpc_error(id_: RequestId, error: A2aError) -> bytes:
    """An error response."""
    told = {"code": error.kind.code, "message": str(error), "data": error.details()}
    return _ENCODER.encode({"jsonrpc": "2.0", "id": id_, "error": told})
