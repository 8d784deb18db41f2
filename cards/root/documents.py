"""The machine-readable documents that every page here may point at: they are served in every state of the roadmap."""

from typing import Final

from msgspec import Struct


class Document(Struct, frozen=True):
    """Where a document is and what a reader gets from it."""

    path: str
    title: str
    note: str


DOCUMENTS: Final = (
    Document("/.well-known/mcp/server-card.json", "Server card", "the MCP server, its status and every promised tool"),
    Document("/.well-known/ai-catalog.json", "AI catalog", "what this origin offers to agents"),
    Document("/.well-known/api-catalog", "API catalog", "descriptions, documentation and health of the API"),
    Document("/.well-known/agent-skills/index.json", "Agent skills", "how to shop here, as an installable skill"),
    Document("/.well-known/protocols", "Protocols", "every protocol spoken here, in one document"),
    Document("/mcp/info", "MCP server", "capabilities, protocol versions and every address beside the endpoint"),
    Document("/mcp/docs", "MCP catalogue", "tools, resources and prompts as Markdown, phase by phase"),
    Document("/mcp/config", "Client configuration", "paste-ready entries for well-known MCP clients"),
    Document("/openapi.json", "OpenAPI", "the HTTP surface"),
)
