"""Read what was posted, in one pass: an envelope, the members of `params` that we look at, and its `_meta`."""

from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import fields

from storefront_mcp.mcp.jsonrpc import UNREADABLE, Code, Id, Refused

PREFIX: Final = "io.modelcontextprotocol/"
Text = str | None | UnsetType
"""A member that is to be a string: None where it is something else, UNSET where there is none."""


class Meta(Struct, frozen=True):
    """The claim that a modern request makes about itself, and what any request may have sent along."""

    protocol_version: Text = msgspec.field(default=UNSET, name=PREFIX + "protocolVersion")
    client_capabilities: Raw | UnsetType = msgspec.field(default=UNSET, name=PREFIX + "clientCapabilities")
    progress_token: Raw | UnsetType = msgspec.field(default=UNSET, name="progressToken")
    log_level: Text = msgspec.field(default=UNSET, name=PREFIX + "logLevel")
    client_info: Raw | UnsetType = msgspec.field(default=UNSET, name=PREFIX + "clientInfo")
    traceparent: Text = UNSET
    tracestate: Text = UNSET


class Params(Struct, frozen=True, rename="camel"):
    """Members of `params` that any of our methods reads; those that are no strings are left as they came."""

    name: Text = UNSET
    uri: Text = UNSET
    arguments: Raw | UnsetType = UNSET
    cursor: Raw | UnsetType = UNSET
    protocol_version: Text = UNSET
    ref: Raw | UnsetType = UNSET
    argument: Raw | UnsetType = UNSET
    notifications: Raw | UnsetType = UNSET
    input_responses: Raw | UnsetType = UNSET
    request_state: Text = UNSET
    meta: Meta | UnsetType | None = msgspec.field(default=UNSET, name="_meta")
    """None where it is no object."""


class Message(Struct, frozen=True):
    """Whatever was posted: request, notification or response."""

    jsonrpc: str = ""
    id: Id | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Params | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class _Envelope(Struct, frozen=True):
    """A message whose `params` have members of a type that we did not expect."""

    jsonrpc: str = ""
    id: Id | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: dict[str, Raw] | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class _OnlyId(Struct, frozen=True):
    id: Id | UnsetType = UNSET


S = TypeVar("S", bound=Struct)
_MESSAGE: Final = msgspec.json.Decoder(Message)
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_ONLY_ID: Final = msgspec.json.Decoder(_OnlyId)
NO_PARAMS: Final = Params()
NO_META: Final = Meta()


def meta_of(message: Message) -> Meta:
    """The message's `_meta`; empty when it has none or one of another shape."""
    return NO_META if message.params is UNSET else message.params.meta or NO_META


def check_text(body: bytes) -> None:
    """JSON is UTF-8 (RFC 8259, 8.1), also in members that nobody reads. Raises Refused."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise Refused(Code.PARSE_ERROR, "Parse error") from None


def read_message(body: bytes | Raw) -> Message:
    """Decode one message. Raises Refused: PARSE_ERROR, INVALID_REQUEST, or INVALID_PARAMS if only `params` is wrong.

    A member of another type than its method wants is that method's to refuse: others do not look at it.
    """
    try:
        if isinstance(body, bytes):
            # JSON is UTF-8 (RFC 8259, 8.1), also in members that nobody reads.
            body.decode()
        message = _MESSAGE.decode(body)
    except msgspec.ValidationError:
        message = _with_care(body)
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


def _with_care(body: bytes | Raw) -> Message:
    """A message member by member. Raises Refused."""
    try:
        envelope = _ENVELOPE.decode(body)
    except msgspec.ValidationError as error:
        raise _misshapen(body, str(error)) from None
    except UNREADABLE:
        raise Refused(Code.PARSE_ERROR, "Parse error") from None
    params = UNSET if envelope.params is UNSET else _members(Params, envelope.params)
    return Message(envelope.jsonrpc, envelope.id, envelope.method, params, envelope.result, envelope.error)


def _members(kind: type[S], sent: dict[str, Raw]) -> S:
    """A struct out of what was sent for it, each member of another type as None."""
    found: dict[str, Any] = {}
    for field in fields(kind):
        raw = sent.get(field.encode_name)
        if raw is None:
            continue
        if field.type == Text:
            found[field.name] = _read(raw, str)
        elif field.encode_name == "_meta":
            members = _read(raw, dict[str, Raw])
            found[field.name] = None if members is None else _members(Meta, members)
        else:
            found[field.name] = raw
    return kind(**found)


def _read(raw: Raw, kind: Any) -> Any:  # noqa: ANN401 -- a type and one of its values
    try:
        return msgspec.json.decode(raw, type=kind)
    except UNREADABLE:
        return None


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
