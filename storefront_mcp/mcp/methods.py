"""What each method answers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import UNSET

from storefront_mcp.calls.errors import CallError, ScopeMissing, TooOften
from storefront_mcp.calls.pipeline import Call, run
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.mcp.asking import Asked, asked_back, capability_missing
from storefront_mcp.mcp.completion import complete
from storefront_mcp.mcp.errors import scope_refused, shown
from storefront_mcp.mcp.jsonrpc import Code, Refused
from storefront_mcp.mcp.parameters import check_parameters
from storefront_mcp.mcp.prompts import get_prompt
from storefront_mcp.mcp.reading import read_resource
from storefront_mcp.mcp.results import content_result, tool_error, tool_result
from storefront_mcp.mcp.versions import LEGACY, OFFERED, ProtocolVersion
from storefront_mcp.roadmap.content import Content
from storefront_mcp.roadmap.conversation import Ask, CapabilityNeeded

Method = Callable[[Asked], Awaitable[bytes]]


async def initialize(asked: Asked) -> bytes:
    """The handshake: agree on a version, ours when the client's is unknown."""
    requested = asked.subject(asked.params.protocol_version, "protocolVersion")
    return asked.catalogue.welcome(LEGACY.get(requested, OFFERED))


async def discover(asked: Asked) -> bytes:
    """What the server is and speaks (specification, server/discover)."""
    return asked.catalogue.discovery(asked.version)


async def ping(asked: Asked) -> bytes:  # noqa: ARG001 -- every method has the same form
    """Alive."""
    return b"{}"


async def list_all(asked: Asked) -> bytes:
    """A list, all on one page: tools that the caller may call, prompts, resources or their templates."""
    cursor = asked.params.cursor
    # Some clients write null for what they leave out.
    if cursor is not UNSET and bytes(cursor) != b"null":
        raise Refused(Code.INVALID_PARAMS, "Unknown cursor: everything fits on one page")
    if asked.method == "tools/list":
        return asked.catalogue.tools_for(asked.caller, asked.version)
    return asked.catalogue.lists[asked.method][asked.version.id]


async def call_tool(asked: Asked) -> bytes:
    """Run a tool."""
    name = asked.subject(asked.params.name, "name")
    version, signed = asked.version, asked.catalogue.signed
    if repeated := asked.catalogue.repeated.get(name) if version.dresses_results else None:
        check_parameters(repeated, asked.headers, asked.params.arguments)
    call = Call(
        tool=name,
        arguments=None if asked.params.arguments is UNSET else asked.params.arguments,
        caller=asked.caller,
        roadmap=asked.catalogue.roadmap,
        shop=asked.shop,
        talk=asked.talk,
        house=asked.house,
        visit=asked,
    )
    try:
        value = await run(call)
    except BaseException as error:
        # As `looked_at`, written out: another coroutine would cost as much as all that is done here.
        if asked.look is not None:
            asked.look.became(type(error).__name__)
        if isinstance(error, CallError | ShopError | CapabilityNeeded):
            return _failed(error, asked)
        raise
    if isinstance(value, Content):
        return content_result(value, version, asked.shop.store)
    if isinstance(value, Ask):
        return asked_back(asked, name, value)
    return tool_result(value, version, signed)


def _failed(error: CallError | ShopError | CapabilityNeeded, asked: Asked) -> bytes:
    """What a call that failed answers. Raises Refused."""
    if isinstance(error, ScopeMissing):
        raise scope_refused(error, asked.caller) from None
    if isinstance(error, CapabilityNeeded):
        raise capability_missing(error, asked.version) from None
    form = shown(error)
    if form.form == "error":
        raise Refused(form.code, str(error), status=form.status) from None
    detail = error.detail if isinstance(error, ShopError | TooOften) else None
    return tool_error(str(error), detail, asked.version, asked.catalogue.signed)


_LISTS: Final = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
_SHARED: Final[Mapping[str, Method]] = {
    **dict.fromkeys(_LISTS, list_all),
    "tools/call": call_tool,
    "prompts/get": get_prompt,
    "resources/read": read_resource,
    "completion/complete": complete,
}
_LEGACY: Final[Mapping[str, Method]] = {"initialize": initialize, "ping": ping, **_SHARED}
_MODERN: Final[Mapping[str, Method]] = {"server/discover": discover, **_SHARED}


def method_named(name: str, version: ProtocolVersion) -> Method:
    """The method of that name in a version. Raises Refused with METHOD_NOT_FOUND."""
    method = (_LEGACY if version.handshake else _MODERN).get(name)
    if method is None:
        raise Refused(Code.METHOD_NOT_FOUND, "Method not found", status=404)
    return method
