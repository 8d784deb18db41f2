"""Tools, resources and prompts as list results have them, in each protocol version."""

from collections.abc import Mapping, Sequence
from typing import Any

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.apps import OpenWidgets
from storefront_mcp.mcp.versions import ProtocolVersion
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.tools.prompt import Prompt
from storefront_mcp.tools.resource import Resource
from storefront_mcp.tools.tool import Tool

Entry = dict[str, Any]


def tool_entries(
    tools: Sequence[Tool],
    version: ProtocolVersion,
    schemes: Mapping[str, Sequence[Entry]] | None = None,
    widgets: OpenWidgets | None = None,
) -> list[Entry]:
    """Tool definitions; `schemes` as `security_schemes`, `widgets` for clients that show them."""
    known = schemes or {}
    shown = widgets.tool_meta if widgets is not None and version.item_meta else {}
    return [
        _tool(tool, version)
        | ({"securitySchemes": known[tool.name]} if tool.name in known else {})
        | ({"_meta": shown[tool.name]} if tool.name in shown else {})
        for tool in tools
    ]


def security_schemes(roadmap: Roadmap) -> Mapping[str, Sequence[Entry]]:
    """How the tools that take a customer's token take it, by name; empty while nobody can sign in.

    It is no part of MCP: ChatGPT decides by it when to ask a person to sign in.
    """
    if not roadmap.signs_in:
        return {}
    needed = {name: scope for name, scope in roadmap.requirements.items() if scope in BUYER_SCOPE_NAMES}
    return {
        **{name: [_oauth2(scope)] for name, scope in needed.items()},
        **{name: [{"type": "noauth"}, _oauth2(scope)] for name, scope in roadmap.optional_scopes.items()},
    }


def _oauth2(scope: str) -> Entry:
    return {"type": "oauth2", "scopes": [scope]}


def prompt_entries(prompts: Sequence[Prompt], version: ProtocolVersion) -> list[Entry]:
    """Prompt definitions with their arguments."""
    return [
        {
            **_base_entry(prompt.name, prompt.title, prompt.description, version),
            "arguments": [
                {"name": argument.name, "description": argument.description, "required": argument.required}
                for argument in prompt.arguments
            ],
        }
        for prompt in prompts
    ]


def resource_entries(
    resources: Sequence[Resource], store: Store, version: ProtocolVersion, widgets: OpenWidgets | None = None
) -> list[Entry]:
    """Single resources, the known addresses of resource templates, and `widgets` for clients that show them."""
    single = [
        _base_entry(resource.name, resource.title, resource.description, version) | _kind("uri", resource.uri, resource)
        for resource in resources
        if not resource.is_template
    ]
    members = [
        _base_entry(known.name, known.title, known.description or resource.description, version)
        | _kind("uri", known.uri, resource)
        for resource in resources
        if resource.known is not None
        for known in resource.known(store)
    ]
    shown = widgets.entries if widgets is not None and version.item_meta else ()
    return single + members + [dict(entry) for entry in shown]


def template_entries(resources: Sequence[Resource], version: ProtocolVersion) -> list[Entry]:
    """Resource templates."""
    return [
        _base_entry(resource.name, resource.title, resource.description, version)
        | _kind("uriTemplate", resource.uri, resource)
        for resource in resources
        if resource.is_template
    ]


def _tool(tool: Tool, version: ProtocolVersion) -> Entry:
    entry = _base_entry(tool.name, tool.title, tool.description, version) | {"inputSchema": tool.input_schema}
    if version.tool_annotations:
        entry["annotations"] = {
            **({} if version.structured_content else {"title": tool.title}),
            "readOnlyHint": not tool.writes,
            "destructiveHint": tool.destructive,
            # False by default, and without a meaning for what only reads.
            **({"idempotentHint": True} if tool.writes and tool.idempotent else {}),
            "openWorldHint": False,
        }
    return entry


def _base_entry(name: str, title: str, description: str, version: ProtocolVersion) -> Entry:
    titled = {"title": title} if version.structured_content else {}
    return {"name": name, **titled, "description": description}


def _kind(key: str, address: str, resource: Resource) -> Entry:
    return {key: address, "mimeType": resource.media_type}
