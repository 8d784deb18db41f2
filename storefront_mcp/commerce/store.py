"""`Store`: the public facts of one store."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct, field

from storefront_mcp.commerce.ids import StoreId

IMAGE_TYPES: Final = {
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
"""Media types by file extension; `mimetypes` depends on the machine."""


class ServerIdentity(Struct, frozen=True, kw_only=True):
    """What a store's MCP server advertises, at run time and in documents."""

    name: str
    """Reverse-DNS name with one slash, `example.pickle/storefront` (MCP server card, SEP-2127)."""
    version: str
    protocol_versions: tuple[str, ...]
    """MCP versions spoken over Streamable HTTP, oldest first."""
    sse_versions: tuple[str, ...] = ()
    """MCP versions spoken over the older HTTP+SSE transport; empty where it is not served."""
    preferred_version: str
    """The newest version with an `initialize` handshake."""
    capabilities: Mapping[str, object] = field(default_factory=lambda: {"tools": {"listChanged": False}})
    """MCP server capabilities, the same at run time and in cards."""


class Store(Struct, frozen=True, kw_only=True):
    """The public facts of one store. Absolute URLs use the configured origin, never a request's Host."""

    id: StoreId
    origin: str
    """Scheme, host and port without a trailing slash: `https://pickle.example`."""
    name: str
    currency: str
    """ISO 4217."""
    server: ServerIdentity
    hosts: tuple[str, ...] = ()
    """Host header values of this store besides the origin's own."""
    allowed_origins: tuple[str, ...] = ()
    """Browser origins besides the store's own that may call the MCP endpoint."""
    locale: str = "en"
    tagline: str = ""
    description: str | None = None
    """For the storefront card; None for the card's default text."""
    version: str | None = None
    """For the storefront card; None for the server's version."""
    icon: str | None = None
    documentation: str | None = None
    privacy_policy: str | None = None
    website: str | None = None
    """The shop's own website, if any."""
    delivery_times: Mapping[str, str] = field(default_factory=dict)
    """How long shipping methods take, a text for people, by the method's code."""
    legal_name: str | None = None
    """Of the business behind it."""
    address: str | None = None
    """Of the business, for people."""
    contact: str | None = None
    """How buyers reach the shop: an address, a phone number or a page."""
    pages: tuple[str, ...] = ()
    """Identifiers of the shop's pages that this origin republishes: shipping, returns, privacy-policy."""
    protocols: tuple[str, ...] = ()
    """Agent protocols that are spoken here besides MCP: `ucp`, `acp`, `a2a`."""
    ucp_keys: tuple[Mapping[str, str], ...] = ()
    """Public JWKs of the keys that answers of `ucp` are signed by."""
    shows_widgets: bool = True
    """Whether chat hosts that show views of results (MCP Apps) are told of ours."""
    root_documents: bool = True
    """Whether this server serves `/`, `/robots.txt`, `/llms.txt` and the like on this origin."""
    issuer: str | None = None
    """OAuth 2 issuer of accepted access tokens, where that is not this server."""
    client_documents: bool = False
    """Whether OAuth clients may be known by a metadata document of their own."""
    client_secrets: bool = False
    """Whether there are OAuth clients that prove themselves by a secret."""
    sign_in_note: str = ""
    """What people are told before they sign in."""
    security_contact: str | None = None
    """`mailto:` or `https:` URL for security.txt (RFC 9116)."""
    content_signals: str = "search=yes, ai-input=yes, ai-train=no"
    launch: str | None = None
    """ISO 8601 instant at which the first phase is meant to open."""
    pause_retry_seconds: int = 120
    """Retry-After while it is paused."""

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
        """Media type of the icon by its file extension; None when unknown."""
        return IMAGE_TYPES.get(PurePosixPath(urlsplit(self.icon or "").path).suffix.lower())

    @property
    def staff(self) -> str:
        """Whom a buyer asks, within a sentence: `the shop (orders@pickle.example)`."""
        return f"the shop ({self.contact})" if self.contact else "the shop"

    @property
    def website_url(self) -> str:
        """The shop's website, else this origin's front page."""
        return self.website or self.url("/")

    @property
    def title(self) -> str:
        """Display name of the MCP server."""
        return f"{self.name} MCP Server"

    @property
    def endpoint(self) -> str:
        """URL of the MCP endpoint."""
        return self.url("/mcp")

    @property
    def card_url(self) -> str:
        """URL of the storefront card."""
        return self.url("/.well-known/mcp/server-card.json")
