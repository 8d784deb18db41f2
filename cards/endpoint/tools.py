"""`/mcp/tools`: open tools as `tools/list` returns them, and upcoming ones in a list of their own."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from storefront_mcp.cards.endpoint.upcoming import UpcomingItem, upcoming_items
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.phrases import phase_status
from storefront_mcp.cards.rules.json_rules import SCHEMA, STATUS, TEXT, MemberRule, json_validator, names_exactly
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, InfoEntry
from storefront_mcp.roadmap.roadmap import Condition, Roadmap
from storefront_mcp.tools.tool import Tool


class ToolAnnotations(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a caller must know before calling or repeating (MCP `ToolAnnotations`)."""

    read_only_hint: bool
    destructive_hint: bool
    idempotent_hint: bool | UnsetType = UNSET
    """Left out where it is false, the default, or says nothing, as of what only reads."""
    open_world_hint: bool = False


class OpenTool(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A tool that can be called now (MCP `Tool`)."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    annotations: ToolAnnotations


class ToolList(Struct, frozen=True, kw_only=True):
    """The document. Tools in `upcoming` cannot be called yet."""

    status: Condition
    tools: tuple[OpenTool, ...]
    promised: tuple[UpcomingItem, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return pretty_json(
        ToolList(
            status=phase_status(roadmap),
            tools=tuple(map(_open, roadmap.open_tools())),
            promised=upcoming_items(roadmap, lambda manifest: manifest.tools, lambda phase: phase.open_tools),
        )
    )


def _open(tool: Tool) -> OpenTool:
    return OpenTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        annotations=ToolAnnotations(
            read_only_hint=not tool.writes,
            destructive_hint=tool.destructive,
            idempotent_hint=True if tool.writes and tool.idempotent else UNSET,
        ),
    )


OPEN: Final = names_exactly(lambda _, roadmap: [tool.name for tool in roadmap.open_tools()], "the tools that are open")
COMING: Final = names_exactly(
    lambda _, roadmap: [promise.name for phase, promise in roadmap.promises() if promise.name not in phase.open_tools],
    "the tools that are promised and not open",
)
TOOLS: Final = Card(
    name="mcp-tools",
    paths=("/mcp/tools",),
    media_type=JSON_TYPE,
    info_entry=InfoEntry("tools", "Every tool: those that work now, and those that are promised"),
    render=_render,
    validate=json_validator(
        MemberRule("status", STATUS),
        MemberRule("tools", OPEN),
        MemberRule("tools[].description", TEXT, optional=True),
        MemberRule("tools[].inputSchema", SCHEMA, optional=True),
        MemberRule("promised", COMING),
    ),
)
