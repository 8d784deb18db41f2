"""`/mcp/tools`: every open tool as `tools/list` shows it, and every promised one apart from them."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from cards.beside.promises import Promised, promised
from cards.form import SCHEMA, STATUS, TEXT, Member, form, named
from cards.wording import status
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.tool import Tool


class Annotations(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a caller must know before calling or repeating (MCP `ToolAnnotations`)."""

    title: str
    read_only_hint: bool
    destructive_hint: bool
    idempotent_hint: bool
    open_world_hint: bool = False


class OpenTool(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A tool that can be called now (MCP `Tool`)."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None = None
    annotations: Annotations


class Tools(Struct, frozen=True, kw_only=True):
    """The document. What stands in `promised` cannot be called yet."""

    status: Literal["planned", "active"]
    tools: tuple[OpenTool, ...]
    promised: tuple[Promised, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return pretty(
        Tools(
            status=status(roadmap),
            tools=tuple(map(_open, roadmap.open_tools())),
            promised=promised(roadmap, lambda manifest: manifest.tools, lambda phase: phase.tools),
        )
    )


def _open(tool: Tool) -> OpenTool:
    return OpenTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=Annotations(
            title=tool.title,
            read_only_hint=not tool.writes,
            destructive_hint=tool.destroys,
            idempotent_hint=tool.repeats,
        ),
    )


OPEN: Final = named(lambda _, roadmap: [tool.name for tool in roadmap.open_tools()], "the tools that are open")
COMING: Final = named(
    lambda _, roadmap: [
        promise.name for phase, promise in roadmap.promises() if not (phase.open and promise.name in phase.tools)
    ],
    "the tools that are promised and not open",
)
TOOLS: Final = Card(
    name="mcp-tools",
    paths=("/mcp/tools",),
    media_type=JSON,
    render=_render,
    form=form(
        Member("status", STATUS),
        Member("tools", OPEN),
        Member("tools[].description", TEXT, optional=True),
        Member("tools[].inputSchema", SCHEMA, optional=True),
        Member("promised", COMING),
    ),
)
