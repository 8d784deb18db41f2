"""What the server can do, in the words of each version: the same at run time and in every document."""

from typing import Any

from storefront_mcp.mcp.versions import ProtocolVersion


def capabilities(version: ProtocolVersion) -> dict[str, Any]:
    """ServerCapabilities. Only what is really published is advertised: changes only where somebody can be told."""
    changes = {"listChanged": True} if version.tells_of_changes else {}
    return {
        "tools": {"listChanged": version.tells_of_changes},
        "resources": {**changes},
        "prompts": {**changes},
        **({"completions": {}} if version.speaks_sound else {}),
    }
