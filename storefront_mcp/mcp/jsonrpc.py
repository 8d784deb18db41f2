"""JSON-RPC 2.0: ids, error codes, errors, and encoding of responses and notifications."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

RequestId = str | int


class ErrorCode(IntEnum):
    """Error codes of JSON-RPC 2.0 and of MCP (specification, basic)."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    HEADER_MISMATCH = -32020
    MISSING_REQUIRED_CLIENT_CAPABILITY = -32021
    UNSUPPORTED_PROTOCOL_VERSION = -32022
    RESOURCE_NOT_FOUND = -32002
    """Handshake era only; the modern form uses INVALID_PARAMS."""
    RATE_LIMITED = 429
    """Our own, after HTTP 429; outside the range that JSON-RPC reserves."""


class BearerChallenge(Struct, frozen=True, kw_only=True):
    """What a 401 or 403 asks for in its WWW-Authenticate field (RFC 6750 §3)."""

    scope: str
    """Scopes, separated by spaces."""
    error: str | None = None
    """`insufficient_scope` or `invalid_token`; None where no token came."""


def challenge_field(**parameters: str | None) -> str:
    """The value of a WWW-Authenticate field (RFC 6750 §3, RFC 9728 §5.1), with the parameters that are not None.

    No value has a quotation mark or a backslash.
    """
    said = ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value is not None)
    return f"Bearer {said}".strip()


class JsonRpcError(Exception):
    """A JSON-RPC error response: its code, the HTTP status of the modern form, and a text and data for the client."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        status: int = 400,
        details: object = UNSET,
        answers: RequestId | UnsetType = UNSET,
        needs: BearerChallenge | None = None,
        retry_after: int | None = None,
    ) -> None:
        """`answers` is the id of the failed request, if it could be read; `needs` is what a 401 or 403 asks for.

        `retry_after` is the seconds to wait, which status 429 goes with.
        """
        super().__init__(message)
        self.code = code
        self.status = status
        self.details = details
        self.answers = answers
        self.needs = needs
        self.retry_after = retry_after
        self.result: bytes | None = None
        """The encoded result that tells the same in its place, under the same status."""


class ErrorData(Struct, frozen=True):
    """The error member of a response."""

    code: int
    message: str
    data: Any = UNSET


class ErrorResponse(Struct, frozen=True):
    """An error response; without an id if none could be read (it must not be null)."""

    jsonrpc: str
    id: RequestId | UnsetType
    error: ErrorData


_ENCODER: Final = msgspec.json.Encoder()
JSON_DECODE_ERRORS: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding raises for bytes that are no JSON text, or are nested too deeply."""


def notification_bytes(method: str, params: Mapping[str, Any]) -> bytes:
    """An encoded notification."""
    return _ENCODER.encode({"jsonrpc": "2.0", "method": method, "params": params})


def error_bytes(error: JsonRpcError) -> bytes:
    """An encoded error response."""
    data = ErrorData(int(error.code), str(error), error.details)
    return _ENCODER.encode(ErrorResponse("2.0", error.answers, data))
