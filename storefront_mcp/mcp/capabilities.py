"""ServerCapabilities of each protocol version, for responses and for cards."""

from typing import Any

from storefront_mcp.mcp.versions import ProtocolVersion


def capabilities(version: ProtocolVersion) -> dict[str, Any]:
    """ServerCapabilities. `listChanged` only in versions that have a stream to send changes on."""
    changes = {"listChanged": True} if version.list_changed_streams else {}
    return {
        "tools": {"listChanged": version.list_changed_streams},
        "resources": {**changes},
        "prompts": {**changes},
        **({"completions": {}} if version.audio_content else {}),
    }
