"""`Widget`: a view of tools' results that chat hosts show in a frame (MCP Apps), as data, with its renderer."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

APPS_EXTENSION: Final = "io.modelcontextprotocol/ui"
"""The extension by which a client says that it shows widgets."""


class Widget(Struct, frozen=True, kw_only=True):
    """One view. It shows what its tools return anyway, and nothing else."""

    name: str
    """Part of its address: `cart`."""
    title: str
    description: str
    """For the host and its model: what the buyer sees."""
    invoking: str
    """What a host may say while a tool of it runs; at most 64 characters."""
    render: Callable[[Store, Roadmap, str], str]
    """One HTML document without references to anything outside, for a version of the extension."""

    def is_open(self, roadmap: Roadmap) -> bool:
        """Whether a tool can be called whose phase says that this shows its results."""
        return self.name in roadmap.widgets.values()
