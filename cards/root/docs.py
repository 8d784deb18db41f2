"""`/api/docs`: the endpoint and its tools, for people who build agents."""

from typing import Any

from cards.root.arguments import arguments
from cards.root.rendering import rendered
from cards.root.snippets import curl, snippets
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.tool import Tool


def docs(store: Store, roadmap: Roadmap) -> bytes:
    """The documentation as HTML."""
    return rendered("docs.html.j2", store, roadmap, **_facts(store, roadmap))


def docs_markdown(store: Store, roadmap: Roadmap) -> bytes:
    """The same documentation as Markdown."""
    return rendered("docs.md.j2", store, roadmap, **_facts(store, roadmap))


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
        "marks": marks,
        "snippets": snippets(store),
        "listing": curl(store, "tools/list", None),
        "calling": None if first is None else curl(store, "tools/call", {"name": first.name, "arguments": {}}),
    }


def marks(tool: Tool) -> str:
    """What a caller must know before retrying or asking a person, as the tool's annotations say it."""
    if not tool.writes:
        return "Reads only."
    effect = "Changes something and may take something away" if tool.destroys else "Changes something"
    return f"{effect}; {'repeating it is safe' if tool.repeats else 'repeating it does it again'}."
