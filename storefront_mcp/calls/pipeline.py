"""The way of a call: is the tool open, may the caller, do the arguments fit, is it not too often; run it."""

import logging
from collections.abc import Awaitable
from functools import partial
from typing import Any, Final

from msgspec import Raw, Struct

from storefront_mcp.calls.arguments import read_arguments
from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.errors import ArgumentsRefused, CallError, CallFailed, NotOpenYet, ScopeMissing, UnknownTool
from storefront_mcp.calls.house import UNSEEN, House, Visit
from storefront_mcp.calls.limits import PASSES
from storefront_mcp.calls.scopes import holds
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.roadmap.conversation import CapabilityNeeded, Conversation
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.tool import Tool

log: Final = logging.getLogger("storefront_mcp.calls")


class Call(Struct, frozen=True, kw_only=True):
    """One wish to run one tool, with the roadmap its request began with."""

    tool: str
    arguments: Raw | None
    caller: Caller
    roadmap: Roadmap
    shop: Shop
    talk: Conversation | None = None
    house: House | None = None
    visit: Visit = UNSEEN


async def run(call: Call) -> Any:  # noqa: ANN401 -- whatever value the tool returns
    """Run a tool and return its value. Raises CallError, ShopError and CapabilityNeeded, nothing else."""
    tool = open_tool(call.roadmap, call.tool)
    needed, house = call.roadmap.requirements.get(tool.name), call.house
    if needed is not None and not holds(call.caller, needed):
        if house is not None and tool.writes:
            house.was_forbidden(tool, call.caller, call.visit)
        raise ScopeMissing(tool.name, needed)
    try:
        if house is not None and tool.writes:
            read, run_ = partial(_read, call, tool), partial(_run, call, tool)
            return await house.grants(tool, read, run_, call.caller, call.visit)
        # As `house.read`, written out: most calls read, and what they ask is often answered in microseconds.
        try:
            arguments = read_arguments(call.arguments, tool.arguments)
        except ArgumentsRefused:
            if house is not None:
                await house.admits(tool, None, call.caller, call.visit)
            raise
        if house is not None and (admits := house.admits(tool, arguments, call.caller, call.visit)) is not PASSES:
            await admits
        return await _run(call, tool, arguments)
    except (CallError, CapabilityNeeded):
        raise
    except ShopError as error:
        log.info("%s: %s: %s", tool.name, type(error).__name__, error.internal)
        raise
    except Exception:
        log.exception("%s failed", tool.name)
        raise CallFailed from None


def _read(call: Call, tool: Tool) -> Struct:
    return read_arguments(call.arguments, tool.arguments)


def _run(call: Call, tool: Tool, arguments: Struct) -> Awaitable[Any]:
    return tool.run(arguments, call.shop, call.talk) if tool.talks else tool.run(arguments, call.shop)


def open_tool(roadmap: Roadmap, name: str) -> Tool:
    """The tool of that name, if it works now. Raises UnknownTool and NotOpenYet."""
    tool = roadmap.working.get(name)
    if tool is not None:
        return tool
    promised = roadmap.promised_in(name)
    if promised is None:
        raise UnknownTool(name)
    raise NotOpenYet(name, promised)
