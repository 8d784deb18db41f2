"""JSON-RPC 2.0: ids, error codes, refusals, and answers written without detours."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

Id = str | int


class Code(IntEnum):
    """Error codes of JSON-RPC 2.0 and of MCP (specification, basic)."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    HEADER_MISMATCH = -32020
    MISSING_CAPABILITY = -32021
    UNSUPPORTED_VERSION = -32022
    RESOURCE_NOT_FOUND = -32002
    """Of the handshake era only; the modern form says INVALID_PARAMS."""
    TOO_OFTEN = 429
    """Ours, as HTTP has it: outside of what JSON-RPC reserves."""


class Refused(Exception):
    """A message that cannot be served: JSON-RPC code, HTTP status of the modern form, and what an outsider may know."""

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        status: int = 400,
        details: object = UNSET,
        answers: Id | UnsetType = UNSET,
        needs: str | None = None,
    ) -> None:
        """`answers` is the id of the request that is refused, where it could be read; `needs` is a missing scope."""
        super().__init__(message)
        self.code = code
        self.status = status
        self.details = details
        self.answers = answers
        self.needs = needs


class Failure(Struct, frozen=True):
    """The error member of an answer."""

    code: int
    message: str
    data: Any = UNSET


class FailureAnswer(Struct, frozen=True):
    """An answer that is an error; without an id when none could be read (it must not be null)."""

    jsonrpc: str
    id: Id | UnsetType
    error: Failure


_ENCODER: Final = msgspec.json.Encoder()
UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding raises for bytes that are no JSON text, or are nested without end."""


def answer_bytes(id_: Id, result: bytes) -> bytes:
    """A successful answer around a result that is encoded already."""
    return b"".join((b'{"jsonrpc":"2.0","id":', _ENCODER.encode(id_), b',"result":', result, b"}"))


def notification_bytes(method: str, params: Mapping[str, Any]) -> bytes:
    """A message that wants no answer."""
    return _ENCODER.encode({"jsonrpc": "2.0", "method": method, "params": params})


def failure_bytes(refused: Refused) -> bytes:
    """An error answer."""
    failure = Failure(int(refused.code), str(refused), refused.details)
    return _ENCODER.encode(FailureAnswer("2.0", refused.answers, failure))
