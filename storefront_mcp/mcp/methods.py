"""What each method answers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.errors import CallError
from storefront_mcp.calls.pipeline import Call, run
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.mcp.catalogue import Catalogue
from storefront_mcp.mcp.era import text
from storefront_mcp.mcp.errors import shown
from storefront_mcp.mcp.jsonrpc import Code, Params, Refused
from storefront_mcp.mcp.results import tool_error, tool_result
from storefront_mcp.mcp.versions import LEGACY, OFFERED, ProtocolVersion


class Asked(Struct, frozen=True, kw_only=True):
    """One request, with everything it may need."""

    params: Params | UnsetType
    version: ProtocolVersion
    caller: Caller
    shop: Shop
    catalogue: Catalogue


Method = Callable[[Asked], Awaitable[bytes]]


async def initialize(asked: Asked) -> bytes:
    """The handshake: agree on a version, ours when the client's is unknown."""
    if asked.params is UNSET:
        raise Refused(Code.INVALID_PARAMS, "initialize needs params.protocolVersion")
    requested = text(asked.params.protocol_version)
    if requested is None:
        raise Refused(Code.INVALID_PARAMS, "params.protocolVersion must be a string")
    return asked.catalogue.welcome(LEGACY.get(requested, OFFERED))


async def discover(asked: Asked) -> bytes:
    """What the server is and speaks (specification, server/discover)."""
    return asked.catalogue.discovery(asked.version)


async def ping(asked: Asked) -> bytes:  # noqa: ARG001 -- every method has the same form
    """Alive."""
    return b"{}"


async def list_tools(asked: Asked) -> bytes:
    """The open tools, all on one page."""
    cursor = UNSET if asked.params is UNSET else asked.params.cursor
    # Some clients write null for what they leave out.
    if cursor is not UNSET and bytes(cursor) != b"null":
        raise Refused(Code.INVALID_PARAMS, "Unknown cursor: the tools fit on one page")
    return asked.catalogue.tools(asked.version)


async def call_tool(asked: Asked) -> bytes:
    """Run a tool."""
    params = asked.params
    name = None if params is UNSET else text(params.name)
    if params is UNSET or name is None:
        raise Refused(Code.INVALID_PARAMS, "params.name must be a string")
    call = Call(
        tool=name,
        arguments=None if params.arguments is UNSET else params.arguments,
        caller=asked.caller,
        roadmap=asked.catalogue.roadmap,
        shop=asked.shop,
    )
    try:
        value = await run(call)
    except (ShopError, CallError) as error:
        form = shown(error)
        if form.form == "error":
            raise Refused(form.code, str(error), status=form.status) from None
        detail = error.detail if isinstance(error, ShopError) else None
        return tool_error(str(error), detail, asked.version, asked.shop.store)
    return tool_result(value, asked.version, asked.shop.store)


_SHARED: Final[Mapping[str, Method]] = {"tools/list": list_tools, "tools/call": call_tool}
_LEGACY: Final[Mapping[str, Method]] = {"initialize": initialize, "ping": ping, **_SHARED}
_MODERN: Final[Mapping[str, Method]] = {"server/discover": discover, **_SHARED}


def method_named(name: str, version: ProtocolVersion) -> Method:
    """The method of that name in a version. Raises Refused with METHOD_NOT_FOUND."""
    method = (_LEGACY if version.handshake else _MODERN).get(name)
    if method is None:
        raise Refused(Code.METHOD_NOT_FOUND, "Method not found", status=404)
    return method
