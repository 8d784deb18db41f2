"""Tools, resources and prompts as lists show them, in the words of each version."""

from collections.abc import Sequence
from typing import Any

from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.versions import ProtocolVersion
from storefront_mcp.roadmap.prompt import Prompt
from storefront_mcp.roadmap.resource import Resource
from storefront_mcp.roadmap.tool import Tool

Entry = dict[str, Any]


def tool_entries(tools: Sequence[Tool], version: ProtocolVersion) -> list[Entry]:
    """Tool definitions."""
    return [_tool(tool, version) for tool in tools]


def prompt_entries(prompts: Sequence[Prompt], version: ProtocolVersion) -> list[Entry]:
    """Prompt definitions with their blanks."""
    return [
        {
            **_named(prompt.name, prompt.title, prompt.description, version),
            "arguments": [
                {"name": argument.name, "description": argument.description, "required": argument.required}
                for argument in prompt.arguments
            ],
        }
        for prompt in prompts
    ]


def resource_entries(resources: Sequence[Resource], store: Store, version: ProtocolVersion) -> list[Entry]:
    """What can be read by its address: single resources, and the members of a family that are known by name."""
    single = [
        _named(resource.name, resource.title, resource.description, version) | _kind("uri", resource.uri, resource)
        for resource in resources
        if not resource.is_template
    ]
    members = [
        {"name": known.name, "description": known.description or resource.description}
        | _kind("uri", known.uri, resource)
        for resource in resources
        if resource.known is not None
        for known in resource.known(store)
    ]
    return single + members


def template_entries(resources: Sequence[Resource], version: ProtocolVersion) -> list[Entry]:
    """Families of resources."""
    return [
        _named(resource.name, resource.title, resource.description, version)
        | _kind("uriTemplate", resource.uri, resource)
        for resource in resources
        if resource.is_template
    ]


def _tool(tool: Tool, version: ProtocolVersion) -> Entry:
    entry = _named(tool.name, tool.title, tool.description, version) | {"inputSchema": tool.input_schema}
    if version.structures_results and tool.output_schema is not None:
        entry["outputSchema"] = tool.output_schema
    if version.annotates_tools:
        entry["annotations"] = {
            "title": tool.title,
            "readOnlyHint": not tool.writes,
            "destructiveHint": tool.destroys,
            "idempotentHint": tool.repeats,
            "openWorldHint": False,
        }
    return entry


def _named(name: str, title: str, description: str, version: ProtocolVersion) -> Entry:
    titled = {"title": title} if version.structures_results else {}
    return {"name": name, **titled, "description": description}


def _kind(key: str, address: str, resource: Resource) -> Entry:
    return {key: address, "mimeType": resource.media_type}
