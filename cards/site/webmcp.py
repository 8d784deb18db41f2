"""`/webmcp.js`: offers the open reading tools to the agent of a visitor's browser (WebMCP)."""

import msgspec

from storefront_mcp.cards.site.roadmap_view import reading_tools
from storefront_mcp.cards.site.templating import render_template
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap


def webmcp_js(store: Store, roadmap: Roadmap) -> bytes:
    """The script with the open reading tools.

    Writing tools are left out: loading a page must not let a browser's agent change a cart.
    """
    offered = [
        {"name": tool.name, "title": tool.title, "description": tool.description, "inputSchema": tool.input_schema}
        for tool in reading_tools(roadmap)
    ]
    return render_template(
        "webmcp.js.j2", store, None, tools=msgspec.json.format(msgspec.json.encode(offered)).decode()
    )
