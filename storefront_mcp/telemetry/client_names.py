"""Map a client's name or User-Agent to a fixed set of labels, to bound metric cardinality."""

import re
from collections.abc import Mapping
from typing import Final

from storefront_mcp.instrumentation import ObservedRequest

UNKNOWN_CLIENT: Final = "unknown"
OTHER_CLIENT: Final = "other"
LABEL_CACHE_SIZE: Final = 1_024
"""Names remembered in a plain dict: each request looks one up, which saves 1 µs, as much as cachetools would cost."""
MAX_CLIENT_CHARS: Final = 200

KNOWN_CLIENTS: Final[Mapping[str, str]] = {
    "claude": "claude",
    "anthropic": "claude",
    "chatgpt": "chatgpt",
    "openai": "chatgpt",
    "gemini": "gemini",
    "copilot": "copilot",
    "vscode": "vscode",
    "visual studio code": "vscode",
    "cursor": "cursor",
    "goose": "goose",
    "windsurf": "windsurf",
    "librechat": "librechat",
    "inspector": "inspector",
    "mcp-remote": "mcp-remote",
    "fastmcp": "fastmcp",
    "python-httpx": "python-sdk",
    "mcp-python": "python-sdk",
    "mcp-client": "sdk",
    "node": "node",
    "curl": "curl",
    "mozilla": "browser",
}
"""Label by a part of the program's name; the first match counts."""

CLIENT_LABELS: Final = frozenset({*KNOWN_CLIENTS.values(), UNKNOWN_CLIENT, OTHER_CLIENT})
_PATTERN: Final = re.compile("|".join(map(re.escape, KNOWN_CLIENTS)))


class ClientNames:
    """Client labels, cached; a full cache is emptied."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def label(self, request: ObservedRequest) -> str:
        """One of `CLIENT_LABELS` for the sender of a request."""
        raw = request.raw_client()
        known = self._known.get(raw)
        if known is None:
            known = client_label(request.client())
            if len(raw) <= MAX_CLIENT_CHARS:
                if len(self._known) >= LABEL_CACHE_SIZE:
                    self._known.clear()
                self._known[raw] = known
        return known


def client_label(client: str) -> str:
    """The label of the known program whose name comes first in a client's name.

    >>> client_label("claude-code 2.1"), client_label("my own agent"), client_label("")
    ('claude', 'other', 'unknown')
    """
    if not client.strip():
        return UNKNOWN_CLIENT
    found = _PATTERN.search(client[:MAX_CLIENT_CHARS].lower())
    return OTHER_CLIENT if found is None else KNOWN_CLIENTS[found[0]]
