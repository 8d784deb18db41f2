"""A posted message and its routing headers: decoding in one pass, version negotiation, and the first contradiction."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import fields

from storefront_mcp.mcp.header_arguments import BASE64_PREFIX, decode_value
from storefront_mcp.mcp.jsonrpc import JSON_DECODE_ERRORS, ErrorCode, JsonRpcError, RequestId
from storefront_mcp.mcp.versions import (
    DEFAULT_NEGOTIATED_VERSION,
    HANDSHAKE_VERSIONS,
    MODERN_VERSIONS,
    ProtocolVersion,
)

WRONG_ID: Final = "id must be a string or an integer"
META_PREFIX: Final = "io.modelcontextprotocol/"
Text = str | None | UnsetType
"""A member that should be a string: None if it is something else, UNSET if there is none."""
TEXT_FIELDS: Final = {"name": "name", "uri": "uri", "protocolVersion": "protocol_version"}
"""Members of `params` that a method may require, and their fields."""


class RequestMeta(Struct, frozen=True):
    """`_meta` of a request: what a modern request declares, and what any request may send."""

    protocol_version: Text = msgspec.field(default=UNSET, name=META_PREFIX + "protocolVersion")
    client_capabilities: Raw | UnsetType = msgspec.field(default=UNSET, name=META_PREFIX + "clientCapabilities")
    progress_token: Raw | UnsetType = msgspec.field(default=UNSET, name="progressToken")
    log_level: Text = msgspec.field(default=UNSET, name=META_PREFIX + "logLevel")
    client_info: Raw | UnsetType = msgspec.field(default=UNSET, name=META_PREFIX + "clientInfo")
    traceparent: Text = UNSET
    tracestate: Text = UNSET


class RequestParams(Struct, frozen=True, rename="camel"):
    """Members of `params` that some method reads; those that are no strings stay undecoded."""

    name: Text = UNSET
    uri: Text = UNSET
    arguments: Raw | UnsetType = UNSET
    cursor: Raw | UnsetType = UNSET
    protocol_version: Text = UNSET
    capabilities: Raw | UnsetType = UNSET
    ref: Raw | UnsetType = UNSET
    argument: Raw | UnsetType = UNSET
    notifications: Raw | UnsetType = UNSET
    input_responses: Raw | UnsetType = UNSET
    request_state: Text = UNSET
    meta: RequestMeta | UnsetType | None = msgspec.field(default=UNSET, name="_meta")
    """None if it is no object."""

    def require(self, name: str) -> str:
        """A string member by its name in the message. Raises JsonRpcError."""
        value = getattr(self, TEXT_FIELDS[name])
        if not isinstance(value, str):
            raise JsonRpcError(ErrorCode.INVALID_PARAMS, f"params.{name} must be a string")
        return value


class JsonRpcMessage(Struct, frozen=True):
    """A posted request, notification or response."""

    jsonrpc: str = ""
    id: RequestId | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: RequestParams | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class _Envelope(Struct, frozen=True):
    """A message whose `params` have members of an unexpected type, or with an id like 1.0."""

    jsonrpc: str = ""
    id: RequestId | float | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: dict[str, Raw] | UnsetType | None = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class _OnlyId(Struct, frozen=True):
    id: RequestId | float | UnsetType = UNSET


VERSION_HEADER, METHOD_HEADER, NAME_HEADER = b"mcp-protocol-version", b"mcp-method", b"mcp-name"
ROUTING_HEADERS: Final = {VERSION_HEADER: "MCP-Protocol-Version", METHOD_HEADER: "Mcp-Method", NAME_HEADER: "Mcp-Name"}
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
ESCAPE_PATTERN: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape in a JSON string; what it groups is a surrogate without its other half."""
REPLACEMENT_ESCAPE: Final = rb"\ufffd"
MAX_EXACT_FLOAT: Final = 2**53
"""A float up to here that has no fraction is exactly that integer."""
NAME_PARAMETERS: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Methods that `Mcp-Name` is sent for, and the parameter that it must equal."""
HANDSHAKE_METHOD: Final = "initialize"
LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


class RoutingHeaders(Struct, frozen=True):
    """Routing headers as they came, trimmed; None where absent."""

    version: str | None = None
    method: str | None = None
    name: str | None = None
    repeated: str | None = None
    """A routing header that was sent twice."""


S = TypeVar("S", bound=Struct)
_MESSAGE: Final = msgspec.json.Decoder(JsonRpcMessage)
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_ONLY_ID: Final = msgspec.json.Decoder(_OnlyId)
NO_PARAMS: Final = RequestParams()
NO_META: Final = RequestMeta()


def meta_of(message: JsonRpcMessage) -> RequestMeta:
    """The message's `_meta`; empty if it has none, or no object."""
    return NO_META if message.params is UNSET else message.params.meta or NO_META


def check_text(body: bytes) -> None:
    """Check that a body is UTF-8 (RFC 8259 §8.1), also in undecoded members. Raises JsonRpcError."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise JsonRpcError(ErrorCode.PARSE_ERROR, "Parse error") from None


def read_message(body: bytes | Raw, *, repairs: bool = True) -> JsonRpcMessage:
    """Decode one message. A member of an unexpected type is left to the method that reads it.

    With `repairs`, what is no JSON text only by a byte order mark or half of a surrogate pair is mended.
    `params` of null are as none, and an id of 1.0 is the integer 1.

    Raises JsonRpcError: PARSE_ERROR, INVALID_REQUEST, or INVALID_PARAMS if only `params` is wrong.
    """
    try:
        if isinstance(body, bytes):
            # As `check_text`: members that no method reads stay undecoded.
            body.decode()
        message = _MESSAGE.decode(body)
    except JSON_DECODE_ERRORS as error:
        message = _read_otherwise(body, error, repairs=repairs)
    if message.jsonrpc != "2.0":
        raise JsonRpcError(ErrorCode.INVALID_REQUEST, 'jsonrpc must be "2.0"', answers=message.id)
    return message


def _read_otherwise(body: bytes | Raw, wrong: Exception, *, repairs: bool) -> JsonRpcMessage:
    """Decode what is no message as it is: member by member, or repaired. Raises JsonRpcError."""
    if isinstance(wrong, msgspec.ValidationError):
        try:
            return _read_leniently(body)
        except JsonRpcError as error:
            if error.code is not ErrorCode.PARSE_ERROR:
                raise
    if not repairs or isinstance(body, Raw) or (whole := repair_text(body)) == body:
        raise JsonRpcError(ErrorCode.PARSE_ERROR, "Parse error") from None
    return _read_repaired(whole)


def _read_repaired(body: bytes) -> JsonRpcMessage:
    """Decode a repaired message; an id that was mended is none, as the answer could not carry what was sent."""
    try:
        message = read_message(body, repairs=False)
    except JsonRpcError as error:
        if is_mended(error.answers):
            error.answers = UNSET
        raise
    if is_mended(message.id):
        raise JsonRpcError(ErrorCode.INVALID_REQUEST, WRONG_ID)
    return message


def is_mended(id_: RequestId | UnsetType) -> bool:
    """Whether an id has the sign for half of a surrogate pair."""
    return isinstance(id_, str) and "\ufffd" in id_


def repair_text(body: bytes) -> bytes:
    """A body without byte order mark (RFC 8259 §8.1), and with U+FFFD for each half of a surrogate pair."""
    body = body.removeprefix(BYTE_ORDER_MARK)
    return ESCAPE_PATTERN.sub(lambda escape: escape[0] if escape[1] is None else REPLACEMENT_ESCAPE, body)


def read_batch(body: bytes) -> list[Raw]:
    """The elements of an array, undecoded. Raises JsonRpcError."""
    try:
        return _RAWS.decode(body)
    except JSON_DECODE_ERRORS:
        raise JsonRpcError(ErrorCode.PARSE_ERROR, "Parse error") from None


def is_batch(body: bytes) -> bool:
    """Whether a body starts as a JSON array."""
    return body.lstrip(b" \t\r\n")[:1] == b"["


def _read_leniently(body: bytes | Raw) -> JsonRpcMessage:
    """Decode a message member by member. Raises JsonRpcError."""
    try:
        envelope = _ENVELOPE.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid_request(body, str(error)) from None
    except JSON_DECODE_ERRORS:
        raise JsonRpcError(ErrorCode.PARSE_ERROR, "Parse error") from None
    params = _members(RequestParams, envelope.params) if isinstance(envelope.params, dict) else UNSET
    id_ = _request_id(envelope.id)
    return JsonRpcMessage(envelope.jsonrpc, id_, envelope.method, params, envelope.result, envelope.error)


def _request_id(sent: RequestId | float | UnsetType) -> RequestId | UnsetType:
    """An id; a float without a fraction is an integer, as in JSON Schema. Raises JsonRpcError."""
    if not isinstance(sent, float):
        return sent
    if not sent.is_integer() or abs(sent) > MAX_EXACT_FLOAT:
        raise JsonRpcError(ErrorCode.INVALID_REQUEST, WRONG_ID)
    return int(sent)


def _members(kind: type[S], sent: dict[str, Raw]) -> S:
    """A struct from its members; None for each of an unexpected type."""
    found: dict[str, Any] = {}
    for field in fields(kind):
        raw = sent.get(field.encode_name)
        if raw is None:
            continue
        if field.type == Text:
            found[field.name] = _read(raw, str)
        elif field.encode_name == "_meta":
            members = _read(raw, dict[str, Raw])
            found[field.name] = None if members is None else _members(RequestMeta, members)
        else:
            found[field.name] = raw
    return kind(**found)


def _read(raw: Raw, kind: Any) -> Any:  # noqa: ANN401 -- a type and one of its values
    try:
        return msgspec.json.decode(raw, type=kind)
    except JSON_DECODE_ERRORS:
        return None


def _invalid_request(body: bytes | Raw, complaint: str) -> JsonRpcError:
    """Error for JSON that is no message. msgspec reports one member only, so the id is decoded again."""
    try:
        id_ = _request_id(_ONLY_ID.decode(body).id)
    except msgspec.ValidationError as error:
        wrong_id = "$.id" in str(error)
        return JsonRpcError(ErrorCode.INVALID_REQUEST, WRONG_ID if wrong_id else complaint)
    except JSON_DECODE_ERRORS:
        return JsonRpcError(ErrorCode.PARSE_ERROR, "Parse error")
    code = ErrorCode.INVALID_PARAMS if "$.params" in complaint else ErrorCode.INVALID_REQUEST
    return JsonRpcError(code, complaint, answers=id_)


def read_routing(headers: Sequence[tuple[bytes, bytes]], fields: Mapping[bytes, bytes] | None = None) -> RoutingHeaders:
    """Pick the routing headers out of an ASGI header list (lower-case names); of one sent twice, the last.

    `fields` are the same headers by name, if the caller has them already.
    """
    if fields is None:
        fields = dict(headers)
    repeated = None
    # Hardly any request repeats a header: only then it matters which one.
    if len(fields) != len(headers):
        fields, repeated = dict(headers), _duplicated_header(headers)
    version, method, name = fields.get(VERSION_HEADER), fields.get(METHOD_HEADER), fields.get(NAME_HEADER)
    return RoutingHeaders(
        None if version is None else version.decode("latin-1").strip(" \t"),
        None if method is None else method.decode("latin-1").strip(" \t"),
        None if name is None else name.decode("latin-1").strip(" \t"),
        repeated,
    )


def accepts_event_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether `Accept` allows an event stream, or is not sent; some clients list JSON alone."""
    listed = [value.lower() for key, value in headers if key == b"accept"]
    return not listed or any(b"text/event-stream" in value or b"*/*" in value for value in listed)


def names_modern(routing: RoutingHeaders) -> bool:
    """Whether the version header names no version of the handshake era."""
    return routing.version is not None and routing.version not in HANDSHAKE_VERSIONS


def may_open_handshake(routing: RoutingHeaders) -> bool:
    """Whether the version header of `initialize` names nothing but versions of its era: one, several or none."""
    return all(named.strip() in {"", *HANDSHAKE_VERSIONS} for named in (routing.version or "").split(","))


def is_response(message: JsonRpcMessage) -> bool:
    """Whether a message answers a request of ours; there are none over HTTP."""
    answered = message.result is not UNSET or message.error is not UNSET
    return message.method is UNSET and message.id is not UNSET and answered


def is_handshake(message: JsonRpcMessage, meta: RequestMeta) -> bool:
    """Whether this is `initialize` and does not declare itself modern in full: the modern form has no such method."""
    if message.method != HANDSHAKE_METHOD:
        return False
    claimed = meta.protocol_version
    return not isinstance(claimed, str) or claimed in HANDSHAKE_VERSIONS or not _declares_capabilities(meta)


def legacy_version(routing: RoutingHeaders) -> ProtocolVersion:
    """Version of a message of the handshake era."""
    return HANDSHAKE_VERSIONS.get(routing.version or "", DEFAULT_NEGOTIATED_VERSION)


def check_modern(message: JsonRpcMessage, meta: RequestMeta, routing: RoutingHeaders) -> ProtocolVersion:
    """Checks 1 to 6 of a modern request (specification, Streamable HTTP). Raises JsonRpcError."""
    if routing.repeated:
        raise JsonRpcError(ErrorCode.HEADER_MISMATCH, f"{routing.repeated} was sent twice")
    claimed, method = meta.protocol_version, message.method
    if not isinstance(claimed, str):
        served = routing.version is None or routing.version in MODERN_VERSIONS
        unknown = "" if served else "MCP-Protocol-Version names none of the versions served here, and "
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, f"{unknown}_meta lacks {META_PREFIX}protocolVersion")
    if not _declares_capabilities(meta):
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, f"_meta lacks {META_PREFIX}clientCapabilities")
    if routing.version != claimed:
        raise JsonRpcError(
            ErrorCode.HEADER_MISMATCH, f"MCP-Protocol-Version does not match _meta {META_PREFIX}protocolVersion"
        )
    if routing.method != method:
        raise JsonRpcError(ErrorCode.HEADER_MISMATCH, "Mcp-Method does not match method")
    if method in NAME_PARAMETERS and message.params is not UNSET:
        subject = getattr(message.params, NAME_PARAMETERS[method])
        if isinstance(subject, str) and (routing.name != subject or subject.startswith(BASE64_PREFIX)):
            _check_name(subject, NAME_PARAMETERS[method], routing)
    version = MODERN_VERSIONS.get(claimed)
    if version is None:
        raise unsupported_version(claimed)
    return version


def check_log_level(meta: RequestMeta) -> None:
    """Check that a log level is one of the specification's (logging). Raises JsonRpcError."""
    if meta.log_level is not UNSET and meta.log_level not in LOG_LEVELS:
        raise JsonRpcError(
            ErrorCode.INVALID_PARAMS, f"_meta {META_PREFIX}logLevel must be one of {', '.join(LOG_LEVELS)}"
        )


def unsupported_version(requested: str) -> JsonRpcError:
    """Error for a version that is not supported."""
    return JsonRpcError(
        ErrorCode.UNSUPPORTED_PROTOCOL_VERSION,
        "Unsupported protocol version",
        details={"supported": list(MODERN_VERSIONS), "requested": requested},
    )


def _duplicated_header(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The routing header that was sent twice; of several, the last."""
    routing = [key for key, _ in headers if key in ROUTING_HEADERS]
    twice = [key for number, key in enumerate(routing) if key in routing[:number]]
    return ROUTING_HEADERS[twice[-1]] if twice else None


def _declares_capabilities(meta: RequestMeta) -> bool:
    return meta.client_capabilities is not UNSET and bytes(meta.client_capabilities)[:1] == b"{"


def _check_name(subject: str, parameter: str, routing: RoutingHeaders) -> None:
    """`Mcp-Name` must equal the parameter, verbatim or in Base64. Raises JsonRpcError with HEADER_MISMATCH."""
    if routing.name is None or decode_value(routing.name) != subject:
        raise JsonRpcError(ErrorCode.HEADER_MISMATCH, f"Mcp-Name does not match params.{parameter}")
