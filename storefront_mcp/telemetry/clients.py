"""Which program calls: a few known ones by name, so that clients cannot multiply the numbers told of them."""

import re
from collections.abc import Mapping
from typing import Final

from storefront_mcp.calls.watching import Asking

UNKNOWN: Final = "unknown"
OTHER: Final = "other"
REMEMBERED: Final = 1_024
LONGEST: Final = 200
"""Characters of a name that are looked at."""

KNOWN: Final[Mapping[str, str]] = {
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
"""What a program's name holds, and what it is called then; the first match counts."""

CALLED: Final = frozenset({*KNOWN.values(), UNKNOWN, OTHER})
_PATTERN: Final = re.compile("|".join(map(re.escape, KNOWN)))


class Clients:
    """Remembers what it once recognised; a full memory starts afresh."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def of(self, asking: Asking) -> str:
        """One of `CALLED` for whoever sent a request."""
        program = asking.program()
        known = self._known.get(program)
        if known is None:
            known = recognised(asking.client())
            if len(program) <= LONGEST:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[program] = known
        return known


def recognised(client: str) -> str:
    """The known program whose name comes first in what a client says of itself.

    >>> recognised("claude-code 2.1"), recognised("my own agent"), recognised("")
    ('claude', 'other', 'unknown')
    """
    if not client.strip():
        return UNKNOWN
    found = _PATTERN.search(client[:LONGEST].lower())
    return OTHER if found is None else KNOWN[found[0]]
