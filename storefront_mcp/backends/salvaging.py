"""Decodes what fits of a JSON body, so that one odd field costs that field only."""

from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec

from storefront_mcp.backends.upstream_messages import UpstreamResponse

T = TypeVar("T")

MAX_MEMBERS: Final = 1000
"""Of a list with a member that does not fit, or with more of them than it may have."""

_LOST: Final = object()


def read_what_fits(answer: UpstreamResponse, kind: type[T]) -> T:
    """The body as `kind`; a field that does not fit has its default, a list is without members that do not fit.

    Raises ShopDown, or ShopOutcomeUnknown after a write, when a field without a default does not fit.
    """
    try:
        found = _decode(answer.body, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = _LOST
    return answer.read(kind) if found is _LOST else found  # type: ignore[return-value]


class NumberedMember(msgspec.Struct, frozen=True):
    """What has a number for an id."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class NamedMember(msgspec.Struct, frozen=True):
    """What has a text for an id."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


def read_members(
    members: Iterable[msgspec.Raw],
    kind: type[T],
    named_as: type[NumberedMember] | type[NamedMember] = NumberedMember,
) -> Iterator[tuple[T | None, str | None]]:
    """Each member as `kind`, None where it does not fit, with its `id` where it has one."""
    for one in members:
        try:
            yield msgspec.json.decode(one, type=kind, strict=False), None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            named = _decode(one, named_as)
            yield None, str(named.id) if isinstance(named, (NumberedMember, NamedMember)) else None


def _decode(body: bytes | msgspec.Raw, kind: Any) -> object:  # noqa: ANN401 -- any type that msgspec decodes
    """The body as `kind`, or `_LOST`. Raises DecodeError when it is no JSON."""
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except msgspec.ValidationError:
        pass
    origin = get_origin(kind)
    if origin is Annotated and get_origin(get_args(kind)[0]) is list:
        return _decode(body, get_args(kind)[0])
    if origin in {Union, UnionType}:
        found = (_decode(body, one) for one in get_args(kind) if one is not type(None))
        return next((one for one in found if one is not _LOST), _LOST)
    try:
        if origin is list:
            members = msgspec.json.decode(body, type=list[msgspec.Raw])[:MAX_MEMBERS]
            found = (_decode(one, get_args(kind)[0]) for one in members)
            return [one for one in found if one is not _LOST]
        if isinstance(origin or kind, type) and issubclass(origin or kind, msgspec.Struct):
            return _decode_struct(msgspec.json.decode(body, type=dict[str, msgspec.Raw]), kind)
    except msgspec.ValidationError:
        pass
    return _LOST


def _decode_struct(given: dict[str, msgspec.Raw], kind: Any) -> object:  # noqa: ANN401
    found = {
        field.name: _decode(given[field.encode_name], field.type)
        for field in msgspec.structs.fields(kind)
        if field.encode_name in given
    }
    try:
        return (get_origin(kind) or kind)(**{name: value for name, value in found.items() if value is not _LOST})
    except TypeError:
        return _LOST
