"""`/api/docs`: the endpoint and its tools, for people who build agents."""

from typing import Any

from storefront_mcp.cards.site.arguments import arguments
from storefront_mcp.cards.site.snippets import curl_command, snippets
from storefront_mcp.cards.site.templating import render_template
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.tools.tool import Tool


def docs_page(store: Store, roadmap: Roadmap) -> bytes:
    """The documentation as HTML."""
    return render_template("docs.html.j2", store, roadmap, **_facts(store, roadmap))


def docs_markdown(store: Store, roadmap: Roadmap) -> bytes:
    """The same documentation as Markdown."""
    return render_template("docs.md.j2", store, roadmap, **_facts(store, roadmap))


def docs_links(store: Store, roadmap: Roadmap) -> str:
    """The `Link` header of `/api/docs`."""
    return (
        '</api/docs.md>; rel="alternate"; type="text/markdown", '
        '</llms.txt>; rel="describedby"; type="text/plain", '
        '</openapi.json>; rel="service-desc"'
    )


def _facts(store: Store, roadmap: Roadmap) -> dict[str, Any]:
    tools = roadmap.open_tools()
    first = next((tool for tool in tools if not tool.input_schema.get("required")), None)
    return {
        "tools": tools,
        "arguments": arguments,
        "marks": side_effects,
        "snippets": snippets(store),
        "listing": curl_command(store, "tools/list", None),
        "calling": None if first is None else curl_command(store, "tools/call", {"name": first.name, "arguments": {}}),
    }


def side_effects(tool: Tool) -> str:
    """The tool's annotations as a sentence: whether it writes, destroys, and may be repeated."""
    if not tool.writes:
        return "Reads only."
    effect = "Changes something and may take something away" if tool.destructive else "Changes something"
    return f"{effect}; {'repeating it is safe' if tool.idempotent else 'repeating it does it again'}."
