"""`/webmcp.js`: offers the open reading tools to the agent of a visitor's browser (WebMCP)."""

import msgspec

from cards.root.rendering import rendered
from cards.root.shown import reading_tools
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap


def webmcp_js(store: Store, roadmap: Roadmap) -> bytes:
    """A script with the tools in it; where nothing is open it offers nothing.

    Only reading tools: a page that a buyer merely looks at must not change a cart for whoever drives the browser.
    """
    offered = [
        {"name": tool.name, "title": tool.title, "description": tool.description, "inputSchema": tool.input_schema}
        for tool in reading_tools(roadmap)
    ]
    return rendered("webmcp.js.j2", store, None, tools=msgspec.json.format(msgspec.json.encode(offered)).decode())
