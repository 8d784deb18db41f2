"""One shop as the world sees it: an origin, a name, and what is said under them."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct, field

from storefront_mcp.commerce.names import StoreId

IMAGES: Final = {
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
"""Media types by file name; a table of our own, since the machine's differs from machine to machine."""


class Speaker(Struct, frozen=True, kw_only=True):
    """What the MCP server of a store says about itself, at run time and in every document."""

    name: str
    """Reverse-DNS name with one slash, `example.pickle/storefront` (MCP server card, SEP-2127)."""
    version: str
    protocol_versions: tuple[str, ...]
    """MCP versions spoken over Streamable HTTP, oldest first."""
    sse_versions: tuple[str, ...] = ()
    """MCP versions spoken over the older HTTP+SSE transport; empty where it is not served."""
    preferred_version: str
    """The newest version that every client of the handshake era understands."""
    capabilities: Mapping[str, object] = field(default_factory=lambda: {"tools": {"listChanged": False}})
    """MCP server capabilities: what is advertised at run time is what the cards say."""


class Store(Struct, frozen=True, kw_only=True):
    """The facts of one store. Absolute URLs start with its configured origin, never with a request's Host."""

    id: StoreId
    origin: str
    """Scheme, host and port without a trailing slash: `https://pickle.example`."""
    name: str
    currency: str
    """ISO 4217."""
    speaker: Speaker
    hosts: tuple[str, ...] = ()
    """Host header values that mean this store; the origin's own always does."""
    allowed_origins: tuple[str, ...] = ()
    """Browser origins besides our own that may call the MCP endpoint."""
    locale: str = "en"
    tagline: str = ""
    description: str | None = None
    """For the storefront card, in every state; None lets the card find its own words."""
    version: str | None = None
    """Version on the storefront card, in every state; None follows the speaker's."""
    icon: str | None = None
    documentation: str | None = None
    privacy_policy: str | None = None
    website: str | None = None
    """Where people shop; None where this origin's own pages are all there is."""
    pages: tuple[str, ...] = ()
    """Identifiers of the shop's pages that this origin republishes: shipping, returns, privacy-policy."""
    root_documents: bool = True
    """Whether `/`, `/robots.txt`, `/llms.txt` and their like are ours to serve on this origin."""
    issuer: str | None = None
    """OAuth 2 issuer whose access tokens are accepted."""
    security_contact: str | None = None
    """`mailto:` or `https:` URL for security.txt (RFC 9116)."""
    content_signals: str = "search=yes, ai-input=yes, ai-train=no"
    launch: str | None = None
    """ISO 8601 instant at which the first phase is meant to open."""

    def url(self, path: str) -> str:
        """An absolute URL on this origin; `path` starts with a slash."""
        return self.origin + path

    @property
    def host(self) -> str:
        """Host, with the port where it is not the scheme's own: `127.0.0.1:8000`."""
        return urlsplit(self.origin).netloc

    @property
    def hostname(self) -> str:
        """Host without a port: `pickle.example`."""
        return urlsplit(self.origin).hostname or ""

    @property
    def icon_type(self) -> str | None:
        """Media type of the icon, by the end of its name; None when that tells nothing."""
        return IMAGES.get(PurePosixPath(urlsplit(self.icon or "").path).suffix.lower())

    @property
    def title(self) -> str:
        """What people call the MCP server."""
        return f"{self.name} MCP Server"

    @property
    def endpoint(self) -> str:
        """Where MCP is spoken."""
        return self.url("/mcp")

    @property
    def card_url(self) -> str:
        """Where the storefront card is."""
        return self.url("/.well-known/mcp/server-card.json")
