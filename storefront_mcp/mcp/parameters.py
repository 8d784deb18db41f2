"""Arguments that a tool wants repeated in headers (`x-mcp-header`), and the check that both say the same."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from storefront_mcp.mcp.headers import decoded
from storefront_mcp.mcp.jsonrpc import UNREADABLE, Code, Refused

PREFIX: Final = "mcp-param-"
MARK: Final = "x-mcp-header"
NUMBER: Final = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?", re.ASCII)


class Repeated(Struct, frozen=True):
    """One argument that has a header, and where it is."""

    header: str
    """In lower case, prefix included."""
    path: tuple[str, ...]


def repeated_in(schema: Mapping[str, Any]) -> tuple[Repeated, ...]:
    """Marked arguments of an input schema, reached through plain properties only (specification, Streamable HTTP)."""
    return tuple(_marked(schema, ()))


def check_parameters(
    repeated: Sequence[Repeated], headers: Iterable[tuple[bytes, bytes]], arguments: Raw | UnsetType
) -> None:
    """Every marked argument stands in its header and says the same; fails closed. Raises Refused."""
    sent_headers: dict[str, list[str]] = {}
    for name, value in headers:
        sent_headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    try:
        sent = {} if arguments is UNSET else msgspec.json.decode(arguments)
    except UNREADABLE:
        sent = {}
    for parameter in repeated:
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
        if not _same(decoded(values[0].strip(" \t"), said_by=_spelt(parameter)), argument):
            raise _mismatch(parameter, f"does not match the argument {'.'.join(parameter.path)}")


def _marked(schema: Mapping[str, Any], path: tuple[str, ...]) -> Sequence[Repeated]:
    found: list[Repeated] = []
    for name, member in schema.get("properties", {}).items():
        if not isinstance(member, Mapping):
            continue
        if isinstance(mark := member.get(MARK), str):
            found.append(Repeated(PREFIX + mark.lower(), (*path, name)))
        found += _marked(member, (*path, name))
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
        return NUMBER.fullmatch(header) is not None and Decimal(header) == Decimal(value)
    return bool(header == value)


def _mismatch(parameter: Repeated, problem: str) -> Refused:
    return Refused(Code.HEADER_MISMATCH, f"{_spelt(parameter)} {problem}")


def _spelt(parameter: Repeated) -> str:
    return f"Mcp-Param-{parameter.header.removeprefix(PREFIX).title()}"
