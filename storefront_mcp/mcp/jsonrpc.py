"""JSON-RPC 2.0 envelopes, read in one pass and written without detours."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

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


class Params(Struct, frozen=True, rename="camel"):
    """Members of `params` that any of our methods reads, each left as it came."""

    name: Raw | UnsetType = UNSET
    uri: Raw | UnsetType = UNSET
    arguments: Raw | UnsetType = UNSET
    cursor: Raw | UnsetType = UNSET
    protocol_version: Raw | UnsetType = UNSET
    ref: Raw | UnsetType = UNSET
    argument: Raw | UnsetType = UNSET
    notifications: Raw | UnsetType = UNSET
    input_responses: Raw | UnsetType = UNSET
    request_state: Raw | UnsetType = UNSET
    meta: Raw | UnsetType = msgspec.field(default=UNSET, name="_meta")


class Message(Struct, frozen=True):
    """Whatever was posted: request, notification or response."""

    jsonrpc: str = ""
    id: Id | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Params | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


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


class _OnlyId(Struct, frozen=True):
    id: Id | UnsetType = UNSET


_MESSAGE: Final = msgspec.json.Decoder(Message)
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_ONLY_ID: Final = msgspec.json.Decoder(_OnlyId)
_ENCODER: Final = msgspec.json.Encoder()
UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding raises for bytes that are no JSON text, or are nested without end."""


def check_text(body: bytes) -> None:
    """JSON is UTF-8 (RFC 8259, 8.1), also in members that nobody reads. Raises Refused."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise Refused(Code.PARSE_ERROR, "Parse error") from None


def read_message(body: bytes | Raw) -> Message:
    """Decode one message. Raises Refused: PARSE_ERROR, INVALID_REQUEST, or INVALID_PARAMS if only `params` is wrong."""
    try:
        if isinstance(body, bytes):
            # JSON is UTF-8 (RFC 8259, 8.1), also in members that nobody reads.
            body.decode()
        message = _MESSAGE.decode(body)
    except msgspec.ValidationError as error:
        raise _misshapen(body, str(error)) from None
    except UNREADABLE:
        raise Refused(Code.PARSE_ERROR, "Parse error") from None
    if message.jsonrpc != "2.0":
        raise Refused(Code.INVALID_REQUEST, 'jsonrpc must be "2.0"', answers=message.id)
    return message


def read_batch(body: bytes) -> list[Raw]:
    """The elements of an array, undecoded. Raises Refused."""
    try:
        return _RAWS.decode(body)
    except UNREADABLE:
        raise Refused(Code.PARSE_ERROR, "Parse error") from None


def is_batch(body: bytes) -> bool:
    """Whether a body is a JSON array, by its first character."""
    return body.lstrip(b" \t\r\n")[:1] == b"["


def _misshapen(body: bytes | Raw, complaint: str) -> Refused:
    """What is wrong with JSON that is no message. The complaint of one member says nothing about what follows it."""
    try:
        id_ = _ONLY_ID.decode(body).id
    except msgspec.ValidationError as error:
        wrong_id = "$.id" in str(error)
        return Refused(Code.INVALID_REQUEST, "id must be a string or an integer" if wrong_id else complaint)
    except UNREADABLE:
        return Refused(Code.PARSE_ERROR, "Parse error")
    code = Code.INVALID_PARAMS if "$.params" in complaint else Code.INVALID_REQUEST
    return Refused(code, complaint, answers=id_)


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
