"""The way of a call: is the tool open, do the arguments fit, run it."""

import logging
from typing import Any, Final

from msgspec import Raw, Struct

from storefront_mcp.calls.arguments import read_arguments
from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.errors import ArgumentsRefused, CallFailed, NotOpenYet, UnknownTool
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


async def run(call: Call) -> Any:  # noqa: ANN401 -- whatever value the tool returns
    """Run a tool and return its value. Raises CallError, ShopError and CapabilityNeeded, nothing else."""
    tool = open_tool(call.roadmap, call.tool)
    try:
        arguments = read_arguments(call.arguments, tool.arguments)
        return await (tool.run(arguments, call.shop, call.talk) if tool.talks else tool.run(arguments, call.shop))
    except (ArgumentsRefused, CapabilityNeeded):
        raise
    except ShopError as error:
        log.info("%s: %s: %s", tool.name, type(error).__name__, error.internal)
        raise
    except Exception:
        log.exception("%s failed", tool.name)
        raise CallFailed from None


def open_tool(roadmap: Roadmap, name: str) -> Tool:
    """The tool of that name, if it works now. Raises UnknownTool and NotOpenYet."""
    for phase in roadmap.phases:
        if phase.open and (tool := phase.tools.get(name)) is not None:
            return tool
    promised = roadmap.promised_in(name)
    if promised is None:
        raise UnknownTool(name)
    raise NotOpenYet(name, promised)
