"""Arguments repeated in headers (`x-mcp-header`): how values are written, and that header and argument agree."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from storefront_mcp.mcp.jsonrpc import JSON_DECODE_ERRORS, ErrorCode, JsonRpcError

BASE64_PREFIX, BASE64_SUFFIX = "=?base64?", "?="
PARAMETER_HEADER_PREFIX: Final = "mcp-param-"
SCHEMA_KEYWORD: Final = "x-mcp-header"
NUMBER_PATTERN: Final = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?", re.ASCII)


class HeaderArgument(Struct, frozen=True):
    """One argument that has a header."""

    header: str
    """In lower case, prefix included."""
    path: tuple[str, ...]
    """Names of the properties that lead to it."""


def header_arguments(schema: Mapping[str, Any]) -> tuple[HeaderArgument, ...]:
    """Marked arguments of an input schema, reached through properties only (specification, Streamable HTTP)."""
    return tuple(_marked_arguments(schema, ()))


def check_header_arguments(
    marked: Sequence[HeaderArgument], headers: Iterable[tuple[bytes, bytes]], arguments: Raw | UnsetType
) -> None:
    """Check that each marked argument equals its header; fails closed. Raises JsonRpcError with HEADER_MISMATCH."""
    sent_headers: dict[str, list[str]] = {}
    for name, value in headers:
        sent_headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    try:
        sent = {} if arguments is UNSET else msgspec.json.decode(arguments)
    except JSON_DECODE_ERRORS:
        sent = {}
    for parameter in marked:
        values = sent_headers.get(parameter.header, ())
        argument = _at(sent, parameter.path)
        if len(values) > 1:
            raise _mismatch(parameter, "was sent twice")
        if argument is None:
            if values:
                raise _mismatch(parameter, "has no argument beside it")
            continue
        if not values:
            raise _mismatch(parameter, "is missing")
        if not _same(decode_value(values[0].strip(" \t"), header=_header_name(parameter)), argument):
            raise _mismatch(parameter, f"does not match the argument {'.'.join(parameter.path)}")


def decode_value(value: str, *, header: str = "Mcp-Name") -> str:
    """A header value, decoded if it is `=?base64?…?=`. Raises JsonRpcError with HEADER_MISMATCH."""
    if not (
        value.startswith(BASE64_PREFIX)
        and value.endswith(BASE64_SUFFIX)
        and len(value) >= len(BASE64_PREFIX) + len(BASE64_SUFFIX)
    ):
        return value
    inner = value[len(BASE64_PREFIX) : -len(BASE64_SUFFIX)]
    invalid = JsonRpcError(ErrorCode.HEADER_MISMATCH, f"{header} is not valid Base64 of UTF-8")
    try:
        raw = base64.b64decode(inner, validate=True)
        text = raw.decode()
    except (binascii.Error, ValueError):
        raise invalid from None
    if base64.b64encode(raw).decode() != inner:
        raise invalid
    return text


def _marked_arguments(schema: Mapping[str, Any], path: tuple[str, ...]) -> Sequence[HeaderArgument]:
    found: list[HeaderArgument] = []
    for name, member in schema.get("properties", {}).items():
        if not isinstance(member, Mapping):
            continue
        if isinstance(mark := member.get(SCHEMA_KEYWORD), str):
            found.append(HeaderArgument(PARAMETER_HEADER_PREFIX + mark.lower(), (*path, name)))
        found += _marked_arguments(member, (*path, name))
    return found


def _at(sent: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 -- any JSON
    for name in path:
        if not isinstance(sent, dict):
            return None
        sent = sent.get(name)
    return sent


def _same(header: str, value: Any) -> bool:  # noqa: ANN401 -- any JSON
    if isinstance(value, bool):
        return header == ("true" if value else "false")
    if isinstance(value, int | float):
        # 42 is 42.0; compared exactly, as two large numbers may be one float.
        return NUMBER_PATTERN.fullmatch(header) is not None and Decimal(header) == Decimal(value)
    return bool(header == value)


def _mismatch(parameter: HeaderArgument, problem: str) -> JsonRpcError:
    return JsonRpcError(ErrorCode.HEADER_MISMATCH, f"{_header_name(parameter)} {problem}")


def _header_name(parameter: HeaderArgument) -> str:
    return f"Mcp-Param-{parameter.header.removeprefix(PARAMETER_HEADER_PREFIX).title()}"
