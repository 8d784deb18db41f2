"""Call a tool by the way that every call takes, as a client that can be talked with or not."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from storefront_mcp.access.caller import GUEST
from storefront_mcp.calls.pipeline import ToolCall, run_call
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool_context import Level
from tests.fakes.memory_backend import roadmap

OPEN = roadmap("p1_browse", "p2_cart", "p3_checkout")
ADA = {
    "first_name": "Ada",
    "last_name": "Byron",
    "street": "1 Queen Street",
    "city": "Brisbane",
    "region": "QLD",
    "postcode": "4000",
    "country": "AU",
    "phone": "+61 7 0000 0000",
}
"""An address with all that a shop wants."""


class Line(Struct, frozen=True, kw_only=True):
    """One call's line to its client; what is said to it goes nowhere."""

    can_ask: bool = False
    capabilities: Mapping[str, Any] = {}
    answers: Mapping[str, Any] = {}
    state: Any = None

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None: ...

    async def log(self, level: Level, value: Any) -> None: ...


SILENT = Line()


async def use(shop: Shop, tool: str, *, context: Line = SILENT, **arguments: Any) -> Any:
    """The tool's value."""
    raw = msgspec.Raw(msgspec.json.encode(arguments))
    return await run_call(ToolCall(tool=tool, arguments=raw, caller=GUEST, roadmap=OPEN, shop=shop, context=context))
